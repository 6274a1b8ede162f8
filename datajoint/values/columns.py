"""Take whole columns of values in at once, where all of them are plain already.

`acceptor` judges one value of any kind. Nearly all columns hold values of the one Python class that the attribute
keeps anyway; these are judged together, at the speed of the interpreter's own loops. A column that is not so plain is
left to `acceptor`, value by value, which also knows how to say what is wrong with which.
"""

from __future__ import annotations

import datetime as dt
import math
import struct
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any
from uuid import UUID

from datajoint.values.model import ValueType

ColumnAcceptor = Callable[[Sequence[Any]], Sequence[Any] | None]

_NONE = type(None)
_ZONE, _MICROSECOND = attrgetter("tzinfo"), attrgetter("microsecond")
BYTES_OF_CHARACTER = 4  # at most


def column_acceptor(value_type: ValueType) -> ColumnAcceptor | None:
    """Return what takes in a whole column, or None for types whose values are always judged one by one.

    Returns
    -------
    callable or None
        Given values, returns the canonical ones with None for each missing one; or None if they must be judged one by
        one, which does not mean that one of them is wrong.
    """
    make = _MAKERS.get(value_type.kind)
    check = make(value_type) if make else None
    return None if check is None else _on_present(*check)


def _on_present(kind: type, check: Callable[[Sequence[Any]], Sequence[Any] | None]) -> ColumnAcceptor:
    """Apply `check` to values of exactly the class `kind`; None stays where it is."""
    plain, sparse = {kind}, {kind, _NONE}

    def accept(values: Sequence[Any]) -> Sequence[Any] | None:
        kinds = set(map(type, values))
        if kinds == plain:
            return check(values)
        if kinds == {_NONE}:
            return values
        if kinds != sparse:
            return None
        checked = check([v for v in values if v is not None])
        if checked is None:
            return None
        left = iter(checked)
        return [None if v is None else next(left) for v in values]

    return accept


Check = tuple[type, Callable[[Sequence[Any]], Sequence[Any] | None]]


def _integers(t: ValueType) -> Check:
    low = -(2**63) if t.low is None else t.low
    high = 2**64 - 1 if t.high is None else t.high
    return int, lambda values: values if low <= min(values) and max(values) <= high else None


def _floats64(t: ValueType) -> Check:
    def check(values: Sequence[float]) -> Sequence[float | None] | None:
        if t.low is not None and not min(values) >= t.low:
            return None
        if any(map(math.isnan, values)):
            return [None if v != v else v + 0.0 for v in values]  # noqa: PLR0124 - the test for NaN
        return list(map((0.0).__add__, values))  # minus zero becomes zero

    return float, check


def _floats32(t: ValueType) -> Check | None:
    def check(values: Sequence[float]) -> Sequence[float | None] | None:
        form = f"<{len(values)}f"
        try:
            rounded = struct.unpack(form, struct.pack(form, *values))
        except OverflowError:
            return None
        return [None if v != v else v + 0.0 for v in rounded]  # noqa: PLR0124 - as above

    return (float, check) if t.low is None else None


def _texts(t: ValueType) -> Check:
    limit = None if t.length is None else t.length // (BYTES_OF_CHARACTER if t.kind == "text" else 1)

    def check(values: Sequence[str]) -> Sequence[str] | None:
        if limit is not None and max(map(len, values)) > limit:
            return None
        together = "".join(values)
        return None if "\0" in together or not (together.isascii() or _is_unicode(together)) else values

    return str, check


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _enums(t: ValueType) -> Check:
    labels = frozenset(t.labels)
    return str, lambda values: values if labels.issuperset(values) else None


def _bools(t: ValueType) -> Check:  # noqa: ARG001 - all makers have one form
    return bool, _same


def _dates(t: ValueType) -> Check:  # noqa: ARG001 - as above
    return dt.date, _same


def _uuids(t: ValueType) -> Check:  # noqa: ARG001 - as above
    return UUID, _same


def _same(values: Sequence[Any]) -> Sequence[Any]:
    return values


def _moments(t: ValueType) -> Check:
    step = 10 ** (6 - t.digits)

    def check(values: Sequence[dt.datetime]) -> Sequence[dt.datetime] | None:
        if set(map(_ZONE, values)) != {None}:
            return None
        if step > 1 and any(extra % step for extra in set(map(_MICROSECOND, values))):
            return [v.replace(microsecond=v.microsecond - v.microsecond % step) for v in values]
        return values

    return dt.datetime, check


def _binaries(t: ValueType) -> Check:
    limit = t.length
    return bytes, lambda values: values if limit is None or max(map(len, values)) <= limit else None


_MAKERS: dict[str, Callable[[ValueType], Check | None]] = {
    "int": _integers, "float64": _floats64, "float32": _floats32, "varchar": _texts, "text": _texts, "enum": _enums,
    "bool": _bools, "date": _dates, "datetime": _moments, "timestamp": _moments, "uuid": _uuids, "bytes": _binaries,
}  # fmt: skip
