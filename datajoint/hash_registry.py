"""Hash-addressed objects under the module name that DataJoint 2.3 gives them."""

from __future__ import annotations

from datajoint.storage.hashing import build_hash_path, compute_hash, delete_path, get_hash, put_hash
from datajoint.storage.stores import get_store_backend, get_store_subfolding

__all__ = [
    "build_hash_path",
    "compute_hash",
    "delete_path",
    "get_hash",
    "get_store_backend",
    "get_store_subfolding",
    "put_hash",
]
