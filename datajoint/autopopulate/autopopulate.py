"""What `Imported` and `Computed` tables can do: fill themselves."""

from __future__ import annotations

import inspect
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from datajoint.autopopulate.executors import Dispatcher
from datajoint.autopopulate.interrupts import Interrupts
from datajoint.autopopulate.key_source import default_key_source, keys_to_compute, without_rows
from datajoint.autopopulate.make import current_key, is_made_elsewhere, is_making, transaction_mode
from datajoint.autopopulate.one_key import OneKey
from datajoint.autopopulate.processes import Processes, SharedBudget, can_fork, cpu_count
from datajoint.autopopulate.run import ORDERS, Options, Order, Stop, Tally, announced, make_directly, refuse_nesting
from datajoint.autopopulate.task import Key
from datajoint.autopopulate.upstream import current_trace
from datajoint.autopopulate.worker import Budget, QueueWorker
from datajoint.errors import DataJointError
from datajoint.events import Event, KeyFailed, KeyProgress, KeySkipped, KeySucceeded, PopulateStarted
from datajoint.jobs import Job
from datajoint.jobs.holdings import report
from datajoint.jobs.refreshing import keys_of
from datajoint.logging import logger
from datajoint.sql import Sql
from datajoint.table.table import Table

if TYPE_CHECKING:
    from datajoint.expression import QueryExpression
    from datajoint.table.trace import Trace


class AutoPopulate(OneKey, Table):
    """A table whose rows are made by its own `make`, one call for each key of its `key_source`.

    A user's class defines `make(self, key)`, which computes and inserts what belongs to `key`; or, for computations so
    long that no transaction should be open meanwhile, the three methods ``make_fetch(self, key)``,
    ``make_compute(self, key, *fetched)`` and ``make_insert(self, key, *computed)``. The results of the first two are
    tuples; before the insert, `make_fetch` is called again and must return the same.

    A plain `make` is "in a transaction" from its first line: what it writes is kept together or not at all. The database
    is told so only at its first write, so that nobody waits while it computes. What it read from tables that this one
    depends on is then read once more; if it changed, the `make` runs again, and its effects outside of the database are
    repeated. Helper threads take part by ``with self.connection.attach():``.
    """

    _key_source: QueryExpression | None = None

    @property
    def _allow_insert(self) -> bool:  # type: ignore[override]  # decided at the moment of asking
        return is_making(self)

    @property
    def _insert_hint(self) -> str:
        if is_made_elsewhere(self):
            return "If this thread works for a make, let it join: `with self.connection.attach():`."
        return super()._insert_hint

    @property
    def key_source(self) -> QueryExpression:
        """The keys to compute: by default the join of all tables that the primary key refers to.

        A class may override it by a property, a table class or a query expression.

        Raises
        ------
        DataJointError
            If the primary key refers to no table.
        """
        if self._key_source is None:
            self._key_source = default_key_source(self)
        return self._key_source

    @property
    def _has_default_key_source(self) -> bool:
        return inspect.getattr_static(type(self), "key_source") is AutoPopulate.__dict__["key_source"]

    def make(self, key: Key, **options: Any) -> Any:
        """Compute and insert what belongs to `key`; to be defined by the user's class.

        Raises
        ------
        NotImplementedError
        """
        raise NotImplementedError(f"{type(self).__name__} does not define `make`.")

    make._is_placeholder = True  # type: ignore[attr-defined]

    @property
    def upstream(self) -> Trace:
        """The rows that the key comes from, inside `make`: ``self.upstream[Session].fetch1()``.

        The row that is being made counts as if it were there. Ancestors are found by the foreign keys in its primary
        key, with renames, and from there on by all foreign keys. It is the same object while one key is computed;
        every question asks the database anew.

        Raises
        ------
        DataJointError
            Outside of `make`.
        """
        return current_trace(self)

    def report(self, fraction: float, text: str = "") -> None:
        """Tell, from inside `make`, how far the computation of the key is.

        Outside of `populate` nobody listens, and nothing happens.

        Parameters
        ----------
        fraction : float
            From 0 to 1.
        text : str
            What is being done.
        """
        key = current_key(self)
        if key is not None:
            self.connection.events.emit(KeyProgress(table=self.full_table_name, key=key, fraction=fraction, text=text))
            report(fraction, text)

    @property
    def jobs(self) -> Job:
        """The queue of the table, for `populate` with ``reserve_jobs=True``; its table is created at first.

        Raises
        ------
        DataJointError
            If the table's key comes from no foreign key, or the queue would have to be created inside a transaction.
        """
        jobs = Job(self)
        jobs._queue  # noqa: B018 - creates the table
        return jobs

    def _keys_to_compute(self, restrictions: tuple[Any, ...]) -> QueryExpression:
        return keys_to_compute(self, restrictions)

    def populate(
        self,
        *restrictions: Any,
        suppress_errors: bool = False,
        return_exception_objects: bool = False,
        reserve_jobs: bool = False,
        max_calls: int | None = None,
        display_progress: bool = False,
        processes: int | None = 1,
        make_kwargs: Mapping[str, Any] | None = None,
        priority: int | None = None,
        refresh: bool | None = None,
        make_transaction: str | None = None,
        max_attempts: int | None = None,
        order: Order = "original",
        executor: Any = None,
        stop: Stop | None = None,
        time_limit: float | None = None,
        finish_current: bool = False,
    ) -> dict[str, Any]:
        """Call `make` for every key of the key source that has no row yet.

        What one call writes is committed together, or not at all if it raises.

        Parameters
        ----------
        *restrictions : object
            Conditions on the key source; all must be met.
        suppress_errors : bool
            Whether to go on after a key whose `make` raised.
        return_exception_objects : bool
            Whether the list of errors holds exceptions instead of their text.
        reserve_jobs : bool
            Whether to take the keys from the table's queue, which any number of workers share; see `jobs`.
        max_calls : int, optional
            Take at most this many keys.
        display_progress : bool
            Whether to show a progress bar.
        processes : int, optional
            How many processes work; as many as there are processors if None or 0. There are never more than keys or
            processors.
        make_kwargs : mapping, optional
            Keyword arguments for every call of `make` (or `make_fetch`).
        priority : int, optional
            Of a queue: take jobs that are at least so urgent, lower is more urgent; also the priority of new jobs.
        refresh : bool, optional
            Of a queue: whether to bring it up to date first; the setting ``jobs.auto_refresh`` by default.
        make_transaction : {"auto", "long"}, optional
            When the transaction of a plain `make` begins: at its first write, when all that it read is verified, or before
            anything; by default as the class attribute of this name says, else the setting ``jobs.make_transaction``.
        max_attempts : int, optional
            Of a queue: how often a key may fail before it stays an error; the setting ``jobs.max_attempts`` by default.
        order : {"original", "reverse", "random"}
            In which order to take the keys; of a queue, among those that are claimed together.
        executor : concurrent.futures.Executor, optional
            Who makes the keys, in threads or processes of its own.
        stop : callable or threading.Event, optional
            Asked before each key: once it says true, or is set, no further key is taken.
        time_limit : float, optional
            Seconds after which a key is broken off; it counts as failed.
        finish_current : bool
            Whether a first Ctrl-C or SIGTERM lets the key be finished that is being made.

        Returns
        -------
        dict
            ``success_count``: how many calls succeeded. ``error_list``: pairs of a key and its error.

        Raises
        ------
        DataJointError
            Inside a transaction, on a restricted table, or for an unusable key source or option.
        NotImplementedError
            If the class does not say how to compute a key.
        Exception
            Whatever `make` raises, unless errors are suppressed.
        """
        refuse_nesting(self)
        _check_order(order)
        settings = self.connection.settings.jobs
        as_error = settings.interrupt_is_error
        is_bare = executor is None and processes == 1 and not finish_current
        options = Options(
            suppress_errors=suppress_errors,
            return_exception_objects=return_exception_objects,
            make_kwargs=dict(make_kwargs or {}),
            mode=transaction_mode(self, make_transaction),
            order=order,
            priority=priority,
            max_attempts=settings.max_attempts if max_attempts is None else max_attempts,
            time_limit=time_limit,
            interrupt_is_error=is_bare if as_error is None else as_error,
            finish_current=finish_current,
        )
        run = _Run(self, options, executor, processes, stop)
        if not reserve_jobs:
            asked = time.monotonic()
            keys = self._pending_keys(restrictions, max_calls, order)
            with self._progress_bar(display_progress, run.workers(len(keys))):
                return run.directly(keys, asked)
        keys_to_compute(self, restrictions)  # refuses what cannot be populated
        jobs = self.jobs
        if settings.auto_refresh if refresh is None else refresh:
            jobs.refresh(*restrictions, priority=priority, delay=-1)
        chosen = keys_of(jobs._queue, keys_to_compute(self, restrictions)) if restrictions else None
        restriction = None if chosen is None else jobs._queue.has_row_in(Sql("(", chosen, ")"), "dj_k")
        with self._progress_bar(display_progress, run.workers(2)):
            return run.from_queue(jobs, restriction, max_calls)

    def _pending_keys(self, restrictions: tuple[Any, ...], max_calls: int | None, order: Order) -> Sequence[Key]:
        keys = without_rows(keys_to_compute(self, restrictions), self).keys()
        if order == "reverse":
            keys.reverse()
        elif order == "random":
            random.shuffle(keys)
        return keys if max_calls is None else keys[: max(max_calls, 0)]

    def progress(self, *restrictions: Any, display: bool = False) -> tuple[int, int]:
        """Count the keys that are left, and all keys.

        Parameters
        ----------
        *restrictions : object
            Conditions on the key source, as of `populate`.
        display : bool
            Whether to log the numbers.

        Returns
        -------
        tuple of (int, int)
            Keys without a row, and keys in all.

        Raises
        ------
        DataJointError
            On a restricted table, or for an unusable key source.
        """
        keys = keys_to_compute(self, restrictions)
        total = len(keys)
        remaining = len(without_rows(keys, self)) if total else 0
        if display:
            share = 100 * (1 - remaining / total) if total else 100.0
            now = time.strftime("%Y-%m-%d %H:%M:%S")
            logger.info(
                "%-20s Completed %d of %d (%2.1f%%)   %s", self.class_name, total - remaining, total, share, now
            )
        return remaining, total

    @contextmanager
    def _progress_bar(self, shown: bool, processes: int) -> Iterator[None]:
        """Show a bar that listens to the events of this table."""
        if not shown:
            yield
            return
        from tqdm.auto import tqdm  # noqa: PLC0415 - loaded when a bar is asked for

        with tqdm(desc=self.class_name if processes == 1 else "Processes: ") as bar:

            def follow(event: Event) -> None:
                if event.table != self.full_table_name:
                    return
                if isinstance(event, PopulateStarted):
                    bar.reset(total=event.total)
                elif isinstance(event, KeySucceeded | KeySkipped | KeyFailed):
                    bar.update()

            with self.connection.events.subscribe(follow):
                yield


class _Run:
    """One call of `populate`: where the keys are made."""

    def __init__(
        self, table: AutoPopulate, options: Options, executor: Any, processes: int | None, stop: Stop | None
    ) -> None:
        self._table, self._options, self._executor = table, options, executor
        self._processes, self._stop = processes or cpu_count(), stop
        self._tally = Tally(options, table.full_table_name)

    def workers(self, keys: int) -> int:
        """Return how many processes of ours work on so many keys."""
        return 1 if self._executor is not None else max(1, min(self._processes, keys, cpu_count()))

    def _elsewhere(self, count: int) -> AbstractContextManager[Any]:
        """Return an executor: the one given, or one of our own where processes cannot be forked."""
        if self._executor is not None:
            return nullcontext(self._executor)
        return ProcessPoolExecutor(count)

    def directly(self, keys: Sequence[Key], asked: float) -> dict[str, Any]:
        """Make keys that nobody else is told of, none of which had a row at the moment `asked`."""
        table, options, tally = self._table, self._options, self._tally
        count = self.workers(len(keys))
        with announced(table, len(keys), tally.counts):
            if self._executor is None and count == 1:
                with Interrupts(finish_current=options.finish_current) as interrupts:
                    make_directly(table, keys, options, interrupts, self._stop, tally.add, asked)
            elif self._executor is None and can_fork():
                Processes(table, count, options, self._stop, tally.add).make(keys)
            else:
                with self._elsewhere(count) as executor:
                    Dispatcher(executor, table, options, self._stop, tally.add).make(keys)
        return tally.result

    def from_queue(self, jobs: Job, restriction: Sql | None, max_calls: int | None) -> dict[str, Any]:
        """Compute what a queue has."""
        table, options, tally = self._table, self._options, self._tally
        most = None if max_calls is None else max(max_calls, 0)
        total, alone = 0, self._executor is None and self._processes == 1
        if not alone or table.connection.events.has_subscribers:  # who else would want to know
            due = jobs._queue.count_due(options.priority, restriction)
            total = due if most is None else min(due, most)
        count = self.workers(max(total, 1))
        with announced(table, total, tally.counts):
            if self._executor is None and count == 1:
                with Interrupts(terminate=True, finish_current=options.finish_current) as interrupts:
                    QueueWorker(
                        table, jobs, restriction, options, interrupts, self._stop, tally.add, Budget(most)
                    ).run()  # fmt: skip
            elif self._executor is None and can_fork():
                Processes(table, count, options, self._stop, tally.add).drain(restriction, SharedBudget(most))
            else:
                with self._elsewhere(count) as executor:
                    Dispatcher(executor, table, options, self._stop, tally.add).drain(restriction, most)
        return tally.result


def _check_order(order: str) -> None:
    if order not in ORDERS:
        raise DataJointError(f"The order {order!r} is unknown.", hint="Choose 'original', 'reverse' or 'random'.")
