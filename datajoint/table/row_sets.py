"""Rows of several tables that go together: each table restricted to its share of them."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from contextlib import nullcontext
from typing import TYPE_CHECKING

from datajoint.definition import TableName
from datajoint.expression import algebra
from datajoint.expression import predicates as p
from datajoint.expression.fetch import fetch_rows
from datajoint.expression.nodes import Column, Node, Project
from datajoint.logging import logger
from datajoint.table.free import FreeTable
from datajoint.table.reach import Condition, Conditions, Filled, Group, Linked, Own, Rows

if TYPE_CHECKING:
    from datajoint.connection import Connection

_MAX_SUBQUERIES = 24  # in a condition; beyond, values are fetched and sent back instead of nesting deeper


class RowSets:
    """The rows that conditions choose of several tables; they are asked for anew each time.

    Parameters
    ----------
    connection : Connection
    conditions : mapping of TableName to Condition
        Parents before children.
    """

    def __init__(self, connection: Connection, conditions: Conditions) -> None:
        self.connection = connection
        self.conditions = conditions

    def table(self, name: TableName) -> FreeTable:
        """Return the table `name`, restricted to its rows.

        Raises
        ------
        KeyError
            If there is no condition for it.
        """
        return _Reader(self.connection).restricted(name, self.conditions[name])

    def counts(self, names: Iterable[TableName] | None = None) -> dict[str, int]:
        """Count the rows of every table, all in one snapshot, and log the numbers.

        Parameters
        ----------
        names : iterable of TableName, optional
            The tables wanted, in order.

        Returns
        -------
        dict
            Full table name -> number of rows.
        """
        connection = self.connection
        counts = {}
        with nullcontext() if connection.in_transaction else connection.transaction(read_only=True):
            for name in self.conditions if names is None else names:
                table = self.table(name)
                counts[table.full_table_name] = count = len(table)
                logger.info("%s (%d tuples)", table.full_table_name, count)
        return counts

    def __iter__(self) -> Iterator[FreeTable]:
        """Iterate over the restricted tables, parents before children."""
        return (self.table(name) for name in self.conditions)

    def __reversed__(self) -> Iterator[FreeTable]:
        """Iterate over the restricted tables, children before parents."""
        return (self.table(name) for name in reversed(list(self.conditions)))

    def __len__(self) -> int:
        return len(self.conditions)


class _Reader:
    """Turns conditions into expressions, for one question: what it had to fetch for that is kept no longer.

    Conditions share what several of them have in common, and so do the expressions made of them.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._tables: dict[TableName, FreeTable] = {}
        self._sizes: dict[Hashable, int] = {}
        self._sources: dict[Hashable, FreeTable] = {}
        self._fetched: dict[Hashable, p.Predicate] = {}

    def restricted(self, name: TableName, condition: Condition) -> FreeTable:
        table = self._table(name)
        return table._derive(algebra.restrict(table._node, self._predicate(condition)))

    def _table(self, name: TableName) -> FreeTable:
        if name not in self._tables:
            self._tables[name] = FreeTable(self._connection, self._connection.dialect.quote(name.identifier))
        return self._tables[name]

    def _predicate(self, condition: Condition) -> p.Predicate:
        match condition:
            case Own(predicate):
                return predicate
            case Filled(columns):
                return p.conjunction([p.negate(p.IsNull(column)) for column in columns])
            case Group("any", items):
                return p.disjunction([self._predicate(item) for item in items])
            case Group(_, items):
                return p.conjunction([self._predicate(item) for item in items])
            case Linked():
                return self._linked(condition)

    def _linked(self, linked: Linked) -> p.Predicate:
        if self._size(linked.source.condition) < _MAX_SUBQUERIES:
            return p.Exists(linked.columns, self._values(linked))
        key = _identity(linked.source.condition), linked.columns, linked.values, linked.filled
        if key not in self._fetched:
            values = self._values(linked)
            rows = set(fetch_rows(self._connection, values, linked.columns))
            types = tuple(values.heading._attributes[c].value_type for c in linked.columns)
            complete = tuple(row for row in rows if None not in row)
            self._fetched[key] = p.OneOf(linked.columns, types, complete) if complete else p.Constant(value=False)
        return self._fetched[key]

    def _values(self, linked: Linked) -> Node:
        """Return the rows of the source, its columns under the names that they have in the table linked to it."""
        source = self._source(linked.source)
        node = algebra.restrict(source._node, self._predicate(Filled(linked.filled)))
        attributes = (
            node.heading._attributes[old]._replace(name=new)
            for new, old in zip(linked.columns, linked.values, strict=True)
        )
        renamed = tuple(Column(new, old) for new, old in zip(linked.columns, linked.values, strict=True))
        return Project(node, renamed, node.heading.replaced(attributes))

    def _source(self, rows: Rows) -> FreeTable:
        key = rows.table, _identity(rows.condition)
        if key not in self._sources:
            self._sources[key] = self.restricted(rows.table, rows.condition)
        return self._sources[key]

    def _size(self, condition: Condition) -> int:
        """Return how many subqueries a condition becomes."""
        key = _identity(condition)
        if key not in self._sizes:
            match condition:
                case Linked(source=source):
                    inner = self._size(source.condition)
                    self._sizes[key] = 1 + inner if inner < _MAX_SUBQUERIES else 0
                case Group(items=items):
                    self._sizes[key] = sum(map(self._size, items))
                case _:
                    self._sizes[key] = 0
        return self._sizes[key]


def _identity(condition: Condition) -> Hashable:
    """Return what is the same for the same conditions; to compare all that they are made of could take forever."""
    if isinstance(condition, Group):
        return condition.mode, *map(id, condition.items)
    return id(condition)
