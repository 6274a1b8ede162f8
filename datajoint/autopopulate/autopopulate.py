"""What `Imported` and `Computed` tables can do: fill themselves."""

from __future__ import annotations

import inspect
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from datajoint.autopopulate.interrupts import Interrupts
from datajoint.autopopulate.key_source import default_key_source, keys_to_compute, without_rows
from datajoint.autopopulate.make import Maker, current_key, is_made_elsewhere, is_making, message_of
from datajoint.autopopulate.one_key import OneKey
from datajoint.autopopulate.presence import still_absent
from datajoint.autopopulate.task import Key, Task
from datajoint.errors import DataJointError
from datajoint.events import (
    Event,
    KeyFailed,
    KeyProgress,
    KeySkipped,
    KeySucceeded,
    PopulateFinished,
    PopulateStarted,
)
from datajoint.logging import logger
from datajoint.table.table import Table

if TYPE_CHECKING:
    from datajoint.expression import QueryExpression

Order = Literal["original", "reverse", "random"]
Stop = Callable[[], bool] | threading.Event


class AutoPopulate(OneKey, Table):
    """A table whose rows are made by its own `make`, one call for each key of its `key_source`.

    A user's class defines `make(self, key)`, which computes and inserts what belongs to `key`; or, for computations so
    long that no transaction should be open meanwhile, the three methods ``make_fetch(self, key)``,
    ``make_compute(self, key, *fetched)`` and ``make_insert(self, key, *computed)``. The results of the first two are
    tuples; before the insert, `make_fetch` is called again and must return the same.
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

    def populate(
        self,
        *restrictions: Any,
        suppress_errors: bool = False,
        return_exception_objects: bool = False,
        max_calls: int | None = None,
        display_progress: bool = False,
        make_kwargs: Mapping[str, Any] | None = None,
        order: Order = "original",
        stop: Stop | None = None,
        make_transaction: str | None = None,
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
        max_calls : int, optional
            Compute at most this many keys.
        display_progress : bool
            Whether to show a progress bar.
        make_kwargs : mapping, optional
            Keyword arguments for every call of `make` (or `make_fetch`).
        order : {"original", "reverse", "random"}
            In which order to take the keys.
        stop : callable or threading.Event, optional
            Asked before each key: once it says true, or is set, no further key is taken.

        make_transaction : {"auto", "long"}, optional
            When the transaction of a plain `make` begins: at its first write, when all that it read is verified, or before
            anything; by default as the class attribute of this name says, else the setting ``jobs.make_transaction``.

        Returns
        -------
        dict
            ``success_count``: how many calls succeeded. ``error_list``: pairs of a key and its error.

        Raises
        ------
        DataJointError
            Inside a transaction, on a restricted table, or for an unusable key source.
        NotImplementedError
            If the class does not say how to compute a key.
        Exception
            Whatever `make` raises, unless errors are suppressed.
        """
        if self.connection.in_transaction:
            raise DataJointError(
                "Populate cannot be called during a transaction.",
                table=str(self.name),
                hint="Leave the transaction first.",
            )
        asked = time.monotonic()
        keys = self._pending_keys(restrictions, max_calls, order)
        errors: list[tuple[Key, str | Exception]] = []
        with self._progress_bar(display_progress), _run(self, len(keys)) as counts, Interrupts() as interrupts:
            maker = Maker(self, make_kwargs or {}, interrupts, make_transaction)
            for key in still_absent(self, keys, asked, partial(_skip, self, counts)):
                if stop is not None and (stop.is_set() if isinstance(stop, threading.Event) else stop()):
                    break
                outcome = maker(Task(key))
                counts[outcome.status] += 1
                if outcome.error is None:
                    continue
                if not suppress_errors:
                    raise outcome.error
                logger.error("Error making %s -> %s - %s", key, self.full_table_name, message_of(outcome.error))
                errors.append((key, outcome.error if return_exception_objects else message_of(outcome.error)))
        return {"success_count": counts["succeeded"], "error_list": errors}

    def _pending_keys(self, restrictions: tuple[Any, ...], max_calls: int | None, order: Order) -> Sequence[Key]:
        if order not in {"original", "reverse", "random"}:
            raise DataJointError(f"The order {order!r} is unknown.", hint="Choose 'original', 'reverse' or 'random'.")
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
    def _progress_bar(self, shown: bool) -> Iterator[None]:
        """Show a bar that listens to the events of this table."""
        if not shown:
            yield
            return
        from tqdm.auto import tqdm  # noqa: PLC0415 - loaded when a bar is asked for

        with tqdm(desc=self.class_name) as bar:

            def follow(event: Event) -> None:
                if event.table != self.full_table_name:
                    return
                if isinstance(event, PopulateStarted):
                    bar.reset(total=event.total)
                elif isinstance(event, KeySucceeded | KeySkipped | KeyFailed):
                    bar.update()

            with self.connection.events.subscribe(follow):
                yield


def _skip(table: AutoPopulate, counts: Counter[str], key: Key) -> None:
    counts["skipped"] += 1
    table.connection.events.emit(KeySkipped(table=table.full_table_name, key=key, reason="present"))


@contextmanager
def _run(table: AutoPopulate, total: int) -> Iterator[Counter[str]]:
    """Tell the beginning and the end of a run, whichever way it ends; yields the counts of outcomes."""
    counts: Counter[str] = Counter()
    start = time.monotonic()
    table.connection.events.emit(PopulateStarted(table=table.full_table_name, total=total))
    try:
        yield counts
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
