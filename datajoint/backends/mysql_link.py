"""PyMySQL's connection, with what is known only to who holds its socket."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterable, Sequence
from typing import Any

import pymysql
from pymysql.constants import SERVER_STATUS

from datajoint.backends.link import has_news, watch_over
from datajoint.backends.mysql_literals import insert_parts, literal_rows
from datajoint.backends.mysql_rows import FastConnection

PACKET_TOO_LARGE = 1153
_SURELY_ACCEPTED = 2**18  # bytes of a statement for which the server's limit need not be known


class Link(FastConnection):
    """A connection that can be looked at, broken from another thread, and refuses what the server would choke on."""

    packet_limit: int | None = None

    def connect(self, sock: Any = None) -> None:
        """Connect, and let the system watch over the link."""
        super().connect(sock)
        found = self._socket()
        if found is not None:
            watch_over(found)

    def _socket(self) -> socket.socket | None:
        found: socket.socket | None = self._sock  # type: ignore[attr-defined]  # unknown to the stubs
        return found

    @property
    def is_open(self) -> bool:
        """Whether the socket is open on this side."""
        return self._socket() is not None

    @property
    def is_stale(self) -> bool:
        """Whether the server has said something unasked, or ended the link."""
        found = self._socket()
        return found is None or has_news(found.fileno())

    @property
    def is_in_transaction(self) -> bool:
        """Whether a transaction is open, as the server said last."""
        return bool((getattr(self, "server_status", None) or 0) & SERVER_STATUS.SERVER_STATUS_IN_TRANS)

    def sever(self) -> None:
        """Break the link, also under a thread that reads from it."""
        found = self._socket()
        if found is not None:
            with contextlib.suppress(OSError):
                found.shutdown(socket.SHUT_RDWR)

    def run(self, text: str, values: Sequence[Any]) -> Any:
        """Run one statement as a cursor would, its values written in by the driver, and return the driver's result."""
        self.query(text % tuple(map(self.escape, values)) if values else text)
        return self._result

    def insert(self, text: str, rows: Iterable[Sequence[Any]], limit: int) -> int:
        """Run an INSERT of one row for many rows, in statements of up to `limit` bytes; return the affected rows."""
        parts = insert_parts(text)
        if parts is None:
            with self.cursor() as cursor:
                return int(cursor.executemany(text, rows) or 0)
        affected, waiting, length = 0, list[str](), 0
        limit -= sum(map(len, parts))
        for row in literal_rows(rows, self.escape):
            if waiting and length + len(row) > limit:
                affected += self._insert(parts, waiting, limit)
                waiting, length = [], 0
            waiting.append(row)
            length += len(row) + len("(),")
        return affected + (self._insert(parts, waiting, limit) if waiting else 0)

    def _insert(self, parts: tuple[str, str], rows: list[str], limit: int) -> int:
        values = f"({'),('.join(rows)})".encode(self.encoding)
        if len(values) > limit and len(rows) > 1:  # characters are longer than a byte
            middle = len(rows) // 2
            return self._insert(parts, rows[:middle], limit) + self._insert(parts, rows[middle:], limit)
        before, after = (part.encode(self.encoding) for part in parts)
        return self.query(before + values + after)

    def query(self, sql: str | bytes | bytearray, unbuffered: bool = False) -> int:
        """Send a statement, unless the server would break the link because of its length."""
        if len(sql) > _SURELY_ACCEPTED:
            if isinstance(sql, str):
                sql = sql.encode(self.encoding)
            self._check_length(len(sql))
        return int(super().query(sql, unbuffered))

    def packet_bytes(self) -> int:
        """Return how many bytes a statement may have; asked once a session."""
        if self.packet_limit is None:
            with self.cursor() as cursor:
                cursor.execute("SELECT @@max_allowed_packet")
                self.packet_limit = int(cursor.fetchone()[0])  # type: ignore[index]  # there is one row
        return self.packet_limit

    def _check_length(self, length: int) -> None:
        limit = self.packet_bytes()
        if length > limit:
            raise pymysql.DataError(
                PACKET_TOO_LARGE,
                f"A statement of {length:,} bytes is longer than the server accepts (max_allowed_packet is {limit:,})",
            )
