"""``%dj matrix``: where every row of a table stands in the tables below it."""

from __future__ import annotations

from dataclasses import dataclass

from IPython.display import display

from datajoint.status import StatusMatrix
from datajoint_jupyter.display.matrix import static_matrix
from datajoint_jupyter.display.twin import Static
from datajoint_jupyter.display.values import text_of
from datajoint_jupyter.frontend import page_answers
from datajoint_jupyter.magics.arguments import connection_option, option, output_option, rest
from datajoint_jupyter.magics.command import Command, Context
from datajoint_jupyter.magics.evaluate import evaluate_query
from datajoint_jupyter.magics.show import show_static

_ROWS = 1000


@dataclass(frozen=True, slots=True)
class MatrixArguments:
    """The line of ``%dj matrix``."""

    expression: str = rest("EXPRESSION", "a table, or an expression: a row for each of its keys")
    tables: str | None = option(
        "--tables", default=None, metavar="A,B", help_text="only these columns, by name with commas between"
    )
    parts: bool = option("--parts", default=False, help_text="columns for part tables too")
    static: bool = option("--static", default=False, help_text="a plain table instead of a live matrix")
    conn: str | None = connection_option()
    output: str | None = output_option()


def matrix(context: Context, arguments: MatrixArguments) -> None:
    """Show the matrix; keep it if a name is given."""
    context = context.on(arguments.conn)
    found = evaluate_query(arguments.expression, context.workspace, name="%dj matrix")
    names = dict(context.workspace.variables())
    tables = [name.strip() for name in arguments.tables.split(",")] if arguments.tables else None
    if arguments.static or not page_answers():
        made = StatusMatrix(found.value, tables, context=names, parts=arguments.parts)
        context.keep(arguments.output, made)
        show_static(_static(made, f"Status by {found.source}"))
        return
    from datajoint_jupyter.widgets.matrix import MatrixView  # noqa: PLC0415 - widgets are imported when used

    view = MatrixView(found.value, tables, title=f"Status by {found.source}", context=names, parts=arguments.parts)
    context.keep(arguments.output, view)
    display(view)


def _static(made: StatusMatrix, title: str) -> Static:
    page = made.read(0, _ROWS)
    keys = [[text_of(value, 80) or "" for value in key.values()] for key in page.keys]
    tables = [column.title for column in made.columns]
    total = len(page.keys) if len(page.keys) < _ROWS else len(made)
    return static_matrix(title, made.rows.primary_key, tables, keys, page.cells, total)


COMMAND = Command(
    "matrix",
    "where every row stands in the tables below it",
    MatrixArguments,
    matrix,
    completes="expressions",
    examples=("%dj matrix Session", "%dj matrix Session & {'subject_id': 1} --tables Segment,Trace"),
)
