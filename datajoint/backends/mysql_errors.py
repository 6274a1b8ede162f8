"""What the error numbers of MySQL and MariaDB mean."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

import pymysql

from datajoint.backends import wording
from datajoint.backends.wording import Facts
from datajoint.errors import (
    DataJointError,
    InvalidTypeError,
    InvalidValueError,
    LockError,
    MissingTableError,
    QueryError,
    QuerySyntaxError,
    TimeLimitError,
)

_LOST = {0, 1053, 1077, 1079, 1927, 2006, 2013, 2055, 3169, 4031}
_NO_DATABASE = 1046
_INTERRUPTED = 1317
_INCOMPATIBLE = {3780, 1005, 1215}


def _unless_unsaid(wanted: Callable[[Facts], DataJointError]) -> Callable[[Facts], DataJointError]:
    """Return what words an error about a table, but keeps the server's words where it names none."""

    def worded(facts: Facts) -> DataJointError:
        return wanted(facts) if facts.table else MissingTableError(facts.said)

    return worded


def _plain(kind: type[DataJointError]) -> Callable[[Facts], DataJointError]:
    return lambda facts: kind(facts.said, table=facts.table)


_Maker = Callable[[Facts], DataJointError]


def _makers(*groups: tuple[_Maker, Iterable[int]]) -> dict[int, _Maker]:
    return {code: maker for maker, codes in groups for code in codes}


_MAKERS = _makers(
    (wording.no_access, (1044, 1045, 1142, 1143, 1227, 1370, 1410)),
    (wording.read_only, (1290, 1792, 1836)),
    (wording.duplicate, (1062, 1169, 1586)),
    (wording.exists, (1007, 1050)),
    (wording.missing_parent, (1216, 1452)),
    (wording.restricted, (1217, 1451, 1701, 3730)),
    (_plain(QuerySyntaxError), (1064, 1149, 1305, 1582, 1583, 1584)),
    (_unless_unsaid(wording.unknown_table), (1051, 1146)),
    (wording.missing_value, (1048, 1364)),
    (wording.unknown_attribute, (1054,)),
    (wording.lock_timeout, (1205, 3572)),
    (wording.deadlock, (1213,)),
    (_plain(LockError), (1020,)),
    (_plain(TimeLimitError), (1969, 3024)),
    (wording.too_large, (1118, 1153, 1301)),
    (wording.disk_full, (3, 28, 1021, 1030, 1114)),
    (wording.invalid_value, (1264, 1265, 1292, 1366, 1406, 1411, 1525, 1690, 3140, 3141, 3156, 3819, 4025)),
)
_UNKNOWN_DATABASES = {1008, 1049}

_COLUMN = re.compile(r"(?:column|field|CONSTRAINT) '?((?:`?[^'`.]+`?\.)*)`?([^'`.]+)`?'?", re.IGNORECASE)
_VALUE = re.compile(r"value: '(.*?)' for column|Duplicate entry '(.*)' for key '(?:[^'.]*\.)?([^']*)'", re.DOTALL)
_TABLE = re.compile(r"(?:[Tt]able|for table) [`'](.+?)[`'](?:\.`(.+?)`)?(?: |$)")
_FOREIGN_KEY = re.compile(
    r"fails \(`(?P<schema>.+?)`\.`(?P<child>.+?)`, CONSTRAINT `.+?` FOREIGN KEY \((?P<columns>.+?)\) "
    r"REFERENCES (?:`(?P<parent_schema>[^`]+)`\.)?`(?P<parent>.+?)` \("
)
_DATABASE = re.compile(r"database '(.+?)'")


def explain(error: BaseException, text: str) -> DataJointError:
    """Return the error of ours that an exception of PyMySQL means."""
    code = error.args[0] if error.args and isinstance(error.args[0], int) else None
    message = str(error.args[1]) if len(error.args) > 1 else str(error)
    if isinstance(error, (ConnectionError, BrokenPipeError)) or message == "(0, '')":
        found: DataJointError = wording.lost("the link is broken")
    else:
        found = _by_code(error, code, message, text)
    found.query, found.code = text, code
    return found


def _by_code(error: BaseException, code: int | None, message: str, text: str) -> DataJointError:
    if code in _LOST:
        return wording.lost(message)
    maker = _MAKERS.get(code) if code is not None else None
    if maker is not None:
        return maker(_facts(message, text))
    if code in _UNKNOWN_DATABASES and (match := _DATABASE.search(message)):
        return wording.unknown_schema(Facts(statement=text), match[1])
    if code == _INTERRUPTED:
        return QueryError("The statement was ended by somebody else.", hint="Ask the administrator why, and try again.")
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
    return _of_the_driver(error, code, message)


def _of_the_driver(error: BaseException, code: int | None, message: str) -> DataJointError:
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


def _facts(message: str, text: str) -> Facts:
    """Read what the server says."""
    if match := _FOREIGN_KEY.search(message):
        child = f"{match['schema']}.{match['child']}"
        parent = f"{match['parent_schema'] or match['schema']}.{match['parent']}"
        columns = match["columns"].replace("`", "")
        if "parent row" in message:
            return Facts(table=parent, other=child, said=message, statement=text)
        return Facts(table=child, attribute=columns, other=parent, said=message, statement=text)
    column, value, table = _COLUMN.search(message), _VALUE.search(message), _TABLE.search(message)
    attribute, given = column[2] if column else None, None
    if value:
        given = value[1] if value[1] is not None else value[2]
        # an index is called like its only column, or by the word for the primary key
        attribute = attribute or (value[3] if value[3] not in {None, "PRIMARY"} else None)
    name = None if table is None else f"{table[1]}.{table[2]}" if table[2] else table[1]
    if name and "." not in name:  # without its schema, which the statement tells
        name = None
    return Facts(table=name, attribute=attribute, value=given, said=message, statement=text)
