"""``%dj debug``: one key in the notebook: what it is made of, and its ``make`` in a cell that keeps nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import datajoint as dj
from datajoint.autopopulate import AutoPopulate
from datajoint.jobs import Job
from datajoint.jobs.lookout import failed_jobs
from datajoint_jupyter.display.code import static_code, static_text
from datajoint_jupyter.display.listing import together
from datajoint_jupyter.display.twin import Static
from datajoint_jupyter.display.values import key_text
from datajoint_jupyter.magics.arguments import connection_option, rest
from datajoint_jupyter.magics.command import Command, Context
from datajoint_jupyter.magics.errors import CommandError
from datajoint_jupyter.magics.show import show_static, static_table
from datajoint_jupyter.magics.work_targets import table_and_conditions
from datajoint_jupyter.source_text import text_of_table
from datajoint_jupyter.work.rehearsal import rehearsal
from datajoint_jupyter.work.targets import can_compute, code_of

_NAME = "%dj debug"
_ROWS = 5


@dataclass(frozen=True, slots=True)
class DebugArguments:
    """The line of ``%dj debug``."""

    expression: str = rest(
        "TABLE & KEY", "the key to make; without one, the key that failed last, or else the next one"
    )
    conn: str | None = connection_option()


def debug(context: Context, arguments: DebugArguments) -> None:
    """Show what a key is made of, and put its ``make`` into the next cell, to be changed and run; nothing is kept."""
    there = context.on(arguments.conn)
    value, conditions = table_and_conditions(arguments.expression, there, name=_NAME)
    table = there.workspace.implementation(value) if isinstance(value, dj.Table) else value
    if not isinstance(table, AutoPopulate) or not can_compute(table):
        raise CommandError(
            f"{_NAME} makes a key, and {arguments.expression} is no table whose make() is known here.",
            "Name an imported or computed table, and define its class here or import the module that does.",
        )
    key, said = _chosen(table, conditions)
    known = context.workspace.namespace
    code = rehearsal(table, key, text_of_table(table, known), known)
    show_static(
        together([static_text(said, _failure(table, key)), *_inputs(table, key), static_code(code, "The next cell")])
    )
    context.shell.set_next_input(code)


def _chosen(table: AutoPopulate, conditions: Sequence[Any]) -> tuple[dict[str, Any], str]:
    """Return a key that is left to make, and how it was found."""
    name = code_of(table)
    jobs = Job(table)
    if not conditions and jobs.is_declared:
        for job in failed_jobs(jobs, 1):
            return job.key, f"{name} {key_text(job.key)}, which failed last"
    left = table.pending(*conditions)
    keys = left.keys(limit=2, order_by="KEY")
    if not keys:
        raise CommandError(
            f"No key of {name} that agrees is left to make.",
            f"%dj why {name} & KEY tells what became of one; what has rows is made again when they are deleted.",
        )
    more = "" if len(keys) == 1 else f", the first of {len(left):,} keys"
    return keys[0], f"{name} {key_text(keys[0])}{more}"


def _failure(table: AutoPopulate, key: dict[str, Any]) -> list[str]:
    """Return what is known of the last attempt."""
    jobs = Job(table)
    if not jobs.is_declared:
        return []
    names = [name for name in jobs.primary_key if name in key]
    found = (jobs.errors & {name: key[name] for name in names}).to_dicts(limit=1)
    return [f"It failed: {row['error_message']}" for row in found]


def _inputs(table: AutoPopulate, key: dict[str, Any]) -> list[Static]:
    """Return the rows of the parents that the key belongs to."""
    shown = []
    for name, link in table.connection.dependencies.parents(table.full_table_name, primary=True):
        parent = dj.FreeTable(table.connection, name)
        theirs = {there: key[here] for here, there in link["attr_map"].items() if here in key}
        shown.append(static_table(parent & theirs, title=f"{code_of(parent)} {key_text(theirs)}", shown=_ROWS))
    return shown


COMMAND = Command(
    "debug",
    "make one key here: its inputs, and its make() in a cell that keeps nothing",
    DebugArguments,
    debug,
    completes="expressions",
    examples=("%dj debug Detection & {'session_id': 3}", "%dj debug Detection"),
)
