"""Delete rows and what depends on them without fetching any but the keys of the rows to begin with.

Which rows of a table go is said by conditions that the database evaluates. Tables are emptied leaves first, so all rows
that a condition refers to are still there. A foreign key whose columns carry the first table's key through to a
descendant makes the tables between them superfluous: their rows exist, because the foreign keys say so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from datajoint.backends.catalog import ForeignKeyInfo, TableInfo
from datajoint.definition import TableName
from datajoint.graph.propagate import ForeignKeyGraph, RowKey
from datajoint.sql.fragment import Identifier, Sql
from datajoint.values.model import ValueType

if TYPE_CHECKING:
    from datajoint.backends.base import Backend

_MAX_TERMS = 8  # ways to reach a table that are followed one by one


@dataclass(frozen=True, slots=True)
class _Through:
    """The columns `columns` of those rows of `table` that go, by any of `terms`."""

    table: TableName
    columns: tuple[str, ...]
    terms: tuple[_Term, ...]


@dataclass(frozen=True, slots=True)
class _Term:
    """Rows go whose `columns` equal a key of the first rows, or what `source` yields; `filled` must not be NULL."""

    columns: tuple[str, ...]
    source: _Through | None = None
    filled: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cascade:
    """The conditions by which rows of every table of `graph` go.

    Parameters
    ----------
    graph : ForeignKeyGraph
    seed : TableName
        The table of the first rows.
    types : sequence of ValueType
        Of its key columns.
    """

    graph: ForeignKeyGraph
    seed: TableName
    types: Sequence[ValueType]
    terms: Mapping[TableName, tuple[_Term, ...]]

    @classmethod
    def of(cls, graph: ForeignKeyGraph, seed: TableName, types: Sequence[ValueType]) -> Cascade | None:
        """Return the conditions, or None if rows of a table refer to rows of the same table: these need an order."""
        if any(graph.own_links(name) for name in graph.tables):
            return None
        terms: dict[TableName, list[_Term]] = {name: [] for name in graph.tables}
        terms[seed].append(_Term(graph.tables[seed].primary_key))
        for name in graph.tables:
            for link in graph.children[name]:
                for term in _carried(graph.tables[link.child], link, tuple(terms[name])):
                    if term not in terms[link.child]:
                        terms[link.child].append(term)
        return cls(graph, seed, types, {name: tuple(found) for name, found in terms.items()})

    def deletions(self, name: TableName, keys: Sequence[RowKey], backend: Backend) -> Iterator[Sql]:
        """Yield the statements that delete the rows of table `name` which go with the rows `keys`."""
        for term in self.terms[name]:
            if term.source is None:
                typed = list(zip(term.columns, self.types, strict=True))
                yield from backend.delete_keys(name, typed, keys, term.filled)
                continue
            chosen = self._chosen(term, keys, backend)
            if term.filled:
                columns = Sql.join(", ", map(_column, (*term.columns, *term.filled)))
                chosen = Sql(
                    "SELECT ", columns, " FROM ", name.identifier, " WHERE (", _columns(term.columns), ") IN (", chosen, ")",
                    *(Sql(" AND ", _column(c), " IS NOT NULL") for c in term.filled),
                )  # fmt: skip
            yield backend.delete_rows(name, (*term.columns, *term.filled), chosen)

    def _chosen(self, term: _Term, keys: Sequence[RowKey], backend: Backend) -> Sql:
        """Return the SELECT of the values that the term's columns must have, under their names."""
        if term.source is None:
            return backend.key_table(list(zip(term.columns, self.types, strict=True)), keys)
        through = term.source
        named = Sql.join(
            ", ", (Sql(_column(c), " AS ", _column(n)) for c, n in zip(through.columns, term.columns, strict=True))
        )
        return Sql.join(
            " UNION ",
            (
                Sql(
                    "SELECT ", named, " FROM ", through.table.identifier, " WHERE (", _columns(inner.columns), ") IN (",
                    self._chosen(inner, keys, backend), ")", *(Sql(" AND ", _column(c), " IS NOT NULL") for c in inner.filled),
                )
                for inner in through.terms
            ),
        )  # fmt: skip


def _carried(child: TableInfo, link: ForeignKeyInfo, terms: tuple[_Term, ...]) -> Iterator[_Term]:
    """Yield the terms by which rows of `child` go with rows of their parent that go by `terms`."""
    if not terms:
        return
    mapped = dict(zip(link.parent_columns, link.columns, strict=True))
    nullable = {column.name for column in child.columns if column.nullable}
    if len(terms) <= _MAX_TERMS and all(set(term.columns) | set(term.filled) <= mapped.keys() for term in terms):
        for term in terms:
            columns = tuple(mapped[c] for c in term.columns)
            # A reference with any column NULL refers to nothing.
            yield _Term(columns, term.source, tuple(c for c in link.columns if c in nullable and c not in columns))
    else:
        yield _Term(link.columns, _Through(link.parent, link.parent_columns, terms))


def _column(name: str) -> Identifier:
    return Identifier((name,))


def _columns(names: Sequence[str]) -> Sql:
    return Sql.join(", ", map(_column, names))
