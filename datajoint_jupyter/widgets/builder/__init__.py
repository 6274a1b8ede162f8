"""The restriction builder."""

from __future__ import annotations

from datajoint_jupyter.widgets.builder.widget import RestrictionBuilder

__all__ = ["RestrictionBuilder"]
