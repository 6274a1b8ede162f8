"""Garbage collection of stores: find what no row refers to, show it, and delete it once that is certain."""

from __future__ import annotations

from datajoint.garbage.collector import GarbageCollector
from datajoint.garbage.plan import CollectionPlan, Orphan

__all__ = ["CollectionPlan", "GarbageCollector", "Orphan"]
