"""Run statements: in the transaction that the thread takes part in, else alone; reconnect where that hides nothing."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from datajoint.backends.base import RawResult, Request
from datajoint.connection.query_log import QueryLog, QueryRecord
from datajoint.connection.session import Session, Sessions
from datajoint.connection.time_limit import TimeLimit
from datajoint.connection.transaction import OpenTransaction
from datajoint.errors import (
    AccessError,
    DataJointError,
    DeadlockError,
    IntegrityError,
    LockError,
    LostConnectionError,
    MissingTableError,
    QueryError,
    TimeLimitError,
    UnknownAttributeError,
)
from datajoint.naming import shorten

if TYPE_CHECKING:
    from datajoint.connection.connection import Connection

logger = logging.getLogger("datajoint")

Call = Callable[[Session], RawResult]

# What can be run twice without a difference.
_READ = re.compile(r"[\s(]*(?:SELECT|SHOW|DESCRIBE|DESC|VALUES|TABLE|SET|USE|PRAGMA)\b", re.IGNORECASE)

# What a query begins with, after what MySQL takes for a comment; it carries out those that begin with an exclamation mark.
_FIRST_WORD = re.compile(r"(?:\s|\(|--\s[^\n]*|#[^\n]*|/\*(?!!|M!).*?\*/)*([A-Za-z]+)", re.DOTALL)
_QUERIES = frozenset({"SELECT", "SHOW", "EXPLAIN", "DESCRIBE", "DESC", "WITH", "VALUES", "TABLE", "HELP"})

_DEADLOCKS = 3  # after which a query is not run again
_IDLE_SECONDS = 30.0  # after which a link is tried before something is sent that cannot be repeated
_CANCEL_SECONDS = 0.8  # an interrupt waits for the server to be told; control returns within a second
# The savepoint before a statement, where an error would end the transaction.
_STATEMENT = "dj_statement"
_BACK = f"ROLLBACK TO SAVEPOINT {_STATEMENT}"

_LOST = "The connection was lost during a transaction."
_REPEAT = "Nothing of it was kept; repeat the whole block."


def is_read(text: str) -> bool:
    """Tell whether a statement changes nothing, so that it can be repeated."""
    return _READ.match(text) is not None


class Statements:
    """The statements of one connection.

    Attributes
    ----------
    open : set of OpenTransaction
        Those of all threads.
    """

    def __init__(self, connection: Connection, sessions: Sessions) -> None:
        self._connection, self.sessions = connection, sessions
        self.here = sessions.here
        self.log = QueryLog()
        self.open: set[OpenTransaction] = set()

    def session(self, *, reconnect: bool | None = None) -> Session:
        """Return the session of the thread's next statement, opening one if there is none; `reconnect` as of `run`.

        Raises
        ------
        LostConnectionError
            If the connection was closed and is not to be opened again by itself.
        """
        transaction = self.here.transaction
        if transaction is not None and transaction.begun:
            return transaction.session
        own = self.sessions.own
        if own is not None and own.usable:
            return own
        if own is not None and own.begun:  # a transaction that the user began by a statement, and lost since
            own.begun = False
            raise LostConnectionError(_LOST, hint=_REPEAT)
        if self.sessions.closed and not self._may_reconnect(reconnect):
            raise LostConnectionError("The connection is closed.", hint="Call connection.connect() to open it again.")
        return self.sessions.renew()

    def _may_reconnect(self, reconnect: bool | None) -> bool:
        return self._connection.settings.database.reconnect if reconnect is None else reconnect

    def run(
        self,
        text: str,
        call: Call,
        *,
        reconnect: bool | None = None,
        repeatable: bool = True,
        request: Request | None = None,
    ) -> RawResult:
        """Run a statement and return its whole result.

        Parameters
        ----------
        text : str
            The statement, for messages and to see what it is.
        call : callable
            Runs it.
        reconnect : bool, optional
            Whether a lost link is replaced; the setting ``database.reconnect`` by default.
        repeatable : bool
            Whether `call` may be called again after it failed.
        request : Request, optional
            What does the same as `call`, for who can send it with other statements.

        Raises
        ------
        DataJointError
            The class that fits the engine's error, which is chained.
        """
        transaction = self.here.transaction
        if transaction is not None:
            if transaction.host is not None:
                return transaction.host.run(text, call, repeatable=repeatable, request=request)
            return self.inside(transaction, text, call)
        return self.alone(text, call, reconnect=reconnect, repeatable=is_read(text))

    def check_reading(self, text: str) -> None:
        """Refuse a statement in a transaction that only reads, where the engine would not.

        MySQL and MariaDB commit before they carry out DDL and the like; what follows is no part of the transaction,
        and may write.

        Raises
        ------
        AccessError
            For what does not begin like a query.
        """
        transaction = self.here.transaction
        if transaction is None or not transaction.read_only or self._connection.backend.dialect.transactional_ddl:
            return
        word = _FIRST_WORD.match(text)
        if word is None or word[1].upper() not in _QUERIES:
            raise AccessError(
                f"This transaction only reads, and was given {shorten(text)}.",
                hint="Run it outside, or in a transaction that may write.",
                query=text,
            )

    # --- outside transactions
    def alone(self, text: str, call: Call, *, repeatable: bool, reconnect: bool | None = None) -> RawResult:
        """Run a statement that commits by itself; `repeatable`: run it again if the link is lost while it runs."""
        session = self.session(reconnect=reconnect)
        if not repeatable:  # what is, finds out by itself that the link is lost
            session = self.tried(session, text, reconnect=reconnect)
        try:
            result = self._read(session, text, call) if repeatable else self.once(session, text, call)
        except LostConnectionError as error:
            self._give_up(session)
            if not self._may_reconnect(reconnect):
                raise
            if not repeatable:
                raise LostConnectionError(
                    "The connection was lost while a statement ran: it was carried out as a whole or not at all.",
                    hint="Look which, before you repeat it.",
                    query=text,
                ) from error.__cause__
            result = self.once(self.reconnected(), text, call)
        session.begun = not session.closed and session.backend.in_transaction(session.raw)
        return result

    def _read(self, session: Session, text: str, call: Call) -> RawResult:
        """Run a query; it is run again where the server ended it for the sake of programs that change its tables."""
        for _ in range(_DEADLOCKS):
            try:
                return self.once(session, text, call)
            except DeadlockError:
                if session.begun:  # a transaction of the user's, of which nothing was kept
                    raise
        return self.once(session, text, call)

    def tried(self, session: Session, text: str, *, reconnect: bool | None = None) -> Session:
        """Return a session on which a statement can be sent, as far as can be told before."""
        backend = session.backend
        idle = time.monotonic() - session.used
        if (idle < _IDLE_SECONDS and not backend.is_stale(session.raw)) or backend.is_alive(session.raw):
            return session
        self._give_up(session)
        if not self._may_reconnect(reconnect):
            raise LostConnectionError("The connection to the server was lost.", query=text)
        return self.reconnected()

    def _give_up(self, session: Session) -> None:
        """Close a session whose link is lost; a transaction that the user began by a statement went with it."""
        session.close()
        if session.begun:
            session.begun = False
            raise LostConnectionError(_LOST, hint=_REPEAT)

    def reconnected(self) -> Session:
        """Open another session for this thread, and say so."""
        address = self._connection.address
        logger.warning("The connection to %s was lost; reconnecting.", address)
        try:
            return self.sessions.renew()
        except DataJointError as error:
            raise LostConnectionError(
                f"The connection to {address} was lost and could not be opened again: {error}"
            ) from error

    # --- inside a transaction
    def inside(self, transaction: OpenTransaction, text: str, call: Call) -> RawResult:
        """Run a statement as part of a transaction; if it fails, the transaction stays as it was before it."""
        with transaction.turn:
            transaction.check()
            session = transaction.session
            try:
                result = self.once(session, text, _preceded(call, _savepoint(transaction)))
            except LostConnectionError as error:
                raise self._lost(transaction, text) from (error.__cause__ or error)
            except DataJointError as error:
                self._after_error(transaction, error)
                raise
            if not session.backend.in_transaction(session.raw):
                said = f"This statement ended the transaction that it was part of, and kept what was done before: {shorten(text)}"
                transaction.doom(DataJointError(said, query=text))
                logger.warning("%s", said)
            return result

    def together(self, session: Session, requests: Sequence[Request]) -> list[RawResult]:
        """Run statements on a session, in one exchange where the driver can; otherwise as `once`."""
        if not session.backend.dialect.pipelines:
            return [self.once(session, r.text, lambda s, r=r: s.backend.answer(s.raw, r)) for r in requests]  # type: ignore[misc]
        results: list[RawResult] = []
        start = time.perf_counter()

        def run(session: Session) -> RawResult:
            results.extend(session.backend.together(session.raw, requests))
            return results[-1]

        self.once(session, "; ".join(r.text for r in requests), run, logged=False)
        for request, result in zip(requests, results, strict=True):
            self._record(request.text, start, result)
        return results

    def commit_after(self, session: Session, request: Request) -> bool:
        """Run a statement on a session, and commit if it changed one row; see `Backend.commit_after`."""
        start = time.perf_counter()

        def run(session: Session) -> RawResult:
            return RawResult((), [], int(session.backend.commit_after(session.raw, request)))

        result = self.once(session, request.text, run)
        if result.rowcount:
            self._record("COMMIT", start, RawResult((), [], 0))
        return bool(result.rowcount)

    def order(self, transaction: OpenTransaction, text: str) -> None:
        """Run one of the statements that begin and end blocks inside a transaction."""
        try:
            self.once(transaction.session, text, lambda s: s.backend.execute(s.raw, text, ()))
        except LostConnectionError as error:
            raise self._lost(transaction, text) from (error.__cause__ or error)

    def _lost(self, transaction: OpenTransaction, text: str) -> LostConnectionError:
        lost = LostConnectionError(_LOST, hint=_REPEAT, query=text)
        transaction.doom(lost)
        transaction.session.close()
        return lost

    def still_there(self, session: Session) -> None:
        """Refuse to send anything on a link that the server has ended.

        Raises
        ------
        LostConnectionError
            If it has.
        """
        if session.backend.is_stale(session.raw) and not session.backend.is_alive(session.raw):
            raise LostConnectionError(_LOST)

    def _after_error(self, transaction: OpenTransaction, error: DataJointError) -> None:
        """Find out whether the transaction outlived an error, and restore it where it can be."""
        session = transaction.session
        if isinstance(error, DeadlockError) or transaction.brief:
            transaction.doom(error)
        elif transaction.statement_savepoints[-1]:
            try:
                self.once(session, _BACK, lambda s: s.backend.execute(s.raw, _BACK, ()))
            except DataJointError:
                transaction.doom(error)
        elif not session.usable or not session.backend.in_transaction(session.raw, after_error=True):
            transaction.doom(error)

    # --- one attempt
    def once(self, session: Session, text: str, call: Call, *, logged: bool = True) -> RawResult:
        """Run a statement on a session, once; `logged`: enter it in the query log.

        Raises
        ------
        DataJointError
            The class that fits the engine's error, which is chained.
        BaseException
            What interrupted it; the server has been told to end it, and a note says what became of it.
        """
        start, limit = time.perf_counter(), self.here.limit
        watch = None if limit is None else TimeLimit(session, self._connection.target, limit)
        try:
            result = _exchange(session, text, call, watch)
        except DataJointError as error:
            self._record(text, start, error=error)
            raise
        except Exception as error:  # every driver has its own tree of exceptions; `explain` sorts them
            explained = session.backend.explain(error, text)
            if watch is not None and watch.exceeded:
                if isinstance(explained, LostConnectionError):
                    session.close()
                explained = _too_long(watch, text)
            if isinstance(explained, UnknownAttributeError | MissingTableError):
                self._connection.forget_catalog()  # what is known of the structure is not so any more
            self._record(text, start, error=explained)
            raise self._with_hint(explained) from error
        except BaseException as error:
            self._interrupted(session, text, error)
            raise
        session.used = time.monotonic()
        if logged and self.log.is_wanted:
            self._record(text, start, result)
        return result

    def _record(
        self, text: str, start: float, result: RawResult | None = None, *, error: DataJointError | None = None
    ) -> None:
        if self.log.is_wanted:
            count = 0 if result is None else len(result.rows) if result.columns else result.rowcount
            name = type(error).__name__ if error else None
            self.log.add(QueryRecord(text, time.perf_counter() - start, count, name))

    def _with_hint(self, error: DataJointError) -> DataJointError:
        """Tell a helper thread that forgot to join a transaction why it waits in vain, or does not see a row."""
        if isinstance(error, (LockError, IntegrityError)):
            mine = self.here.transaction
            names = sorted({t.thread_name for t in tuple(self.open) if t is not mine})
            if names:
                error.hint = (
                    f"{error.hint or ''} Thread {', '.join(names)} of this program has a transaction open on this connection. "
                    "If this thread works for it, let it join: `join = connection.attach()` there, `with join:` here."
                ).strip()
        return error

    def _interrupted(self, session: Session, text: str, error: BaseException) -> None:
        """End what the server still does for a statement that was broken off, and say what becomes of it."""
        told = True
        if not session.backend.is_settled(session.raw):
            # The next thing to be read would be the answer to this statement: the session is of no use any more.
            told = self._cancel(session)
            session.close()
        transaction = self.here.transaction
        if transaction is not None and transaction.begun:
            transaction.doom(QueryError("A statement of it was interrupted.", query=text))
            error.add_note("The statement was ended; nothing of its transaction is kept.")
        elif not is_read(text):
            error.add_note("The statement was ended: it was carried out as a whole or not at all.")
        if not told:
            error.add_note("The server could not be told to end the statement and may still be busy with it.")

    def _cancel(self, session: Session) -> bool:
        """Tell the server, in a thread, because a server that does not answer must not hold up an interrupt."""
        done: list[bool] = []

        def order() -> None:
            try:
                session.backend.cancel(session.raw, self._connection.target)
            except Exception as error:  # noqa: BLE001 - the interrupt goes on whatever the driver says
                logger.debug("The statement could not be ended: %s", error)
            else:
                done.append(True)

        thread = threading.Thread(target=order, name="dj cancel", daemon=True)
        thread.start()
        thread.join(_CANCEL_SECONDS)
        return bool(done)


def _exchange(session: Session, text: str, call: Call, watch: TimeLimit | None) -> RawResult:
    with session.in_use:
        if session.closed:
            raise LostConnectionError("The connection was closed by another thread.")
        if watch is None:
            return call(session)
        result = watch.run(call)
    if watch.exceeded and is_read(text):  # such as a sleep, which ends early without an error
        raise _too_long(watch, text)
    return result


def _preceded(call: Call, first: str | None) -> Call:
    """Return what runs a statement of ours immediately before one of the user's."""
    if first is None:
        return call

    def both(session: Session) -> RawResult:
        session.backend.execute(session.raw, first, ())
        return call(session)

    return both


def _savepoint(transaction: OpenTransaction) -> str | None:
    """Return what is sent before a statement, so that its failure leaves the transaction as it was."""
    if transaction.brief or not transaction.session.backend.dialect.error_ends_transaction:
        return None
    if transaction.unguarded:
        transaction.unguarded = False
        return None
    stands = transaction.statement_savepoints[-1]
    transaction.statement_savepoints[-1] = True
    return f"RELEASE SAVEPOINT {_STATEMENT}; SAVEPOINT {_STATEMENT}" if stands else f"SAVEPOINT {_STATEMENT}"


def _too_long(watch: TimeLimit, text: str) -> TimeLimitError:
    return TimeLimitError(
        f"A statement took longer than the {watch.seconds:g} s that it may and was ended: {shorten(text)}.",
        hint="Restrict the query, or allow more time with connection.time_limit(seconds).",
        query=text,
    )
