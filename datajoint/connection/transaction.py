"""``connection.transaction``: blocks that are kept or undone as a whole, and threads that join them."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from datajoint.backends.base import BeginKind, RawResult, Request
from datajoint.connection.session import Session
from datajoint.errors import DataJointError, LostConnectionError, QueryError
from datajoint.forking import reopened

logger = logging.getLogger("datajoint")

if TYPE_CHECKING:
    from datajoint.connection.blocks import Blocks
    from datajoint.connection.connection import Connection


# Guards the numbers of guests of all transactions, and tells when one has left.
_left = threading.Condition(reopened(threading.RLock()))


class Host(Protocol):
    """Who runs the statements of a transaction that need not have begun yet, such as those of a `make`."""

    def check(self) -> None:
        """Refuse every further statement, once the transaction is lost."""

    def read(self, request: Request, source: object) -> RawResult:
        """Answer a query; `source` is the expression whose rows it asks for."""

    def run(
        self, text: str, call: Callable[[Session], RawResult], *, repeatable: bool, request: Request | None = None
    ) -> RawResult:
        """Run any other statement; `repeatable`: `call` may be called again after it failed; `request`: the same as `call`."""

    def begin(self) -> None:
        """Begin the transaction, if it has not begun: a block inside it is entered."""

    def end(self, *, keep: bool) -> None:
        """End the transaction, because the user says so."""

    def join(self) -> None:
        """Get ready for another thread that joins."""


class OpenTransaction:
    """A transaction from its begin to its end, in the session that it lives in.

    Attributes
    ----------
    brief : bool
        Whether a failed statement may end it, so that none needs a savepoint of its own.
    depth : int
        Number of blocks open: the transaction itself and the savepoints in it.
    adopted : bool
        Whether the user began it by a statement; only the blocks inside are ours then.
    turn : RLock
        Held by whoever runs a statement in it, and by a thread that joined while it is inside a block of its own.
    statement_savepoints : list of bool
        For the transaction and each block inside: whether a savepoint precedes the statement that ran last.
    fault : DataJointError or None
        What ended it too early: the engine has rolled it back (or committed it, as MySQL does before DDL). Nothing
        more is done in it; its blocks can only be left.
    host : Host or None
        Who decides when it begins, and sees each statement of it.
    begun : bool
        Whether the database knows of it yet.
    guests : int
        Number of threads that have joined it and not left yet.
    unguarded : bool
        Whether the next statement needs no savepoint, because its failure may end the transaction.
    read_only : bool
        Whether it was begun to read only.
    kept : bool or None
        Whether it was committed; None as long as that is not known, and where it never will be.
    at_end : list of callable
        Called with `kept` when it has ended.
    """

    def __init__(
        self, session: Session | None, *, adopted: bool = False, brief: bool = False, host: Host | None = None
    ) -> None:
        self._session = session
        self.brief = brief
        self.adopted = adopted
        self.host = host
        self.begun = session is not None
        self.guests = 0
        self.unguarded = False
        self.read_only = False
        self.depth = 1
        self.turn = threading.RLock()
        self.thread = threading.get_ident()
        self.thread_name = threading.current_thread().name
        self.fault: DataJointError | None = None
        self.ended = False
        self.kept: bool | None = None
        self.at_end: list[Callable[[bool | None], None]] = []
        self.statement_savepoints = [False]

    @property
    def session(self) -> Session:
        """The session that it lives in, once it has begun."""
        assert self._session is not None
        return self._session

    def begin_in(self, session: Session) -> None:
        """Note that the database has begun it."""
        self._session, self.begun = session, True

    def wait_for_guests(self) -> None:
        """Wait until every thread that joined has left."""
        if self.guests:
            with _left:
                _left.wait_for(lambda: not self.guests)

    @property
    def is_joined(self) -> bool:
        """Whether another thread than the calling one has opened it."""
        return self.thread != threading.get_ident()

    def tell_end(self) -> None:
        """Call what waits for the end, which has come."""
        calls, self.at_end = self.at_end, []
        for call in calls:
            try:
                call(self.kept)
            except Exception:
                logger.exception("What was to be done at the end of a transaction failed.")

    def doom(self, fault: DataJointError) -> None:
        """Note what ended it; the first fault is the one that is told."""
        if self.fault is None:
            self.fault = fault

    def check(self) -> None:
        """Refuse a statement that could not be part of it.

        Raises
        ------
        DataJointError
            Of the class of the first fault, which is chained; `LostConnectionError` where the session is gone.
        """
        if self.host is not None:
            self.host.check()
        if self.ended:
            raise DataJointError(
                "The transaction that this thread joined has ended.",
                hint="Let the helper finish before the block that it works for ends.",
            )
        if self.fault is not None:
            fault = type(self.fault) if isinstance(self.fault, (QueryError, LostConnectionError)) else DataJointError
            raise fault(
                f"This transaction has ended already: {self.fault}",
                table=self.fault.table,
                code=self.fault.code,
                hint="Leave the block, and repeat it as a whole.",
            ) from self.fault
        if self._session is None:
            return
        if self._session.process != os.getpid():
            raise LostConnectionError(
                "This process was forked inside a transaction, which belongs to its parent.",
                hint="Fork before the transaction begins.",
            )
        if self._session.closed:
            raise LostConnectionError(
                "The connection was lost during a transaction.", hint="Nothing of it was kept; repeat the whole block."
            )


class Transaction:
    """What ``connection.transaction`` is: a context manager, and callable for a read-only one.

    The outermost block is a transaction, blocks inside it are savepoints. Any exception that leaves a block undoes
    that block and passes on.
    """

    def __init__(self, connection: Connection, blocks: Blocks, kind: BeginKind = "write") -> None:
        self._connection, self._blocks, self._kind = connection, blocks, kind

    def __call__(self, *, read_only: bool = False, latest: bool = False) -> Transaction:
        """Return another kind of transaction.

        Parameters
        ----------
        read_only : bool
            It sees one snapshot, and a write in it is an error.
        latest : bool
            Each statement sees what is committed by then; a statement that fails ends the transaction.
        """
        return Transaction(
            self._connection, self._blocks, "read_only" if read_only else "latest" if latest else "write"
        )

    def guarded(self) -> Transaction:
        """Return a transaction for what must be kept still while something is decided; see `Backend.bar_inserts`."""
        return Transaction(self._connection, self._blocks, "guarded")

    def __enter__(self) -> Connection:
        self._blocks.enter(self._kind)
        return self._connection

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._blocks.leave()
        else:
            self._blocks.undo()


class Attachment:
    """Lets other threads take part in a transaction: ``with attachment:`` in each of them.

    Their statements go through the transaction's session, one at a time, and see what was done in it.
    """

    def __init__(self, blocks: Blocks, transaction: OpenTransaction) -> None:
        self._blocks, self._transaction = blocks, transaction
        self._before = threading.local()  # one attachment serves many threads

    def __enter__(self) -> Self:
        here = self._blocks.here
        before = here.transaction
        if before is not None and before is not self._transaction:
            raise DataJointError(
                "This thread has a transaction of its own and cannot join another.", hint="Leave that one first."
            )
        self._transaction.check()
        if self._transaction.host is not None and self._transaction.is_joined:
            self._transaction.host.join()
        with _left:
            self._transaction.guests += self._transaction.is_joined
        self._before.stack = [*getattr(self._before, "stack", ()), before]
        here.transaction = self._transaction
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._blocks.here.transaction = self._before.stack.pop()
        with _left:
            self._transaction.guests -= self._transaction.is_joined
            _left.notify_all()
