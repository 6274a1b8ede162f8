"""Why a computed table has no row of a key: the state of the work, and what stands in its way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import datajoint as dj
from datajoint.autopopulate import AutoPopulate
from datajoint.jobs import Job
from datajoint.tiers import tier_of
from datajoint_jupyter.display.values import key_text
from datajoint_jupyter.work.targets import can_compute, code_of, title_of
from datajoint_jupyter.workspace import Workspace

_STATES = {
    "done": "done",
    "not queued": "is missing",
    "pending": "is pending",
    "scheduled": "is pending",
    "reserved": "is running",
    "abandoned": "was abandoned",
    "error": "has failed",
    "ignored": "is ignored",
    "completed": "is missing",
}
_DEPTH = 10


def work_reasons(table: dj.Table, key: Mapping[str, Any], workspace: Workspace, depth: int = 0) -> Iterator[str]:
    """Yield what is known of a key, the state of its work first.

    Parameters
    ----------
    table : Table
        Imported or computed; its class need not be known.
    key : mapping
        A value for each attribute of the primary key that foreign keys brought.
    workspace : Workspace
        Knows the classes of the notebook.
    """
    name, shown = code_of(table), key_text(key)
    if table & dict(key):
        yield f"{name} {shown} is done: it has its row."
        return
    explained = _explained(table, key)
    if explained is not None:
        yield f"{name} {shown} {explained[0]}. {explained[1]}"
        return
    missing = list(_missing_parents(table, key))
    for parent, parent_key in missing:
        yield f"{name} {shown} is blocked: {title_of(parent)} has no row {key_text(parent_key)}."
        known = workspace.implementation(parent)
        if depth < _DEPTH and _is_made(known) and None not in parent_key.values():
            yield from work_reasons(known, parent_key, workspace, depth + 1)
    if missing:
        return
    if not isinstance(table, AutoPopulate) or not can_compute(table):
        yield (
            f"{name} {shown} is missing: its parents have their rows, and no job is queued. Whether it is a candidate only "
            f"the class of {name} tells, which is not known here."
        )
        return
    source = table.key_source
    if not source & dict(key):
        yield f"{name} {shown} is never a candidate: its parents have their rows, but the key source of {name} leaves it out."
        yield from (source & dict(key)).why().sentences
        return
    yield f"{name} {shown} is missing: it is a candidate that nobody has queued or computed. Next: {name}.populate({shown})"


def _explained(table: dj.Table, key: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return what the queue says of a key, if it has its job."""
    queue = Job(table)
    if not queue.is_declared or not queue & {name: key[name] for name in queue.primary_key}:
        return None
    found = queue.explain(key)
    return _STATES.get(found.state, f"is {found.state}"), str(found)


def _missing_parents(table: dj.Table, key: Mapping[str, Any]) -> Iterator[tuple[dj.Table, dict[str, Any]]]:
    """Yield the tables that the key refers to and that lack the row, with the key that they lack."""
    for name, link in table.connection.dependencies.parents(table.full_table_name, primary=True):
        ways = link["attr_map"]
        if not set(ways) <= set(key):
            continue
        parent = dj.FreeTable(table.connection, name)
        parent_key = {there: key[here] for here, there in ways.items()}
        if not parent & parent_key:
            yield parent, parent_key


def _is_made(table: dj.Table) -> bool:
    tier = tier_of(table.table_name)
    return tier is not None and issubclass(tier, AutoPopulate)


def job_key(table: dj.Table) -> tuple[str, ...]:
    """Return the attributes of a table's key that foreign keys brought; all of them if none did."""
    links = table.connection.dependencies.parents(table.full_table_name, primary=True)
    names = {here for _, link in links for here in link["attr_map"]}
    return tuple(name for name in table.primary_key if name in names) or tuple(table.primary_key)
