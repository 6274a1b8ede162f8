"""Populating a table, seen while it goes on."""

from __future__ import annotations

from datajoint_jupyter.widgets.populate.run import PopulateRun

__all__ = ["PopulateRun"]
