"""``%dj export``: rows as a file."""

from __future__ import annotations

from dataclasses import dataclass

from datajoint_jupyter.export import export_rows
from datajoint_jupyter.magics.arguments import connection_option, option, outer_words, rest, unquoted
from datajoint_jupyter.magics.command import Command, Context
from datajoint_jupyter.magics.errors import CommandError
from datajoint_jupyter.magics.evaluate import evaluate_query


@dataclass(frozen=True, slots=True)
class ExportArguments:
    """The line of ``%dj export``."""

    words: str = rest("EXPRESSION FILE", "a table or an expression, and a file whose name ends in .csv or .parquet")
    overwrite: bool = option("--overwrite", default=False, help_text="replace the file if it exists")
    raw: bool = option("--raw", default=False, help_text="leave texts that look like formulas as they are")
    conn: str | None = connection_option()


def export(context: Context, arguments: ExportArguments) -> None:
    """Write the rows; binary attributes are left out and named."""
    words = outer_words(arguments.words)
    if len(words) < 2:  # noqa: PLR2004 - the expression and the file
        raise CommandError("%dj export takes an expression and a file.", "Write %dj export Session sessions.csv.")
    expression = arguments.words[: arguments.words.rindex(words[-1])]
    found = evaluate_query(expression, context.on(arguments.conn).workspace, name="%dj export")
    made = export_rows(found.value, unquoted(words[-1]), overwrite=arguments.overwrite, guard=not arguments.raw)
    print(made)  # noqa: T201 - it is what was asked for


COMMAND = Command(
    "export",
    "write rows to a CSV or Parquet file",
    ExportArguments,
    export,
    completes="expressions",
    examples=("%dj export Session sessions.csv", "%dj export Session & 'subject_id > 3' some.parquet --overwrite"),
)
