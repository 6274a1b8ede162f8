"""Python values from items of the blob format: a cursor that moves once over the bytes.

Every length that the bytes declare is compared with the bytes that are left before anything is made of it, so
memory stays in proportion to the input whatever it says.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np

from datajoint.codecs.blob_format import DATETIME_TYPES, NUMERIC_TYPES, Tag, TypeId
from datajoint.codecs.matlab import MatCell, MatStruct
from datajoint.errors import DataJointError

_DTYPES = {number: np.dtype(name) for name, number in {**NUMERIC_TYPES, **DATETIME_TYPES}.items()}
_DOUBLE = struct.Struct("<d")
_COMPLEX = struct.Struct("<dd")
_TIME = struct.Struct("<iq")
_U32 = struct.Struct("<I")
_ARRAY_TYPE = struct.Struct("<II")
_CHAR_BYTES = 2


def read(data: memoryview, *, squeeze: bool, use_32bit_dims: bool) -> Any:
    """Return the value of the item that `data` consists of.

    Raises
    ------
    DataJointError
        If `data` is anything else than one whole item.
    """
    reader = _Reader(data, squeeze=squeeze, use_32bit_dims=use_32bit_dims)
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


class _ArrayHead(NamedTuple):
    shape: tuple[int, ...]
    size: int


class _Reader:
    def __init__(self, data: memoryview, *, squeeze: bool, use_32bit_dims: bool) -> None:
        self.data = data
        self.position = 0
        self.end = len(data)
        self.squeeze = squeeze
        # Lengths, counts and shapes; other numbers have the same width in all blobs.
        self.words = "I" if use_32bit_dims else "Q"
        self.word = struct.Struct(f"<{self.words}")
        self.smallest_element = self.word.size + 1

    def item(self) -> Any:
        """Read a tag and what belongs to it."""
        position = self.position
        if position >= self.end:
            raise self._cut_off(1)
        tag = self.data[position]
        read = _READERS.get(tag)
        if read is None:
            raise _unknown(tag)
        self.position = position + 1
        return read(self)

    # --- the cursor
    def _cut_off(self, wanted: int) -> DataJointError:
        left = self.end - self.position
        return DataJointError(f"The blob is cut off or damaged: {wanted} bytes are declared where {left} are left.")

    def _take(self, length: int) -> memoryview:
        start = self.position
        if length > self.end - start:
            raise self._cut_off(length)
        self.position = start + length
        return self.data[start : start + length]

    def _unpack(self, layout: struct.Struct) -> tuple[Any, ...]:
        start = self.position
        if layout.size > self.end - start:
            raise self._cut_off(layout.size)
        self.position = start + layout.size
        return layout.unpack_from(self.data, start)

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

        Dispatches by itself instead of calling `item`: it is the inner loop, and the fewer frames a level of nesting
        takes, the deeper values can be read.
        """
        data, end, word = self.data, self.end, self.word
        self._room_for(count, self.smallest_element)
        values = []
        for _ in range(count):
            start = self.position + word.size
            if start >= end:
                raise self._cut_off(self.smallest_element)
            (length,) = word.unpack_from(data, self.position)
            stop = start + length
            if not length or stop > end:
                raise self._cut_off(length)
            read = _READERS.get(data[start])
            if read is None:
                raise _unknown(data[start])
            self.position = start + 1
            values.append(read(self))
            if self.position != stop:
                raise DataJointError(f"The blob is damaged: a part of {length} bytes has another length within.")
        return values

    # --- containers and scalars
    def _list(self) -> list[Any]:
        return self._elements(self._word())

    def _tuple(self) -> tuple[Any, ...]:
        return tuple(self._elements(self._word()))

    def _set(self) -> set[Any]:
        return set(self._elements(self._word()))

    def _dict(self) -> dict[Any, Any]:
        values = self._elements(2 * self._word())
        return dict(zip(values[::2], values[1::2], strict=True))

    def _none(self) -> None:
        return None

    def _bool(self) -> bool:
        return self._take(1)[0] != 0

    def _int(self) -> int:
        length = int.from_bytes(self._take(2), "little")
        return int.from_bytes(self._take(length), "little", signed=True)

    def _float(self) -> float:
        number: float = self._unpack(_DOUBLE)[0]
        return number

    def _complex(self) -> complex:
        return complex(*self._unpack(_COMPLEX))

    def _bytes(self) -> bytes:
        return self._take(self._word()).tobytes()

    def _text(self) -> str:
        return str(self._take(self._word()), "utf-8")

    def _decimal(self) -> Decimal:
        return Decimal(self._text())

    def _uuid(self) -> UUID:
        return UUID(bytes=self._take(16).tobytes())

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
    def _shape(self) -> _ArrayHead:
        dimensions = self._room_for(self._word(), self.word.size)
        shape = self._unpack(struct.Struct(f"<{dimensions}{self.words}"))
        return _ArrayHead(shape, math.prod(shape))

    def _names(self) -> list[str]:
        (count,) = self._unpack(_U32)
        self._room_for(count, 1)
        names = []
        for _ in range(count):
            start = self.position
            while self._take(1)[0]:
                pass
            names.append(str(self.data[start : self.position - 1], "utf-8"))
        return names

    def _array(self) -> Any:
        return self._squeezed(self._whole_array())

    def _whole_array(self) -> np.ndarray[Any, Any]:
        shape, count = self._shape()
        type_id, is_complex = self._unpack(_ARRAY_TYPE)
        if type_id == TypeId.OBJECT and not is_complex:
            return _object_array(self._elements(count)).reshape(shape, order="F")
        if type_id == TypeId.CHAR and not is_complex:
            return self._characters(shape, count)
        dtype = _DTYPES.get(type_id)
        if dtype is None or (is_complex and dtype.kind not in "fiu"):
            kind = "complex " if is_complex else ""
            raise DataJointError(
                f"The blob holds a {kind}array of the unknown type {type_id}.", hint="Upgrade datajoint."
            )
        if dtype.kind == "b":
            # Any byte but 0 is true, and must become a 1 for numpy.
            return self._numbers(np.dtype(np.uint8), count).astype(np.bool_).reshape(shape, order="F")
        if not is_complex:
            return self._numbers(dtype, count).copy().reshape(shape, order="F")
        whole = np.complex64 if dtype == np.float32 else np.complex128
        array = np.empty(self._room_for(count, 2 * dtype.itemsize), whole)
        array.real, array.imag = self._numbers(dtype, count), self._numbers(dtype, count)
        return array.reshape(shape, order="F")

    def _numbers(self, dtype: np.dtype[Any], count: int) -> np.ndarray[Any, Any]:
        """Return a vector that still lies in the input."""
        return np.frombuffer(self._take(count * dtype.itemsize), dtype)

    def _characters(self, shape: tuple[int, ...], count: int) -> np.ndarray[Any, Any]:
        raw = self._take(_CHAR_BYTES * count)
        if len(shape) == 1 or (len(shape) == 2 and shape[0] == 1):  # noqa: PLR2004 - a row of characters is a text
            return np.array([str(raw, "utf-16-le", "surrogatepass")])
        codes = np.frombuffer(raw, "<u2").astype("<u4")
        return codes.view("<U1").reshape(shape, order="F")

    def _squeezed(self, array: np.ndarray[Any, Any]) -> Any:
        if array.ndim and self.squeeze:
            array = array.squeeze()
        if array.ndim:
            return array
        return array.item() if self.squeeze else array[()]

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
        tag = self._take(1)[0]
        if tag == Tag.ARRAY:
            return self._whole_array()
        if tag == Tag.RECORDS:
            return self._whole_records()
        raise DataJointError(f"The blob is damaged: the code {tag} stands where a field's array should.")

    def _sparse(self) -> Any:
        raise DataJointError(
            "The blob holds a sparse array of MATLAB, which is not supported.", hint="Store it as a full array."
        )


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
