"""What the kinds of errors are called in a person's words: one wording for all engines.

An engine's module finds out what its server says; the sentences are made here: what is so, and what to do.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from datajoint.errors import (
    AccessError,
    DataJointError,
    DeadlockError,
    DuplicateError,
    IntegrityError,
    InvalidValueError,
    LockError,
    LostConnectionError,
    MissingAttributeError,
    MissingTableError,
    QueryError,
    TooLargeError,
    UnknownAttributeError,
)
from datajoint.naming import shorten

# The table that a statement is about: the first name after one of these words, in one or two quoted parts, or bare.
_NAME = r"""(`(?:[^`]|``)+`|"(?:[^"]|"")+"|[^\s`".,(;]+)"""
_TABLE = re.compile(
    rf"\b(?:INTO|UPDATE|FROM|TABLE)\s+(?:IF\s+(?:NOT\s+)?EXISTS\s+)?{_NAME}(?:\.{_NAME})?", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Facts:
    """What an engine tells about an error, as far as it does; names are plain, not quoted."""

    table: str | None = None
    attribute: str | None = None
    value: Any = None
    other: str | None = None
    """The other table: the parent of a missing row, or the child whose rows are in the way."""
    said: str = ""
    """The engine's own words, where they hold more than these facts."""
    statement: str = ""

    @property
    def about(self) -> str:
        """The table, from the statement where the engine does not name it."""
        return self.table or table_of(self.statement) or "the table"


def table_of(statement: str) -> str | None:
    """Return the ``schema.table`` that a statement is about, or None."""
    match = _TABLE.search(statement)
    if match is None:
        return None
    return ".".join(_plain(part) for part in match.groups() if part)


def _plain(name: str) -> str:
    quote = name[0]
    return name[1:-1].replace(quote * 2, quote) if quote in '`"' else name


def _with(facts: Facts, kind: type[DataJointError], message: str, hint: str, **more: Any) -> DataJointError:
    table = facts.table or (table_of(facts.statement) if facts.statement else None)
    details = {"table": table, "attribute": facts.attribute, "value": facts.value, "hint": hint} | more
    return kind(message, **details)


def _pairs(facts: Facts) -> str:
    return f"{facts.attribute}={facts.value}" if facts.value is not None else str(facts.attribute)


def duplicate(facts: Facts) -> DataJointError:
    """Say that a key is taken."""
    same = f"the same {_pairs(facts)}" if facts.attribute else f"the same key {shorten(facts.value)}"
    return _with(facts, DuplicateError, f"Duplicate entry: {facts.about} has a row with {same} already.",
                 "Change that row instead, or give this one another key.")  # fmt: skip


def exists(facts: Facts) -> DataJointError:
    """Say that there is such a table or schema already."""
    return _with(facts, DuplicateError, facts.said, "Use the one that exists, or choose another name.")


def missing_parent(facts: Facts) -> DataJointError:
    """Say that a foreign key leads nowhere."""
    what = f" with {_pairs(facts)}" if facts.attribute else ""
    parent = f"no row in {facts.other}" if facts.other else "no such row in the table that it refers to"
    return _with(facts, IntegrityError, f"A foreign key of {facts.about}{what} is violated: there is {parent}.",
                 "Insert the row that is referred to first.")  # fmt: skip


def restricted(facts: Facts) -> DataJointError:
    """Say that other rows are in the way of a delete or of a change of the key."""
    children = f"rows of {facts.other}" if facts.other else "rows of other tables"
    what = f" with {_pairs(facts)}" if facts.attribute else ""
    return _with(facts, IntegrityError, f"A foreign key is violated: {children} refer to rows of {facts.about}{what}.",
                 "Use delete(), which deletes those first, or delete them yourself.")  # fmt: skip


def missing_value(facts: Facts) -> DataJointError:
    """Say that a required attribute got nothing."""
    name = f"{facts.about}.{facts.attribute}" if facts.attribute else f"An attribute of {facts.about}"
    return _with(facts, MissingAttributeError, f"{name} got no value; it has no default and cannot be NULL.",
                 "Give it a value.")  # fmt: skip


def invalid_value(facts: Facts) -> DataJointError:
    """Say that a value does not fit its attribute."""
    name = f"{facts.about}.{facts.attribute}" if facts.attribute else f"An attribute of {facts.about}"
    return _with(facts, InvalidValueError, f"{name} does not take a value: {facts.said.rstrip('.')}.",
                 "Give a value that fits the attribute's type, or change the type.")  # fmt: skip


def too_large(facts: Facts) -> DataJointError:
    """Say that a row is longer than can be sent or stored."""
    return _with(facts, TooLargeError, f"A row of {facts.about} is too large: {facts.said.rstrip('.')}.",
                 "Keep large values in a store, as <blob@>, or raise the limit.")  # fmt: skip


def unknown_table(facts: Facts) -> DataJointError:
    """Say that there is no such table."""
    return _with(facts, MissingTableError, f"The table {facts.about} does not exist in the database.",
                 "Check the name; list_tables() of its schema shows what there is.")  # fmt: skip


def unknown_schema(facts: Facts, schema: str) -> DataJointError:
    """Say that there is no such schema."""
    return _with(facts, MissingTableError, f"The schema {schema} does not exist in the database.",
                 "Check the name; dj.list_schemas() shows what there is.")  # fmt: skip


def unknown_attribute(facts: Facts) -> DataJointError:
    """Say that there is no such column."""
    return _with(facts, UnknownAttributeError, f"{facts.about} has no attribute {facts.attribute}.",
                 "Check the name; describe() shows the attributes of a table.")  # fmt: skip


def no_access(facts: Facts) -> DataJointError:
    """Say that a privilege is lacking."""
    error = _with(
        facts, AccessError, "Insufficient privileges.", "Ask the administrator of the database for the privilege."
    )
    return error.suggest(facts.said.rstrip(".") + ".") if facts.said else error


def read_only(facts: Facts) -> DataJointError:
    """Say that the database takes no writes."""
    return _with(facts, AccessError, f"The database refuses to write to {facts.about}: it is opened for reading only.",
                 "Leave the read-only transaction, or connect without read_only.")  # fmt: skip


def lock_timeout(facts: Facts) -> DataJointError:
    """Say that somebody else keeps a lock."""
    return _with(facts, LockError, f"Waited in vain for {facts.about}: somebody else has locked what the statement needs.",
                 "connection.locks() tells who. Try again when they have finished.")  # fmt: skip


def deadlock(facts: Facts) -> DataJointError:
    """Say that a transaction was chosen to give way."""
    return _with(facts, DeadlockError,
                 f"A transaction on {facts.about} and another one waited for each other; the database ended this one.",
                 "Nothing of it was kept: repeat it as a whole.")  # fmt: skip


def disk_full(facts: Facts) -> DataJointError:
    """Say that there is no space left."""
    said = f" ({facts.said.rstrip('.')})" if facts.said else ""
    return _with(facts, QueryError, f"There is no space left to write to {facts.about}{said}.",
                 "Free some space on the disk of the database; nothing of the statement was kept.")  # fmt: skip


def lost(said: str) -> DataJointError:
    """Say that the link is broken."""
    return LostConnectionError(f"The connection to the database was lost: {said.rstrip('.') or 'it is closed'}.")
