"""Why a row is not done in a table: key by key, with tracebacks and the next commands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from datajoint.autopopulate.key_source import without_rows
from datajoint.jobs.job import Job
from datajoint.status.sources import has_queue, keys_of

if TYPE_CHECKING:
    from datajoint.expression import QueryExpression
    from datajoint.status.cells import Cell
    from datajoint.status.matrix import Column, StatusMatrix
    from datajoint.table import Table

Key = dict[str, Any]
MOST_KEYS = 20
"""Keys that are explained one by one."""

_WORDS = {
    "pending": "is still to be computed",
    "running": "is being computed",
    "error": "failed",
    "blocked": "waits itself",
    "ignored": "is marked to be ignored",
    "empty": "has no rows",
}


@dataclass(frozen=True, slots=True)
class KeyReason:
    """Why a key is not computed.

    Attributes
    ----------
    key : dict
    state, sentence, command : str
        As of `Job.explain`.
    traceback : str
        Of a key that failed; empty for others.
    """

    key: Key
    state: str
    sentence: str
    command: str = ""
    traceback: str = ""


@dataclass(frozen=True, slots=True)
class Reasons:
    """Why a cell is as it is.

    Attributes
    ----------
    sentences : tuple of str
    keys : tuple of KeyReason
        Of up to `MOST_KEYS` keys that are not computed.
    left : int
        How many keys are not computed.
    """

    sentences: tuple[str, ...]
    keys: tuple[KeyReason, ...] = ()
    left: int = 0


def restriction_of(column: Column, key: Mapping[str, Any]) -> Any:
    """Return the condition on a column's table by which its rows belong to a row of the matrix."""
    link = column.dependent.link
    if link.carrier is None:
        return {own: key[name] for name, own in link.pairs}
    held = link.carrier & {own: key[name] for name, own in link.pairs}
    renamed = {theirs: own for own, theirs in link.onward if theirs != own}
    return held.proj(**renamed)


def missing_keys(column: Column, key: Mapping[str, Any], limit: int | None = None) -> list[Key]:
    """Return the keys of a row that are not computed in a table; none of a table that is not computed."""
    keys = keys_of(column.table)
    if keys is None:
        return []
    return without_rows(keys & restriction_of(column, key), column.table).to_dicts(limit=limit)


def reasons_of(matrix: StatusMatrix, column: Column, key: Mapping[str, Any], cells: Sequence[Cell]) -> Reasons:
    """Return why a row is not done in a table.

    Parameters
    ----------
    key : mapping
        Of the row.
    cells : sequence of Cell
        Of the row, one for each column.
    """
    place = matrix.columns.index(column)
    cell, name = cells[place], column.title
    counts = cell.counts
    if not column.computed:
        if cell.state == "done":
            return Reasons((f"{name} has {_counted(counts.total, 'row')} of it.",))
        return Reasons((f"Nobody has entered rows of it into {name}, which is not computed.",))
    if not counts.total:
        return Reasons(tuple(_without_keys(matrix, column, key, cells)))
    told = f"{counts.done:,} of {_counted(counts.total, 'key')} computed in {name}."
    if cell.state == "done":
        return Reasons((told,))
    found = missing_keys(column, key, MOST_KEYS)
    return Reasons((told,), tuple(_explained(column.table, found)), max(counts.total - counts.done, len(found)))


def _without_keys(matrix: StatusMatrix, column: Column, key: Mapping[str, Any], cells: Sequence[Cell]) -> list[str]:
    waits_for = [parent for parent in column.parents if cells[parent].is_open]
    # What those wait for in their turn is said there.
    nearest = [p for p in waits_for if not any(p in matrix.columns[other].parents for other in waits_for)]
    if nearest:
        told = [f"{matrix.columns[p].title} {_WORDS[cells[p].state]}" for p in nearest]
        first = [p for p in waits_for if cells[p].state != "blocked"]
        sentences = [f"{column.title} waits: {' and '.join(told)}."]
        if first and first[0] not in nearest:
            sentences.append(f"First of all, {matrix.columns[first[0]].title} {_WORDS[cells[first[0]].state]}.")
        return sentences
    sentences = [f"The key source of {column.title} has no key of it, although all above is done."]
    keys = keys_of(column.table)
    if keys is not None:
        sentences += _why(keys & restriction_of(column, key))
    return sentences


def _why(expression: QueryExpression) -> tuple[str, ...]:
    return tuple(expression.why().sentences)


def _explained(table: Table, keys: Sequence[Key]) -> list[KeyReason]:
    if not has_queue(table):
        name = table.class_name
        return [
            KeyReason(key, "not queued", f"{key} is not computed, and {name} has no queue.", f"{name}.populate({key})")
            for key in keys
        ]
    jobs = Job(table)
    tracebacks = _tracebacks(jobs, keys)
    found = []
    for key in keys:
        reason = jobs.explain(key)
        trace = tracebacks.get(jobs._queue.keys.hashable(key), "") if reason.state == "error" else ""
        found.append(KeyReason(key, reason.state, reason.sentence, reason.command, trace))
    return found


def _tracebacks(jobs: Job, keys: Sequence[Key]) -> dict[tuple[Any, ...], str]:
    """Return the tracebacks of those keys that failed."""
    queue = jobs._queue
    stack = queue.columns.get("error_stack")
    if stack is None or not keys:
        return {}
    wanted = [{name: key[name] for name in queue.keys.names} for key in keys]
    rows = (jobs.errors & wanted).proj(stack).to_dicts()
    return {queue.keys.hashable(row): str(row[stack]) for row in rows if row[stack] is not None}


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
