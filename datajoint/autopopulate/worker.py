"""Compute what a queue has, beside any number of other workers, until nothing is due any more."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from datajoint.autopopulate.interrupts import Interrupts
from datajoint.autopopulate.make import Outcome, message_of
from datajoint.autopopulate.queue_task import QueueTask
from datajoint.autopopulate.run import Options, Report, Stop, TimedMaker, is_stopped, text_of
from datajoint.code_version import code_version
from datajoint.events import KeyInterrupted, KeyReserved, KeySkipped
from datajoint.jobs.claiming import Claim, Claimer, release
from datajoint.jobs.finishing import Finisher
from datajoint.jobs.registry import Registry
from datajoint.jobs.states import after
from datajoint.jobs.takeover import take_over
from datajoint.jobs.worker import Worker
from datajoint.sql import Sql

if TYPE_CHECKING:
    from datajoint.autopopulate.autopopulate import AutoPopulate
    from datajoint.jobs import Job


class Budget:
    """How many keys may still be taken; shared by the threads of a run.

    Parameters
    ----------
    most : int, optional
        No limit by default.
    """

    def __init__(self, most: int | None) -> None:
        self._left = most
        self._lock = threading.Lock()

    def take(self, count: int) -> int:
        """Take up to `count` and return how many there were."""
        with self._lock:
            if self._left is None:
                return count
            taken = max(0, min(count, self._left))
            self._left -= taken
            return taken

    def give_back(self, count: int) -> None:
        """Return what was taken and not needed."""
        with self._lock:
            if self._left is not None:
                self._left += count


@dataclass(slots=True)
class _Pace:
    """How many jobs to claim at once, so that they last about as long as they should."""

    seconds: float
    most: int
    count: int = 1

    def learn(self, done: int, spent: float) -> None:
        """Adapt to how long the last ones took."""
        if done:
            self.count = max(1, min(self.most, int(self.seconds / max(spent / done, 1e-6))))


class QueueWorker:
    """A worker on the queue of one table.

    Parameters
    ----------
    table : AutoPopulate
    jobs : Job
    restriction : Sql, optional
        A condition on the jobs to take.
    options : Options
    interrupts : Interrupts
    stop : callable or Event, optional
    report : callable
        Told of each key and what became of it; may raise to end the run.
    budget : Budget
    """

    def __init__(
        self,
        table: AutoPopulate,
        jobs: Job,
        restriction: Sql | None,
        options: Options,
        interrupts: Interrupts,
        stop: Stop | None,
        report: Report,
        budget: Budget,
    ) -> None:
        self._table, self._options, self._interrupts = table, options, interrupts
        self._stop, self._report, self._budget = stop, report, budget
        settings = table.connection.settings.jobs
        self._queue = jobs._queue
        self._registry = Registry(table.connection, table.name.schema, table.name.name)
        self._worker = Worker.on(table.connection, table.name.schema)
        self._finisher = Finisher(self._queue, self._registry, self._worker)
        self._claimer = Claimer(
            self._queue,
            self._registry,
            self._worker,
            options.priority,
            restriction,
            code_version(settings.version_method),
        )
        self._maker = TimedMaker(table, options, interrupts)
        self._pace = _Pace(settings.claim_seconds, settings.claim_max)

    def run(self) -> None:
        """Compute jobs until none is due, the budget is spent, or the run is stopped.

        Raises
        ------
        BaseException
            What `report` raises, and what breaks a key off; jobs that were claimed and not done are given back.
        """
        seconds = self._table.connection.settings.jobs.lease_seconds
        take_over(self._queue, self._registry)
        looked = time.monotonic()
        if not self._queue.has_due(self._options.priority, self._claimer.restriction):
            return  # before anybody is told of a worker
        with self._worker:
            while not self._is_stopped():
                if time.monotonic() - looked > seconds:
                    take_over(self._queue, self._registry)
                    looked = time.monotonic()
                if not self._make_some():
                    return

    def _is_stopped(self) -> bool:
        return self._interrupts.stopping or is_stopped(self._stop)

    def _make_some(self) -> bool:
        """Claim a few keys and make them; those that are not begun are given back, whatever happens.

        Returns
        -------
        bool
            Whether there were any.
        """
        events, name = self._table.connection.events, self._table.full_table_name
        left: list[Claim] = []
        start, done = time.monotonic(), 0
        try:
            # A signal between the commit of a claim and our knowing of it would leave keys that nobody makes.
            with self._interrupts.deferred():
                left += self._claim()
            claims, start = list(left), time.monotonic()
            if not claims:
                return False
            if events.has_subscribers:
                for claim in claims:
                    events.emit(KeyReserved(table=name, key=claim.key, worker=self._worker.id))
            present = {self._queue.keys.hashable(key) for key in self._queue.present([c.key for c in claims])}
            for claim in claims:
                if self._queue.keys.hashable(claim.key) in present:
                    self._finisher.skipped(claim)
                    left.remove(claim)
                    events.emit(KeySkipped(table=name, key=claim.key, reason="present"))
                    self._report(claim.key, Outcome("skipped"))
            self._arrange(left)
            while left and not self._is_stopped():
                self._make(left.pop(0))
                done += 1
        finally:
            self._pace.learn(done, time.monotonic() - start)
            release(self._queue, self._registry, self._worker, left, "not begun")
        return True

    def _claim(self) -> list[Claim]:
        """Claim as many keys as are worth it and the budget allows."""
        granted = self._budget.take(self._pace.count)
        claims = self._claimer.claim(granted) if granted else []
        self._budget.give_back(granted - len(claims))
        return claims

    def _arrange(self, claims: list[Claim]) -> None:
        if self._options.order == "reverse":
            claims.reverse()
        elif self._options.order == "random":
            random.shuffle(claims)

    def _make(self, claim: Claim) -> None:
        task = QueueTask(claim, self._finisher)
        self._worker.starts(self._registry, claim.item)
        try:
            outcome = self._maker(task)
        except BaseException as error:
            if task.committed:
                self._finisher.settled(claim)
                self._report(claim.key, Outcome("succeeded"))
            elif isinstance(error, KeyboardInterrupt | SystemExit):
                self._broken_off(claim, error)
            else:
                self._finisher.interrupted(claim, "broken off")
            raise
        finally:
            self._worker.ends()
        try:
            self._settle(claim, outcome)
        finally:  # where that failed, the worker finds out that it has what nobody makes
            self._worker.lets_go(self._registry, [claim.item])
        self._report(claim.key, outcome)

    def _settle(self, claim: Claim, outcome: Outcome) -> None:
        """Tell the queue what became of a job."""
        if outcome.status == "succeeded":
            self._finisher.settled(claim)
        elif outcome.error is None:
            if not self._finisher.skipped(claim):
                self._claimer.besides.append(claim.key)
        else:
            message = message_of(outcome.error)
            if self._finisher.failed(claim, message, text_of(outcome.error), self._options.max_attempts):
                self._claimer.besides.append(claim.key)

    def _broken_off(self, claim: Claim, error: BaseException) -> None:
        """Settle a job that a signal broke off, or that did so itself."""
        as_error = self._interrupts.received is None or self._options.interrupt_is_error
        requeued = after("reserved", "interrupt", as_error=as_error) == "pending"
        if requeued:
            self._finisher.interrupted(claim, f"interrupted: {message_of(error)}")
        else:
            self._finisher.failed(claim, message_of(error), text_of(error), 1)
        self._table.connection.events.emit(
            KeyInterrupted(
                table=self._table.full_table_name, key=claim.key, worker=self._worker.id, requeued=requeued
            )
        )  # fmt: skip
