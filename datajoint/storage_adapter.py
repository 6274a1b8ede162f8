"""Storage plug-ins under the module name that DataJoint 2.3 gives them."""

from __future__ import annotations

from datajoint.storage.adapter import StorageAdapter, get_storage_adapter

__all__ = ["StorageAdapter", "get_storage_adapter"]
