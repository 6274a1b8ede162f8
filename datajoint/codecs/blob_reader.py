"""Python values from items of the blob format: a cursor that moves once over the bytes.

Every length that the bytes declare is compared with the bytes that are left before anything is made of it, so
memory stays in proportion to the input whatever it says.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np

from datajoint.codecs.blob_format import DATETIME_TYPES, NUMERIC_TYPES, Tag, TypeId
from datajoint.codecs.matlab import MatCell, MatStruct
from datajoint.errors import DataJointError

_BOOL = NUMERIC_TYPES["|b1"]
_DTYPES = {n: np.dtype(name) for name, n in {**NUMERIC_TYPES, **DATETIME_TYPES}.items() if n != _BOOL}
_DOUBLE = struct.Struct("<d")
_COMPLEX = struct.Struct("<dd")
_TIME = struct.Struct("<iq")
_U32 = struct.Struct("<I")
_CHAR_BYTES = 2
# What numpy can hold; the product of millions of them would take minutes.
_MOST_DIMENSIONS = 64
# Of the kinds that make up most nested values; as plain numbers they compare twice as fast.
_STR, _INT, _FLOAT = int(Tag.STR), int(Tag.INT), int(Tag.FLOAT)


def read(data: bytes, start: int = 0, *, squeeze: bool = False, use_32bit_dims: bool = False) -> Any:
    """Return the value of the item that `data` consists of from `start` on.

    Raises
    ------
    DataJointError
        If that is anything else than one whole item.
    """
    reader = _Reader(data, start, squeeze=squeeze, use_32bit_dims=use_32bit_dims)
    try:
        value = reader.item()
    except DataJointError:
        raise
    except (ValueError, TypeError, ArithmeticError, IndexError, struct.error) as error:
        # Such as a 13th month, a list as the key of a dict, or two fields of one name.
        raise DataJointError(f"The blob is damaged near byte {reader.position}: {error}.") from error
    except (RecursionError, MemoryError) as error:
        raise DataJointError("The blob is nested too deeply, or too large, to be read here.") from error
    if reader.position != reader.end:
        raise DataJointError(
            f"Blob length check failed! Invalid blob: {reader.end - reader.position} bytes are left over."
        )
    return value


_LAYOUTS = {words: (struct.Struct(f"<{words}"), struct.Struct(f"<{words}B")) for words in "IQ"}
"""Letter of the words -> a word; a word and a tag, with which an element begins."""


class _Shape(NamedTuple):
    shape: tuple[int, ...]
    size: int


@lru_cache
def _array_head(dimensions: int, words: str) -> struct.Struct:
    """Return what an array begins with: number of dimensions, shape, type, and whether it is complex."""
    return struct.Struct(f"<{1 + _few_dimensions(dimensions)}{words}II")


def _few_dimensions(dimensions: int) -> int:
    if dimensions > _MOST_DIMENSIONS:
        raise DataJointError(
            f"The blob declares an array of {dimensions} dimensions. Arrays have {_MOST_DIMENSIONS} at most; "
            "it is damaged, or made for other programs."
        )
    return dimensions


class _Reader:
    def __init__(self, data: bytes, start: int, *, squeeze: bool, use_32bit_dims: bool) -> None:
        self.data = data
        self.position = start
        self.end = len(data)
        self.squeeze = squeeze
        # Lengths, counts and shapes; other numbers have the same width in all blobs.
        self.words = "I" if use_32bit_dims else "Q"
        self.word, self.element = _LAYOUTS[self.words]

    def item(self) -> Any:
        """Read a tag and what belongs to it."""
        start = self._advance(1)
        read = _READERS.get(self.data[start])
        if read is None:
            raise _unknown(self.data[start])
        return read(self)

    # --- the cursor
    def _cut_off(self, wanted: int) -> DataJointError:
        left = self.end - self.position
        return DataJointError(f"The blob is cut off or damaged: {wanted} bytes are declared where {left} are left.")

    def _advance(self, length: int) -> int:
        """Move over `length` bytes and return where they begin."""
        start = self.position
        if length > self.end - start:
            raise self._cut_off(length)
        self.position = start + length
        return start

    def _take(self, length: int) -> bytes:
        start = self._advance(length)
        return self.data[start : start + length]

    def _unpack(self, layout: struct.Struct) -> tuple[Any, ...]:
        return layout.unpack_from(self.data, self._advance(layout.size))

    def _word(self) -> int:
        number: int = self._unpack(self.word)[0]
        return number

    def _room_for(self, count: int, size: int) -> int:
        """Return `count` if that many parts of at least `size` bytes can follow."""
        if count * size > self.end - self.position:
            raise self._cut_off(count * size)
        return count

    def _elements(self, count: int) -> list[Any]:
        """Read `count` items, each behind its length.

        This is the inner loop. It dispatches by itself instead of calling `item`, since the fewer frames a level of
        nesting takes, the deeper values can be read; and it reads by itself what values mostly consist of.
        """
        data, end, word, head = self.data, self.end, self.word, self.element
        self._room_for(count, head.size)
        position = self.position
        values: list[Any] = []
        for _ in range(count):
            length, tag = head.unpack_from(data, position)
            start = position + head.size
            stop = start + length - 1
            if not length or stop > end:
                raise self._cut_off(length)
            if tag == _STR:
                first = start + word.size
                if word.unpack_from(data, start)[0] != stop - first:
                    raise _wrong_length(length)
                values.append(data[first:stop].decode())
            elif tag == _INT:
                if data[start] + 256 * data[start + 1] != length - 3:
                    raise _wrong_length(length)
                values.append(int.from_bytes(data[start + 2 : stop], "little", signed=True))
            elif tag == _FLOAT:
                if length != 1 + _DOUBLE.size:
                    raise _wrong_length(length)
                values.append(_DOUBLE.unpack_from(data, start)[0])
            else:
                read = _READERS.get(tag)
                if read is None:
                    raise _unknown(tag)
                self.position = start
                values.append(read(self))
                if self.position != stop:
                    raise _wrong_length(length)
            position = stop
        self.position = position
        return values

    # --- containers and scalars
    def _list(self) -> list[Any]:
        return self._elements(self._word())

    def _tuple(self) -> tuple[Any, ...]:
        return tuple(self._elements(self._word()))

    def _set(self) -> set[Any]:
        values = self._elements(self._word())
        try:
            return set(values)
        except TypeError:
            return set(map(_frozen, values))

    def _dict(self) -> dict[Any, Any]:
        values = self._elements(2 * self._word())
        keys, values = values[::2], values[1::2]
        try:
            return dict(zip(keys, values, strict=True))
        except TypeError:
            return dict(zip(map(_frozen, keys), values, strict=True))

    def _none(self) -> None:
        return None

    def _bool(self) -> bool:
        return self._take(1) != b"\0"

    def _int(self) -> int:
        length = int.from_bytes(self._take(2), "little")
        return int.from_bytes(self._take(length), "little", signed=True)

    def _float(self) -> float:
        number: float = self._unpack(_DOUBLE)[0]
        return number

    def _complex(self) -> complex:
        return complex(*self._unpack(_COMPLEX))

    def _bytes(self) -> bytes:
        return self._take(self._word())

    def _text(self) -> str:
        return self._take(self._word()).decode()

    def _decimal(self) -> Decimal:
        return Decimal(self._text())

    def _uuid(self) -> UUID:
        return UUID(bytes=self._take(16))

    def _moment(self) -> date | time | datetime:
        day, clock = self._unpack(_TIME)
        if day == clock == -1:
            raise DataJointError("The blob is damaged: it holds a time without date and without hour.")
        rest, microsecond = divmod(clock, 10**6)
        at = None if clock == -1 else time(rest // 10000, rest // 100 % 100, rest % 100, microsecond)
        on = None if day == -1 else date(day // 10000, day // 100 % 100, day % 100)
        if at is None:
            assert on is not None
            return on
        return at if on is None else datetime.combine(on, at)

    # --- arrays
    def _shape(self) -> _Shape:
        dimensions = _few_dimensions(self._word())
        shape = self._unpack(struct.Struct(f"<{dimensions}{self.words}"))
        return _Shape(shape, math.prod(shape))

    def _names(self) -> list[str]:
        (count,) = self._unpack(_U32)
        self._room_for(count, 1)
        names = []
        for _ in range(count):
            stop = self.data.find(b"\0", self.position)
            if stop < 0:
                raise self._cut_off(self.end - self.position + 1)
            names.append(self._take(stop - self.position).decode())
            self.position = stop + 1
        return names

    def _array(self) -> Any:
        array = self._whole_array()
        return array if array.ndim and not self.squeeze else self._squeezed(array)

    def _whole_array(self) -> np.ndarray[Any, Any]:
        (dimensions,) = self.word.unpack_from(self.data, self.position)
        _, *shape, type_id, is_complex = self._unpack(_array_head(dimensions, self.words))
        count = math.prod(shape)
        dtype = _DTYPES.get(type_id)
        if is_complex:
            array = self._complex_numbers(dtype, type_id, count)
        elif dtype is not None:
            array = self._numbers(dtype, count).copy()
        elif type_id == _BOOL:
            # Any byte but 0 is true, and must become a 1 for numpy.
            array = self._numbers(np.dtype(np.uint8), count).astype(np.bool_)
        elif type_id == TypeId.OBJECT:
            array = _object_array(self._elements(count))
        elif type_id == TypeId.CHAR:
            return self._characters(shape, count)
        else:
            raise _unknown_array(f"the unknown type {type_id}")
        return array if dimensions == 1 else array.reshape(shape, order="F")

    def _numbers(self, dtype: np.dtype[Any], count: int) -> np.ndarray[Any, Any]:
        """Return a vector that still lies in the input."""
        return np.frombuffer(self.data, dtype, count, self._advance(count * dtype.itemsize))

    def _complex_numbers(self, dtype: np.dtype[Any] | None, type_id: int, count: int) -> np.ndarray[Any, Any]:
        if dtype is None or dtype.kind not in "fiu":
            raise _unknown_array(f"complex numbers of the unknown type {type_id}")
        array = np.empty(
            self._room_for(count, 2 * dtype.itemsize), np.complex64 if dtype == np.float32 else np.complex128
        )
        array.real, array.imag = self._numbers(dtype, count), self._numbers(dtype, count)
        return array

    def _characters(self, shape: Sequence[int], count: int) -> np.ndarray[Any, Any]:
        raw = self._take(_CHAR_BYTES * count)
        if len(shape) == 1 or (len(shape) == 2 and shape[0] == 1):  # noqa: PLR2004 - a row of characters is a text
            return np.array([raw.decode("utf-16-le", "surrogatepass")])
        codes = np.frombuffer(raw, "<u2").astype("<u4")
        return codes.view("<U1").reshape(shape, order="F")

    def _squeezed(self, array: np.ndarray[Any, Any]) -> Any:
        if array.ndim and self.squeeze:
            array = array.squeeze()
        if array.ndim:
            return array
        if self.squeeze:
            return array.item()
        # Scalars of numpy are written like arrays without dimensions; objects and texts have codes of their own,
        # so that these come from arrays indeed.
        return array if array.dtype.kind in "OU" else array[()]

    def _cell(self) -> MatCell:
        shape, count = self._shape()
        cells = _object_array(self._elements(count))
        cells = cells.reshape(shape, order="F") if count else cells
        return (cells.squeeze() if self.squeeze else cells).view(MatCell)

    def _struct(self) -> Any:
        shape, count = self._shape()
        names = self._names()
        if not names:
            return np.array(None, dtype=object)
        values = self._elements(count * len(names))
        records = np.empty(count, [(name, object) for name in names])
        for index, name in enumerate(names):
            records[name] = _object_array(values[index :: len(names)])
        records = records.reshape(shape, order="F")
        return (records.squeeze() if self.squeeze else records).view(MatStruct)

    def _records(self) -> Any:
        records = self._whole_records()
        return records.squeeze() if self.squeeze else records

    def _whole_records(self) -> np.ndarray[Any, Any]:
        names = self._names()
        if not names:
            return np.array(None, dtype=object)
        columns = [self._column() for _ in names]
        # A field may itself hold arrays: then its column has further dimensions, behind those of the records.
        shape = min((column.shape for column in columns), key=len)
        fields = []
        for name, column in zip(names, columns, strict=True):
            if column.shape[: len(shape)] != shape:
                raise DataJointError(
                    f"The blob is damaged: field `{name}` has shape {column.shape} where the first has {shape}."
                )
            fields.append((name, column.dtype, column.shape[len(shape) :]))
        records = np.empty(shape, np.dtype((np.record, fields)), order="F")
        for name, column in zip(names, columns, strict=True):
            records[name] = column
        return records.view(np.recarray)

    def _column(self) -> np.ndarray[Any, Any]:
        (tag,) = self._take(1)
        if tag == Tag.ARRAY:
            return self._whole_array()
        if tag == Tag.RECORDS:
            return self._whole_records()
        raise DataJointError(f"The blob is damaged: the code {tag} stands where a field's array should.")

    def _sparse(self) -> Any:
        raise DataJointError(
            "The blob holds a sparse array of MATLAB, which is not supported.", hint="Store it as a full array."
        )


def _unknown_array(what: str) -> DataJointError:
    return DataJointError(f"The blob holds an array of {what}.", hint="Upgrade datajoint.")


def _wrong_length(length: int) -> DataJointError:
    return DataJointError(f"The blob is damaged: a part of {length} bytes has another length within.")


def _frozen(value: Any) -> Any:
    """Return `value` with sets made frozen: written as the key of a dict or the element of a set, they were."""
    if isinstance(value, set):
        return frozenset(value)
    if isinstance(value, tuple):
        return tuple(map(_frozen, value))
    return value


def _unknown(tag: int) -> DataJointError:
    return DataJointError(f'Unknown data structure code "{chr(tag)}" ({tag}). Upgrade datajoint.')


def _object_array(values: list[Any]) -> np.ndarray[Any, Any]:
    """Return a vector with one element for each value, whatever the values are."""
    array = np.empty(len(values), object)
    for index, value in enumerate(values):
        array[index] = value
    return array


_READERS: dict[int, Callable[[_Reader], Any]] = {
    Tag.ARRAY: _Reader._array,
    Tag.CELL: _Reader._cell,
    Tag.STRUCT: _Reader._struct,
    Tag.RECORDS: _Reader._records,
    Tag.SPARSE: _Reader._sparse,
    Tag.NONE: _Reader._none,
    Tag.TUPLE: _Reader._tuple,
    Tag.LIST: _Reader._list,
    Tag.SET: _Reader._set,
    Tag.DICT: _Reader._dict,
    Tag.STR: _Reader._text,
    Tag.BYTES: _Reader._bytes,
    Tag.INT: _Reader._int,
    Tag.BOOL: _Reader._bool,
    Tag.COMPLEX: _Reader._complex,
    Tag.FLOAT: _Reader._float,
    Tag.DECIMAL: _Reader._decimal,
    Tag.TIME: _Reader._moment,
    Tag.UUID: _Reader._uuid,
}
