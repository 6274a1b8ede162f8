"""Insert rows, or the rows of a query, into a table."""

from __future__ import annotations

from typing import Any, Literal

from datajoint.backends.base import Duplicates
from datajoint.errors import DataJointError
from datajoint.expression.operand import Operand, as_operand
from datajoint.table.base_table import BaseTable, base_table
from datajoint.table.buffer import buffered
from datajoint.table.frames import is_data_frame
from datajoint.table.insert_query import insert_query
from datajoint.table.matching import insert_matching
from datajoint.table.quick import insert_quickly
from datajoint.table.rows import batches
from datajoint.table.writing import insert_batch

Skip = bool | Literal["match"]


def insert(
    table: Operand,
    rows: Any,
    *,
    replace: bool = False,
    skip_duplicates: Skip = False,
    ignore_extra_fields: bool = False,
    allow_direct_insert: bool | None = None,
    chunk_size: int | None = None,
) -> None:
    """Insert rows: all of them or, if anything is wrong with one, none.

    Every value is converted by its attribute's type and checked before a statement is sent. A missing value (None,
    NaN, NaT) stands for the attribute's default.

    Parameters
    ----------
    rows : iterable of rows, DataFrame, pathlib.Path or QueryExpression
        A row is a dict, a record of a structured array, or (deprecated) a sequence of all values. Also taken are pandas
        data frames, polars data frames and lazy frames, Arrow tables, record batches and their readers, the path of a
        Parquet file or of a CSV file with a header line, and query expressions, whose rows are copied within the
        database.
    replace : bool
        Replace rows with the same primary key; attributes not given become their defaults. Of rows with the same key
        in `rows`, the last is kept. A row that rows of other tables refer to cannot be replaced, and no row is removed
        because of another unique key.
    skip_duplicates : bool or "match"
        Skip rows that the table has already, by their primary key or any unique index; of such rows in `rows`, the
        first is kept. With ``"match"``, a row is skipped only if the stored one has the same values in all fields
        given; otherwise an error tells the differences.
    ignore_extra_fields : bool
        Ignore fields that are no attributes.
    allow_direct_insert : bool, optional
        Allow rows to enter an auto-populated table from outside its `make`.
    chunk_size : int, optional
        Take that many rows at a time from `rows` and, outside a transaction, commit each lot by itself.

    Raises
    ------
    UnknownFieldError
        For a field that is no attribute (also a `KeyError`).
    MissingAttributeError
        If a required attribute has no value.
    InvalidValueError
        If an attribute cannot hold a value (also a `ValueError`).
    DuplicateError
        If a row with the same key exists, or with ``"match"`` a different one.
    IntegrityError
        If the row that a foreign key refers to does not exist, or a row to be replaced is referred to.
    DataJointError
        If rows have different fields, options exclude each other, or the table is filled by its `make` only.
    TypeError
        If `rows` cannot be iterated over.
    """
    check_direct(table, allow_direct_insert=allow_direct_insert)
    target = base_table(table)
    _check_options(target, replace=replace, skip_duplicates=skip_duplicates, chunk_size=chunk_size)
    match = skip_duplicates == "match"
    query = as_operand(rows)
    if query is not None:
        if chunk_size is not None:
            raise DataJointError("chunk_size is not supported for QueryExpression inserts.")
        if not match:
            duplicates: Duplicates = "replace" if replace else "skip" if skip_duplicates else "error"
            insert_query(target, query, duplicates, ignore_extra_fields=ignore_extra_fields)
            return
        rows = query.to_dicts()  # type: ignore[attr-defined]  # every expression of users has it
    for batch in batches(
        target.heading, rows, str(target.name), ignore_extra_fields=ignore_extra_fields, chunk_size=chunk_size
    ):
        if not batch.count:
            continue
        if match:
            insert_matching(target, batch)
        else:
            insert_batch(target, batch, "replace" if replace else "skip" if skip_duplicates else "error")


def insert1(table: Operand, row: Any, **options: Any) -> None:
    """Insert one row; see `insert`. Inside a block of `batch` the row waits for the end of the block."""
    if buffered(table, row, options, check_direct):
        return
    if not options and type(row) is dict and getattr(table, "_allow_insert", True) and insert_quickly(table, row):
        return
    insert(table, (row,), **options)


def check_direct(table: Operand, *, allow_direct_insert: bool | None) -> None:
    """Refuse rows for an auto-populated table from outside its `make`.

    Raises
    ------
    DataJointError
    """
    if not (allow_direct_insert or getattr(table, "_allow_insert", True)):
        raise DataJointError(
            "Inserts into an auto-populated table can only be done inside its make method during a populate call.",
            table=str(base_table(table).name),
            hint=getattr(table, "_insert_hint", None),
        )


def insert_dataframe(table: Operand, df: Any, index_as_pk: bool | None = None, **options: Any) -> None:
    """Insert the rows of a pandas DataFrame.

    Parameters
    ----------
    df : pandas.DataFrame
    index_as_pk : bool, optional
        Whether the index holds the primary key. By default it does if its levels are named like the key attributes;
        otherwise the index is discarded.
    **options
        Of `insert`.

    Raises
    ------
    DataJointError
        If `df` is no DataFrame, or the index was to be the key and has other names; else as `insert`.
    """
    if not is_data_frame(df):
        raise DataJointError(f"insert_dataframe requires a pandas DataFrame, not {type(df).__name__}.")
    key = base_table(table).heading.primary_key
    names = [name for name in df.index.names if name is not None]
    matches = set(names) == set(key)
    if index_as_pk and not matches:
        raise DataJointError(
            f"DataFrame index columns {names} do not match table primary key {key}.",
            hint="Name the levels of the index like the key attributes, or pass index_as_pk=False.",
        )
    use_index = (matches and bool(names)) if index_as_pk is None else index_as_pk
    frame = df.reset_index(drop=not use_index)
    # The fresh unnamed index is left out by `insert`.
    insert(table, frame, **options)


def _check_options(target: BaseTable, *, replace: bool, skip_duplicates: Skip, chunk_size: int | None) -> None:
    if replace and skip_duplicates:
        raise DataJointError(
            f"Insert into {target.name} was told both to replace and to skip duplicates.", hint="Choose one."
        )
    if isinstance(skip_duplicates, str) and skip_duplicates != "match":
        raise DataJointError(f"skip_duplicates is {skip_duplicates!r}.", hint="Give True, False or 'match'.")
    if chunk_size is not None and chunk_size < 1:
        raise DataJointError(f"chunk_size is {chunk_size}.", hint="Give the number of rows of a chunk, at least 1.")
