"""Who works, and who has which key: the tables ``~dj_worker`` and ``~dj_lease`` of a schema."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from datajoint.backends.catalog import TableInfo
from datajoint.declare.defaults import NULL, quoted_sql
from datajoint.definition import AttributeDefinition, IndexDefinition, TableDefinition, TableName
from datajoint.errors import AccessError, LockError, QueryError
from datajoint.jobs.keys import item_of
from datajoint.logging import logger
from datajoint.sql.fragment import Identifier, Parameter, Sql
from datajoint.values.parse import parse_type

if TYPE_CHECKING:
    from datajoint.connection import Connection
    from datajoint.jobs.queue import Queue

FORMAT = 1
PROTOCOL = 1
WORKER_TABLE, LEASE_TABLE = "~dj_worker", "~dj_lease"
SILENT_LEASES = 10
"""After how many leases of silence a worker is dead whatever else seems."""

_COLLATION = "CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
_FORMAT = re.compile(r"format (\d+)")
_ATTEMPTS = 5
_CHUNK = 200

State = Literal["running", "stopping", "uploading", "stopped", "dead"]
Kind = Literal["job", "upload"]


def _column(name: str, kind: str, *, null: bool = False, default: Sql | None = None, key: bool = False) -> AttributeDefinition:  # fmt: skip
    return AttributeDefinition(
        name, kind, parse_type(kind), nullable=null, default=NULL if null else default, in_key=key, collation=_COLLATION
    )  # fmt: skip


WORKERS = TableDefinition(
    (
        _column("worker", "char(36)", key=True),
        _column("host", "varchar(255)"),
        _column("db_user", "varchar(255)"),
        _column("pid", "int64"),
        _column("process_start", "varchar(64)"),
        _column("machine", "varchar(128)"),
        _column("session_id", "int64"),
        _column("version", "varchar(64)"),
        _column("protocol", "int16"),
        _column("started", "datetime(3)"),
        _column("last_seen", "datetime(3)"),
        _column("state", "varchar(16)"),
    ),
    comment=f"datajoint worker, format {FORMAT}",
)

LEASES = TableDefinition(
    (
        _column("kind", "varchar(8)", key=True),
        _column("table_name", "varchar(64)", key=True),
        _column("item", "char(64)", key=True),
        _column("worker", "char(36)", null=True),
        _column("reserved_time", "datetime(3)", null=True),
        _column("started", "datetime(3)", null=True),
        _column("next_try", "datetime(3)", null=True),
        _column("attempts", "int16", default=Sql("0")),
        _column("deaths", "int16", default=Sql("0")),
        _column("progress", "float64", null=True),
        _column("message", "varchar(2047)", default=quoted_sql("")),
        _column("detail", "text"),
        # The rest of the token, so that a job can be given back to the worker that has it.
        _column("connection_id", "int64", null=True),
    ),
    comment=f"datajoint lease, format {FORMAT}",
    indexes=(IndexDefinition(("worker",)),),
)

_LEASE = ("item", "worker", "reserved_time", "started", "attempts", "deaths", "progress", "message", "detail", "connection_id")  # fmt: skip
_WORKER = ("worker", "host", "db_user", "pid", "process_start", "machine", "session_id", "protocol", "started", "last_seen", "state")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Lease:
    """A row of ``~dj_lease``; moments are the driver's values."""

    item: str
    worker: str | None
    reserved_time: Any
    started: Any
    attempts: int
    deaths: int
    progress: float | None
    message: str
    detail: str
    connection_id: int | None


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """A row of ``~dj_worker``, with how long ago the worker was seen, in seconds."""

    worker: str
    host: str
    db_user: str
    pid: int
    process_start: str
    machine: str
    session_id: int
    protocol: int
    started: Any
    last_seen: Any
    state: str
    silent: float = 0.0


def is_dead(
    worker: WorkerRow,
    machine: str,
    lease_seconds: float,
    is_running: Callable[[int, str], bool],
    is_free: Callable[[str], bool | None],
) -> bool:
    """Tell whether a worker is gone, so that its jobs may be taken over.

    On the same machine its process decides. On another one it is dead if it has been silent for longer than its lease
    and nobody holds its lock, or for ten leases whatever the lock.

    Parameters
    ----------
    machine : str
        This machine.
    is_running : callable
        Tells whether the process with a number and a start runs here.
    is_free : callable
        Tells whether nobody holds the worker's lock; None where there are no locks.
    """
    if worker.state in {"stopped", "dead"}:
        return True
    if worker.machine == machine and worker.protocol <= PROTOCOL:
        return not is_running(worker.pid, worker.process_start)
    if worker.silent > SILENT_LEASES * lease_seconds:
        return True
    return worker.silent > lease_seconds and is_free(worker.worker) is True


class Registry:
    """The two tables of a schema, for the leases on jobs of one table.

    Parameters
    ----------
    connection : Connection
    schema : str
    table : str
        SQL name of the table whose jobs are leased.
    kind : {"job", "upload"}
    """

    def __init__(self, connection: Connection, schema: str, table: str, kind: Kind = "job") -> None:
        self.connection, self.schema = connection, schema
        self.workers, self.leases = TableName(schema, WORKER_TABLE), TableName(schema, LEASE_TABLE)
        self._which = Sql(
            column("kind"), " = ", Parameter(kind), " AND ", column("table_name"), " = ", Parameter(table)
        )
        self.kind, self.table = kind, table
        self.leased = (kind, table)
        """What tells registries of one schema apart."""
        self._taking: dict[int, str] = {}

    @property
    def now(self) -> Sql:
        """The server's clock."""
        return self.connection.backend.coordination.now(self.connection.target)

    # --- the tables
    def obstacle(self) -> str | None:
        """Return why there can be no leases as things are, None if there can; asks nothing that is known already."""
        catalog = self.connection.catalog(self.schema)
        for name in (WORKER_TABLE, LEASE_TABLE):
            info = catalog.tables.get(name) if catalog else None
            if info is None:
                return f"there is no table {name}"
            if _format(info) > FORMAT:
                return f"{name} was made by a newer release (format {_format(info)}; this one knows {FORMAT})"
        return None

    @property
    def is_there(self) -> bool:
        """Whether both tables exist in a form that this release knows."""
        if self.obstacle() is None:
            return True
        self.connection.look_again([self.schema])  # somebody may just have created them
        return self.obstacle() is None

    def ensure(self) -> str | None:
        """Create the tables where they are missing; return why there can be no leases, None if there can."""
        if self.is_there:
            return None
        self.connection.forget_catalog(self.schema)
        catalog = self.connection.catalog(self.schema)
        for name, definition in ((self.workers, WORKERS), (self.leases, LEASES)):
            info = catalog.tables.get(name.name) if catalog else None
            if info is None and (reason := self._create(name, definition)):
                return reason
        self.connection.forget_catalog(self.schema)
        return self.obstacle() or self._unreadable()

    def _create(self, name: TableName, definition: TableDefinition) -> str | None:
        connection = self.connection
        statements = connection.backend.create_table(name, definition, connection.catalog(self.schema))
        # Where it can be, a table is there as a whole, with its indexes and what its comment tells, or not at all.
        whole = connection.dialect.transactional_ddl and connection.commits_alone
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with connection.transaction if whole else nullcontext():
                    for statement in statements:
                        connection.execute(statement)
            except AccessError as error:
                return f"the user may not create {name}: {error}"
            except (QueryError, LockError) as error:
                # Another worker makes the same table; each time one of the two is through.
                if attempt == _ATTEMPTS:
                    return f"{name} could not be created: {error}"
            else:
                return None
        return None

    def _unreadable(self) -> str | None:
        try:
            for name in (self.workers, self.leases):
                self.connection.execute(Sql("SELECT 1 FROM ", name.identifier, " WHERE 1 = 0"))
        except AccessError as error:
            return f"the user may not read its tables: {error}"
        return None

    # --- leases
    def leases_of(self, condition: Sql | None = None, *, lock: bool = False) -> list[Lease]:
        """Return leases of this table."""
        where = Sql(self._which, " AND ", condition) if condition is not None else self._which
        suffix = " FOR UPDATE" if lock and self.connection.backend.coordination.row_locks else ""
        rows = self.connection.execute(
            Sql("SELECT ", _columns(_LEASE), " FROM ", self.leases.identifier, " WHERE ", where, suffix)
        ).rows
        return [_lease(row) for row in rows]

    def of_items(self, items: Sequence[str], *, lock: bool = False) -> dict[str, Lease]:
        """Return the leases of some items."""
        found: dict[str, Lease] = {}
        for start in range(0, len(items), _CHUNK):
            condition = Sql(column("item"), " IN (", Sql.join(", ", map(Parameter, items[start : start + _CHUNK])), ")")
            found.update((lease.item, lease) for lease in self.leases_of(condition, lock=lock))
        return found

    def of_detail(self, detail: str) -> Lease | None:
        """Return the lease of one item."""
        return self.of_items([item_of(detail)]).get(item_of(detail)) if self.is_there else None

    def take(self, worker: str, details: Mapping[str, str], reserved_time: Any, connection_id: int | None) -> None:
        """Lease items, given with their details, to a worker; what the leases remember stays."""
        text = self._taking.get(len(details))
        if text is None:
            text = self._taking[len(details)] = self._take_text(len(details))
        same = (worker, reserved_time, connection_id)
        values = [v for item, detail in details.items() for v in (self.kind, self.table, item, detail, *same)]
        self.connection.execute_text(text, values)

    def _take_text(self, count: int) -> str:
        """Return the statement of `take` for so many items."""
        names = ("kind", "table_name", "item", "detail", "worker", "reserved_time", "connection_id", "started", "progress", "message")  # fmt: skip
        merge = self.connection.backend.coordination.merge(names[:3], names[4:])
        row = Sql("(", Sql.join(", ", [Parameter("")] * 7), ", NULL, NULL, '')")
        rows = Sql.join(", ", [row] * count)
        statement = Sql("INSERT INTO ", self.leases.identifier, " (", _columns(names), ") VALUES ", rows, merge)
        return statement.render(self.connection.dialect).text

    def settle(self, worker: str, items: Sequence[str], assignments: Sql) -> int:
        """Change leases that a worker still has."""
        if not items:
            return 0
        return self.connection.execute(
            Sql("UPDATE ", self.leases.identifier, " SET ", assignments, " WHERE ", self._own(worker, items))
        ).rowcount

    def release(self, worker: str, items: Sequence[str], *, reason: str = "") -> int:
        """End leases that a worker still has, and remember why."""
        return self.settle(worker, items, freed(message=Parameter(reason)))

    def delete(self, worker: str, items: Sequence[str]) -> int:
        """Delete leases that a worker still has."""
        if not items:
            return 0
        return self.connection.execute(
            Sql("DELETE FROM ", self.leases.identifier, " WHERE ", self._own(worker, items))
        ).rowcount

    def _own(self, worker: str, items: Sequence[str]) -> Sql:
        among = Sql(column("item"), " IN (", Sql.join(", ", map(Parameter, items)), ")")
        return Sql(self._which, " AND ", among, " AND ", column("worker"), " = ", Parameter(worker))

    def change(self, item: str, assignments: Sql, *, seen: Lease | None = None) -> int:
        """Change a lease, whoever has it; or, if it was `seen`, as long as nobody else has the item."""
        where = Sql(self._which, " AND ", column("item"), " = ", Parameter(item))
        if seen is not None:
            was = ((column(n), getattr(seen, n)) for n in ("worker", "reserved_time"))
            same = (Sql(c, " IS NULL") if v is None else Sql(c, " = ", Parameter(v)) for c, v in was)
            where = Sql(where, " AND ", Sql.join(" AND ", same))
        return self.connection.execute(
            Sql("UPDATE ", self.leases.identifier, " SET ", assignments, " WHERE ", where)
        ).rowcount

    def all_of_kind(self) -> list[Lease]:
        """Return the leases of this kind on items of all tables."""
        rows = self.connection.execute(
            Sql("SELECT ", _columns(_LEASE), " FROM ", self.leases.identifier, " WHERE ", column("kind"), " = ", Parameter(self.kind))
        ).rows  # fmt: skip
        return [_lease(row) for row in rows]

    def delete_mark(self, lease: Lease) -> None:
        """Delete a lease of this kind on an item of whatever table, unless another worker has it now."""
        owner = Sql(" IS NULL") if lease.worker is None else Sql(" = ", Parameter(lease.worker))
        self.connection.execute(
            Sql("DELETE FROM ", self.leases.identifier, " WHERE ", column("kind"), " = ", Parameter(self.kind), " AND ",
                column("item"), " = ", Parameter(lease.item), " AND ", column("worker"), owner)
        )  # fmt: skip

    def delete_free(self, item: str) -> None:
        """Delete a lease that nobody has."""
        self.connection.execute(
            Sql("DELETE FROM ", self.leases.identifier, " WHERE ", self._which, " AND ", column("item"), " = ", Parameter(item),
                " AND ", column("worker"), " IS NULL")
        )  # fmt: skip

    def forget(self, detail: str) -> None:
        """Take the lease of an item from whoever has it."""
        self.change(item_of(detail), freed(message=Parameter("revoked")))

    def forget_history(self, detail: str) -> None:
        """Forget what the lease of an item that nobody has remembers."""
        if self.is_there:
            self.delete_free(item_of(detail))

    def forget_settled(self, queue: Queue) -> None:
        """Delete what leases remember of jobs that are not in the queue any more, and workers that ended long ago."""
        if not self.is_there or self.connection.in_transaction:
            return
        try:
            found = self.leases_of(Sql(column("worker"), " IS NULL"))
            keys = {lease.item: queue.keys.from_detail(lease.detail) for lease in found}
            there = {queue.keys.hashable(key) for key in queue.existing(list(keys.values()))}
            gone = [item for item, key in keys.items() if queue.keys.hashable(key) not in there]
            for start in range(0, len(gone), _CHUNK):
                among = Sql.join(", ", map(Parameter, gone[start : start + _CHUNK]))
                self.connection.execute(
                    Sql("DELETE FROM ", self.leases.identifier, " WHERE ", self._which, " AND ", column("item"), " IN (",
                        among, ") AND ", column("worker"), " IS NULL")
                )  # fmt: skip
            self.forget_workers()
        except AccessError as error:
            logger.debug("Old leases stay: %s", error)

    # --- workers
    def forget_workers(self) -> None:
        """Delete workers that ended long ago, or could not say so; one that lives registers again."""
        day = self.connection.backend.coordination.ago(self.connection.target, 86_400)
        self.connection.execute(
            Sql("DELETE FROM ", self.workers.identifier, " WHERE ", column("state"), " IN ('stopped', 'dead', 'uploading') AND ",
                column("last_seen"), " < ", day)
        )  # fmt: skip

    def strike_off(self, worker: str) -> None:
        """Delete a worker that has ended."""
        self.connection.execute(
            Sql("DELETE FROM ", self.workers.identifier, " WHERE ", column("worker"), " = ", Parameter(worker))
        )

    def register(self, row: Mapping[str, Any]) -> None:
        """Enter a worker, or note that it was seen."""
        names = tuple(row)
        values = Sql.join(", ", (v if isinstance(v, Sql) else Parameter(v) for v in row.values()))
        merge = self.connection.backend.coordination.merge(("worker",), ("session_id", "last_seen", "state"))
        self.connection.execute(
            Sql("INSERT INTO ", self.workers.identifier, " (", _columns(names), ") VALUES (", values, ")", merge)
        )

    def mark(self, worker: str, state: State) -> None:
        """Note what became of a worker."""
        self.connection.execute(
            Sql("UPDATE ", self.workers.identifier, " SET ", column("state"), " = ", Parameter(state), ", ", column("last_seen"),
                " = ", self.now if state != "dead" else column("last_seen"), " WHERE ", column("worker"), " = ", Parameter(worker))
        )  # fmt: skip

    def beat(self, worker: str) -> bool:
        """Note that a worker was seen; False if it is not registered any more, or others take it for dead."""
        return (
            self.connection.execute(
                Sql("UPDATE ", self.workers.identifier, " SET ", column("last_seen"), " = ", self.now, " WHERE ",
                    column("worker"), " = ", Parameter(worker), " AND ", column("state"), " NOT IN ('stopped', 'dead')")
            ).rowcount
            > 0
        )  # fmt: skip

    def workers_of(self, names: Iterable[str] | None = None) -> list[WorkerRow]:
        """Return workers, by default all that are at work on keys, with how long they have been silent."""
        condition = Sql(column("state"), " IN ('running', 'stopping')")
        if names is not None:
            listed = list(names)
            if not listed:
                return []
            condition = Sql(column("worker"), " IN (", Sql.join(", ", map(Parameter, listed)), ")")
        rows = self.connection.execute(
            Sql("SELECT ", _columns(_WORKER), ", ", self.now, " FROM ", self.workers.identifier, " WHERE ", condition)
        ).rows
        return [seen_worker(row[:-1], row[-1]) for row in rows]

    def lock_is_free(self, worker: str) -> bool | None:
        """Tell whether nobody holds a worker's lock; None where there are no locks."""
        free = self.connection.backend.coordination.is_free(f"dj:{worker}")
        return None if free is None else bool(self.connection.execute(free).rows[0][0])


def column(name: str) -> Identifier:
    """Return a column's name."""
    return Identifier((name,))


def freed(**others: Sql | Parameter) -> Sql:
    """Return the assignments of a lease that nobody has any more."""
    values = {"worker": Sql("NULL"), "reserved_time": Sql("NULL"), "started": Sql("NULL"), "progress": Sql("NULL"), **others}  # fmt: skip
    return Sql.join(", ", (Sql(column(n), " = ", v) for n, v in values.items()))


def _columns(names: Iterable[str]) -> Sql:
    return Sql.join(", ", map(column, names))


def _format(info: TableInfo) -> int:
    found = _FORMAT.search(info.comment)
    return int(found[1]) if found else 0


def _lease(row: Sequence[Any]) -> Lease:
    item, worker, reserved, started, attempts, deaths, progress, message, detail, connection_id = row
    return Lease(item, worker, reserved, started, int(attempts), int(deaths), progress, message, detail, connection_id)


def seen_worker(facts: Sequence[Any], now: Any) -> WorkerRow:
    """Return a worker as it is at a moment of the server's clock."""
    worker = WorkerRow(*facts)
    return replace(worker, silent=(as_moment(now) - as_moment(worker.last_seen)).total_seconds())


def as_moment(value: Any) -> dt.datetime:
    """Return a driver's moment as Python's."""
    return value if isinstance(value, dt.datetime) else dt.datetime.fromisoformat(str(value))
