"""Create tables in SQLite, guarded by the database itself, with what it does not keep recorded beside them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from datajoint.backends import ddl, sqlite_values
from datajoint.backends.catalog import SchemaCatalog
from datajoint.definition import AttributeDefinition, IndexDefinition, TableDefinition, TableName
from datajoint.errors import DefinitionError, InvalidValueError
from datajoint.sql.fragment import Identifier, Parameter, Sql, column
from datajoint.values.accept import acceptor
from datajoint.values.model import ValueType

_MAX_NAME = 200


def create_table(name: TableName, definition: TableDefinition) -> list[Sql]:
    """Return the statements: the table, its indexes, and the records in the catalogue of the file.

    Raises
    ------
    DefinitionError
        If a default does not fit its attribute.
    """
    return [*table_statements(name, definition), *_records(name, definition)]


def table_statements(name: TableName, definition: TableDefinition) -> list[Sql]:
    """Return the statements that make the table, then its indexes."""
    generated = next((a for a in definition.attributes if a.storage.auto_increment), None)
    lines = [_column(a, definition) for a in definition.attributes]
    if generated is None:
        lines.append(ddl.primary_key(definition))
    elif definition.primary_key != (generated.name,):
        # the generated number is the table's rowid; children refer to the declared key
        lines.append(Sql("UNIQUE (", ddl.columns(definition.primary_key), ")"))
    lines += [ddl.foreign_key(key) for key in definition.foreign_keys]
    lines += [line for a in definition.attributes if (line := _check(a))]
    table = Sql("CREATE TABLE IF NOT EXISTS ", name.identifier, " (\n", Sql.join(",\n", lines), "\n) STRICT")
    named = ddl.named_indexes(name.name, definition, _MAX_NAME)
    return [table, *(create_index(name, index_name, index) for index_name, index in named)]


def create_index(name: TableName, index_name: str, index: IndexDefinition) -> Sql:
    """Return the statement that makes an index."""
    return Sql(
        f"CREATE {'UNIQUE ' if index.unique else ''}INDEX IF NOT EXISTS ", Identifier((name.schema, index_name)), " ON ",
        name.identifier, " (", ddl.columns(index.columns), ")",
    )  # fmt: skip


def add_column(name: TableName, attribute: AttributeDefinition) -> list[Sql]:
    """Return the statements that add a column, neither key nor generated, with its record."""
    check = _check(attribute)
    clause = _column(attribute, TableDefinition((attribute,)))
    added = Sql(clause, " ", check) if check is not None else clause
    return [Sql("ALTER TABLE ", name.identifier, " ADD COLUMN ", added), _column_records(name, (attribute,), {})]


def rename_tables(names: Mapping[TableName, TableName], catalog: SchemaCatalog) -> list[Sql]:
    """Return the statements; SQLite itself corrects the foreign keys that refer to the tables."""
    statements: list[Sql] = []
    for old, new in names.items():
        statements.append(Sql("ALTER TABLE ", old.identifier, " RENAME TO ", new.identifier))
        for before, after in ddl.renamed_indexes(old, new, catalog.tables[old.name].indexes, _MAX_NAME):
            statements.append(Sql("DROP INDEX ", Identifier((old.schema, before.name))))
            statements.append(create_index(new, after, IndexDefinition(before.columns, unique=before.unique)))
        statements += [
            Sql(f"UPDATE `{records}` SET table_name = ", Parameter(new.name), " WHERE schema_name = ", Parameter(old.schema),
                " AND table_name = ", Parameter(old.name))
            for records in ("~dj_tables", "~dj_columns")
        ]  # fmt: skip
    return statements


def _column(attribute: AttributeDefinition, definition: TableDefinition) -> Sql:
    if attribute.storage.auto_increment:
        return Sql(column(attribute.name), " INTEGER PRIMARY KEY AUTOINCREMENT")
    parts: list[str | Sql] = [Sql(column(attribute.name)), " ", sqlite_values.column_type(attribute.storage)]
    if not attribute.nullable or attribute.name in definition.primary_key:
        parts.append(" NOT NULL")
    default = default_text(attribute.storage, ddl.literal_text(attribute.default), attribute.name)
    if default is not None:
        parts.append(f" DEFAULT {default}")
    return Sql(*parts)


def _check(attribute: AttributeDefinition) -> Sql | None:
    quoted = "`" + attribute.name.replace("`", "``") + "`"
    condition = sqlite_values.check(attribute.storage, quoted, nullable=attribute.nullable)
    if condition is None:
        return None
    return Sql("CONSTRAINT ", column(f"{attribute.name}: {attribute.type_text}"), f" CHECK ({condition})")


def default_text(value_type: ValueType, text: str | None, name: str) -> str | None:
    """Return a default as an expression of SQLite, already in the form that the column holds.

    Parameters
    ----------
    text : str or None
        As declared: a literal or ``CURRENT_TIMESTAMP(n)``.
    name : str
        Of the attribute, for the error.

    Raises
    ------
    DefinitionError
        If the default does not fit the type.
    """
    if text is None:
        return None
    now = ddl.CURRENT_TIMESTAMP.fullmatch(text)
    if now:
        return _now(int(now[1] or 0), value_type)
    if value_type.kind == "json":
        return ddl.quote_text(ddl.unquote(text))
    try:
        value = acceptor(value_type)(ddl.unquote(text))
    except InvalidValueError as error:
        raise DefinitionError(f"The default {text} of {name} does not fit its type. {error}", attribute=name) from error
    encode = sqlite_values.encoder(value_type)
    return _literal(encode(value) if encode else value)


def _now(digits: int, value_type: ValueType) -> str:
    """Return the present moment in UTC, cut to `digits` and filled with zeros to what the column declares."""
    declared = value_type.digits
    if value_type.kind == "date":
        return "(date('now'))"
    kept = min(digits, declared, 3)  # SQLite's clock has milliseconds
    if not declared:
        return "(datetime('now'))"
    if not kept:
        return f"(datetime('now')||'.{'0' * declared}')"
    moment = f"substr(strftime('%Y-%m-%d %H:%M:%f','now'),1,{20 + kept})"
    return f"({moment}||'{'0' * (declared - kept)}')" if declared > kept else f"({moment})"


def _literal(value: object) -> str:
    if isinstance(value, bytes):
        return f"X'{value.hex()}'"
    return ddl.quote_text(value) if isinstance(value, str) else repr(value)


def _records(name: TableName, definition: TableDefinition) -> list[Sql]:
    where = (Parameter(name.schema), Parameter(name.name))
    table = Sql(
        "INSERT OR IGNORE INTO `~dj_tables` VALUES (",
        where[0],
        ", ",
        where[1],
        ", ",
        Parameter(definition.comment),
        ")",
    )
    key = {n: position for position, n in enumerate(definition.primary_key, 1)}
    return [table, _column_records(name, definition.attributes, key)] if definition.attributes else [table]


def _column_records(name: TableName, attributes: Iterable[AttributeDefinition], key: Mapping[str, int]) -> Sql:
    rows = [
        Sql("(", Sql.join(", ", map(Parameter, (*name, a.name, a.storage.text, a.marked_comment,
            ddl.literal_text(a.default), key.get(a.name)))), ")")
        for a in attributes
    ]  # fmt: skip
    return Sql("INSERT OR IGNORE INTO `~dj_columns` VALUES ", Sql.join(", ", rows))
