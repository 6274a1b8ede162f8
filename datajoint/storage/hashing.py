"""Objects named by what they hold: stored once, verified whenever they are read, mended when they are written again."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from datajoint.errors import DataJointError
from datajoint.storage import transfer
from datajoint.storage.backend import StorageBackend
from datajoint.storage.cache import cache_of
from datajoint.storage.paths import checked_path
from datajoint.storage.stores import get_store_backend, resolve_store

HASH = re.compile(r"[a-z2-7]{26}")
"""How the name of a hash-addressed object looks."""

Metadata = dict[str, Any]


def compute_hash(data: bytes) -> str:
    """Return the name of an object that holds `data`: its MD5 in base 32, 26 lower-case characters.

    Examples
    --------
    >>> compute_hash(b"hello")
    'lvauakv4jmvhnolrtwiraf6fsi'
    """
    digest = hashlib.md5(data, usedforsecurity=False).digest()
    return base64.b32encode(digest).decode().rstrip("=").lower()


def build_hash_path(
    content_hash: str, schema_name: str, subfolding: Sequence[int] | None = None, *, hash_prefix: str
) -> str:
    """Return where an object lies.

    Parameters
    ----------
    content_hash : str
        As `compute_hash` returns it.
    schema_name : str
        The schema whose rows refer to it.
    subfolding : sequence of int, optional
        Lengths of the pieces of the hash that name folders.
    hash_prefix : str
        The store's section of such objects; may be empty.

    Raises
    ------
    DataJointError
        If the hash is none.

    Examples
    --------
    >>> build_hash_path("lvauakv4jmvhnolrtwiraf6fsi", "lab", [2, 2], hash_prefix="_hash")
    '_hash/lab/lv/au/lvauakv4jmvhnolrtwiraf6fsi'
    """
    if not re.fullmatch(r"[a-z0-9]{26}", content_hash):
        raise DataJointError(f"Invalid content hash {content_hash!r}", hint="It has 26 lower-case letters and digits.")
    folds, position = [], 0
    for length in subfolding or ():
        folds.append(content_hash[position : position + length])
        position += length
    parts = [(hash_prefix or "").strip("/"), schema_name, *folds, content_hash]
    return checked_path("/".join(part for part in parts if part))


class _Target(NamedTuple):
    data: bytes
    metadata: Metadata


def _target(data: bytes, schema_name: str, store_name: str, spec: dict[str, Any]) -> _Target:
    content_hash = compute_hash(data)
    path = build_hash_path(content_hash, schema_name, spec["subfolding"], hash_prefix=spec["hash_prefix"] or "")
    return _Target(
        data, {"hash": content_hash, "path": path, "schema": schema_name, "store": store_name, "size": len(data)}
    )


def hash_metadata(data: bytes, schema_name: str, store_name: str | None = None, config: Any = None) -> Metadata:
    """Return what a row says of an object with these contents, without storing it; as `put_hash` otherwise."""
    store = resolve_store(store_name, config)
    return _target(data, schema_name, store.name, store.spec).metadata


def put_hash(data: bytes, schema_name: str, store_name: str | None = None, config: Any = None) -> Metadata:
    """Store an object, unless it is there whole, and return what a row says of it.

    Parameters
    ----------
    data : bytes
        The contents.
    schema_name : str
        The schema whose rows refer to it.
    store_name : str, optional
        None or an empty text for the default store.
    config : Config, optional
        Settings to find the store in.

    Returns
    -------
    dict
        ``hash``, ``path``, ``schema``, ``store`` (its name, also that of the default store), ``size`` in bytes.

    Raises
    ------
    DataJointError
        If the store is not configured, or cannot be reached.
    """
    return put_hashes([data], schema_name, store_name, config)[0]


def put_hashes(
    contents: Iterable[bytes], schema_name: str, store_name: str | None = None, config: Any = None
) -> list[Metadata]:
    """Store objects in parallel; as `put_hash`, in the order of `contents`."""
    store = resolve_store(store_name, config)

    def put(data: bytes) -> Metadata:
        target = _target(data, schema_name, store.name, store.spec)
        _put(store.backend, target.metadata["path"], data)
        return target.metadata

    return list(transfer.in_order(put, contents))


def put_content(metadata: Metadata, data: bytes, config: Any = None) -> None:
    """Store an object of which `hash_metadata` has told where it goes; as `put_hash` otherwise."""
    _put(get_store_backend(metadata["store"], config), metadata["path"], data)


def _put(backend: Any, path: str, data: bytes) -> None:
    if not is_whole(backend, path, data):
        backend.put_buffer(data, path)


def is_whole(backend: StorageBackend, path: str, data: bytes) -> bool:
    """Tell whether an object is there and holds `data`.

    Where reading costs no more than writing (a store of files) the contents are compared; elsewhere the sizes, since
    those stores write an object as a whole, and check what they keep.
    """
    try:
        if backend.size(path) != len(data):
            return False
    except (FileNotFoundError, NotADirectoryError):
        return False
    return backend.protocol != "file" or backend.get_buffer(path) == data


# --- reading
def get_hash(metadata: Metadata, config: Any = None) -> bytes:
    """Return the contents of an object, verified.

    Parameters
    ----------
    metadata : dict
        ``path`` and ``hash``; ``store`` is the default store if it is missing, None or empty.
    config : Config, optional
        Settings to find the store in.

    Raises
    ------
    MissingExternalFile
        If the object is absent.
    DataJointError
        If it is damaged: it holds something else than was stored.
    """
    backend = get_store_backend(metadata.get("store"), config)
    return cache_of(config).fetch(backend, metadata["path"], lambda data: verify(data, metadata))


def get_hashes(rows: Iterable[Metadata], config: Any = None) -> Iterator[bytes]:
    """Yield the contents of objects in order, read in parallel a little ahead; as `get_hash`."""
    return transfer.in_order(lambda metadata: get_hash(metadata, config), rows)


def verify(data: bytes, metadata: Metadata) -> bytes:
    """Return `data` if it is what was stored.

    Raises
    ------
    DataJointError
        If its hash is another.
    """
    expected, found = metadata["hash"], compute_hash(data)
    if found != expected:
        size = metadata.get("size")
        lengths = f" It has {len(data)} bytes, stored were {size}." if size not in {None, len(data)} else ""
        raise DataJointError(
            f"Hash mismatch: expected {expected}, got {found}. Data at {metadata['path']} may be corrupted.{lengths}",
            hint="Insert the value again to mend the object, or restore it from a backup.",
        )
    return data


def delete_path(path: str, store_name: str | None = None, config: Any = None) -> bool:
    """Remove an object and tell whether there was one. Nothing asks whether rows refer to it.

    Raises
    ------
    DataJointError
        If the path leads out of the store, or the store cannot be reached.
    """
    backend = get_store_backend(store_name, config)
    if not backend.exists(path):
        return False
    backend.remove(path)
    backend.prune(path)
    return True
