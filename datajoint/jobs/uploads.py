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
from weakref import WeakKeyDictionary

from datajoint.errors import MissingTableError
from datajoint.jobs.keys import item_of
from datajoint.jobs.registry import Registry
from datajoint.jobs.takeover import Judge
from datajoint.jobs.worker import Worker
from datajoint.logging import logger

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

    def __init__(self, worker: Worker, table: str) -> None:
        self._worker, self._table = worker, table
        self._items: list[str] = []
        # Several inserts may rely on one object at once: each has a mark of its own, and takes back no other's.
        self._own = str(uuid.uuid4())

    def mark(self, objects: Iterable[Upload]) -> bool:
        """Mark objects, before they are written or relied on; one statement, committed at once.

        Returns
        -------
        bool
            False if nothing was marked: the engine's only writer is at work in this very transaction, so that a collector
            waits for it, or the user may not create the tables, of which he is warned.
        """
        details = {item_of(f"{self._own} {upload.detail}"): upload.detail for upload in objects}
        if not details:
            return True
        connection = self._worker.connection
        if connection.is_only_writer:
            return False
        if not self._worker.has_leases:
            return _unmarked(connection, self._worker)
        try:
            self._take(details)
        except MissingTableError:
            self._worker.begin_again()
            if not self._worker.has_leases:
                return _unmarked(connection, self._worker)
            self._take(details)
        self._items += details
        return True

    def _take(self, details: dict[str, str]) -> None:
        worker, registry = self._worker, self._worker.marks(self._table)
        if worker.connection.commits_alone:  # saves the way to the thread and back
            registry.take(worker.id, details, None, None)
        else:
            worker.ask(lambda: registry.take(worker.id, details, None, None))

    def clear(self) -> None:
        """Have the marks deleted, after the commit or the rollback; it may take a second, in which a collector spares more."""
        items, self._items = self._items, []
        if items:
            self._worker.ends_marks(self._worker.marks(self._table), items)


@contextmanager
def marking(connection: Connection, schema: str, table: str) -> Iterator[Uploads]:
    """Register this process as a worker for as long as it uploads, and have the marks deleted at the end.

    Parameters
    ----------
    table : str
        SQL name of the table whose rows will refer to the objects.
    """
    with Worker.on(connection, schema).uploading() as worker:
        uploads = Uploads(worker, table)
        try:
            yield uploads
        finally:
            uploads.clear()


_obstacles: WeakKeyDictionary[Connection, dict[str, str | None]] = WeakKeyDictionary()
"""What the catalogue said of the tables in schemas where no marks could be made."""


def can_mark(connection: Connection, schema: str) -> bool:
    """Tell whether marks are needed, and the user may make them as far as is known: finding out costs several statements."""
    if connection.is_only_writer:
        return False
    found = _obstacles.get(connection, {})
    return schema not in found or found[schema] != Registry(connection, schema, "").obstacle()


def _unmarked(connection: Connection, worker: Worker) -> bool:
    """Remember that there are no marks in a schema, and warn of it once."""
    schema, obstacle = worker.schema, worker.obstacle
    found = _obstacles.setdefault(connection, {})
    if schema not in found:
        logger.warning(
            "Objects of rows on schema %s are written without a mark that they are in flight: %s. Ask for the right to create "
            "these tables, and until then have garbage collected with a grace period that is longer than the longest insert.",
            schema,
            obstacle,
        )
    found[schema] = Registry(connection, schema, "").obstacle()
    return False


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
