"""The graph of foreign keys under the module name that DataJoint 2.3 gives it."""

from __future__ import annotations

from datajoint.graph.dependencies import Dependencies, extract_master, topo_sort

__all__ = ["Dependencies", "extract_master", "topo_sort"]
