"""Begin, keep and undo: the blocks of ``with connection.transaction``."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from datajoint.backends.base import BeginKind
from datajoint.connection.deferral import deferred_interrupts
from datajoint.connection.statements import Statements
from datajoint.connection.transaction import Attachment, OpenTransaction
from datajoint.errors import DataJointError, LostConnectionError

if TYPE_CHECKING:
    from datajoint.connection.connection import Connection

logger = logging.getLogger("datajoint")


class Blocks:
    """The transactions of one connection, each of the thread that opened it."""

    def __init__(self, connection: Connection, statements: Statements) -> None:
        self._connection, self._statements = connection, statements
        self.here = statements.here

    @property
    def current(self) -> OpenTransaction | None:
        """The transaction that the calling thread takes part in."""
        transaction = self.here.transaction
        return None if transaction is None or transaction.ended else transaction

    def enter(self, kind: BeginKind) -> None:
        """Begin a transaction, or a block inside the one that is open."""
        transaction = self.here.transaction
        if transaction is not None and transaction.host is not None:
            transaction.host.begin()
        if transaction is None:
            session = self._statements.session()
            if not session.begun:
                self._begin("read_only" if self._connection.target.read_only else kind)
                return
            # The user began a transaction by a statement, and will end it by one: this is a block inside it.
            transaction = OpenTransaction(session, adopted=True)
            self._take(transaction)
        # A thread that joined keeps the others out of its block: what they do must not be undone with it.
        if transaction.is_joined:
            transaction.turn.acquire()
        try:
            with transaction.turn:
                transaction.check()
                self._statements.order(transaction, f"SAVEPOINT {_savepoint(transaction.depth)}")
                transaction.depth += 1
                transaction.statement_savepoints.append(False)
        except BaseException:
            if transaction.is_joined:
                transaction.turn.release()
            if transaction.adopted and transaction.depth == 1:
                self._end(transaction)
            raise

    def _begin(self, kind: BeginKind) -> None:
        statements = self._statements
        first, *others = self._connection.backend.begin(kind)
        try:
            statements.alone(first, lambda s: s.backend.execute(s.raw, first, ()), repeatable=True)
            session = statements.session()
            session.begun = False
            transaction = OpenTransaction(session, brief=kind == "latest")
            transaction.read_only = kind == "read_only"
            for text in others:
                statements.once(session, text, lambda s, text=text: s.backend.execute(s.raw, text, ()))  # type: ignore[misc]
        except BaseException:
            own = statements.sessions.own
            if own is not None and own.usable and own.backend.in_transaction(own.raw):
                own.close()  # the engine rolls back
            raise
        self._take(transaction)

    def announce(self, transaction: OpenTransaction) -> None:
        """Make the calling thread take part in a transaction that has not begun."""
        self._take(transaction)

    def forget(self, transaction: OpenTransaction) -> None:
        """Let no thread take part in a transaction any more that is over."""
        transaction.ended = True
        if self.here.transaction is transaction:
            self.here.transaction = None
        self._statements.open.discard(transaction)
        transaction.tell_end()

    def _take(self, transaction: OpenTransaction) -> None:
        self.here.transaction = transaction
        self._statements.open.add(transaction)

    def _end(self, transaction: OpenTransaction) -> None:
        session = transaction.session
        session.begun = transaction.adopted and session.usable and session.backend.in_transaction(session.raw)
        transaction.ended = True
        self.here.transaction = None
        self._statements.open.discard(transaction)
        transaction.tell_end()

    def leave(self) -> None:
        """Keep what the innermost block did.

        Raises
        ------
        DataJointError
            If it could not be kept: something ended the transaction before, or the engine refused. It is undone then.
        """
        transaction = self.here.transaction
        assert transaction is not None  # the block that is left was entered
        try:
            with transaction.turn:
                transaction.check()
                if transaction.depth > 1:
                    self._statements.order(transaction, f"RELEASE SAVEPOINT {_savepoint(transaction.depth - 1)}")
                else:
                    self._commit(transaction)
        except BaseException:
            self.undo()
            raise
        self._close_block(transaction)

    def _commit(self, transaction: OpenTransaction) -> None:
        statements, session = self._statements, transaction.session
        try:
            statements.still_there(session)
        except LostConnectionError as error:
            transaction.doom(error)
            session.close()
            transaction.check()
        try:
            with deferred_interrupts("The transaction was committed before."):
                statements.once(session, "COMMIT", lambda s: s.backend.execute(s.raw, "COMMIT", ()))
                transaction.kept = True
        except LostConnectionError as error:
            transaction.doom(error)
            session.close()
            raise LostConnectionError(
                "The connection was lost while a transaction was committed: it was kept as a whole or not at all.",
                hint="Look which, before you repeat it.",
            ) from (error.__cause__ or error)

    def undo(self) -> None:
        """Undo what the innermost block did."""
        transaction = self.here.transaction
        assert transaction is not None  # as above
        try:
            with transaction.turn:
                self.roll_back(transaction)
        finally:
            self._close_block(transaction)

    def roll_back(self, transaction: OpenTransaction) -> None:
        """Undo what the innermost block of a transaction did; the session is closed if it cannot be."""
        if transaction.ended or not transaction.begun or not transaction.session.usable:
            return
        statements, session = self._statements, transaction.session
        try:
            if transaction.depth == 1:
                # Gone where the engine itself has ended it, or where an interrupt came just after the commit.
                if session.backend.in_transaction(session.raw, after_error=transaction.fault is not None):
                    statements.order(transaction, "ROLLBACK")
                    transaction.kept = False
            elif transaction.fault is None:
                name = _savepoint(transaction.depth - 1)
                statements.order(transaction, f"ROLLBACK TO SAVEPOINT {name}")
                statements.order(transaction, f"RELEASE SAVEPOINT {name}")
        except DataJointError as error:
            # A session whose rollback failed holds nothing we can trust; the server ends its transaction with it.
            logger.warning("Rollback failed, the session is closed: %s", error)
            transaction.doom(error)
            session.close()

    def _close_block(self, transaction: OpenTransaction) -> None:
        transaction.depth -= 1
        transaction.statement_savepoints.pop()
        if transaction.depth == transaction.adopted:
            self._end(transaction)
        if transaction.is_joined:
            transaction.turn.release()

    # --- the explicit form
    def end(self, *, keep: bool) -> None:
        """End the transaction of this thread with all its blocks, if there is one.

        Raises
        ------
        DataJointError
            In a thread that joined the transaction of another one; else as `leave`.
        """
        transaction = self.current
        if transaction is None:
            return
        if transaction.is_joined:
            raise DataJointError(
                f"The transaction belongs to thread {transaction.thread_name}.", hint="End it in that thread."
            )
        if transaction.host is not None:
            transaction.host.end(keep=keep)
            return
        transaction.depth = 1 + transaction.adopted
        del transaction.statement_savepoints[transaction.depth :]
        if keep:
            self.leave()
        else:
            self.undo()

    # --- helpers
    def attach(self) -> Attachment:
        """Return what lets other threads join the transaction of this one, or the only one that is open.

        Raises
        ------
        DataJointError
            If there is none, or there are several and none is of this thread.
        """
        candidates = [self.current] if self.current else list(self._statements.open)
        if not candidates:
            raise DataJointError("There is no transaction to join.", hint="Open one: `with connection.transaction:`.")
        if len(candidates) > 1:
            raise DataJointError(
                f"{len(candidates)} transactions are open on this connection, and none is of this thread.",
                hint="Call attach() in the thread that opened the transaction, and enter its result in the helpers.",
            )
        (transaction,) = candidates
        assert transaction is not None
        return Attachment(self, transaction)


def _savepoint(number: int) -> str:
    return f"dj{number}"
