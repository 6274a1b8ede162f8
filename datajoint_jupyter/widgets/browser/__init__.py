"""The table browser."""

from __future__ import annotations

from datajoint_jupyter.widgets.browser.widget import TableBrowser

__all__ = ["TableBrowser"]
