"""The entry form."""

from __future__ import annotations

from datajoint_jupyter.widgets.form.widget import EntryForm

__all__ = ["EntryForm"]
