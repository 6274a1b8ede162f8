"""Items of the blob format from Python values: one pass into one growing buffer, lengths filled in afterwards."""

from __future__ import annotations

import logging
import struct
from collections.abc import Iterable, Mapping, MutableSequence, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime, time
from decimal import Decimal
from functools import cache
from itertools import chain
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np

from datajoint.codecs.blob_format import DATETIME_TYPES, NUMERIC_TYPES, Tag, TypeId
from datajoint.codecs.blob_reader import read
from datajoint.codecs.matlab import MatCell, MatStruct
from datajoint.errors import DataJointError

logger = logging.getLogger("datajoint")

_WORD = struct.Struct("<Q")
_HEAD = struct.Struct("<BQ")  # a tag and a count
_ARRAY_TYPE = struct.Struct("<II")
_COMPLEX = struct.Struct("<dd")
_TIME = struct.Struct("<iq")
_MOST_INT_BYTES = 65535
_PROTOCOL_LENGTH = 4
# Elements of the most common kinds, from their length on.
_INT_ELEMENT = struct.Struct("<QBH")
_FLOAT_ELEMENT = struct.Struct("<QBd")
_TEXT_ELEMENT = struct.Struct("<QBQ")
_STR, _INT, _FLOAT = int(Tag.STR), int(Tag.INT), int(Tag.FLOAT)


class Written(NamedTuple):
    """A blob before compression, and the protocol at its head."""

    plain: bytearray
    protocol: bytes


def write(obj: Any) -> Written:
    """Return protocol and item of `obj`.

    Raises
    ------
    DataJointError
        If there is no form for something within `obj`, or it contains itself.
    """
    writer = _Writer()
    try:
        writer.item(obj)
    except RecursionError as error:
        raise DataJointError("The value is nested too deeply for a blob, or contains itself.") from error
    except (ValueError, OverflowError, struct.error) as error:
        # Such as pandas' NaT, a datetime without a year, and texts that are no valid Unicode.
        raise DataJointError(f"A value within {type(obj).__name__} has no form in a blob: {error}.") from error
    protocol = b"mYm\0" if writer.matlab_only else b"dj0\0"
    writer.buffer[:_PROTOCOL_LENGTH] = protocol
    return Written(writer.buffer, protocol)


class _Writer:
    def __init__(self) -> None:
        self.buffer = bytearray(_PROTOCOL_LENGTH)
        self.matlab_only = True

    def item(self, value: Any) -> None:
        """Append tag and payload; the first rule that fits decides."""
        if isinstance(value, np.ndarray):
            self._ndarray(value)
            return
        self.matlab_only = False
        if not isinstance(value, np.generic):
            write = _WRITERS.get(type(value)) or _writer_of_subclass(value)
        elif isinstance(value, np.number | np.datetime64 | np.bool_):
            write = _Writer._array
        else:  # texts, bytes and records
            write = _writer_of_subclass(value)
        write(self, value)

    # --- containers
    def _elements(self, values: Iterable[Any]) -> None:
        """Append items, each behind its length. The inner loop: it writes by itself what values mostly consist of."""
        buffer = self.buffer
        for value in values:
            kind = type(value)
            if kind is str:
                encoded = value.encode()
                buffer += _TEXT_ELEMENT.pack(9 + len(encoded), _STR, len(encoded))
                buffer += encoded
            elif kind is float:
                buffer += _FLOAT_ELEMENT.pack(9, _FLOAT, value)
            elif kind is int:
                length = value.bit_length() // 8 + 1
                if length > _MOST_INT_BYTES:
                    raise _too_large(value)
                buffer += _INT_ELEMENT.pack(3 + length, _INT, length)
                buffer += value.to_bytes(length, "little", signed=True)
            else:
                start = len(buffer)
                buffer += b"\0\0\0\0\0\0\0\0"
                write = _WRITERS.get(kind)
                if write is None:
                    self.item(value)
                else:
                    write(self, value)
                _WORD.pack_into(buffer, start, len(buffer) - start - 8)

    def _container(self, tag: Tag, values: Iterable[Any]) -> None:
        elements = tuple(values)  # another thread may be at work on them, and the count has to be right
        self.buffer += _HEAD.pack(tag, len(elements))
        self._elements(elements)

    def _tuple(self, value: Sequence[Any]) -> None:
        self._container(Tag.TUPLE, value)

    def _list(self, value: MutableSequence[Any]) -> None:
        self._container(Tag.LIST, value)

    def _set(self, value: AbstractSet[Any]) -> None:
        start = len(self.buffer)
        self._container(Tag.SET, value)
        if not all(map(_is_plain_key, value)):
            _check_keys(bytes(self.buffer[start:]), len(value))

    def _dict(self, value: Mapping[Any, Any]) -> None:
        pairs = tuple(value.items())
        if not all(_is_plain_key(key) for key, _ in pairs):
            keys = _Writer()
            keys._container(Tag.SET, (key for key, _ in pairs))
            _check_keys(bytes(keys.buffer[_PROTOCOL_LENGTH:]), len(pairs))
        self.buffer += _HEAD.pack(Tag.DICT, len(pairs))
        self._elements(chain.from_iterable(pairs))

    # --- scalars
    def _none(self, value: None) -> None:  # noqa: ARG002 - called like the others
        self.buffer.append(Tag.NONE)

    def _bool(self, value: bool) -> None:
        self.buffer += bytes((Tag.BOOL, value))

    def _int(self, value: int) -> None:
        length = value.bit_length() // 8 + 1
        if length > _MOST_INT_BYTES:
            raise _too_large(value)
        self.buffer += bytes((Tag.INT, length & 0xFF, length >> 8))
        self.buffer += value.to_bytes(length, "little", signed=True)

    def _float(self, value: float) -> None:
        self.buffer.append(Tag.FLOAT)
        self.buffer += struct.pack("<d", value)

    def _complex(self, value: complex) -> None:
        self.buffer.append(Tag.COMPLEX)
        self.buffer += _COMPLEX.pack(value.real, value.imag)

    def _text(self, value: str, tag: Tag = Tag.STR) -> None:
        self._bytes(value.encode(), tag)

    def _bytes(self, value: bytes | bytearray, tag: Tag = Tag.BYTES) -> None:
        self.buffer += _HEAD.pack(tag, len(value))
        self.buffer += value

    def _decimal(self, value: Decimal) -> None:
        self._text(str(value), Tag.DECIMAL)

    def _uuid(self, value: UUID) -> None:
        self.buffer.append(Tag.UUID)
        self.buffer += value.bytes

    def _moment(self, value: date | time) -> None:
        day = clock = -1
        if getattr(value, "tzinfo", None) is not None:
            _tell("the zone of dates and times: they are stored as the clock shows them there. Use .astimezone()")
        if isinstance(value, date):
            day = (value.year * 100 + value.month) * 100 + value.day
        if isinstance(value, datetime | time):
            clock = ((value.hour * 100 + value.minute) * 100 + value.second) * 10**6 + value.microsecond
        self.buffer.append(Tag.TIME)
        self.buffer += _TIME.pack(day, clock)

    # --- arrays
    def _ndarray(self, array: np.ndarray[Any, Any]) -> None:
        if isinstance(array, MatCell):
            self._cell(array)
        elif isinstance(array, MatStruct):
            self._struct(array)
        elif array.dtype.names is None:
            self._array(array)
        else:
            self._records(array)

    def _shape(self, tag: Tag, shape: tuple[int, ...]) -> None:
        self.buffer.append(tag)
        self.buffer += struct.pack(f"<{1 + len(shape)}Q", len(shape), *shape)

    def _names(self, names: Sequence[str]) -> None:
        encoded = [name.encode() for name in names]
        if any(b"\0" in name for name in encoded):
            raise DataJointError("A field's name holds a zero character, which no blob can keep.")
        self.buffer += struct.pack("<I", len(names))
        self.buffer += b"".join(name + b"\0" for name in encoded)

    def _matlab_elements(self, values: Iterable[Any]) -> None:
        elements = tuple(values)
        if not all(isinstance(element, np.ndarray) for element in elements):
            self.matlab_only = False
        self._elements(elements)

    def _cell(self, array: MatCell) -> None:
        self._shape(Tag.CELL, array.shape)
        self._matlab_elements(array.view(np.ndarray).ravel(order="F"))

    def _struct(self, array: MatStruct) -> None:
        names = array.dtype.names or ()
        self._shape(Tag.STRUCT, array.shape)
        self._names(names)
        columns = [array[name].view(np.ndarray).ravel(order="F") for name in names]
        self._matlab_elements(chain.from_iterable(zip(*columns, strict=True)))

    def _records(self, array: np.ndarray[Any, Any]) -> None:
        self.matlab_only = False
        names = array.dtype.names or ()
        self.buffer.append(Tag.RECORDS)
        self._names(names)
        for name in names:
            column = array[name].view(np.ndarray)
            if column.dtype.names is None:
                self._array(column)
            else:
                self._records(column)

    def _array(self, value: np.ndarray[Any, Any] | np.generic) -> None:
        if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
            _tell("masks of arrays: what lies under the mask is stored. Use .filled() to choose what that is")
        array = np.asarray(value)
        kind = array.dtype.kind
        self._shape(Tag.ARRAY, array.shape)
        if array.ndim == 0 or kind in "OUM":
            self.matlab_only = False
        if kind in "OU":
            self.buffer += _ARRAY_TYPE.pack(TypeId.OBJECT, 0)
            self._elements(array.ravel(order="F").tolist())
        elif array.dtype.str == "|S1":
            self.buffer += _ARRAY_TYPE.pack(TypeId.CHAR, 0)
            self._raw(_flat(array).view(np.uint8).astype("<u2"))
        elif kind == "c":
            self.buffer += _ARRAY_TYPE.pack(_type_id(array.real.dtype), 1)
            self._raw(_flat(array.real))
            self._raw(_flat(array.imag))
        else:
            self.buffer += _ARRAY_TYPE.pack(_type_id(array.dtype), 0)
            self._raw(_flat(array))

    def _raw(self, flat: np.ndarray[Any, Any]) -> None:
        self.buffer += flat.view(np.uint8).data


def _too_large(value: int) -> DataJointError:
    return DataJointError(f"An integer of {value.bit_length()} bits is too large for a blob.")


# Classes that come back as they are, so that what differs as a key will differ when it is read.
_PLAIN_KEYS = frozenset({str, int, float, bool, bytes, complex, Decimal, UUID, date, type(None)})


def _is_plain_key(key: Any) -> bool:
    return type(key) in _PLAIN_KEYS or (type(key) is tuple and all(map(_is_plain_key, key)))


def _check_keys(item: bytes, count: int) -> None:
    """Refuse keys that become one when they are read, such as moments that differ in their zone, or no keys at all."""
    try:
        if len(read(item)) == count:
            return
    except DataJointError as error:
        raise DataJointError("Keys within the value could not be read back as keys.", hint=_KEYS_HINT) from error
    raise DataJointError(f"Of {count} keys within the value, some would be the same when read.", hint=_KEYS_HINT)


_KEYS_HINT = "Use numbers, texts, dates, or tuples of them as the keys of dicts and the elements of sets."


@cache
def _tell(lost: str) -> None:
    """Say once in the life of the process that something of a value is not stored."""
    logger.warning("A blob does not keep %s.", lost)


def _flat(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the elements in Fortran order as a contiguous vector; a view where the memory lies so already."""
    if array.ndim > 1 and array.nbytes > _LARGE and not array.flags.f_contiguous:
        if array.dtype.kind in "biu" and array.flags.c_contiguous and not array.any():
            return array.reshape(-1)  # as empty masks are: zeros in any order
        return _transposed(array).reshape(-1)
    return np.ascontiguousarray(array.T).reshape(-1)


_LARGE = 2**20
_ROWS, _STRIP = 16, 2**16


def _transposed(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return a copy with reversed axes, made in strips: in one go each element would come from another line of the cache.

    A strip has as few rows as fill a line of what is written, so that the lines of all rows that are read stay at hand.
    """
    copy = np.empty(array.shape[::-1], array.dtype)
    rows = max(_ROWS, _STRIP // array[0].nbytes)
    for row in range(0, len(array), rows):
        copy[..., row : row + rows] = array[row : row + rows].T
    return copy


def _type_id(dtype: np.dtype[Any]) -> int:
    number = NUMERIC_TYPES.get(dtype.str) or DATETIME_TYPES.get(dtype.str)
    if number is None:
        hint = "Convert the array with .astype() to a type such as float64, int32 or datetime64[us]."
        if not dtype.isnative:
            hint = "Convert the array with .astype(array.dtype.newbyteorder('='))."
        raise DataJointError(f"Type {dtype} is ambiguous or unknown in the blob format.", hint=hint)
    return number


# By exact class, the common case; subclasses and other kinds of containers go by the ordered rules below.
_WRITERS: dict[type, Any] = {
    bool: _Writer._bool,
    int: _Writer._int,
    complex: _Writer._complex,
    float: _Writer._float,
    datetime: _Writer._moment,
    date: _Writer._moment,
    time: _Writer._moment,
    Decimal: _Writer._decimal,
    UUID: _Writer._uuid,
    dict: _Writer._dict,
    str: _Writer._text,
    bytes: _Writer._bytes,
    bytearray: _Writer._bytes,
    list: _Writer._list,
    tuple: _Writer._tuple,
    set: _Writer._set,
    type(None): _Writer._none,
}
_ABSTRACT_WRITERS: list[tuple[Any, Any]] = [
    *_WRITERS.items(),
    (Mapping, _Writer._dict),
    (MutableSequence, _Writer._list),
    (Sequence, _Writer._tuple),
    (AbstractSet, _Writer._set),
]


def _writer_of_subclass(value: Any) -> Any:
    for base, write in _ABSTRACT_WRITERS:
        if isinstance(value, base):
            return write
    raise DataJointError(
        f"Packing object of type {type(value).__name__} currently not supported!",
        hint="Convert it to numbers, texts, arrays, lists or dicts, or write a codec for it.",
    )
