"""``%dj browse``: the rows of a table or an expression."""

from __future__ import annotations

from dataclasses import dataclass

from IPython.display import display

import datajoint as dj
from datajoint.expression import QueryExpression
from datajoint_jupyter.magics.arguments import connection_option, option, output_option, positive, rest
from datajoint_jupyter.magics.command import Command, Context
from datajoint_jupyter.magics.evaluate import evaluate_query
from datajoint_jupyter.magics.show import browser_of, show_rows, shown_rows
from datajoint_jupyter.source_text import text_of_table
from datajoint_jupyter.widgets.browser.columns import table_name


@dataclass(frozen=True, slots=True)
class BrowseArguments:
    """The line of ``%dj browse``."""

    expression: str = rest("EXPRESSION", "a table, or an expression over tables")
    limit: int | None = option(
        "--limit", default=None, metavar="N", parse=positive, help_text="rows kept in the notebook"
    )
    static: bool = option("--static", default=False, help_text="a plain table instead of a live browser")
    conn: str | None = connection_option()
    output: str | None = output_option()


def browse(context: Context, arguments: BrowseArguments) -> None:
    """Show the rows; keep the browser if a name is given."""
    found = evaluate_query(arguments.expression, context.on(arguments.conn).workspace, name="%dj browse")
    title = table_title(found.value, found.source)
    source = source_text(found.value, found.source)
    if arguments.output and not arguments.static:
        browser = browser_of(found.value, title=title, shown=arguments.limit or shown_rows(found.value), source=source)
        context.keep(arguments.output, browser)
        display(browser)
    else:
        show_rows(found.value, title=title, limit=arguments.limit, static=arguments.static, source=source)
        context.keep(arguments.output, found.value)


def table_title(expression: QueryExpression, source: str) -> str:
    """Return the name of a whole table, the text of any other expression."""
    plain = isinstance(expression, dj.Table) and source.replace(".", "").isidentifier()
    return (table_name(expression) or source) if plain else source


def source_text(expression: QueryExpression, source: str) -> str:
    """Return Python text for an expression that was written in a cell; a whole table by what the notebook has of it."""
    if isinstance(expression, dj.Table) and not expression.restriction:
        return text_of_table(expression)
    return source


COMMAND = Command(
    "browse",
    "scroll and sort the rows of a table or an expression",
    BrowseArguments,
    browse,
    completes="expressions",
    examples=(
        "%dj browse Session",
        '%dj browse Session & "subject_id > 3" --limit 5',
        "%dj browse Session -o browser",
        "%dj code browser",
    ),
)
