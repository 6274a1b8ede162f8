"""Who blocks whom, in a person's words."""

from __future__ import annotations

from dataclasses import dataclass

from datajoint.backends.base import LockWait, Process
from datajoint.definition import TableName
from datajoint.naming import shorten, to_camel_case


@dataclass(frozen=True, slots=True)
class Lock:
    """One waits for another; ``str(lock)`` says so in a sentence.

    Attributes
    ----------
    waiting : Process or None
        Who waits; None where the engine does not tell.
    blocking : Process
        Who holds what is waited for.
    table : str or None
        ``schema.table``; None for the whole database.
    table_class : str or None
        The name of its class, such as ``Session`` or ``Session.Trial``.
    seconds : float or None
        How long the waiting has lasted.
    """

    waiting: Process | None
    blocking: Process
    table: str | None
    table_class: str | None
    seconds: float | None

    def __str__(self) -> str:
        where = f"{self.table_class} ({self.table})" if self.table else "the database"
        waited = "" if self.seconds is None else f" for {self.seconds:.0f} s"
        who = f"{_person(self.waiting)} waits{waited} for {where}, held by" if self.waiting else f"{where} is held by"
        return f"{who} {_person(self.blocking)}"


def described(wait: LockWait) -> Lock:
    """Return a lock with the names that a person uses."""
    name = wait.table
    return Lock(
        wait.waiting,
        wait.blocking,
        None if name is None else str(name),
        None if name is None else class_name(name),
        wait.seconds,
    )


def class_name(name: TableName) -> str:
    """Return the name that the class of a table has, a part's after its master's."""
    return ".".join(to_camel_case(part) for part in name.name.lstrip("#~_").split("__"))


def _person(process: Process) -> str:
    since = "" if process.seconds is None else f", {process.seconds:.0f} s in its transaction"
    does = f", {shorten(process.statement)}" if process.statement else ""
    who = f"{process.user}@{process.place}" if process.user else "process"
    return f"{who} (number {process.number}{since}{does})"
