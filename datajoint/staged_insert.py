"""Staged inserts under the module name that DataJoint 2.3 gives them."""

from __future__ import annotations

from datajoint.table.staged import StagedInsert, staged_insert1

__all__ = ["StagedInsert", "staged_insert1"]
