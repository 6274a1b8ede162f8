"""The status matrix."""

from __future__ import annotations

from datajoint_jupyter.widgets.matrix.widget import MatrixView

__all__ = ["MatrixView"]
