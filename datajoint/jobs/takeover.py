"""Give the jobs of workers that are gone back to the queue."""

from __future__ import annotations

import contextlib
from typing import Any

from datajoint.errors import AccessError, LockError, QueryError
from datajoint.events import KeyTakenOver
from datajoint.jobs import machine
from datajoint.jobs.keys import Key, item_of
from datajoint.jobs.queue import Queue, Reservation, Token
from datajoint.jobs.registry import Lease, Registry, WorkerRow, column, freed, is_dead
from datajoint.jobs.states import after
from datajoint.jobs.together import together
from datajoint.logging import logger
from datajoint.sql.fragment import Parameter, Sql


class Judge:
    """Tells which workers are dead; each is judged once.

    Parameters
    ----------
    registry : Registry
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._rows: dict[str, WorkerRow | None] = {}
        self._dead: dict[str, bool] = {}

    def row(self, worker: str) -> WorkerRow | None:
        """Return what is known of a worker."""
        if worker not in self._rows:
            self._rows[worker] = next(iter(self._registry.workers_of([worker])), None)
        return self._rows[worker]

    def is_dead(self, worker: str) -> bool:
        """Tell whether a worker is gone; one that is not registered is."""
        if worker not in self._dead:
            row = self.row(worker)
            seconds = self._registry.connection.settings.jobs.lease_seconds
            self._dead[worker] = row is None or is_dead(
                row, machine.machine(), seconds, machine.is_running, self._registry.lock_is_free
            )
            if self._dead[worker] and row is not None and row.state not in {"stopped", "dead"}:
                with contextlib.suppress(AccessError):
                    self._registry.mark(worker, "dead")
        return self._dead[worker]


def take_over(queue: Queue, registry: Registry) -> int:
    """Give back the jobs of dead workers, of ours and of those without leases; return how many."""
    taken = 0
    leased: set[str] = set()
    if registry.is_there:
        judge = Judge(registry)
        for lease in registry.leases_of(Sql(column("worker"), " IS NOT NULL")):
            assert lease.worker is not None  # by the condition
            if judge.is_dead(lease.worker):
                try:
                    taken += _take(queue, registry, lease, judge.row(lease.worker))
                except LockError as error:  # whoever has locked it may be taking it over
                    logger.debug("A job of the dead worker %s is left for now: %s", lease.worker, error)
            else:
                leased.add(lease.item)
    return taken + _take_foreign(queue, leased)


def _take(queue: Queue, registry: Registry, lease: Lease, worker: WorkerRow | None) -> int:
    key = queue.keys.from_detail(lease.detail)
    found = queue.look(key)
    if found is None or found[0] != "reserved" or found[1].reserved_time != lease.reserved_time:
        # The worker died between the end of the job and that of its lease; another one may have the key by now.
        registry.change(lease.item, freed(), seen=lease)
        if found is None:
            registry.delete_free(lease.item)
        return 0
    token = found[1]
    if worker is None or worker.state != "stopped":  # one that has said goodbye may go on with its session as another
        _end_session(queue, token)
    deaths = lease.deaths + 1
    often = deaths >= queue.connection.settings.jobs.max_deaths
    requeued = after("reserved", "die often" if often else "die") == "pending"
    message = _obituary(worker, token, deaths)
    assignments = queue.pending() if requeued else queue.failed(message, None)
    taken = Sql(queue.keys.equals(key), " AND ", queue.has_token(token))
    outcome = freed(deaths=Parameter(deaths), message=Parameter(message))
    if not _end(queue, registry, lease, assignments, taken, outcome):
        return 0
    logger.warning("%s Its key %s is %s.", message, key, "computed again" if requeued else "given up")
    queue.connection.events.emit(
        KeyTakenOver(
            table=str(queue.connection.dialect.quote(queue.target.identifier)),
            key=key, worker=lease.worker or "", deaths=deaths, requeued=requeued,
        )
    )  # fmt: skip
    return 1


def _end(queue: Queue, registry: Registry, lease: Lease | None, assignments: Sql, condition: Sql, outcome: Sql) -> bool:
    """Change a job and its lease, if the job meets a condition; tell whether it did."""

    def deed() -> bool:
        if queue.update(assignments, condition) != 1:
            return False
        if lease is not None:
            registry.change(lease.item, outcome, seen=lease)
        return True

    return together(queue.connection, deed)


def _obituary(worker: WorkerRow | None, token: Token, deaths: int) -> str:
    host, pid = (worker.host, worker.pid) if worker else (token.host, token.pid)
    seen = f", last seen at {worker.last_seen}" if worker else ""
    times = "" if deaths == 1 else f" It is the death number {deaths} over this key."
    return f"WorkerDied: the worker on {host} (process {pid}) that had it since {token.reserved_time} is gone{seen}.{times}"


def _end_session(queue: Queue, token: Token) -> None:
    """End the session of a worker that is gone, which may hold locks, if the server has it still."""
    connection, coordination = queue.connection, queue.connection.backend.coordination
    number = int(token.connection_id or 0)
    seen, ending = coordination.sessions(number), coordination.end_session(number, token.reserved_time)
    started = coordination.started(connection.target)
    if seen is None or ending is None or started is None or number in {0, connection.connection_id}:
        return
    try:
        # After a restart of the server the number may be somebody else's.
        same_server = connection.execute(Sql("SELECT ", started, " <= ", Parameter(token.reserved_time))).rows[0][0]
        if same_server and connection.execute(seen).rows[0][0]:
            connection.execute(ending)
    except QueryError as error:
        logger.debug("The session %d could not be ended: %s", number, error)


def _take_foreign(queue: Queue, leased: set[str]) -> int:
    """Give back what workers without leases reserved, where it is certain that they are gone."""
    connection, coordination = queue.connection, queue.connection.backend.coordination
    started = coordination.started(connection.target)
    stale = connection.settings.jobs.stale_timeout
    if started is None or "reserved_time" not in queue.columns:
        return 0
    time = queue.column("reserved_time")
    old = Sql(time, " < ", queue.ago(stale)) if stale else Sql("1 = 0")
    before = Sql(time, " < ", started)
    taken = 0
    try:
        candidates = [
            r for r in reserved(queue, Sql("(", old, " OR ", before, ")")) if _item(queue, r.key) not in leased
        ]
        if not candidates:
            return 0
        sees_all = _answer(queue, coordination.sees_all_sessions())
    except QueryError as error:
        logger.debug("The sessions of other workers cannot be judged: %s", error)
        return 0
    for one in candidates:
        condition = Sql(queue.keys.equals(one.key), " AND ", queue.has_token(one.token))
        gone = sees_all and not _answer(queue, coordination.sessions(int(one.token.connection_id or 0)))
        if not (gone and stale):
            condition = Sql(condition, " AND ", before)
        taken += queue.update(queue.pending(), condition)
    return taken


def _answer(queue: Queue, question: Sql | None) -> Any:
    return question is not None and queue.connection.execute(question).rows[0][0]


def _item(queue: Queue, key: Key) -> str:
    return item_of(queue.keys.detail(key))


def reserved(queue: Queue, condition: Sql) -> list[Reservation]:
    """Return the jobs that are reserved and meet a condition."""
    names = ("host", "pid", "connection_id", "reserved_time")
    token = Sql.join(", ", (Sql(queue.column(n)) if n in queue.columns else Sql("NULL") for n in names))
    rows = queue.connection.execute(
        Sql("SELECT ", queue.keys.selected, ", ", token, " FROM ", queue.name.identifier, " WHERE ", queue.can("orphan"),
            " AND ", condition)
    ).rows  # fmt: skip
    return [Reservation(queue.keys.read(row), Token(*row[-4:])) for row in rows]


def orphans(queue: Queue, registry: Registry, seconds: float, priority: int) -> int:
    """Give back jobs that were reserved longer ago than so many seconds, unless their worker is known to live."""
    found = reserved(queue, Sql(queue.column("reserved_time"), " < ", queue.ago(seconds)))
    if not found:
        return 0
    leases = registry.of_items([_item(queue, one.key) for one in found]) if registry.is_there else {}
    judge = Judge(registry)
    alive: list[Key] = []
    given = 0
    for one in found:
        lease = leases.get(_item(queue, one.key))
        valid = lease is not None and lease.worker is not None and lease.reserved_time == one.token.reserved_time
        if valid and lease is not None and not judge.is_dead(lease.worker or ""):
            alive.append(one.key)
            continue
        assignments = queue.pending(priority=Parameter(priority))
        condition = Sql(queue.keys.equals(one.key), " AND ", queue.has_token(one.token))
        its = lease if valid else None
        given += _end(queue, registry, its, assignments, condition, freed(message=Parameter("orphaned")))
    if alive:
        logger.warning(
            "%d jobs of %s are older than %g s, but their workers live: %s. They stay; jobs.revoke(key) takes one away.",
            len(alive), queue.target, seconds, ", ".join(map(str, alive[:5])) + (" …" if len(alive) > 5 else ""),  # noqa: PLR2004
        )  # fmt: skip
    return given
