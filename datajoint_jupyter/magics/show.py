"""Showing expressions: as a browser where someone can use it, else as a table."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from IPython.display import display

import datajoint as dj
from datajoint.expression import QueryExpression
from datajoint_jupyter.display.browse import static_rows
from datajoint_jupyter.display.twin import Static
from datajoint_jupyter.frontend import page_answers
from datajoint_jupyter.widgets.browser.columns import columns_of, table_name
from datajoint_jupyter.widgets.browser.rows import RowSource

_COUNTED = 100_000


def show_static(static: Static) -> None:
    """Display something that needs no kernel."""
    display(static.bundle(), raw=True)


def place(connection: dj.Connection) -> str:
    """Return where a connection leads; a file below the working directory by its relative name.

    Notebooks are passed on: the folders of one machine mean nothing on another.
    """
    return connection.address.replace(f"{Path.cwd()}{os.sep}", "").replace(str(Path.home()), "~")


def show_rows(expression: QueryExpression, *, title: str, limit: int | None, static: bool, source: str = "") -> None:
    """Display an expression; `limit` rows of it are kept in the notebook."""
    shown = limit or shown_rows(expression)
    if static or not page_answers():
        show_static(static_table(expression, title=title, shown=shown))
    else:
        display(browser_of(expression, title=title, shown=shown, source=source))


def browser_of(expression: QueryExpression, *, title: str, shown: int, source: str = "") -> Any:
    """Return a browser; the widgets are imported when the first one is made."""
    from datajoint_jupyter.widgets.browser import TableBrowser  # noqa: PLC0415

    return TableBrowser(expression, title=title, shown=shown, source=source)


def shown_rows(expression: QueryExpression) -> int:
    """Return how many rows previews have by the settings of the expression's connection."""
    limit: int = expression.connection.settings.display.limit
    return limit


def static_table(expression: QueryExpression, *, title: str, shown: int) -> Static:
    """Return the first rows of an expression as a table."""
    columns = columns_of(expression)
    source = RowSource(expression, columns)
    rows = source.page(0, shown + 1).rows
    total = len(rows) if len(rows) <= shown else source.count(_COUNTED + 1)
    return static_rows(
        title or table_name(expression) or "query",
        columns,
        rows[:shown],
        min(total, _COUNTED),
        at_least=total > _COUNTED,
    )
