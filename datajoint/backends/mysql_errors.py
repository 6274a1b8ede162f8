"""What the error numbers of MySQL and MariaDB mean."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pymysql

from datajoint.errors import (
    AccessError,
    DataJointError,
    DeadlockError,
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
    TimeLimitError,
    UnknownAttributeError,
)


def _classes(*groups: tuple[type[DataJointError], Iterable[int]]) -> dict[int, type[DataJointError]]:
    return {code: kind for kind, codes in groups for code in codes}


_CLASSES = _classes(
    (LostConnectionError, (0, 1053, 1077, 1079, 1927, 2006, 2013, 2055, 3169, 4031)),
    (AccessError, (1044, 1045, 1142, 1143, 1227, 1290, 1370, 1410, 1792, 1836)),
    (DuplicateError, (1007, 1050, 1062, 1169, 1586)),
    (IntegrityError, (1216, 1217, 1451, 1452, 1701, 3730)),
    (QuerySyntaxError, (1064, 1149, 1305, 1582, 1583, 1584)),
    (MissingTableError, (1049, 1051, 1146, 1008)),
    (MissingAttributeError, (1048, 1364)),
    (UnknownAttributeError, (1054,)),
    (LockError, (1020, 1205, 3572)),
    (DeadlockError, (1213,)),
    (TimeLimitError, (1969, 3024)),
    (InvalidValueError, (1153, 1264, 1265, 1292, 1366, 1406, 1411, 1525, 1690, 3140, 3141, 3819, 4025, 3156, 1301)),
)
_NO_DATABASE = 1046
_INCOMPATIBLE = {3780, 1005, 1215}
_COLUMN = re.compile(r"(?:column|field|CONSTRAINT) '?`?(?:[^'`]*\.)*([^'`.]+)'?`?", re.IGNORECASE)


def explain(error: BaseException, text: str) -> DataJointError:
    """Return the error of ours that an exception of PyMySQL means; its first argument is the server's text."""
    code = error.args[0] if error.args and isinstance(error.args[0], int) else None
    message = str(error.args[1]) if len(error.args) > 1 else str(error)
    if isinstance(error, (ConnectionError, BrokenPipeError)) or message == "(0, '')":
        return LostConnectionError("The connection to the server was lost.", query=text)
    found = _by_class(error, code, message)
    found.query, found.code = text, code
    return found


def _by_class(error: BaseException, code: int | None, message: str) -> DataJointError:
    kind = _CLASSES.get(code) if code is not None else None
    if kind is LostConnectionError:
        return LostConnectionError(f"The connection to the server was lost: {message or 'it is closed'}.")
    if kind in {MissingAttributeError, InvalidValueError, UnknownAttributeError}:
        column = _COLUMN.search(message)
        return kind(message, attribute=column[1] if column else None)
    if kind is not None:
        return kind(message)
    if code == _NO_DATABASE:  # what the server says of an unknown function, because a stored one would be in a database
        return QuerySyntaxError(
            "The statement uses a function that does not exist, or a table without its schema.",
            hint="Check the names of functions, and write schema.table.",
        )
    if code in _INCOMPATIBLE:
        return QueryError(
            message,
            hint="If the columns of the foreign key differ in character set or collation, create the schema with "
            'database.schema_collation = "server", or change the default collation of the other schema.',
        )
    if code is None and isinstance(error, pymysql.ProgrammingError) and "can not be used with MySQL" in message:
        return InvalidValueError(f"The engine cannot hold {message.split(maxsplit=1)[0]}; floats are finite.")
    if code is None and isinstance(error, UnicodeEncodeError):
        return InvalidValueError(f"The database cannot hold a text: {message}.")
    if code is None and isinstance(error, TypeError) and "as parameter" in message:
        return InvalidTypeError(f"A value cannot be sent to the database: {message}.")
    if code is None and isinstance(error, (TypeError, ValueError)):
        return QuerySyntaxError(
            f"The statement and its values do not fit: {message}.", hint="Write a percent sign as %%."
        )
    return QueryError(message or repr(error))
