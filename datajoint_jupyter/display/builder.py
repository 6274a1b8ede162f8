"""The static form of a restriction: what it says, and the code for it."""

from __future__ import annotations

from collections.abc import Sequence

from datajoint_jupyter.display.markup import element, join
from datajoint_jupyter.display.twin import Static


def static_conditions(source: str, lines: Sequence[tuple[int, str]], code: str) -> Static:
    """Return conditions in words, each line with its depth, and the code under them."""
    shown = (element("li", text, style=f"margin:2px 0 2px {depth * 20}px") for depth, text in lines)
    title = f"{source}, restricted to"
    return Static(
        html=join(
            [
                element("p", title, class_="dj-caption"),
                element("ul", shown, style="margin:0 0 4px;padding-left:20px"),
                element("pre", element("code", code), style="white-space:pre-wrap"),
            ]
        ),
        text="\n".join([title, *(f"{'  ' * depth}- {text}" for depth, text in lines), code]),
    )
