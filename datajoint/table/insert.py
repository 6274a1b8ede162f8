"""Insert rows, or the rows of a query, into a table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from datajoint.backends.base import Duplicates
from datajoint.errors import (
    DataJointError,
    DuplicateError,
    IntegrityError,
    MissingAttributeError,
    TooLargeError,
    UnknownAttributeError,
)
from datajoint.events import RowsInserted
from datajoint.expression.compile import compile_raw
from datajoint.expression.operand import Operand, as_operand
from datajoint.sql.fragment import Identifier, Sql
from datajoint.table.base_table import BaseTable, base_table
from datajoint.table.columns import ColumnWriter, in_row, key_first
from datajoint.table.diagnose import explained, largest_row
from datajoint.table.rows import Batch, chunks, is_data_frame, iterate, make_batch

if TYPE_CHECKING:
    from datajoint.connection import Connection

_SLICE = 10_000  # rows sent between two events


def insert(
    table: Operand,
    rows: Any,
    *,
    replace: bool = False,
    skip_duplicates: bool = False,
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
        and polars data frames, Arrow tables, the path of a CSV file with a header line, and query expressions, whose
        rows are copied within the database.
    replace : bool
        Replace rows with the same key; attributes not given become their defaults.
    skip_duplicates : bool
        Leave rows alone whose key exists; of rows with the same key in `rows`, the first is kept.
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
        If a row with the same key exists.
    IntegrityError
        If the row that a foreign key refers to does not exist.
    DataJointError
        If rows have different fields, options exclude each other, or the table is filled by its `make` only.
    TypeError
        If `rows` cannot be iterated over.
    """
    target = base_table(table)
    _check_options(target, replace=replace, skip_duplicates=skip_duplicates, chunk_size=chunk_size)
    if not (allow_direct_insert or getattr(table, "_allow_insert", True)):
        raise DataJointError(
            "Inserts into an auto-populated table can only be done inside its make method during a populate call.",
            table=str(target.name),
            hint="To insert from outside, pass allow_direct_insert=True.",
        )
    duplicates: Duplicates = "replace" if replace else "skip" if skip_duplicates else "error"
    query = as_operand(rows)
    if query is not None:
        if chunk_size is not None:
            raise DataJointError("chunk_size is not supported for QueryExpression inserts.")
        _insert_query(target, query, duplicates, ignore_extra_fields=ignore_extra_fields)
        return
    first = 0
    for chunk in chunks(iterate(rows, str(target.name)), chunk_size):
        batch = make_batch(
            target.heading, chunk, str(target.name), ignore_extra_fields=ignore_extra_fields, first=first
        )
        if batch.rows:
            _insert_batch(target, batch, duplicates)
        first += len(chunk)


def insert1(table: Operand, row: Any, **options: Any) -> None:
    """Insert one row; see `insert`."""
    insert(table, (row,), **options)


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


def _check_options(target: BaseTable, *, replace: bool, skip_duplicates: bool, chunk_size: int | None) -> None:
    if replace and skip_duplicates:
        raise DataJointError(
            f"Insert into {target.name} was told both to replace and to skip duplicates.", hint="Choose one."
        )
    if chunk_size is not None and chunk_size < 1:
        raise DataJointError(f"chunk_size is {chunk_size}.", hint="Give the number of rows of a chunk, at least 1.")


# --- rows
@dataclass(slots=True)
class _Prepared:
    """Converted rows: the writers of their columns and, column by column, canonical values, None for missing ones."""

    writers: list[ColumnWriter]
    columns: list[list[Any]]
    count: int


def _insert_batch(target: BaseTable, batch: Batch, duplicates: Duplicates) -> None:
    _check_required(target, batch)
    prepared = _convert(target, batch)
    groups = _groups(prepared, ordered=duplicates != "error" or target.heading.has_autoincrement)
    connection = target.connection

    def send() -> None:
        for rows, writers in groups:
            _send(target, prepared, rows, writers, duplicates)

    try:
        _atomically(connection, send, single=prepared.count == 1)
    except (DuplicateError, IntegrityError) as error:
        named = explained(target, batch.names, prepared.columns, batch.first, error, duplicates)
        if isinstance(named, DuplicateError):
            named = named.suggest("To ignore duplicate entries in insert, set skip_duplicates=True.")
        raise named from error
    except TooLargeError as error:
        raise largest_row(target, prepared.columns, batch.names, batch.first, error) from error


def _atomically(connection: Connection, send: Callable[[], None], *, single: bool) -> None:
    """Run `send` so that nothing of it is kept if it fails, and an open transaction can go on after that."""
    if single:
        send()
    else:
        with connection.transaction:
            send()


def _check_required(target: BaseTable, batch: Batch) -> None:
    """Refuse rows without fields that have no default."""
    absent = [n for n in target.heading.names if n not in batch.names and ColumnWriter.of(target, n).required]
    if not absent:
        return
    if not batch.names:
        raise MissingAttributeError(
            f"Cannot insert empty row. The following attributes require values: {absent}", table=str(target.name)
        )
    raise MissingAttributeError(
        f"Rows for {target.name} give no value for {', '.join(absent)}. There is no default.",
        table=str(target.name),
        attribute=absent[0],
        row=batch.first,
        hint="Add the field to every row.",
    )


def _convert(target: BaseTable, batch: Batch) -> _Prepared:
    """Convert column by column; key attributes first, because codecs may name files after them."""
    writers = [ColumnWriter.of(target, name) for name in batch.names]
    given = list(zip(*batch.rows, strict=True))
    converted: dict[str, list[Any]] = {}
    key_names = [n for n in batch.names if target.heading[n].in_key]
    for name in key_first(target, batch.names):
        place = batch.names.index(name)
        writer, values = writers[place], converted.setdefault(name, [])
        convert, has_codec = writer.convert, writer.chain is not None
        try:
            for value in given[place]:
                key = {n: converted[n][len(values)] for n in key_names if n != name} if has_codec else {}
                values.append(convert(value, key))
        except DataJointError as error:
            index = len(values)
            key = dict(zip(key_names, (given[batch.names.index(n)][index] for n in key_names), strict=True))
            raise in_row(error, batch.first + index, key) from error
    return _Prepared(writers, [converted[n] for n in batch.names], len(batch.rows))


def _groups(prepared: _Prepared, *, ordered: bool) -> Iterator[tuple[Sequence[int] | None, list[ColumnWriter]]]:
    """Split rows by the set of columns that are sent: a column is left out where its default is something else than NULL.

    Yields the indices of rows (None: all) with their writers. With `ordered`, rows are sent in their order, which
    decides which of two duplicates wins and how generated ids run.
    """
    sparse = [
        i
        for i, (w, c) in enumerate(zip(prepared.writers, prepared.columns, strict=True))
        if not w.null_if_missing and None in c
    ]
    if not sparse:
        yield None, prepared.writers
        return
    left_out = list(zip(*([v is None for v in prepared.columns[i]] for i in sparse), strict=True))

    def writers_for(pattern: tuple[bool, ...]) -> list[ColumnWriter]:
        without = {i for i, absent in zip(sparse, pattern, strict=True) if absent}
        return [w for i, w in enumerate(prepared.writers) if i not in without]

    if ordered:
        for pattern, run in groupby(range(prepared.count), key=left_out.__getitem__):
            yield list(run), writers_for(pattern)
        return
    by_pattern: dict[tuple[bool, ...], list[int]] = {}
    for index, pattern in enumerate(left_out):
        by_pattern.setdefault(pattern, []).append(index)
    for pattern, indices in by_pattern.items():
        yield indices, writers_for(pattern)


def _send(
    target: BaseTable,
    prepared: _Prepared,
    indices: Sequence[int] | None,
    writers: list[ColumnWriter],
    duplicates: Duplicates,
) -> None:
    connection = target.connection
    count = prepared.count if indices is None else len(indices)
    if not writers:
        for _ in range(count):
            connection.execute(connection.backend.empty_insert(target.name))
    else:
        by_name = {w.attribute.name: c for w, c in zip(prepared.writers, prepared.columns, strict=True)}
        columns: list[Sequence[Any]] = []
        for writer in writers:
            values: Sequence[Any] = by_name[writer.attribute.name]
            columns.append(writer.encoded(values if indices is None else [values[i] for i in indices]))
        rows = list(zip(*columns, strict=True))
        statement = _statement(target, writers, duplicates)
        for start in range(0, count, _SLICE):
            connection.execute_many(statement, rows[start : start + _SLICE])
        for writer in writers:
            advance = writer.attribute.autoincrement and connection.backend.advance_sequence(
                target.name, writer.attribute.name
            )
            if advance:
                connection.execute(advance)
    connection.events.emit(RowsInserted(table=target.full_name, count=count))


def _statement(target: BaseTable, writers: Sequence[ColumnWriter], duplicates: Duplicates) -> Sql:
    names = [w.attribute.name for w in writers]
    clauses = target.connection.backend.duplicate_clauses(
        duplicates, target.name, names, list(target.heading._attributes), target.key
    )
    values = Sql.join(", ", (w.placeholder for w in writers))
    return Sql(*_head(target, clauses.verb, names), " VALUES (", values, ")", *_tail(clauses.suffix))


def _head(target: BaseTable, verb: str, names: Iterable[str]) -> list[str | Sql | Identifier]:
    columns = Sql.join(", ", (Identifier((n,)) for n in names))
    return [f"{verb} INTO ", target.name.identifier, " (", columns, ")"]


def _tail(suffix: Sql) -> list[str | Sql]:
    return [" ", suffix] if suffix else []


# --- the rows of a query
def _insert_query(target: BaseTable, query: Operand, duplicates: Duplicates, *, ignore_extra_fields: bool) -> None:
    node = query._node
    if query.connection is not target.connection:
        raise DataJointError(
            f"The query to insert into {target.name} belongs to another connection.",
            hint="Fetch its rows and insert those: insert(query.to_dicts()).",
        )
    extra = [n for n in node.heading.names if n not in target.heading]
    if extra and not ignore_extra_fields:
        raise UnknownAttributeError(
            f"Attribute {extra[0]} not found in {target.name}. "
            "To ignore extra attributes in insert, set ignore_extra_fields=True.",
            table=str(target.name),
            attribute=extra[0],
        )
    names = [n for n in node.heading.names if n in target.heading]
    if not names:
        raise DataJointError(f"The query has no attribute of {target.name}; its attributes are {', '.join(extra)}.")
    backend = target.connection.backend
    clauses = backend.duplicate_clauses(duplicates, target.name, names, list(target.heading._attributes), target.key)
    chosen = compile_raw(node, backend, names)
    if clauses.suffix:
        # Without a WHERE of its own, SQLite would take ON for the condition of a join.
        columns = Sql.join(", ", (Identifier((n,)) for n in names))
        chosen = Sql("SELECT ", columns, " FROM (", chosen, ") AS ", Identifier(("q",)), " WHERE 1 = 1")
    statement = Sql(*_head(target, clauses.verb, names), " ", chosen, *_tail(clauses.suffix))
    count = target.connection.execute(statement).rowcount
    target.connection.events.emit(RowsInserted(table=target.full_name, count=count))
