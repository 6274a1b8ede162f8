"""Ask the database, at most once a second, how far tables are and what failed."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import datajoint as dj
from datajoint.autopopulate import AutoPopulate
from datajoint.jobs import Job
from datajoint.jobs.lookout import Lookout, Sight, failed_jobs
from datajoint_jupyter.work.failures import Failure, failure_id
from datajoint_jupyter.work.pace import Pace
from datajoint_jupyter.work.quiet import quiet_thread
from datajoint_jupyter.work.targets import can_compute, code_of, title_of

logger = logging.getLogger("datajoint")

INTERVAL = 1.0
"""Seconds between two statements while anything goes on."""

_asking = threading.RLock()
"""Held while a watcher asks, and while a process is forked: a child has but the forking thread, and would wait for ever
for a lock of the driver or the connection that another one held."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_asking.acquire, after_in_parent=_asking.release, after_in_child=_asking.release)

_CALM, _CALM_AFTER = 2.0, 30.0
_LEARN_EACH = 3.0
_LISTED = 200
_COUNT_SHARE = 20.0
_COUNT_LIMIT = 5.0


@dataclass(frozen=True, slots=True)
class Seen:
    """All that was seen last.

    Attributes
    ----------
    sight : Sight or None
    done : dict
        Keys that each table has, by its name, as counted last.
    totals : dict
        Keys of each table in all, where that could be counted.
    failures : dict
        What failed of each table, the latest first; at most 200.
    problem : str
        Why the database cannot be asked; empty if it can.
    """

    sight: Sight | None = None
    done: dict[str, int] = field(default_factory=dict)
    totals: dict[str, int] = field(default_factory=dict)
    failures: dict[str, list[Failure]] = field(default_factory=dict)
    problem: str = ""

    def missing(self, name: str) -> int:
        """Return how many keys of a table have neither a row nor a job, as far as that was counted."""
        if self.sight is None or name not in self.totals:
            return 0
        return max(0, self.totals[name] - self.done[name] - _waiting(self.sight.tables[name].counts))


class Watcher:
    """Keeps `seen` up to date in a thread with a database session of its own.

    Parameters
    ----------
    tables : sequence of Table
    changed : callable
        Called in that thread after each look.
    """

    def __init__(self, tables: Sequence[dj.Table], changed: Callable[[], None]) -> None:
        self._tables, self._changed = list(tables), changed
        self._connection = self._tables[0].connection
        self._lookout = Lookout(self._tables)
        self._wake, self._closed = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._learnt = self._counted = self._active = time.monotonic()
        self._count_seconds = 0.0
        self._uncounted = [table for table in self._tables if can_compute(table)]
        self._failures_due: set[str] = set()
        self._errors: dict[str, int] = {}
        self.seen = Seen()
        self.paces = {str(table.name): Pace() for table in self._tables}

    @property
    def counted(self) -> bool:
        """Whether all that can be counted was, once."""
        return self.seen.sight is not None and not self._uncounted

    # --- to be told
    def start(self) -> None:
        """Begin to look, if that was not begun already."""
        if self._thread is not None or self._closed.is_set():
            return
        self._thread = threading.Thread(target=self._run, name="dj watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Look no more."""
        self._closed.set()
        self._wake.set()

    def poke(self, *, structure: bool = False, count: bool = False, failures: bool = False) -> None:
        """Look soon, since something was changed: queues may be new, keys are to be counted, errors to be read."""
        self._active = time.monotonic()
        if structure:
            self._learnt = 0.0
        if count:
            self._uncounted = [table for table in self._tables if can_compute(table)]
        if failures:
            self._failures_due.update(str(table.name) for table in self._tables)
        self._wake.set()

    @property
    def owes_errors(self) -> bool:
        """Whether there are errors that were counted and not read yet."""
        return bool(self._failures_due)

    def forget_paces(self) -> None:
        """Begin to measure rates anew."""
        for pace in self.paces.values():
            pace.forget()

    def look(self, *, count: bool = False) -> Seen:
        """Look now, in this thread, at everything that is shown.

        Parameters
        ----------
        count : bool
            Whether to count the keys that nobody has queued, too.
        """
        with _asking:
            if not self._lookout.is_complete:
                self._lookout.learn()
            self._look(rows=True)
            for table in filter(can_compute, self._tables if count else ()):
                self._count_keys(table)
            for table in self._tables:
                if self._errors.get(str(table.name)) or str(table.name) in self._failures_due:
                    self._read_failures(str(table.name))
        return self.seen

    # --- the thread
    def _run(self) -> None:
        try:
            with quiet_thread():
                while not self._closed.is_set():
                    began = time.monotonic()
                    statements = self._step()
                    self._wake.wait(max(0.0, self._interval() - INTERVAL))
                    self._wake.clear()
                    self._closed.wait(max(0.0, statements * INTERVAL - (time.monotonic() - began)))
        finally:
            with contextlib.suppress(dj.DataJointError):
                self._connection.close_thread()

    def _interval(self) -> float:
        return INTERVAL if time.monotonic() - self._active < _CALM_AFTER else _CALM

    def _step(self) -> int:
        """Ask what is most due; return the number of statements that it took."""
        try:
            with _asking:
                count = self._ask()
            if self.seen.problem:
                self.seen = replace(self.seen, problem="")
        except dj.DataJointError as error:
            logger.debug("The state of the work could not be read", exc_info=error)
            self.seen = replace(self.seen, problem=f"{type(error).__name__}: {error}")
            self._learnt, count = 0.0, 1
            self._active = time.monotonic()
        if not self._closed.is_set():
            self._changed()
        return count

    def _ask(self) -> int:
        now = time.monotonic()
        if self.seen.sight is not None and self._failures_due:
            self._read_failures(self._failures_due.pop())
            return 2
        if self.seen.sight is not None and self._uncounted:
            self._count_keys(self._uncounted.pop(0))
            return 2
        learnt = 0
        if self._learnt == 0.0 or (not self._lookout.is_complete and now - self._learnt > _LEARN_EACH):
            self._lookout.learn()
            self._learnt, learnt = now, 1
        self._look(rows=now - self._counted >= _COUNT_SHARE * self._count_seconds)
        return 1 + learnt

    def _look(self, *, rows: bool) -> None:
        began = time.monotonic()
        try:
            sight = self._lookout.look(rows=rows)
        except dj.DataJointError:
            self._lookout.learn()  # a queue may have been dropped, or the link was lost
            sight = self._lookout.look(rows=rows)
        if rows:
            self._counted = time.monotonic()
            self._count_seconds = self._counted - began
        if self.seen.sight is None or sight.tables != self.seen.sight.tables or sight.workers:
            self._active = time.monotonic()
        done = self._done(sight)
        self.seen = replace(self.seen, sight=sight, done=done)
        for name, state in sight.tables.items():
            errors = (state.counts or {}).get("error", 0)
            if errors != self._errors.get(name, 0):
                self._errors[name] = errors
                self._failures_due.add(name)
            self.paces[name].saw(sight.time, done[name] + errors)

    def _done(self, sight: Sight) -> dict[str, int]:
        """Return the keys that tables have; where rows were not counted, what has left the queue was computed."""
        done: dict[str, int] = {}
        before = self.seen.sight
        for name, state in sight.tables.items():
            if state.done is not None:
                done[name] = state.done
                continue
            left = _waiting(before.tables[name].counts) - _waiting(state.counts) if before is not None else 0
            done[name] = self.seen.done.get(name, 0) + max(0, left)
        return done

    def _read_failures(self, name: str) -> None:
        self._failures_due.discard(name)
        table = next(table for table in self._tables if str(table.name) == name)
        found: list[Failure] = []
        if self._errors.get(name):
            title, code = title_of(table), code_of(table)
            for job in failed_jobs(Job(table), _LISTED):
                identifier = failure_id(title, job.key)
                found.append(Failure(identifier, title, code, job.key, job.message, job.stack, job.time))
        self.seen = replace(self.seen, failures={**self.seen.failures, name: found})

    def _count_keys(self, table: Any) -> None:
        """Count the keys that nobody has queued yet, if that does not take long."""
        assert isinstance(table, AutoPopulate)
        name = str(table.name)
        totals = dict(self.seen.totals)
        try:
            with self._connection.time_limit(_COUNT_LIMIT):
                remaining, _ = table.progress()
        except dj.DataJointError as error:
            logger.debug("The keys of %s could not be counted: %s", name, error)
            totals.pop(name, None)
        else:
            totals[name] = self.seen.done[name] + remaining
        self.seen = replace(self.seen, totals=totals)


def _waiting(counts: dict[str, int] | None) -> int:
    """Return how many jobs have no row yet, failed ones and ignored ones among them."""
    return sum(counts.get(name, 0) for name in ("pending", "reserved", "error", "ignore")) if counts else 0
