"""What a worker holds: the keys that it has claimed, makes, or is through with, as its thread tells the database."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from datajoint.jobs import registry as reg
from datajoint.jobs.registry import Lease, Registry, column
from datajoint.jobs.together import together
from datajoint.sql.fragment import Parameter, Sql

if TYPE_CHECKING:
    from datajoint.connection import Connection

_TICK = 1.0  # seconds that a key is made before others are told of it
_MANY = 200


@dataclass(slots=True)
class _Running:
    """A key that is being made."""

    registry: Registry
    item: str
    since: float
    fraction: float | None = None
    text: str = ""
    told: bool = False
    news: bool = False


class _Ended(NamedTuple):
    """A lease that has ended; `undo` is given what others may have done for it meanwhile."""

    registry: Registry
    item: str
    subject: Any
    undo: Callable[[list[Any]], Any]


class Holdings:
    """What one worker holds.

    Attributes
    ----------
    id : str
        The worker's UUID.
    obstacle : str or None
        Why there are no leases; None if there are.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection, self.id = connection, str(uuid.uuid4())
        self.obstacle: str | None = None
        self._running: dict[int, _Running] = {}
        self._held: set[tuple[str, str]] = set()
        self._accounts: dict[str, tuple[Registry, Callable[[list[Lease]], None]]] = {}
        self._ended: list[_Ended] = []
        self._guard = threading.Lock()

    @property
    def has_leases(self) -> bool:
        """Whether keys are leased."""
        return self.obstacle is None

    # --- what those who work tell it
    def holds(self, registry: Registry, item: str) -> bool:
        """Tell whether one of this process's threads has claimed a key and not settled it."""
        return (registry.table, item) in self._held

    def holding(self, registry: Registry, items: Iterable[str]) -> None:
        """Note that keys were claimed."""
        with self._guard:
            self._held.update((registry.table, item) for item in items)

    def lets_go(self, registry: Registry, items: Iterable[str]) -> None:
        """Note that keys are settled."""
        with self._guard:
            self._held.difference_update([(registry.table, item) for item in items])

    def starts(self, registry: Registry, item: str) -> None:
        """Note that the calling thread begins to make a key."""
        _here.worker = self
        with self._guard:
            self._running[threading.get_ident()] = _Running(registry, item, time.monotonic())

    def ends(self) -> None:
        """Note that the calling thread makes its key no more."""
        _here.worker = None
        with self._guard:
            self._running.pop(threading.get_ident(), None)

    def reports(self, fraction: float, text: str) -> None:
        """Note how far the calling thread's key is."""
        running = self._running.get(threading.get_ident())
        if running is not None:
            running.fraction, running.text, running.news = fraction, text, True

    def settled(self, registry: Registry, item: str, subject: Any, undo: Callable[[list[Any]], Any]) -> None:
        """Have a lease deleted soon, and `undo` called with the subjects of those that were deleted together."""
        with self._guard:
            self._held.discard((registry.table, item))
            if self.has_leases:
                self._ended.append(_Ended(registry, item, subject, undo))

    def accounts_for(self, registry: Registry, give_back: Callable[[list[Lease]], None]) -> None:
        """Have those jobs of a table given back that are this worker's by their leases, and that it does not know of.

        It does not know of them where the answer to a claim was lost, or what became of them could not be written.
        """
        self._accounts[registry.table] = registry, give_back

    def ends_marks(self, registry: Registry, items: Iterable[str]) -> None:
        """Have marks deleted soon."""
        with self._guard:
            self._ended.extend(_Ended(registry, item, None, _nothing) for item in items)

    # --- what its thread does about it
    def _reconcile(self, me: str) -> None:
        """Compare what the database says that this worker has with what it knows of, and give the difference back."""
        for registry, give_back in tuple(self._accounts.values()):
            mine = registry.leases_of(Sql(column("worker"), " = ", Parameter(me)))
            with self._guard:
                known = self._held.union((ended.registry.table, ended.item) for ended in self._ended)
            # What is settled in this moment has another token than the lease says, or none.
            unknown = [lease for lease in mine if (registry.table, lease.item) not in known]
            if unknown:
                give_back(unknown)

    def _tell_of_running(self) -> None:
        with self._guard:
            running = list(self._running.values())
        for key in running:
            if time.monotonic() - key.since > _TICK and (not key.told or key.news):
                key.news = False
                self._tell(key)
                key.told = True

    def _tell(self, key: _Running) -> None:
        coordination = self.connection.backend.coordination
        values: dict[str, Sql | Parameter] = {
            "started": coordination.ago(self.connection.target, time.monotonic() - key.since),
            "progress": Parameter(key.fraction),
            "message": Parameter(key.text[:2047]),
        }
        if key.told:
            del values["started"]
        assignments = Sql.join(", ", (Sql(reg.column(n), " = ", v) for n, v in values.items()))
        key.registry.settle(self.id, [key.item], assignments)

    def _delete_ended(self) -> None:
        with self._guard:
            ended, self._ended = self._ended, []
        try:
            while ended:
                registry, undo = ended[0].registry, ended[0].undo
                mine = [e for e in ended if e.registry.leased == registry.leased][:_MANY]
                if undo is _nothing:
                    registry.delete(self.id, [e.item for e in mine])
                else:
                    together(self.connection, partial(_end_together, self.id, mine), attempts=1)
                done = set(map(id, mine))
                ended = [e for e in ended if id(e) not in done]
        finally:
            if ended:
                with self._guard:
                    self._ended = [*ended, *self._ended]


class _Here(threading.local):
    worker: Holdings | None = None


_here = _Here()


def forget() -> None:
    """Forget, in a process that was forked, what the thread made in its parent."""
    _here.worker = None


def report(fraction: float, text: str) -> None:
    """Note how far the key is that the calling thread makes, if it is one of a queue."""
    if _here.worker is not None:
        _here.worker.reports(fraction, text)


def _end_together(worker: str, ended: list[_Ended]) -> None:
    """Delete leases, and undo what others did meanwhile: who dies in between would leave a job that nobody has."""
    ended[0].registry.delete(worker, [one.item for one in ended])
    ended[0].undo([one.subject for one in ended])


def _nothing(_: list[Any]) -> None:
    """Undo nothing: nobody else has a mark."""
