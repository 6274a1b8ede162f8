"""The static form of a diagram, and the status of its tables in words."""

from __future__ import annotations

import base64
from collections.abc import Iterable

from datajoint.diagram import TableStatus
from datajoint_jupyter.display.markup import element, join
from datajoint_jupyter.display.twin import Static


def static_diagram(svg: str, title: str, text: str) -> Static:
    """Return the picture as an image, which can carry nothing into the page around it.

    Parameters
    ----------
    svg : str
        An SVG document.
    title : str
        What the picture shows.
    text : str
        The same in text.
    """
    data = base64.b64encode(svg.encode()).decode()
    image = element(
        "img", src=f"data:image/svg+xml;base64,{data}", alt=title, title=title, style="max-width:100%;height:auto"
    )
    return Static(join([image]), text)


def status_words(status: TableStatus) -> str:
    """Return the status of a box in words."""
    parts = []
    if status.total is not None:
        parts.append(f"{status.done:,} of {status.total:,} keys" if status.total else "no keys")
    if status.running:
        parts.append(f"{status.running:,} running")
    if status.errors:
        parts.append(f"{status.errors:,} failed")
    return ", ".join(parts)


def badge(status: TableStatus) -> str:
    """Return the status of a box in signs; empty if there is nothing to tell."""
    parts = []
    if status.running:
        parts.append(f"▶{status.running:,}")
    if status.errors:
        parts.append(f"✕{status.errors:,}")
    if parts:
        return " ".join(parts)
    if not status.total:
        return ""
    return "✓" if status.done == status.total else "○"


def state_of(status: TableStatus) -> str:
    """Return the one word that a box is painted by."""
    if status.errors:
        return "error"
    if status.running:
        return "running"
    if not status.total:
        return ""
    return "done" if status.done == status.total else "pending"


def together(statuses: Iterable[TableStatus]) -> TableStatus | None:
    """Return the sum of what is known of several tables; None if nothing is."""
    total: TableStatus | None = None
    for status in statuses:
        total = status if total is None else total + status
    return total
