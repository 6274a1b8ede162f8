"""A digest of the content of Python values: equal values have equal digests, whatever objects carry them."""

from __future__ import annotations

import copyreg
import hashlib
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from types import FunctionType, ModuleType
from typing import Any

from datajoint.errors import DataJointError


def content_digest(value: Any) -> bytes:
    """Return 32 bytes that tell whether two values have the same content.

    Order and repetition count in sequences, not in sets and dicts; ``1``, ``1.0`` and ``True`` differ, as do ``"a"``
    and ``b"a"``; NaN equals NaN. Arrays count by type, shape and elements, other objects by their class and state.

    Raises
    ------
    DataJointError
        For an object whose state cannot be told, such as an open file.
    """
    return _digest(value, ())


def _digest(value: Any, parents: tuple[int, ...]) -> bytes:
    if id(value) in parents:
        return _hash(b"circle", [str(len(parents) - parents.index(id(value))).encode()])
    inside = (*parents, id(value))
    kind = type(value)
    name = f"{kind.__module__}.{kind.__qualname__}".encode()
    if value is None or kind in {bool, int, float, complex, str, bytes, bytearray}:
        return _hash(
            name, [bytes(value) if kind in {bytes, bytearray} else repr(value).encode("utf-8", "surrogatepass")]
        )
    if kind in {list, tuple}:
        return _hash(name, [_digest(v, inside) for v in value])
    if isinstance(value, Mapping) and kind is dict:
        return _hash(name, sorted(_digest(k, inside) + _digest(v, inside) for k, v in value.items()))
    if isinstance(value, AbstractSet) and kind in {set, frozenset}:
        return _hash(name, sorted(_digest(v, inside) for v in value))
    if isinstance(value, type | FunctionType | ModuleType):
        return _hash(
            b"name",
            [getattr(value, "__module__", "").encode(), getattr(value, "__qualname__", value.__name__).encode()],
        )
    if kind.__module__ == "numpy" and kind.__name__ == "ndarray":
        return _array(name, value, inside)
    return _hash(name, [_digest(part, inside) for part in _state(value)])


def _array(name: bytes, array: Any, parents: tuple[int, ...]) -> bytes:
    shape = repr(array.shape).encode()
    kind = repr(array.dtype.descr if array.dtype.names else array.dtype.str).encode()
    if array.dtype.hasobject:
        return _hash(name, [kind, shape, *(_digest(v, parents) for v in array.ravel().tolist())])
    return _hash(name, [kind, shape, array.tobytes()])


def _state(value: Any) -> list[Any]:
    """Return what would be pickled of an object, its class excepted."""
    try:
        reducer = copyreg.dispatch_table.get(type(value))
        reduced = reducer(value) if reducer else value.__reduce_ex__(4)
    except Exception as error:  # whatever an object's own method raises
        raise DataJointError(
            f"The content of a {type(value).__name__} cannot be told, so that a change of it would go unnoticed.",
            hint="Let make_fetch return plain values, arrays, or objects that can be pickled.",
        ) from error
    if isinstance(reduced, str):
        return [reduced]
    # Parts 3 and 4 are iterators over the items of lists and dicts.
    return [list(part) if place > 2 and part is not None else part for place, part in enumerate(reduced)]  # noqa: PLR2004


def _hash(kind: bytes, parts: list[bytes]) -> bytes:
    result = hashlib.sha256()
    for part in (kind, *parts):
        result.update(len(part).to_bytes(8, "big"))
        result.update(part)
    return result.digest()
