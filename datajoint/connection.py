"""The one way to a database: execute, transactions, retry, reconnect, query log.

A `Connection` lends one driver connection, a *session*, to each thread that uses it. A transaction belongs to the
thread that opened it.
"""

from __future__ import annotations

import importlib
import logging
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from datajoint.backends.address import target_from_settings
from datajoint.backends.base import Backend, BeginKind, RawResult, Target
from datajoint.backends.registry import get_backend
from datajoint.errors import DataJointError, LostConnectionError, MissingTableError, UnknownAttributeError
from datajoint.events import EventStream
from datajoint.settings import process_config
from datajoint.sql.fragment import Identifier, Sql

if TYPE_CHECKING:
    from datajoint.backends.catalog import SchemaCatalog
    from datajoint.graph.dependencies import Dependencies
    from datajoint.settings import Config

logger = logging.getLogger("datajoint")

_LOGGED_CHARACTERS = 300
_CATALOG_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class QueryRecord:
    """One executed statement: its text (values are never kept), how long it took in seconds, how many rows."""

    text: str
    duration: float
    rows: int


@dataclass(slots=True)
class _Session:
    """A thread's driver connection and the state of its transaction."""

    raw: Any
    backend: Backend
    number: int
    process: int = field(default_factory=os.getpid)
    depth: int = 0  # 0: none; n: inside n nested transaction blocks
    lost: bool = False  # the link broke inside a transaction that is not yet left
    closed: bool = False
    # Held while a statement runs: another thread that closes all sessions must not pull the driver's connection away
    # under it (with sqlite3 that ends the process).
    in_use: threading.RLock = field(default_factory=threading.RLock)

    def close(self) -> None:
        # A forked child must not say goodbye on its parent's socket, nor wait for its parent's threads.
        if self.process != os.getpid():
            self.closed = True
            return
        with self.in_use:
            if not self.closed:
                self.backend.close(self.raw)
            self.closed = True


@dataclass(frozen=True, slots=True)
class _CatalogCheck:
    """The version of a schema's structure, and when the database last confirmed it, in seconds of a steady clock."""

    version: str | None
    time: float


class Transaction:
    """What ``connection.transaction`` is: a context manager, and callable for a read-only one.

    The outermost block is a transaction, blocks inside it are savepoints. Any exception that leaves a block undoes
    that block and passes on.
    """

    def __init__(self, connection: Connection, kind: BeginKind = "write") -> None:
        self._connection, self._kind = connection, kind

    def __call__(self, *, read_only: bool = False) -> Transaction:
        """Return a transaction that sees one snapshot; with `read_only`, a write in it is an error."""
        return Transaction(self._connection, "read_only" if read_only else "write")

    def __enter__(self) -> Connection:
        self._connection._enter_block(self._kind)
        return self._connection

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._connection._leave_block()
        else:
            self._connection._undo_block()


class Connection:
    """A connection to one database server, or to one SQLite file.

    Parameters
    ----------
    host : str or Target
        A host (``name``, ``name:port``, ``[::1]:port``, ``/path/of/socket``), a URL, or a target that says it all.
    user : str or Config, optional
        Who connects. With a target, its settings may stand here: ``Connection(target, settings)``.
    password, port, use_tls : optional
        From the settings where not given. `use_tls`: None prefers TLS, True requires it, a dict also says how, False forbids it.
    database_name : str, optional
        The database of a PostgreSQL server.
    backend : str, optional
        ``mysql``, ``mariadb``, ``postgresql`` or ``sqlite``.
    config_override : Config, optional
        The settings that everything which works through this connection reads, for its whole life; those of the
        process by default.

    Raises
    ------
    DataJointError
        If something is missing, or the database cannot be reached or opened; the driver's error is chained.
    """

    def __init__(
        self,
        host: str | Target | None = None,
        user: str | Config | None = None,
        password: str | None = None,
        port: int | None = None,
        use_tls: bool | dict[str, Any] | None = None,
        *,
        database_name: str | None = None,
        backend: str | None = None,
        config_override: Config | None = None,
    ) -> None:
        if user is not None and not isinstance(user, str):
            user, config_override = None, user
        self.settings: Config = config_override or process_config()
        if isinstance(host, Target):
            target = host
        else:
            given: dict[str, Any] = {"user": user, "password": password, "port": port, "use_tls": use_tls}
            target = target_from_settings(self.settings, host=host, backend=backend, database=database_name, **given)
        self.backend = get_backend(target.backend)
        self.target = self.backend.resolved(target)
        self.events = EventStream()
        self.schemas: dict[str, Any] = {}
        self._local = threading.local()
        self._sessions: weakref.WeakSet[Any] = weakref.WeakSet()
        self._lock = threading.RLock()
        self._catalogs: dict[str, SchemaCatalog | None] = {}
        self._catalog_checks: dict[str, _CatalogCheck] = {}
        self._dependencies: Dependencies | None = None
        self._observers: tuple[Callable[[QueryRecord], None], ...] = ()
        self._closed = False
        self.connect()
        # Choosing a file is announced where it is chosen; a server is named once it has answered.
        logger.log(
            logging.DEBUG if target.path is not None else logging.INFO, "DataJoint connected to %s", self.address
        )

    # --- who and where
    @property
    def dialect(self) -> Any:
        """The facts of the engine."""
        return self.backend.dialect

    @property
    def adapter(self) -> Any:
        """SQL text of the engine for programs that compose their own; see `datajoint.adapters`."""
        # Found by its name: it stands above, among what only older programs ask for.
        return importlib.import_module("datajoint.adapters").get_adapter(self.dialect.name)

    @property
    def address(self) -> str:
        """The database as a person would name it, without secrets."""
        target = self.target
        if target.path is not None:
            return f"{self.dialect.name} file {target.path}"
        place = f"{target.user}@{target.host}:{target.port or self.dialect.default_port}"
        return f"{place}/{target.database}" if target.database else place

    @property
    def connection_id(self) -> int:
        """The server's number of this thread's session."""
        return self._session().number

    @property
    def is_connected(self) -> bool:
        """Whether this thread's session is open and answers."""
        session = getattr(self._local, "session", None)
        return bool(session and not session.closed and not self._closed and self.backend.is_alive(session.raw))

    def __repr__(self) -> str:
        return f"DataJoint connection ({'connected' if self.is_connected else 'disconnected'}) {self.address}"

    # --- sessions
    def connect(self) -> None:
        """Open, or open again, this thread's session."""
        old = getattr(self._local, "session", None)
        if old is not None:
            old.close()
        raw = self.backend.connect(self.target)
        self.backend = self.backend.refined(raw)
        session = _Session(raw, self.backend, self.backend.session_id(raw))
        holder = _Holder(session)
        self._local.session, self._local.holder = session, holder
        with self._lock:
            self._sessions.add(holder)
            self._closed = False

    def _session(self) -> _Session:
        session: _Session | None = getattr(self._local, "session", None)
        if session is None or session.closed or session.process != os.getpid():
            if self._closed and not self.settings.database.reconnect:
                raise LostConnectionError(
                    "The connection is closed.", hint="Call connection.connect() to open it again."
                )
            self.connect()
            session = self._local.session
        return session

    def close(self) -> None:
        """Close the sessions of all threads. Calling it again does nothing."""
        with self._lock:
            holders = list(self._sessions)
            self._sessions.clear()
            self._closed = True
        for holder in holders:
            holder.session.close()

    def close_thread(self) -> None:
        """Close this thread's session, if it has one; others are untouched."""
        session = getattr(self._local, "session", None)
        if session is not None:
            session.close()
            del self._local.session, self._local.holder

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- statements
    def execute(self, sql: Sql) -> RawResult:
        """Run one statement and return its whole result.

        Raises
        ------
        DataJointError
            The class that fits the engine's error, which is chained. `LostConnectionError` when the link broke
            inside a transaction, or could not be restored.
        """
        text, values = sql.render(self.backend.dialect)
        return self._run(text, lambda session: self.backend.execute(session.raw, text, values))

    def execute_many(self, sql: Sql, rows: Sequence[Sequence[Any]]) -> int:
        """Run one data statement for many rows of driver values; return the number of affected rows.

        `sql` holds one `Parameter` for each value of a row; their own values do not matter. All rows are written
        or none.
        """
        text, _ = sql.render(self.backend.dialect)

        def run(session: _Session) -> RawResult:
            return RawResult((), [], self.backend.execute_many(session.raw, text, rows))

        if self.in_transaction:
            return self._run(text, run).rowcount
        with self.transaction:
            return self._run(text, run).rowcount

    def query(
        self,
        query: str,
        args: Sequence[Any] | Mapping[str, Any] = (),
        *,
        as_dict: bool = False,
        suppress_warnings: bool = True,  # noqa: ARG002 - kept for programs that pass it
        reconnect: bool | None = None,  # noqa: ARG002
    ) -> Any:
        """Run a statement written by the user and return a DB-API cursor: the raw door.

        Parameters
        ----------
        query : str
            For the engine in use. ``%s`` stands for a value of `args` and ``%%`` for a percent sign, on every engine.
        as_dict : bool
            Whether rows are dicts.

        Raises
        ------
        DataJointError
            As `execute`.
        """
        result: list[Any] = []

        def run(session: _Session) -> RawResult:
            result.append(self.backend.cursor(session.raw, query, args, as_dict=as_dict))  # type: ignore[arg-type]
            return RawResult((), [], getattr(result[-1], "rowcount", -1))

        self._run(query, run)
        return result[-1]

    def _run(self, text: str, run: Callable[[_Session], RawResult]) -> RawResult:
        session = self._session()
        if session.lost:
            raise LostConnectionError(
                "The connection was lost during a transaction.", hint="Leave the block and repeat it."
            )
        try:
            return self._timed(text, session, run)
        except DataJointError:
            raise
        except Exception as error:  # every driver has its own tree of exceptions; `explain` sorts them
            explained = self.backend.explain(error, text)
            if isinstance(explained, UnknownAttributeError | MissingTableError):
                self.forget_catalog()  # what is known of the structure is not so any more
            if not isinstance(explained, LostConnectionError):
                raise explained from error
            return self._run_again(text, session, run, explained, error)
        except BaseException:
            # An interrupt amid an exchange: the next thing to be read would be the answer to this statement.
            if session.depth:
                session.lost = True
            else:
                session.close()
            raise

    def _run_again(
        self,
        text: str,
        session: _Session,
        run: Callable[[_Session], RawResult],
        explained: LostConnectionError,
        error: Exception,
    ) -> RawResult:
        """Reconnect and repeat the statement, unless that could hide a lost transaction."""
        if session.depth:
            session.lost = True
            raise LostConnectionError(
                "The connection was lost during a transaction.", hint="Nothing of it was kept; repeat the whole block."
            ) from error
        if not self.settings.database.reconnect:
            raise explained from error
        logger.warning("Connection to %s was lost; reconnecting.", self.address)
        self.connect()
        try:
            return self._timed(text, self._local.session, run)
        except DataJointError:
            raise
        except Exception as again:  # as above
            raise self.backend.explain(again, text) from again

    def _timed(self, text: str, session: _Session, run: Callable[[_Session], RawResult]) -> RawResult:
        start = time.perf_counter()
        with session.in_use:
            if session.closed:
                raise LostConnectionError("The connection was closed by another thread.")
            result = run(session)
        if not self._observers and not logger.isEnabledFor(logging.DEBUG):
            return result
        record = QueryRecord(text, time.perf_counter() - start, len(result.rows) if result.columns else result.rowcount)
        logger.debug("%.1f ms %s", 1e3 * record.duration, text[:_LOGGED_CHARACTERS])
        for observer in self._observers:
            observer(record)
        return result

    @contextmanager
    def query_log(self) -> Iterator[list[QueryRecord]]:
        """Collect every statement that this connection runs, in any thread, while the block lasts."""
        records: list[QueryRecord] = []
        with self._lock:
            self._observers = (*self._observers, records.append)
        try:
            yield records
        finally:
            with self._lock:
                self._observers = tuple(o for o in self._observers if getattr(o, "__self__", None) is not records)

    # --- transactions
    @property
    def transaction(self) -> Transaction:
        """``with connection.transaction:`` commits at its end and rolls back on any exception."""
        return Transaction(self)

    @property
    def in_transaction(self) -> bool:
        """Whether this thread is inside a transaction."""
        session = getattr(self._local, "session", None)
        return bool(session and not session.closed and session.depth)

    def start_transaction(self) -> None:
        """Begin a transaction that `commit_transaction` or `cancel_transaction` ends.

        Raises
        ------
        DataJointError
            Inside a transaction.
        """
        if self.in_transaction:
            raise DataJointError(
                "Nested connections are not supported.", hint="Use `with connection.transaction:` to nest."
            )
        self._enter_block("snapshot")

    def commit_transaction(self) -> None:
        """Commit the transaction of this thread, if there is one."""
        if self.in_transaction:
            self._session().depth = 1
            self._leave_block()

    def cancel_transaction(self) -> None:
        """Roll back the transaction of this thread, if there is one."""
        if self.in_transaction:
            self._session().depth = 1
            self._undo_block()

    def _enter_block(self, kind: BeginKind) -> None:
        session = self._session()
        if session.depth:
            self.execute(Sql("SAVEPOINT ", Identifier((f"dj{session.depth}",))))
        else:
            for statement in self.backend.begin(kind):
                self.execute(Sql(statement))
        self._local.session.depth += 1

    def _leave_block(self) -> None:
        session = self._session()
        if session.lost:
            self._undo_block()
            raise LostConnectionError("The connection was lost during a transaction.", hint="Nothing of it was kept.")
        if session.depth > 1:
            self.execute(Sql("RELEASE SAVEPOINT ", Identifier((f"dj{session.depth - 1}",))))
        else:
            try:
                self.execute(Sql("COMMIT"))
            except BaseException:
                self._undo_block()
                raise
        session.depth -= 1

    def _undo_block(self) -> None:
        session: _Session = self._local.session
        session.depth -= 1
        if session.lost or session.closed:
            if not session.depth:
                session.close()
            return
        try:
            if session.depth:
                name = Identifier((f"dj{session.depth}",))
                self.execute(Sql("ROLLBACK TO SAVEPOINT ", name))
                self.execute(Sql("RELEASE SAVEPOINT ", name))
            else:
                self.execute(Sql("ROLLBACK"))
        except DataJointError as error:
            # A session whose rollback failed holds nothing we can trust; the server ends its transaction with it.
            logger.warning("Rollback failed, the session is closed: %s", error)
            session.lost = bool(session.depth)
            session.close()

    # --- structure
    def catalog(self, schema: str) -> SchemaCatalog | None:
        """Return the structure of a schema, or None if it does not exist.

        Read once, then kept; at most once a second a light query asks whether another program has changed it.
        """
        return self.catalogs([schema]).get(schema)

    def catalogs(self, schemas: Iterable[str]) -> dict[str, SchemaCatalog]:
        """Return the structure of several schemas, reading the unknown ones together."""
        wanted = list(dict.fromkeys(schemas))
        self.look_again(wanted, _CATALOG_SECONDS)
        with self._lock:
            unknown = [s for s in wanted if s not in self._catalogs]
            if unknown:
                # The version comes first: what changes while the structure is read is then found changed.
                versions = self.backend.catalog_versions(self.execute, unknown)
                loaded = self.backend.load_catalog(self.execute, unknown)
                now = time.monotonic()
                for schema in unknown:
                    self._catalogs[schema] = loaded.get(schema)
                    self._catalog_checks[schema] = _CatalogCheck(versions.get(schema), now)
            return {s: c for s in wanted if (c := self._catalogs[s]) is not None}

    def look_again(self, schemas: Iterable[str], seconds: float = 0) -> None:
        """Forget those of `schemas` that other programs changed, unless that was asked less than `seconds` ago."""
        if self.in_transaction:  # which sees one state, and must not be disturbed
            return
        now = time.monotonic()
        with self._lock:
            due = {s: c for s in schemas if (c := self._catalog_checks.get(s)) and now - c.time >= seconds}
        if not due:
            return
        versions = self.backend.catalog_versions(self.execute, list(due))
        changed = [s for s, check in due.items() if check.version != versions.get(s)]
        with self._lock:
            for schema, check in due.items():
                if self._catalog_checks.get(schema) is check:
                    self._catalog_checks[schema] = _CatalogCheck(check.version, now)
        if changed:
            self.forget_catalog(*changed)

    def forget_catalog(self, *schemas: str) -> None:
        """Drop what is known of `schemas` (of all, without arguments), after their structure changed."""
        with self._lock:
            for schema in schemas or list(self._catalogs):
                self._catalogs.pop(schema, None)
                self._catalog_checks.pop(schema, None)
        # Outside the lock: the graph takes its own lock first and this one second.
        if self._dependencies is not None:
            self._dependencies.clear()

    @property
    def dependencies(self) -> Dependencies:
        """The graph of foreign keys; the same object for the life of the connection."""
        if self._dependencies is None:
            from datajoint.graph.dependencies import Dependencies  # noqa: PLC0415 - networkx is loaded when needed

            self._dependencies = Dependencies(self)
        return self._dependencies

    def register(self, schema: Any) -> None:
        """Record an activated schema."""
        self.schemas[schema.database] = schema
        if self._dependencies is not None:
            self._dependencies.clear()


class _Holder:
    """Closes a thread's session when the thread, whose local storage owns this object, is gone."""

    def __init__(self, session: _Session) -> None:
        self.session = session

    def __del__(self) -> None:
        self.session.close()
