"""Diagrams of tables and their foreign keys: what to show is chosen by algebra, drawing is left to Graphviz.

`diagram_active` tells whether diagrams can be made, `plot_active` whether matplotlib is there to show them.
"""

from __future__ import annotations

from importlib.util import find_spec

from datajoint.diagram.diagram import Diagram
from datajoint.diagram.overlay import TableStatus

__all__ = ["Diagram", "TableStatus", "diagram_active", "plot_active"]

diagram_active = True
plot_active = find_spec("matplotlib") is not None
