"""Rows of MySQL's protocol, read from bytes as a server would send them."""

from __future__ import annotations

import io

import pytest

pymysql = pytest.importorskip("pymysql")

from datajoint.backends.mysql_rows import _Packets, _Result  # noqa: E402

END = b"\xfe\x00\x00\x02\x00"


class Server:
    """Stands for the driver's connection: gives out what was packed, of which a buffer holds a part at a time."""

    encoding, use_unicode, decoders = "utf8", True, {3: int}

    def __init__(self, *contents: bytes, first: int = 0, buffered: int = 8192) -> None:
        self._next_seq_id, self.closed = first, False
        self._descriptions: dict[object, object] = {}
        data, number = b"", first
        for content in contents:
            # a packet of the greatest length is followed by another, be it empty
            for start in range(0, len(content) + 1, 0xFFFFFF):
                piece = content[start : start + 0xFFFFFF]
                data += len(piece).to_bytes(3, "little") + bytes([number % 256]) + piece
                number += 1
        self._rfile = io.BufferedReader(io.BytesIO(data), buffered)  # type: ignore[arg-type]

    def _read_bytes(self, count: int) -> bytes:
        found = self._rfile.read(count)
        if len(found) < count:
            self._force_close()
            raise pymysql.err.OperationalError(2013, "Lost connection")
        return found

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
    result, packets = _Result(server), _Packets(server)
    result.converters = list(converters)
    result._read_rows(packets)
    packets.finish()
    assert not server._rfile.read()
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


@pytest.mark.parametrize("buffered", [1, 5, 16, 64])
def test_packets_are_found_whatever_the_buffer_holds(buffered: int) -> None:
    contents = [text(str(n).encode()) + text(b"abc" * n) for n in range(40)]
    rows = read(Server(*contents, END, buffered=buffered), ("ascii", int), ("ascii", None))
    assert rows == tuple((n, "abc" * n) for n in range(40))


def test_a_link_that_ends_amid_a_packet_is_lost() -> None:
    server = Server(text(b"12345"))
    server._rfile = io.BufferedReader(io.BytesIO(server._rfile.read()[:-2]))  # type: ignore[arg-type]
    with pytest.raises(pymysql.err.OperationalError, match="Lost connection"):
        read(server, (None, None))
    assert server.closed


def described(name: bytes, kind: int) -> bytes:
    names = text(b"def") + text(b"lab") + text(b"t") + text(b"t") + text(name) + text(name)
    return names + b"\x0c" + (33).to_bytes(2, "little") + (11).to_bytes(4, "little") + bytes([kind, 0, 0, 0, 0, 0])


def answer(server: Server) -> _Result:
    result = _Result(server)
    result.read()
    return result


def test_descriptions_are_remembered_as_the_driver_reads_them() -> None:
    one, two = described(b"a", 3), described(b"b", 3)
    server = Server(b"\x01", one, END, text(b"7"), END)
    first = answer(server)
    assert (first.description[0][0], first.rows) == ("a", ((7,),))
    for column, name in ((one, "a"), (two, "b")):
        again = Server(b"\x01", column, END, text(b"8"), END)
        again._descriptions = server._descriptions
        result = answer(again)
        assert (result.description[0][0], result.rows) == (name, ((8,),))
        assert (result.description is first.description) == (name == "a")


def test_an_error_amid_the_descriptions_is_raised() -> None:
    error = b"\xff" + (1317).to_bytes(2, "little") + b"#70100Query execution was interrupted"
    with pytest.raises(pymysql.err.OperationalError, match="interrupted"):
        answer(Server(b"\x02", described(b"a", 3), error))
