"""What PostgreSQL's SQLSTATE codes mean."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import psycopg

from datajoint.backends import wording
from datajoint.backends.wording import Facts
from datajoint.errors import (
    DataJointError,
    InvalidTypeError,
    InvalidValueError,
    LockError,
    QueryError,
    QuerySyntaxError,
    TimeLimitError,
)

_LOST = {"08000", "08003", "08006", "57P01", "57P02", "57P05", "25P03"}


def _plain(kind: type[DataJointError]) -> Callable[[Facts], DataJointError]:
    return lambda facts: kind(facts.said)


_MAKERS: dict[str, Callable[[Facts], DataJointError]] = {
    "23505": wording.duplicate, "42P06": wording.exists, "42P07": wording.exists, "42710": wording.exists,
    "23503": wording.missing_parent, "23001": wording.restricted, "2BP01": wording.restricted,
    "23502": wording.missing_value,
    "42601": _plain(QuerySyntaxError), "42883": _plain(QuerySyntaxError),
    "42P01": wording.unknown_table,
    "42703": wording.unknown_attribute,
    "42501": wording.no_access, "25006": wording.read_only,
    "40001": _plain(LockError), "40P01": wording.deadlock, "55P03": wording.lock_timeout,
    "22001": wording.invalid_value, "22003": wording.invalid_value, "22007": wording.invalid_value,
    "22008": wording.invalid_value, "22012": wording.invalid_value, "22021": wording.invalid_value,
    "22P02": wording.invalid_value, "22P05": wording.invalid_value, "23514": wording.invalid_value,
    "54000": wording.too_large,
    "53100": wording.disk_full, "53400": wording.disk_full,
}  # fmt: skip
_CANCELED = "57014"
_UNKNOWN_SCHEMA = "3F000"
_FAILED_TRANSACTION = "25P02"
_FOREIGN_KEY = "23503"

_KEY = re.compile(r"Key \((?P<names>.+?)\)=\((?P<values>.*)\) (?P<what>.+)", re.DOTALL)
_QUOTED = re.compile(r'(?:column|relation|schema|table) "?(?:(.+?)\.)?([^".]+?)"?(?: |$)')
_OTHER = re.compile(r'table "(.+?)"')


def explain(error: BaseException, text: str) -> DataJointError:
    """Return the error of ours that an exception of psycopg means."""
    state = getattr(error, "sqlstate", None)
    found = _by_state(error, state, _said(error), text)
    found.query, found.code = text, state
    return found


def _said(error: BaseException) -> str:
    """Return the server's sentence, without the details, which may show a whole row."""
    details: Any = getattr(error, "diag", None)
    primary: str | None = getattr(details, "message_primary", None)
    return primary or str(error).strip()


def _by_state(error: BaseException, state: str | None, message: str, text: str) -> DataJointError:
    if state in _LOST or (state is None and isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError))):
        # a broken link is reported by the client library, which has no code for it
        return wording.lost(message)
    maker = _MAKERS.get(state) if state else None
    if maker is not None:
        facts = _facts(error, message, text)
        if state == _FOREIGN_KEY and "referenced" in _detail(error):
            maker = wording.restricted
        return maker(facts)
    if state == _UNKNOWN_SCHEMA and (match := _QUOTED.search(message)):
        return wording.unknown_schema(Facts(statement=text), match[2])
    if state == _CANCELED:
        if "timeout" in message:
            return TimeLimitError(message)
        return QueryError("The statement was ended by somebody else.", hint="Ask the administrator why, and try again.")
    if state == _FAILED_TRANSACTION:
        return QueryError(
            "A statement of this transaction failed before, and the server takes no other.",
            hint="Leave the transaction, or put what may fail into a `with connection.transaction:` block of its own.",
        )
    return _of_the_driver(error, state, message)


def _of_the_driver(error: BaseException, state: str | None, message: str) -> DataJointError:
    if state is None and isinstance(error, (psycopg.DataError, UnicodeEncodeError, OverflowError)):
        return InvalidValueError(f"A value cannot be carried between Python and the database: {message}.")
    if state is None and isinstance(error, (psycopg.ProgrammingError, TypeError)):
        if "cannot adapt" in message:
            return InvalidTypeError(f"A value cannot be sent to the database: {message}.")
        return QuerySyntaxError(
            f"The statement and its values do not fit: {message}.", hint="Write a percent sign as %%."
        )
    return QueryError(message or repr(error))


def _detail(error: BaseException) -> str:
    details: Any = getattr(error, "diag", None)
    detail: str | None = getattr(details, "message_detail", None)
    return detail or ""


def _facts(error: BaseException, message: str, text: str) -> Facts:
    """Read what the server says."""
    details: Any = getattr(error, "diag", None)
    schema, table = getattr(details, "schema_name", None), getattr(details, "table_name", None)
    key, quoted = _KEY.search(_detail(error)), _QUOTED.search(message)
    name = f"{schema}.{table}" if schema and table else None
    if name is None and quoted and message.startswith("relation "):
        name = f"{quoted[1]}.{quoted[2]}" if quoted[1] else quoted[2]
    other = _OTHER.search(key["what"]) if key else None
    if key and "referenced" in key["what"] and name:
        # the server names the child as the table of the constraint, and the parent in its sentence only
        parent = _OTHER.search(message)
        return Facts(table=f"{schema}.{parent[1]}" if parent else None, attribute=key["names"], value=key["values"],
                     other=name, said=message, statement=text)  # fmt: skip
    return Facts(
        table=name,
        attribute=key["names"] if key else _attribute(error, message, quoted),
        value=key["values"] if key else None,
        other=f"{schema}.{other[1]}" if other else None,
        said=message,
        statement=text,
    )


def _attribute(error: BaseException, message: str, quoted: re.Match[str] | None) -> str | None:
    """Return the column that the server names: by itself, in the name of a constraint of ours, or in its sentence."""
    details: Any = getattr(error, "diag", None)
    name: str | None = getattr(details, "column_name", None)
    constraint = getattr(details, "constraint_name", None) or ""
    if name or ": " in constraint:
        return name or constraint.partition(": ")[0]
    return quoted[2] if quoted and message.startswith("column ") else None
