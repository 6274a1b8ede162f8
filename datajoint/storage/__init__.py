"""Object storage: where objects lie, how they are written, read, verified and cached."""

from __future__ import annotations

from datajoint.storage.adapter import StorageAdapter, get_storage_adapter
from datajoint.storage.backend import StorageBackend
from datajoint.storage.cache import ObjectCache, cache_of
from datajoint.storage.hashing import (
    build_hash_path,
    compute_hash,
    delete_path,
    get_hash,
    get_hashes,
    hash_metadata,
    put_hash,
    put_hashes,
)
from datajoint.storage.metadata import STORE_METADATA_FILENAME, verify_or_create_store_metadata
from datajoint.storage.paths import (
    TOKEN_ALPHABET,
    build_object_path,
    checked_name,
    checked_path,
    encode_pk_value,
    generate_token,
)
from datajoint.storage.stores import (
    get_storage_backend,
    get_store_backend,
    get_store_subfolding,
    resolve_store,
)
from datajoint.storage.urls import URL_PROTOCOLS, is_url, normalize_to_url, parse_url

__all__ = [
    "STORE_METADATA_FILENAME",
    "TOKEN_ALPHABET",
    "URL_PROTOCOLS",
    "ObjectCache",
    "StorageAdapter",
    "StorageBackend",
    "build_hash_path",
    "build_object_path",
    "cache_of",
    "checked_name",
    "checked_path",
    "compute_hash",
    "delete_path",
    "encode_pk_value",
    "generate_token",
    "get_hash",
    "get_hashes",
    "get_storage_adapter",
    "get_storage_backend",
    "get_store_backend",
    "get_store_subfolding",
    "hash_metadata",
    "is_url",
    "normalize_to_url",
    "parse_url",
    "put_hash",
    "put_hashes",
    "resolve_store",
    "verify_or_create_store_metadata",
]
