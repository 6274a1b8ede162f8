"""Gather single rows and send them together: ``with Session.batch():``."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any

from datajoint.expression.operand import Operand
from datajoint.table.base_table import BaseTable, base_table

if TYPE_CHECKING:
    from datajoint.connection import Connection
    from datajoint.definition import TableName

Insert = Callable[..., None]
Check = Callable[..., None]


@dataclass(eq=False)
class RowBuffer:
    """Rows of one table that wait to be inserted together.

    Attributes
    ----------
    inserted : int
        Number of rows that were sent.
    """

    _table: Operand
    _target: BaseTable
    _options: dict[str, Any]
    _chunk_size: int | None
    _insert: Insert
    inserted: int = 0
    _rows: list[tuple[dict[str, Any], Any]] = field(default_factory=list)

    @property
    def pending(self) -> int:
        """Number of rows that wait."""
        return len(self._rows)

    def insert1(self, row: Any, **options: Any) -> None:
        """Let a row wait; options as of `Table.insert1`."""
        self._rows.append((options, row))
        if self._chunk_size is not None and len(self._rows) >= self._chunk_size:
            self.flush()

    def flush(self) -> None:
        """Send the rows that wait, after those of open batches of tables that this one refers to.

        Rows with other fields or options than the one before them are sent separately, all in one transaction.

        Raises
        ------
        DataJointError
            As `Table.insert`, with the row's index among those that were sent together. None is kept then.
        """
        for other in _open_batches():
            if other is not self and other._rows and other._target.name in _ancestors(self._target):
                other.flush()
        rows, self._rows = self._rows, []
        if not rows:
            return
        groups = [(key[0], [row for _, row in run]) for key, run in groupby(rows, key=_kind)]
        if len(groups) == 1:
            self._send(*groups[0])
        else:
            with self._target.connection.transaction:
                for options, group in groups:
                    self._send(options, group)
        self.inserted += len(rows)

    def _send(self, options: dict[str, Any], rows: list[Any]) -> None:
        # Whether rows may enter from outside was decided when they came.
        self._insert(self._table, rows, **{**self._options, **options, "allow_direct_insert": True})


class _Open(threading.local):
    """The batches of this thread, innermost last."""

    def __init__(self) -> None:
        self.batches: list[RowBuffer] = []


_open = _Open()


def _kind(waiting: tuple[dict[str, Any], Any]) -> tuple[dict[str, Any], frozenset[Any] | None]:
    """Return what rows that are sent together have in common: options and, of dicts, fields."""
    options, row = waiting
    return options, frozenset(row) if isinstance(row, Mapping) else None


def _open_batches() -> list[RowBuffer]:
    return list(_open.batches)


def buffered(table: Operand, row: Any, options: dict[str, Any], check: Check) -> bool:
    """Let `row` wait if a batch of its table is open in this thread; tell whether it does."""
    if not _open.batches:
        return False
    target = base_table(table)
    for batch in reversed(_open.batches):
        if batch._target.connection is target.connection and batch._target.name == target.name:
            allowed = options.get("allow_direct_insert", batch._options.get("allow_direct_insert"))
            check(table, allow_direct_insert=allowed)
            batch.insert1(row, **options)
            return True
    return False


@contextmanager
def batch(table: Operand, insert: Insert, *, chunk_size: int | None = None, **options: Any) -> Iterator[RowBuffer]:
    """Gather the rows that `insert1` is given in this block and insert them together at its end.

    Meant for loops that make a row at a time, which would otherwise wait for the database with each. Only `insert1` on
    this table, in this thread, is gathered; until the block ends, queries do not see the rows. Batches of several tables
    may be open at once: rows of tables that others refer to are sent first. If the block raises, the rows that wait are
    dropped.

    Parameters
    ----------
    chunk_size : int, optional
        Send whenever so many rows wait; outside a transaction each lot is committed by itself. By default all rows are
        sent at the end, as one `insert`.
    **options
        Of `insert`, for all rows.

    Yields
    ------
    RowBuffer
        With the numbers of rows that wait and were sent, and `flush` to send at once.

    Raises
    ------
    DataJointError
        As `insert`, when rows are sent.
    """
    buffer = RowBuffer(table, base_table(table), options, chunk_size, insert)
    _open.batches.append(buffer)
    try:
        yield buffer
        buffer.flush()
    finally:
        _open.batches.remove(buffer)


def _ancestors(target: BaseTable) -> set[TableName]:
    """Return the names of all tables that a table depends on."""
    found: set[TableName] = set()
    waiting = _parents(target.connection, target.name)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting |= _parents(target.connection, name)
    return found


def _parents(connection: Connection, name: TableName) -> set[TableName]:
    catalog = connection.catalog(name.schema)
    info = catalog.tables.get(name.name) if catalog else None
    return {key.parent for key in info.foreign_keys if key.parent != name} if info else set()
