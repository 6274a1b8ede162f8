"""Lists of schemas and tables."""

from __future__ import annotations

from collections.abc import Sequence

from datajoint_jupyter.display.markup import element, join
from datajoint_jupyter.display.table import Column, Row, html_table, text_table
from datajoint_jupyter.display.twin import Static


def static_listing(title: str, columns: Sequence[Column], rows: Sequence[Row], nothing: str) -> Static:
    """Return rows under a title, or the sentence `nothing` if there are none."""
    caption = element("p", title, class_="dj-caption")
    if not rows:
        return Static(join([caption, element("p", nothing, class_="dj-note")]), f"{title}\n{nothing}")
    table = element("div", html_table(columns, rows), class_="dj-wide", style="overflow-x:auto")
    return Static(join([caption, table]), f"{title}\n{text_table(columns, rows)}")


def together(parts: Sequence[Static]) -> Static:
    """Return several things one below the other."""
    spaced = (element("div", part.html, style="margin-bottom:12px") for part in parts)
    return Static(join(spaced), "\n\n".join(part.text for part in parts))
