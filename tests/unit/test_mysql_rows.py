"""Rows of MySQL's protocol, read from bytes as a server would send them."""

from __future__ import annotations

import pytest

pymysql = pytest.importorskip("pymysql")

from datajoint.backends.mysql_rows import _Result  # noqa: E402

END = b"\xfe\x00\x00\x02\x00"


class Server:
    """Stands for the driver's connection: gives out what was packed."""

    encoding = "utf8"

    def __init__(self, *contents: bytes, first: int = 0) -> None:
        self.data, self.position, self._next_seq_id, self.closed = b"", 0, first, False
        number = first
        for content in contents:
            # a packet of the greatest length is followed by another, be it empty
            for start in range(0, len(content) + 1, 0xFFFFFF):
                piece = content[start : start + 0xFFFFFF]
                self.data += len(piece).to_bytes(3, "little") + bytes([number % 256]) + piece
                number += 1

    def _read_bytes(self, count: int) -> bytes:
        self.position += count
        assert self.position <= len(self.data)
        return self.data[self.position - count : self.position]

    def _force_close(self) -> None:
        self.closed = True


def text(value: bytes | None) -> bytes:
    if value is None:
        return b"\xfb"
    size = len(value)
    for limit, mark, width in ((251, b"", 1), (2**16, b"\xfc", 2), (2**24, b"\xfd", 3), (2**64, b"\xfe", 8)):
        if size < limit:
            return mark + size.to_bytes(width, "little") + value
    raise AssertionError


def read(server: Server, *converters: tuple[str | None, object]) -> tuple[tuple[object, ...], ...]:
    result = _Result(server)
    result.converters = list(converters)
    result._read_rowdata_packet()
    assert server.position == len(server.data)
    assert result.affected_rows == len(result.rows)
    return result.rows


def test_values_are_decoded_and_converted() -> None:
    server = Server(text(b"12") + text("é".encode()) + text(b"\xff\x00"), text(None) * 3, END, first=250)
    rows = read(server, ("ascii", int), ("utf8", None), (None, None))
    assert rows == ((12, "é", b"\xff\x00"), (None, None, None))


@pytest.mark.parametrize(
    "size", [0, 1, 250, 251, 65535, 65536, 2**24 - 10, 2**24 - 5, 2**24 - 4, 2**24, 2**24 + 70_000]
)
def test_values_of_every_length(size: int) -> None:
    value = (b"0123456789" * (size // 10 + 1))[:size]
    assert read(Server(text(value) + text(b"x"), END), (None, None), ("ascii", None)) == ((value, "x"),)


def test_no_rows() -> None:
    assert read(Server(END, first=255), (None, None)) == ()


def test_an_error_amid_the_rows_is_raised() -> None:
    error = b"\xff" + (1317).to_bytes(2, "little") + b"#70100Query execution was interrupted"
    with pytest.raises(pymysql.err.OperationalError, match="interrupted"):
        read(Server(text(b"1"), error), ("ascii", int))


def test_packets_out_of_order_close_the_connection() -> None:
    server = Server(text(b"1"), END)
    server._next_seq_id = 3
    with pytest.raises(pymysql.err.OperationalError, match="Lost connection"):
        read(server, ("ascii", int))
    assert server.closed
