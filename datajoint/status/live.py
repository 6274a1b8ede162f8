"""How far many tables are, asked of the database in one statement."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from datajoint.autopopulate.key_source import without_rows
from datajoint.diagram.overlay import TableStatus
from datajoint.expression.compile import compile_count
from datajoint.jobs.job import Job
from datajoint.sql.fragment import Sql
from datajoint.status.sources import has_queue, is_computed, keys_of, tables_of

if TYPE_CHECKING:
    from datajoint.connection import Connection
    from datajoint.definition import TableName
    from datajoint.table import Table

MAX_TABLES = 200
"""Computed tables that one statement asks for."""


class TableCounts:
    """Counts keys and jobs of computed tables, as often as one likes, by one statement each time.

    Parameters
    ----------
    connection : Connection
    names : collection of TableName
        Those that are not computed are left out.
    context : mapping
        Namespace in which the classes are looked for; key sources are theirs.

    Attributes
    ----------
    tables : dict
        TableName -> `Table`, of those that are counted.
    """

    def __init__(self, connection: Connection, names: Collection[TableName], context: Mapping[str, Any]) -> None:
        self.connection = connection
        computed = [name for name in names if is_computed(name)]
        self.tables: dict[TableName, Table] = tables_of(connection, computed, context)
        self._parts: dict[TableName, tuple[Sql, bool, bool]] = {}
        self._turn = 0
        self._known: dict[TableName, TableStatus] = {}
        self.prepare()

    def prepare(self) -> None:
        """Make the statement anew: queues may have come or gone."""
        found = ((name, self._columns(table)) for name, table in self.tables.items())
        self._parts = {name: columns for name, columns in found if columns is not None}

    @property
    def lacks_queues(self) -> bool:
        """Whether a table has no queue yet, which another program may make."""
        return any(not queued for _, _, queued in self._parts.values()) or len(self._parts) < len(self.tables)

    def look_again(self) -> None:
        """Ask whether another program made queues, and take them in; one light query instead of `read`."""
        before = {name: queued for name, (_, _, queued) in self._parts.items()}
        self.connection.look_again({name.schema for name in self.tables})
        if any(has_queue(table) != before.get(name, False) for name, table in self.tables.items()):
            self.prepare()

    def _columns(self, table: Table) -> tuple[Sql, bool, bool] | None:
        """Return four counts as scalar subqueries, whether the keys are known, and whether there is a queue."""
        backend = self.connection.backend
        keys, queued = keys_of(table), has_queue(table)
        if keys is None and not queued:
            return None
        nothing = Sql("0")
        total = left = running = errors = nothing
        if keys is not None:
            total = Sql("(", compile_count(keys._node, backend), ")")
            left = Sql("(", compile_count(without_rows(keys, table)._node, backend), ")")
        if queued:
            queue = Job(table)._queue
            running, errors = (
                Sql("(SELECT COUNT(*) FROM ", queue.name.identifier, " WHERE ", queue.is_status(status), ")")
                for status in ("reserved", "error")
            )
        return Sql.join(", ", (total, left, running, errors)), keys is not None, queued

    def read(self) -> dict[TableName, TableStatus]:
        """Return the status of every table that is counted, all in one snapshot.

        Of more than `MAX_TABLES` tables, the next so many are asked for at each call.

        Raises
        ------
        DataJointError
            If the database refuses; a table may have been dropped.
        """
        names = list(self._parts)
        if not names:
            return {}
        start = self._turn % len(names)
        chosen = names[start : start + MAX_TABLES]
        self._turn = start + len(chosen)
        rows = (Sql(f"SELECT {place}, ", self._parts[name][0]) for place, name in enumerate(chosen))
        for place, total, left, running, errors in self.connection.execute(Sql.join(" UNION ALL ", rows)).rows:
            name = chosen[int(place)]
            _, counted, queued = self._parts[name]
            self._known[name] = TableStatus(
                done=int(total) - int(left) if counted else None,
                total=int(total) if counted else None,
                running=int(running) if queued else None,
                errors=int(errors) if queued else None,
            )
        return dict(self._known)
