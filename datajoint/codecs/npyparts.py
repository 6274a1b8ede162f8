"""Read a part of a stored ``.npy`` file: the stretch of its outermost axis that an index touches."""

from __future__ import annotations

import io
from math import prod
from typing import Any

import numpy as np

from datajoint.objectref import IntegrityError

_HEADER = 4096  # bytes of the first request; a header is rarely longer than 128
_READERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def read_part(backend: Any, path: str, shape: tuple[int, ...], dtype: np.dtype[Any], index: Any) -> Any:
    """Return ``array[index]`` by reading part of a file, or None where that saves nothing.

    Parameters
    ----------
    backend : object
        Needs ``get_range(path, start, stop)``; without it there are no parts.
    path : str
    shape : tuple of int
        Of the array, as its row says.
    dtype : numpy.dtype
    index : object
        Of numpy's basic indexing along the outermost axis: an integer or a slice. Anything may follow for other axes.

    Raises
    ------
    IndexError
        If the index lies outside.
    IntegrityError
        If the file is not the array that the row describes, or ends too early.
    """
    get_range = getattr(backend, "get_range", None)
    if get_range is None or not shape:
        return None
    entries = _entries(index, len(shape))
    if entries is None:
        return None
    if _span(entries[0], shape[0]) is None and _span(entries[-1], shape[-1]) is None:
        return None
    header = _header(get_range(path, 0, _HEADER), path)
    if header is None:
        return None
    found_shape, fortran, found_dtype, begin = header
    if (found_shape, found_dtype) != (shape, dtype):
        raise IntegrityError(f"The object {path!r} is not the array that its row describes.")
    axis = len(shape) - 1 if fortran else 0
    span = _span(entries[axis], shape[axis])
    if span is None:
        return None
    first, stop = span
    row = dtype.itemsize * prod(shape[:axis] + shape[axis + 1 :])
    content = get_range(path, begin + first * row, begin + stop * row)
    if len(content) != (stop - first) * row:
        raise IntegrityError(f"The object {path!r} ends before the part that was asked for.", hint="Insert it again.")
    part_shape = (*shape[:axis], stop - first, *shape[axis + 1 :])
    # A bytearray, so that the part can be written to as a loaded array can.
    part = np.frombuffer(bytearray(content), dtype).reshape(part_shape, order="F" if fortran else "C")
    entries[axis] = _shifted(entries[axis], shape[axis], first)
    return part[tuple(entries)]


def _entries(index: Any, ndim: int) -> list[Any] | None:
    """Return one entry of the index for each axis, or None if it is not made of integers and slices only."""
    given = list(index) if isinstance(index, tuple) else [index]
    if any(not (e is Ellipsis or isinstance(e, slice) or _is_integer(e)) for e in given):
        return None
    if sum(e is Ellipsis for e in given) > 1:
        return None
    lacking = ndim - sum(e is not Ellipsis for e in given)
    if lacking < 0:
        return None  # numpy says what is wrong
    place = next((i for i, e in enumerate(given) if e is Ellipsis), len(given))
    return [*given[:place], *[slice(None)] * lacking, *given[place + 1 :]]


def _is_integer(entry: Any) -> bool:
    return isinstance(entry, int | np.integer) and not isinstance(entry, bool)


def _span(entry: Any, length: int) -> tuple[int, int] | None:
    """Return the stretch of an axis that an entry touches; None if that is most of it."""
    if isinstance(entry, slice):
        chosen = range(length)[entry]
        if not chosen:
            return 0, 0
        first, stop = min(chosen[0], chosen[-1]), max(chosen[0], chosen[-1]) + 1
    else:
        number = int(entry) + length * (entry < 0)
        if not 0 <= number < length:
            raise IndexError(f"index {int(entry)} is out of bounds for an axis of length {length}")
        first, stop = number, number + 1
    return (first, stop) if 2 * (stop - first) <= length else None


def _shifted(entry: Any, length: int, first: int) -> Any:
    """Return an entry as it applies to the stretch that begins at `first`."""
    if not isinstance(entry, slice):
        return int(entry) + length * (entry < 0) - first
    chosen = range(length)[entry]
    if not chosen:
        return slice(0, 0)
    last = chosen[-1] - first + chosen.step
    return slice(chosen[0] - first, last if last >= 0 else None, chosen.step)


def _header(beginning: bytes, path: str) -> tuple[tuple[int, ...], bool, np.dtype[Any], int] | None:
    """Return shape, whether it is in Fortran's order, type, and where the elements begin; None if it is long or new."""
    file = io.BytesIO(beginning)
    try:
        version = np.lib.format.read_magic(file)
        read = _READERS.get(version)
        if read is None:
            return None
        shape, fortran, dtype = read(file)
    except (ValueError, EOFError) as error:
        if len(beginning) == _HEADER:
            return None
        raise IntegrityError(f"The object {path!r} does not begin like a .npy file: {error}.") from error
    return shape, fortran, dtype, file.tell()
