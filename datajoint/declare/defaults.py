"""Defaults of attributes: from a definition to SQL, and back from the database's text."""

from __future__ import annotations

import re

from datajoint.declare.grammar import ParsedAttribute
from datajoint.errors import InvalidValueError
from datajoint.sql.fragment import Sql
from datajoint.values.accept import acceptor
from datajoint.values.dates import moment_text, time_text
from datajoint.values.documents import from_json
from datajoint.values.model import ValueType

CURRENT_TIMESTAMP = re.compile(r"current_timestamp\s*(\(\s*(?P<digits>\d*)\s*\))?\Z", re.IGNORECASE)
_PLAIN_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?\Z")
_CALL = re.compile(r"\w+\s*\(.*\)\Z")
NULL = Sql("NULL")


def default_sql(parsed: ParsedAttribute, storage: ValueType) -> Sql | None:
    """Return what a written default means, as the text after ``DEFAULT``; None for no default.

    ``null`` makes an attribute nullable, ``CURRENT_TIMESTAMP`` stays, everything else is a value, in quotes or bare.

    Raises
    ------
    DefinitionError
        If the type has no such default.
    """
    text = parsed.default
    if text is None:
        return None
    name, place = parsed.name, parsed.default_place
    if text.lower() == "null":
        if parsed.in_key:
            raise place.error(
                f"Primary key attributes cannot be nullable, but `{name}` has the default null.",
                "Move it below `---`, or remove the default.",
                attribute=name,
            )
        return NULL
    if storage.kind in {"bytes", "uuid"}:
        raise place.error(
            f"The default value for {'blob' if storage.kind == 'bytes' else 'uuid'} attributes can only be NULL, "
            f"but `{name}` has {text}.",
            f"Write `{name} = null : {parsed.type_text}`.",
            attribute=name,
        )
    if match := CURRENT_TIMESTAMP.match(text):
        digits = match["digits"]
        return Sql(f"CURRENT_TIMESTAMP({digits})" if digits else "CURRENT_TIMESTAMP")
    if not storage.is_text and _CALL.match(text):
        raise place.error(
            f"The default of `{name}` is the function call {text}, which no definition can have.",
            "Write a value, `null` or `CURRENT_TIMESTAMP`.",
            attribute=name,
        )
    try:
        return quoted_sql(_as_text(storage, _unquoted(text)))
    except InvalidValueError as error:
        raise place.error(
            f"`{name}` cannot have the default {text}: {error}",
            f"Write a value that fits {parsed.type_text}.",
            attribute=name,
        ) from error


def _as_text(storage: ValueType, text: str) -> str:
    """Return the text from which every engine makes the value of a default."""
    if storage.kind == "json":  # which is written as it is stored
        try:
            from_json(text)
        except ValueError as error:
            raise InvalidValueError(f"it is no JSON text ({error})") from error
        return text
    value = acceptor(storage)(text)
    if storage.kind == "bool":
        return str(int(value))
    if storage.kind in {"datetime", "timestamp"}:
        return moment_text(value, storage.digits)
    if storage.kind == "time":
        return time_text(value, storage.digits)
    # A plain number stays as it was written: the catalogues of the engines keep that text.
    is_exact = storage.is_number and _PLAIN_NUMBER.match(text) and value == type(value)(text)
    return text if is_exact else str(value)


def quoted_sql(text: str) -> Sql:
    """Return a text literal; every engine turns one into a number or a date where the column asks for it."""
    return Sql("'" + text.replace("'", "''") + "'")


def default_text(stored: str | None, value_type: ValueType, *, nullable: bool) -> str | None:
    """Return a column's default as a definition says it, from the database's text."""
    if stored is None or stored.upper() == "NULL":
        return "null" if nullable else None
    if match := CURRENT_TIMESTAMP.match(stored):
        digits = match["digits"]
        return f"CURRENT_TIMESTAMP({digits})" if digits and int(digits) else "CURRENT_TIMESTAMP"
    value = _unquoted(stored)
    if value_type.is_number or value_type.kind == "bool":
        return value
    return "'" + value.replace("'", "''") + "'" if '"' in value else f'"{value}"'


def _unquoted(text: str) -> str:
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1].replace("''", "'")
    if len(text) > 1 and text[0] == text[-1] == '"':
        return text[1:-1]
    return text
