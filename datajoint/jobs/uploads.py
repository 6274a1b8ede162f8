"""Marks of objects that were uploaded, or are relied on, before their row is committed.

A collector must not take them for garbage, however long that lasts. A mark belongs to the worker that made it, and is worth
nothing once that worker is dead.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from datajoint.jobs.keys import item_of
from datajoint.jobs.registry import Registry
from datajoint.jobs.takeover import Judge
from datajoint.jobs.worker import Worker

if TYPE_CHECKING:
    from datajoint.connection import Connection


class Upload(NamedTuple):
    """An object in a store."""

    store: str
    path: str

    @property
    def detail(self) -> str:
        """The object as its mark names it."""
        return json.dumps([self.store, self.path], ensure_ascii=False, separators=(",", ":"))


class Uploads:
    """The marks of one insert, or of one `make`: ``with marking(connection, schema, table) as uploads``."""

    def __init__(self, registry: Registry, worker: Worker) -> None:
        self._registry, self._worker = registry, worker
        self._items: list[str] = []
        # Several inserts may rely on one object at once: each has a mark of its own, and takes back no other's.
        self._own = str(uuid.uuid4())

    def mark(self, objects: Iterable[Upload]) -> bool:
        """Mark objects, before they are written or relied on; one statement, committed at once.

        Returns
        -------
        bool
            False if nothing was marked: the engine's only writer is at work in this very transaction, so that a collector
            waits for it, or the user may not create the tables, of which he was warned.
        """
        details = {item_of(f"{self._own} {upload.detail}"): upload.detail for upload in objects}
        if not details:
            return True
        connection = self._registry.connection
        if not self._worker.has_leases:
            return False
        if connection.has_begun and not connection.backend.coordination.row_locks:
            return False
        self._worker.ask(lambda: self._registry.take(self._worker.id, details, None, None))
        self._items += details
        return True

    def clear(self) -> None:
        """Delete the marks, after the commit or the rollback."""
        items, self._items = self._items, []
        if items:
            self._worker.ask(lambda: self._registry.delete(self._worker.id, items))


@contextmanager
def marking(connection: Connection, schema: str, table: str) -> Iterator[Uploads]:
    """Register this process as a worker for as long as it uploads, and delete the marks at the end.

    Parameters
    ----------
    table : str
        SQL name of the table whose rows will refer to the objects.
    """
    with Worker.on(connection, schema) as worker:
        uploads = Uploads(Registry(connection, schema, table, "upload"), worker)
        try:
            yield uploads
        finally:
            uploads.clear()


def marked(connection: Connection, schema: str) -> set[Upload]:
    """Return the objects that a living worker has marked; marks of dead workers are removed.

    To be asked again just before each deletion.
    """
    registry = Registry(connection, schema, "", "upload")
    if not registry.is_there:
        return set()
    judge, living, dead = Judge(registry), set(), []
    for lease in registry.all_of_kind():
        if lease.worker is not None and not judge.is_dead(lease.worker):
            living.add(Upload(*json.loads(lease.detail)))
        else:
            dead.append(lease)
    for lease in dead:
        registry.delete_mark(lease)
    return living
