"""Read from the database which rows foreign keys connect."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from datajoint.backends.catalog import ForeignKeyInfo, SchemaCatalog
from datajoint.declare.stored import read_heading
from datajoint.definition import TableName
from datajoint.events import RowsFound
from datajoint.expression import predicates
from datajoint.expression.fetch import fetch_rows
from datajoint.expression.nodes import Column, Node, Project, Restrict, TableNode
from datajoint.graph.propagate import RowKey

if TYPE_CHECKING:
    from datajoint.connection import Connection
    from datajoint.heading import Heading
    from datajoint.values.model import ValueType


class RelatedRows:
    """The rows of tables, by their keys and by what refers to them; a `RowReader` on the database.

    The structure is read when first needed and kept with this object, which is meant to live for one operation.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._catalogs: dict[str, SchemaCatalog] = {}
        self._headings: dict[TableName, Heading] = {}

    def load(self, schemas: Sequence[str]) -> dict[str, SchemaCatalog]:
        """Read the structure afresh: what the connection remembers may be older than another program's tables."""
        loaded = self._connection.backend.load_catalog(self._connection.execute, schemas) if schemas else {}
        self._catalogs.update(loaded)
        return loaded

    def children(self, link: ForeignKeyInfo, parents: Sequence[RowKey]) -> list[RowKey]:
        """Return the keys of the rows of ``link.child`` that refer to `parents`."""
        return self._linked(link.child, link.columns, link.parent, link.parent_columns, parents)

    def parents(self, link: ForeignKeyInfo, children: Sequence[RowKey]) -> list[RowKey]:
        """Return the keys of the rows of ``link.parent`` to which `children` refer."""
        return self._linked(link.parent, link.parent_columns, link.child, link.columns, children)

    def values(self, name: TableName, columns: Sequence[str], keys: Sequence[RowKey]) -> list[RowKey]:
        """Return some columns of the rows of `name` with the given keys."""
        return fetch_rows(self._connection, self._chosen(name, keys), columns)

    def _linked(
        self,
        wanted: TableName,
        columns: Sequence[str],
        given: TableName,
        given_columns: Sequence[str],
        keys: Sequence[RowKey],
    ) -> list[RowKey]:
        if not keys:
            return []
        source, node = self._chosen(given, keys), self._node(wanted)
        attributes = (
            source.heading._attributes[old]._replace(name=new) for new, old in zip(columns, given_columns, strict=True)
        )
        renamed = tuple(Column(new, old) for new, old in zip(columns, given_columns, strict=True))
        given_values = Project(source, renamed, source.heading.replaced(attributes))
        # The engine compares the two columns itself, as its foreign key does.
        condition = predicates.Exists(tuple(columns), given_values)
        found = fetch_rows(self._connection, Restrict(node, condition, node.heading), self._key(wanted))
        full_name = self._connection.dialect.quote(wanted.identifier)
        self._connection.events.emit(RowsFound(table=full_name, count=len(found)))
        return found

    def key_columns(self, name: TableName) -> list[tuple[str, ValueType]]:
        """Return the names and types of a table's key columns, as `Backend.key_table` takes them."""
        attributes = self._node(name).heading._attributes
        return [(n, attributes[n].value_type) for n in self._key(name)]

    def _key(self, name: TableName) -> tuple[str, ...]:
        return self._catalogs[name.schema].tables[name.name].primary_key

    def _node(self, name: TableName) -> TableNode:
        if name not in self._headings:
            catalog = self._catalogs[name.schema]
            self._headings[name] = read_heading(catalog.tables[name.name], catalog, self._connection.catalog)
        return TableNode(name, self._headings[name])

    def _chosen(self, name: TableName, keys: Sequence[RowKey]) -> Node:
        node = self._node(name)
        types = tuple(value_type for _, value_type in self.key_columns(name))
        return Restrict(node, predicates.OneOf(self._key(name), types, tuple(keys)), node.heading)
