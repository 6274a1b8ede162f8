"""A folder of this machine that keeps what was fetched from stores far away, by its contents, up to a size."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from datajoint.errors import DataJointError
from datajoint.forking import reopened
from datajoint.storage.files import is_temporary, temporary_beside

if TYPE_CHECKING:
    from datajoint.storage.backend import StorageBackend

logger = logging.getLogger("datajoint")

# Nothing is gained by a copy of what lies here already; and the memory of another process has the same address.
_NEAR = frozenset(("file", "memory"))
# After being over its size the cache is brought well below it, so that this does not happen at each object.
_LEFT = 0.9
# How much of its size is added by this process before it looks what others added.
_LOOK_EVERY = 1 / 16


class _Kept(NamedTuple):
    used: float
    size: int
    place: Path


class ObjectCache:
    """Objects by the SHA-256 of their contents, and which object of which store holds what.

    Only for objects that never change: their path holds a hash or a token. What is read is verified; what is damaged is
    fetched again. Processes may share a folder. A cache that cannot be written is not used, and fails nothing.

    Parameters
    ----------
    folder : Path or None
        Made for this user alone if it is not there. None keeps nothing.
    limit : int
        In bytes. The objects that were not used for longest go first.
    """

    def __init__(self, folder: Path | None, limit: int) -> None:
        self.folder, self.limit = folder, limit
        self._lock = reopened(threading.Lock())
        self._added = 0
        self._is_usable: bool | None = None if folder else False

    def fetch(self, backend: StorageBackend, path: str, verify: Callable[[bytes], bytes] = bytes) -> bytes:
        """Return the contents of an object, from here if they are here.

        Parameters
        ----------
        backend : StorageBackend
            Where the object is.
        path : str
            Its path there.
        verify : callable
            Returns the contents it is given, or raises.

        Raises
        ------
        DataJointError
            As `StorageBackend.get_buffer`, and whatever `verify` raises.
        """
        if backend.protocol in _NEAR or not self._usable():
            return verify(backend.get_buffer(path))
        name = _digest("\0".join((*backend.identity, path)).encode())
        kept = self._read(name)
        if kept is not None:
            with contextlib.suppress(DataJointError):
                return verify(kept)
        data = verify(backend.get_buffer(path))
        self._keep(name, data)
        return data

    def _usable(self) -> bool:
        if self._is_usable is None:
            self._is_usable = self._prepare()
        return self._is_usable

    def _prepare(self) -> bool:
        folder = self.folder
        assert folder is not None
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if hasattr(os, "getuid") and folder.stat().st_uid != os.getuid():
                logger.warning("The cache of objects at %s belongs to another user and is not used.", folder)
                return False
        except OSError as error:
            logger.warning("The cache of objects at %s cannot be used: %s", folder, error)
            return False
        return True

    # --- files
    def _place(self, kind: str, digest: str) -> Path:
        assert self.folder is not None
        return self.folder / kind / digest[:2] / digest

    def _read(self, name: str) -> bytes | None:
        try:
            digest = self._place("names", name).read_text(encoding="ascii")
            place = self._place("objects", digest)
            data = place.read_bytes()
        except (OSError, ValueError):
            return None
        if _digest(data) != digest:
            logger.warning("A damaged object in the cache at %s is fetched again.", self.folder)
            place.unlink(missing_ok=True)
            return None
        with contextlib.suppress(OSError):
            os.utime(place)
        return data

    def _keep(self, name: str, data: bytes) -> None:
        if len(data) > self.limit:
            return
        digest = _digest(data)
        try:
            place = self._place("objects", digest)
            if not place.exists():
                _write(place, data)
            _write(self._place("names", name), digest.encode())
        except OSError as error:
            logger.warning("An object cannot be kept in the cache at %s: %s", self.folder, error)
            return
        with self._lock:
            self._added += len(data)
            if self._added >= self.limit * _LOOK_EVERY:
                self._added = 0
                self.trim()

    def trim(self) -> int:
        """Bring the cache below its size, if it is over it, and return the number of bytes in it."""
        if not self._usable():
            return 0
        assert self.folder is not None
        objects = list(_files(self.folder / "objects"))
        total = sum(kept.size for kept in objects)
        if total <= self.limit:
            return total
        for kept in sorted(objects):
            with contextlib.suppress(OSError):
                kept.place.unlink()
                total -= kept.size
            if total <= self.limit * _LEFT:
                break
        for name in _files(self.folder / "names"):
            with contextlib.suppress(OSError, ValueError):
                if not self._place("objects", name.place.read_text(encoding="ascii")).exists():
                    name.place.unlink()
        return total


def _files(folder: Path) -> Iterator[_Kept]:
    for place in folder.glob("*/*"):
        with contextlib.suppress(FileNotFoundError):
            found = place.stat()
            # One that is being written will be counted under its name; one that was abandoned is old, and goes.
            yield _Kept(0.0 if is_temporary(place.name) else found.st_mtime, found.st_size, place)


def _write(place: Path, data: bytes) -> None:
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = temporary_beside(place)
    try:
        temporary.write_bytes(data)
        temporary.replace(place)
    finally:
        temporary.unlink(missing_ok=True)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


_caches: dict[tuple[Path | None, int], ObjectCache] = {}


def cache_of(config: Any = None) -> ObjectCache:
    """Return the cache that the settings ``objects.cache`` and ``objects.cache_size`` describe; keeps nothing without."""
    if config is None:
        from datajoint.settings import config as shared  # noqa: PLC0415 - loads the settings, which a call may bring

        config = shared
    folder, limit = config.objects.cache, config.objects.cache_size
    key = (folder.expanduser().absolute() if folder else None, limit)
    return _caches.setdefault(key, ObjectCache(*key))
