"""The static form of a table browser."""

from __future__ import annotations

from collections.abc import Sequence

from datajoint_jupyter.display.markup import element, join
from datajoint_jupyter.display.table import Column, Row, html_table, rows_note, text_table
from datajoint_jupyter.display.twin import Static


def static_rows(
    title: str, columns: Sequence[Column], rows: Sequence[Row], total: int | None, *, at_least: bool, code: str = ""
) -> Static:
    """Return the first rows under their title, with a line that says how many there are, and perhaps code for them."""
    note = rows_note(len(rows), total, at_least=at_least)
    return Static(
        html=join(
            [
                element("p", title, class_="dj-caption"),
                element("div", html_table(columns, rows), class_="dj-wide", style="overflow-x:auto"),
                element("p", note, class_="dj-note"),
                *([element("pre", element("code", code), style="white-space:pre-wrap")] if code else []),
            ]
        ),
        text="\n".join([title, text_table(columns, rows), f"({note})", *([code] if code else [])]),
    )
