"""Tables of other libraries as rows: data frames of pandas and polars, Arrow tables, records of numpy.

They are known by their shape, so that none of these libraries need be loaded.
"""

from __future__ import annotations

from typing import Any

_TABLES = {
    "pandas": {"DataFrame"},
    "polars": {"DataFrame", "LazyFrame"},
    "pyarrow": {"Table", "RecordBatch"},
}


def is_record(value: Any) -> bool:
    """Tell whether a value is one record of a structured array."""
    return (
        type(value).__name__ in {"void", "record"} and getattr(getattr(value, "dtype", None), "names", None) is not None
    )


def is_frame(value: Any) -> bool:
    """Tell whether a value is a table of rows."""
    if getattr(getattr(value, "dtype", None), "names", None) is not None and value.ndim == 1:
        return True
    return any(cls.__name__ in _TABLES.get(cls.__module__.partition(".")[0], ()) for cls in type(value).__mro__)


def records(frame: Any) -> list[dict[str, Any]]:
    """Return the rows of a table as dicts of Python values; the index of a pandas data frame becomes fields."""
    if hasattr(frame, "to_pylist"):
        return list(frame.to_pylist())
    if hasattr(frame, "collect_schema") and hasattr(frame, "collect"):
        frame = frame.collect()
    if hasattr(frame, "to_dicts"):
        return list(frame.to_dicts())
    columns: dict[str, list[Any]] = {}
    if hasattr(frame, "dtype"):
        # dates as numpy's own values: of those in nanoseconds Python has none
        columns = {n: list(frame[n]) if frame[n].dtype.kind in "mM" else frame[n].tolist() for n in frame.dtype.names}
        return _rows(columns)
    index = frame.index
    for level, name in enumerate(index.names):
        unnamed = "index" if len(index.names) == 1 else f"level_{level}"
        columns[str(unnamed if name is None else name)] = index.get_level_values(level).tolist()
    for position, name in enumerate(frame.columns):
        columns[str(name)] = frame.iloc[:, position].tolist()
    return _rows(columns)


def _rows(columns: dict[str, list[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
