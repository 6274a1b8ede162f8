"""HTML as a value: text is escaped on its way in, so that no name, comment or cell can act as markup."""

from __future__ import annotations

import html
from collections.abc import Iterable


class Markup(str):
    """HTML that is safe to insert."""

    __slots__ = ()


Child = str | Iterable["Child"] | None
_VOID = {"br", "col", "hr", "img"}


def element(tag: str, *children: Child, **attributes: str | int | None) -> Markup:
    """Return an element; text among `children` is escaped, `Markup` is not.

    Parameters
    ----------
    tag : str
    *children : str, Markup, iterables of them, or None
        None is left out.
    **attributes : str, int or None
        ``class_`` gives ``class``, ``data_x`` gives ``data-x``; None is left out.

    Examples
    --------
    >>> element("td", "a < b", title='"')
    '<td title="&quot;">a &lt; b</td>'
    """
    shown = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{html.escape(str(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    if tag in _VOID:
        return Markup(f"<{tag}{shown}>")
    return Markup(f"<{tag}{shown}>{join(children)}</{tag}>")


def join(children: Iterable[Child]) -> Markup:
    """Return `children` one after the other, text escaped."""
    pieces: list[str] = []
    for child in children:
        if child is None:
            continue
        if isinstance(child, Markup):
            pieces.append(child)
        elif isinstance(child, str):
            pieces.append(html.escape(child))
        else:
            pieces.append(join(child))
    return Markup("".join(pieces))


def style_sheet(css: str) -> Markup:
    """Return a style element for CSS of our own."""
    return Markup(f"<style>{css}</style>")
