"""What is behind each box of a picture, for programs that show it and let one point at it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from datajoint.diagram.dot import node_id
from datajoint.errors import DataJointError
from datajoint.naming import did_you_mean
from datajoint.table import FreeTable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from datajoint.connection import Connection
    from datajoint.definition import TableName
    from datajoint.diagram.diagram import Diagram

D = TypeVar("D", bound="Diagram")


@dataclass(frozen=True, slots=True)
class Shown:
    """A box of a picture.

    Attributes
    ----------
    node : str
        The id of its element in the SVG.
    title, schema, tier : str
    tables : tuple of str
        Full names of the tables that it stands for; of a master, its own first.
    labels : tuple of str
        What these are called where names are short: ``session`` of ```lab`.`_session```.
    attributes : tuple of str
        Names of all their attributes.
    collapsed : bool
        Whether it stands for tables of a schema that are not drawn one by one.
    """

    node: str
    title: str
    schema: str
    tier: str
    tables: tuple[str, ...]
    labels: tuple[str, ...]
    attributes: tuple[str, ...]
    collapsed: bool


def shown_boxes(diagram: Diagram) -> list[Shown]:
    """Return the boxes of a diagram's picture, parents before children within a schema."""
    builder = diagram._scene_builder()
    members = builder.members()
    found = []
    for name, box in builder.build().boxes.items():
        nodes = tuple(members[name])
        infos = [diagram._tables[node] for node in nodes if node in diagram._tables]
        attributes = dict.fromkeys(c.name for info in infos for c in info.columns if not c.name.startswith("_"))
        found.append(
            Shown(
                node=node_id(box.table) if box.table is not None else f"dj-schema-{box.schema}",
                title=box.title,
                schema=box.schema,
                tier=box.tier,
                tables=nodes,
                labels=tuple(diagram._table_names[node].name.lstrip("#_") for node in nodes),
                attributes=tuple(attributes),
                collapsed=box.table is None,
            )
        )
    return found


def connection_behind(diagram: Diagram) -> Connection:
    """Return the connection of a diagram's tables."""
    return diagram._require_connection()


def names_of(diagram: Diagram, nodes: Iterable[str] | None = None) -> dict[str, TableName]:
    """Return the names of tables that a diagram knows, by their full names; of those shown by default.

    Raises
    ------
    DataJointError
        If it does not know one.
    """
    wanted = diagram.shown if nodes is None else list(nodes)
    for node in wanted:
        if node not in diagram._table_names:
            raise DataJointError(
                f"The diagram knows no table {node}.", hint=did_you_mean(node, diagram.nodes_to_show) or None
            )
    return {node: diagram._table_names[node] for node in wanted}


def table_name_of(diagram: Diagram, node: str) -> TableName:
    """Return the name of a table that a diagram knows; errors as of `names_of`."""
    return names_of(diagram, [node])[node]


def theme_of(diagram: Diagram) -> str:
    """Return the theme that a diagram is drawn in: ``light``, ``dark`` or ``auto``."""
    return diagram._theme({})


def title_of(diagram: Diagram) -> str:
    """Return what the picture shows, in one sentence."""
    return diagram._scene().title


def neighbours(diagram: D, node: str, up: int, down: int) -> D:
    """Return the diagram of a table and of those within `up` foreign keys above and `down` below it."""
    connection = diagram._require_connection()
    centre = type(diagram)(FreeTable(connection, str(table_name_of(diagram, node))), diagram.context)
    found: Any = (centre - up) + (centre + down)
    found._look = diagram._look
    return found  # type: ignore[no-any-return]


def arranged(diagram: D, collapsed: Collection[str], *, folded: bool, overview: bool) -> D:
    """Return the diagram with the tables of some schemas collapsed and all others drawn one by one.

    Parameters
    ----------
    collapsed : collection of str
        Names of schemas.
    folded : bool
        Whether parts are told in the boxes of their masters.
    overview : bool
        Whether every schema is collapsed, and tells its tiers.
    """
    result = type(diagram)(diagram)
    schema = {node: name.schema for node, name in diagram._table_names.items()}
    result._expanded_nodes = {node for node in diagram.nodes_to_show if not overview and schema[node] not in collapsed}
    result._folded, result._overview = folded, overview
    result.statuses = {}
    return result


def arrangement(diagram: Diagram) -> tuple[list[str], bool, bool]:
    """Return in which schemas a diagram has collapsed tables, whether parts are folded, whether it is an overview."""
    hidden = diagram.nodes_to_show - diagram._expanded_nodes
    schemas = sorted({diagram._table_names[node].schema for node in hidden})
    return schemas, diagram._folded, diagram._overview


def schemas_of(diagram: Diagram) -> list[str]:
    """Return the schemas that a diagram shows tables of."""
    return sorted({diagram._table_names[node].schema for node in diagram.nodes_to_show})
