"""Every exception that the library raises.

::

    Exception
    └─ DataJointError
       ├─ LostConnectionError
       ├─ QueryError
       │  ├─ QuerySyntaxError
       │  ├─ AccessError
       │  ├─ DuplicateError
       │  ├─ IntegrityError
       │  ├─ UnknownAttributeError
       │  ├─ MissingAttributeError
       │  ├─ LockError
       │  │  └─ DeadlockError
       │  ├─ TimeLimitError
       │  └─ InvalidValueError (also ValueError)
       │     ├─ InvalidTypeError (also TypeError)
       │     └─ TooLargeError
       ├─ UnknownFieldError (also KeyError)
       ├─ DefinitionError
       ├─ UnsupportedChangeError (also NotImplementedError)
       ├─ MissingTableError
       ├─ MissingExternalFile
       ├─ BucketInaccessible
       └─ ThreadSafetyError

An error says in up to three short sentences what was asked, what is so, and what to do.
Structured details are fields, so that programs need not parse the text.
"""

from __future__ import annotations

from typing import Any, Self


class DataJointError(Exception):
    """Base of all errors of the library.

    Parameters
    ----------
    *args
        The message first; further arguments are hints appended by `suggest`.
    table, attribute : str, optional
        What the error is about: ``schema.table`` and the attribute's name.
    value : object, optional
        The offending value.
    row : int, optional
        Index, from 0, of the offending row of a bulk insert.
    hint : str, optional
        What to do about it; printed after the message.
    query, code : optional
        The statement that the server refused and the server's own error code.
    """

    def __init__(
        self,
        *args: Any,
        table: str | None = None,
        attribute: str | None = None,
        value: Any = None,
        row: int | None = None,
        hint: str | None = None,
        query: str | None = None,
        code: Any = None,
    ) -> None:
        super().__init__(*args)
        self.table, self.attribute, self.value, self.row = table, attribute, value, row
        self.hint, self.query, self.code = hint, query, code

    def suggest(self, *args: Any) -> Self:
        """Return the same error with further hints appended to its arguments."""
        error = self.__class__(*(self.args + args))
        error.__dict__.update(self.__dict__)
        return error

    def __str__(self) -> str:
        # Without repr quoting, also for the classes that derive from KeyError.
        text = " ".join(str(arg) for arg in self.args)
        if self.hint and self.hint.startswith("\n"):
            return text + self.hint
        return f"{text} {self.hint}".strip() if self.hint else text


class LostConnectionError(DataJointError):
    """The link to the server was lost and could not be restored silently."""


class QueryError(DataJointError):
    """The database refused a statement."""


class QuerySyntaxError(QueryError):
    """The database could not parse a statement, or a user's SQL text could not be read."""


class AccessError(QueryError):
    """The user lacks a privilege, or the database is read-only."""


class DuplicateError(QueryError):
    """A row with the same primary or unique key exists already."""


class IntegrityError(QueryError):
    """A foreign key is violated: the parent row is missing, or a child row still refers to the row."""


class UnknownAttributeError(QueryError):
    """A name that is no attribute of the expression."""


class MissingAttributeError(QueryError):
    """A required attribute was given no value."""


class LockError(QueryError):
    """A lock was not granted in time, or never could be."""


class DeadlockError(LockError):
    """The server ended the transaction, because it and another one waited for each other."""


class TimeLimitError(QueryError):
    """A statement was ended because it took longer than it may."""


class InvalidValueError(QueryError, ValueError):
    """A value of the right kind that does not fit its attribute or cannot be read."""


class InvalidTypeError(InvalidValueError, TypeError):
    """A Python type that the attribute does not take."""


class TooLargeError(InvalidValueError):
    """A row that is larger than the database takes."""


class UnknownFieldError(DataJointError, KeyError):
    """A row holds a field that its table does not have."""


class DefinitionError(DataJointError):
    """A table definition that cannot be read; shows the line and where in it the fault lies.

    Parameters
    ----------
    *args, **details
        As of `DataJointError`.
    line : int, optional
        Number of the faulty line, from 1.
    column : int
        Where in the line, from 0.
    source : str
        The line itself.
    """

    def __init__(self, *args: Any, line: int | None = None, column: int = 0, source: str = "", **details: Any) -> None:
        super().__init__(*args, **details)
        self.line, self.column, self.source = line, column, source

    def __str__(self) -> str:
        text = super().__str__()
        if self.line is None:
            return text
        place = f"In the definition of {self.table}, line" if self.table else "In line"
        return f"{text}\n{place} {self.line}:\n    {self.source}\n    {' ' * self.column}^"


class UnsupportedChangeError(DataJointError, NotImplementedError):
    """A change of a table that cannot be made in place, such as one of its primary key."""


class MissingTableError(DataJointError):
    """The table, or its schema, does not exist in the database."""


class MissingExternalFile(DataJointError):  # noqa: N818 - name fixed by the interface
    """An object that a row refers to is absent from its store."""


class BucketInaccessible(DataJointError):  # noqa: N818 - name fixed by the interface
    """An object store cannot be reached."""


class ThreadSafetyError(DataJointError):
    """Global state was used while thread-safe mode is on."""
