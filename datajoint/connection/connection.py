"""A connection to one database: sessions, statements, transactions, structure."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from datajoint.backends.address import target_from_settings
from datajoint.backends.base import ExternalQuery, Process, RawResult, Request, Target
from datajoint.backends.cursor import BufferedCursor
from datajoint.backends.registry import get_backend
from datajoint.connection import forks
from datajoint.connection.blocks import Blocks
from datajoint.connection.catalogs import Catalogs
from datajoint.connection.hosting import HostedTransaction
from datajoint.connection.locks import Lock, described
from datajoint.connection.query_cache import QueryCache
from datajoint.connection.query_log import QueryRecord
from datajoint.connection.running import Running, described_running
from datajoint.connection.session import Session, Sessions
from datajoint.connection.statements import Statements
from datajoint.connection.transaction import Attachment, Host, OpenTransaction, Transaction
from datajoint.errors import DataJointError, LostConnectionError
from datajoint.events import EventStream
from datajoint.settings import process_config
from datajoint.sql.fragment import Sql, Statement

if TYPE_CHECKING:
    from datajoint.backends.catalog import SchemaCatalog
    from datajoint.graph.dependencies import Dependencies
    from datajoint.settings import Config
    from datajoint.values.model import ValueType

logger = logging.getLogger("datajoint")


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
    read_only : bool
        Whether the database itself refuses every write through this connection.

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
        read_only: bool = False,
    ) -> None:
        if user is not None and not isinstance(user, str):
            user, config_override = None, user
        self.settings: Config = config_override or process_config()
        if isinstance(host, Target):
            target = host
        else:
            given: dict[str, Any] = {"user": user, "password": password, "port": port, "use_tls": use_tls}
            target = target_from_settings(self.settings, host=host, backend=backend, database=database_name, **given)
        if read_only:
            target = replace(target, read_only=True)
        self.backend = get_backend(target.backend)
        self.target = self.backend.resolved(target)
        self.events = EventStream()
        self.schemas: dict[str, Any] = {}
        self._sessions = Sessions(self._open_session)
        self._statements = Statements(self, self._sessions)
        self._blocks = Blocks(self, self._statements)
        self._cache = QueryCache(self.settings)
        self._catalogs = Catalogs(self, self._execute, self._forget_dependencies)
        self._dependencies: Dependencies | None = None
        self.confirm_delete: Callable[[Any], bool] | None = None
        """Asked before rows are deleted, instead of the person at the keyboard; given the plan."""
        self.before_close: set[Callable[[Connection], None]] = set()
        """Called at the beginning of each `close`: by those whose threads use this connection."""
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
        transaction = self._blocks.current
        session = transaction.session if transaction is not None and transaction.begun else self._sessions.own
        if session is None or not session.usable or self._sessions.closed:
            return False
        with session.in_use:
            return not session.closed and session.backend.is_alive(session.raw)

    @property
    def conn_info(self) -> dict[str, Any]:
        """Where the connection leads and as whom; without the password."""
        target = self.target
        names = {"host": target.host, "port": target.port, "user": target.user, "database_name": target.database}
        info: dict[str, Any] = {**names, "ssl_input": target.use_tls}
        if target.path is not None:
            info["path"] = target.path
        if target.use_tls is not False:
            info["ssl"] = target.use_tls if isinstance(target.use_tls, dict) else True
        return info

    def ping(self) -> None:
        """Ask the database for a sign of life.

        Raises
        ------
        LostConnectionError
            If there is none.
        """
        if not self.is_connected:
            raise LostConnectionError(f"The connection to {self.address} is lost.", hint="Call connection.connect().")

    def get_user(self) -> str:
        """Return the user as the database sees it: ``name@host`` on MySQL, ``name`` elsewhere."""
        return self.backend.user(self._execute)

    def __repr__(self) -> str:
        return f"DataJoint connection ({'connected' if self.is_connected else 'disconnected'}) {self.address}"

    # --- sessions
    def connect(self) -> None:
        """Open, or open again, this thread's session."""
        self._sessions.renew()

    def _open_session(self) -> Session:
        with forks.opening:
            raw = self.backend.connect(self.target)
            self.backend = backend = self.backend.refined(raw)
            session = Session(raw, backend, backend.session_id(raw))
            if self.dialect.embedded:
                session.reopen = lambda: backend.connect(self.target)
                forks.watch(session)
        return session

    def _session(self) -> Session:
        return self._statements.session()

    def close(self) -> None:
        """Close the sessions of all threads. Calling it again does nothing."""
        for call in list(self.before_close):
            call(self)
        self._sessions.close()

    def close_thread(self) -> None:
        """Close this thread's session, if it has one; others are untouched."""
        self._sessions.leave()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- statements
    def execute(self, sql: Sql, source: object = None) -> RawResult:
        """Run one statement and return its whole result.

        Parameters
        ----------
        source : object, optional
            Of a query, the expression that it asks about; see `fetch`.

        Raises
        ------
        DataJointError
            The class that fits the engine's error, which is chained. `LostConnectionError` when the link broke
            inside a transaction, or could not be restored.
        """
        text, values = sql.render(self.backend.dialect)
        if source is not None and (host := self.host) is not None:
            return host.read(Request(text, values), source)
        return self.execute_text(text, values)

    def execute_text(self, text: str, values: Sequence[Any]) -> RawResult:
        """Run a statement that was rendered before; otherwise as `execute`."""
        return self.execute_request(Request(text, values))

    def execute_request(self, request: Request) -> RawResult:
        """Run a statement of which more is known than its text; otherwise as `execute`."""
        if self._cache.label is None:
            return self._run(request)
        text, values = request.text, request.values
        rows = self._cache.rows(text, values, lambda: self._run(request).rows)
        return RawResult((), rows, len(rows))

    def _run(self, request: Request) -> RawResult:
        text, values = request.text, request.values
        return self._statements.run(text, lambda s: s.backend.execute(s.raw, text, values), request=request)

    def _execute(self, sql: Sql) -> RawResult:
        """Run a query about the database itself, past the query cache; no part of what anybody computes from."""
        text, values = sql.render(self.backend.dialect)
        request = Request(text, values)
        if (host := self.host) is not None:
            return host.read(request, None)
        return self._run(request)

    @property
    def host(self) -> Host | None:
        """Who runs the statements of this thread, if somebody does and answers are not kept in files."""
        transaction = self._statements.here.transaction
        return None if transaction is None or self._cache.label is not None else transaction.host

    def hosted(self, host: Host) -> HostedTransaction:
        """Return a transaction of this thread whose statements `host` runs."""
        return HostedTransaction(self, self._blocks, self._statements, host)

    def fetch(self, statement: Statement, types: Sequence[ValueType], source: object = None) -> list[tuple[Any, ...]]:
        """Run a query whose columns have the given types and return its rows, for the decoders of these types.

        Parameters
        ----------
        source : object, optional
            Whose rows are asked for (a node and the names of the attributes), for who records what was read.

        Raises
        ------
        DataJointError
            As `execute`.
        """
        text, values = statement
        if (host := self.host) is not None:
            return host.read(Request(text, values, types), source).rows

        def run(session: Session) -> RawResult:
            rows = session.backend.fetch(session.raw, text, values, types)
            return RawResult((), rows, len(rows))

        if self._cache.label is None:
            return self._statements.run(text, run).rows
        return self._cache.rows(text, values, lambda: self._statements.run(text, run).rows)

    def fetch_columns(self, statement: Statement, types: Sequence[ValueType], source: object = None) -> list[Any]:
        """Run a query as `fetch` does and return its columns; see `Backend.fetch_columns`."""
        text, values = statement
        if (host := self.host) is not None:
            return host.read(Request(text, values, types, columns=True), source).rows

        def run(session: Session) -> RawResult:
            columns = session.backend.fetch_columns(session.raw, text, values, types)
            return RawResult((), columns, len(columns[0]) if columns else 0)

        if self._cache.label is None:
            return self._statements.run(text, run).rows
        return self._cache.rows(text, values, lambda: self._statements.run(text, run).rows, form="columns")

    def external_query(self, statement: Statement) -> ExternalQuery | None:
        """Return a query for a program that connects by itself; None where none can connect as this connection does."""
        return self.backend.external_query(self._session().raw, self.target, statement)

    def execute_many(self, sql: Sql, rows: Iterable[Sequence[Any]]) -> int:
        """Run one data statement for many rows of driver values; return the number of affected rows.

        `sql` holds one `Parameter` for each value of a row; their own values do not matter. All rows are written
        or none.
        """
        text, _ = sql.render(self.backend.dialect)
        self._cache.check(text)

        def run(session: Session) -> RawResult:
            return RawResult((), [], session.backend.execute_many(session.raw, text, rows))

        with nullcontext() if self.in_transaction else self.transaction:
            return self._statements.run(text, run, repeatable=False).rowcount

    def query(
        self,
        query: str,
        args: Sequence[Any] | Mapping[str, Any] = (),
        *,
        as_dict: bool = False,
        suppress_warnings: bool = True,  # noqa: ARG002 - the drivers give none
        reconnect: bool | None = None,
    ) -> Any:
        """Run a statement written by the user and return a DB-API cursor: the raw door.

        Parameters
        ----------
        query : str
            For the engine in use. ``%s`` stands for a value of `args` and ``%%`` for a percent sign, on every engine.
        as_dict : bool
            Whether rows are dicts.
        reconnect : bool, optional
            Whether a lost link is replaced; the setting ``database.reconnect`` by default.

        Raises
        ------
        DataJointError
            As `execute`.
        """
        self._statements.check_reading(query)

        def read() -> Any:
            cursors: list[Any] = []

            def run(session: Session) -> RawResult:
                cursors.append(session.backend.cursor(session.raw, query, args, as_dict=as_dict))  # type: ignore[arg-type]
                return RawResult((), [], getattr(cursors[-1], "rowcount", -1))

            self._statements.run(query, run, reconnect=reconnect)
            return cursors[-1]

        if self._cache.label is None:
            return read()
        rows = self._cache.rows(query, args, lambda: list(read().fetchall()), form="dict" if as_dict else "")
        return BufferedCursor(None, rows, len(rows), None)

    def query_log(self) -> AbstractContextManager[list[QueryRecord]]:
        """Collect every statement that this connection runs, in any thread, while the block lasts."""
        return self._statements.log.collected()

    @contextmanager
    def time_limit(self, seconds: float) -> Iterator[Self]:
        """End every statement of this thread that takes longer than `seconds`, while the block lasts.

        Inside another such block, the shorter limit counts.

        Raises
        ------
        TimeLimitError
            Out of the statement. A transaction that it is part of goes on, where the engine has not undone it.
        """
        if seconds <= 0:
            raise DataJointError(f"A time limit of {seconds} s.", hint="Give a positive number of seconds.")
        here = self._sessions.here
        before = here.limit
        here.limit = seconds if before is None else min(before, seconds)
        try:
            yield self
        finally:
            here.limit = before

    def locks(self) -> list[Lock]:
        """Return who waits for whose locks at this moment, as far as the user may see it.

        On MySQL that takes the privilege PROCESS and SELECT on performance_schema. SQLite tells who writes, not who waits.
        """
        return [described(wait) for wait in self.backend.lock_waits(self._execute, self.target)]

    def end_blocking(self, number: int) -> Lock:
        """End a session of your own that others wait for; what its transaction has written is undone.

        Parameters
        ----------
        number : int
            Of the session, as `locks` tells it.

        Returns
        -------
        Lock
            Who waited for it.

        Raises
        ------
        DataJointError
            If nobody waits for it, it belongs to another user, or the engine has no sessions to end.
        """
        found = next((lock for lock in self.locks() if lock.blocking.number == number), None)
        if found is None:
            raise DataJointError(f"Nobody waits for a session of number {number}.", hint="See connection.locks().")
        self._end_own(found.blocking, self.backend.end_session(number), "the transaction")
        return found

    def running(self) -> list[Running]:
        """Return what others run at this moment, the longest first, as far as the user may see it.

        Sessions of the same program are among them. SQLite tells who writes, and nothing of statements.
        """
        return [described_running(process) for process in self.backend.working(self._execute, self.target)]

    def end_running(self, number: int) -> Running:
        """End the statement that a session of your own runs; the session, and a transaction around it, may go on.

        Parameters
        ----------
        number : int
            Of the session, as `running` tells it.

        Returns
        -------
        Running
            What was ended.

        Raises
        ------
        DataJointError
            If the session runs nothing, it belongs to another user, or the engine has no sessions.
        """
        found = next((running for running in self.running() if running.process.number == number), None)
        if found is None:
            raise DataJointError(f"No session of number {number} runs a statement.", hint="See connection.running().")
        self._end_own(found.process, self.backend.end_statement(number), "the statement")
        return found

    def _end_own(self, process: Process, statement: Sql | None, what: str) -> None:
        """Run what ends something of a session, if that belongs to the user."""
        if statement is None:
            raise DataJointError(
                f"Number {process.number} is a process of this machine, not a session of a server.",
                hint=f"End {what} in that program, or end the program.",
            )
        mine = self.backend.user(self._execute).partition("@")[0]
        if process.user != mine:
            raise DataJointError(
                f"Session {process.number} belongs to {process.user}, and you are {mine}.",
                hint=f"Ask {process.user} to end {what}.",
            )
        self._execute(statement)

    def backup(self, path: str | Path) -> None:
        """Copy a SQLite database to a new file, as it is at this moment; others may go on working with it.

        Raises
        ------
        DataJointError
            If `path` exists or cannot be written, and for a server, which has tools of its own.
        """
        with forks.opening:
            self.backend.backup(self.target, str(path))

    def set_query_cache(self, query_cache: str | None = None) -> None:
        """Keep the results of queries in files, and answer from these; or stop doing so.

        Only queries are allowed meanwhile. The folder is the setting ``query_cache``.

        Parameters
        ----------
        query_cache : str, optional
            Label of the results: another label is another cache. None turns the cache off.
        """
        self._cache.label = query_cache

    def purge_query_cache(self) -> None:
        """Delete all kept results.

        Raises
        ------
        DataJointError
            If the setting ``query_cache`` names no folder.
        """
        self._cache.purge()

    # --- transactions
    @property
    def transaction(self) -> Transaction:
        """``with connection.transaction:`` commits at its end and rolls back on any exception."""
        return Transaction(self, self._blocks)

    @property
    def in_transaction(self) -> bool:
        """Whether this thread is inside a transaction."""
        return self._blocks.current is not None

    @property
    def open_transactions(self) -> list[OpenTransaction]:
        """The transactions of all threads at this moment."""
        return list(self._statements.open)

    @property
    def has_begun(self) -> bool:
        """Whether this thread is inside a transaction that the database knows of already."""
        transaction = self._blocks.current
        return transaction is not None and transaction.begun

    @property
    def commits_alone(self) -> bool:
        """Whether a statement of this thread is committed by itself: no transaction is open, nor begun by a statement."""
        return not self.in_transaction and not self._has_begun_by_statement

    @property
    def is_only_writer(self) -> bool:
        """Whether the transaction that this thread is in keeps every other writer out."""
        begun = self.has_begun or (self._has_begun_by_statement and not self.in_transaction)
        return begun and not self.backend.coordination.row_locks

    @property
    def _has_begun_by_statement(self) -> bool:
        own = self._sessions.own
        return own is not None and own.begun

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
        self._blocks.enter("snapshot")

    def commit_transaction(self) -> None:
        """Commit the transaction of this thread, if there is one."""
        self._blocks.end(keep=True)

    def cancel_transaction(self) -> None:
        """Roll back the transaction of this thread, if there is one."""
        self._blocks.end(keep=False)

    def at_end_of_transaction(self, call: Callable[[bool | None], None]) -> None:
        """Call a function when the transaction of this thread has ended, or at once if there is none.

        Parameters
        ----------
        call : callable
            Is told whether what was done is kept: True, False, or None where nobody knows.
        """
        transaction = self._blocks.current
        if transaction is None:
            call(True)
        else:
            transaction.at_end.append(call)

    def attach(self) -> Attachment:
        """Return what lets helper threads work inside the transaction of this one.

        ``join = connection.attach()`` here, ``with join: ...`` in each helper. Their statements run one at a time. Called
        in a thread without a transaction, it means the only one that is open on this connection.

        Raises
        ------
        DataJointError
            If there is no transaction, or several of which none is of this thread.
        """
        return self._blocks.attach()

    # --- structure
    def catalog(self, schema: str) -> SchemaCatalog | None:
        """Return the structure of a schema, or None if it does not exist.

        Read once, then kept; at most once a second a light query asks whether another program has changed it.
        """
        return self._catalogs.one(schema)

    def catalogs(self, schemas: Iterable[str]) -> dict[str, SchemaCatalog]:
        """Return the structure of several schemas, reading the unknown ones together."""
        return self._catalogs.get(schemas)

    def look_again(self, schemas: Iterable[str], seconds: float = 0) -> None:
        """Forget those of `schemas` that other programs changed, unless that was asked less than `seconds` ago."""
        self._catalogs.look_again(schemas, seconds)

    def forget_catalog(self, *schemas: str) -> None:
        """Drop what is known of `schemas` (of all, without arguments), after their structure changed."""
        self._catalogs.forget(*schemas)

    def _forget_dependencies(self) -> None:
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
        self._forget_dependencies()
