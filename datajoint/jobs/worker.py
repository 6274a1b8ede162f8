"""A worker: this process at work on one schema, with a thread that says so.

The thread has a session of its own. It holds the worker's lock, gives a sign of life, and writes what may be written late:
that a key was begun, how far it is, and that leases have ended.
"""

from __future__ import annotations

import logging
import os
import platform
import queue
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self, TypeVar

from datajoint.errors import DataJointError, LockError, TimeLimitError
from datajoint.jobs import registry as reg
from datajoint.jobs.machine import machine, process_start
from datajoint.jobs.registry import Registry
from datajoint.sql.fragment import Parameter, Sql

if TYPE_CHECKING:
    from datajoint.connection import Connection

logger = logging.getLogger("datajoint")

T = TypeVar("T")

_TICK = 1.0  # seconds between two writes about keys
_PATIENCE = 0.25  # seconds to wait for the lock of the only writer, where there is one
_READY, _STOPPING = 60.0, 10.0
_MANY = 200


@dataclass(slots=True)
class _Running:
    """A key that is being made."""

    registry: Registry
    item: str
    since: float
    fraction: float | None = None
    text: str = ""
    told: bool = False
    news: bool = False


class _Ended(NamedTuple):
    """A lease that has ended; `undo` is given what others may have done for it meanwhile."""

    registry: Registry
    item: str
    subject: Any
    undo: Callable[[list[Any]], Any]


class Worker:
    """What this process is to others, at work on a schema: ``with Worker.on(connection, schema) as worker``.

    All that work on the schema through one connection share it, and the last one ends it.

    Attributes
    ----------
    id : str
        A UUID.
    obstacle : str or None
        Why there are no leases; None if there are.
    """

    _working: ClassVar[dict[tuple[int, int, str], Worker]] = {}
    _lock: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, connection: Connection, schema: str) -> None:
        self.connection, self.schema = connection, schema
        self.id = str(uuid.uuid4())
        self.obstacle: str | None = None
        self._users = 0
        self._registry = Registry(connection, schema, "")
        self._requests: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] = queue.SimpleQueue()
        self._running: dict[int, _Running] = {}
        self._held: set[tuple[str, str]] = set()
        self._ended: list[_Ended] = []
        self._guard, self._beginning = threading.Lock(), threading.Lock()
        self._thread: threading.Thread | None = None
        self._session = 0

    # --- its life
    @classmethod
    def on(cls, connection: Connection, schema: str) -> Worker:
        """Return the worker of this process for a schema."""
        with cls._lock:
            place = (os.getpid(), id(connection), schema)
            worker = cls._working.get(place)
            if worker is None:
                worker = cls._working[place] = cls(connection, schema)
            return worker

    @property
    def has_leases(self) -> bool:
        """Whether keys are leased."""
        return self.obstacle is None

    def __enter__(self) -> Self:
        with self._beginning:  # whoever comes second waits until there are leases
            with self._guard:
                self._users += 1
                first = self._users == 1
            if first:
                try:
                    self._begin()
                except BaseException:
                    self._leave()
                    raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()

    def _begin(self) -> None:
        self.obstacle = self._registry.ensure()
        if self.obstacle is not None:
            _warn_once(self.schema, self.obstacle)
            return
        ready: Future[None] = Future()
        self._thread = threading.Thread(target=self._live, args=(ready,), name=f"dj worker {self.id[:8]}", daemon=True)
        self._thread.start()
        ready.result(_READY)

    def _leave(self) -> None:
        with self._lock, self._guard:
            self._users -= 1
            last = self._users == 0
            if last:
                self._working.pop((os.getpid(), id(self.connection), self.schema), None)
        if last and self._thread is not None:
            self._requests.put(None)
            self._thread.join(_STOPPING)
            self._thread = None

    # --- what others tell it
    def holds(self, registry: Registry, item: str) -> bool:
        """Tell whether one of this process's threads has claimed a key and not settled it."""
        return (registry.table, item) in self._held

    def holding(self, registry: Registry, items: Iterable[str]) -> None:
        """Note that keys were claimed."""
        with self._guard:
            self._held.update((registry.table, item) for item in items)

    def lets_go(self, registry: Registry, items: Iterable[str]) -> None:
        """Note that keys are settled."""
        with self._guard:
            self._held.difference_update([(registry.table, item) for item in items])

    def starts(self, registry: Registry, item: str) -> None:
        """Note that the calling thread begins to make a key."""
        _here.worker = self
        with self._guard:
            self._running[threading.get_ident()] = _Running(registry, item, time.monotonic())

    def ends(self) -> None:
        """Note that the calling thread makes its key no more."""
        _here.worker = None
        with self._guard:
            self._running.pop(threading.get_ident(), None)

    def reports(self, fraction: float, text: str) -> None:
        """Note how far the calling thread's key is."""
        running = self._running.get(threading.get_ident())
        if running is not None:
            running.fraction, running.text, running.news = fraction, text, True

    def settled(self, registry: Registry, item: str, subject: Any, undo: Callable[[list[Any]], Any]) -> None:
        """Have a lease deleted soon, and `undo` called with the subjects of those that were deleted together."""
        self.lets_go(registry, [item])
        if self.has_leases:
            with self._guard:
                self._ended.append(_Ended(registry, item, subject, undo))

    def ask(self, question: Callable[[], T]) -> T:
        """Have the worker's thread, whose session sees committed rows only, answer a question."""
        answer: Future[T] = Future()
        thread = self._thread
        if thread is not None and thread.is_alive():
            self._requests.put((question, answer))
        else:
            threading.Thread(target=self._answer_alone, args=(question, answer), daemon=True).start()
        return answer.result()

    def _answer_alone(self, question: Callable[[], Any], answer: Future[Any]) -> None:
        try:
            _answer(question, answer)
        finally:
            self.connection.close_thread()

    # --- its thread
    def _live(self, ready: Future[None]) -> None:
        try:
            try:
                self._register()
            except BaseException as error:  # noqa: BLE001 - whatever it is, the one who waits must know
                ready.set_exception(error)
                return
            ready.set_result(None)
            self._beat_until_stopped()
            self._last_words()
        finally:
            self.connection.close_thread()

    def _register(self) -> None:
        connection, settings = self.connection, self.connection.settings.jobs
        coordination = connection.backend.coordination
        for statement in coordination.end_when_silent(reg.SILENT_LEASES * settings.lease_seconds):
            connection.execute(statement)
        self._session = connection.connection_id
        lock = coordination.lock(f"dj:{self.id}", 0)
        if lock is not None:
            connection.execute(lock)
        now = coordination.now(connection.target)
        self._registry.register({
            "worker": self.id, "host": platform.node(), "db_user": connection.get_user()[:255], "pid": os.getpid(),
            "process_start": process_start(os.getpid()) or "", "machine": machine(), "session_id": self._session,
            "version": _release()[:64], "protocol": reg.PROTOCOL, "started": now, "last_seen": now, "state": "running",
        })  # fmt: skip

    def _beat_until_stopped(self) -> None:
        beat = time.monotonic()
        while True:
            try:
                request = self._requests.get(timeout=min(_TICK, self.connection.settings.jobs.heartbeat_seconds))
            except queue.Empty:
                pass
            else:
                if request is None:
                    return
                _answer(*request)
            if time.monotonic() - beat >= self.connection.settings.jobs.heartbeat_seconds and self._tried(self._beat):
                beat = time.monotonic()
            self._tried(self._write)

    def _tried(self, write: Callable[[], Any]) -> bool:
        """Write, unless that has to wait for whoever writes; then the next time will do."""
        try:
            if self.connection.backend.coordination.row_locks:
                write()
            else:
                with self.connection.time_limit(_PATIENCE):
                    write()
        except (LockError, TimeLimitError):
            return False
        except DataJointError as error:
            logger.debug("The worker %s could not write its sign of life: %s", self.id, error)
            return False
        return True

    def _beat(self) -> None:
        there = self._registry.beat(self.id)
        # A new session does not hold the lock, and a row that is gone was taken for that of a dead worker.
        if not there or self._session != self.connection.connection_id:
            self._register()

    def _write(self) -> None:
        with self._guard:
            running = list(self._running.values())
        for key in running:
            if time.monotonic() - key.since > _TICK and (not key.told or key.news):
                key.news = False
                self._tell(key)
                key.told = True
        self._delete_ended()

    def _tell(self, key: _Running) -> None:
        coordination = self.connection.backend.coordination
        values: dict[str, Sql | Parameter] = {
            "started": coordination.ago(self.connection.target, time.monotonic() - key.since),
            "progress": Parameter(key.fraction),
            "message": Parameter(key.text[:2047]),
        }
        if key.told:
            del values["started"]
        assignments = Sql.join(", ", (Sql(reg.column(n), " = ", v) for n, v in values.items()))
        key.registry.settle(self.id, [key.item], assignments)

    def _delete_ended(self) -> None:
        with self._guard:
            ended, self._ended = self._ended, []
        try:
            while ended:
                registry, undo = ended[0].registry, ended[0].undo
                mine = [e for e in ended if e.registry.table == registry.table][:_MANY]
                registry.delete(self.id, [e.item for e in mine])
                undo([e.subject for e in mine])
                done = set(map(id, mine))
                ended = [e for e in ended if id(e) not in done]
        finally:
            if ended:
                with self._guard:
                    self._ended = [*ended, *self._ended]

    def _last_words(self) -> None:
        connection = self.connection
        try:
            self._delete_ended()
            self._registry.mark(self.id, "stopped")
            unlock = connection.backend.coordination.unlock(f"dj:{self.id}")
            if unlock is not None:
                connection.execute(unlock)
        except DataJointError as error:
            logger.debug("The worker %s could not say goodbye: %s", self.id, error)


class _Here(threading.local):
    worker: Worker | None = None


_here = _Here()


def report(fraction: float, text: str) -> None:
    """Note how far the key is that the calling thread makes, if it is one of a queue."""
    if _here.worker is not None:
        _here.worker.reports(fraction, text)


def _forget_parent() -> None:
    """A forked process is another worker, and its parent's threads are not there to release what they hold."""
    Worker._working, Worker._lock = {}, threading.Lock()
    _here.worker = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_parent)


@cache
def _release() -> str:
    try:
        return version("datajoint")
    except PackageNotFoundError:
        return ""


def _answer(question: Callable[[], Any], answer: Future[Any]) -> None:
    try:
        answer.set_result(question())
    except BaseException as error:  # noqa: BLE001 - it belongs to who asked
        answer.set_exception(error)


_warned: set[tuple[str, str]] = set()


def _warn_once(schema: str, obstacle: str) -> None:
    if (schema, obstacle) not in _warned:
        _warned.add((schema, obstacle))
        logger.warning(
            "Workers on schema %s have no leases: %s. Jobs are computed all the same, but those of a worker that dies are "
            "given back by jobs.refresh(orphan_timeout=seconds) only. Ask for the right to create these tables.",
            schema,
            obstacle,
        )
