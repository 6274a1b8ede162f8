"""Marks of objects that are on their way into a store, so that a collector of garbage spares them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from datajoint.jobs.keys import item_of
from datajoint.jobs.registry import LEASE_TABLE, WORKER_TABLE, Registry
from datajoint.jobs.worker import Worker

if TYPE_CHECKING:
    from datajoint.connection import Connection
    from datajoint.definition import TableName

_CHUNK = 200


class UploadMarks:
    """The marks of one insert: rows of ``~dj_lease``, committed by the thread of this process's worker.

    Parameters
    ----------
    connection : Connection
    table : TableName
        Into which the rows go that will name the objects.
    """

    def __init__(self, connection: Connection, table: TableName) -> None:
        self._connection, self._table = connection, table
        self._registry = Registry(connection, table.schema, table.name, "upload")
        self._items: list[str] = []
        self._working = ExitStack()
        self._worker: Worker | None = None

    @classmethod
    def of(cls, connection: Connection, table: TableName) -> UploadMarks | None:
        """Return marks for an insert, None where there are none to make.

        There are none in a schema without the tables of workers; and none inside a transaction of an engine with a
        single writer, since nobody can collect garbage while it lasts.
        """
        catalog = connection.catalog(table.schema)
        if catalog is None or not {WORKER_TABLE, LEASE_TABLE} <= catalog.tables.keys():
            return None
        if connection.has_begun and not connection.backend.coordination.row_locks:
            return None
        return cls(connection, table)

    def add(self, objects: Sequence[tuple[str, str]]) -> None:
        """Mark objects, given by store and path, and commit that.

        Raises
        ------
        DataJointError
            If the marks cannot be written: the objects must not be written then either.
        """
        if self._worker is None:
            self._worker = self._working.enter_context(Worker.on(self._connection, self._table.schema))
        worker = self._worker
        if not worker.has_leases:  # it has warned
            return
        texts = (json.dumps(list(place), separators=(",", ":"), ensure_ascii=False) for place in objects)
        details = {item_of(text): text for text in texts}
        items = list(details)
        for start in range(0, len(items), _CHUNK):
            chosen = {item: details[item] for item in items[start : start + _CHUNK]}
            worker.ask(lambda chosen=chosen: self._registry.take(worker.id, chosen, None, None))  # type: ignore[misc]  # bound at once
        self._items += items

    def clear(self) -> None:
        """Remove the marks, and let the worker go."""
        worker, items, self._items = self._worker, self._items, []
        with self._working:
            for start in range(0, len(items) if worker is not None else 0, _CHUNK):
                chosen = items[start : start + _CHUNK]
                worker.ask(lambda chosen=chosen: self._registry.delete(worker.id, chosen))  # type: ignore[union-attr,misc]
        self._worker = None
