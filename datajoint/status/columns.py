"""Which tables hang on the rows of an expression, and by which of their attributes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import networkx as nx

from datajoint.errors import DataJointError
from datajoint.expression.nodes import TableNode
from datajoint.graph.dependencies import extract_master, topo_sort
from datajoint.status.sources import tables_of

if TYPE_CHECKING:
    from datajoint.definition import TableName
    from datajoint.expression import QueryExpression
    from datajoint.heading import Heading
    from datajoint.table import Table

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Link:
    """How the rows of a table belong to those of an expression.

    Attributes
    ----------
    pairs : tuple of (str, str)
        An attribute of the expression's key, and the table's, or the carrier's, that has its values.
    carrier : Table or None
        The table on the way that has the expression's key, where the table itself has not.
    onward : tuple of (str, str)
        Key attributes of the carrier, and the table's that have their values.
    """

    pairs: Pairs
    carrier: Table | None = None
    onward: Pairs = ()

    @property
    def attributes(self) -> tuple[str, ...]:
        """Those of the table that tell to which row its rows belong."""
        return tuple(own for _, own in (self.onward if self.carrier is not None else self.pairs))


@dataclass(frozen=True)
class Dependent:
    """A table that depends on the rows, and on which of the others it depends."""

    table: Table
    link: Link
    parents: tuple[int, ...]


def dependents(rows: QueryExpression, context: Mapping[str, Any], *, parts: bool) -> list[Dependent]:
    """Return the tables, of any schema, that depend on the rows of an expression; parents before children.

    Raises
    ------
    DataJointError
        If the expression has no key, or is not of tables.
    """
    connection = rows.connection
    bases = set(_tables(rows._node))
    if not rows.primary_key or not bases:
        raise DataJointError(
            "A status matrix has a row for each key, and this expression has no key.",
            hint="Give a table, or an expression with a primary key.",
        )
    graph = connection.dependencies
    with graph.lock:
        graph.cover(sorted({name.schema for name in bases}))
        graph.load_all_downstream()
        names = dict(graph.table_names)
        nodes = {name: node for node, name in names.items()}
        below: set[str] = set()
        for base in bases:
            below |= nx.descendants(graph, nodes[base])
        order = [
            node for node in topo_sort(graph) if node in below and names[node] not in bases and _is_wanted(node, parts)
        ]
        parents = {node: set(graph.predecessors(node)) for node in order}
    tables = tables_of(connection, [names[node] for node in order] + list(bases), context)
    carriers = {nodes[base]: tables[base] for base in bases if match(rows.heading, tables[base].heading) is not None}
    return list(_linked(rows.heading, [(node, tables[names[node]]) for node in order], parents, carriers))


def _is_wanted(node: str, parts: bool) -> bool:
    return parts or extract_master(node) is None


def _linked(
    rows: Heading, tables: list[tuple[str, Table]], parents: Mapping[str, set[str]], carriers: dict[str, Table]
) -> Iterator[Dependent]:
    places: dict[str, int] = {}
    for node, table in tables:
        above = _above(node, parents)
        link = _link(rows, table, [carrier for parent, carrier in carriers.items() if parent in above])
        if link is None:
            continue
        if link.carrier is None:
            carriers[node] = table
        known = tuple(sorted(places[parent] for parent in above if parent in places))
        places[node] = len(places)
        yield Dependent(table, link, known)


def _above(node: str, parents: Mapping[str, set[str]]) -> set[str]:
    """Return what a table depends on, at whatever distance."""
    found: set[str] = set()
    pending = list(parents.get(node, ()))
    while pending:
        parent = pending.pop()
        if parent not in found:
            found.add(parent)
            pending += parents.get(parent, ())
    return found


def _link(rows: Heading, table: Table, carriers: list[Table]) -> Link | None:
    pairs = match(rows, table.heading)
    if pairs is not None:
        return Link(pairs)
    for carrier in carriers:
        onward = match(carrier.heading, table.heading)
        held = match(rows, carrier.heading)
        if onward is not None and held is not None:
            return Link(held, carrier, onward)
    return None


def match(above: Heading, below: Heading) -> Pairs | None:
    """Return the attributes of `below` that have the values of the key of `above`; None if any is missing.

    They are told by where they were first declared, whatever they are called; of several, the namesake.
    """
    pairs = []
    for name in above.primary_key:
        origin = above[name].lineage
        same = [own for own in below.names if origin is not None and below[own].lineage == origin]
        if name in below.names and (name in same or origin is None or below[name].lineage is None):
            same = [name]
        if not same:
            return None
        pairs.append((name, same[0]))
    return tuple(pairs)


def _tables(node: Any) -> Iterator[TableName]:
    """Yield the tables whose rows an expression has; those that only restrict it do not count."""
    if isinstance(node, TableNode):
        yield node.name
        return
    for field in ("source", "left", "right"):
        inner = getattr(node, field, None)
        if inner is not None:
            yield from _tables(inner)
