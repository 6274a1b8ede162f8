"""``%dj delete``: see what a deletion would take from which tables, and confirm it."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from IPython.display import display

import datajoint as dj
from datajoint_jupyter.magics.arguments import connection_option, option, output_option, rest
from datajoint_jupyter.magics.command import Command, Context
from datajoint_jupyter.magics.errors import CommandError
from datajoint_jupyter.magics.evaluate import evaluate_query

_NAME = "%dj delete"
_WAYS = ("enforce", "cascade", "ignore", "strict")


def way(text: str) -> str:
    """Read what happens to masters whose part rows go.

    Raises
    ------
    ArgumentTypeError
    """
    if text not in _WAYS:
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(_WAYS)}")
    return text


@dataclass(frozen=True, slots=True)
class DeleteArguments:
    """The line of ``%dj delete``."""

    expression: str = rest("EXPRESSION", "a table, or a restricted one")
    parts: str = option(
        "--parts",
        default="enforce",
        metavar="HOW",
        parse=way,
        help_text="what happens to masters whose part rows go: " + ", ".join(_WAYS),
    )
    conn: str | None = connection_option()
    output: str | None = output_option()


def delete(context: Context, arguments: DeleteArguments) -> None:
    """Show the plan, to be confirmed in the page; keep the view if a name is given."""
    from datajoint_jupyter.widgets.delete import DeleteView  # noqa: PLC0415 - widgets are imported when one is made

    found = evaluate_query(arguments.expression, context.on(arguments.conn).workspace, name=_NAME)
    if not isinstance(found.value, dj.Table):
        raise CommandError(
            f"{_NAME} takes a table, perhaps restricted, and {found.source} is no table.", "Restrict a table by it."
        )
    view = DeleteView(found.value, source=arguments.expression.strip(), part_integrity=arguments.parts)
    context.keep(arguments.output, view)
    display(view)


COMMAND = Command(
    "delete",
    "see what deleting rows would take, and confirm it",
    DeleteArguments,
    delete,
    completes="expressions",
    examples=("%dj delete Session & 'session = 3'", "%dj delete Session & key -o view"),
)
