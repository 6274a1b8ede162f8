"""The live diagram."""

from __future__ import annotations

from datajoint_jupyter.widgets.diagram.widget import DiagramView

__all__ = ["DiagramView"]
