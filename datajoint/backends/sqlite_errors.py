"""What SQLite's messages mean."""

from __future__ import annotations

import re
import sqlite3

from datajoint.backends import wording
from datajoint.backends.wording import Facts
from datajoint.errors import (
    DataJointError,
    DuplicateError,
    InvalidTypeError,
    InvalidValueError,
    QueryError,
    QuerySyntaxError,
)

_CONSTRAINTS = {
    sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_ROWID,
}  # fmt: skip
_DATATYPE = 3091  # SQLITE_CONSTRAINT_DATATYPE, unknown to Python's module

_UNIQUE = re.compile(r"UNIQUE constraint failed: (.*)")
_NOT_NULL = re.compile(r"NOT NULL constraint failed: (.+)\.(\w+)")
_CHECK = re.compile(r"CHECK constraint failed: (\w+): (.*)", re.DOTALL)
_STORE = re.compile(r"cannot store (\w+) value in (\w+) column (.+)\.(\w+)")
_NO_TABLE = re.compile(r"no such table: (?:main\.)?(.+)")
_DELETE = re.compile(r"\s*(?:DELETE|DROP)\b", re.IGNORECASE)
_NO_COLUMN = re.compile(r"no such column: (.+)|has no column named (.+)")


def explain(error: BaseException, text: str) -> DataJointError:
    """Return the error of ours that an exception of sqlite3 means."""
    message = str(error)
    if isinstance(error, sqlite3.ProgrammingError) and "closed database" in message:
        return wording.lost("the file is closed")
    if isinstance(error, (OverflowError, UnicodeEncodeError)):
        return InvalidValueError(f"The database cannot hold a value: {message}.", query=text)
    if re.match(r"Error binding parameter|Error binding", message):
        return InvalidTypeError(f"A value cannot be sent to the database: {message}.", query=text)
    code = getattr(error, "sqlite_errorcode", None)
    found = _by_code(code, message, text) if isinstance(code, int) else None
    found = found or _by_message(message, text) or QueryError(f"SQLite refused the statement: {message}.")
    found.query, found.code = text, getattr(error, "sqlite_errorname", code)
    return found


def _by_code(code: int, message: str, text: str) -> DataJointError | None:
    if code in _CONSTRAINTS:
        return _duplicate(message, text)
    if code & 0xFF == sqlite3.SQLITE_CONSTRAINT and "FOREIGN KEY" in message:
        # SQLite names neither table nor row; whoever sent the rows can find them.
        is_delete = _DELETE.match(text) is not None
        return (wording.restricted if is_delete else wording.missing_parent)(Facts(statement=text))
    if code == sqlite3.SQLITE_CONSTRAINT_NOTNULL and (match := _NOT_NULL.search(message)):
        table, attribute = match.groups()
        return wording.missing_value(Facts(table=table, attribute=attribute, statement=text))
    if code == sqlite3.SQLITE_CONSTRAINT_CHECK and (match := _CHECK.search(message)):
        attribute, declared = match.groups()
        return wording.invalid_value(Facts(attribute=attribute, said=f"it does not fit {declared}", statement=text))
    if code == _DATATYPE and (match := _STORE.search(message)):
        kind, column, table, attribute = match.groups()
        said = f"it is of type {kind}, and the column is {column}"
        return wording.invalid_value(Facts(table=table, attribute=attribute, said=said, statement=text))
    return _by_condition(code & 0xFF, message, text)


def _by_condition(code: int, message: str, text: str) -> DataJointError | None:
    """Sort the conditions that are not about the rows."""
    match code:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return wording.lock_timeout(Facts(statement=text))
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
            return wording.read_only(Facts(statement=text))
        case sqlite3.SQLITE_FULL:
            return wording.disk_full(Facts(statement=text))
        case sqlite3.SQLITE_TOOBIG:
            return wording.too_large(Facts(said="SQLite takes a gigabyte at most", statement=text))
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return QueryError(f"The database file is damaged: {message}.", hint="Restore it from a backup.")
        case sqlite3.SQLITE_IOERR | sqlite3.SQLITE_CANTOPEN:
            return QueryError(f"The database file cannot be read or written: {message}.")
    return None


def _duplicate(message: str, text: str) -> DataJointError:
    match = _UNIQUE.search(message)
    columns = match[1].split(", ") if match else []
    if columns and not columns[0].startswith("index "):
        table = columns[0].rpartition(".")[0]
        names = ", ".join(c.rpartition(".")[2] for c in columns)
        return wording.duplicate(Facts(table=table, attribute=names, statement=text))
    return DuplicateError(f"Duplicate entry: {message}.")


def _by_message(message: str, text: str) -> DataJointError | None:
    if match := _NO_TABLE.search(message):
        return wording.unknown_table(Facts(table=match[1], statement=text))
    if match := _NO_COLUMN.search(message):
        name = match[1] or match[2]
        return wording.unknown_attribute(Facts(attribute=name, statement=text))
    if "integer overflow" in message:
        return InvalidValueError("A sum of integers left the range of 64 bits.")
    if "non-deterministic use of" in message:
        return InvalidValueError("A text that means the present moment is no value of a date or time.")
    if "syntax error" in message or "no such function" in message or "wrong number of arguments" in message:
        return QuerySyntaxError(f"SQLite could not read the statement: {message}.")
    if "incomplete input" in message or "unrecognized token" in message:
        return QuerySyntaxError(f"SQLite could not read the statement: {message}.")
    return None
