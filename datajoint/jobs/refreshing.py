"""Bring a queue up to date: a statement for each kind of change, whatever their number."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from datajoint.errors import DataJointError, DuplicateError, LockError
from datajoint.events import JobsRefreshed
from datajoint.expression.compile import compile_raw
from datajoint.jobs.keys import item_of, of
from datajoint.jobs.queue import Queue
from datajoint.jobs.registry import Registry
from datajoint.jobs.takeover import orphans
from datajoint.logging import logger
from datajoint.sql.fragment import Identifier, Parameter, Sql

if TYPE_CHECKING:
    from datajoint.expression import QueryExpression

_ATTEMPTS = 5
_K, _T, _J = "dj_k", "dj_t", "dj_j"


@dataclass(frozen=True, slots=True)
class Wishes:
    """How to refresh; `delay`, `stale` and `orphaned` in seconds, 0 for no staleness and no orphans."""

    delay: float
    priority: int
    stale: float
    orphaned: float
    repend: bool


def refresh(
    queue: Queue, registry: Registry, chosen: QueryExpression, every: QueryExpression, wishes: Wishes
) -> dict[str, int]:
    """Add, re-pend, remove and recover jobs.

    Parameters
    ----------
    chosen : QueryExpression
        The keys to add.
    every : QueryExpression
        All keys that there are, by which it is judged what has vanished.

    Returns
    -------
    dict
        Numbers of jobs ``added``, ``removed``, ``orphaned`` and ``re_pended``.
    """
    work = _Refresh(queue, chosen, every, wishes)
    with _alone(queue):
        registry.forget_settled(queue)
        added = _again(work.add)
        re_pended = work.repend() if wishes.repend else 0
        removed = work.remove_vanished() + (work.remove_stale() if wishes.stale > 0 else 0)
        orphaned = orphans(queue, registry, wishes.orphaned, wishes.priority) if wishes.orphaned > 0 else 0
    queue.connection.events.emit(
        JobsRefreshed(
            table=str(queue.connection.dialect.quote(queue.target.identifier)),
            added=added, removed=removed, orphaned=orphaned, re_pended=re_pended,
        )
    )  # fmt: skip
    return {"added": added, "removed": removed, "orphaned": orphaned, "re_pended": re_pended}


@contextmanager
def _alone(queue: Queue) -> Iterator[None]:
    """Keep other refreshers waiting, where the engine can; without it they would do the same work for nothing."""
    coordination, name = queue.connection.backend.coordination, f"dj:refresh {queue.name}"
    name = name if len(name) <= 64 else f"dj:{item_of(name)[:48]}"  # noqa: PLR2004 - what MySQL allows
    patience = queue.connection.target.lock_timeout
    lock, unlock = coordination.lock(name, patience), coordination.unlock(name)
    taken = False
    if lock is not None and unlock is not None and not queue.connection.in_transaction:
        try:
            taken = bool(queue.connection.execute(lock).rows[0][0])
        except LockError:
            logger.debug("Refreshing %s beside another refresh that takes long.", queue.name)
    try:
        yield
    finally:
        if taken and unlock is not None:
            queue.connection.execute(unlock)


def _again(add: Callable[[], int]) -> int:
    """Add jobs; where somebody who takes no lock adds the same ones, look again which are missing."""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return add()
        except (DuplicateError, LockError):
            if attempt == _ATTEMPTS:
                raise
    return 0


def keys_of(queue: Queue, keys: QueryExpression) -> Sql:
    """Return the SELECT of keys as the queue tells jobs apart.

    Raises
    ------
    DataJointError
        If the keys lack attributes of the queue's.
    """
    names = queue.keys.names
    missing = [name for name in names if name not in keys.heading]
    if missing:
        raise DataJointError(
            f"The key source of {queue.target} does not tell its jobs apart: it lacks {', '.join(missing)}.",
            table=str(queue.target),
            hint="Populate without reserve_jobs, or let the key source have the keys of all parents.",
        )
    chosen = compile_raw(keys._node, queue.connection.backend, names)
    if set(keys.primary_key) == set(names):
        return chosen
    return Sql("SELECT DISTINCT * FROM (", chosen, ") AS ", Identifier(("dj_d",)))


class _Refresh:
    """The statements of one refresh."""

    def __init__(self, queue: Queue, chosen: QueryExpression, every: QueryExpression, wishes: Wishes) -> None:
        self._queue, self._wishes = queue, wishes
        self._chosen, self._every = keys_of(queue, chosen), keys_of(queue, every)

    def _execute(self, statement: Sql) -> int:
        with self._queue.connection.transaction(latest=True):
            return self._queue.connection.execute(statement).rowcount

    def _lacks(self, source: Sql, alias: str) -> Sql:
        """Return the condition that `source` has no row of a new key."""
        table = Identifier((alias,))
        return Sql(
            "NOT EXISTS (SELECT 1 FROM ", source, " AS ", table, " WHERE ", self._queue.keys.same(alias, _K), ")"
        )

    def add(self) -> int:
        """Add the keys that have neither a job nor a row."""
        queue, names = self._queue, self._queue.keys.names
        columns = [*names, *(queue.columns[n] for n in ("status", "priority", "created_time", "scheduled_time"))]
        values = Sql(
            Sql.join(", ", (of(_K, n) for n in names)), ", 'pending', ", Parameter(self._wishes.priority), ", ",
            queue.now, ", ", queue.ago(-self._wishes.delay),
        )  # fmt: skip
        new = Sql.join(
            " AND ",
            (
                self._lacks(Sql(queue.target.identifier), _T),
                self._lacks(Sql(queue.name.identifier), _J),
            ),
        )
        return self._execute(
            Sql("INSERT INTO ", queue.name.identifier, " (", Sql.join(", ", (Identifier((c,)) for c in columns)), ") SELECT ",
                values, " FROM (", self._chosen, ") AS ", Identifier((_K,)), " WHERE ", new)
        )  # fmt: skip

    def repend(self) -> int:
        """Do again what is done, kept in the queue, and not in the target any more."""
        queue = self._queue
        empty = queue.pending(
            priority=Parameter(self._wishes.priority), created_time=queue.now, scheduled_time=queue.now,
            completed_time="NULL", duration="NULL", error_message="''", error_stack="NULL",
        )  # fmt: skip
        gone = Sql.join(
            " AND ",
            (
                queue.can("repend"),
                queue.has_row_in(Sql("(", self._chosen, ")"), _K),
                Sql("NOT ", queue.has_row_in(Sql(queue.target.identifier), _T)),
            ),
        )
        return self._execute(Sql("UPDATE ", queue.name.identifier, " SET ", empty, " WHERE ", gone))

    def remove_vanished(self) -> int:
        """Remove settled jobs whose key is neither to be computed nor computed."""
        return self._remove(
            self._queue.can("vanish"),
            Sql("NOT ", self._queue.has_row_in(Sql(self._queue.target.identifier), _T)),
        )

    def remove_stale(self) -> int:
        """Remove old jobs whose key is not to be computed."""
        queue = self._queue
        return self._remove(
            queue.can("expire"),
            Sql(queue.column("created_time"), " < ", queue.ago(self._wishes.stale)),
        )

    def _remove(self, *conditions: Sql) -> int:
        """Remove jobs without a key; the engine is asked for candidates first, which mostly are none."""
        queue = self._queue
        where = Sql.join(" AND ", conditions)
        if not queue.connection.execute(
            Sql("SELECT 1 FROM ", queue.name.identifier, " WHERE ", where, " LIMIT 1")
        ).rows:
            return 0
        gone = Sql(where, " AND ", "NOT ", queue.has_row_in(Sql("(", self._every, ")"), _K))
        return self._execute(Sql("DELETE FROM ", queue.name.identifier, " WHERE ", gone))
