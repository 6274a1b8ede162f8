"""Take whole Arrow columns in at once, where the values of a type are plain; the counterpart of `datajoint.values.columns`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from datajoint.values.columns import BYTES_OF_CHARACTER
from datajoint.values.model import ValueType

Acceptor = Callable[[ValueType, Any], Any]


def accept_arrow(value_type: ValueType, column: Any) -> Any:
    """Return the canonical values of an Arrow column, NULL for each missing one, as an Arrow column.

    None if the values must be judged as Python objects, which does not mean that one of them is wrong.
    """
    accept = _ACCEPTORS.get(value_type.kind)
    return None if accept is None else accept(value_type, column)


def _integers(t: ValueType, column: Any) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - optional; who has Arrow columns has loaded it

    if not pa.types.is_integer(column.type) or t.low is None or t.high is None:
        return None
    low, high = _bounds(column)
    return column if low is None or (t.low <= low and high <= t.high) else None


def _floats(t: ValueType, column: Any) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - as above
    import pyarrow.compute as pc  # noqa: PLC0415

    if column.type != pa.float64() or t.low is not None:
        return None
    if pc.any(pc.is_nan(column)).as_py():
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, pa.float64()), column)
    return pc.add(column, 0.0)  # minus zero becomes zero


def _bools(t: ValueType, column: Any) -> Any:  # noqa: ARG001 - all acceptors have one form
    import pyarrow as pa  # noqa: PLC0415 - as above

    return column if pa.types.is_boolean(column.type) else None


def _texts(t: ValueType, column: Any) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - as above
    import pyarrow.compute as pc  # noqa: PLC0415

    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return None
    if t.length is not None:
        longest = pc.max(pc.utf8_length(column)).as_py() or 0
        if longest > t.length // (BYTES_OF_CHARACTER if t.kind == "text" else 1):
            return None
    return None if pc.any(pc.match_substring(column, "\0")).as_py() else column


def _enums(t: ValueType, column: Any) -> Any:
    import pyarrow.compute as pc  # noqa: PLC0415 - as above

    column = _texts(t, column)
    if column is None or not set(t.labels).issuperset(v for v in pc.unique(column).to_pylist() if v is not None):
        return None
    return column


def _dates(t: ValueType, column: Any) -> Any:  # noqa: ARG001 - as above
    import pyarrow as pa  # noqa: PLC0415 - as above

    return column if column.type == pa.date32() and _within(column, dt.date.min, dt.date.max) else None


def _moments(t: ValueType, column: Any) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - as above
    import pyarrow.compute as pc  # noqa: PLC0415

    if not pa.types.is_timestamp(column.type) or column.type.tz is not None:
        return None
    try:
        column = pc.floor_temporal(column, 10 ** (6 - t.digits), "microsecond").cast(pa.timestamp("us"))
        return column if _within(column, dt.datetime.min, dt.datetime.max) else None
    except pa.ArrowInvalid:  # beyond what 64 bits hold
        return None


def _within(column: Any, first: Any, last: Any) -> bool:
    import pyarrow as pa  # noqa: PLC0415 - as above

    integer = pa.int32() if column.type == pa.date32() else pa.int64()
    low, high = _bounds(column.cast(integer))
    limits = [pa.scalar(limit, column.type).cast(integer).as_py() for limit in (first, last)]
    return low is None or bool(limits[0] <= low and high <= limits[1])


def _bounds(column: Any) -> tuple[Any, Any]:
    import pyarrow.compute as pc  # noqa: PLC0415 - as above

    found = pc.min_max(column).as_py()
    return found["min"], found["max"]


_ACCEPTORS: dict[str, Acceptor] = {
    "int": _integers, "float64": _floats, "bool": _bools, "varchar": _texts, "text": _texts, "enum": _enums, "date": _dates,
    "datetime": _moments, "timestamp": _moments,
}  # fmt: skip
