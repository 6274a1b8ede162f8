"""What one call of `populate` asks for, and what becomes of its keys."""

from __future__ import annotations

import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from datajoint.autopopulate.interrupts import Interrupts
from datajoint.autopopulate.live import MakeTransaction
from datajoint.autopopulate.make import Maker, Outcome, message_of
from datajoint.autopopulate.presence import still_absent
from datajoint.autopopulate.task import Key, Task
from datajoint.errors import DataJointError
from datajoint.events import KeySkipped, PopulateFinished, PopulateStarted
from datajoint.logging import logger

if TYPE_CHECKING:
    from datajoint.autopopulate.autopopulate import AutoPopulate

Order = Literal["original", "reverse", "random"]
ORDERS = ("original", "reverse", "random")
Stop = Callable[[], bool] | threading.Event
Report = Callable[[Key, Outcome], None]


@dataclass(frozen=True, slots=True)
class Options:
    """How to make keys.

    Attributes
    ----------
    suppress_errors, return_exception_objects : bool
    make_kwargs : mapping
    mode : {"auto", "long"}
        When the transaction of a plain `make` begins.
    order : {"original", "reverse", "random"}
    priority : int or None
        The least urgent jobs to take.
    max_attempts : int
        How often a job may fail before it is an error.
    time_limit : float or None
        Seconds that a key may take.
    interrupt_is_error : bool
        Whether a job that is broken off from outside is an error.
    finish_current : bool
        Whether the first signal lets the key that is being made be finished.
    """

    suppress_errors: bool = False
    return_exception_objects: bool = False
    make_kwargs: Mapping[str, Any] = field(default_factory=dict)
    mode: MakeTransaction = "auto"
    order: Order = "original"
    priority: int | None = None
    max_attempts: int = 1
    time_limit: float | None = None
    interrupt_is_error: bool = True
    finish_current: bool = False


def is_stopped(stop: Stop | None) -> bool:
    """Ask whether to stop."""
    return stop is not None and (stop.is_set() if isinstance(stop, threading.Event) else stop())


class Tally:
    """What became of the keys of a run.

    Parameters
    ----------
    options : Options
    name : str
        Full name of the table.
    """

    def __init__(self, options: Options, name: str) -> None:
        self._options, self._name = options, name
        self.counts: Counter[str] = Counter()
        self._errors: list[tuple[Key, str | Exception]] = []
        self._lock = threading.Lock()

    def add(self, key: Key, outcome: Outcome) -> None:
        """Count a key.

        Raises
        ------
        Exception
            The key's error, unless errors are suppressed.
        """
        with self._lock:
            self.counts[outcome.status] += 1
        if outcome.error is None:
            return
        if not self._options.suppress_errors:
            raise outcome.error
        message = message_of(outcome.error)
        logger.error("Error making %s -> %s - %s", key, self._name, message)
        with self._lock:
            self._errors.append((key, outcome.error if self._options.return_exception_objects else message))

    @property
    def result(self) -> dict[str, Any]:
        """What `populate` returns."""
        return {"success_count": self.counts["succeeded"], "error_list": self._errors}


@contextmanager
def announced(table: AutoPopulate, total: int, counts: Counter[str]) -> Iterator[None]:
    """Tell the beginning and the end of a run, whichever way it ends."""
    start = time.monotonic()
    table.connection.events.emit(PopulateStarted(table=table.full_table_name, total=total))
    try:
        yield
    finally:
        table.connection.events.emit(
            PopulateFinished(
                table=table.full_table_name,
                succeeded=counts["succeeded"],
                failed=counts["failed"],
                skipped=counts["skipped"],
                duration=time.monotonic() - start,
                stopped=counts.total() < total,
            )
        )


class TimedMaker:
    """Makes keys of a table, each within its time.

    Parameters
    ----------
    table : AutoPopulate
    options : Options
    interrupts : Interrupts
    """

    def __init__(self, table: AutoPopulate, options: Options, interrupts: Interrupts) -> None:
        self._maker = Maker(table, options.make_kwargs, interrupts, options.mode)
        self._interrupts, self._seconds = interrupts, options.time_limit

    def __call__(self, task: Task) -> Outcome:
        """Make a key."""
        if self._seconds is None:
            return self._maker(task)
        with self._interrupts.time_limit(self._seconds):
            return self._maker(task)


def make_directly(
    table: AutoPopulate,
    keys: Sequence[Key],
    options: Options,
    interrupts: Interrupts,
    stop: Stop | None,
    report: Report,
    asked: float | None = None,
) -> None:
    """Make keys that nobody else is told of, one after the other.

    Parameters
    ----------
    asked : float, optional
        When, by the monotonic clock, none of them had a row; now by default.

    Raises
    ------
    BaseException
        What `report` raises, and what breaks a key off.
    """

    def skip(key: Key) -> None:
        table.connection.events.emit(KeySkipped(table=table.full_table_name, key=key, reason="present"))
        report(key, Outcome("skipped"))

    make = TimedMaker(table, options, interrupts)
    for key in still_absent(table, keys, time.monotonic() if asked is None else asked, skip):
        if interrupts.stopping or is_stopped(stop):
            return
        task = Task(key)
        try:
            outcome = make(task)
        except BaseException:
            if task.committed:
                report(key, Outcome("succeeded"))
            raise
        report(key, outcome)


def refuse_nesting(table: AutoPopulate) -> None:
    """Refuse to populate inside a transaction.

    Raises
    ------
    DataJointError
    """
    if table.connection.in_transaction:
        raise DataJointError(
            "Populate cannot be called during a transaction.",
            table=str(table.name),
            hint="Leave the transaction first.",
        )


def text_of(error: BaseException) -> str:
    """Return an error with its traceback, as a job keeps it."""
    return "".join(traceback.format_exception(error))
