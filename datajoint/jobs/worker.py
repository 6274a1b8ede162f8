"""A worker: this process at work on one schema, with a thread that says so.

The thread has a session of its own. It holds the worker's lock, gives a sign of life, and writes what may be written late:
that a key was begun, how far it is, and that leases and marks have ended. After an upload it lingers for a while, so that a
row of inserts has one worker.
"""

from __future__ import annotations

import atexit
import logging
import os
import platform
import queue
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import cache, partial
from importlib.metadata import PackageNotFoundError, version
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

from datajoint.errors import AccessError, DataJointError, LockError, LostConnectionError, TimeLimitError
from datajoint.jobs import holdings
from datajoint.jobs import registry as reg
from datajoint.jobs.holdings import Holdings
from datajoint.jobs.machine import machine, process_start
from datajoint.jobs.registry import Registry, State

if TYPE_CHECKING:
    from datajoint.connection import Connection

logger = logging.getLogger("datajoint")

T = TypeVar("T")
_Requests = queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None]

_TICK = 1.0  # seconds between two writes about keys
_PATIENCE = 0.25  # seconds to wait for the lock of the only writer, where there is one
_READY, _STOPPING = 60.0, 10.0
_LINGER = 5.0  # seconds that a worker waits for the next upload
_LAST_ATTEMPTS = 3


class Worker(Holdings):
    """What this process is to others, at work on a schema: ``with Worker.on(connection, schema) as worker``.

    All that work on the schema through one connection share it, and the last one ends it. Those that only upload are
    `uploading`: the last of them lets it linger, and nobody counts it among those at work.

    Attributes
    ----------
    id : str
        A UUID.
    obstacle : str or None
        Why there are no leases; None if there are.
    """

    _working: ClassVar[dict[tuple[int, int, str], Worker]] = {}
    _ending: ClassVar[set[Worker]] = set()  # found by nobody any more, with a thread that is not quite through
    _unsaid: ClassVar[dict[tuple[int, int, str], set[str]]] = {}  # who could not say goodbye, and is taken to live
    _lock: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, connection: Connection, schema: str) -> None:
        super().__init__(connection)
        self.schema = schema
        self._users = self._at_work = 0
        self._over, self._until = False, 0.0
        self._state: State = "uploading"
        self._has_worked = False
        self._registry = Registry(connection, schema, "")
        self._marks: dict[str, Registry] = {}
        self._requests: _Requests = queue.SimpleQueue()
        self._beginning = threading.Lock()
        self._thread: threading.Thread | None = None
        self._session = 0

    # --- its life
    @classmethod
    def on(cls, connection: Connection, schema: str) -> Worker:
        """Return the worker of this process for a schema."""
        with cls._lock:
            worker = cls._working.get((os.getpid(), id(connection), schema))
            if worker is None:
                worker = cls(connection, schema)
                cls._working[worker._place] = worker
                connection.before_close.add(cls.end_lingering)
            return worker

    @classmethod
    def end_lingering(cls, connection: Connection | None = None) -> None:
        """End the workers that nobody uses, of one connection or of all; their marks and rows are gone when this returns."""
        with cls._lock:
            all_of_them = [w for w in cls._working.values() if connection is None or w.connection is connection]
            idle = [worker for worker in all_of_them if worker._may_end(now=True)]
            ending = [w for w in cls._ending if connection is None or w.connection is connection]
        for worker in {*idle, *ending}:
            worker._stop()

    @classmethod
    def delete_ended_marks(cls, schema: str) -> None:
        """Have the marks deleted, as far as nobody is in the way, whose inserts of this process are through."""
        with cls._lock:
            workers = [w for w in cls._working.values() if w.schema == schema and w._joined()]
        for worker in workers:
            try:
                worker.ask(partial(worker._tried, worker._delete_ended))
            finally:
                worker._leave(keys=False)

    @property
    def _place(self) -> tuple[int, int, str]:
        return os.getpid(), id(self.connection), self.schema

    def __enter__(self) -> Self:
        self._enter(keys=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave(keys=True)

    @contextmanager
    def uploading(self) -> Iterator[Self]:
        """Be at work for as long as the block lasts, but not on keys."""
        self._enter(keys=False)
        try:
            yield self
        finally:
            self._leave(keys=False)

    def _enter(self, *, keys: bool) -> None:
        with self._beginning:  # whoever comes second waits until there are leases
            with self._guard:
                self._users += 1
                self._at_work += keys
                first = self._users == 1
            try:
                if first and not self._lives_on():
                    self._begin()
                elif keys and self._state != "running" and self.has_leases:
                    self.ask(self._show)
                if keys and self.obstacle is not None:
                    _warn_once(self.schema, self.obstacle)
            except BaseException:
                self._leave(keys=keys)
                raise

    def _lives_on(self) -> bool:
        """Tell whether the thread lingers, and the tables that it wrote to are still there."""
        alive = self._thread is not None and self._thread.is_alive() and not self._over
        return alive and self._registry.obstacle() is None

    def _begin(self) -> None:
        self._stop()
        # A table that is made on MySQL commits, and one that another session made may be out of a transaction's sight.
        ensure = self._registry.ensure
        self.obstacle = ensure() if self.connection.commits_alone else self._ask_alone(ensure)
        if self.obstacle is not None:
            return
        self.id, self._over, self._has_worked = str(uuid.uuid4()), False, False
        with self._lock:  # it may have ended just before it was to be used once more
            self._working.setdefault(self._place, self)
        self._requests = queue.SimpleQueue()
        ready: Future[None] = Future()
        self._thread = threading.Thread(
            target=self._live, args=(self.id, self._requests, ready), name=f"dj worker {self.id[:8]}", daemon=True
        )
        self._thread.start()
        try:
            ready.result(_READY)
        except AccessError as error:
            self._stop()
            self.obstacle = f"the user may not write to its tables: {error}"
        except BaseException:
            self._stop()
            raise

    def begin_again(self) -> bool:
        """Make the tables anew, which somebody dropped, and register once more; tell whether there are leases then."""
        with self._beginning:
            self.connection.forget_catalog(self.schema)
            self._begin()
            return self.has_leases

    def _leave(self, *, keys: bool) -> None:
        with self._lock, self._guard:
            self._users -= 1
            self._at_work -= keys
            self._until = time.monotonic() + _LINGER
            ends = self._users == 0 and (keys or self._thread is None)
            if ends:
                self._let_go()
        if ends:
            self._stop()

    def _may_end(self, *, now: bool = False) -> bool:
        """Tell whether nobody uses the worker, nor is expected to; nobody finds it any more then. Under the lock of all."""
        with self._guard:
            if self._over or self._users or (not now and time.monotonic() < self._until):
                return False
            self._let_go()
            return True

    def _let_go(self) -> None:
        self._over = True
        if self._working.get(self._place) is self:
            del self._working[self._place]
        if self._thread is not None:
            self._ending.add(self)

    def _joined(self) -> bool:
        """Take part, unless the thread is about to end."""
        with self._guard:
            there = self._thread is not None and not self._over
            self._users += there
            return there

    def _stop(self) -> None:
        thread = self._thread
        if thread is not None:
            self._requests.put(None)
            thread.join(_STOPPING)
            self._thread = None
            with self._lock:
                self._ending.discard(self)

    # --- what others tell it
    def ask_to_reconcile(self) -> None:
        """Have what this worker does not know that it has given back at once, if that is possible."""
        if self.has_leases:
            self.ask(partial(self._tried, partial(self._reconcile, self.id)))

    def marks(self, table: str) -> Registry:
        """Return the registry of what is uploaded for rows of a table."""
        if table not in self._marks:
            self._marks[table] = Registry(self.connection, self.schema, table, "upload")
        return self._marks[table]

    def ask(self, question: Callable[[], T]) -> T:
        """Have the worker's thread, whose session sees committed rows only, answer a question."""
        thread = self._thread
        if thread is None or not thread.is_alive():
            return self._ask_alone(question)
        answer: Future[T] = Future()
        self._requests.put((question, answer))
        return answer.result()

    def _ask_alone(self, question: Callable[[], T]) -> T:
        """Have a thread for that alone, with a session of its own, answer a question."""
        answer: Future[T] = Future()
        threading.Thread(target=self._answer_alone, args=(question, answer), daemon=True).start()
        return answer.result()

    def _answer_alone(self, question: Callable[[], Any], answer: Future[Any]) -> None:
        try:
            _answer(question, answer)
        finally:
            self.connection.close_thread()

    # --- its thread
    def _live(self, me: str, requests: _Requests, ready: Future[None]) -> None:
        try:
            try:
                self._register(me)
            except BaseException as error:  # noqa: BLE001 - whatever it is, the one who waits must know
                ready.set_exception(error)
                return
            ready.set_result(None)
            self._beat_until_stopped(me, requests)
            self._last_words(me)
        finally:
            self.connection.close_thread()
            with self._lock:
                self._ending.discard(self)

    def _register(self, me: str) -> None:
        connection, settings = self.connection, self.connection.settings.jobs
        coordination = connection.backend.coordination
        for statement in coordination.end_when_silent(reg.SILENT_LEASES * settings.lease_seconds):
            connection.execute(statement)
        self._session = connection.connection_id
        lock = coordination.lock(f"dj:{me}", 0)
        if lock is not None:
            connection.execute(lock)
        now = coordination.now(connection.target)
        self._registry.register({
            "worker": me, "host": platform.node(), "db_user": connection.get_user()[:255], "pid": os.getpid(),
            "process_start": process_start(os.getpid()) or "", "machine": machine(), "session_id": self._session,
            "version": _release()[:64], "protocol": reg.PROTOCOL, "started": now, "last_seen": now, "state": self._is,
        })  # fmt: skip
        self._note(self._is)
        for other in tuple(self._unsaid.get(self._place, ())):
            if self._tried(partial(self._registry.mark, other, "stopped")):
                self._unsaid[self._place].discard(other)

    @property
    def _is(self) -> State:
        return "running" if self._at_work else "uploading"

    def _show(self) -> None:
        """Write whether there is work on keys."""
        state = self._is
        if state != self._state:
            self._registry.mark(self.id, state)
            self._note(state)

    def _note(self, state: State) -> None:
        self._state = state
        self._has_worked = self._has_worked or state == "running"

    def _beat_until_stopped(self, me: str, requests: _Requests) -> None:
        beat = time.monotonic()
        while True:
            try:
                request = requests.get(timeout=min(_TICK, _LINGER, self.connection.settings.jobs.heartbeat_seconds))
            except queue.Empty:
                pass
            else:
                if request is None:
                    return
                _answer(*request)
            due = time.monotonic() - beat >= self.connection.settings.jobs.heartbeat_seconds
            if due and self._tried(partial(self._beat, me)):
                self._tried(partial(self._reconcile, me))
                beat = time.monotonic()
            self._tried(self._write)
            with self._lock:
                if self._may_end():
                    return

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
        except Exception as error:  # noqa: BLE001 - whatever it is, the thread lives on: others wait for its answers
            logger.debug("The worker %s could not write its sign of life: %s", self.id, error)
            return False
        return True

    def _beat(self, me: str) -> None:
        there = self._registry.beat(me)
        # A new session does not hold the lock, and a row that is gone was taken for that of a dead worker.
        if not there or self._session != self.connection.connection_id:
            self._register(me)

    def _write(self) -> None:
        self._tell_of_running()
        self._show()
        self._delete_ended()

    def _last_words(self, me: str) -> None:
        has_worked, connection = self._has_worked, self.connection
        # Who closes a connection is not to wait for others; what stays of uploads is worth nothing without its worker.
        say = self._insisted if has_worked else self._tried
        if me == self.id:  # else this thread was given up, and a later one has taken its place
            say(self._delete_ended)
            if has_worked:
                say(partial(self._reconcile, me))
        if not say(partial(self._sign_off, me, has_worked=has_worked)) and has_worked:
            with self._lock:
                self._unsaid.setdefault(self._place, set()).add(me)
        unlock = connection.backend.coordination.unlock(f"dj:{me}")
        if unlock is not None:
            self._tried(partial(connection.execute, unlock))

    def _insisted(self, write: Callable[[], Any]) -> bool:
        """Write, also if that has to wait for others, or for another link."""
        for _ in range(_LAST_ATTEMPTS):
            try:
                write()
            except (LockError, LostConnectionError) as error:
                logger.debug("The worker %s could not say goodbye: %s", self.id, error)
            except DataJointError as error:
                logger.debug("The worker %s says no goodbye: %s", self.id, error)
                return False
            else:
                return True
        return False

    def _sign_off(self, me: str, *, has_worked: bool) -> None:
        if has_worked:
            self._registry.mark(me, "stopped")
        else:  # nothing refers to it, and there would be one for each row of inserts
            self._registry.strike_off(me)


def _forget_parent() -> None:
    """A forked process is another worker, and its parent's threads are not there to release what they hold."""
    Worker._working, Worker._ending, Worker._unsaid, Worker._lock = {}, set(), {}, threading.Lock()
    holdings.forget()


if hasattr(os, "register_at_fork"):
    # A thread that lingers is not to be there when a process forks.
    os.register_at_fork(before=Worker.end_lingering, after_in_child=_forget_parent)
atexit.register(Worker.end_lingering)


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
