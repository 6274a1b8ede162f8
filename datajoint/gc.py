"""Garbage collection of object stores: ``dj.gc.GarbageCollector(schema, store="main").collect()``."""

from __future__ import annotations

from datajoint.garbage.collector import GarbageCollector
from datajoint.garbage.plan import CollectionPlan, Orphan

__all__ = ["CollectionPlan", "GarbageCollector", "Orphan"]
