"""Several queues, their targets and who works on them, seen by one statement.

`watching` looks at one queue with a few statements; whoever shows many of them again and again has one for all.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from datajoint.codecs.blob_format import unpack
from datajoint.errors import DataJointError
from datajoint.jobs import layout, machine
from datajoint.jobs import registry as reg
from datajoint.jobs.job import Job, free_jobs
from datajoint.jobs.registry import Registry, WorkerRow, as_moment, is_dead
from datajoint.jobs.states import STATUSES
from datajoint.jobs.watching import RunningKey
from datajoint.sql.fragment import Identifier, Sql

if TYPE_CHECKING:
    from datajoint.jobs.queue import Queue
    from datajoint.table.table import Table

_NUMBERS = len(STATUSES) + 1
_LEASE = ("table_name", "detail", "message", "progress", "started")
_WORKER = ("worker", "host", "db_user", "pid", "process_start", "machine", "session_id", "protocol", "started", "last_seen", "state")  # fmt: skip
_OTHERS = len(_WORKER) + len(_LEASE) + 1
_SCHEMAS = 1000
"""Branches below this number are tables; the others are schemas."""


@dataclass(frozen=True, slots=True)
class TableState:
    """A table at one moment.

    Attributes
    ----------
    done : int or None
        Keys that it has; None if they were not counted.
    counts : dict or None
        Numbers of jobs by status; None where there is no queue.
    running : tuple of RunningKey
        Those that a worker has begun, as far as it has told: after about a second.
    """

    done: int | None
    counts: dict[str, int] | None
    running: tuple[RunningKey, ...] = ()


@dataclass(frozen=True, slots=True)
class WorkerState:
    """A worker that has not said goodbye.

    Attributes
    ----------
    row : WorkerRow
    schema : str
        On which it works.
    claimed : int
        How many keys it has, begun or not.
    gone : bool
        Whether its keys may be taken over.
    silent : bool
        Whether it has given no sign of life for longer than its lease.
    """

    row: WorkerRow
    schema: str
    claimed: int
    gone: bool
    silent: bool


@dataclass(frozen=True, slots=True)
class Sight:
    """What `Lookout.look` saw: a state for each table, by its name, and the workers."""

    tables: dict[str, TableState]
    workers: tuple[WorkerState, ...] = ()
    now: Any = None
    time: float = field(default_factory=time.time)


@dataclass(frozen=True, slots=True)
class FailedJob:
    """A job that failed: its key, the message, the traceback (empty if none was kept), when it was on the server's clock."""

    key: dict[str, Any]
    message: str
    stack: str
    time: Any


class Lookout:
    """Looks at tables and their queues, again and again.

    Parameters
    ----------
    tables : sequence of Table
        Imported and computed tables of one connection; their classes need not be known.

    Raises
    ------
    DataJointError
        If they belong to several connections, or there are none or too many.
    """

    def __init__(self, tables: Sequence[Table]) -> None:
        if not tables or len(tables) >= _SCHEMAS or len({id(table.connection) for table in tables}) > 1:
            raise DataJointError(
                f"{len(tables)} tables cannot be looked at together.",
                hint=f"Give tables of one connection, at most {_SCHEMAS - 1}.",
            )
        self.connection = tables[0].connection
        self._tables = list(tables)
        self.schemas = sorted({table.name.schema for table in tables})
        self._queues: list[Queue | None] = []
        self._keys: list[Sequence[str]] = []
        self._primary: list[set[str]] = []
        self._registered: list[str] = []
        self.learn()

    @property
    def is_complete(self) -> bool:
        """Whether every table has a queue and every schema tells of its workers, so that nothing is to be learnt."""
        return None not in self._queues and self._registered == self.schemas

    def learn(self) -> None:
        """Look which queues there are now; a light statement if nothing has changed."""
        self.connection.look_again(self.schemas, 0.5)
        # What a look needs is kept: the catalogue, asked each time, would look whether it is still right.
        found = [free_jobs(table) for table in self._tables]
        self._queues = [None if jobs is None else jobs._queue for jobs in found]
        self._keys = [
            _key_of(table) if queue is None else queue.keys.names
            for table, queue in zip(self._tables, self._queues, strict=True)
        ]
        self._primary = [set(table.primary_key) for table in self._tables]
        self._registered = [s for s in self.schemas if Registry(self.connection, s, "").obstacle() is None]

    def look(self, *, rows: bool = True) -> Sight:
        """Return what there is now; one statement.

        Parameters
        ----------
        rows : bool
            Whether to count the rows of the tables.

        Raises
        ------
        QueryError
            If one of the tables is not there any more; `learn` finds that out.
        """
        branches = [*self._of_workers(), *self._of_queues(rows)]
        found = self.connection.execute(Sql.join(" UNION ALL ", branches)).rows
        return self._sight(found)

    # --- the statement
    def _of_workers(self) -> Iterator[Sql]:
        """Yield the first branches: their columns have types, which those of NULLs take over."""
        zeros = ", ".join(["0"] * _NUMBERS)
        now = self.connection.backend.coordination.now(self.connection.target)
        for number, schema in enumerate(self._registered, _SCHEMAS):
            names = Registry(self.connection, schema, "")
            chosen = Sql.join(", ", [*(_of("w", name) for name in _WORKER), *(_of("l", name) for name in _LEASE)])
            yield Sql(
                f"SELECT {number}, {zeros}, ", chosen, ", ", now, " FROM ", names.workers.identifier,
                " AS w LEFT JOIN ", names.leases.identifier, " AS l ON ", _of("l", "worker"), " = ", _of("w", "worker"),
                " AND ", _of("l", "kind"), " = 'job' WHERE ", _of("w", "state"), " IN ('running', 'stopping')",
            )  # fmt: skip

    def _of_queues(self, rows: bool) -> Iterator[Sql]:
        nulls = ", NULL" * _OTHERS if self._registered else ""
        for number, queue in enumerate(self._queues):
            done = Sql("(", self._count(number), ")") if rows else Sql("-1")
            if queue is None:
                counts, source = Sql(", ".join(["0"] * len(STATUSES))), Sql()
            else:
                status = queue.column("status")
                each = (Sql("COUNT(CASE WHEN ", status, f" = '{name}' THEN 1 END)") for name in STATUSES)
                counts, source = Sql.join(", ", each), Sql(" FROM ", queue.name.identifier)
            yield Sql(f"SELECT {number}, ", counts, ", ", done, nulls, source)

    def _count(self, number: int) -> Sql:
        table, names = self._tables[number].name, self._keys[number]
        if not names or set(names) == self._primary[number]:
            return Sql("SELECT COUNT(*) FROM ", table.identifier)
        columns = Sql.join(", ", (Sql(Identifier((name,))) for name in names))
        return Sql("SELECT COUNT(*) FROM (SELECT DISTINCT ", columns, " FROM ", table.identifier, ") AS d")

    # --- what it says
    def _sight(self, found: Sequence[Sequence[Any]]) -> Sight:
        running: dict[tuple[str, str], list[RunningKey]] = {}
        rows: dict[tuple[str, str], WorkerRow] = {}
        claimed: dict[tuple[str, str], int] = {}
        places = {(t.name.schema, t.name.name): q for t, q in zip(self._tables, self._queues, strict=True)}
        now = None
        for row in found:
            if row[0] < _SCHEMAS:
                continue
            schema = self._registered[int(row[0]) - _SCHEMAS]
            facts, lease, now = row[1 + _NUMBERS : -1 - len(_LEASE)], row[-1 - len(_LEASE) : -1], row[-1]
            worker = reg.seen_worker(facts, now)
            place = (schema, worker.worker)
            rows[place] = worker
            if lease[0] is None:
                continue
            claimed[place] = claimed.get(place, 0) + 1
            table, detail, message, progress, started = lease
            queue = places.get((schema, table))
            if queue is not None and started is not None:
                key = queue.keys.from_detail(detail)
                begun = RunningKey(key, worker.worker, as_moment(started), progress, message or "")
                running.setdefault((schema, table), []).append(begun)
        tables = {str(t.name): self._state(number, found, running) for number, t in enumerate(self._tables)}
        seconds = self.connection.settings.jobs.lease_seconds
        workers = tuple(
            WorkerState(w, schema, claimed.get((schema, name), 0), _is_gone(w, seconds), w.silent > seconds)
            for (schema, name), w in rows.items()
        )
        return Sight(tables, workers, None if now is None else as_moment(now))

    def _state(
        self, number: int, found: Sequence[Sequence[Any]], running: dict[tuple[str, str], list[RunningKey]]
    ) -> TableState:
        table, queue = self._tables[number], self._queues[number]
        row = next(row for row in found if row[0] == number)
        done = int(row[_NUMBERS])
        counts: dict[str, int] | None = None
        if queue is not None:
            counts = dict(zip(map(str, STATUSES), map(int, row[1:_NUMBERS]), strict=True))
        begun = running.get((table.name.schema, table.name.name), [])
        return TableState(None if done < 0 else done, counts, tuple(begun))


def failed_jobs(jobs: Job, limit: int = 200) -> list[FailedJob]:
    """Return the jobs that failed last, the latest first; one statement.

    Parameters
    ----------
    jobs : Job
    limit : int
        At most so many.
    """
    queue = jobs._queue
    names = ("error_message", "error_stack", "completed_time")
    chosen = Sql.join(", ", (Sql(queue.column(n)) if n in queue.columns else Sql("NULL") for n in names))
    order = Sql(" ORDER BY ", queue.column("completed_time"), " DESC") if "completed_time" in queue.columns else Sql()
    rows = jobs.connection.execute(
        Sql("SELECT ", queue.keys.selected, ", ", chosen, " FROM ", queue.name.identifier, " WHERE ",
            queue.is_status("error"), order, f" LIMIT {int(limit)}")
    ).rows  # fmt: skip
    return [FailedJob(queue.keys.read(row), row[-3] or "", _stack(row[-2]), row[-1]) for row in rows]


def _stack(value: Any) -> str:
    return "" if value is None else str(unpack(bytes(value)))


def _key_of(table: Table) -> tuple[str, ...]:
    """Return the attributes that would tell jobs apart; none if no queue is possible."""
    try:
        return layout.queue_key(table._info()[0])
    except DataJointError:
        return ()


def _of(alias: str, name: str) -> Sql:
    return Sql(Identifier((alias,)), ".", Identifier((name,)))


def _is_gone(worker: WorkerRow, seconds: float) -> bool:
    # Asking for the lock of each would be a statement of its own; whoever takes over does so.
    return is_dead(worker, machine.machine(), seconds, machine.is_running, lambda _: None)
