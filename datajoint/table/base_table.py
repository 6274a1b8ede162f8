"""The table behind an expression that may be written to: a table, restricted or projected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from datajoint.errors import DataJointError
from datajoint.expression.nodes import Column, Limit, Node, Project, Restrict, TableNode
from datajoint.expression.operand import as_operand

if TYPE_CHECKING:
    from datajoint.connection import Connection
    from datajoint.definition import TableName
    from datajoint.expression.operand import Operand
    from datajoint.heading import Heading


@dataclass(frozen=True, slots=True)
class BaseTable:
    """What an expression over one table is about.

    Attributes
    ----------
    connection : Connection
    name : TableName
    heading : Heading
        Of the table itself.
    node : Node
        The expression.
    restricted : bool
        Whether the expression may leave out rows.
    """

    connection: Connection
    name: TableName
    heading: Heading
    node: Node
    restricted: bool

    @property
    def full_name(self) -> str:
        """The name as the engine quotes it."""
        return str(self.connection.dialect.quote(self.name.identifier))

    @property
    def key(self) -> tuple[str, ...]:
        """Names of the table's key columns, hidden ones included."""
        return tuple(n for n, a in self.heading._attributes.items() if a.in_key)

    @property
    def key_node(self) -> Node:
        """The expression's rows with the table's own key columns, under their own names."""
        columns = tuple(Column(name, _name_in(self.node, name)) for name in self.key)
        return Project(self.node, columns, self.heading.replaced(self.heading._attributes[n] for n in self.key))


def base_table(expression: Operand | type[Operand]) -> BaseTable:
    """Return the table behind `expression`, which may be a table's class.

    Raises
    ------
    DataJointError
        If `expression` is none, or its rows are not those of one table.
    """
    operand = as_operand(expression)
    if operand is None:
        raise DataJointError(f"{expression!r} is not a table.")
    node = operand._node
    restricted = False
    while not isinstance(node, TableNode):
        if not isinstance(node, Restrict | Limit | Project):
            raise DataJointError(
                "Only a table, its restrictions and its projections can be changed, not a join or a summary."
            )
        restricted = restricted or not isinstance(node, Project)
        node = node.source
    return BaseTable(operand.connection, node.name, node.heading, operand._node, restricted)


def _name_in(node: Node, name: str) -> str:
    """Return what the table's column `name` is called in the output of `node`."""
    if isinstance(node, Restrict | Limit):
        return _name_in(node.source, name)
    if isinstance(node, Project):
        inner = _name_in(node.source, name)
        return next(c.name for c in node.columns if c.origin == inner)
    return name


def refuse_unmatched(expression: Operand | type[Operand], verb: str) -> None:
    """Refuse to change rows that a misspelled dict was meant to single out.

    Raises
    ------
    DataJointError
        If a mapping among the restrictions names no attribute, and so restricts nothing.
    """
    names = getattr(as_operand(expression), "_unmatched", ())
    if names:
        raise DataJointError(
            f"Cannot {verb}: no attribute is named {', '.join(f'`{n}`' for n in names)}, so that a dict among the "
            "restrictions restricts nothing.",
            hint="Correct the name, or leave the dict out to mean all rows.",
        )
