"""``%dj populate``: compute what is missing in tables, and see how far they are."""

from __future__ import annotations

import argparse
import ast
from dataclasses import dataclass
from typing import Any, Literal, cast

from IPython.display import display

import datajoint as dj
from datajoint.autopopulate import AutoPopulate
from datajoint_jupyter.frontend import page_answers
from datajoint_jupyter.magics.arguments import option, output_option, positive, rest
from datajoint_jupyter.magics.command import Command, Context
from datajoint_jupyter.magics.errors import CommandError
from datajoint_jupyter.magics.evaluate import evaluate, parse_expression
from datajoint_jupyter.magics.work_targets import named_tables
from datajoint_jupyter.widgets.populate import PopulateRun
from datajoint_jupyter.work import Wishes, WorkPanel
from datajoint_jupyter.work.targets import can_compute
from datajoint_jupyter.workspace import computes

_NAME = "%dj populate"
_ORDERS = ("original", "reverse", "random")

Order = Literal["original", "reverse", "random"]


def _order(text: str) -> str:
    if text not in _ORDERS:
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(_ORDERS)}")
    return text


def _number(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number")
    return int(text)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not value > 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no positive number of seconds")
    return value


@dataclass(frozen=True, slots=True)
class PopulateArguments:
    """The line of ``%dj populate``."""

    expression: str = rest(
        "TABLE [& CONDITION …] | TABLES | SCHEMA",
        "imported or computed tables; conditions restrict the key source of one",
    )
    wait: bool = option("--wait", default=False, help_text="return when it is over; always so where no page answers")
    workers: int | None = option(
        "--workers",
        default=None,
        metavar="N",
        parse=positive,
        help_text="so many threads, which share the table's queue",
    )
    processes: int | None = option(
        "--processes", default=None, metavar="N", parse=positive, help_text="up to so many processes instead of threads"
    )
    max_calls: int | None = option(
        "--max-calls", default=None, metavar="N", parse=positive, help_text="compute at most N keys of each table"
    )
    order: str = option(
        "--order", default="original", metavar="ORDER", parse=_order, help_text="original, reverse or random"
    )
    priority: int | None = option(
        "--priority",
        default=None,
        metavar="N",
        parse=_number,
        help_text="only jobs at least so urgent; lower is more urgent",
    )
    time_limit: float | None = option(
        "--time-limit", default=None, metavar="SECONDS", parse=_seconds, help_text="break a key off that takes longer"
    )
    output: str | None = output_option()

    @property
    def needs_queue(self) -> bool:
        """Whether anything was asked for that only a queue gives."""
        return self.workers is not None or self.processes is not None or self.priority is not None


def populate(context: Context, arguments: PopulateArguments) -> None:
    """Populate tables in the background, or here; keep the panel, or the run, if a name is given."""
    tables, restrictions = _targets(arguments.expression, context)
    context.keep(arguments.output, begin_work(tables, restrictions, arguments))


def begin_work(
    tables: list[dj.Table], restrictions: list[Any], arguments: PopulateArguments
) -> PopulateRun | WorkPanel:
    """Show work on tables and begin it; return the run, or the panel."""
    here = arguments.wait or not page_answers()
    order = cast("Order", arguments.order)
    if here and len(tables) == 1 and not arguments.needs_queue:
        # Nobody could press a button: the keys are computed here, and no queue is needed for that.
        run = PopulateRun(
            cast("AutoPopulate", tables[0]), *restrictions, max_calls=arguments.max_calls, order=order,
            time_limit=arguments.time_limit,
        )  # fmt: skip
        begin(run, wait=arguments.wait)
        return run
    wishes = Wishes(tuple(restrictions), arguments.max_calls, arguments.priority, order, arguments.time_limit)
    kind: Literal["threads", "processes"] = "processes" if arguments.processes is not None else "threads"
    panel = WorkPanel(tables, wishes, workers=arguments.processes or arguments.workers or 1, kind=kind)
    panel.show(work=True, wait=arguments.wait)
    return panel


def begin(run: PopulateRun, *, wait: bool) -> None:
    """Show a run and begin it: here if told to, or if nobody could see it go on behind the prompt."""
    display(run)
    if wait or not page_answers():
        run.run()
    else:
        run.start()


def _targets(text: str, context: Context) -> tuple[list[dj.Table], list[Any]]:
    """Return the tables; and of ``Table & condition & …`` the conditions, which belong to the key source."""
    node = parse_expression(text, name=_NAME)
    conditions: list[str] = []
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitAnd):
        conditions.insert(0, ast.unparse(node.right))
        node = node.left
    source = ast.unparse(node)
    if not isinstance(node, ast.Tuple):
        table = _single(source, context)
        if table is not None:
            return [table], [evaluate(condition, context.workspace, name=_NAME).value for condition in conditions]
    if conditions:
        raise CommandError(f"{_NAME} takes conditions for one table, and {source} is more.", "Leave them out.")
    tables = named_tables(source, context, name=_NAME)
    if not any(map(can_compute, tables)):
        raise CommandError(
            f"No table of {source} has a make() in this notebook.", "Define their classes here, or import their module."
        )
    return tables, []


def _single(source: str, context: Context) -> AutoPopulate | None:
    """Return the one table that is meant, None for a schema."""
    try:
        table = evaluate(source, context.workspace, name=_NAME).value
    except CommandError:
        if source in dj.list_schemas(context.workspace.connection):
            return None
        raise
    if not isinstance(table, dj.Table) and not hasattr(table, "populate"):
        return None
    found = context.workspace.implementation(table) if isinstance(table, dj.Table) else table
    if not isinstance(found, AutoPopulate):
        kind = found.class_name if isinstance(found, dj.Table) else type(found).__name__
        raise CommandError(f"{_NAME} computes imported and computed tables, and {source} is none ({kind}).")
    if not computes(type(found)):
        raise CommandError(
            f"{source} has no make() in this notebook.", "Define its class here, or import the module that does."
        )
    return found


COMMAND = Command(
    "populate",
    "compute what is missing in tables, and see how far they are",
    PopulateArguments,
    populate,
    completes="expressions",
    examples=(
        "%dj populate Detection",
        "%dj populate Detection & {'params_id': 1} --wait",
        "%dj populate Detection, Summary --workers 4",
        "%dj populate lab --processes 2",
    ),
)
