"""Create and drop tables in PostgreSQL, as DataJoint 2.3 does: enum types first, indexes and comments after."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from datajoint.backends import ddl, postgres_values
from datajoint.backends.catalog import SchemaCatalog
from datajoint.definition import AttributeDefinition, TableDefinition, TableName
from datajoint.sql.fragment import Identifier, Sql, column
from datajoint.values.parse import parse_stored_type

MAX_BYTES = 63


def create_table(name: TableName, definition: TableDefinition, catalog: SchemaCatalog | None) -> list[Sql]:
    """Return the statements."""
    types = {a.name: _enum_type(a, name.schema, catalog) for a in definition.attributes if a.storage.kind == "enum"}
    new = {
        types[a.name]: a.storage.labels
        for a in definition.attributes
        if a.name in types and _is_new(types[a.name], a, catalog)
    }
    lines = [_column(a, types.get(a.name)) for a in definition.attributes]
    lines.append(ddl.primary_key(definition))
    lines += [ddl.foreign_key(key) for key in definition.foreign_keys]
    lines += [line for a in definition.attributes if (line := _check(a))]
    table = Sql("CREATE TABLE IF NOT EXISTS ", name.identifier, " (\n", Sql.join(",\n", lines), "\n) ")
    indexes = [
        Sql(
            f"CREATE {'UNIQUE ' if index.unique else ''}INDEX IF NOT EXISTS ", Identifier((index_name,)), " ON ", name.identifier,
            " (", Sql.join(", ", (_indexed(c, definition) for c in index.columns)), ")",
        )
        for index_name, index in ddl.named_indexes(name.name, definition, MAX_BYTES)
    ]  # fmt: skip
    return [
        *(_create_type(enum_type, labels) for enum_type, labels in new.items()),
        table,
        *indexes,
        Sql("COMMENT ON TABLE ", name.identifier, f" IS {ddl.quote_text(definition.comment)}"),
        *(_comment(name, a) for a in definition.attributes if a.marked_comment),
    ]


def add_column(name: TableName, attribute: AttributeDefinition) -> list[Sql]:
    """Return the statements that add a column, whose type is none that must be created first, with its comment."""
    added = [Sql("ADD COLUMN ", _column(attribute, attribute.enum_type))]
    check = _check(attribute)
    if check is not None:
        added.append(Sql("ADD ", check))
    statements = [Sql("ALTER TABLE ", name.identifier, " ", Sql.join(", ", added))]
    return [*statements, _comment(name, attribute)] if attribute.marked_comment else statements


def rename_tables(names: Mapping[TableName, TableName], catalog: SchemaCatalog) -> list[Sql]:
    """Return the statements: an index keeps to the name of its table, so that another may take the old one."""
    statements = []
    for old, new in names.items():
        statements.append(Sql("ALTER TABLE ", old.identifier, " RENAME TO ", column(new.name)))
        info = catalog.tables[old.name]
        for before, after in ddl.renamed_indexes(old, new, (*info.indexes, *info.expression_indexes), MAX_BYTES):
            index = Identifier((old.schema, before.name))
            statements.append(Sql("ALTER INDEX ", index, " RENAME TO ", column(after)))
    return statements


def drop_table(name: TableName, catalog: SchemaCatalog) -> list[Sql]:
    """Return the statements: the table, then the enum types that no other column uses."""
    info = catalog.tables.get(name.name)
    own = {c.enum_type for c in info.columns if c.enum_type} if info else set()
    others = {c.enum_type for t in catalog.tables.values() if t.name != name for c in t.columns if c.enum_type}
    prefix = _qualified(name.schema, "")[:-2]  # up to the dot: types of other schemas stay
    free = sorted(t for t in own - others if t.startswith(prefix))
    # A table of another schema may have inherited the type. Without CASCADE the server would refuse, so it is asked.
    return [Sql("DROP TABLE ", name.identifier), *map(_drop_unused_type, free)]


def _drop_unused_type(enum_type: str) -> Sql:
    return Sql(
        f"DO $dj$ BEGIN DROP TYPE {enum_type}; EXCEPTION WHEN dependent_objects_still_exist OR undefined_object THEN NULL; END $dj$"
    )  # fmt: skip


def _qualified(schema: str, name: str) -> str:
    return ".".join('"' + part.replace('"', '""') + '"' for part in (schema, name))


def _enum_type(attribute: AttributeDefinition, schema: str, catalog: SchemaCatalog | None) -> str:
    """Return the quoted name of an enum's type: the parent's, one of the schema with the same labels, or a new one."""
    if attribute.enum_type:
        return attribute.enum_type
    if attribute.enum_name:
        return _qualified(schema, attribute.enum_name)
    prefix = _qualified(schema, "")[:-1]
    for info in catalog.tables.values() if catalog else ():
        for stored in info.columns:
            if (
                stored.enum_type
                and stored.enum_type.startswith(prefix)
                and parse_stored_type(stored.type).labels == attribute.storage.labels
            ):
                return stored.enum_type
    return _qualified(schema, free_enum_name(attribute.storage.labels, schema, catalog))


def free_enum_name(labels: tuple[str, ...], schema: str, catalog: SchemaCatalog | None) -> str:
    """Return a name for the type of an enum that no other type of the schema has.

    Unlike 2.3's, it tells the order of labels apart, because that is the order of rows.
    """
    known = {c.enum_type for info in catalog.tables.values() for c in info.columns} if catalog else set()
    name = f"enum_{hashlib.md5(json.dumps(labels).encode(), usedforsecurity=False).hexdigest()[:8]}"
    names = (name, *(f"{name}_{n}" for n in range(2, len(known) + 3)))
    return next(free for free in names if _qualified(schema, free) not in known)


def _is_new(enum_type: str, attribute: AttributeDefinition, catalog: SchemaCatalog | None) -> bool:
    known = {c.enum_type for info in catalog.tables.values() for c in info.columns} if catalog else set()
    return attribute.enum_type is None and enum_type not in known


def _create_type(enum_type: str, labels: tuple[str, ...]) -> Sql:
    # Another process may create the same one. The tag of the quotes cannot occur in a label by chance.
    listed = ", ".join(map(ddl.quote_text, labels))
    tag = f"$dj{hashlib.md5(listed.encode(), usedforsecurity=False).hexdigest()[:8]}$"
    return Sql(
        f"DO {tag} BEGIN CREATE TYPE {enum_type} AS ENUM ({listed}); "
        f"EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END {tag}"
    )  # fmt: skip


def _column(attribute: AttributeDefinition, enum_type: str | None) -> Sql:
    parts: list[str | Sql] = [
        Sql(column(attribute.name)),
        " ",
        enum_type or postgres_values.column_type(attribute.storage),
    ]
    if not attribute.nullable:
        parts.append(" NOT NULL")
    if attribute.default is not None and not attribute.inherited:
        parts += [" DEFAULT ", attribute.default]
    return Sql(*parts)


def _check(attribute: AttributeDefinition) -> Sql | None:
    quoted = '"' + attribute.name.replace('"', '""') + '"'
    condition = postgres_values.check(attribute.storage, quoted)
    if condition is None:
        return None
    # The name is read back: it tells the declared type, which the wider column does not.
    name = f"{attribute.name}: {attribute.storage.text}"
    named = Sql("CONSTRAINT ", column(name), " ") if len(name.encode()) <= MAX_BYTES else Sql()
    return Sql(named, f"CHECK ({condition})")


def _indexed(item: str | Sql, definition: TableDefinition) -> Sql:
    """Return a column of an index; where it can be NULL, in the order that queries ask for."""
    if isinstance(item, Sql):
        return item
    nullable = any(a.name == item and a.nullable for a in definition.attributes)
    return Sql(column(item), " NULLS FIRST" if nullable else "")


def _comment(name: TableName, attribute: AttributeDefinition) -> Sql:
    where = Identifier((*name, attribute.name))
    return Sql("COMMENT ON COLUMN ", where, f" IS {ddl.quote_text(attribute.marked_comment)}")
