"""From the many forms of rows to batches of uniform tuples.

Rows may be dicts, records of structured arrays or sequences; they come in any iterable, in a pandas, polars or Arrow
table, or in a CSV file.
"""

from __future__ import annotations

import csv
import itertools
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from datajoint.errors import DataJointError, UnknownFieldError
from datajoint.heading import Heading
from datajoint.naming import did_you_mean


@dataclass(slots=True)
class Batch:
    """Rows with the same fields.

    Attributes
    ----------
    names : tuple of str
        Attributes, in the order of the heading.
    rows : list of tuple
        Values as given, in the order of `names`.
    first : int
        Index of the first row among all rows of the call.
    """

    names: tuple[str, ...]
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    first: int = 0


def is_data_frame(value: object) -> bool:
    """Tell whether `value` is a pandas DataFrame or of a subclass, without loading pandas."""
    return any(c.__name__ == "DataFrame" and c.__module__.partition(".")[0] == "pandas" for c in type(value).__mro__)


def iterate(rows: Any, table: str) -> Iterator[Any]:
    """Yield single rows out of any container of rows.

    Raises
    ------
    DataJointError
        For one row where several are expected: a dict, or text.
    TypeError
        If `rows` cannot be iterated over.
    """
    if isinstance(rows, Mapping):
        raise DataJointError(
            f"Rows for {table} came as a single dict.", hint="Give a list of dicts, or use insert1.", table=table
        )
    if isinstance(rows, str | bytes):
        raise DataJointError(
            f"Rows for {table} came as text.",
            hint="For a CSV file give pathlib.Path(…); for one row use insert1.",
            table=table,
        )
    if isinstance(rows, Path):
        return _read_csv(rows)
    if is_data_frame(rows):
        return _records(_with_index(rows))
    module, kind = type(rows).__module__.partition(".")[0], type(rows).__name__
    if module == "polars" and kind == "DataFrame":
        return iter(rows.iter_rows(named=True))
    if module == "pyarrow" and kind in {"Table", "RecordBatch"}:
        return iter(rows.to_pylist())
    return iter(rows)


def _read_csv(path: Path) -> Iterator[dict[Any, Any]]:
    with path.open(newline="") as file:
        yield from csv.DictReader(file)


def _with_index(frame: Any) -> Any:
    """Turn the index into columns, unless it is a single unnamed one."""
    return frame.reset_index(drop=frame.index.nlevels == 1 and not frame.index.names[0])


def _records(frame: Any) -> Iterator[dict[Any, Any]]:
    names = list(frame.columns)
    return (dict(zip(names, row, strict=True)) for row in frame.itertuples(index=False, name=None))


def chunks(rows: Iterator[Any], size: int | None) -> Iterator[list[Any]]:
    """Cut an iterator into lists of `size` rows; into one list of all without `size`."""
    if size is None:
        yield list(rows)
        return
    while chunk := list(itertools.islice(rows, size)):
        yield chunk


def fields_of(row: Any) -> Mapping[Any, Any] | None:
    """Return a row as a mapping, or None if its values come by position.

    Raises
    ------
    DataJointError
        If `row` is no row.
    """
    if isinstance(row, Mapping):
        return row
    names = getattr(getattr(row, "dtype", None), "names", None)
    if names is not None:  # a record of a structured array
        return {name: row[name] for name in names}
    if hasattr(row, "__len__") and hasattr(row, "__iter__"):
        return None
    raise DataJointError(f"Datatype {type(row)} cannot be inserted.", hint="A row is a dict from attribute to value.")


def make_batch(
    heading: Heading, rows: Sequence[Any], table: str, *, ignore_extra_fields: bool, first: int = 0
) -> Batch:
    """Bring `rows` to the form of a batch; the first row decides which attributes are given.

    Parameters
    ----------
    first : int
        Index of the first row, for messages.

    Raises
    ------
    UnknownFieldError
        For a field that is not in the heading, unless extra fields are ignored.
    DataJointError
        If rows have different fields, a positional row has another length than the heading, or something is no row.
    """
    batch = Batch((), first=first)
    for index, row in enumerate(rows, first):
        fields = fields_of(row)
        if fields is None:
            fields = _by_position(heading, row, table, index)
        names = batch.names
        # Nearly always a row has exactly the fields of the first one.
        if index == first or len(fields) != len(names) or any(n not in fields for n in names):
            names = tuple(n for n in heading.names if n in fields)
            if index != first and names != batch.names:
                raise _different_fields(batch, names, table, index)
            if not ignore_extra_fields:
                check_fields(heading, fields, table, index)
            batch.names = names
        batch.rows.append(tuple([fields[n] for n in names]))
    return batch


def _by_position(heading: Heading, row: Any, table: str, index: int) -> Mapping[Any, Any]:
    _warn_positional()
    if len(row) != len(heading):
        raise DataJointError(
            f"Invalid insert argument. Incorrect number of attributes: {len(row)} given; {len(heading)} expected.",
            table=table,
            row=index,
            hint=f"The attributes of {table} are {', '.join(heading.names)}; give a dict to insert some of them.",
        )
    return dict(zip(heading.names, row, strict=True))


def check_fields(heading: Heading, fields: Iterable[Any], table: str, row: int) -> None:
    """Refuse fields that are no attributes.

    Raises
    ------
    UnknownFieldError
    """
    for name in fields:
        if name not in heading:
            raise UnknownFieldError(
                f"`{name}` is not in the table heading of {table}.",
                table=table,
                attribute=str(name),
                row=row,
                hint=f"{did_you_mean(str(name), heading.names)} To ignore extra fields in insert, "
                "set ignore_extra_fields=True.".strip(),
            )


def _different_fields(batch: Batch, names: tuple[str, ...], table: str, row: int) -> DataJointError:
    missing = [n for n in batch.names if n not in names]
    extra = [n for n in names if n not in batch.names]
    said = [f"lacks {', '.join(missing)}"] * bool(missing) + [f"adds {', '.join(extra)}"] * bool(extra)
    return DataJointError(
        f"Attempt to insert rows with different fields. Row {row} for {table} {' and '.join(said)}, "
        f"compared with row {batch.first}.",
        table=table,
        row=row,
        hint="Give every row the same fields, with None for a default.",
    )


def _warn_positional() -> None:
    """Warn at the line of the user's program that called into the library."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "datajoint":
        frame, level = frame.f_back, level + 1
    warnings.warn(
        "Positional inserts (tuples/lists) are deprecated. Give dicts from attribute to value.",
        DeprecationWarning,
        stacklevel=level,
    )
