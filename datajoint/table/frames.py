"""Rows that come column by column: data frames, Arrow tables, structured arrays, Parquet files.

Their values never pass through dicts: each column becomes one list of Python values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from datajoint.errors import DataJointError

_PARQUET = {".parquet", ".pq"}


class FrameColumn(Sequence[Any]):
    """A column of a table in memory: Python values when they are looked at, or an Arrow column for those who take it whole.

    Parameters
    ----------
    count : int
        Number of values.
    values : callable
        Makes the Python values.
    arrow : callable
        Returns the Arrow column; it raises what pyarrow does if there can be none.
    """

    def __init__(self, count: int, values: Callable[[], list[Any]], arrow: Callable[[], Any]) -> None:
        self._count, self._make, self.arrow = count, values, arrow
        self._nulls: int | None = None

    @classmethod
    def of_arrow(cls, column: Any) -> FrameColumn:
        """Return a column of Arrow."""
        found = cls(len(column), lambda: _from_arrow_column(column), lambda: column)
        found._nulls = column.null_count
        return found

    @cached_property
    def values(self) -> list[Any]:
        """The values as Python objects."""
        return self._make()

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, place: Any) -> Any:
        if not isinstance(place, slice):
            return self.values[place]
        start, stop, _ = place.indices(self._count)
        return FrameColumn(
            max(0, stop - start), lambda: self.values[start:stop], lambda: self.arrow().slice(start, stop - start)
        )

    def __iter__(self) -> Iterator[Any]:
        return iter(self.values)

    def __contains__(self, value: object) -> bool:
        return value in self.values if value is not None or self._nulls is None else self._nulls > 0


@dataclass(frozen=True, slots=True)
class Columns:
    """A table in memory.

    Attributes
    ----------
    names : tuple
        Of the columns; what is no text will be refused as an unknown field.
    values : tuple of sequence
        The values of each column, as Python objects.
    count : int
        Number of rows.
    """

    names: tuple[Any, ...]
    values: tuple[Sequence[Any], ...]
    count: int

    def slices(self, size: int | None) -> Iterator[Columns]:
        """Yield lots of `size` rows; one lot of all without `size`."""
        if size is None:
            yield self
            return
        for start in range(0, self.count, size):
            part = tuple(values[start : start + size] for values in self.values)
            yield Columns(self.names, part, min(size, self.count - start))

    def rows(self) -> Iterator[dict[Any, Any]]:
        """Yield the rows as dicts."""
        if not self.names:
            return iter({} for _ in range(self.count))
        return (dict(zip(self.names, row, strict=True)) for row in zip(*self.values, strict=True))


def is_data_frame(value: object) -> bool:
    """Tell whether `value` is a pandas DataFrame or of a subclass, without loading pandas."""
    return any(c.__name__ == "DataFrame" and c.__module__.partition(".")[0] == "pandas" for c in type(value).__mro__)


def as_columns(rows: Any, table: str) -> Columns | None:
    """Return the columns of what comes by columns, None for anything else.

    Parameters
    ----------
    rows : object
        A pandas DataFrame, a polars DataFrame or LazyFrame, an Arrow Table, RecordBatch or RecordBatchReader, a
        structured array, or the path of a Parquet file.
    table : str
        Where the rows go, for messages.

    Raises
    ------
    DataJointError
        If two columns have the same name.
    ImportError
        For a Parquet file without pyarrow.
    """
    found = _read(rows)
    if found is not None and len(set(found.names)) != len(found.names):
        twice = sorted({str(n) for n in found.names if found.names.count(n) > 1})
        raise DataJointError(f"Rows for {table} have several columns called {', '.join(twice)}.", table=table)
    return found


def _read(rows: Any) -> Columns | None:
    if is_data_frame(rows):
        return _from_pandas(rows)
    if isinstance(rows, Path) and rows.suffix.lower() in _PARQUET:
        return _from_arrow(_parquet(rows))
    module, kind = type(rows).__module__.partition(".")[0], type(rows).__name__
    if module == "polars" and kind in {"DataFrame", "LazyFrame"}:
        return _from_polars(rows.collect() if kind == "LazyFrame" else rows)
    if module == "pyarrow" and kind == "RecordBatchReader":
        return _from_arrow(rows.read_all())
    if module == "pyarrow" and kind in {"Table", "RecordBatch"}:
        return _from_arrow(rows)
    names = getattr(getattr(rows, "dtype", None), "names", None)
    if names and getattr(rows, "ndim", 0) == 1:
        return Columns(tuple(names), tuple(_plain_list(rows[name]) for name in names), len(rows))
    return None


def _from_pandas(frame: Any) -> Columns:
    """Turn the index into columns too, unless it is a single unnamed one."""
    if frame.index.nlevels > 1 or frame.index.names[0]:
        frame = frame.reset_index()
    return Columns(tuple(frame.columns), tuple(_from_series(series) for _, series in frame.items()), len(frame))


def _from_series(series: Any) -> Sequence[Any]:
    # The extension types of pandas know best how to make objects of their values.
    is_plain = type(series.dtype).__module__.startswith("numpy")

    def values() -> list[Any]:
        return _plain_list(series.to_numpy() if is_plain else series.to_numpy(dtype=object))

    if series.dtype.kind == "O" and type(series.dtype).__name__ != "StringDtype":
        return values()  # objects may be of any class
    return FrameColumn(len(series), values, lambda: _pyarrow().array(series, from_pandas=True))


def _pyarrow() -> Any:
    import pyarrow as pa  # noqa: PLC0415 - an optional package

    return pa


def _plain_list(array: Any) -> list[Any]:
    """Return a numpy array as a list of Python values; moments with microseconds, which is what Python has."""
    if array.dtype.kind in "mM":
        unit = f"{array.dtype.kind}8[us]"
        return array.astype(unit).tolist()  # type: ignore[no-any-return]
    if array.dtype.names is not None:  # records inside records stay as they are
        return list(array)
    return array.tolist() if array.ndim == 1 else list(array)


def _from_polars(frame: Any) -> Columns:
    columns = (FrameColumn(frame.height, series.to_list, series.to_arrow) for series in frame.iter_columns())
    return Columns(tuple(frame.columns), tuple(columns), frame.height)


def _from_arrow(table: Any) -> Columns:
    return Columns(tuple(table.column_names), tuple(map(FrameColumn.of_arrow, table.columns)), table.num_rows)


def _from_arrow_column(column: Any) -> list[Any]:
    text = str(column.type)
    fast = text in {"string", "large_string", "bool"} or (
        column.null_count == 0 and text.startswith(("int", "uint", "double"))
    )
    if fast:
        return column.to_numpy(zero_copy_only=False).tolist()  # type: ignore[no-any-return]
    if column.null_count == 0 and text.startswith("timestamp") and "tz" not in text:
        return _plain_list(column.to_numpy(zero_copy_only=False))
    return column.to_pylist()  # type: ignore[no-any-return]


def _parquet(path: Path) -> Any:
    try:
        import pyarrow.parquet  # noqa: PLC0415 - an optional package
    except ImportError as error:
        raise ImportError(
            "Reading Parquet files needs pyarrow, which is not installed. Install it with: pip install 'datajoint[arrow]'"
        ) from error
    return pyarrow.parquet.read_table(path)
