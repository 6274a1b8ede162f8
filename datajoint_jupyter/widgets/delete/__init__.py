"""The delete view."""

from __future__ import annotations

from datajoint_jupyter.widgets.delete.widget import DeleteView

__all__ = ["DeleteView"]
