"""Create tables in MySQL and MariaDB, byte for byte as DataJoint 2.3 does."""

from __future__ import annotations

import re

from datajoint.backends import ddl
from datajoint.definition import AttributeDefinition, TableDefinition, TableName
from datajoint.errors import DefinitionError
from datajoint.sql.fragment import Sql, column
from datajoint.values.model import ValueType

_COLUMN_TYPES = {
    "int8": "tinyint", "int16": "smallint", "int32": "int", "int64": "bigint", "float32": "float", "float64": "double",
    "bool": "tinyint", "uuid": "binary(16)", "bytes": "longblob",
}  # fmt: skip


_BACKSLASH = "\\"
_LAST_OF_CATALOG = 0xFFFF
# Python's names of character sets that servers had for their default; others are left to the server.
_CODECS = {
    "latin1": "cp1252", "latin2": "iso8859_2", "latin5": "iso8859_9", "latin7": "iso8859_13", "ascii": "ascii",
    "greek": "iso8859_7", "hebrew": "iso8859_8", "koi8r": "koi8_r", "koi8u": "koi8_u", "cp1250": "cp1250", "cp1251": "cp1251",
    "cp1256": "cp1256", "cp1257": "cp1257", "gbk": "gbk", "big5": "big5", "euckr": "euc_kr", "ujis": "euc_jp", "sjis": "shift_jis",
}  # fmt: skip


def create_table(name: TableName, definition: TableDefinition, collation: str | None) -> list[Sql]:
    """Return the statement.

    Parameters
    ----------
    collation : str or None
        The default of the schema, ``CHARACTER SET … COLLATE …``; columns repeat only another one.

    Raises
    ------
    DefinitionError
        If a comment, a label or a default has characters that would be stored as question marks.
    """
    refuse_unstorable_text(definition.comment, "The table's comment")
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


def refuse_unstorable_text(text: str, what: str, attribute: str | None = None, collation: str | None = None) -> None:
    """Refuse text of which these servers would keep question marks, without a word.

    Their catalogue has three bytes for a character, so it holds none beyond U+FFFF; and a column whose character set is
    narrower holds no labels and defaults outside of that.

    Raises
    ------
    DefinitionError
    """
    lost = [character for character in text if ord(character) > _LAST_OF_CATALOG]
    where = "the catalogue of this server"
    character_set = re.search(r"CHARACTER SET (\w+)", collation or "")
    if not lost and character_set:
        codec = _CODECS.get(character_set[1])
        lost = [c for c in text if codec is not None and not _holds(codec, c)]
        where = f"a column in the character set {character_set[1]}"
    if lost:
        raise DefinitionError(
            f"{what} has {lost[0]!r} (U+{ord(lost[0]):04X}), which {where} cannot hold.",
            hint="Write it with other characters.",
            attribute=attribute,
        )


def _holds(codec: str, character: str) -> bool:
    try:
        character.encode(codec)
    except UnicodeEncodeError:
        return False
    return True


def _check_texts(attribute: AttributeDefinition, collation: str | None) -> None:
    name = attribute.name
    refuse_unstorable_text(attribute.comment, f"The comment of {name}", name)
    labels_in = (attribute.collation or collation) if attribute.storage.is_text else None
    for label in attribute.storage.labels:
        refuse_unstorable_text(label, f"The label {label!r} of {name}", name, labels_in)
    refuse_unstorable_text(ddl.literal_text(attribute.default) or "", f"The default of {name}", name, labels_in)


def _column(attribute: AttributeDefinition, collation: str | None) -> Sql:
    _check_texts(attribute, collation)
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
