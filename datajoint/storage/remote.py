"""Objects in a store reached through fsspec: S3, Google Cloud, Azure, memory, and whatever a plug-in brings."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

from datajoint.errors import BucketInaccessible, DataJointError, MissingExternalFile
from datajoint.storage.files import temporary_beside
from datajoint.storage.listing import StoredFile, modified_time

_EXTRAS = {"s3": "s3", "gcs": "gcs", "azure": "azure"}
# More than a batch of transfers has threads, so that none waits for another's connection.
S3_CONNECTIONS = 64


def create_filesystem(protocol: str, spec: dict[str, Any]) -> Any:
    """Return the fsspec filesystem of a store of a built-in protocol.

    Raises
    ------
    DataJointError
        If the package that speaks the protocol is not installed.
    """
    import fsspec  # noqa: PLC0415 - only remote stores need it

    name, options = _FILESYSTEMS[protocol](spec)
    try:
        return fsspec.filesystem(name, **options)
    except ImportError as error:
        raise DataJointError(
            f"A store uses the protocol {protocol}, and the package for it is not installed ({error}).",
            hint=f"Install it: pip install 'datajoint[{_EXTRAS.get(protocol, protocol)}]'",
        ) from error


def _file_options(_spec: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return "file", {"auto_mkdir": True}


def _memory_options(_spec: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return "memory", {}


def _s3_options(spec: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    endpoint = str(spec["endpoint"])
    if "://" not in endpoint:
        endpoint = f"{'https' if spec.get('secure', True) else 'http'}://{endpoint}"
    return "s3", {
        # Without keys the credentials come from where the cloud's own programs look for them.
        "key": spec.get("access_key") or None,
        "secret": spec.get("secret_key") or None,
        "client_kwargs": {"endpoint_url": endpoint},
        "config_kwargs": {"max_pool_connections": S3_CONNECTIONS},
        # What another program wrote must be seen.
        "use_listings_cache": False,
    }


def _gcs_options(spec: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return "gcs", {key: spec[key] for key in ("token", "project") if spec.get(key)}


def _azure_options(spec: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return "abfs", {key: spec[key] for key in ("account_name", "account_key", "connection_string") if spec.get(key)}


_FILESYSTEMS: dict[str, Callable[[dict[str, Any]], tuple[str, dict[str, Any]]]] = {
    "file": _file_options,
    "memory": _memory_options,
    "s3": _s3_options,
    "gcs": _gcs_options,
    "azure": _azure_options,
}


class _Place(NamedTuple):
    """An object's path in its store, for people, and in the filesystem."""

    path: str
    full: str


class RemoteObjects:
    """The objects of one store, addressed by paths relative to its root.

    Parameters
    ----------
    filesystem : callable
        Returns the fsspec filesystem; asked for each time, since a forked process needs another one.
    full_path : callable
        Makes a path in the filesystem of one in the store.
    name : str
        Where the store is, for messages.
    bucket : str, optional
        What must exist, where stores have that; an empty listing of a bucket that is not there would be a lie.
    """

    def __init__(
        self, filesystem: Callable[[], Any], full_path: Callable[[str], str], name: str, bucket: str | None = None
    ) -> None:
        self._filesystem, self._full_path, self._name, self._bucket = filesystem, full_path, name, bucket

    @contextlib.contextmanager
    def _at(self, path: str, *, needs_store: bool = False) -> Iterator[_Place]:
        """Say in words what a store answers."""
        try:
            yield _Place(path, self._full_path(path))
        except (DataJointError, IsADirectoryError, NotADirectoryError):
            raise
        except FileNotFoundError as error:
            if needs_store:
                raise BucketInaccessible(
                    f"There is no store at {self._name} ({error}).", hint="Check its address, or make the bucket."
                ) from error
            raise MissingExternalFile(f"The object {path!r} is not in the store at {self._name}.") from error
        except Exception as error:
            raise BucketInaccessible(
                f"The store at {self._name} refused or did not answer: {type(error).__name__}: {error}",
                hint="Check the address, the credentials and the network.",
            ) from error

    # --- writing
    def put_bytes(self, path: str, data: bytes | memoryview) -> None:
        """Write an object as a whole; one that is there is replaced."""
        with self._at(path, needs_store=True) as place:
            self._filesystem().pipe_file(place.full, bytes(data))

    def put_file(self, path: str, local: Path) -> None:
        """Copy a file of this machine; an object that is there is replaced."""
        with local.open("rb"):  # what is wrong with the file is not the store's fault
            pass
        with self._at(path, needs_store=True) as place:
            self._filesystem().put_file(str(local), place.full)

    def open(self, path: str, mode: str) -> IO[Any]:
        """Open an object."""
        with self._at(path, needs_store="r" not in mode) as place:
            return self._filesystem().open(place.full, mode)  # type: ignore[no-any-return]

    # --- reading
    def get_bytes(self, path: str) -> bytes:
        """Return the contents of an object."""
        with self._at(path) as place:
            return bytes(self._filesystem().cat_file(place.full))

    def get_range(self, path: str, start: int, stop: int) -> bytes:
        """Return the bytes from `start` up to `stop`."""
        with self._at(path) as place:
            return bytes(self._filesystem().cat_file(place.full, start=start, end=stop))

    def get_file(self, path: str, local: Path) -> None:
        """Copy an object to a file of this machine, as a whole; one that is there is replaced."""
        temporary = temporary_beside(local)
        try:
            with self._at(path) as place:
                self._filesystem().get_file(place.full, str(temporary))
            temporary.replace(local)
        finally:
            temporary.unlink(missing_ok=True)

    def exists(self, path: str) -> bool:
        """Tell whether there is a file or a folder."""
        with self._at(path) as place:
            filesystem = self._filesystem()
            filesystem.invalidate_cache()
            # `exists` of many filesystems takes every error for an answer.
            try:
                filesystem.info(place.full)
            except FileNotFoundError:
                return False
            return True

    def isdir(self, path: str) -> bool:
        """Tell whether there is a folder."""
        with self._at(path) as place:
            filesystem = self._filesystem()
            filesystem.invalidate_cache()
            try:
                return bool(filesystem.info(place.full)["type"] == "directory")
            except FileNotFoundError:
                return False

    def size(self, path: str) -> int:
        """Return the size in bytes.

        Raises
        ------
        FileNotFoundError
            If there is no such object.
        """
        filesystem = self._filesystem()
        filesystem.invalidate_cache()
        return int(filesystem.info(self._full_path(path))["size"])

    def info(self, path: str) -> StoredFile | None:
        """Return size and time of the last change of a file; None if there is none."""
        with self._at(path) as place:
            filesystem = self._filesystem()
            filesystem.invalidate_cache()
            try:
                found = filesystem.info(place.full)
            except FileNotFoundError:
                return None
            return StoredFile(path, int(found.get("size") or 0), modified_time(found))

    def listdir(self, path: str) -> list[str]:
        """Return the names in a folder, sorted."""
        with self._at(path) as place:
            filesystem = self._filesystem()
            filesystem.invalidate_cache()
            full = place.full.rstrip("/")
            found = (str(name).rstrip("/") for name in filesystem.ls(full, detail=False))
            return sorted(name.rsplit("/", 1)[-1] for name in found if name.strip("/") != full.strip("/"))

    def list_files(self, path: str) -> Iterator[StoredFile]:
        """Tell of every file below a folder, in no order; nothing if there is no such folder.

        Raises
        ------
        BucketInaccessible
            If any part cannot be listed: a listing is whole, or none.
        """
        with self._at(path, needs_store=True) as place:
            filesystem = self._filesystem()
            filesystem.invalidate_cache()
            found_any = False
            root = filesystem._strip_protocol(self._full_path("")).strip("/")
            for name, info in _walk(filesystem, place.full.rstrip("/")):
                key = name.lstrip("/") if not root else name.lstrip("/")[len(root) :].lstrip("/")
                found_any = True
                yield StoredFile(key, int(info.get("size") or 0), modified_time(info))
            if not found_any and self._bucket:
                filesystem.info(self._bucket)

    # --- removing
    def remove(self, path: str) -> None:
        """Remove a file; one that is not there is fine."""
        with contextlib.suppress(MissingExternalFile), self._at(path) as place:
            self._filesystem().rm_file(place.full)

    def remove_folder(self, path: str) -> None:
        """Remove a folder and all in it; one that is not there is fine."""
        with contextlib.suppress(MissingExternalFile), self._at(path) as place:
            filesystem = self._filesystem()
            filesystem.invalidate_cache()
            filesystem.rm(place.full.rstrip("/"), recursive=True)

    def prune(self, path: str) -> None:
        """Remove the folders above a path that are empty, where the filesystem has such folders."""
        steps = path.strip("/").split("/")[:-1]
        with contextlib.suppress(Exception):  # a folder that stays harms nobody
            filesystem = self._filesystem()
            while steps and not isinstance(filesystem, _flat_filesystems()):
                filesystem.rmdir(self._full_path("/".join(steps)))
                steps.pop()


def _flat_filesystems() -> tuple[type, ...]:
    """Return the kinds of filesystem in which folders are nothing but the beginnings of names: all that is async."""
    from fsspec.asyn import AsyncFileSystem  # noqa: PLC0415 - only remote stores need it

    return (AsyncFileSystem,)


def _walk(filesystem: Any, full: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield name and description of every file below a folder; an error ends it."""
    from fsspec.asyn import AsyncFileSystem  # noqa: PLC0415 - only remote stores need it

    if isinstance(filesystem, AsyncFileSystem) and type(filesystem)._find is not AsyncFileSystem._find:
        # One request for a thousand names, rather than one for each folder.
        for name, info in filesystem.find(full, detail=True).items():
            if info.get("type") != "directory" and not name.endswith("/"):
                yield name, info
        return
    try:
        filesystem.info(full)
    except FileNotFoundError:
        return
    # The general `find` leaves out what it cannot read.
    for _folder, _folders, files in filesystem.walk(full, detail=True, on_error="raise"):
        for info in files.values():
            yield info["name"], info
