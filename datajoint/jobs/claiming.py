"""Take several jobs at once, in one short transaction that no other worker waits for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from datajoint.jobs.keys import Key, item_of
from datajoint.jobs.queue import Queue, Reservation, Token
from datajoint.jobs.registry import Lease, Registry
from datajoint.jobs.takeover import Judge
from datajoint.jobs.together import together
from datajoint.jobs.worker import Worker
from datajoint.sql.fragment import Parameter, Sql

_ATTEMPTS = 10


@dataclass(frozen=True, slots=True)
class Claim(Reservation):
    """A job that is ours to do.

    Attributes
    ----------
    item : str
        Of its lease.
    attempts : int
        How often it failed before.
    """

    item: str = ""
    attempts: int = 0


@dataclass(slots=True)
class Claimer:
    """Claims jobs of one queue for a worker.

    Parameters
    ----------
    priority : int, optional
        The least urgent that is taken.
    restriction : Sql, optional
        A condition on the queue's rows.
    version : str
        Of the code, to be recorded.
    """

    queue: Queue
    registry: Registry
    worker: Worker
    priority: int | None = None
    restriction: Sql | None = None
    version: str = ""
    besides: list[Key] = field(default_factory=list)

    def claim(self, count: int) -> list[Claim]:
        """Take up to `count` jobs that are due, the most urgent first.

        Raises
        ------
        LockError
            If other workers got in the way again and again.
        """
        for _ in range(_ATTEMPTS):
            claims = together(self.queue.connection, lambda: self._claim(count))
            if claims is not None:
                self.worker.holding(self.registry, [claim.item for claim in claims])
                return claims
        return []

    def _claim(self, count: int) -> list[Claim] | None:
        """Return the claimed jobs; None if all that were found went back to their workers, so that it is worth another try."""
        queue = self.queue
        for statement in queue.connection.backend.coordination.by_index():
            queue.connection.execute(statement)
        rows = queue.connection.execute(queue.eligible(count, self.priority, self.restriction, self.besides)).rows
        if not rows:
            return []
        now = rows[0][-1]
        details = {queue.keys.detail(key): key for key in map(queue.keys.read, rows)}
        leases: dict[str, Lease] = {}
        if self.worker.has_leases:
            leases = self.registry.of_items([item_of(detail) for detail in details], lock=True)
            self._return(leases, details)
            if not details:
                return None
        owner = queue.owner(self.version)
        assignments = queue.assigned(status="'reserved'", reserved_time=Parameter(now), **owner)
        queue.update(assignments, queue.keys.among(details.values()))
        token = Token(owner["host"].value, owner["pid"].value, owner["connection_id"].value, now)
        items = {item_of(detail): detail for detail in details}
        if self.worker.has_leases:
            self.registry.take(self.worker.id, items, now, token.connection_id)
        return [
            Claim(details[detail], token, item, leases[item].attempts if item in leases else 0)
            for item, detail in items.items()
        ]

    def _return(self, leases: dict[str, Lease], details: dict[str, Key]) -> None:
        """Give jobs back to workers that live and have a lease: others, who know of no leases, took them away."""
        queue, judge = self.queue, Judge(self.registry)
        for lease in leases.values():
            if lease.worker is None or lease.reserved_time is None:
                continue
            if lease.worker == self.worker.id:
                if not self.worker.holds(self.registry, lease.item):
                    continue
            elif judge.is_dead(lease.worker):
                continue
            row = judge.row(lease.worker)
            key = details.pop(next(d for d in details if item_of(d) == lease.item))
            if row is None:
                continue
            values: dict[str, Any] = {
                "host": row.host, "pid": row.pid, "connection_id": lease.connection_id or row.session_id,
                "reserved_time": lease.reserved_time,
            }  # fmt: skip
            assignments = queue.assigned(status="'reserved'", **{n: Parameter(v) for n, v in values.items()})
            queue.update(assignments, Sql(queue.keys.equals(key), " AND ", queue.can("return")))


def release(queue: Queue, registry: Registry, worker: Worker, claims: Sequence[Claim], reason: str) -> None:
    """Give claims back that were not done, and remember why."""
    if not claims:
        return
    items = [claim.item for claim in claims]

    def deed() -> None:
        queue.give_back(claims)
        if worker.has_leases:
            registry.release(worker.id, items, reason=reason)

    try:
        together(queue.connection, deed)
    finally:
        worker.lets_go(registry, items)
