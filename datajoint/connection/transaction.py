"""``connection.transaction``: blocks that are kept or undone as a whole."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

from datajoint.backends.base import BeginKind

if TYPE_CHECKING:
    from datajoint.connection.connection import Connection


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
