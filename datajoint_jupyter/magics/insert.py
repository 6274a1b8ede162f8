"""``%dj insert``: a form to enter rows into a table."""

from __future__ import annotations

from dataclasses import dataclass

from IPython.display import display

import datajoint as dj
from datajoint_jupyter.magics.arguments import connection_option, output_option, rest
from datajoint_jupyter.magics.command import Command, Context
from datajoint_jupyter.magics.errors import CommandError
from datajoint_jupyter.magics.evaluate import evaluate_query

_NAME = "%dj insert"


@dataclass(frozen=True, slots=True)
class InsertArguments:
    """The line of ``%dj insert``."""

    expression: str = rest("TABLE", "a manual or lookup table, or a part of one")
    conn: str | None = connection_option()
    output: str | None = output_option()


def insert(context: Context, arguments: InsertArguments) -> None:
    """Show a form for the table; keep it if a name is given."""
    from datajoint_jupyter.widgets.form import EntryForm  # noqa: PLC0415 - widgets are imported when one is made

    found = evaluate_query(arguments.expression, context.on(arguments.conn).workspace, name=_NAME)
    if not isinstance(found.value, dj.Table):
        raise CommandError(f"{_NAME} takes a table, and {found.source} is an expression.", "Give the table alone.")
    form = EntryForm(found.value, name=arguments.expression.strip())
    context.keep(arguments.output, form)
    display(form)


COMMAND = Command(
    "insert",
    "enter rows into a table: a form, or cells of a spreadsheet",
    InsertArguments,
    insert,
    completes="expressions",
    examples=("%dj insert Session", "%dj insert Session -o form"),
)
