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
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from importlib.metadata import PackageNotFoundError, version
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self, TypeVar

from datajoint.errors import AccessError, DataJointError, LockError, LostConnectionError, TimeLimitError
from datajoint.jobs import registry as reg
from datajoint.jobs.machine import machine, process_start
from datajoint.jobs.registry import Lease, Registry, State, column
from datajoint.jobs.together import together
from datajoint.sql.fragment import Parameter, Sql

if TYPE_CHECKING:
    from datajoint.connection import Connection

logger = logging.getLogger("datajoint")

T = TypeVar("T")
_Requests = queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None]

_TICK = 1.0  # seconds between two writes about keys
_PATIENCE = 0.25  # seconds to wait for the lock of the only writer, where there is one
_READY, _STOPPING = 60.0, 10.0
_LINGER = 5.0  # seconds that a worker waits for the next upload
_MANY = 200
_LAST_ATTEMPTS = 3


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
        self.connection, self.schema = connection, schema
        self.id = str(uuid.uuid4())
        self.obstacle: str | None = None
        self._users = self._at_work = 0
        self._over, self._until = False, 0.0
        self._state: State = "uploading"
        self._has_worked = False
        self._registry = Registry(connection, schema, "")
        self._marks: dict[str, Registry] = {}
        self._requests: _Requests = queue.SimpleQueue()
        self._running: dict[int, _Running] = {}
        self._held: set[tuple[str, str]] = set()
        self._accounts: dict[str, tuple[Registry, Callable[[list[Lease]], None]]] = {}
        self._ended: list[_Ended] = []
        self._guard, self._beginning = threading.Lock(), threading.Lock()
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

    @property
    def has_leases(self) -> bool:
        """Whether keys are leased."""
        return self.obstacle is None

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
        with self._guard:
            self._held.discard((registry.table, item))
            if self.has_leases:
                self._ended.append(_Ended(registry, item, subject, undo))

    def accounts_for(self, registry: Registry, give_back: Callable[[list[Lease]], None]) -> None:
        """Have those jobs of a table given back that are this worker's by their leases, and that it does not know of.

        It does not know of them where the answer to a claim was lost, or what became of them could not be written.
        """
        self._accounts[registry.table] = registry, give_back

    def ask_to_reconcile(self) -> None:
        """Have what this worker does not know that it has given back at once, if that is possible."""
        if self.has_leases:
            self.ask(partial(self._tried, partial(self._reconcile, self.id)))

    def marks(self, table: str) -> Registry:
        """Return the registry of what is uploaded for rows of a table."""
        if table not in self._marks:
            self._marks[table] = Registry(self.connection, self.schema, table, "upload")
        return self._marks[table]

    def ends_marks(self, registry: Registry, items: Iterable[str]) -> None:
        """Have marks deleted soon."""
        with self._guard:
            self._ended.extend(_Ended(registry, item, None, _nothing) for item in items)

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

    def _reconcile(self, me: str) -> None:
        """Compare what the database says that this worker has with what it knows of, and give the difference back."""
        for registry, give_back in tuple(self._accounts.values()):
            mine = registry.leases_of(Sql(column("worker"), " = ", Parameter(me)))
            with self._guard:
                known = self._held.union((ended.registry.table, ended.item) for ended in self._ended)
            # What is settled in this moment has another token than the lease says, or none.
            unknown = [lease for lease in mine if (registry.table, lease.item) not in known]
            if unknown:
                give_back(unknown)

    def _write(self) -> None:
        with self._guard:
            running = list(self._running.values())
        for key in running:
            if time.monotonic() - key.since > _TICK and (not key.told or key.news):
                key.news = False
                self._tell(key)
                key.told = True
        self._show()
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
                mine = [e for e in ended if e.registry.leased == registry.leased][:_MANY]
                if undo is _nothing:
                    registry.delete(self.id, [e.item for e in mine])
                else:
                    together(self.connection, partial(_end_together, self.id, mine), attempts=1)
                done = set(map(id, mine))
                ended = [e for e in ended if id(e) not in done]
        finally:
            if ended:
                with self._guard:
                    self._ended = [*ended, *self._ended]

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


class _Here(threading.local):
    worker: Worker | None = None


_here = _Here()


def report(fraction: float, text: str) -> None:
    """Note how far the key is that the calling thread makes, if it is one of a queue."""
    if _here.worker is not None:
        _here.worker.reports(fraction, text)


def _forget_parent() -> None:
    """A forked process is another worker, and its parent's threads are not there to release what they hold."""
    Worker._working, Worker._ending, Worker._unsaid, Worker._lock = {}, set(), {}, threading.Lock()
    _here.worker = None


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


def _end_together(worker: str, ended: list[_Ended]) -> None:
    """Delete leases, and undo what others did meanwhile: who dies in between would leave a job that nobody has."""
    ended[0].registry.delete(worker, [one.item for one in ended])
    ended[0].undo([one.subject for one in ended])


def _nothing(_: list[Any]) -> None:
    """Undo nothing: nobody else has a mark."""


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
