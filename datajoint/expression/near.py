"""Restriction over a distance: rows that belong to rows of a table many foreign keys away."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from datajoint.declare.stored import read_heading
from datajoint.errors import DataJointError, MissingTableError
from datajoint.expression.nodes import Aggregate, Column, Join, Limit, Node, Project, Restrict, TableNode
from datajoint.expression.operand import Operand, as_operand, check_connection
from datajoint.expression.predicates import Exists
from datajoint.logging import logger

if TYPE_CHECKING:
    from datajoint.connection import Connection
    from datajoint.definition import TableName
    from datajoint.graph.paths import JoinPath, Leg, Way


class Near:
    """A condition: the row belongs, along foreign keys, to some row of `other`.

    ``A & dj.Near(B)`` is ``A.near(B)``; ``A - dj.Near(B)`` are the other rows of A. It may stand in lists, `AndList`
    and `Not` like any condition.

    Parameters
    ----------
    other : QueryExpression or table class
        Any distance up or down, or on the other side of a common ancestor.
    via : table, str or list of these, optional
        What the way must pass, where there are several: tables (a class, an expression, a name) or attributes of a
        foreign key. A table that depends on both sides must be named here to be a way at all.

    Raises
    ------
    DataJointError
        If `other` is no expression. When it restricts: if the tables are not related, or in several ways.
    """

    def __init__(self, other: Any, *, via: Any = None) -> None:
        operand = as_operand(other)
        if operand is None:
            raise DataJointError("The argument of near must be a QueryExpression or a table class.")
        self.other = operand
        items = [] if via is None else [via] if isinstance(via, (str, type, Operand)) else list(via)
        self.via = tuple(_stop(item) for item in items)

    def predicate(self, left: Operand) -> Exists:
        """Return the condition on the rows of `left`."""
        from datajoint.graph.paths import find_path  # noqa: PLC0415 - loads networkx, when a path is asked for

        check_connection(left, self.other)
        connection = left.connection
        target, rows = _rows(left._node), _rows(self.other._node)
        path = find_path(connection, target.table, rows.table, self.via)
        logger.debug("near: %s", path)
        return _predicate(connection, target, rows, path)

    def ways(self, left: Any) -> list[Way]:
        """Return how rows of `left` may belong to those of `other`, whatever `via` says.

        Parameters
        ----------
        left : QueryExpression or table class

        Returns
        -------
        list of Way
            Each with its `text` and the `via` that chooses it. One without `via` needs no choice; none means that the
            tables are not related.

        Raises
        ------
        DataJointError
            If the rows of a side belong to no single table.
        """
        from datajoint.graph.paths import find_ways  # noqa: PLC0415 - as above

        operand = as_operand(left)
        if operand is None:
            raise DataJointError(f"{left!r} is neither an expression nor a table class.")
        check_connection(operand, self.other)
        return find_ways(operand.connection, _rows(operand._node).table, _rows(self.other._node).table)

    def __repr__(self) -> str:
        return f"Near({self.other!r})" if not self.via else f"Near({self.other!r}, via={self.via!r})"


def _stop(item: Any) -> TableName | str:
    if isinstance(item, str):
        return item
    operand = as_operand(item)
    if operand is None:
        raise DataJointError(f"via={item!r} is neither a table nor the name of one or of an attribute.")
    return _rows(operand._node).table


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows of one table: an expression, and what it calls the table's columns."""

    table: TableName
    base: TableNode
    node: Node
    names: dict[str, str]


def _rows(node: Node) -> _Rows:
    """Return which table the rows of an expression belong to, one to one.

    Raises
    ------
    DataJointError
        If they belong to no single table.
    """
    match node:
        case TableNode():
            return _Rows(node.name, node, node, {name: name for name in node.heading._attributes})
        case Restrict() | Limit():
            return replace(_rows(node.source), node=node)
        case Project() | Aggregate():
            inner = _rows(node.source)
            new_names: dict[str, str] = {}
            for column in node.columns:
                if column.origin is not None:
                    new_names.setdefault(column.origin, column.name)
            names = {name: new_names[own] for name, own in inner.names.items() if own in new_names}
            return replace(inner, node=node, names=names)
        case Join():
            for side in (node.left, node.right):
                if node.heading.primary_key == side.heading.primary_key:
                    inner = _rows(side)
                    visible = {n: own for n, own in inner.names.items() if own in node.heading}
                    return replace(inner, node=node, names=visible)
    raise DataJointError(
        "Rows of a union, a universal set or a join with a key of its own belong to no single table.",
        hint="Use near with tables, their restrictions, projections, extensions and aggregations.",
    )


def _predicate(connection: Connection, target: _Rows, rows: _Rows, path: JoinPath) -> Exists:
    hops = [hop for leg in path.legs for hop in _hops(leg)]
    for (table, pairs), (_, before) in reversed(list(zip(hops[1:], hops[:-1], strict=True))):
        node = _table_node(connection, table, [*(mine for mine, _ in pairs), *(theirs for _, theirs in before)])
        condition = _linked({mine: mine for mine, _ in pairs}, rows, pairs)
        names = {name: name for name in node.heading._attributes}
        rows = _Rows(table, node, Restrict(node, condition, node.heading), names)
    _, pairs = hops[0]
    if all(mine in target.names for mine, _ in pairs):
        return replace(_linked(target.names, rows, pairs), path=path)
    # What the way needs was projected out: find the rows in the table itself, by their keys.
    condition = _linked({mine: mine for mine, _ in pairs}, rows, pairs)
    whole = replace(target, node=Restrict(target.base, condition, target.base.heading))
    key = tuple((name, name) for name, a in target.base.heading._attributes.items() if a.in_key)
    return replace(_linked(target.names, replace(whole, names={n: n for n, _ in key}), key), path=path)


def _hops(leg: Leg) -> list[tuple[TableName, tuple[tuple[str, str], ...]]]:
    """Return the tables whose rows must be looked up, each with the columns that it shares with the next."""
    if leg.matched is not None:
        return [(leg.start, leg.matched)]
    hops = []
    table = leg.start
    for step in leg.steps:
        pairs = step.columns if step.up else tuple((parent, child) for child, parent in step.columns)
        hops.append((table, pairs))
        table = step.target
    return hops


def _linked(mine: dict[str, str], rows: _Rows, pairs: Iterable[tuple[str, str]]) -> Exists:
    """Return the condition that a row has a match in `rows`; `mine` are its own names of the columns."""
    if not all(theirs in rows.names for _, theirs in pairs):
        rows = _whole(rows)
    columns, attributes = [], []
    for own, theirs in pairs:
        name, origin = mine[own], rows.names[theirs]
        columns.append(Column(name, origin))
        attributes.append(rows.node.heading._attributes[origin]._replace(name=name, is_hidden=False))
    node = Project(rows.node, tuple(columns), rows.node.heading.replaced(attributes))
    return Exists(tuple(mine[own] for own, _ in pairs), node)


def _whole(rows: _Rows) -> _Rows:
    """Return the same rows with all columns of their table, found by key."""
    key = [(name, name) for name, a in rows.base.heading._attributes.items() if a.in_key]
    names = {name: name for name in rows.base.heading._attributes}
    condition = _linked(names, rows, key)
    return _Rows(rows.table, rows.base, Restrict(rows.base, condition, rows.base.heading), names)


def _table_node(connection: Connection, name: TableName, needed: Iterable[str]) -> TableNode:
    """Return a table that need not have a class, with the columns that a path can use."""
    catalog = connection.catalog(name.schema)
    info = catalog.tables.get(name.name) if catalog else None
    if catalog is None or info is None:
        raise MissingTableError(f"The table {name} does not exist.", table=str(name))
    used = {*needed, *info.primary_key, *(c for key in info.foreign_keys for c in key.columns)}
    info = replace(info, columns=tuple(c for c in info.columns if c.name in used))
    return TableNode(name, read_heading(info, catalog, connection.catalog))
