"""``%dj populate``: compute what is missing in a table, and see how far it is."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any

from IPython.display import display

import datajoint as dj
from datajoint.autopopulate import AutoPopulate
from datajoint_jupyter.frontend import page_answers
from datajoint_jupyter.magics.arguments import option, output_option, positive, rest
from datajoint_jupyter.magics.command import Command, Context
from datajoint_jupyter.magics.errors import CommandError
from datajoint_jupyter.magics.evaluate import evaluate, parse_expression
from datajoint_jupyter.widgets.populate import PopulateRun
from datajoint_jupyter.workspace import computes

_NAME = "%dj populate"


@dataclass(frozen=True, slots=True)
class PopulateArguments:
    """The line of ``%dj populate``."""

    expression: str = rest("TABLE [& CONDITION …]", "an imported or computed table; conditions restrict its key source")
    wait: bool = option("--wait", default=False, help_text="return when it is over; always so where no page answers")
    max_calls: int | None = option(
        "--max-calls", default=None, metavar="N", parse=positive, help_text="compute at most N keys"
    )
    output: str | None = output_option()


def populate(context: Context, arguments: PopulateArguments) -> None:
    """Populate a table in the background, or here; keep the run if a name is given."""
    table, restrictions = _target(arguments.expression, context)
    run = PopulateRun(table, *restrictions, max_calls=arguments.max_calls)
    context.keep(arguments.output, run)
    begin(run, wait=arguments.wait)


def begin(run: PopulateRun, *, wait: bool) -> None:
    """Show a run and begin it: here if told to, or if nobody could see it go on behind the prompt."""
    display(run)
    if wait or not page_answers():
        run.run()
    else:
        run.start()


def _target(text: str, context: Context) -> tuple[AutoPopulate, list[Any]]:
    """Return the table and the conditions of ``Table & condition & …``; conditions belong to the key source."""
    node = parse_expression(text, name=_NAME)
    conditions: list[str] = []
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitAnd):
        conditions.insert(0, ast.unparse(node.right))
        node = node.left
    source = ast.unparse(node)
    table = evaluate(source, context.workspace, name=_NAME).value
    found = context.workspace.implementation(table) if isinstance(table, dj.Table) else table
    if not isinstance(found, AutoPopulate):
        kind = found.class_name if isinstance(found, dj.Table) else type(found).__name__
        raise CommandError(f"{_NAME} computes imported and computed tables, and {source} is none ({kind}).")
    if not computes(type(found)):
        raise CommandError(
            f"{source} has no make() in this notebook.", "Define its class here, or import the module that does."
        )
    return found, [evaluate(condition, context.workspace, name=_NAME).value for condition in conditions]


COMMAND = Command(
    "populate",
    "compute what is missing in a table, and see how far it is",
    PopulateArguments,
    populate,
    completes="expressions",
    examples=("%dj populate Detection", "%dj populate Detection & {'params_id': 1} --wait"),
)
