"""Objects that are written for rows which do not exist yet: in parallel, and removed again if the rows never come."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol, Self

logger = logging.getLogger("datajoint")

WORKERS = 32
"""Objects that travel at once."""

MEMORY = 64 * 2**20
"""Bytes of objects that wait or travel; whoever makes further ones waits."""

_LOT = 200  # objects that are marked together

_current: ContextVar[Uploads | None] = ContextVar("datajoint_uploads", default=None)


def current_uploads() -> Uploads | None:
    """Return the uploads of the insert that this thread is in, if any."""
    return _current.get()


class Marks(Protocol):
    """What tells a collector of garbage which objects are on their way."""

    def add(self, objects: Sequence[tuple[str, str]]) -> None:
        """Mark objects, given by store and path; they are marked for everybody when this returns."""

    def clear(self) -> None:
        """Remove all marks that were added."""


@contextmanager
def uploads_aside() -> Iterator[None]:
    """Let nothing in the block be taken for part of the insert that is at work."""
    token = _current.set(None)
    try:
        yield
    finally:
        _current.reset(token)


class Uploads:
    """The objects that one insert writes.

    Inside of its block, codecs of this thread hand their objects to it by way of the backend that `recorded` returns.
    `settle` waits until all are written: only then may rows be sent. What was written under a name of its own, which
    no other row can have, `close` removes if the rows are not kept.

    Parameters
    ----------
    parallel : bool
        Whether it is worth while to start threads.
    marks : Marks, optional
        Where objects are marked as in flight before they are written, for a collector of garbage to spare them.
    """

    def __init__(self, *, parallel: bool, marks: Marks | None = None) -> None:
        self._parallel, self._marks = parallel, marks
        self._unmarked: list[tuple[str, str]] = []
        self._held: list[tuple[Callable[[], Any], int]] = []
        self._pool: ThreadPoolExecutor | None = None
        self._waiting: list[Future[None]] = []
        self._bytes = 0
        self._room = threading.Condition()
        self._failed: BaseException | None = None
        self._fresh: set[str] = set()
        self._written: list[tuple[Any, str, bool]] = []
        self._begun: set[tuple[str, str]] = set()

    def __enter__(self) -> Self:
        self._token = _current.set(self)
        return self

    def __exit__(self, *error: object) -> None:
        _current.reset(self._token)
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    # --- what codecs do
    def recorded(self, store: str, backend: Any) -> Any:
        """Return the backend of a store, but so that what is written is known here, and buffers travel in the background."""
        return _RecordedBackend(store, backend, self)

    def new_path(self, path: str) -> str:
        """Note that `path` holds a token drawn just now, so that the object is of this insert alone."""
        self._fresh.add(path)
        return path

    def begin(self, store: str, backend: Any, path: str, *, folder: bool = False) -> None:
        """Note that an object is about to be written, or to be found there."""
        self._written.append((backend, path, folder))
        if self._marks is not None:
            self._unmarked.append((store, path))

    def mark(self) -> None:
        """Have all objects marked that were noted: they may be written from now on."""
        if self._marks is not None and self._unmarked:
            unmarked, self._unmarked = self._unmarked, []
            self._marks.add(unmarked)

    def once(self, store: str, path: str) -> bool:
        """Tell whether `path` is asked about for the first time: equal contents need one upload."""
        seen = (store, path) in self._begun
        self._begun.add((store, path))
        return not seen

    def later(self, write: Callable[[], Any], size: int) -> None:
        """Let `write` run in another thread, once its object is marked and there is room for `size` bytes.

        Raises
        ------
        Exception
            What an earlier one raised.
        """
        if not self._parallel:
            self.mark()
            write()
            return
        self._held.append((write, size))
        # Marks cost a statement: one for many objects.
        enough = len(self._held) >= _LOT or sum(size for _, size in self._held) >= MEMORY // 4
        if self._marks is None or enough:
            self._release()

    def _release(self) -> None:
        self.mark()
        held, self._held = self._held, []
        for write, size in held:
            self._submit(write, size)

    def _submit(self, write: Callable[[], Any], size: int) -> None:
        with self._room:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="datajoint-upload")
            pool = self._pool
            self._room.wait_for(lambda: self._failed or not self._bytes or self._bytes + size <= MEMORY)
            if self._failed is None:
                self._bytes += size
        if self._failed is not None:
            self._wait()
        self._waiting.append(pool.submit(self._run, write, size))

    def _run(self, write: Callable[[], Any], size: int) -> None:
        try:
            if self._failed is None:
                write()
        except BaseException as error:
            with self._room:
                self._failed = self._failed or error
            raise
        finally:
            with self._room:
                self._bytes -= size
                self._room.notify_all()

    # --- what the insert does
    @property
    def has_written(self) -> bool:
        """Whether any object was, or may have been, written."""
        return bool(self._written)

    def settle(self) -> None:
        """Wait until everything is written.

        Raises
        ------
        Exception
            What the first write that failed raised.
        """
        self._release()
        self._wait()

    def _wait(self) -> None:
        waiting, self._waiting = self._waiting, []
        for done in waiting:
            done.exception()  # waits; a cancelled one cannot be among them
        if self._failed is not None:
            raise self._failed

    def close(self, *, kept: bool | None) -> None:
        """Note what became of the rows, and remove the objects that only they could name if they do not exist.

        Objects under the hash of their content stay: another program may have found them there, and named them in rows
        of its own. Garbage collection sees to these.

        Parameters
        ----------
        kept : bool or None
            Whether the rows are kept; None if nobody knows.
        """
        self._held = []
        waiting, self._waiting = self._waiting, []
        for done in waiting:
            if not done.cancel():
                done.exception()
        written, self._written = self._written, []
        if kept is False:
            self._remove(written)
        if self._marks is not None:
            try:
                self._marks.clear()
            except Exception as error:  # noqa: BLE001 - the rows are there; marks end with their process at the latest
                logger.warning("Objects stay marked as in flight: %s", error)

    def _remove(self, written: list[tuple[Any, str, bool]]) -> None:
        for backend, path, folder in reversed(written):
            if path not in self._fresh:
                continue
            try:
                # A folder's manifest goes with it.
                backend.remove_folder(path) if folder else backend.remove(path)
            except Exception as error:  # noqa: BLE001 - the error that led here is the one to tell
                logger.warning("The object %s was not removed and is left to garbage collection: %s", path, error)


class _RecordedBackend:
    """A store as a codec sees it during an insert; whatever asks about objects waits for those on their way."""

    _KNOWN = frozenset({"spec", "protocol", "_full_path", "get_url", "location"})

    def __init__(self, store: str, backend: Any, uploads: Uploads) -> None:
        self._store, self._backend, self._uploads = store, backend, uploads

    @property
    def store(self) -> str:
        """The store's name."""
        return self._store

    @property
    def beneath(self) -> Any:
        """The store itself."""
        return self._backend

    def put_buffer(self, buffer: bytes, remote_path: str) -> None:
        """Write bytes, in the background."""
        content = bytes(buffer)  # the caller may go on using a buffer that can change
        self._uploads.begin(self._store, self._backend, remote_path)
        self._uploads.later(lambda: self._backend.put_buffer(content, remote_path), len(content))

    def put_file(self, local_path: Any, remote_path: str, metadata: dict[str, Any] | None = None) -> Any:
        """Copy a file, at once: the caller may delete it right after."""
        self._begin(remote_path)
        return self._backend.put_file(local_path, remote_path, metadata)

    def put_folder(self, local_path: Any, remote_path: str) -> Any:
        """Copy a folder, at once."""
        self._begin(remote_path, folder=True)
        return self._backend.put_folder(local_path, remote_path)

    def open(self, remote_path: str, mode: str = "rb") -> Any:
        """Open a file."""
        if "r" in mode and "+" not in mode:
            self._uploads.settle()
        else:
            self._begin(remote_path)
        return self._backend.open(remote_path, mode)

    def _begin(self, path: str, *, folder: bool = False) -> None:
        self._uploads.begin(self._store, self._backend, path, folder=folder)
        self._uploads.mark()

    def __getattr__(self, name: str) -> Any:
        if name not in self._KNOWN:
            self._uploads.settle()
        return getattr(self._backend, name)
