"""What PostgreSQL's SQLSTATE codes mean."""

from __future__ import annotations

from typing import Any

import psycopg

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

_CLASSES: dict[str, type[DataJointError]] = {
    "23505": DuplicateError, "42P06": DuplicateError, "42P07": DuplicateError, "42710": DuplicateError,
    "23503": IntegrityError, "23001": IntegrityError, "2BP01": IntegrityError,
    "23502": MissingAttributeError,
    "42601": QuerySyntaxError, "42883": QuerySyntaxError,
    "42P01": MissingTableError, "3F000": MissingTableError,
    "42703": UnknownAttributeError,
    "42501": AccessError, "25006": AccessError,
    "40001": LockError, "40P01": DeadlockError, "55P03": LockError,
    "22001": InvalidValueError, "22003": InvalidValueError, "22007": InvalidValueError, "22008": InvalidValueError,
    "22012": InvalidValueError, "22021": InvalidValueError, "22P02": InvalidValueError, "22P05": InvalidValueError,
    "23514": InvalidValueError, "54000": InvalidValueError,
    "08000": LostConnectionError, "08003": LostConnectionError, "08006": LostConnectionError, "57P01": LostConnectionError,
    "57P02": LostConnectionError, "57P05": LostConnectionError, "25P03": LostConnectionError,
}  # fmt: skip
_CANCELED = "57014"
_FAILED_TRANSACTION = "25P02"


def explain(error: BaseException, text: str) -> DataJointError:
    """Return the error of ours that an exception of psycopg means; its first argument is the server's text."""
    state = getattr(error, "sqlstate", None)
    message = str(error).strip()
    found = _by_state(error, state, message)
    found.query, found.code = text, state
    return found


def _by_state(error: BaseException, state: str | None, message: str) -> DataJointError:
    kind = _CLASSES.get(state) if state else None
    if kind is LostConnectionError or (
        state is None and isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError))
    ):
        # a broken link is reported by the client library, which has no code for it
        return LostConnectionError(f"The connection to the server was lost: {message}.")
    if state == _CANCELED and "timeout" in message:
        return TimeLimitError(message)
    if kind is not None:
        return kind(message, attribute=_attribute(error))
    if state == _FAILED_TRANSACTION:
        return QueryError(
            "A statement of this transaction failed before, and the server takes no other.",
            hint="Leave the transaction, or put what may fail into a `with connection.transaction:` block of its own.",
        )
    if state is None and isinstance(error, (psycopg.DataError, UnicodeEncodeError, OverflowError)):
        return InvalidValueError(f"A value cannot be carried between Python and the database: {message}.")
    if state is None and isinstance(error, (psycopg.ProgrammingError, TypeError)):
        if "cannot adapt" in message:
            return InvalidTypeError(f"A value cannot be sent to the database: {message}.")
        return QuerySyntaxError(
            f"The statement and its values do not fit: {message}.", hint="Write a percent sign as %%."
        )
    return QueryError(message or repr(error))


def _attribute(error: BaseException) -> str | None:
    """Return the column that the server names: by itself, or in the name of a constraint of ours."""
    details: Any = getattr(error, "diag", None)
    name: str | None = getattr(details, "column_name", None)
    constraint = getattr(details, "constraint_name", None) or ""
    return name or (constraint.partition(": ")[0] if ": " in constraint else None)
