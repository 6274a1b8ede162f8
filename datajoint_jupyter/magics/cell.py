"""``%%dj``: relational expressions written over several lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from datajoint.expression import QueryExpression
from datajoint_jupyter.magics.arguments import cell_body, connection_option, option, output_option, positive
from datajoint_jupyter.magics.browse import source_text, table_title
from datajoint_jupyter.magics.command import Command, Context
from datajoint_jupyter.magics.errors import CommandError
from datajoint_jupyter.magics.evaluate import Evaluated, evaluate
from datajoint_jupyter.magics.frames import ALL_FORMS, FORMS, fetched, form_name
from datajoint_jupyter.magics.show import show_rows


@dataclass(frozen=True, slots=True)
class CellArguments:
    """The first line of ``%%dj``, and the cell."""

    output: str | None = output_option()
    limit: int | None = option(
        "--limit", default=None, metavar="N", parse=positive, help_text="rows kept in the notebook"
    )
    static: bool = option("--static", default=False, help_text="a plain table instead of a live browser")
    form: str = option(
        "--as", default="expr", metavar="FORM", parse=form_name, help_text=f"the result as {FORMS}", choices=ALL_FORMS
    )
    conn: str | None = connection_option()
    body: str = cell_body()


def run_cell(context: Context, arguments: CellArguments) -> Any:
    """Evaluate the cell; show its last expression if that has rows, else return it to be shown as any value is."""
    found = evaluate(arguments.body, context.on(arguments.conn).workspace, name="%%dj")
    value = found.value
    if arguments.form != "expr":
        if not isinstance(value, QueryExpression):
            raise CommandError(
                f"%%dj --as {arguments.form} needs rows, and {found.source} is {type(value).__name__}.",
                "End with a table or an expression.",
            )
        value = fetched(value, arguments.form, arguments.limit)
    if arguments.output:
        _keep(context, arguments.output, found, value)
    if not isinstance(value, QueryExpression):
        return None if arguments.form != "expr" and arguments.output else value
    context.shell.displayhook.update_user_ns(found.value)  # `_` and `Out`, as for any last value
    title, source = table_title(found.value, found.source), source_text(found.value, found.source)
    show_rows(found.value, title=title, limit=arguments.limit, static=arguments.static, source=source)
    return None


def _keep(context: Context, name: str, found: Evaluated, value: Any) -> None:
    if not found.has_value:
        raise CommandError(
            f"%%dj ends with an assignment, so there is nothing to keep as {name}.", "End with an expression."
        )
    context.keep(name, value)


COMMAND = Command(
    "%%dj",
    "evaluate expressions over tables; a line that begins with an operator continues those above",
    CellArguments,
    run_cell,
    completes="expressions",
    examples=("%%dj -o recent\n  Session\n  & 'session_date > \"2024-01-01\"'\n  * Subject",),
)
