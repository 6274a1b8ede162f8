"""Columns that stay Arrow's from the user's frame to the engine's stream, so that no Python object is made of a value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from datajoint.table.base_table import BaseTable
from datajoint.table.columns import ColumnWriter
from datajoint.table.frames import FrameColumn
from datajoint.values.arrow import accept_arrow


def arrow_columns(
    target: BaseTable, writers: Sequence[ColumnWriter], columns: Sequence[Sequence[Any]]
) -> list[Sequence[Any]] | None:
    """Return the canonical values of columns as Arrow's; None unless all are plain and the engine takes them so."""
    if not columns or not isinstance(columns[0], FrameColumn):
        return None
    if target.connection.backend.table_stream(target.name, ()) is None:
        return None
    found: list[Sequence[Any]] = []
    for writer, column in zip(writers, columns, strict=True):
        if not isinstance(column, FrameColumn) or writer.chain is not None:
            return None
        arrow = _arrow(column)
        accepted = None if arrow is None else accept_arrow(writer.attribute.value_type, arrow)
        if accepted is None or (accepted.null_count and not writer.null_if_missing):
            return None
        found.append(FrameColumn.of_arrow(accepted))
    return found


def _arrow(column: FrameColumn) -> Any:
    """Return the Arrow column, None where there is none."""
    try:
        import pyarrow as pa  # noqa: PLC0415 - an optional package
    except ImportError:
        return None
    try:
        return column.arrow()
    except (pa.ArrowException, TypeError, ValueError):
        return None


def csv_texts(columns: Sequence[Sequence[Any]], rows: int) -> Iterator[memoryview] | None:
    """Return canonical Arrow columns as texts in CSV form, of so many rows each; None for columns of other kinds.

    Texts are quoted and NULL is nothing. A text with a backslash and a point is left to others: PostgreSQL may take it for
    the end.
    """
    if not columns or not all(isinstance(column, FrameColumn) for column in columns):
        return None
    import pyarrow as pa  # noqa: PLC0415 - the columns are Arrow's
    import pyarrow.compute as pc  # noqa: PLC0415
    from pyarrow import csv  # noqa: PLC0415

    arrows = [column.arrow() for column in columns]  # type: ignore[attr-defined]  # see above
    strings = [a for a in arrows if pa.types.is_string(a.type) or pa.types.is_large_string(a.type)]
    if any(pc.any(pc.match_substring(a, "\\.")).as_py() for a in strings):
        return None
    table = pa.table(arrows, names=[str(n) for n in range(len(arrows))])
    options = csv.WriteOptions(include_header=False)

    def texts() -> Iterator[memoryview]:
        for start in range(0, table.num_rows, rows):
            sink = pa.BufferOutputStream()
            csv.write_csv(table.slice(start, rows), sink, options)
            yield memoryview(sink.getvalue())

    return texts()
