"""From a store's name in the settings to its backend, made once for as long as the settings say the same."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from typing import Any, NamedTuple

from datajoint.forking import reopened
from datajoint.storage.backend import StorageBackend

_KEPT = 32
_backends: OrderedDict[str, StorageBackend] = OrderedDict()
_lock = reopened(threading.Lock())


class Store(NamedTuple):
    """A store of the settings: its name (never empty), its checked settings, its backend."""

    name: str
    spec: dict[str, Any]
    backend: StorageBackend


def get_storage_backend(spec: dict[str, Any]) -> StorageBackend:
    """Return the backend of a store's settings, the same one for the same settings.

    Raises
    ------
    FileNotFoundError, DataJointError
        As `StorageBackend`.
    """
    key = json.dumps(spec, sort_keys=True, default=repr)
    with _lock:
        if key in _backends:
            _backends.move_to_end(key)
            return _backends[key]
    made = StorageBackend(spec)
    with _lock:
        _backends[key] = made
        while len(_backends) > _KEPT:
            _backends.popitem(last=False)
    return made


def resolve_store(store_name: str | None = None, config: Any = None, *, use_filepath_default: bool = False) -> Store:
    """Find a store in the settings.

    Parameters
    ----------
    store_name : str, optional
        None or an empty text for the default store.
    config : Config, optional
        The settings; the process's own if not given.
    use_filepath_default : bool
        Whether the default is ``stores.filepath_default`` rather than ``stores.default``.

    Raises
    ------
    DataJointError
        If there is no such store, or its settings are not usable.
    FileNotFoundError
        If the folder of a ``file`` store is not there.
    """
    if config is None:
        from datajoint.settings import config as shared  # noqa: PLC0415 - loads the settings, which a call may bring

        config = shared
    spec = config.get_store_spec(store_name or None, use_filepath_default=use_filepath_default)
    name = store_name or config.stores["filepath_default" if use_filepath_default else "default"]
    return Store(str(name), spec, get_storage_backend(spec))


def get_store_backend(store_name: str | None = None, config: Any = None) -> StorageBackend:
    """Return the backend of a store of the settings; None or an empty text mean the default store.

    Raises
    ------
    DataJointError, FileNotFoundError
        As `resolve_store`.
    """
    return resolve_store(store_name, config).backend


def get_store_subfolding(store_name: str | None = None, config: Any = None) -> tuple[int, ...] | None:
    """Return the lengths of the pieces of a hash that name folders in a store, or None.

    Raises
    ------
    DataJointError, FileNotFoundError
        As `resolve_store`.
    """
    folding = resolve_store(store_name, config).spec["subfolding"]
    return tuple(folding) if folding else None
