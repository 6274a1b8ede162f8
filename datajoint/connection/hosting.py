"""A transaction that somebody else runs: announced first, begun when it must be, and begun again if need be.

The thread that announced it is "in a transaction" from then on. Until the database knows of it, what is only read
commits by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Self

from datajoint.backends.base import BeginKind, RawResult, Request
from datajoint.connection.deferral import deferred_interrupts
from datajoint.connection.engine_thread import EngineThread
from datajoint.connection.session import Session
from datajoint.connection.transaction import Host, OpenTransaction
from datajoint.errors import DataJointError, LostConnectionError

if TYPE_CHECKING:
    from datajoint.connection.blocks import Blocks
    from datajoint.connection.connection import Connection
    from datajoint.connection.statements import Call, Statements

_COMMIT = Request("COMMIT")


class HostedTransaction:
    """The mechanics of a transaction whose `host` decides what happens when.

    Enter it to announce the transaction; on leaving, whatever was not committed is rolled back.

    Attributes
    ----------
    transaction : OpenTransaction
    number : int or None
        The server's number of the session in which it was begun.
    commit_was_sent, committed : bool
        Whether the database was told to keep it, and has said that it did.
    """

    def __init__(self, connection: Connection, blocks: Blocks, statements: Statements, host: Host) -> None:
        self._connection, self._blocks, self._statements = connection, blocks, statements
        self.transaction = OpenTransaction(None, host=host)
        self.number: int | None = None
        self._home: Session | None = None  # the session of the thread that announced it
        self._made: Session | None = None  # a session of its own, closed at the end
        self.commit_was_sent = self.committed = False

    def __enter__(self) -> Self:
        own = self._statements.sessions.own
        if self._blocks.here.transaction is not None or (own is not None and own.begun):
            raise DataJointError("Populate cannot be called during a transaction.", hint="Leave the transaction first.")
        self._home = own
        self._blocks.announce(self.transaction)
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if not self.transaction.ended:
                self.roll_back()
                self._blocks.forget(self.transaction)
        finally:
            if self._made is not None:
                self._made.close()
                self._made = None

    @property
    def begun(self) -> bool:
        """Whether the database knows of it."""
        return self.transaction.begun

    # --- before it begins
    def alone(self, text: str, call: Call) -> RawResult:
        """Run a statement that commits by itself."""
        home = self._home
        if self.transaction.is_joined and home is not None and home.usable and not self._thread_bound:
            try:
                return self._statements.once(home, text, call)
            except LostConnectionError:
                home.close()
        result = self._statements.alone(text, call, repeatable=True)
        if not self.transaction.is_joined:
            self._home = self._statements.sessions.own
        return result

    @property
    def _thread_bound(self) -> bool:
        return bool(self._connection.dialect.thread_bound)

    # --- begin
    def begin(self, kind: BeginKind, requests: Sequence[Request], *, threaded: bool = False) -> list[RawResult]:
        """Begin it and run `requests` in it, in as few exchanges as the driver can; a lost link is replaced once.

        Parameters
        ----------
        threaded : bool
            Whether a thread of its own is to carry out all statements, where a session must stay in one thread.

        Returns
        -------
        list of RawResult
            The answers to `requests`.

        Raises
        ------
        DataJointError
            As of any statement; nothing has begun then.
        """
        statements, backend = self._statements, self._connection.backend
        first = [Request(text) for text in backend.begin(kind)]
        everything = [*first, *requests]
        may_reconnect = self._connection.settings.database.reconnect
        session = self._session(threaded=threaded, may_reconnect=may_reconnect)
        try:
            results = statements.together(session, everything)
        except LostConnectionError:
            session.close()
            if not may_reconnect:
                raise
            session = self._session(threaded=threaded, may_reconnect=True, lost=True)
            results = statements.together(session, everything)
        except BaseException:
            self._undo_begin(session)
            raise
        self.transaction.begin_in(session)
        self.number = session.number
        return results[len(first) :]

    def _session(self, *, threaded: bool, may_reconnect: bool, lost: bool = False) -> Session:
        if threaded and self._thread_bound:
            if self._made is None or not self._made.usable:
                self._made = EngineThread.session(self._connection._open_session)
            return self._made
        if self.transaction.is_joined:
            for known in (self._home, self._made):
                if known is not None and known.usable and not known.backend.is_stale(known.raw):
                    return known
            self._made = self._connection._open_session()
            return self._made
        if lost:
            return self._statements.reconnected()
        return self._statements.tried(
            self._statements.session(reconnect=may_reconnect), "BEGIN", reconnect=may_reconnect
        )

    def _undo_begin(self, session: Session) -> None:
        """Leave a session as it was before a beginning that failed."""
        if not session.usable:
            return
        try:
            if session.backend.in_transaction(session.raw, after_error=True):
                self._statements.once(session, "ROLLBACK", lambda s: s.backend.execute(s.raw, "ROLLBACK", ()))
        except DataJointError:
            session.close()  # the engine rolls back

    # --- in it
    def inside(self, text: str, call: Call, *, unguarded: bool = False) -> RawResult:
        """Run a statement as part of it.

        Parameters
        ----------
        unguarded : bool
            Whether, where an error ends a transaction, this one may be ended by it: nothing is in it yet.
        """
        self.transaction.unguarded |= unguarded
        return self._statements.inside(self.transaction, text, call)

    # --- the end
    def roll_back(self) -> None:
        """Undo everything; it is as it was when it was announced, but for the blocks that are yet to be left."""
        transaction = self.transaction
        depth = transaction.depth
        if transaction.begun and not transaction.ended:
            with transaction.turn:
                transaction.depth = 1
                self._blocks.roll_back(transaction)
        transaction.tell_end()
        transaction.begun, transaction.kept = False, None
        transaction.fault, transaction.depth = None, depth
        transaction.statement_savepoints = [False] * depth

    def forget(self) -> None:
        """Let it end without being kept; nothing of it is open."""
        self._blocks.forget(self.transaction)

    def commit(self, before: Sequence[Request] = ()) -> None:
        """Keep everything, after the statements `before`; with it the transaction ends.

        Raises
        ------
        LostConnectionError
            If the link broke; with `commit_was_sent` nobody knows what was kept.
        DataJointError
            If something ended it before, or the engine refused.
        """

        def send(session: Session) -> bool:
            if before:
                self._statements.together(session, [*before, _COMMIT])
            else:
                self._statements.once(session, "COMMIT", lambda s: s.backend.execute(s.raw, "COMMIT", ()))
            return True

        self._end_by(send)

    def commit_after(self, request: Request) -> bool:
        """Run a statement and keep everything if it changed one row, in one exchange where the engine can.

        Returns
        -------
        bool
            False if it changed none: the transaction goes on.

        Raises
        ------
        DataJointError
            As `commit`.
        """
        return self._end_by(lambda session: self._statements.commit_after(session, request))

    def _end_by(self, send: Callable[[Session], bool]) -> bool:
        """Send what commits, and tell whether it did."""
        transaction, statements = self.transaction, self._statements
        session = transaction.session
        try:
            with transaction.turn:
                transaction.check()
                statements.still_there(session)
                with deferred_interrupts("The transaction was committed before."):
                    self.commit_was_sent = True
                    if not send(session):
                        self.commit_was_sent = False
                        return False
                    self.committed = transaction.kept = True
        except LostConnectionError as error:
            transaction.doom(error)
            session.close()
            self._blocks.forget(transaction)
            raise
        except BaseException:
            # An interrupt that was held back comes after the answer; what is still open is undone.
            if session.usable and session.backend.in_transaction(session.raw, after_error=True):
                self.commit_was_sent = False
                self.roll_back()
            self._blocks.forget(transaction)
            raise
        self._blocks.forget(transaction)
        return True
