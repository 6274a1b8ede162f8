"""The static twin of a widget: what is left when no kernel stands behind the page.

A widget is displayed as two outputs: first the twin (HTML and text), then the live view. The live view's style sheet
hides the twin beside it; the twin's style rule hides a view that never came alive, with the front end's complaint
that its model is gone. Both in one output would not do: a front end that knows widgets prefers the view, also when
it can't draw it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from datajoint_jupyter.display.markup import Markup, element, join, style_sheet
from datajoint_jupyter.display.style import static_style

WIDGET_MIME = "application/vnd.jupyter.widget-view+json"


@dataclass(frozen=True, slots=True)
class Static:
    """Something to show without a kernel: the same content as HTML and as text."""

    html: Markup
    text: str

    def bundle(self) -> dict[str, Any]:
        """Return the output for a cell."""
        return {
            "text/html": str(join([static_style(), element("div", self.html, class_="dj-static")])),
            "text/plain": self.text,
        }


def new_key() -> str:
    """Return the word that ties a live view to its twin."""
    return "dj" + secrets.token_hex(6)


def twin_bundle(key: str, static: Static) -> dict[str, Any]:
    """Return the first output: `static`, marked with `key`."""
    rule = f".jp-OutputArea-child:has([data-dj-static={key}])+.jp-OutputArea-child:not(:has(.dj-live)){{display:none!important}}"
    content = element("div", static.html, class_="dj-static", data_dj_static=key)
    return {"text/html": str(join([style_sheet(rule), static_style(), content])), "text/plain": static.text}


def view_bundle(model_id: str) -> dict[str, Any]:
    """Return the second output: the live view."""
    return {WIDGET_MIME: {"version_major": 2, "version_minor": 1, "model_id": model_id}, "text/plain": ""}
