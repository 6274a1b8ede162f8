"""What writers have marked as in flight: objects written, or found there and reused, for rows that are not committed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from datajoint.backends.catalog import SchemaCatalog
from datajoint.connection import Connection
from datajoint.definition import TableName
from datajoint.sql.fragment import Identifier, Parameter, Sql

LEASES, WORKERS = "~dj_lease", "~dj_worker"
"""The tables of a schema in which workers say what they hold, and that they live."""

UPLOAD = "upload"
_GONE = frozenset(("stopped", "dead"))

IsAlive = Callable[[Connection, str, str], bool]
"""Tells by connection, schema and worker whether a worker that is not known to have ended may still live."""


def assume_alive(_connection: Connection, _schema: str, _worker: str) -> bool:
    """Take a worker to live until it is recorded that it does not."""
    return True


class Marks:
    """The marks in the schemas of one connection.

    Parameters
    ----------
    connection : Connection
    is_alive : callable, optional
        Judges workers that are not recorded as ended.
    """

    def __init__(self, connection: Connection, is_alive: IsAlive = assume_alive) -> None:
        self._connection, self._is_alive = connection, is_alive

    def paths(self, catalog: SchemaCatalog) -> set[str]:
        """Return the paths that living writers of a schema have marked, in whatever store.

        Raises
        ------
        DataJointError
            If the marks cannot be read.
        """
        if LEASES not in catalog.tables:
            return set()
        schema = catalog.schema
        leases = Identifier((schema, LEASES))
        marked = self._connection.execute(
            Sql("SELECT ", Identifier(("detail",)), ", ", Identifier(("worker",)), " FROM ", leases, _are_uploads())
        ).rows
        workers = self._workers(catalog) if marked else {}
        alive: dict[str, bool] = {}
        found = set()
        for detail, worker in marked:
            name = str(worker) if worker is not None else ""
            if name not in alive:
                alive[name] = workers.get(name) not in _GONE and self._is_alive(self._connection, schema, name)
            if alive[name]:
                found.add(str(json.loads(detail)[1]))
        return found

    def _workers(self, catalog: SchemaCatalog) -> dict[str, str]:
        if WORKERS not in catalog.tables:
            return {}
        columns = Sql.join(", ", [Identifier(("worker",)), Identifier(("state",))])
        rows = self._connection.execute(Sql("SELECT ", columns, " FROM ", Identifier((catalog.schema, WORKERS)))).rows
        return {str(worker): str(state) for worker, state in rows}

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
