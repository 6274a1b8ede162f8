"""What SQLite's messages mean."""

from __future__ import annotations

import re
import sqlite3

from datajoint.errors import (
    AccessError,
    DataJointError,
    DuplicateError,
    IntegrityError,
    InvalidTypeError,
    InvalidValueError,
    LockError,
    LostConnectionError,
    MissingAttributeError,
    MissingTableError,
    QueryError,
    QuerySyntaxError,
    UnknownAttributeError,
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
_NO_COLUMN = re.compile(r"no such column: (.+)|has no column named (.+)")


def explain(error: BaseException, text: str) -> DataJointError:
    """Return the error of ours that an exception of sqlite3 means."""
    message = str(error)
    if isinstance(error, sqlite3.ProgrammingError) and "closed database" in message:
        return LostConnectionError("The database file is closed.")
    if isinstance(error, (OverflowError, UnicodeEncodeError)):
        return InvalidValueError(f"The database cannot hold a value: {message}.", query=text)
    if re.match(r"Error binding parameter|Error binding", message):
        return InvalidTypeError(f"A value cannot be sent to the database: {message}.", query=text)
    code = getattr(error, "sqlite_errorcode", None)
    found = _by_code(code, message) if isinstance(code, int) else None
    found = found or _by_message(message) or QueryError(f"SQLite refused the statement: {message}.")
    found.query, found.code = text, getattr(error, "sqlite_errorname", code)
    return found


def _by_code(code: int, message: str) -> DataJointError | None:
    if code in _CONSTRAINTS:
        return _duplicate(message)
    if code & 0xFF == sqlite3.SQLITE_CONSTRAINT and "FOREIGN KEY" in message:
        # SQLite names neither table nor row; whoever sent the rows can find them.
        return IntegrityError("A foreign key is violated: a parent row is missing, or child rows refer to this one.")
    if code == sqlite3.SQLITE_CONSTRAINT_NOTNULL and (match := _NOT_NULL.search(message)):
        table, attribute = match.groups()
        return MissingAttributeError(
            f"{table}.{attribute} got no value; it has no default and cannot be NULL.", table=table, attribute=attribute
        )
    if code == sqlite3.SQLITE_CONSTRAINT_CHECK and (match := _CHECK.search(message)):
        attribute, declared = match.groups()
        return InvalidValueError(f"A value for {attribute} does not fit {declared}.", attribute=attribute)
    if code == _DATATYPE and (match := _STORE.search(message)):
        kind, column, table, attribute = match.groups()
        return InvalidValueError(
            f"{table}.{attribute} cannot hold a value of type {kind}; its column is {column}.",
            table=table,
            attribute=attribute,
        )
    return _by_condition(code & 0xFF, message)


def _by_condition(code: int, message: str) -> DataJointError | None:
    """Sort the conditions that are not about the rows."""
    match code:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return LockError("Another process is writing to the database file.", hint="Try again when it has finished.")
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
            return AccessError("The database is opened for reading only.")
        case sqlite3.SQLITE_FULL:
            return QueryError(
                "The disk of the database file is full.", hint="Free some space; nothing of the statement was kept."
            )
        case sqlite3.SQLITE_TOOBIG:
            return InvalidValueError(
                "A value is too long for the database.", hint="Declare the attribute with a store, as <blob@>."
            )
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return QueryError(f"The database file is damaged: {message}.", hint="Restore it from a backup.")
        case sqlite3.SQLITE_IOERR | sqlite3.SQLITE_CANTOPEN:
            return QueryError(f"The database file cannot be read or written: {message}.")
    return None


def _duplicate(message: str) -> DuplicateError:
    match = _UNIQUE.search(message)
    columns = match[1].split(", ") if match else []
    if columns and not columns[0].startswith("index "):
        table = columns[0].rpartition(".")[0]
        names = ", ".join(c.rpartition(".")[2] for c in columns)
        return DuplicateError(
            f"Duplicate entry: {table} has a row with the same ({names}) already.", table=table, attribute=names
        )
    return DuplicateError(f"Duplicate entry: {message}.")


def _by_message(message: str) -> DataJointError | None:
    if match := _NO_TABLE.search(message):
        return MissingTableError(f"The table {match[1]} does not exist in the database.", table=match[1])
    if match := _NO_COLUMN.search(message):
        name = match[1] or match[2]
        return UnknownAttributeError(f"There is no attribute {name}.", attribute=name)
    if "integer overflow" in message:
        return InvalidValueError("A sum of integers left the range of 64 bits.")
    if "non-deterministic use of" in message:
        return InvalidValueError("A text that means the present moment is no value of a date or time.")
    if "syntax error" in message or "no such function" in message or "wrong number of arguments" in message:
        return QuerySyntaxError(f"SQLite could not read the statement: {message}.")
    if "incomplete input" in message or "unrecognized token" in message:
        return QuerySyntaxError(f"SQLite could not read the statement: {message}.")
    return None
