"""Diagrams of tables and their foreign keys: what to show is chosen by algebra, drawing is left to Graphviz."""

from __future__ import annotations

from datajoint.diagram.diagram import Diagram

__all__ = ["Diagram"]
