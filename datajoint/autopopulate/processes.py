"""``processes=n`` where processes can be forked: each child inherits the classes as they are, and is a worker of its own."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any

from datajoint.autopopulate.executors import Result, portable
from datajoint.autopopulate.interrupts import Interrupts
from datajoint.autopopulate.make import Outcome
from datajoint.autopopulate.run import Options, Report, Stop, is_stopped, make_directly
from datajoint.autopopulate.task import Key
from datajoint.autopopulate.worker import Budget, QueueWorker
from datajoint.errors import DataJointError
from datajoint.events import Event
from datajoint.logging import logger
from datajoint.sql import Sql

if TYPE_CHECKING:
    from datajoint.autopopulate.autopopulate import AutoPopulate

_LOOK = 0.2  # seconds between two questions whether to stop
_PATIENCE = 5.0  # seconds for a child to roll back and give its keys back
_MOST_DEATHS = 10


def can_fork() -> bool:
    """Tell whether a process can be forked here."""
    return "fork" in multiprocessing.get_all_start_methods()


@dataclass(slots=True)
class _Child:
    process: Any
    pipe: Pipe
    busy: bool = False


class SharedBudget(Budget):
    """How many keys may still be taken by the processes of a run."""

    def __init__(self, most: int | None) -> None:
        super().__init__(None)
        self._value = None if most is None else multiprocessing.get_context("fork").Value("q", most)

    def take(self, count: int) -> int:
        """Take up to `count` and return how many there were."""
        if self._value is None:
            return count
        with self._value.get_lock():
            taken: int = max(0, min(count, self._value.value))
            self._value.value -= taken
            return taken

    def give_back(self, count: int) -> None:
        """Return what was taken and not needed."""
        if self._value is not None:
            with self._value.get_lock():
                self._value.value += count


class Processes:
    """Forked processes that make keys of one table.

    Parameters
    ----------
    table : AutoPopulate
    count : int
    options : Options
    stop : callable or Event, optional
        Asked in this process.
    report : callable
        Told of each key, in this process; may raise to end the run.
    """

    def __init__(self, table: AutoPopulate, count: int, options: Options, stop: Stop | None, report: Report) -> None:
        self._table, self._count, self._options = table, count, options
        self._stop, self._report = stop, report
        self._children: list[_Child] = []
        self._deaths = 0

    def make(self, keys: Sequence[Key]) -> None:
        """Make keys directly, each handed to whoever is free.

        Raises
        ------
        DataJointError
            If a process ends without a word.
        """
        waiting = iter(keys)
        with self._running(None, None):
            for child in self._children:
                self._hand(child, waiting)
            while any(child.busy for child in self._children):
                for child, message in self._messages():
                    if message is None:
                        raise _vanished(child)
                    if self._heard(message):
                        child.busy = False
                        self._hand(child, waiting)

    def _hand(self, child: _Child, waiting: Iterator[Key]) -> None:
        key = None if is_stopped(self._stop) else next(waiting, None)
        if key is not None:
            child.pipe.send(key)
            child.busy = True

    def drain(self, restriction: Sql | None, budget: SharedBudget) -> None:
        """Let each process compute what the queue has, until nothing is due.

        One that dies is replaced: another takes its key over.

        Raises
        ------
        DataJointError
            If processes die again and again.
        """
        with self._running(restriction, budget):
            for child in self._children:
                child.busy = True
            while any(child.busy for child in self._children):
                if is_stopped(self._stop):
                    for child in self._children:
                        child.pipe.send("stop")
                    self._stop = None
                for child, message in self._messages():
                    if message is None:
                        self._replace(child, restriction, budget)
                    elif message == "done":
                        child.busy = False
                    else:
                        self._heard(message)

    def _replace(self, child: _Child, restriction: Sql | None, budget: SharedBudget) -> None:
        self._children.remove(child)
        self._deaths += 1
        logger.warning("%s Another process takes its place.", _vanished(child))
        if self._deaths > _MOST_DEATHS:
            raise _vanished(child)
        self._start(restriction, budget)
        self._children[-1].busy = True

    def _messages(self) -> Iterator[tuple[_Child, Any]]:
        """Yield what children say; None from one that is gone."""
        busy = [child for child in self._children if child.busy]
        ready = wait([child.pipe for child in busy], _LOOK)
        for child in busy:
            if child.pipe not in ready:
                continue
            try:
                message = child.pipe.recv()
            except (EOFError, OSError):
                message = None
            yield child, message

    def _heard(self, message: Any) -> bool:
        """Pass on an event, or what became of a key; tell whether a key has ended."""
        if isinstance(message, Event):
            self._table.connection.events.emit(message)
            return False
        if isinstance(message, BaseException):
            raise message
        self._report(message.key, message.outcome)
        return True

    # --- children
    @contextlib.contextmanager
    def _running(self, restriction: Sql | None, budget: SharedBudget | None) -> Iterator[None]:
        try:
            for _ in range(self._count):
                self._start(restriction, budget)
            yield
        except BaseException:
            self._end(signal.SIGTERM)
            raise
        self._end(None)

    def _start(self, restriction: Sql | None, budget: SharedBudget | None) -> None:
        context = multiprocessing.get_context("fork")
        ours, theirs = context.Pipe()
        others = [ours, *(child.pipe for child in self._children)]
        process = context.Process(target=_live, args=(self._table, self._options, restriction, budget, theirs, others))
        with warnings.catch_warnings():
            # Python warns of threads that are not there in the child; ours take nothing with them.
            warnings.simplefilter("ignore", DeprecationWarning)
            process.start()
        theirs.close()
        self._children.append(_Child(process, ours))

    def _end(self, number: int | None) -> None:
        """Let every child end, and wait for it."""
        for child in self._children:
            if number is not None:
                child.process.terminate()
            child.pipe.close()
        for child in self._children:
            child.process.join(_PATIENCE)
            if child.process.is_alive():
                child.process.kill()
                child.process.join()
        self._children.clear()


def _vanished(child: _Child) -> DataJointError:
    child.process.join(_PATIENCE)
    return DataJointError(
        f"The process {child.process.pid} ended without a word while it made a key (exit code {child.process.exitcode}).",
        hint="It was killed, ran out of memory, or `make` ended it.",
    )


def _live(
    table: AutoPopulate,
    options: Options,
    restriction: Sql | None,
    budget: SharedBudget | None,
    pipe: Pipe,
    others: list[Pipe],
) -> None:
    """Do the work of a child."""
    for other in others:
        other.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent says what is to be done about Ctrl-C
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    events = table.connection.events
    events.clear()
    events.subscribe(pipe.send)
    interrupts = Interrupts(terminate=True, quiet=True)
    try:
        with interrupts:
            if budget is None:
                _make_handed(table, options, interrupts, pipe)
            else:
                _drain(table, options, restriction, budget, interrupts, pipe)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        pass  # the parent has gone, or wants no more
    except BaseException as error:  # noqa: BLE001 - the parent raises it
        if interrupts.received is None:
            with contextlib.suppress(OSError):
                pipe.send(portable(error) if isinstance(error, Exception) else error)
    finally:
        table.connection.close_thread()


def _make_handed(table: AutoPopulate, options: Options, interrupts: Interrupts, pipe: Pipe) -> None:
    while True:
        key = pipe.recv()
        make_directly(table, [key], options, interrupts, None, lambda k, o: pipe.send(Result.of(k, o)))


def _drain(
    table: AutoPopulate,
    options: Options,
    restriction: Sql | None,
    budget: SharedBudget,
    interrupts: Interrupts,
    pipe: Pipe,
) -> None:
    def report(key: Key, outcome: Outcome) -> None:
        pipe.send(Result.of(key, outcome))

    QueueWorker(table, table.jobs, restriction, options, interrupts, pipe.poll, report, budget).run()
    pipe.send("done")


def cpu_count() -> int:
    """Return how many processes can run at once."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
