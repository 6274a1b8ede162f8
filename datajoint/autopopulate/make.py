"""Compute one key: call the user's `make` so that all it writes is kept, or nothing."""

from __future__ import annotations

import inspect
import threading
import time
import traceback
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from datajoint.autopopulate.digest import content_digest
from datajoint.autopopulate.interrupts import Interrupts
from datajoint.autopopulate.task import Key, Task
from datajoint.errors import DataJointError, DuplicateError, LostConnectionError
from datajoint.events import KeyFailed, KeySkipped, KeyStarted, KeySucceeded
from datajoint.logging import logger

if TYPE_CHECKING:
    from datajoint.autopopulate.autopopulate import AutoPopulate
    from datajoint.connection import Connection

MakeTransaction = Literal["auto", "long"]
Form = Literal["simple", "three parts", "generator"]

_PARTS = ("make_fetch", "make_compute", "make_insert")


class _Current(threading.local):
    """The table and key whose `make` runs in this thread; no other thread sees them."""

    table: AutoPopulate | None = None
    key: Key | None = None


_current = _Current()


def is_making(table: AutoPopulate) -> bool:
    """Tell whether a `make` of this table runs in this thread."""
    made = _current.table
    return made is not None and made.connection is table.connection and made.name == table.name


def current_key(table: AutoPopulate) -> Key | None:
    """Return the key that this thread computes for `table`, or None."""
    return _current.key if is_making(table) else None


@contextmanager
def _making(table: AutoPopulate, key: Key) -> Iterator[None]:
    outer = _current.table, _current.key
    _current.table, _current.key = table, dict(key)
    try:
        yield
    finally:
        _current.table, _current.key = outer


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


class _Present(Exception):  # noqa: N818 - not an error: it ends the block of a key that is there already
    """The key has a row."""


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
        if not all(callable(getattr(table, name, None)) for name in _PARTS):
            raise NotImplementedError(
                f"{type(table).__name__} says nothing of how to compute a key. Subclasses of AutoPopulate must implement "
                "the method `make` or (`make_fetch` + `make_compute` + `make_insert`)."
            )
        return table.make, "three parts"
    return table.make, "generator" if inspect.isgeneratorfunction(type(table).make) else "simple"


def make_key(
    table: AutoPopulate, task: Task, options: Mapping[str, Any], interrupts: Interrupts, mode: MakeTransaction = "auto"
) -> Outcome:
    """Compute the key of `task`, finish it, commit, and tell everybody.

    Parameters
    ----------
    task : Task
        The key, and who else must agree that it is ours.
    options : mapping
        Keyword arguments for the user's method.
    interrupts : Interrupts
        Keeps an interrupt from tearing a commit.
    mode : {"auto", "long"}
        When the transaction of a plain `make` begins: at its first write, or before anything.

    Raises
    ------
    NotImplementedError
        If the class does not say how to compute a key.
    BaseException
        What is no `Exception`, such as `KeyboardInterrupt`; everything written for the key is rolled back.
    """
    key = task.key
    callback, form = callback_of(table)
    events, name = table.connection.events, table.full_table_name
    logger.jobs("Making %s -> %s", key, name)
    events.emit(KeyStarted(table=name, key=key))
    start = time.monotonic()
    try:
        with _making(table, key):
            if form == "simple":
                _run_simple(table, task, callback, options, interrupts)
            else:
                _run_in_parts(table, task, _driver(table, callback, form), options, interrupts)
    except _Present:
        events.emit(KeySkipped(table=name, key=key))
        return Outcome("skipped", duration=time.monotonic() - start)
    except Exception as error:  # noqa: BLE001 - whatever the user's code raises fails this key only
        if isinstance(error, DuplicateError) and _has_row(table, key):
            events.emit(KeySkipped(table=name, key=key))  # another worker was faster
            return Outcome("skipped", duration=time.monotonic() - start)
        message = message_of(error)
        logger.jobs("Error making %s -> %s - %s", key, name, message)
        duration = time.monotonic() - start
        text = "".join(traceback.format_exception(error))
        events.emit(KeyFailed(table=name, key=key, message=message, traceback=text, duration=duration))
        return Outcome("failed", error, duration)
    logger.jobs("Success making %s -> %s", key, name)
    duration = time.monotonic() - start
    events.emit(KeySucceeded(table=name, key=key, duration=duration))
    return Outcome("succeeded", duration=duration)


def message_of(error: BaseException) -> str:
    """Return class and text of an error, as error lists show it."""
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


# --- one transaction for all
def _run_simple(
    table: AutoPopulate, task: Task, make: Callable[..., Any], options: Mapping[str, Any], interrupts: Interrupts
) -> None:
    start = time.monotonic()
    with _transaction(table.connection, interrupts):
        _leave_if_present(table, task.key)
        make(dict(task.key), **options)
        _finish(task, start)


@contextmanager
def _transaction(connection: Connection, interrupts: Interrupts) -> Iterator[None]:
    """Commit at the end, roll back on anything else. The user's code may have ended the transaction itself."""
    connection.start_transaction()
    try:
        yield
    except BaseException:
        try:
            connection.cancel_transaction()
        except LostConnectionError:
            logger.debug("The connection was lost before the rollback; the server rolls back by itself.")
        raise
    if not connection.in_transaction:
        logger.warning(
            "A `make` ended the transaction that it ran in; what it wrote afterwards was committed piece by piece."
        )
        return
    with interrupts.deferred():
        connection.commit_transaction()


def _finish(task: Task, start: float) -> None:
    if not task.finish(time.monotonic() - start):
        raise _Present


def _leave_if_present(table: AutoPopulate, key: Key) -> None:
    if _has_row(table, key):
        raise _Present


def _has_row(table: AutoPopulate, key: Key) -> bool:
    return bool(table & key)


# --- fetch, compute, insert: only the insert holds a transaction
Parts = Generator[Any, Any, None]


def _driver(table: AutoPopulate, make: Callable[..., Any], form: Form) -> Callable[..., Parts]:
    """Return a generator function that fetches, computes and inserts, between its three yields."""
    return _three_parts(table) if form == "three parts" else make


def _three_parts(table: AutoPopulate) -> Callable[..., Parts]:
    fetch, compute, insert = (getattr(table, name) for name in _PARTS)

    def drive(key: Key, **options: Any) -> Parts:
        fetched = fetch(dict(key), **options)
        computed = yield fetched
        if computed is None:
            yield compute(dict(key), *fetched)
            return
        insert(dict(key), *computed)
        yield

    return drive


def _run_in_parts(
    table: AutoPopulate, task: Task, driver: Callable[..., Parts], options: Mapping[str, Any], interrupts: Interrupts
) -> None:
    key, start = task.key, time.monotonic()
    _leave_if_present(table, key)
    digest, computed = _fetch_and_compute(table, driver(dict(key), **options))
    with _transaction(table.connection, interrupts):
        _leave_if_present(table, key)
        _fetch_and_insert(table, driver(dict(key), **options), digest, computed)
        _finish(task, start)


def _fetch_and_compute(table: AutoPopulate, parts: Parts) -> tuple[bytes, Any]:
    try:
        digest = content_digest(next(parts))
        computed = next(parts)
    except StopIteration:
        raise _wrong_form(table, "it ended before its second `yield`") from None
    finally:
        parts.close()
    if computed is None:
        raise _wrong_form(table, "its second `yield` gave None")
    return digest, computed


def _fetch_and_insert(table: AutoPopulate, parts: Parts, digest: bytes, computed: Any) -> None:
    try:
        if content_digest(next(parts)) != digest:
            raise DataJointError(
                "Referential integrity failed! The `make_fetch` data has changed",
                table=str(table.name),
                hint="while the result was being computed. Populate again.",
            )
        try:
            last = parts.send(computed)
        except StopIteration:
            return  # it inserted and had nothing more to say
        if last is not None:
            raise _wrong_form(table, "it did not take the result sent to its first `yield`, so it inserted nothing")
    finally:
        parts.close()


def _wrong_form(table: AutoPopulate, said: str) -> DataJointError:
    return DataJointError(
        f"The `make` of {table.name} is a generator, but {said}.",
        table=str(table.name),
        hint="It must do: `computed = yield fetched`; if that is None, compute and `yield computed`; then insert and `yield`.",
    )
