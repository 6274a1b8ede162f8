"""Make keys elsewhere: in threads or processes of an executor, addressed by what can be imported there.

Whatever has ``submit(function, *arguments)`` and returns futures will do: executors of `concurrent.futures`, and those of
clusters that look like them.
"""

from __future__ import annotations

import importlib
import os
import pickle
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from datajoint.autopopulate.interrupts import Interrupts
from datajoint.autopopulate.make import Outcome, message_of
from datajoint.autopopulate.run import Options, Report, Stop, is_stopped, make_directly
from datajoint.autopopulate.task import Key
from datajoint.autopopulate.worker import Budget, QueueWorker
from datajoint.connection import Connection
from datajoint.errors import DataJointError
from datajoint.events import KeyFailed, KeySkipped, KeySucceeded
from datajoint.settings import Config
from datajoint.sql import Sql
from datajoint.table.binding import parts_of

if TYPE_CHECKING:
    from datajoint.autopopulate.autopopulate import AutoPopulate

_AHEAD = 4
"""How many keys for each processor are handed over before the first is done."""


@dataclass(frozen=True)
class Result:
    """What became of a key, on its way to another process: everything in it can be pickled."""

    key: Key
    status: str
    error: Exception | None
    duration: float
    process: int

    @classmethod
    def of(cls, key: Key, outcome: Outcome) -> Result:
        """Return an outcome that can travel; an exception that cannot is replaced by its message."""
        return cls(key, outcome.status, portable(outcome.error), outcome.duration, os.getpid())

    @property
    def outcome(self) -> Outcome:
        """The outcome again."""
        return Outcome(self.status, self.error, self.duration)  # type: ignore[arg-type]


def portable(error: Exception | None) -> Exception | None:
    """Return an exception that arrives in another process as it is, or one that tells its message."""
    if error is None:
        return None
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - what was written a moment ago
    except Exception:  # noqa: BLE001 - whatever a user's class does when it is pickled
        return DataJointError(message_of(error))
    return error


class TableReference:
    """A table class that finds itself again where it was sent.

    In the process where it was made it is the very class; elsewhere it is imported and, if its schema is not activated
    there, bound to the same table.

    Parameters
    ----------
    table : AutoPopulate
    """

    def __init__(self, table: AutoPopulate) -> None:
        self._class: type[AutoPopulate] = type(table)

    def table(self) -> AutoPopulate:
        """Return the table, for the calling thread alone."""
        return self._class()

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        cls = self._class
        connection = cls().connection
        if "<" in cls.__qualname__:
            raise DataJointError(
                f"The class {cls.__qualname__} cannot be sent to another process: it was defined inside a function.",
                hint="Define it in a module, or use processes= where processes can be forked.",
            )
        settings = connection.settings.model_dump(exclude_unset=False)
        return _find, (cls.__module__, cls.__qualname__, cls.database, connection.target, settings)


_connections: dict[Any, Connection] = {}


def _find(module: str, path: str, schema: str, target: Any, settings: dict[str, Any]) -> TableReference:
    found: Any = importlib.import_module(module)
    for name in path.split("."):
        found = getattr(found, name, None)
    if found is None:
        raise DataJointError(
            f"There is no class {path} in {module}.", hint="Define it in a module that every process can import."
        )
    if found.database is None:
        place = (os.getpid(), repr(target), target.password)
        if place not in _connections:
            _connections[place] = Connection(target, Config(**settings))
        for cls in (found, *parts_of(found)):
            cls.database, cls._connection, cls._known_heading = schema, _connections[place], None
            if cls is not found:
                cls._master = found
    elif found.database != schema:
        raise DataJointError(
            f"{path} belongs to the schema {found.database} here, and to {schema} where it is populated.",
            hint="Let the module activate its schema under the same name everywhere.",
        )
    return TableReference(found())


# --- what is submitted
def make_elsewhere(reference: TableReference, key: Key, options: Options) -> Result:
    """Make one key directly."""
    table, results = reference.table(), []
    patient = replace(options, suppress_errors=True)
    with Interrupts() as interrupts:
        make_directly(table, [key], patient, interrupts, None, lambda k, outcome: results.append(Result.of(k, outcome)))
    return results[0]


def drain_elsewhere(
    reference: TableReference, restriction: Sql | None, options: Options, most: int | None, stop: Stop | None
) -> list[Result]:
    """Compute what a queue has, at most so many keys."""
    table, results = reference.table(), []
    with Interrupts() as interrupts:

        def report(key: Key, outcome: Outcome) -> None:
            results.append(Result.of(key, outcome))
            if outcome.error is not None and not options.suppress_errors:
                interrupts.stopping = True

        QueueWorker(table, table.jobs, restriction, options, interrupts, stop, report, Budget(most)).run()
    return results


# --- who submits
class Dispatcher:
    """Hands keys to an executor and collects what became of them.

    Parameters
    ----------
    executor : Executor
    table : AutoPopulate
    options : Options
    stop : callable or Event, optional
    report : callable
        Told of each key; may raise to end the run.
    """

    def __init__(
        self, executor: Executor, table: AutoPopulate, options: Options, stop: Stop | None, report: Report
    ) -> None:
        self._executor, self._table, self._options = executor, table, options
        self._stop, self._report = stop, report
        self._width: int = getattr(executor, "_max_workers", None) or os.cpu_count() or 1

    def make(self, keys: Sequence[Key]) -> None:
        """Make keys directly."""
        reference = TableReference(self._table)
        waiting = iter(keys)
        running: set[Future[Result]] = set()
        try:
            while True:
                while len(running) < _AHEAD * self._width and not is_stopped(self._stop):
                    key = next(waiting, None)
                    if key is None:
                        break
                    running.add(self._executor.submit(make_elsewhere, reference, key, self._options))
                if not running:
                    return
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    self._told(future.result())
        finally:
            _abandon(running)

    def drain(self, restriction: Sql | None, most: int | None) -> None:
        """Let as many workers as the executor has compute what the queue has."""
        reference = TableReference(self._table)
        left = most
        while left is None or left > 0:
            shares = _shares(left, self._width)
            running = {
                self._executor.submit(drain_elsewhere, reference, restriction, self._options, share, self._stop)
                for share in shares
            }
            taken = 0
            try:
                while running:
                    done, running = wait(running, return_when=FIRST_COMPLETED)
                    for future in done:
                        results = future.result()
                        taken += len(results)
                        for result in results:
                            self._told(result)
            finally:
                _abandon(running)
            if left is None or not taken or is_stopped(self._stop):
                return
            left -= taken

    def _told(self, result: Result) -> None:
        """Tell of a key that another process made, whose events nobody here has heard."""
        if result.process != os.getpid():
            tell(self._table, result)
        self._report(result.key, result.outcome)


def tell(table: AutoPopulate, result: Result) -> None:
    """Emit the event of a key's end."""
    events, name = table.connection.events, table.full_table_name
    if result.error is not None:
        events.emit(
            KeyFailed(table=name, key=result.key, message=message_of(result.error), traceback="", duration=result.duration)
        )  # fmt: skip
    elif result.status == "succeeded":
        events.emit(KeySucceeded(table=name, key=result.key, duration=result.duration))
    else:
        events.emit(KeySkipped(table=name, key=result.key))


def _shares(most: int | None, width: int) -> Iterator[int | None]:
    if most is None:
        return iter([None] * width)
    return iter([share for n in range(width) if (share := most // width + (n < most % width)) > 0])


def _abandon(running: set[Future[Any]]) -> None:
    for future in running:
        future.cancel()
