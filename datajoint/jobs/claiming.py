"""Take several jobs at once, in one short transaction that no other worker waits for."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from datajoint.errors import LockError, LostConnectionError
from datajoint.jobs.keys import Key, item_of
from datajoint.jobs.queue import Queue, Reservation, Token
from datajoint.jobs.registry import Lease, Registry, freed
from datajoint.jobs.takeover import Judge
from datajoint.jobs.together import together
from datajoint.jobs.worker import Worker
from datajoint.logging import logger
from datajoint.sql.fragment import Parameter, Sql

_ATTEMPTS = 10
_LOST = 2


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

    def __post_init__(self) -> None:
        self.worker.accounts_for(self.registry, partial(give_unknown_back, self.queue, self.registry))

    def claim(self, count: int) -> list[Claim]:
        """Take up to `count` jobs that are due, the most urgent first.

        Raises
        ------
        LockError
            If other workers got in the way again and again.
        LostConnectionError
            If the link is lost again and again.
        """
        lost = 0
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                claims = self._claimed(count)
            except LockError:
                if attempt == _ATTEMPTS:
                    raise
            except LostConnectionError:
                lost += 1
                if lost > _LOST:
                    raise
                # If it was committed all the same, these are ours, and others would wait for us to do them.
                self.worker.ask_to_reconcile()
            else:
                if claims is not None:
                    return claims
        return []

    def _claimed(self, count: int) -> list[Claim] | None:
        """Claim in one transaction, before whose end it is known what we hold if it is kept."""
        held: list[str] = []

        def deed() -> list[Claim] | None:
            self._let_go(held)
            claims = self._claim(count)
            held.extend(claim.item for claim in claims or ())
            self.worker.holding(self.registry, held)
            return claims

        try:
            return together(self.queue.connection, deed, attempts=1, lost=0)
        except BaseException:
            self._let_go(held)
            raise

    def _let_go(self, held: list[str]) -> None:
        self.worker.lets_go(self.registry, held)
        held.clear()

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
    """Give claims back that were not done, and remember why; what cannot be given back now is later, by the worker."""
    if not claims:
        return
    items = [claim.item for claim in claims]

    def deed() -> None:
        queue.give_back(claims)
        if worker.has_leases:
            registry.release(worker.id, items, reason=reason)

    try:
        together(queue.connection, deed)
    except (LockError, LostConnectionError) as error:
        logger.warning("%d jobs of %s could not be given back at once: %s", len(items), queue.target, error)
    finally:
        worker.lets_go(registry, items)


def give_unknown_back(queue: Queue, registry: Registry, leases: Sequence[Lease]) -> None:
    """Give jobs back that are ours by their leases, but that nobody here makes: nobody else would ever get them."""
    for lease in leases:
        key = queue.keys.from_detail(lease.detail)
        token = Token(platform.node(), os.getpid(), lease.connection_id, lease.reserved_time)

        def deed(lease: Lease = lease, key: Key = key, token: Token = token) -> int:
            given = queue.give_back([Reservation(key, token)])
            registry.change(lease.item, freed(message=Parameter("given back unmade")), seen=lease)
            return given

        if together(queue.connection, deed):
            logger.info("The job of %s was this worker's without its knowing and is given back.", key)
        elif queue.look(key) is None:
            registry.delete_free(lease.item)
