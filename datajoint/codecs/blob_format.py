r"""The blob format: any nesting of Python values and numpy arrays as bytes that other languages can read too.

::

    blob     := plain | "ZL123\0" u64(length of plain) zlib(plain)
    plain    := protocol item
    protocol := "mYm\0" | "dj0\0"
    item     := tag payload
    element  := u64(length of item) item

All numbers are little-endian. ``mYm`` marks blobs that consist of MATLAB's own kinds of values only; the grammar is
the same. `blob_writer` makes items, `blob_reader` reads them; this module puts the envelope around them, and
neither imports numpy before it is used. Reading never runs code, and takes memory in proportion to the input.
"""

from __future__ import annotations

import os
import struct
import sys
import zlib
from collections.abc import Callable
from enum import IntEnum
from functools import cache
from typing import TYPE_CHECKING, Any

from datajoint.errors import DataJointError

if TYPE_CHECKING:
    from datajoint.codecs.blob_writer import Written

use_32bit_dims = False
"""Whether lengths and shapes are read as 32-bit words, as old releases of mYm wrote them. Writing ignores it."""

_COMPRESSED = b"ZL123\0"
_PROTOCOLS = (b"mYm\0", b"dj0\0")
BEGINNINGS = (_COMPRESSED, *_PROTOCOLS)
"""What a blob begins with."""
_PROTOCOL_LENGTH = 4
_COMPRESS_ABOVE = 1000
_SIZE, _SIZE_OF_OLD = struct.Struct("<Q"), struct.Struct("<I")
# Deflate cannot do better than 1032:1, so a larger claim is false and nothing need be allocated for it.
_MOST_INFLATION = 1032


class Tag(IntEnum):
    """The byte that begins an item."""

    TUPLE = 0x01
    LIST = 0x02
    SET = 0x03
    DICT = 0x04
    STR = 0x05
    BYTES = 0x06
    INT = 0x0A
    BOOL = 0x0B
    COMPLEX = 0x0C
    FLOAT = 0x0D
    ARRAY = ord("A")
    CELL = ord("C")
    RECORDS = ord("F")
    SPARSE = ord("P")
    STRUCT = ord("S")
    DECIMAL = ord("d")
    TIME = ord("t")
    UUID = ord("u")
    NONE = 0xFF


class TypeId(IntEnum):
    """Array types that are not in `NUMERIC_TYPES`."""

    CHAR = 4
    OBJECT = 5


# Type numbers by numpy's spelling.
NUMERIC_TYPES = {
    "|b1": 3,
    "<f8": 6,
    "<f4": 7,
    "|i1": 8,
    "|u1": 9,
    "<i2": 10,
    "<u2": 11,
    "<i4": 12,
    "<u4": 13,
    "<i8": 14,
    "<u8": 15,
}
DATETIME_TYPES = {
    f"<M8[{unit}]": 65536 + number
    for number, unit in enumerate(["Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as"])
}


def __getattr__(name: str) -> Any:
    """Return the array classes, which programs look for here; not before they are asked for, as they need numpy."""
    if name in {"MatCell", "MatStruct"}:
        from datajoint.codecs import matlab  # noqa: PLC0415 - imports numpy

        return getattr(matlab, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class Blob:
    r"""One serialisation; `pack` and `unpack` make one for each call.

    Parameters
    ----------
    squeeze : bool
        Whether `unpack` removes dimensions of length 1 from every array, nested ones too.

    Attributes
    ----------
    protocol : bytes or None
        Of the blob last packed or unpacked: ``b"mYm\0"`` or ``b"dj0\0"``.
    """

    def __init__(self, squeeze: bool = False) -> None:
        self.squeeze = squeeze
        self.protocol: bytes | None = None

    def pack(self, obj: Any, compress: bool = True) -> bytes:
        """Serialise `obj`; see `pack`."""
        plain, self.protocol = _write()(obj)
        return _closed(plain, compress=compress)

    def unpack(self, blob: bytes | bytearray | memoryview | None) -> Any:
        """Read a blob; see `unpack`."""
        if blob is None:
            return None
        plain = _plain(blob)
        self.protocol = plain[:_PROTOCOL_LENGTH]
        return _read()(plain, _PROTOCOL_LENGTH, squeeze=self.squeeze, use_32bit_dims=use_32bit_dims)


@cache
def _write() -> Callable[[Any], Written]:
    from datajoint.codecs.blob_writer import write  # noqa: PLC0415 - imports numpy

    return write


@cache
def _read() -> Callable[..., Any]:
    from datajoint.codecs.blob_reader import read  # noqa: PLC0415 - imports numpy

    return read


def _closed(plain: bytearray, *, compress: bool) -> bytes:
    """Return a blob from what it says, compressed if that makes it shorter."""
    if compress and len(plain) > _COMPRESS_ABOVE:
        zipped = _COMPRESSED + _SIZE.pack(len(plain)) + zlib.compress(plain)
        if len(zipped) < len(plain):
            return zipped
    return bytes(plain)


def _plain(blob: bytes | bytearray | memoryview) -> bytes:
    """Return what a blob says, from its protocol on."""
    data = blob if type(blob) is bytes else _as_bytes(blob)
    if data.startswith(_COMPRESSED):
        data = _inflate(memoryview(data)[len(_COMPRESSED) :])
    if not data.startswith(_PROTOCOLS):
        raise DataJointError(
            f"The {len(data)} bytes are no blob: they begin with {data[:_PROTOCOL_LENGTH]!r}.",
            hint="Declare `bytes` for raw bytes.",
        )
    return data


def _as_bytes(blob: bytearray | memoryview | bytes) -> bytes:
    try:
        return memoryview(blob).tobytes()
    except TypeError as error:
        raise DataJointError(f"A blob is bytes, not {type(blob).__name__}.") from error


def pack(obj: Any, compress: bool = True) -> bytes:
    """Serialise a value.

    Parameters
    ----------
    obj : object
        ``None``, numbers, texts, bytes, dates and times, `decimal.Decimal`, `uuid.UUID`, numpy arrays and scalars,
        and tuples, lists, sets and mappings of such. Subclasses come back as these base types.
    compress : bool
        Whether results of more than 1000 bytes are compressed, if that makes them shorter.

    Raises
    ------
    DataJointError
        If there is no form for something within `obj`.
    """
    return _closed(_write()(obj).plain, compress=compress)


def unpack(blob: bytes | bytearray | memoryview | None, squeeze: bool = False) -> Any:
    """Return the value that `pack` was given; None for None.

    Arrays are writable copies, in Fortran order if they have two or more dimensions.

    Parameters
    ----------
    blob : bytes-like or None
    squeeze : bool
        Whether to remove dimensions of length 1 from every array, nested ones too; an array of one number
        becomes that number.

    Raises
    ------
    DataJointError
        If the bytes are damaged, or not in this format.
    """
    if blob is None:
        return None
    return _read()(_plain(blob), _PROTOCOL_LENGTH, squeeze=squeeze, use_32bit_dims=use_32bit_dims)


@cache
def _memory() -> int:
    """Return the bytes of memory that this machine has: what does not fit must end in an error, not the process."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not every system tells
        return sys.maxsize


def _inflate(data: memoryview) -> bytes:
    layout = _SIZE_OF_OLD if use_32bit_dims else _SIZE
    if len(data) < layout.size:
        raise DataJointError("The blob is cut off within its compression header.")
    (size,) = layout.unpack_from(data)
    stream = data[layout.size :]
    if size > _MOST_INFLATION * len(stream):
        raise DataJointError(
            f"Blob size mismatch: {size} bytes are declared, which {len(stream)} compressed bytes cannot hold."
        )
    if size > _memory():
        raise DataJointError(
            f"The blob inflates to {size:,} bytes. This machine has memory for {_memory():,}; read it on a larger one."
        )
    inflater = zlib.decompressobj()
    try:
        plain = inflater.decompress(stream, max(size, 1))
        # A finished stream may need one more call to see its end.
        excess = b"" if inflater.eof else inflater.decompress(inflater.unconsumed_tail, 1)
    except zlib.error as error:
        raise DataJointError("The blob is damaged: its compressed bytes cannot be read.") from error
    if excess or not inflater.eof or inflater.unused_data or len(plain) != size:
        raise DataJointError(
            f"Blob size mismatch: {size} bytes are declared, the compressed bytes hold another number."
        )
    return plain
