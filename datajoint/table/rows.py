"""From the many forms of rows to batches: uniform columns of values.

Rows may be dicts, records of structured arrays or sequences, in any iterable or a CSV file; what comes by columns, such
as data frames, is read by `datajoint.table.frames`.
"""

from __future__ import annotations

import csv
import itertools
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datajoint.errors import DataJointError, UnknownFieldError
from datajoint.heading import Heading
from datajoint.naming import did_you_mean
from datajoint.table.frames import Columns, as_columns


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows with the same fields, column by column.

    Attributes
    ----------
    names : tuple of str
        Attributes, in the order of the heading.
    columns : tuple of sequence
        Values as given, for each of `names`.
    count : int
        Number of rows.
    first : int
        Index of the first row among all rows of the call.
    """

    names: tuple[str, ...]
    columns: tuple[Sequence[Any], ...]
    count: int
    first: int = 0


def batches(
    heading: Heading, rows: Any, table: str, *, ignore_extra_fields: bool, chunk_size: int | None
) -> Iterator[Batch]:
    """Yield the rows of any container in batches of `chunk_size` rows; in one of all without it.

    Raises
    ------
    DataJointError, TypeError
        As `iterate` and `make_batch`.
    """
    first = 0
    together = as_columns(rows, table)
    if together is not None:
        for lot in together.slices(chunk_size):
            yield _column_batch(heading, lot, table, ignore_extra_fields=ignore_extra_fields, first=first)
            first += lot.count
        return
    for chunk in chunks(iterate(rows, table), chunk_size):
        yield make_batch(heading, chunk, table, ignore_extra_fields=ignore_extra_fields, first=first)
        first += len(chunk)


def _column_batch(heading: Heading, lot: Columns, table: str, *, ignore_extra_fields: bool, first: int) -> Batch:
    if not ignore_extra_fields:
        check_fields(heading, lot.names, table, first)
    places = {name: place for place, name in enumerate(lot.names)}
    names = tuple(n for n in heading.names if n in places)
    return Batch(names, tuple(lot.values[places[n]] for n in names), lot.count, first)


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
            hint="For a CSV or Parquet file give pathlib.Path(…); for one row use insert1.",
            table=table,
        )
    together = as_columns(rows, table)
    if together is not None:
        return together.rows()
    return _read_csv(rows) if isinstance(rows, Path) else iter(rows)


def _read_csv(path: Path) -> Iterator[dict[Any, Any]]:
    with path.open(newline="") as file:
        yield from csv.DictReader(file)


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
    known = _common_names(heading, rows)
    if known:
        try:
            return Batch(known, tuple([row[name] for row in rows] for name in known), len(rows), first)
        except KeyError:
            pass  # the careful way tells which row lacks what
    names: tuple[str, ...] = tuple(heading.names)  # of the first row, once it is seen
    values: list[tuple[Any, ...]] = []
    for index, row in enumerate(rows, first):
        fields = fields_of(row)
        if fields is None:
            fields = _by_position(heading, row, table, index)
        # Nearly always a row has exactly the fields of the first one.
        if index == first or len(fields) != len(names) or any(n not in fields for n in names):
            own = tuple(n for n in heading.names if n in fields)
            if index != first and own != names:
                raise _different_fields(names, own, table, index, first)
            if not ignore_extra_fields:
                check_fields(heading, fields, table, index)
            names = own
        values.append(tuple([fields[n] for n in names]))
    return Batch(names, tuple(zip(*values, strict=True)) if names else (), len(values), first)


def _common_names(heading: Heading, rows: Sequence[Any]) -> tuple[str, ...]:
    """Return the fields of the first row if all rows are dicts with as many fields, none of them unknown."""
    if set(map(type, rows)) != {dict} or len(set(map(len, rows))) != 1:
        return ()
    names = tuple(n for n in heading.names if n in rows[0])
    return names if len(names) == len(rows[0]) else ()


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


def _different_fields(names: tuple[str, ...], own: tuple[str, ...], table: str, row: int, first: int) -> DataJointError:
    missing = [n for n in names if n not in own]
    extra = [n for n in own if n not in names]
    said = [f"lacks {', '.join(missing)}"] * bool(missing) + [f"adds {', '.join(extra)}"] * bool(extra)
    return DataJointError(
        f"Attempt to insert rows with different fields. Row {row} for {table} {' and '.join(said)}, "
        f"compared with row {first}.",
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
