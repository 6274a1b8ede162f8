"""Objects that are folders: copied file by file in parallel, described by a manifest beside them."""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datajoint.errors import DataJointError, MissingExternalFile
from datajoint.storage import transfer
from datajoint.storage.paths import checked_path
from datajoint.storage.urls import is_url, parse_url, url_to_path

if TYPE_CHECKING:
    from datajoint.storage.backend import StorageBackend

_CHUNK = 1 << 20


def manifest_path(path: str) -> str:
    """Return where the manifest of a folder object lies."""
    return f"{path.rstrip('/')}.manifest.json"


def put_folder(backend: StorageBackend, local: Path, path: str) -> dict[str, Any]:
    """Copy every file below a folder of this machine, and write the manifest when all are there.

    Links are followed, to folders too. Empty folders are not kept: object stores have none.

    Returns
    -------
    dict
        ``files`` (a list of ``path`` and ``size``), ``total_size``, ``item_count``, ``created``.

    Raises
    ------
    DataJointError
        If `local` is no folder, or holds what cannot be copied: a broken link, a circle of links, a device.
    """
    if not local.is_dir():
        raise DataJointError(f"Not a directory: {local}", hint="Give the path of a folder.")
    path = path.rstrip("/")
    found = sorted(_files_below(local, local, frozenset()))

    def copy(relative: str) -> dict[str, Any]:
        source = local / relative
        size = source.stat().st_size
        backend.put_file(source, f"{path}/{relative}")
        return {"path": relative, "size": size}

    files = list(transfer.in_order(copy, found))
    return write_manifest(backend, path, files)


def write_manifest(backend: StorageBackend, path: str, files: list[dict[str, Any]]) -> dict[str, Any]:
    """Write what a folder object consists of beside it, and return it."""
    manifest = {
        "files": files,
        "total_size": sum(file["size"] for file in files),
        "item_count": len(files),
        "created": datetime.datetime.now(datetime.UTC).isoformat(),
    }
    backend.put_buffer(json.dumps(manifest, indent=2).encode(), manifest_path(path))
    return manifest


def _files_below(folder: Path, root: Path, above: frozenset[str]) -> Iterator[str]:
    here = os.path.realpath(folder)
    if here in above:
        raise DataJointError(f"{folder} is a link to a folder that it lies in.", hint="Remove the link.")
    with os.scandir(folder) as found:
        entries = list(found)
    for entry in entries:
        place = Path(entry.path)
        if entry.is_dir():
            yield from _files_below(place, root, above | {here})
        elif entry.is_file():
            yield place.relative_to(root).as_posix()
        else:
            kind = "a broken link" if entry.is_symlink() else "no file"
            raise DataJointError(f"{place} is {kind}, and cannot be stored.", hint="Remove it from the folder.")


def get_folder(backend: StorageBackend, path: str, local: Path) -> None:
    """Copy the files of a folder object into a folder of this machine, in parallel.

    Raises
    ------
    MissingExternalFile
        If there is no file below the path.
    DataJointError
        If a name in the store would lead out of the folder.
    """
    path = path.rstrip("/")
    root = os.path.realpath(local)
    below = [(file.path, checked_path(file.path[len(path) + 1 :])) for file in backend.list_files(path)]
    if not below and not backend.isdir(path):
        raise MissingExternalFile(f"The folder {path!r} is not in the store.")
    local.mkdir(parents=True, exist_ok=True)

    def copy(item: tuple[str, str]) -> None:
        target = local / item[1]
        if not os.path.realpath(target).startswith(root.rstrip(os.sep) + os.sep):
            raise DataJointError(f"{target} leaves {local} by a symbolic link.", hint="Download to another folder.")
        backend.get_file(item[0], target)

    for _ in transfer.in_order(copy, below):
        pass


# --- from other places
def source(address: str) -> tuple[Any, str]:
    """Return the filesystem that an address, or a path of this machine, is of, and the path there."""
    import fsspec  # noqa: PLC0415 - only addresses need it

    local = _local(address)
    if local is not None:
        return fsspec.filesystem("file"), local
    protocol, path = parse_url(address)
    return fsspec.filesystem(protocol), address if protocol.startswith("http") else path


def _local(address: str) -> str | None:
    if not is_url(address):
        return str(address)
    protocol, path = parse_url(address)
    return url_to_path(path) if protocol == "file" else None


def copy_from_url(backend: StorageBackend, address: str, path: str) -> int:
    """Copy a file, or a folder with a manifest, from an address; see `StorageBackend.copy_from_url`.

    Raises
    ------
    DataJointError
        If there is nothing at the address.
    """
    filesystem, source_path = source(address)
    if not filesystem.exists(source_path):
        raise DataJointError(f"There is nothing at {address}.", hint="Check the address.")
    if not filesystem.isdir(source_path):
        return _copy(backend, filesystem, source_path, path)
    if _local(address) is not None:
        return int(put_folder(backend, Path(source_path), path)["total_size"])
    root = str(filesystem._strip_protocol(source_path)).rstrip("/")
    names = sorted(str(name) for name in filesystem.find(source_path))

    def copy(name: str) -> dict[str, Any]:
        relative = checked_path(str(filesystem._strip_protocol(name))[len(root) :].lstrip("/"))
        return {"path": relative, "size": _copy(backend, filesystem, name, f"{path}/{relative}")}

    return int(write_manifest(backend, path, list(transfer.in_order(copy, names)))["total_size"])


def _copy(backend: StorageBackend, filesystem: Any, source_path: str, path: str) -> int:
    size = 0
    with filesystem.open(source_path, "rb") as reader, backend.open(path, "wb") as writer:
        while chunk := reader.read(_CHUNK):
            writer.write(chunk)
            size += len(chunk)
    return size
