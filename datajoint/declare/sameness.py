"""When two things that are spelt differently are the same: types, defaults, comments, a column and its declaration."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from datajoint.declare.defaults import CURRENT_TIMESTAMP, NULL
from datajoint.declare.stored import split_marker
from datajoint.definition import AttributeDefinition
from datajoint.errors import InvalidValueError
from datajoint.sql.fragment import Sql
from datajoint.values.accept import acceptor
from datajoint.values.model import ValueType
from datajoint.values.parse import parse_stored_type

if TYPE_CHECKING:
    from datajoint.backends.catalog import ColumnInfo, TableInfo
    from datajoint.heading import Attribute

SERIAL = "serial"


def stored_attribute(
    column: ColumnInfo, attribute: Attribute, info: TableInfo, *, covered: bool
) -> AttributeDefinition:
    """Return a stored column as a definition that makes exactly this column again.

    Parameters
    ----------
    attribute : Attribute
        The same column in the table's heading.
    covered : bool
        Whether a foreign key has the column.
    """
    marker, comment = split_marker(column.comment)
    codec = marker if marker is not None and marker.startswith("<") else None
    storage = attribute.value_type
    if codec is None and (marker is None or not storage.core):
        marker, comment = None, column.comment
        storage = parse_stored_type(column.type) if storage.kind == "unknown" else storage
        if storage.core:
            storage = replace(storage, core=False)
    if column.auto_increment and "auto_increment" not in storage.text and storage.text != SERIAL:
        storage = replace(storage, text=f"{storage.text} auto_increment")
    default = None if column.default is None else Sql(column.default)
    return AttributeDefinition(
        column.name, marker or column.type, storage, codec=codec, nullable=column.nullable,
        default=NULL if default is None and column.nullable else default, comment=comment,
        in_key=column.name in info.primary_key, inherited=covered and default is None,
        collation=column.collation, enum_type=column.enum_type,
    )  # fmt: skip


def holds_same(a: ValueType, b: ValueType) -> bool:
    if a.auto_increment and b.auto_increment and SERIAL in {a.text, b.text}:
        return True  # each engine has its own integer for it

    return a.auto_increment == b.auto_increment and a.holds_same(b)


def squeezed(codec: str | None) -> str | None:
    return codec and re.sub(r"\s+", "", codec)


def plain(comment: str) -> str:
    """Return a comment as it was meant: DataJoint 2.3 leaves the backslash of an escaped quote on PostgreSQL."""
    return comment.replace('\\"', '"').strip()


def default_value(default: Sql | None, storage: ValueType) -> object:
    """Return what a default means, so that equal ones are equal however they are spelt."""
    text = "".join(part for part in default.parts if isinstance(part, str)).strip() if default is not None else "NULL"
    if text.upper() == "NULL":
        return None
    if match := CURRENT_TIMESTAMP.match(text):
        return "CURRENT_TIMESTAMP", int(match["digits"] or 0)
    bare = text[1:-1].replace("''", "'") if len(text) > 1 and text[0] == text[-1] == "'" else text
    try:
        value = acceptor(storage)(bare)
    except InvalidValueError:
        return bare
    # MySQL tells six digits of such a default.
    return f"{value:.6g}" if storage.kind == "float32" else value


def as_read_by_mysql(text: str) -> str:
    """Return what became of a default with backslashes that DataJoint 2.3 sent to MySQL as it was written."""
    return re.sub(r"\\(.)", lambda escape: _ESCAPES.get(escape[1], escape[1]), text, flags=re.DOTALL)


_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "b": "\b", "Z": "\x1a", "%": "\\%", "_": "\\_"}
