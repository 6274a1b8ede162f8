"""Which widgets are open, and which cell made them.

ipywidgets keeps every widget until it is closed. A cell that runs again would leave its old widget, its channel to the
page and its thread behind; so each widget is entered here and closed when its cell runs again, when the extension is
unloaded, and at the end of the kernel.
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Iterator
from typing import Protocol


class Closable(Protocol):
    """What the registry holds."""

    def close(self) -> None:
        """Release everything; calling it again does nothing."""


class Registry:
    """Open widgets by cell."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cell = ""
        self._open: dict[Closable, str] = {}

    def enter_cell(self, cell: str) -> None:
        """Note that `cell` begins to run, and close what its last run left."""
        with self._lock:
            self._cell = cell
            old = [widget for widget, owner in self._open.items() if cell and owner == cell]
        for widget in old:
            widget.close()

    def add(self, widget: Closable) -> None:
        """Enter a widget under the cell that runs now."""
        with self._lock:
            self._open[widget] = self._cell

    def discard(self, widget: Closable) -> None:
        """Forget a widget that was closed."""
        with self._lock:
            self._open.pop(widget, None)

    def close_all(self) -> None:
        """Close every widget."""
        for widget in self:
            widget.close()

    def __iter__(self) -> Iterator[Closable]:
        with self._lock:
            return iter(list(self._open))

    def __len__(self) -> int:
        with self._lock:
            return len(self._open)


open_widgets = Registry()
atexit.register(open_widgets.close_all)
