"""What writers have marked as in flight: objects written, or found there and reused, for rows that are not committed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Literal

from datajoint.backends.catalog import SchemaCatalog
from datajoint.connection import Connection
from datajoint.definition import TableName
from datajoint.errors import AccessError
from datajoint.jobs import machine, uploads
from datajoint.jobs.registry import LEASE_TABLE, Registry, is_dead
from datajoint.jobs.worker import Worker
from datajoint.logging import logger
from datajoint.sql.fragment import Identifier, Parameter, Sql

LEASES = LEASE_TABLE
"""The table of a schema in which workers say what they hold."""

UPLOAD: Literal["upload"] = "upload"


class Marks:
    """The marks in the schemas of one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def settle(self, schema: str) -> None:
        """Have the marks of this process deleted whose inserts are through: what they marked is not to be spared for that."""
        Worker.delete_ended_marks(schema)

    def paths(self, catalog: SchemaCatalog) -> set[str]:
        """Return the paths that living writers of a schema have marked, in whatever store.

        Raises
        ------
        DataJointError
            If the marks cannot be read.
        """
        if LEASES not in catalog.tables:
            return set()
        leases = Identifier((catalog.schema, LEASES))
        columns = Sql.join(", ", [Identifier(("detail",)), Identifier(("worker",))])
        marked = self._connection.execute(Sql("SELECT ", columns, " FROM ", leases, _are_uploads())).rows
        workers = {str(worker) for _, worker in marked if worker is not None}
        alive = self._alive(catalog.schema, workers)
        return {str(json.loads(detail)[1]) for detail, worker in marked if str(worker) in alive}

    def _alive(self, schema: str, workers: set[str]) -> set[str]:
        """Return those of `workers` that are not gone; one that is not registered is."""
        registry = Registry(self._connection, schema, "", UPLOAD)
        here, seconds = machine.machine(), self._connection.settings.jobs.lease_seconds
        return {
            row.worker
            for row in registry.workers_of(workers)
            if not is_dead(row, here, seconds, machine.is_running, registry.lock_is_free)
        }

    def provide(self, schema: str) -> None:
        """Make the tables for marks where they are missing, so that whoever writes objects from now on marks them."""
        obstacle = Registry(self._connection, schema, "", UPLOAD).ensure()
        if obstacle is not None:
            logger.warning(
                "Writers to %s cannot mark what they are writing: %s. Collect with a grace period that is longer than the "
                "longest insert.",
                schema,
                obstacle,
            )

    def clear_dead(self, schema: str) -> None:
        """Remove the marks of writers that are gone, where the user may."""
        with suppress(AccessError):
            uploads.marked(self._connection, schema)
            Registry(self._connection, schema, "", UPLOAD).forget_workers()

    @contextmanager
    def kept_out(self, catalogs: list[SchemaCatalog]) -> Iterator[None]:
        """Open a transaction that sees one state, during which no writer can add a mark in these schemas.

        A writer marks an object before it looks whether the object is there. So whoever has not marked it by now will
        find it gone, if it is deleted in this block, and write it.
        """
        with ExitStack() as stack:
            stack.enter_context(self._connection.transaction.guarded())
            for catalog in catalogs:
                if LEASES in catalog.tables:
                    name = TableName(catalog.schema, LEASES)
                    bar = self._connection.backend.bar_inserts(name, _are_uploads())
                    if bar is not None:
                        self._connection.execute(bar)
            yield


def _are_uploads() -> Sql:
    return Sql(" WHERE ", Identifier(("kind",)), " = ", Parameter(UPLOAD))
