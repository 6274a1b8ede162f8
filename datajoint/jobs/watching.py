"""The state of a queue as the database tells it, to whoever looks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from datajoint.jobs.registry import WorkerRow, column
from datajoint.sql.fragment import Sql

if TYPE_CHECKING:
    from datajoint.jobs.job import Job


@dataclass(frozen=True, slots=True)
class RunningKey:
    """A key that a worker has.

    Attributes
    ----------
    key : dict
    worker : str
        The worker's UUID.
    started : datetime or None
        On the server's clock; None while its turn has not come (or came less than a second ago).
    progress : float or None
        From 0 to 1, as `make` reported it.
    message : str
    """

    key: dict[str, Any]
    worker: str
    started: Any
    progress: float | None
    message: str


@dataclass(frozen=True, slots=True)
class QueueState:
    """A queue at one moment.

    Attributes
    ----------
    counts : dict
        As `Job.progress` returns it.
    running : tuple of RunningKey
    workers : tuple of WorkerRow
        Those that have not said goodbye.
    time : float
        When it was seen, in seconds since the epoch.
    """

    counts: dict[str, int]
    running: tuple[RunningKey, ...] = ()
    workers: tuple[WorkerRow, ...] = field(default=(), compare=False)
    time: float = field(default_factory=time.time, compare=False)


def state_of(jobs: Job) -> QueueState:
    """Return the state of a queue now."""
    counts = jobs.progress()
    registry = jobs._registry
    if not registry.is_there or not jobs.is_declared:
        return QueueState(counts)
    keys = jobs._queue.keys
    running = tuple(
        RunningKey(keys.from_detail(lease.detail), lease.worker or "", lease.started, lease.progress, lease.message)
        for lease in registry.leases_of(Sql(column("worker"), " IS NOT NULL"))
    )
    return QueueState(counts, running, tuple(registry.workers_of()))


def watch(jobs: Job, interval: float, timeout: float | None) -> Iterator[QueueState]:
    """Yield the state now, and whenever it has changed."""
    end = None if timeout is None else time.monotonic() + timeout
    last: QueueState | None = None
    while True:
        jobs.connection.look_again([jobs.name.schema], interval)
        state = state_of(jobs)
        if state != last:
            last = state
            yield state
        if end is not None and time.monotonic() + interval > end:
            return
        time.sleep(interval)
