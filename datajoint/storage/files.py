"""Objects in a folder of this machine: written under another name, synced, renamed; never found half-written."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from datajoint.errors import DataJointError, MissingExternalFile
from datajoint.storage.listing import StoredFile
from datajoint.storage.paths import checked_path

TEMPORARY_PREFIX, TEMPORARY_SUFFIX = ".dj-", ".saving"
"""How files are called while they are written."""

# A collector removes folders that became empty, perhaps the one that was just made for a new file.
_ATTEMPTS = 100


def is_temporary(path: str) -> bool:
    """Tell whether a path is, or lies in, what `FileObjects` writes before it renames."""
    steps = path.split("/")
    return any(step.startswith(TEMPORARY_PREFIX) and step.endswith(TEMPORARY_SUFFIX) for step in steps)


class FileObjects:
    """The files below one folder, addressed by paths relative to it.

    Parameters
    ----------
    location : str
        The folder; it must exist, and is never made: a disk that is not mounted must not be written around.
    """

    def __init__(self, location: str) -> None:
        self.location = location
        self.root = Path(location).absolute()
        self.real_root = os.path.realpath(self.root)
        self._check_root()

    def _check_root(self) -> None:
        if not self.root.is_dir():
            raise FileNotFoundError(f"Inaccessible local directory {self.location}")

    @property
    def identity(self) -> tuple[str, ...]:
        """Which folder it is, whatever it is called; links and mounts make several names for one."""
        found = self.root.stat()
        return (str(found.st_dev), str(found.st_ino)) if found.st_ino else (self.real_root,)

    def locate(self, path: str, *, may_be_root: bool = False) -> Path:
        """Return where an object lies.

        Raises
        ------
        DataJointError
            If the path, or a symbolic link on it, leads out of the folder.
        """
        place = self.root / checked_path(path, may_be_root=may_be_root)
        real = os.path.realpath(place)
        if real != self.real_root and not real.startswith(self.real_root.rstrip(os.sep) + os.sep):
            raise DataJointError(
                f"The path {path!r} leaves the store by a symbolic link.",
                hint="Let the location of the store be the folder that the link points to.",
            )
        return place

    # --- writing
    def put_bytes(self, path: str, data: bytes | memoryview) -> None:
        """Write an object as a whole; one that is there is replaced."""

        def write(file: IO[bytes]) -> None:
            file.write(data)

        self._write(self.locate(path), write)

    def put_file(self, path: str, local: Path) -> None:
        """Copy a file of this machine; an object that is there is replaced."""

        def copy(file: IO[bytes]) -> None:
            with local.open("rb") as source:
                shutil.copyfileobj(source, file, 1 << 20)

        self._write(self.locate(path), copy)

    def _write(self, target: Path, write: Callable[[IO[bytes]], None]) -> None:
        file = self._open_temporary(target)
        try:
            with file:
                write(file)
                _sync(file)
            Path(file.name).replace(target)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
        _sync_folder(target.parent)

    def _open_temporary(self, target: Path, mode: str = "xb") -> IO[Any]:
        for attempt in range(_ATTEMPTS):
            made = self._make_folder(target.parent)
            try:
                file = temporary_beside(target).open(mode)
            except FileNotFoundError:
                if attempt == _ATTEMPTS - 1:
                    raise
                time.sleep(0.001 * secrets.randbelow(attempt + 1))
            else:
                for folder in made:
                    _sync_folder(folder.parent)
                return file
        raise AssertionError  # the loop returns or raises

    def _make_folder(self, folder: Path) -> list[Path]:
        """Make a folder and those above it, as far as the root, and return those that were made."""
        if folder.is_dir():
            return []
        self._check_root()
        if folder == self.root:
            return []
        above = self._make_folder(folder.parent)
        with contextlib.suppress(FileExistsError, FileNotFoundError):
            folder.mkdir()
            return [*above, folder]
        return above

    def open(self, path: str, mode: str) -> IO[Any]:
        """Open an object. One opened for writing appears when it is closed, and not at all if its block raises."""
        place = self.locate(path)
        if mode.replace("b", "").replace("t", "") not in {"w", "x"}:
            try:
                return place.open(mode)
            except FileNotFoundError as error:
                raise MissingExternalFile(f"The object {path!r} is not in the store at {self.location}.") from error
        if "x" in mode and place.exists():
            raise FileExistsError(f"The object {path!r} is in the store already.")
        return AtomicWriter(self._open_temporary(place, mode.replace("w", "x")), place)  # type: ignore[return-value]

    # --- reading
    def get_bytes(self, path: str) -> bytes:
        """Return the contents of an object."""
        try:
            return self.locate(path).read_bytes()
        except (FileNotFoundError, NotADirectoryError) as error:
            raise MissingExternalFile(f"The object {path!r} is not in the store at {self.location}.") from error

    def get_range(self, path: str, start: int, stop: int) -> bytes:
        """Return the bytes from `start` up to `stop`."""
        with self.open(path, "rb") as file:
            file.seek(start)
            return file.read(stop - start)  # type: ignore[no-any-return]

    def get_file(self, path: str, local: Path) -> None:
        """Copy an object to a file of this machine, unless there is one."""
        if local.exists():
            return
        source = self.locate(path)
        temporary = temporary_beside(local)
        try:
            shutil.copyfile(source, temporary)
            temporary.replace(local)
        except FileNotFoundError as error:
            raise MissingExternalFile(f"The object {path!r} is not in the store at {self.location}.") from error
        finally:
            temporary.unlink(missing_ok=True)

    def exists(self, path: str) -> bool:
        """Tell whether there is a file or a folder."""
        return self.locate(path, may_be_root=True).exists()

    def isdir(self, path: str) -> bool:
        """Tell whether there is a folder."""
        return self.locate(path, may_be_root=True).is_dir()

    def size(self, path: str) -> int:
        """Return the size in bytes."""
        return self.locate(path).stat().st_size

    def info(self, path: str) -> StoredFile | None:
        """Return size and time of the last change of a file; None if there is none."""
        try:
            found = self.locate(path).lstat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return StoredFile(path, found.st_size, found.st_mtime)

    def listdir(self, path: str) -> list[str]:
        """Return the names in a folder, sorted."""
        try:
            return sorted(
                place.name for place in self.locate(path, may_be_root=True).iterdir() if not is_temporary(place.name)
            )
        except FileNotFoundError as error:
            raise MissingExternalFile(f"The folder {path!r} is not in the store at {self.location}.") from error

    def list_files(self, path: str) -> Iterator[StoredFile]:
        """Tell of every file below a folder, in no order; nothing if there is no such folder.

        Links to folders are not followed, and links are not files: what they point to does not belong to the path.

        Raises
        ------
        OSError
            If any part cannot be read: a listing is whole, or none.
        """
        self._check_root()
        pending = [self.locate(path, may_be_root=True)]
        while pending:
            folder = pending.pop()
            try:
                with os.scandir(folder) as found_here:
                    entries = list(found_here)
            except (FileNotFoundError, NotADirectoryError):
                # Not there to begin with, or removed since it was listed.
                self._check_root()
                continue
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    pending.append(Path(entry.path))
                    continue
                try:
                    found = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                if stat.S_ISREG(found.st_mode):
                    relative = Path(entry.path).relative_to(self.root).as_posix()
                    yield StoredFile(relative, found.st_size, found.st_mtime)

    # --- removing
    def remove(self, path: str) -> None:
        """Remove a file; one that is not there is fine."""
        place = self.locate(path)
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            place.unlink()

    def remove_folder(self, path: str) -> None:
        """Remove a folder and all in it; one that is not there is fine."""
        place = self.locate(path)
        if place.is_symlink():
            place.unlink()
        elif place.is_dir():
            shutil.rmtree(place)

    def prune(self, path: str) -> None:
        """Remove the folders above a path that are empty, up to the root, which stays."""
        folder = self.locate(path).parent
        while folder != self.root and folder.is_relative_to(self.root):
            try:
                folder.rmdir()
            except FileNotFoundError:
                pass
            except OSError:
                return  # not empty, or not ours to remove
            folder = folder.parent


class AtomicWriter:
    """A file being written that takes its name when it is closed."""

    def __init__(self, file: IO[Any], target: Path) -> None:
        self._file, self._target = file, target

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._file)

    def close(self) -> None:
        """Sync what was written and give it its name; calling it again does nothing."""
        if self._file.closed:
            return
        try:
            _sync(self._file)
            self._file.close()
            Path(self._file.name).replace(self._target)
        except BaseException:
            self.discard()
            raise
        _sync_folder(self._target.parent)

    def discard(self) -> None:
        """Forget what was written."""
        with contextlib.suppress(OSError):
            self._file.close()
        Path(self._file.name).unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()


def temporary_beside(target: Path) -> Path:
    """Return an unused name in the same folder; short, whatever the length of the target's name."""
    return target.parent / f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}{TEMPORARY_SUFFIX}"


def _sync(file: IO[Any]) -> None:
    file.flush()
    os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Make a rename survive a power cut; filesystems that cannot do this do not need it or are past help."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
