"""From the rows of an engine's queries on its locks and its sessions to records."""

from __future__ import annotations

from datajoint.backends.base import Execute, LockWait, Process
from datajoint.definition import TableName
from datajoint.sql.fragment import Sql


def read(execute: Execute, query: str) -> list[LockWait]:
    """Run `query` and read its rows.

    Its columns are: number, user, place, statement and seconds of who waits; the same of who blocks; schema and table;
    seconds since the waiting began.
    """
    waits = []
    for row in execute(Sql(query)).rows:
        waiting, blocking, (schema, table, seconds) = row[:5], row[5:10], row[10:]
        name = TableName(schema, table) if schema and table else None
        waits.append(LockWait(_process(waiting), _process(blocking), name, _seconds(seconds)))
    return waits


def working(execute: Execute, query: str) -> list[Process]:
    """Run `query`, whose columns are number, user, place, statement and seconds of a session at work, and read its rows."""
    return [_process(row) for row in execute(Sql(query)).rows]


def _process(facts: tuple[object, ...]) -> Process:
    number, user, place, statement, seconds = facts
    return Process(int(str(number)), _text(user), _text(place), _text(statement), _seconds(seconds))


def _text(value: object) -> str | None:
    return str(value) if value else None


def _seconds(value: object) -> float | None:
    return None if value is None else float(str(value))
