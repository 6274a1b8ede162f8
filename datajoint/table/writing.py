"""Convert a batch of rows and send it, the fastest way that the engine has, so that all of it is kept or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any

from datajoint.backends.base import Duplicates
from datajoint.declare.hidden import PROV_ATTRIBUTE
from datajoint.errors import DataJointError, DuplicateError, IntegrityError, MissingAttributeError, TooLargeError
from datajoint.events import RowsInserted
from datajoint.sql.fragment import Identifier, Sql
from datajoint.table.arrow_columns import arrow_columns, csv_texts
from datajoint.table.base_table import BaseTable
from datajoint.table.columns import ColumnWriter, in_row, key_first
from datajoint.table.diagnose import explained, largest_row, unique_keys
from datajoint.table.objects import row_objects
from datajoint.table.provenance import provenance, records
from datajoint.table.repeat import repeated
from datajoint.table.rows import Batch

if TYPE_CHECKING:
    from datajoint.connection import Connection

_SLICE = 10_000  # rows sent between two events
_BULK = 10  # rows from which a stream of them is faster than a statement for each
_SKIP_HINT = "To ignore duplicate entries in insert, set skip_duplicates=True."


@dataclass(slots=True)
class Prepared:
    """Converted rows: the writers of their columns and, column by column, canonical values, None for missing ones."""

    writers: list[ColumnWriter]
    columns: list[Sequence[Any]]
    count: int

    def values(self, names: Iterable[str]) -> list[Sequence[Any]] | None:
        """Return the columns `names`, or None if one of them is not given."""
        by_name = {w.attribute.name: c for w, c in zip(self.writers, self.columns, strict=True)}
        return [by_name[n] for n in names] if all(n in by_name for n in names) else None

    def chosen(self, indices: Sequence[int]) -> Prepared:
        """Return some of the rows."""
        return Prepared(self.writers, [[c[i] for i in indices] for c in self.columns], len(indices))


def atomically(connection: Connection, send: Callable[[], None], *, single: bool, what: str = "insert") -> None:
    """Run `send` so that nothing of it is kept if it fails, and an open transaction can go on after that.

    What the server ends because of a deadlock is sent again, outside a transaction.

    Parameters
    ----------
    single : bool
        Whether `send` is one statement, which is kept as a whole or not at all by itself.
    what : str
        What it is, for the log.
    """

    def whole() -> None:
        with connection.transaction:
            send()

    repeated(connection, send if single else whole, what)


def insert_batch(target: BaseTable, batch: Batch, duplicates: Duplicates) -> None:
    """Insert the rows of `batch`.

    Raises
    ------
    MissingAttributeError, InvalidValueError, DuplicateError, IntegrityError
        With the row that is at fault, as far as it can be found.
    """
    with row_objects(target, parallel=batch.count > 1) as objects:
        stored = _stored_already(target, batch) if duplicates == "skip" else frozenset[int]()
        prepared = convert(target, batch, without_objects=stored)
        objects.settle_for_rows()
        _send(target, batch, prepared, stored, duplicates)


def _send(
    target: BaseTable, batch: Batch, prepared: Prepared, left_out: AbstractSet[int], duplicates: Duplicates
) -> None:
    connection = target.connection
    single = prepared.count == 1 and duplicates == "error"

    def send() -> None:
        rows = prepared
        if left_out:
            rows = prepared.chosen([i for i in range(prepared.count) if i not in left_out])
        if duplicates == "replace":
            rows = _last_of_each_key(target, prepared)
            _delete_keys(target, rows)
        elif duplicates == "skip" and _generated_key_is_rowid(target, prepared):
            rows = _without_present(target, rows)
        send_rows(target, rows, duplicates)

    try:
        atomically(connection, send, single=single)
    except (DuplicateError, IntegrityError) as error:
        raise named_fault(target, batch.names, prepared.columns, batch.first, error, duplicates) from error
    except TooLargeError as error:
        raise largest_row(target, prepared.columns, batch.names, batch.first, error) from error


def named_fault(
    target: BaseTable,
    names: Sequence[str],
    columns: Sequence[Sequence[Any]],
    first: int,
    error: DuplicateError | IntegrityError,
    duplicates: Duplicates,
) -> DuplicateError | IntegrityError:
    """Return `error` with the row at fault, and what to do about it."""
    named = explained(target, names, columns, first, error, duplicates)
    return named.suggest(_SKIP_HINT) if isinstance(named, DuplicateError) else named


# --- conversion
def convert(
    target: BaseTable, batch: Batch, without_objects: AbstractSet[int] = frozenset(), *, complete: bool = True
) -> Prepared:
    """Convert column by column: key attributes first, because codecs name files after them, what is in stores last.

    So nothing is written to a store for rows that have a fault elsewhere.

    Parameters
    ----------
    without_objects : set of int
        Rows, from 0, that will not be sent, and for which nothing is to be written to a store.
    complete : bool
        Whether all fields that have no default must be given.

    Raises
    ------
    MissingAttributeError, InvalidValueError
        With the row at fault.
    Exception
        Whatever a codec raises.
    """
    if complete:
        _check_required(target, batch)
    writers = {name: ColumnWriter.of(target, name) for name in batch.names}
    together = arrow_columns(target, list(writers.values()), batch.columns)
    if together is not None:
        return Prepared(list(writers.values()), together, batch.count)
    given = dict(zip(batch.names, batch.columns, strict=True))
    key_names = [n for n in batch.names if target.heading[n].in_key]
    order = sorted(key_first(target, batch.names), key=lambda n: writers[n].writes_objects)
    for name in order:
        if writers[name].writes_objects:
            _check_objects(writers[name], given, name, key_names, batch.first)
    converted: dict[str, Sequence[Any]] = {}
    for name in order:
        writer = writers[name]
        column = writer.convert_column(given[name])
        if column is None:
            key_columns = {n: converted[n] for n in key_names if n != name} if writer.chain is not None else {}
            left_out = without_objects if writer.writes_objects else frozenset[int]()
            column = _one_by_one(writer, given, name, key_names, key_columns, batch.first, left_out)
        converted[name] = column
    return Prepared(list(writers.values()), [converted[n] for n in batch.names], batch.count)


def _check_objects(
    writer: ColumnWriter, given: dict[str, Sequence[Any]], name: str, key_names: Sequence[str], first: int
) -> None:
    """Let the codec refuse values before the first object of the batch is written."""
    for index, value in enumerate(given[name]):
        try:
            writer.check(value)
        except DataJointError as error:
            raise in_row(error, first + index, {n: given[n][index] for n in key_names}) from error


def _one_by_one(
    writer: ColumnWriter,
    given: dict[str, Sequence[Any]],
    name: str,
    key_names: Sequence[str],
    key_columns: dict[str, Sequence[Any]],
    first: int,
    left_out: AbstractSet[int],
) -> list[Any]:
    values: list[Any] = []
    try:
        for value in given[name]:
            if len(values) in left_out:
                values.append(None)
                continue
            key = {n: column[len(values)] for n, column in key_columns.items()}
            values.append(writer.convert(value, key))
    except DataJointError as error:
        index = len(values)
        raise in_row(error, first + index, {n: given[n][index] for n in key_names}) from error
    return values


def _check_required(target: BaseTable, batch: Batch) -> None:
    """Refuse rows without fields that have no default.

    Raises
    ------
    MissingAttributeError
    """
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


# --- rows whose key exists
def _stored_already(target: BaseTable, batch: Batch) -> AbstractSet[int]:
    """Return which rows have a key that the table has, if objects would be written for them in vain."""
    places = [batch.names.index(n) for n in target.key if n in batch.names]
    writes_objects = any(ColumnWriter.of(target, name).writes_objects for name in batch.names)
    if not writes_objects or len(places) < len(target.key):
        return frozenset()
    try:
        writers = [ColumnWriter.of(target, n) for n in target.key]
        columns = [[w.convert(v, {}) for v in batch.columns[i]] for w, i in zip(writers, places, strict=True)]
    except DataJointError:
        return frozenset()  # to be refused with all that belongs to it
    keys = list(zip(*columns, strict=True))
    stored = _present(target, target.key, [key for key in dict.fromkeys(keys) if None not in key])
    return {i for i, key in enumerate(keys) if key in stored}


def _present(target: BaseTable, key: Sequence[str], keys: list[tuple[Any, ...]]) -> set[tuple[Any, ...]]:
    """Return those of `keys`, values of the attributes `key`, that rows of the table have."""
    if not keys:
        return set()
    backend = target.connection.backend
    typed = [(n, target.heading._attributes[n].value_type) for n in key]
    chosen = backend.key_table([*typed], keys)
    names = Sql.join(", ", (Identifier((n,)) for n in key))
    found = Sql("SELECT ", names, " FROM ", target.name.identifier, " WHERE (", names, ") IN (", chosen, ")")
    decoders = [backend.decoder(t) for _, t in typed]
    return {
        tuple(decode(v) if decode else v for decode, v in zip(decoders, row, strict=True))
        for row in target.connection.execute(found).rows
    }


def _last_of_each_key(target: BaseTable, prepared: Prepared) -> Prepared:
    """Return the rows that replace others: of those with the same key, the last."""
    columns = prepared.values(target.key)
    if not columns:
        return prepared
    keys = list(zip(*columns, strict=True))
    last = {key: index for index, key in enumerate(keys)}
    if len(last) == len(keys):
        return prepared
    return prepared.chosen([i for i, key in enumerate(keys) if None in key or last[key] == i])


def _delete_keys(target: BaseTable, prepared: Prepared) -> None:
    """Delete the rows that have the keys of `prepared`, if there are any."""
    columns = prepared.values(target.key)
    keys = [key for key in zip(*columns, strict=True) if None not in key] if columns else []
    if not keys:
        return
    connection = target.connection
    typed = [(n, target.heading._attributes[n].value_type) for n in target.key]
    chosen = connection.backend.key_table(typed, keys)
    # To look first takes no lock: most often there is nothing to delete.
    names = Sql.join(", ", (Identifier((n,)) for n in target.key))
    present = Sql("SELECT 1 FROM ", target.name.identifier, " WHERE (", names, ") IN (", chosen, ") LIMIT 1")
    if connection.execute(present).rows:
        replace_rows(target, chosen)


def replace_rows(target: BaseTable, chosen: Sql) -> None:
    """Delete the rows with the keys that `chosen` selects, which other rows will replace.

    Raises
    ------
    IntegrityError
        If rows of other tables refer to them.
    """
    try:
        target.connection.execute(target.connection.backend.delete_rows(target.name, target.key, chosen))
    except IntegrityError as error:
        raise IntegrityError(
            f"Cannot replace rows of {target.name}: rows of other tables refer to them. {error.args[0]}",
            table=str(target.name),
            hint="Change single attributes with update1, or delete the rows with all that depends on them first.",
            query=error.query,
            code=error.code,
        ) from error


def _generated_key_is_rowid(target: BaseTable, prepared: Prepared) -> bool:
    """Tell whether a generated number, part of a longer key, is given where the engine wants it unique by itself."""
    if target.connection.dialect.generated_key_alone and len(target.key) > 1:
        return any(w.attribute.autoincrement for w in prepared.writers)
    return False


def _without_present(target: BaseTable, prepared: Prepared) -> Prepared:
    """Leave out the rows that are there already, or come twice, by the primary or another unique key.

    Only for an engine on which nobody else can write meanwhile.
    """
    kept = list(range(prepared.count))
    for key in unique_keys(target):
        columns = prepared.values(key)
        if columns is None:
            continue
        keys = {i: values for i in kept if None not in (values := tuple(c[i] for c in columns))}
        seen = _present(target, key, list(dict.fromkeys(keys.values())))
        left = []
        for index in kept:
            found_key = keys.get(index)
            if found_key is None or found_key not in seen:
                left.append(index)
                seen.update([found_key] if found_key else [])
        kept = left
    return prepared if len(kept) == prepared.count else prepared.chosen(kept)


# --- sending
def send_rows(target: BaseTable, prepared: Prepared, duplicates: Duplicates) -> None:
    """Send converted rows; those with an existing key are skipped if told so, all others must be new."""
    if records(target.heading, target.connection) and (origin := provenance(target.connection)) is not None:
        writer = ColumnWriter.of(target, PROV_ATTRIBUTE)
        column = [writer.convert(origin, {})] * prepared.count
        prepared = Prepared([*prepared.writers, writer], [*prepared.columns, column], prepared.count)
    for indices, writers in _groups(prepared, ordered=duplicates != "error" or target.heading.has_autoincrement):
        _send_group(target, prepared, indices, writers, skip=duplicates == "skip")


def _groups(prepared: Prepared, *, ordered: bool) -> Iterator[tuple[Sequence[int] | None, list[ColumnWriter]]]:
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


def _send_group(
    target: BaseTable,
    prepared: Prepared,
    indices: Sequence[int] | None,
    writers: list[ColumnWriter],
    *,
    skip: bool,
) -> None:
    connection = target.connection
    count = prepared.count if indices is None else len(indices)
    if not count:
        return
    if not writers:
        for _ in range(count):
            connection.execute(connection.backend.empty_insert(target.name))
        connection.events.emit(RowsInserted(table=target.full_name, count=count))
    else:
        by_name = {w.attribute.name: c for w, c in zip(prepared.writers, prepared.columns, strict=True)}
        columns: list[Sequence[Any]] = []
        for writer in writers:
            values = by_name[writer.attribute.name]
            columns.append(writer.encoded(values if indices is None else [values[i] for i in indices]))
        for written in _send_columns(target, writers, columns, count, skip=skip):
            connection.events.emit(RowsInserted(table=target.full_name, count=written))
        for writer in writers:
            advance = writer.attribute.autoincrement and connection.backend.advance_sequence(
                target.name, writer.attribute.name
            )
            if advance:
                connection.execute(advance)


def _send_columns(
    target: BaseTable, writers: Sequence[ColumnWriter], columns: Sequence[Sequence[Any]], count: int, *, skip: bool
) -> Iterator[int]:
    """Send driver values in slices, in the way that is fastest for so many; yield how many rows each has written."""
    connection, backend = target.connection, target.connection.backend
    typed = [(w.attribute.name, w.attribute.value_type) for w in writers]
    # An iterator: millions of tuples at once would keep the garbage collector busy.
    rows: Iterator[tuple[Any, ...]] = zip(*columns, strict=True)
    starts = range(0, count, _SLICE)
    names = [n for n, _ in typed]
    stream = None if skip or count < _BULK else backend.stream_insert(target.name, names)
    if stream is not None:
        in_csv = backend.table_stream(target.name, names)
        if in_csv is not None and (texts := csv_texts(columns, _SLICE)) is not None:
            yield from (connection.execute_many(in_csv, (text,)) for text in texts)
            return
        yield from (connection.execute_many(stream, islice(rows, _SLICE)) for _ in starts)
        return
    clauses = backend.duplicate_clauses("skip" if skip else "error", target.name, [n for n, _ in typed], (), target.key)
    beginning, end = head(target, clauses.verb, typed), tail(clauses.suffix)
    if skip and count >= _BULK and backend.rows_source(typed, [()] * len(typed)) is not None:
        for start in starts:
            source = backend.rows_source(typed, [c[start : start + _SLICE] for c in columns])
            assert source is not None  # it depends on the types only
            yield connection.execute(Sql(*beginning, " ", source, *end)).rowcount
        return
    values = Sql.join(", ", (w.placeholder for w in writers))
    statement = Sql(*beginning, " VALUES (", values, ")", *end)
    if count == 1:
        text, _ = statement.render(connection.dialect)
        yield connection.execute_text(text, next(rows)).rowcount
    else:
        yield from (connection.execute_many(statement, islice(rows, _SLICE)) for _ in starts)


def head(target: BaseTable, verb: str, typed: Iterable[tuple[str, Any]]) -> list[str | Sql | Identifier]:
    """Return the beginning of an INSERT, up to the names of its columns."""
    columns = Sql.join(", ", (Identifier((n,)) for n, _ in typed))
    return [f"{verb} INTO ", target.name.identifier, " (", columns, ")"]


def tail(suffix: Sql) -> list[str | Sql]:
    """Return what follows the rows."""
    return [" ", suffix] if suffix else []
