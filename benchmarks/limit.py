"""What the bare driver does with the same statements, yielding the same Python values."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.pipeline import NAMES


def connect(target: Any) -> Any:
    """Connect with the bare driver to where the library is connected."""
    if target.path is not None:
        return sqlite3.connect(target.path, isolation_level=None)
    where = {"host": target.host, "port": target.port, "user": target.user, "password": target.password}
    if target.backend == "postgresql":
        import psycopg  # noqa: PLC0415 - only where the engine is measured

        return psycopg.connect(**where, dbname=target.database or "postgres", autocommit=True)
    import pymysql  # noqa: PLC0415 - as above

    return pymysql.connect(**where, charset="utf8mb4", autocommit=True)


@dataclass(frozen=True)
class Driver:
    """A connection of the driver, and the table of trials as the engine writes it."""

    raw: Any
    table: str
    placeholder: str

    @property
    def embedded(self) -> bool:
        """Whether the driver is sqlite3, which has no type for moments."""
        return self.placeholder == "?"

    def _rows(self, text: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        cursor = self.raw.cursor()
        cursor.execute(text, tuple(values))
        return list(cursor.fetchall())

    @property
    def _select(self) -> str:
        quote = '"' if self.placeholder == "%s" and '"' in self.table else "`"
        names = ", ".join(f"{quote}{name}{quote}" for name in NAMES)
        return f"SELECT {names} FROM {self.table}"

    def tuples(self) -> list[tuple[Any, ...]]:
        rows = self._rows(f"{self._select} ORDER BY subject, session")
        if self.embedded:
            read = dt.datetime.fromisoformat
            return [(subject, session, read(at), response, note) for subject, session, at, response, note in rows]
        return rows

    def dicts(self) -> list[dict[str, Any]]:
        return [dict(zip(NAMES, row, strict=True)) for row in self.tuples()]

    def keys(self) -> list[dict[str, Any]]:
        names = NAMES[:2]
        rows = self._rows(f"SELECT subject, session FROM {self.table} ORDER BY subject, session")
        return [dict(zip(names, row, strict=True)) for row in rows]

    def arrays(self) -> list[Any]:
        import numpy as np  # noqa: PLC0415 - as a user would

        kinds = ("int64", "int64", object, "float64", object)
        columns = zip(*self.tuples(), strict=True)
        return [np.array(column, dtype=kind) for column, kind in zip(columns, kinds, strict=True)]

    def one(self, subject: int, session: int) -> dict[str, Any]:
        text = f"{self._select} WHERE subject = {self.placeholder} AND session = {self.placeholder}"
        row = self._rows(text, (subject, session))[0]
        if self.embedded:
            row = (*row[:2], dt.datetime.fromisoformat(row[2]), *row[3:])
        return dict(zip(NAMES, row, strict=True))

    def insert(self, rows: Sequence[dict[str, Any]]) -> None:
        values = [tuple(row.values()) for row in rows]
        if self.embedded:
            values = [(*row[:2], row[2].isoformat(" "), *row[3:]) for row in values]
        marks = ", ".join([self.placeholder] * len(NAMES))
        cursor = self.raw.cursor()
        cursor.execute("BEGIN")
        cursor.executemany(f"INSERT INTO {self.table} VALUES ({marks})", values)
        cursor.execute("COMMIT")
