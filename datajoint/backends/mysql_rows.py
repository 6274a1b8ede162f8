"""Read results of MySQL's protocol several times as fast as PyMySQL does, which makes two calls a packet and five a value.

Only buffered results are read here; the driver does everything else, and its connection is what others see.
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
_DESCRIPTIONS = 256  # of results, before they are forgotten


class FastConnection(Connection):
    """A connection of PyMySQL whose buffered results are read by `_Result`."""

    _descriptions: dict[Any, Any]
    """What the driver made of the descriptions of columns, which are the same whenever the same is asked."""

    def connect(self, sock: Any = None) -> None:
        """Connect."""
        self._descriptions = {}
        super().connect(sock)

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


class _Packets:
    """The packets of an answer, cut out of what has arrived already."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self._stream = connection._rfile
        self._arrived, self._position = b"", 0

    def next(self) -> bytes:
        """Return the content of the next packet; wait for it if it has not arrived."""
        start = self._position + 4
        arrived = self._arrived
        if start > len(arrived):
            self.finish()
            arrived, start = self._look(), 4
            self._arrived = arrived
        if start <= len(arrived):
            low, high, number = _HEADER.unpack_from(arrived, start - 4)
            length = low | high << 16
            end = start + length
            if end <= len(arrived) and length < _LONGEST:
                self._count(number)
                self._position = end
                return arrived[start:end]
        self.finish()
        return self._wait()

    def finish(self) -> None:
        """Leave what was not cut out to whoever reads next."""
        if self._position:
            self._stream.read(self._position)
        self._arrived, self._position = b"", 0

    def _look(self) -> bytes:
        """Return what has arrived, or arrives next; nothing if the link is broken, which the driver will say."""
        try:
            return bytes(self._stream.peek())
        except OSError:
            return b""
        except BaseException:
            self.connection._force_close()  # as the driver does: nobody knows how far this went
            raise

    def _wait(self) -> bytes:
        """Return the content of the next packet, however many it was cut into, when all of it has arrived."""
        connection = self.connection
        parts: list[bytes] = []
        while True:
            low, high, number = _HEADER.unpack(connection._read_bytes(4))
            length = low | high << 16
            self._count(number)
            parts.append(connection._read_bytes(length))
            if length < _LONGEST:
                return b"".join(parts)

    def _count(self, number: int) -> None:
        connection = self.connection
        if number != connection._next_seq_id:
            connection._force_close()
            raise err.OperationalError(CR.CR_SERVER_LOST, "Lost connection to MySQL server during query")
        connection._next_seq_id = (number + 1) & 0xFF


class _Replay:
    """Hands the driver packets that were read already."""

    def __init__(self, connection: Any, contents: list[bytes]) -> None:
        self.use_unicode, self.encoding = connection.use_unicode, connection.encoding
        self.decoders = connection.decoders
        self._contents = iter(contents)

    def _read_packet(self, kind: Any = MysqlPacket) -> Any:
        return kind(next(self._contents), self.encoding)


class _Result(MySQLResult):
    connection: Any
    field_count: int
    fields: Any
    description: Any
    converters: list[tuple[str | None, Any]]

    def read(self) -> None:
        """Read the answer to the end."""
        packets = _Packets(self.connection)
        try:
            first = MysqlPacket(_checked(packets.next(), self.connection), self.connection.encoding)
            if first.is_ok_packet():
                self._read_ok_packet(first)  # type: ignore[attr-defined]  # unknown to the stubs
            elif first.is_load_local_packet():
                packets.finish()
                self._read_load_local_packet(first)  # type: ignore[attr-defined]  # as above
            else:
                self.field_count = int(first.read_length_encoded_integer() or 0)
                self._read_descriptions(packets)
                self._read_rows(packets)
        finally:
            packets.finish()
            self.connection = None

    def _read_descriptions(self, packets: _Packets) -> None:
        connection = self.connection
        contents = [_checked(packets.next(), connection) for _ in range(self.field_count + 1)]
        known, key = connection._descriptions, (connection.encoding, *contents)
        if key not in known:
            self.connection = _Replay(connection, contents)
            self._get_descriptions()  # type: ignore[attr-defined]  # as above
            self.connection = connection
            if len(known) >= _DESCRIPTIONS:
                known.clear()
            known[key] = self.fields, self.converters, self.description
        self.fields, self.converters, self.description = known[key]

    def _read_rows(self, packets: _Packets) -> None:
        rows: list[tuple[Any, ...]] = []
        read, following = self._read_row, packets.next
        while True:
            data = following()
            if data[0] >= _EOF:
                if data[0] == _EOF and len(data) < _EOF_BYTES:
                    break
                _checked(data, self.connection)
            rows.append(read(data))
        self._check_packet_is_eof(MysqlPacket(data, self.connection.encoding))  # type: ignore[attr-defined]
        self.affected_rows, self.rows = len(rows), tuple(rows)

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


def _checked(data: bytes, connection: Any) -> bytes:
    """Return the content of a packet, or raise the error that it tells."""
    if data[0] == _ERROR:
        MysqlPacket(data, connection.encoding).raise_for_error()
    return data
