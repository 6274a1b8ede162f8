"""`StorageBackend`: the objects of one store, wherever it is."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any

from datajoint.errors import DataJointError
from datajoint.forking import reopened
from datajoint.settings.stores import PROTOCOLS, masked
from datajoint.storage import folders, transfer
from datajoint.storage.adapter import get_storage_adapter
from datajoint.storage.files import FileObjects
from datajoint.storage.listing import StoredFile
from datajoint.storage.paths import checked_path
from datajoint.storage.remote import RemoteObjects, create_filesystem
from datajoint.storage.urls import path_to_url

RemotePath = str | PurePosixPath
_SCHEMES = {"s3": "s3", "gcs": "gs", "azure": "az", "memory": "memory"}


class StorageBackend:
    """Reads, writes, lists and removes objects, addressed by paths relative to the store's root.

    Objects appear whole or not at all. Paths that lead out of the store are refused by every method.

    Parameters
    ----------
    spec : dict
        Settings of a store, as `Config.get_store_spec` returns them.

    Raises
    ------
    FileNotFoundError
        If the location of a ``file`` store is no folder.
    DataJointError
        If settings are missing, or one of two S3 keys.

    Examples
    --------
    >>> backend = StorageBackend({"protocol": "memory", "location": "example"})
    >>> backend.put_buffer(b"spikes", "day1/a.bin")
    >>> backend.get_buffer("day1/a.bin")
    b'spikes'
    """

    def __init__(self, spec: dict[str, Any]) -> None:
        self.spec = spec
        self.protocol = str(spec.get("protocol") or "").lower()
        self._lock = reopened(threading.Lock())
        self._filesystem: tuple[int, Any] | None = None
        self._validate_spec()
        self.objects: FileObjects | RemoteObjects
        if self.protocol == "file":
            self.objects = FileObjects(str(spec["location"]))
        else:
            bucket = spec.get("bucket") or spec.get("container") if self.protocol in PROTOCOLS else None
            self.objects = RemoteObjects(lambda: self.fs, self._full_path, self._name, bucket)

    def _validate_spec(self) -> None:
        if self.protocol == "s3":
            missing = [key for key in ("endpoint", "bucket") if not self.spec.get(key)]
            if missing:
                raise DataJointError(f"Missing S3 configuration: {', '.join(missing)}")
            given = [key for key in ("access_key", "secret_key") if self.spec.get(key)]
            if len(given) == 1:
                raise DataJointError(
                    f"Incomplete S3 credentials: only {given[0]} is set.",
                    hint="Give access_key and secret_key, or neither to use those of the environment.",
                )
        elif self.protocol == "file" and not self.spec.get("location"):
            raise FileNotFoundError("Inaccessible local directory: the store has no location")

    @property
    def _name(self) -> str:
        """Where the store is, for messages: without secrets."""
        place = [self.spec.get("endpoint"), self.spec.get("bucket") or self.spec.get("container")]
        return "/".join(str(part) for part in (*place, self.spec.get("location")) if part) or self.protocol

    def __repr__(self) -> str:
        return f"StorageBackend({masked(self.spec)!r})"

    def __getstate__(self) -> dict[str, Any]:
        return {"spec": self.spec}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["spec"])  # type: ignore[misc]  # what is not in the settings is made anew

    # --- where
    @property
    def fs(self) -> Any:
        """The fsspec filesystem, made when first used, and anew in a forked process."""
        with self._lock:
            if self._filesystem is None or self._filesystem[0] != os.getpid():
                adapter = get_storage_adapter(self.protocol)
                if adapter is not None:
                    made = adapter.create_filesystem(self.spec)
                elif self.protocol in PROTOCOLS:
                    made = create_filesystem(self.protocol, self.spec)
                else:
                    raise self._unsupported()
                self._filesystem = os.getpid(), made
            return self._filesystem[1]

    def _unsupported(self) -> DataJointError:
        return DataJointError(
            f"Unsupported storage protocol: {self.protocol}",
            hint=f"Use one of {', '.join(PROTOCOLS)}, or install the plug-in that provides it.",
        )

    def _full_path(self, path: RemotePath) -> str:
        """Return where an object lies in the filesystem.

        Raises
        ------
        DataJointError
            If the path leads out of the store, or nobody speaks the protocol.
        """
        checked = checked_path(path, may_be_root=True)
        adapter = get_storage_adapter(self.protocol)
        if adapter is not None:
            return adapter.full_path(self.spec, checked)
        if self.protocol not in PROTOCOLS:
            raise self._unsupported()
        location = str(self.spec.get("location") or "")
        if self.protocol == "file":
            return str(Path(location) / checked)
        container = self.spec.get("bucket") or self.spec.get("container") or ""
        return "/".join(part for part in (str(container), location.strip("/"), checked) if part)

    def get_url(self, path: RemotePath) -> str:
        """Return the address of an object: ``file:///…``, ``s3://…``, ``gs://…``, ``az://…``."""
        full = self._full_path(path)
        adapter = get_storage_adapter(self.protocol)
        if adapter is not None:
            return adapter.get_url(self.spec, full)
        return path_to_url(Path(full).absolute()) if self.protocol == "file" else f"{_SCHEMES[self.protocol]}://{full}"

    # --- one object
    def put_file(self, local_path: str | Path, remote_path: RemotePath, metadata: dict[str, Any] | None = None) -> None:  # noqa: ARG002 - part of the interface
        """Copy a file into the store; an object that is there is replaced. `metadata` is not kept."""
        self.objects.put_file(checked_path(remote_path), Path(local_path))

    def get_file(self, remote_path: RemotePath, local_path: str | Path) -> None:
        """Copy an object to a file, making the folders above it. A ``file`` store leaves an existing file alone.

        Raises
        ------
        MissingExternalFile
            If there is no such object.
        """
        target = Path(local_path)
        target.parent.mkdir(parents=True, exist_ok=True)
        self.objects.get_file(checked_path(remote_path), target)

    def put_buffer(self, buffer: bytes | bytearray | memoryview, remote_path: RemotePath) -> None:
        """Write an object; one that is there, perhaps damaged, is replaced."""
        data = memoryview(buffer) if isinstance(buffer, bytearray) else buffer
        self.objects.put_bytes(checked_path(remote_path), data)

    def get_buffer(self, remote_path: RemotePath) -> bytes:
        """Return the contents of an object.

        Raises
        ------
        MissingExternalFile
            If there is no such object.
        BucketInaccessible
            If the store cannot be reached, or refuses.
        """
        return self.objects.get_bytes(checked_path(remote_path))

    def get_range(self, remote_path: RemotePath, start: int, stop: int) -> bytes:
        """Return the bytes of an object from `start` up to `stop`, fewer where it ends before; see `get_buffer`."""
        return self.objects.get_range(checked_path(remote_path), start, stop) if start < stop else b""

    def exists(self, remote_path: RemotePath) -> bool:
        """Tell whether there is such a file or folder."""
        return self.objects.exists(checked_path(remote_path, may_be_root=True))

    def isdir(self, remote_path: RemotePath) -> bool:
        """Tell whether there is such a folder."""
        return self.objects.isdir(checked_path(remote_path, may_be_root=True))

    def size(self, remote_path: RemotePath) -> int:
        """Return the size of an object in bytes; FileNotFoundError if there is none."""
        return self.objects.size(checked_path(remote_path))

    def info(self, remote_path: RemotePath) -> StoredFile | None:
        """Return size and time of the last change of a file; None if there is none."""
        return self.objects.info(checked_path(remote_path))

    def remove(self, remote_path: RemotePath) -> None:
        """Remove an object; one that is not there is fine."""
        self.objects.remove(checked_path(remote_path))

    def prune(self, remote_path: RemotePath) -> None:
        """Remove the folders above a path that became empty; the root stays."""
        self.objects.prune(checked_path(remote_path))

    def open(self, remote_path: RemotePath, mode: str = "rb") -> IO[Any]:
        """Open an object. On ``file`` stores one that is written appears when its block is left without an error."""
        return self.objects.open(checked_path(remote_path), mode)

    # --- many objects
    def put_many(self, items: Iterable[tuple[RemotePath, bytes]], *, threads: int = transfer.THREADS) -> int:
        """Write objects in parallel and return how many; see `put_buffer`.

        Parameters
        ----------
        items : iterable of (path, bytes)
            Consumed a little ahead of the writing, so that it may make its contents as it goes.
        threads : int
            How many are written at the same time.

        Raises
        ------
        Exception
            What the first item that failed, in the order of `items`, raised; later items may or may not be written.
        """
        return sum(1 for _ in transfer.in_order(lambda item: self.put_buffer(item[1], item[0]), items, threads))

    def get_many(self, paths: Iterable[RemotePath], *, threads: int = transfer.THREADS) -> Iterator[bytes]:
        """Yield the contents of objects in the order of `paths`, read in parallel a little ahead; see `get_buffer`."""
        return transfer.in_order(self.get_buffer, paths, threads)

    def list_files(self, remote_path: RemotePath = "") -> Iterator[StoredFile]:
        """Tell of every file below a folder, in no order; nothing if there is no such folder.

        Raises
        ------
        OSError, BucketInaccessible
            If any part cannot be read: a listing is whole, or none.
        """
        return self.objects.list_files(checked_path(remote_path, may_be_root=True))

    def listdir(self, remote_path: RemotePath = "") -> list[str]:
        """Return the names in a folder, sorted."""
        return self.objects.listdir(checked_path(remote_path, may_be_root=True))

    # --- folders, and other places
    def put_folder(self, local_path: str | Path, remote_path: RemotePath) -> dict[str, Any]:
        """Copy a folder with all its files, then write its manifest beside it, and return that; see `folders`."""
        return folders.put_folder(self, Path(local_path), checked_path(remote_path))

    def get_folder(self, remote_path: RemotePath, local_path: str | Path) -> None:
        """Copy the files of a folder object into a folder of this machine; see `folders.get_folder`."""
        folders.get_folder(self, checked_path(remote_path), Path(local_path))

    def remove_folder(self, remote_path: RemotePath) -> None:
        """Remove a folder and its manifest; what is not there is fine."""
        path = checked_path(remote_path).rstrip("/")
        self.objects.remove_folder(path)
        self.objects.remove(folders.manifest_path(path))

    def get_fsmap(self, remote_path: RemotePath) -> Any:
        """Return the ``fsspec.FSMap`` at a path: a mapping of names to contents, as array formats use it."""
        import fsspec  # noqa: PLC0415 - only this needs it of a file store

        if isinstance(self.objects, FileObjects):
            self.objects.locate(checked_path(remote_path, may_be_root=True))
        return fsspec.FSMap(self._full_path(remote_path), self.fs, check=False, create=False)

    def copy_from_url(self, source_url: str, dest_path: RemotePath) -> int:
        """Copy a file or folder from an address or a path of this machine and return the number of bytes."""
        return folders.copy_from_url(self, source_url, checked_path(dest_path))

    def source_is_directory(self, source: str) -> bool:
        """Tell whether an address or a path of this machine is a folder."""
        filesystem, path = folders.source(source)
        return bool(filesystem.isdir(path))

    def source_exists(self, source: str) -> bool:
        """Tell whether there is anything at an address or a path of this machine."""
        filesystem, path = folders.source(source)
        return bool(filesystem.exists(path))

    def get_source_size(self, source: str) -> int | None:
        """Return the size in bytes of a file at an address or a path; None if it cannot be told."""
        filesystem, path = folders.source(source)
        try:
            return None if filesystem.isdir(path) else int(filesystem.size(path))
        except (OSError, TypeError):
            return None

    # --- which
    @property
    def identity(self) -> tuple[str, ...]:
        """Where the store is, the same for every name and spelling of one place."""
        if isinstance(self.objects, FileObjects):
            return ("file", *self.objects.identity)
        endpoint = str(self.spec.get("endpoint") or self.spec.get("account_name") or "")
        host = endpoint.partition("://")[2] or endpoint
        return (self.protocol, host.rstrip("/").lower(), self._full_path("").strip("/"))

    def path_here(self, other: StorageBackend, path: str) -> str | None:
        """Return how an object of another store is addressed in this one, None if it does not lie in it.

        Stores are compared by where they are: two may be one place, or one a folder of the other.
        """
        if other.identity == self.identity:
            return path
        if isinstance(self.objects, FileObjects) and isinstance(other.objects, FileObjects):
            return _below(self.objects.real_root, f"{other.objects.real_root.rstrip('/')}/{path}")
        if other.identity[:2] != self.identity[:2]:
            return None
        return _below(self.identity[2], f"{other.identity[2]}/{path}".lstrip("/"))


def _below(root: str, full: str) -> str | None:
    root = root.rstrip("/")
    return full[len(root) :].lstrip("/") if not root or full.startswith(root + "/") else None
