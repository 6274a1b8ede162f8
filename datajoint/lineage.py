"""Where each attribute was first declared: the hidden table ``~lineage`` of a schema.

Attributes of two tables may be matched only if they have the same origin. Only attributes with an origin have a row:
key attributes, and those that a foreign key brought.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from datajoint.definition import AttributeDefinition, TableDefinition, TableName
from datajoint.errors import DataJointError
from datajoint.sql.fragment import Parameter, Sql, column
from datajoint.values.parse import parse_type

if TYPE_CHECKING:
    from datajoint.backends.catalog import TableInfo
    from datajoint.connection import Connection

logger = logging.getLogger("datajoint")

LINEAGE_TABLE = "~lineage"
_COLUMNS = ("table_name", "attribute_name", "lineage")
_KEY = _COLUMNS[:2]

LineageRow = tuple[str, str, str]
"""Table, attribute, origin."""


# --- reading: from the schema's catalogue, so without a query where that is known
def lineage_table_exists(connection: Connection, database: str) -> bool:
    """Tell whether a schema records lineage."""
    catalog = connection.catalog(database)
    return catalog is not None and catalog.lineage is not None


def get_schema_lineages(connection: Connection, database: str) -> dict[str, str]:
    """Return ``schema.table.attribute -> origin`` of a whole schema."""
    return {
        f"{database}.{table}.{attribute}": origin for (table, attribute), origin in _rows(connection, database).items()
    }


def get_table_lineages(connection: Connection, database: str, table_name: str) -> dict[str, str]:
    """Return ``attribute -> origin`` of one table."""
    return {
        attribute: origin for (table, attribute), origin in _rows(connection, database).items() if table == table_name
    }


def get_lineage(connection: Connection, database: str, table_name: str, attribute_name: str) -> str | None:
    """Return the origin of an attribute, or None if none is recorded."""
    return _rows(connection, database).get((table_name, attribute_name))


def _rows(connection: Connection, database: str) -> Mapping[tuple[str, str], str]:
    catalog = connection.catalog(database)
    return (catalog.lineage if catalog else None) or {}


# --- origins
def declared_lineages(connection: Connection, name: TableName, definition: TableDefinition) -> list[LineageRow]:
    """Return the rows for a table that is being declared."""
    origins = {a: f"{name}.{a}" for a in definition.primary_key}
    for key in definition.foreign_keys:
        for attribute, parent_attribute in zip(key.attributes, key.parent_attributes, strict=True):
            itself = key.parent == name
            origins[attribute] = (
                origins[parent_attribute] if itself else _origin(connection, key.parent, parent_attribute)
            )
    return [(name.name, attribute, origin) for attribute, origin in origins.items()]


def stored_lineages(connection: Connection, info: TableInfo, *, within: str | None = None) -> list[LineageRow]:
    """Return the rows for a table that exists, from its foreign keys.

    Parameters
    ----------
    within : str, optional
        A schema whose recorded lineage is not believed, because it is being rebuilt; then other schemas must have one.

    Raises
    ------
    DataJointError
        With `within`, if a foreign key leads to a schema that does not record the origin of the attribute.
    """
    origins = {a: f"{info.name}.{a}" for a in info.primary_key}
    for key in info.foreign_keys:
        for attribute, parent_attribute in zip(key.columns, key.parent_columns, strict=True):
            if (key.parent, parent_attribute) != (info.name, attribute):
                origins[attribute] = _origin(connection, key.parent, parent_attribute, within=within)
    return [(info.name.name, attribute, origin) for attribute, origin in origins.items()]


def _origin(connection: Connection, table: TableName, attribute: str, *, within: str | None = None) -> str:
    """Follow foreign keys to where `attribute` was first declared.

    Recorded lineage is believed, except inside the schema `within`, which is being rebuilt.
    """
    seen: set[tuple[TableName, str]] = set()
    while (table, attribute) not in seen:
        seen.add((table, attribute))
        if table.schema != within:
            if recorded := get_lineage(connection, table.schema, table.name, attribute):
                return recorded
            if within is not None:
                raise DataJointError(
                    f"Cannot rebuild lineage for `{within}`: the origin of {table}.{attribute} is not recorded. "
                    f"Rebuild lineage for schema `{table.schema}` first."
                )
        catalog = connection.catalog(table.schema)
        info = catalog.tables.get(table.name) if catalog else None
        step = _parent(info, attribute) if info else None
        if step is None:
            break
        table, attribute = step
    return f"{table}.{attribute}"


def _parent(info: TableInfo, attribute: str) -> tuple[TableName, str] | None:
    for key in reversed(info.foreign_keys):
        if attribute in key.columns:
            return key.parent, key.parent_columns[key.columns.index(attribute)]
    return None


# --- writing
def lineage_table_statements(connection: Connection, database: str) -> list[Sql]:
    """Return the statements that create a schema's lineage table; none if it is known to exist."""
    if lineage_table_exists(connection, database):
        return []
    comments = ("table name within the schema", "attribute name", "origin: schema.table.attribute")
    attributes = tuple(
        AttributeDefinition(
            name,
            f"varchar({length})",
            replace(parse_type(f"varchar({length})"), core=False),
            comment=comment if connection.dialect.inline_comments else "",
            in_key=name in _KEY,
        )
        for name, length, comment in zip(_COLUMNS, (64, 64, 255), comments, strict=True)
    )
    name = TableName(database, LINEAGE_TABLE)
    return connection.backend.create_table(name, TableDefinition(attributes), connection.catalog(database))


def ensure_lineage_table(connection: Connection, database: str) -> None:
    """Create the lineage table of a schema unless it exists."""
    statements = lineage_table_statements(connection, database)
    for statement in statements:
        connection.execute(statement)
    if statements:
        connection.forget_catalog(database)


def insert_lineages(connection: Connection, database: str, rows: Iterable[LineageRow]) -> None:
    """Record origins; existing rows are replaced."""
    for statement in _insertion(connection, database, rows):
        connection.execute(statement)
        connection.forget_catalog(database)


def _insertion(connection: Connection, database: str, rows: Iterable[LineageRow]) -> list[Sql]:
    """Return the statement that records origins, if there are any."""
    values = [Sql("(", Sql.join(", ", map(Parameter, row)), ")") for row in rows]
    if not values:
        return []
    table = TableName(database, LINEAGE_TABLE).identifier
    clauses = connection.backend.duplicate_clauses(
        "replace", TableName(database, LINEAGE_TABLE), _COLUMNS, _COLUMNS, _KEY
    )
    columns = Sql.join(", ", map(column, _COLUMNS))
    listed = Sql.join(", ", values)
    return [Sql(clauses.verb, " INTO ", table, " (", columns, ") VALUES ", listed, " ", clauses.suffix)]


def delete_table_lineages(connection: Connection, database: str, table_name: str) -> None:
    """Forget the origins of a table's attributes; nothing happens if none are recorded."""
    delete_lineages(connection, database, [key for key in _rows(connection, database) if key[0] == table_name])


def delete_lineages(connection: Connection, database: str, keys: Iterable[tuple[str, str]]) -> None:
    """Forget the origins of single attributes, each given as table and attribute."""
    for statement in _deletion(database, keys):
        connection.execute(statement)
        connection.forget_catalog(database)


def _deletion(database: str, keys: Iterable[tuple[str, str]]) -> list[Sql]:
    """Return the statement that forgets origins, if there are any."""
    conditions = [
        Sql("(", column(_KEY[0]), " = ", Parameter(table), " AND ", column(_KEY[1]), " = ", Parameter(attribute), ")")
        for table, attribute in keys
    ]
    if not conditions:
        return []
    table_name = TableName(database, LINEAGE_TABLE).identifier
    return [Sql("DELETE FROM ", table_name, " WHERE ", Sql.join(" OR ", conditions))]


class Replacement(NamedTuple):
    """The statements that make the recorded origins of a table's attributes what they shall be."""

    insertion: list[Sql]
    deletion: list[Sql]


def replacement(connection: Connection, name: TableName, definition: TableDefinition) -> Replacement:
    """Return what an altered table's origins need; nothing in a schema that records none."""
    if not lineage_table_exists(connection, name.schema):
        return Replacement([], [])
    known = {key: origin for key, origin in _rows(connection, name.schema).items() if key[0] == name.name}
    wanted = declared_lineages(connection, name, definition)
    new = [row for row in wanted if known.get(row[:2]) != row[2]]
    stale = known.keys() - {row[:2] for row in wanted}
    return Replacement(_insertion(connection, name.schema, new), _deletion(name.schema, sorted(stale)))


def renamed(
    connection: Connection, database: str, names: Mapping[TableName, TableName], dropped: TableName | None = None
) -> list[Sql]:
    """Return the statements that make the recorded origins of a schema follow tables that are given new names.

    Parameters
    ----------
    names : mapping
        Former and new names, of tables in this schema or in others.
    dropped : TableName, optional
        A table that goes at the same time.
    """
    spelled = {str(old): str(new) for old, new in names.items()}
    rows: list[LineageRow] = []
    stale: list[tuple[str, str]] = []
    for (table, attribute), origin in _rows(connection, database).items():
        if TableName(database, table) == dropped:
            stale.append((table, attribute))
            continue
        name = names.get(TableName(database, table), TableName(database, table)).name
        source, _, source_attribute = origin.rpartition(".")
        row = (name, attribute, f"{spelled.get(source, source)}.{source_attribute}")
        if row != (table, attribute, origin):
            rows.append(row)
        if name != table:
            stale.append((table, attribute))
    return [*_insertion(connection, database, rows), *_deletion(database, stale)]


def refresh_table_lineage(connection: Connection, info: TableInfo) -> None:
    """Record the origins of an existing table anew."""
    ensure_lineage_table(connection, info.name.schema)
    insert_lineages(connection, info.name.schema, stored_lineages(connection, info))


def rebuild_schema_lineage(connection: Connection, database: str) -> None:
    """Record the origins of all tables of a schema anew, from their foreign keys.

    Raises
    ------
    DataJointError
        If the schema does not exist, or a foreign key leads to a schema whose lineage must be rebuilt first.
    """
    connection.forget_catalog(database)
    catalog = connection.catalog(database)
    if catalog is None:
        raise DataJointError(f"Cannot rebuild lineage for `{database}`: the schema does not exist.")
    tables = [info for info in catalog.tables.values() if not info.name.name.startswith("~")]
    rows = [row for info in tables for row in stored_lineages(connection, info, within=database)]
    ensure_lineage_table(connection, database)
    with connection.transaction:
        stale = set(_rows(connection, database)) - {row[:2] for row in rows}
        delete_lineages(connection, database, stale)
        insert_lineages(connection, database, rows)
