"""Code and sentences."""

from __future__ import annotations

from collections.abc import Sequence

from datajoint_jupyter.display.markup import element, join
from datajoint_jupyter.display.twin import Static


def static_code(text: str, title: str = "") -> Static:
    """Return code as it stands, to be copied."""
    caption = element("p", title, class_="dj-caption") if title else None
    code = element("pre", element("code", text), style="white-space:pre-wrap")
    return Static(join([caption, code]), f"{title}\n{text}" if title else text)


def static_text(title: str, sentences: Sequence[str]) -> Static:
    """Return sentences under a title, each on a line of its own."""
    lines = (element("p", sentence, style="margin:2px 0") for sentence in sentences)
    return Static(join([element("p", title, class_="dj-caption"), lines]), "\n".join([title, *sentences]))
