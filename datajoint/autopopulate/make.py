"""Compute one key: call the user's `make` so that all it writes is kept, or nothing."""

from __future__ import annotations

import inspect
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal
from weakref import WeakSet

from datajoint.autopopulate.history import history_request, prepare
from datajoint.autopopulate.interrupts import Interrupts
from datajoint.autopopulate.live import LiveMake, MakeTransaction, Rerun, Skip
from datajoint.autopopulate.lost_commit import what_became
from datajoint.autopopulate.metadata import metadata_request
from datajoint.autopopulate.parts import PARTS, Computation, Driver, three_parts
from datajoint.autopopulate.task import Key, Task
from datajoint.backends.base import Request
from datajoint.code_version import code_version
from datajoint.errors import DataJointError, DeadlockError, DuplicateError, LockError, LostConnectionError
from datajoint.events import InputsChanged, KeyFailed, KeySkipped, KeyStarted, KeySucceeded, LongTransaction
from datajoint.logging import logger
from datajoint.table.provenance import made_by

if TYPE_CHECKING:
    from datajoint.autopopulate.autopopulate import AutoPopulate

Form = Literal["simple", "three parts", "generator"]

_LOST_COMMITS = 3  # of one key, after which something else must be wrong


# --- whose `make` runs
class _Current(threading.local):
    """The table and key whose `make` runs in this thread; no other thread sees them."""

    table: AutoPopulate | None = None
    key: Key | None = None


_current = _Current()
_context: ContextVar[Key | None] = ContextVar("datajoint_make", default=None)
"""The key once more, which tasks that a `make` begins inherit, and others of its thread don't have; alone it permits nothing."""


def is_making(table: AutoPopulate) -> bool:
    """Tell whether a `make` of this table runs in this thread, or in one that this thread has joined."""
    return current_key(table) is not None


def current_key(table: AutoPopulate) -> Key | None:
    """Return the key that this thread computes for `table`, or None."""
    made = _current.table
    if made is not None:
        is_own = made.connection is table.connection and made.name == table.name
        return _current.key if is_own and _context.get() is _current.key else None
    host = table.connection.host
    if isinstance(host, LiveMake) and host.table.name == table.name:
        return host.task.key
    return None


def is_made_elsewhere(table: AutoPopulate) -> bool:
    """Tell whether another thread makes a key of this table on the same connection."""
    hosts = [transaction.host for transaction in table.connection.open_transactions]
    return any(isinstance(host, LiveMake) and host.table.name == table.name for host in hosts)


@contextmanager
def _making(table: AutoPopulate, key: Key, name: str, version: str) -> Iterator[None]:
    outer = _current.table, _current.key
    _current.table, _current.key = table, dict(key)
    token = _context.set(_current.key)
    try:
        with made_by(name, key, version):
            yield
    finally:
        _current.table, _current.key = outer
        _context.reset(token)


# --- how a class says it
def callback_of(table: AutoPopulate) -> tuple[Callable[..., Any], Form]:
    """Return what the user wrote to compute a key, and its form.

    Raises
    ------
    NotImplementedError
        If the class has neither `make` nor the three methods that may stand for it.
    """
    legacy = getattr(table, "_make_tuples", None)
    if legacy is not None:
        return legacy, "simple"
    if getattr(type(table).make, "_is_placeholder", False):
        if not all(callable(getattr(table, name, None)) for name in PARTS):
            raise NotImplementedError(
                f"{type(table).__name__} says nothing of how to compute a key. Subclasses of AutoPopulate must implement "
                "the method `make` or (`make_fetch` + `make_compute` + `make_insert`)."
            )
        return three_parts(table), "three parts"
    return table.make, "generator" if inspect.isgeneratorfunction(type(table).make) else "simple"


def transaction_mode(table: AutoPopulate, asked: str | None = None) -> MakeTransaction:
    """Return when the transaction of a plain `make` begins: as asked, else as the class says, else the settings.

    Raises
    ------
    DataJointError
        If it is neither ``auto`` nor ``long``.
    """
    mode: Any = (
        asked or getattr(type(table), "make_transaction", None) or table.connection.settings.jobs.make_transaction
    )
    if mode not in {"auto", "long"}:
        raise DataJointError(
            f"make_transaction is {mode!r}.",
            table=str(table.name),
            hint="Choose 'auto' (begin at the first write) or 'long' (begin before everything).",
        )
    chosen: MakeTransaction = mode
    return chosen


def message_of(error: BaseException) -> str:
    """Return class and text of an error, as error lists show it."""
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one key.

    Attributes
    ----------
    status : {"succeeded", "skipped", "failed"}
        Skipped: the target had the key already, or the key was no longer ours.
    error : Exception or None
        Why it failed.
    duration : float
        Seconds since the key's turn came, repetitions included.
    unverified : tuple of str
        Tables that were read in a way that could not be verified in the write transaction.
    """

    status: Literal["succeeded", "skipped", "failed"]
    error: Exception | None = None
    duration: float = 0.0
    unverified: tuple[str, ...] = ()


# Classes whose `make` lets other threads join; and those of which it was said that they hold transactions for long.
_joined: WeakSet[type] = WeakSet()
_warned: WeakSet[type] = WeakSet()


class Maker:
    """Computes keys of a table, one a call; what does not depend on the key is found out once.

    Parameters
    ----------
    table : AutoPopulate
    options : mapping
        Keyword arguments for the user's method.
    interrupts : Interrupts
        Keeps an interrupt from tearing a commit.
    mode : {"auto", "long"}, optional
        When the transaction of a plain `make` begins: at its first write, or before anything.
    keep : bool
        Whether what is made is kept; otherwise `look` is called and all is rolled back.
    look : callable, optional
        Called at the end of a `make` that is not kept, while its rows are there.

    Raises
    ------
    DataJointError
        For an unknown mode.
    """

    def __init__(
        self,
        table: AutoPopulate,
        options: Mapping[str, Any],
        interrupts: Interrupts,
        mode: str | None = None,
        *,
        keep: bool = True,
        look: Callable[[], None] | None = None,
    ) -> None:
        self._table, self._options, self._interrupts = table, options, interrupts
        self._name = table.full_table_name
        self._mode = transaction_mode(table, mode)
        self._keep, self._look = keep, look
        settings = table.connection.settings.jobs
        self._warn_seconds = settings.warn_transaction_seconds
        chosen = getattr(type(table), "keep_reads", None)
        wanted = bool(settings.keep_reads if chosen is None else chosen) and keep
        self._keep_reads = wanted and prepare(table.connection, table.name.schema)

    @cached_property
    def _callback(self) -> tuple[Callable[..., Any], Form]:
        return callback_of(self._table)

    @cached_property
    def _version(self) -> str:
        return code_version(self._table.connection.settings.jobs.version_method)

    def __call__(self, task: Task) -> Outcome:
        """Compute the key of `task`, finish it, commit, and tell everybody.

        The target is not asked beforehand whether it has the key; see `presence`.

        Raises
        ------
        NotImplementedError
            If the class does not say how to compute a key.
        BaseException
            What is no `Exception`, such as `KeyboardInterrupt`; everything written for the key is rolled back, unless
            it came while the commit was being answered.
        """
        table, key = self._table, task.key
        self._callback  # noqa: B018 - says what is missing before anything is told
        events, name = table.connection.events, self._name
        logger.jobs("Making %s -> %s", key, name)
        if events.has_subscribers:
            events.emit(KeyStarted(table=name, key=key))
        start = time.monotonic()
        try:
            with _making(table, key, name, self._version):
                unverified = self._repeatedly(task, start)
        except Skip as skip:
            return self._skipped(key, skip.reason, start)
        except Exception as error:  # noqa: BLE001 - whatever the user's code raises fails this key only
            if task.committed:  # its time ended with the commit
                return Outcome("succeeded", duration=time.monotonic() - start)
            if isinstance(error, DuplicateError) and self._has_rows(key):
                return self._skipped(key, "present", start)  # another worker was faster
            return self._failed(key, error, start)
        return self._succeeded(key, start, unverified)

    def _has_rows(self, key: Key) -> bool:
        try:
            return bool(self._table & key)
        except DataJointError:
            return False  # it cannot be told; the error of the `make` is

    def _skipped(self, key: Key, reason: str, start: float) -> Outcome:
        self._table.connection.events.emit(KeySkipped(table=self._name, key=key, reason=reason))
        return Outcome("skipped", duration=time.monotonic() - start)

    def _failed(self, key: Key, error: Exception, start: float) -> Outcome:
        name, message, duration = self._name, message_of(error), time.monotonic() - start
        logger.jobs("Error making %s -> %s - %s", key, name, message)
        text = "".join(traceback.format_exception(error))
        self._table.connection.events.emit(
            KeyFailed(table=name, key=key, message=message, traceback=text, duration=duration)
        )
        return Outcome("failed", error, duration)

    def _succeeded(self, key: Key, start: float, unverified: tuple[str, ...]) -> Outcome:
        events, name, duration = self._table.connection.events, self._name, time.monotonic() - start
        logger.jobs("Success making %s -> %s", key, name)
        if events.has_subscribers:
            events.emit(KeySucceeded(table=name, key=key, duration=duration, unverified=unverified))
        return Outcome("succeeded", duration=duration, unverified=unverified)

    # --- until it is kept, or fails
    def _repeatedly(self, task: Task, start: float) -> tuple[str, ...]:
        """Run the `make` as often as it takes; return the tables that were read without being verified."""
        mode, may_wait, lost = self._mode, True, 0
        while True:
            began = time.monotonic()
            run = self._new_run(task, mode)
            try:
                self._run(run, task, start)
            except Rerun as fault:
                logger.debug("%s -> %s is made again: %s", task.key, self._name, fault)
                lost += fault.lost_commit
                if fault.inputs:
                    self._tell_change(task.key, fault.inputs)
                # One that takes long runs once more without locking others out.
                may_wait, again = (
                    False,
                    may_wait and bool(fault.inputs) and time.monotonic() - began > self._warn_seconds,
                )
                if not (fault.threaded or fault.lost_commit or again):
                    mode = "long"
                if lost == _LOST_COMMITS:
                    raise LostConnectionError(
                        f"The connection was lost {lost} times while {task.key} was committed; nothing was kept.",
                        hint="See what is the matter with the network, and populate again.",
                    ) from fault
            except BaseException as error:
                if run.hosted.committed:  # an interrupt that waited for the answer
                    task.committed = True
                    error.add_note(f"{task.key} -> {self._name} was committed before.")
                    self._succeeded(task.key, start, run.unverified_tables())
                raise
            else:
                return run.unverified_tables()
            finally:
                self._warn_if_long(run, task.key)
                if run.threaded:
                    _joined.add(type(self._table))

    def _new_run(self, task: Task, mode: MakeTransaction) -> LiveMake:
        threaded = type(self._table) in _joined
        _, form = self._callback
        if form != "simple":
            mode = "long"
        return LiveMake(self._table, task, mode, name=self._name, threaded=threaded, keep_reads=self._keep_reads)

    def _run(self, run: LiveMake, task: Task, start: float) -> None:
        callback, form = self._callback
        if form == "simple":
            with run.hosted:
                self._run_simple(run, task, callback)
                self._finish(run, task, start)
        else:
            self._run_in_parts(run, task, callback, start)

    def _run_simple(self, run: LiveMake, task: Task, make: Callable[..., Any]) -> None:
        try:
            if run.mode == "long":
                run.begin_long()
            make(dict(task.key), **self._options)
            run.check()
            run.hosted.transaction.wait_for_guests()
            run.check()
        except SystemExit as error:
            if run.fault is not None and error.__cause__ is run.fault:  # a helper's result
                raise run.fault from error
            raise
        except Exception as error:
            if run.fault is not None:
                raise run.fault from error
            if run.live_since is None and not run.was_ended and (changed := _changed(run)):
                raise Rerun("its inputs changed", inputs=changed) from error
            raise

    def _run_in_parts(self, run: LiveMake, task: Task, driver: Driver, start: float) -> None:
        if self._table & task.key:
            raise Skip("present")
        computation = Computation(self._table, driver, task.key, self._options)
        computation.fetch_and_compute()
        with run.hosted:
            run.begin_long()
            computation.fetch_and_insert()
            run.hosted.transaction.wait_for_guests()
            self._finish(run, task, start)

    # --- the end of it
    def _finish(self, run: LiveMake, task: Task, start: float) -> None:
        """Record how it was made, finish the task and commit: all or nothing."""
        if not self._keep:
            if self._look is not None:
                self._look()
            return
        if run.was_ended:
            # The user's own commit kept the rows; what belongs to them follows in a transaction of its own.
            with self._table.connection.transaction:
                for request in self._records(run, task, start):
                    self._table.connection.execute_text(request.text, request.values)
                if not task.finish(time.monotonic() - start):
                    raise Skip("taken")
            return
        if not run.hosted.begun:
            run.hosted.forget()
            if not task.finish(time.monotonic() - start):
                raise Skip("taken")
            return
        records = self._records(run, task, start)
        if type(task) is not Task:  # somebody else must agree, as the last thing before the commit
            for request in records:
                run.run(request.text, lambda s, r=request: s.backend.answer(s.raw, r), repeatable=False)  # type: ignore[misc]
            records = []
        closing = task.closing(time.monotonic() - start) if self._table.connection.dialect.pipelines else None
        try:
            with self._interrupts.deferred():
                if closing is not None and run.hosted.commit_after(closing):
                    return
            if not task.finish(time.monotonic() - start):
                raise Skip("taken")
            with self._interrupts.deferred():
                run.hosted.commit(records)
        except LockError as error:
            if run.mode == "auto" and run.is_conflict(error):
                raise Rerun(f"a conflict with another transaction: {error}") from error
            if closing is not None and isinstance(error, DeadlockError):
                raise Skip("taken") from error  # with a stricter isolation: somebody else has changed the job
            raise
        except LostConnectionError as error:
            if not run.hosted.commit_was_sent:
                raise
            self._after_lost_commit(run, task, error)

    def _records(self, run: LiveMake, task: Task, start: float) -> list[Request]:
        duration = time.monotonic() - start
        version = lambda: self._version  # noqa: E731 - asked only where it is recorded
        found = [metadata_request(self._table, task.key, duration, version)]
        if self._keep_reads:
            found.append(history_request(self._table, task.key, duration, self._version, run))
        return [request for request in found if request is not None]

    def _after_lost_commit(self, run: LiveMake, task: Task, error: LostConnectionError) -> None:
        """Find out whether it was kept; never guess, never repeat what may be there."""
        became = what_became(self._table, task, run.hosted.number, wrote_target=run.wrote_target)
        if became == "kept":
            run.hosted.committed = True
            return
        if became == "not kept":
            if type(task) is not Task:
                raise Rerun("the connection was lost before it was committed", lost_commit=True) from error
            raise LostConnectionError(
                "The connection was lost while the rows of a key were committed: they were not kept.",
                table=str(self._table.name),
                hint="Populate again.",
            ) from error
        raise LostConnectionError(
            "The connection was lost while the rows of a key were committed: they may have been committed.",
            table=str(self._table.name),
            hint="Look which, before you populate again.",
        ) from error

    # --- what others should know
    def _tell_change(self, key: Key, inputs: tuple[str, ...]) -> None:
        name = self._name
        self._table.connection.events.emit(InputsChanged(table=name, key=key, inputs=inputs))

    def _warn_if_long(self, run: LiveMake, key: Key) -> None:
        duration = 0.0 if run.live_since is None else time.monotonic() - run.live_since
        if duration <= self._warn_seconds or self._callback[1] != "simple":
            return
        name, place = self._name, run.first_write
        file, line = (place.file, place.line) if place else (_source(self._callback[0]))
        self._table.connection.events.emit(
            LongTransaction(table=name, key=key, duration=duration, file=file, line=line)
        )
        if type(self._table) not in _warned:
            _warned.add(type(self._table))
            logger.warning(
                "A `make` of %s kept its transaction open for %.0f s, in which others had to wait: from its first write, "
                "%s, line %d. Write at its end, or split it into make_fetch, make_compute and make_insert.",
                name, duration, file, line,
            )  # fmt: skip


def make_key(
    table: AutoPopulate, task: Task, options: Mapping[str, Any], interrupts: Interrupts, mode: str | None = None
) -> Outcome:
    """Compute one key; see `Maker`, which is made for many."""
    return Maker(table, options, interrupts, mode)(task)


def _changed(run: LiveMake) -> tuple[str, ...]:
    try:
        return run.changed_inputs()
    except DataJointError:
        return ()  # it cannot be told; the error of the `make` is


def _source(callback: Callable[..., Any]) -> tuple[str, int]:
    """Return where the user's method is written."""
    code = getattr(callback, "__code__", None)
    return (code.co_filename, code.co_firstlineno) if code is not None else ("", 0)
