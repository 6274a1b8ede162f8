"""A table browser inside another widget."""

from __future__ import annotations

import threading
from typing import Any

from datajoint.expression import QueryExpression


class ChildBrowser:
    """Holds the browser that a widget shows; there is one at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._browser: Any = None

    def open(self, rows: QueryExpression, title: str) -> str:
        """Make a browser in place of the last one; return what the page finds it by."""
        from datajoint_jupyter.actions import browse  # noqa: PLC0415 - the actions know all widgets

        browser = browse(rows, title=title)
        with self._lock:
            last, self._browser = self._browser, browser
        if last is not None:
            last.close()
        identifier: str = browser.model_id
        return identifier

    @property
    def browser(self) -> Any:
        """The browser that is open, or None."""
        with self._lock:
            return self._browser

    def close(self) -> None:
        """Close the browser; calling it again does nothing."""
        with self._lock:
            last, self._browser = self._browser, None
        if last is not None:
            last.close()
