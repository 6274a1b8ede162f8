"""A DB-API cursor over rows that were read already, for drivers whose cursors would stay open."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self


class BufferedCursor:
    """Rows of a finished statement, behind the methods of a DB-API cursor.

    Parameters
    ----------
    description : sequence of tuple or None
        As of a DB-API cursor.
    rows : list
        Tuples, or dicts.
    rowcount : int
        Number of rows, or of affected rows.
    lastrowid : int or None
    """

    def __init__(self, description: Any, rows: list[Any], rowcount: int, lastrowid: int | None) -> None:
        self.description, self.rowcount, self.lastrowid = description, rowcount, lastrowid
        self.arraysize = 1
        self._rows = iter(rows)

    def fetchone(self) -> Any:
        """Return the next row, or None."""
        return next(self._rows, None)

    def fetchmany(self, size: int | None = None) -> list[Any]:
        """Return up to `size` further rows."""
        return [row for _, row in zip(range(size or self.arraysize), self._rows, strict=False)]

    def fetchall(self) -> list[Any]:
        """Return all further rows."""
        return list(self._rows)

    def close(self) -> None:
        """Forget the rows."""
        self._rows = iter(())

    def __iter__(self) -> Iterator[Any]:
        return self._rows

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
