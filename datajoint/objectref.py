"""References to files and folders in an object store: what a fetch of ``<object@>`` and ``<filepath@>`` returns."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from os import PathLike, fspath
from pathlib import Path, PurePosixPath
from typing import IO, Any

from datajoint.errors import DataJointError, MissingExternalFile

__all__ = ["IntegrityError", "ObjectRef"]

_MANIFEST = ".manifest.json"


class IntegrityError(DataJointError):
    """A stored object is not what its row says: absent, of another size, or of other content."""


@dataclass
class ObjectRef:
    """A file or a folder in a store. Everything but its content is known without asking the store.

    Attributes
    ----------
    path : str
        Relative to the root of the store.
    size : int or None
        Bytes, of a folder those of all its files; None where nobody counted.
    hash : str or None
        md5 of the content, where it was recorded.
    ext : str or None
        Extension of the file's name.
    is_dir : bool
    timestamp : datetime or None
        When it was stored.
    url, store, mime_type : str or None
    item_count : int or None
        Number of files of a folder.
    """

    path: str
    size: int | None
    hash: str | None
    ext: str | None
    is_dir: bool
    timestamp: datetime | None
    url: str | None = None
    store: str | None = None
    mime_type: str | None = None
    item_count: int | None = None
    _backend: Any = None

    @classmethod
    def from_json(cls, json_data: Mapping[str, Any] | str, backend: Any = None) -> ObjectRef:
        """Return the reference that a column's document describes.

        Parameters
        ----------
        json_data : dict or str
        backend : StorageBackend, optional
            The store; without it only the description can be used.

        Raises
        ------
        KeyError
            If the document has no ``path`` or no ``size``.
        """
        data = json.loads(json_data) if isinstance(json_data, str) else json_data
        said = data.get("timestamp")
        return cls(
            path=data["path"],
            size=data["size"],
            hash=data.get("hash"),
            ext=data.get("ext"),
            is_dir=bool(data.get("is_dir", False)),
            timestamp=datetime.fromisoformat(said) if isinstance(said, str) else said,
            url=data.get("url"),
            store=data.get("store"),
            mime_type=data.get("mime_type"),
            item_count=data.get("item_count"),
            _backend=backend,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the document that `from_json` reads."""
        document: dict[str, Any] = {
            "path": self.path,
            "size": self.size,
            "hash": self.hash,
            "ext": self.ext,
            "is_dir": self.is_dir,
            "timestamp": self.timestamp.isoformat() if self.timestamp else None,
        }
        document |= {name: value for name in ("url", "store", "mime_type") if (value := getattr(self, name))}
        if self.item_count is not None:
            document["item_count"] = self.item_count
        return document

    # --- where it is
    @property
    def backend(self) -> Any:
        """The store.

        Raises
        ------
        DataJointError
            If the reference was made without one.
        """
        if self._backend is None:
            raise DataJointError(
                f"The reference to {self.path!r} has no storage backend, so its content cannot be reached.",
                hint="Fetch it from its table, or give `ObjectRef.from_json` a backend.",
            )
        return self._backend

    @property
    def fs(self) -> Any:
        """The store's `fsspec` file system."""
        return self.backend.fs

    @property
    def fsmap(self) -> Any:
        """The object as an `fsspec.FSMap`: a mapping from names to contents, as zarr takes it."""
        return self.backend.get_fsmap(self.path)

    @property
    def full_path(self) -> str:
        """Where the object is: a path on a file store, else its address, such as ``s3://bucket/location/path``."""
        backend = self.backend
        if backend.protocol == "file":
            return str(backend._full_path(self.path))
        return str(backend.get_url(self.path)) if backend.protocol in {"s3", "gcs", "azure"} else self.path

    def _within(self, subpath: str | None) -> str:
        """Return the path of something inside of the folder, or of the object itself."""
        if not subpath:
            return self.path
        if not self.is_dir:
            raise DataJointError("Cannot use subpath on a file object")
        parts = PurePosixPath(str(subpath).replace("\\", "/"))
        if parts.is_absolute() or ".." in parts.parts:
            raise DataJointError(
                f"{subpath!r} does not lie inside of the folder {self.path!r}.",
                hint="Give a relative path without `..`.",
            )
        return f"{self.path}/{parts.as_posix()}"

    # --- content
    def read(self) -> bytes:
        """Return the content of a file.

        Raises
        ------
        DataJointError
            For a folder, or without a backend.
        MissingExternalFile
            If the object is absent.
        IntegrityError
            If it is shorter than when it was stored, or has another hash than the one recorded.
        """
        if self.is_dir:
            raise DataJointError("Cannot read() a directory. Use listdir(), walk(), open(subpath) or download().")
        content: bytes = self.backend.get_buffer(self.path)
        if self.size is not None and len(content) < self.size:
            raise IntegrityError(
                f"The object {self.path!r} was cut: {len(content)} of {self.size} bytes are there.",
                hint="Insert it again.",
            )
        if self.hash and not _has_hash(content, self.hash):
            raise IntegrityError(f"The object {self.path!r} has another content than its hash {self.hash} says.")
        return content

    def open(self, subpath: str | None = None, mode: str = "rb") -> AbstractContextManager[IO[Any]]:
        """Open a file, or with `subpath` a file of a folder: ``with ref.open() as file``.

        Raises
        ------
        DataJointError
            For a `subpath` of a file, or one that leads out of the folder.
        """
        opened: AbstractContextManager[IO[Any]] = self.backend.open(self._within(subpath), mode)
        return opened

    def listdir(self, subpath: str = "") -> list[str]:
        """Return the names of what is in a folder.

        Raises
        ------
        DataJointError
            For a file.
        """
        if not self.is_dir:
            raise DataJointError("Cannot listdir() on a file. Use read() or open().")
        names: list[str] = self.backend.listdir(self._within(subpath))
        return names

    def walk(self) -> Iterator[tuple[str, list[str], list[str]]]:
        """Yield the relative path of each folder with the names of the folders and files in it; the root is ``""``.

        Raises
        ------
        DataJointError
            For a file.
        """
        if not self.is_dir:
            raise DataJointError("Cannot walk() on a file.")
        tree: dict[str, tuple[set[str], list[str]]] = {"": (set(), [])}
        for name in self._files():
            folder, _, file = name.rpartition("/")
            tree.setdefault(folder, (set(), []))[1].append(file)
            while folder:
                above, _, own = folder.rpartition("/")
                tree.setdefault(above, (set(), []))[0].add(own)
                folder = above
        return ((folder, sorted(folders), sorted(files)) for folder, (folders, files) in sorted(tree.items()))

    def _files(self) -> dict[str, int]:
        """Return the size of every file of a folder by its relative path."""
        root = self.path.rstrip("/")
        return {file.path[len(root) + 1 :]: file.size for file in self.backend.list_files(root)}

    def download(self, destination: str | PathLike[str], subpath: str | None = None) -> Path:
        """Copy the object to the local disk.

        Parameters
        ----------
        destination : path
            Of a folder object the folder in which it will lie; of a file its new path, or an existing folder.
        subpath : str, optional
            A single file of a folder object.

        Returns
        -------
        Path
            Of the file; of a folder object `destination`.

        Raises
        ------
        DataJointError
            For a `subpath` of a file, or one that leads out of the folder.
        MissingExternalFile
            If the object is absent.
        """
        target, source = Path(fspath(destination)), self._within(subpath)
        if self.is_dir and not subpath:
            self._download_folder(target)
            return target
        if target.is_dir():
            target /= PurePosixPath(source).name
        self.backend.get_file(source, target)
        return target

    def _download_folder(self, target: Path) -> None:
        own = target / PurePosixPath(self.path).name
        own.mkdir(parents=True, exist_ok=True)
        self.backend.get_folder(self.path, own)

    def exists(self, subpath: str | None = None) -> bool:
        """Tell whether the object, or a file of a folder, is there.

        Raises
        ------
        DataJointError
            As `open`.
        """
        path = self._within(subpath)
        return bool(self.backend.exists(path)) or (self.is_dir and bool(self.backend.isdir(path)))

    def has_content_of(self, other: ObjectRef) -> bool:
        """Tell whether both are files, or both folders, with the same content.

        Raises
        ------
        MissingExternalFile
            If a file is absent.
        """
        if self.is_dir != other.is_dir:
            return False
        if not self.is_dir:
            return self.read() == other.read()
        files = self._files()
        return files == other._files() and all(
            self.backend.get_buffer(f"{self.path}/{name}") == other.backend.get_buffer(f"{other.path}/{name}")
            for name in files
        )

    # --- is it whole?
    def verify(self) -> bool:
        """Compare the object with its description.

        A file is compared by size and, where it was recorded, hash; a folder by its manifest, where it has one, else
        by number and total size of its files.

        Returns
        -------
        bool
            True.

        Raises
        ------
        IntegrityError
            With all that differs.
        """
        problems = self._folder_problems() if self.is_dir else self._file_problems()
        if problems and self.is_dir:
            raise IntegrityError("Folder verification failed:\n" + "\n".join(problems))
        if problems:
            raise IntegrityError(problems[0])
        return True

    def _file_problems(self) -> list[str]:
        backend = self.backend
        if not backend.exists(self.path):
            return [f"The object {self.path!r} does not exist."]
        if self.size is not None and (size := backend.size(self.path)) != self.size:
            return [f"Size mismatch for {self.path!r}: expected {self.size}, got {size}."]
        if self.hash and not _has_hash(backend.get_buffer(self.path), self.hash):
            return [f"Hash mismatch for {self.path!r}: expected {self.hash}."]
        return []

    def _folder_problems(self) -> list[str]:
        try:
            manifest = json.loads(self.backend.get_buffer(self.path + _MANIFEST))
        except MissingExternalFile:
            return self._count_problems()
        found = self._files()
        problems = []
        for entry in manifest["files"]:
            size = found.get(entry["path"])
            if size is None:
                problems.append(f"Missing file: {entry['path']}")
            elif size != entry["size"]:
                problems.append(f"Size mismatch for {entry['path']}: expected {entry['size']}, got {size}")
        return problems

    def _count_problems(self) -> list[str]:
        if self.item_count is None or self.size is None:
            return []
        found = self._files()
        count, size = len(found), sum(found.values())
        if (count, size) == (self.item_count, self.size):
            return []
        return [f"Expected {self.item_count} files of {self.size} bytes in all, got {count} of {size}"]

    def __str__(self) -> str:
        return self.path

    def __repr__(self) -> str:
        return f"ObjectRef(folder: {self.path})" if self.is_dir else f"ObjectRef(file: {self.path}, size={self.size})"


def _has_hash(content: bytes, expected: str) -> bool:
    """Compare content with a recorded hash: md5 in the base 32 of paths, or md5 or sha256 in hexadecimal."""
    md5 = hashlib.md5(content, usedforsecurity=False)
    base32 = base64.b32encode(md5.digest()).decode().rstrip("=").lower()
    return expected.lower() in {base32, md5.hexdigest(), hashlib.sha256(content).hexdigest()}
