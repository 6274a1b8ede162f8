"""What a database is busy with, in a person's words."""

from __future__ import annotations

import re
from dataclasses import dataclass

from datajoint.backends.base import Process
from datajoint.connection.locks import class_name
from datajoint.definition import TableName
from datajoint.naming import shorten

# Where a statement names a table: quoted, as all of the library's are; on SQLite schema and table are one name.
_TABLE = re.compile(
    r"""\b(?:FROM|JOIN|INTO|UPDATE|TABLE)\s+[`"]([^`".]+)(?:[`"]\.[`"]|\.)([^`"]+)[`"]""", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Running:
    """A statement at work; ``str(running)`` says so in a sentence.

    Attributes
    ----------
    process : Process
        The session with its number, user, place and statement; `seconds` since the statement began, None where the engine
        does not tell.
    tables : tuple of str
        ``schema.table`` of each table that the statement names, as far as the engine tells the statement.
    table_classes : tuple of str
        The names of their classes, such as ``Session`` or ``Session.Trial``.
    """

    process: Process
    tables: tuple[str, ...]
    table_classes: tuple[str, ...]

    def __str__(self) -> str:
        process = self.process
        who = f"{process.user}@{process.place}" if process.user else "process"
        since = "" if process.seconds is None else f" for {process.seconds:.1f} s"
        of = f" on {', '.join(self.table_classes)}" if self.table_classes else ""
        does = f": {shorten(process.statement)}" if process.statement else ""
        return f"{who} (number {process.number}) is at work{since}{of}{does}"


def described_running(process: Process) -> Running:
    """Return a session at work with the names that a person uses."""
    found = dict.fromkeys(_TABLE.findall(process.statement or ""))
    names = [TableName(schema, table) for schema, table in found]
    return Running(process, tuple(str(name) for name in names), tuple(class_name(name) for name in names))
