"""Create tables in MySQL and MariaDB, byte for byte as DataJoint 2.3 does."""

from __future__ import annotations

from datajoint.backends import ddl
from datajoint.definition import AttributeDefinition, TableDefinition, TableName
from datajoint.sql.fragment import Sql, column
from datajoint.values.model import ValueType

_COLUMN_TYPES = {
    "int8": "tinyint", "int16": "smallint", "int32": "int", "int64": "bigint", "float32": "float", "float64": "double",
    "bool": "tinyint", "uuid": "binary(16)", "bytes": "longblob",
}  # fmt: skip


_BACKSLASH = "\\"


def create_table(name: TableName, definition: TableDefinition, collation: str | None) -> list[Sql]:
    """Return the statement.

    Parameters
    ----------
    collation : str or None
        The default of the schema, ``CHARACTER SET … COLLATE …``; columns repeat only another one.
    """
    lines = [_column(a, collation) for a in definition.attributes]
    lines.append(ddl.primary_key(definition))
    lines += [ddl.foreign_key(key) for key in definition.foreign_keys]
    lines += [
        Sql("UNIQUE INDEX (", ddl.columns(key.attributes), ")") for key in definition.foreign_keys if key.unique
    ]  # fmt: skip
    lines += [Sql("unique index (" if i.unique else "index (", ddl.columns(i.columns), ")") for i in definition.indexes]
    options = "ENGINE=InnoDB" + (f", COMMENT {_quoted(definition.comment)}" if definition.comment else "")
    return [Sql("CREATE TABLE IF NOT EXISTS ", name.identifier, " (\n", Sql.join(",\n", lines), f"\n) {options}")]


def add_column(name: TableName, attribute: AttributeDefinition) -> Sql:
    """Return the statement that adds a column after the others."""
    return Sql("ALTER TABLE ", name.identifier, " ADD COLUMN ", _column(attribute, attribute.collation))


def column_type(value_type: ValueType) -> str:
    """Return the type of a column."""
    if value_type.kind == "enum":
        return f"enum({','.join(_quoted(label, quote=chr(39)) for label in value_type.labels)})"
    return _COLUMN_TYPES.get(value_type.text, value_type.text)


def _column(attribute: AttributeDefinition, collation: str | None) -> Sql:
    parts: list[str | Sql] = [Sql(column(attribute.name)), " ", column_type(attribute.storage)]
    if attribute.collation and attribute.collation != collation and attribute.storage.is_text:
        parts.append(f" {attribute.collation}")
    if not attribute.nullable:
        parts.append(" NOT NULL")
    if attribute.default is not None and not attribute.inherited:
        # A definition's literal has no escapes but the doubled quote, and means the same on every engine.
        parts.append(f" DEFAULT {(ddl.literal_text(attribute.default) or 'NULL').replace(_BACKSLASH, 2 * _BACKSLASH)}")
    if attribute.marked_comment:
        parts.append(f" COMMENT {_quoted(attribute.marked_comment)}")
    return Sql(*parts)


def _quoted(text: str, quote: str = '"') -> str:
    return quote + text.replace("\\", "\\\\").replace(quote, f"\\{quote}" if quote == '"' else quote + quote) + quote
