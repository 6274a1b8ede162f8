"""Change the rows that exist and insert the others, in one go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from datajoint.errors import DataJointError, DuplicateError, IntegrityError, TooLargeError
from datajoint.expression.operand import Operand
from datajoint.sql.fragment import Identifier, Sql
from datajoint.table.base_table import BaseTable, base_table
from datajoint.table.columns import ColumnWriter
from datajoint.table.diagnose import largest_row
from datajoint.table.insert import check_direct
from datajoint.table.objects import row_objects
from datajoint.table.rows import Batch, batches
from datajoint.table.writing import (
    Prepared,
    _check_required,
    _groups,
    _last_of_each_key,
    atomically,
    convert,
    named_fault,
    send_rows,
)


def upsert(
    table: Operand,
    rows: Any,
    *,
    ignore_extra_fields: bool = False,
    allow_direct_insert: bool | None = None,
    chunk_size: int | None = None,
) -> None:
    """Change the rows whose primary keys exist, in the fields given, and insert the others.

    Unlike ``insert(…, replace=True)``, fields that are not given keep their values, and rows that other tables refer to
    can be changed. As with `update1`, None resets a field to its default, and what was computed from a changed row is
    not computed again. All rows are changed and inserted, or none.

    Parameters
    ----------
    rows : iterable of rows, DataFrame or pathlib.Path
        As of `insert`, with all fields of the primary key. Of rows with the same key, the last counts.
    ignore_extra_fields, allow_direct_insert, chunk_size
        As of `insert`.

    Raises
    ------
    DataJointError
        If rows lack fields of the key or have different fields, the table is restricted, or as `insert`.
    MissingAttributeError
        If a new row lacks a required field, or one is given no value.
    InvalidValueError
        If an attribute cannot hold a value.
    DuplicateError
        If another unique key is taken, or another program inserts a row at the same moment.
    IntegrityError
        If the row that a foreign key refers to does not exist.
    """
    check_direct(table, allow_direct_insert=allow_direct_insert)
    target = base_table(table)
    if target.restricted:
        raise DataJointError(
            f"{target.name} is restricted, so it cannot be told which of its rows exist.",
            table=str(target.name),
            hint="Call upsert on the table itself.",
        )
    if chunk_size is not None and chunk_size < 1:
        raise DataJointError(f"chunk_size is {chunk_size}.", hint="Give the number of rows of a chunk, at least 1.")
    for batch in batches(
        target.heading, rows, str(target.name), ignore_extra_fields=ignore_extra_fields, chunk_size=chunk_size
    ):
        if batch.count:
            _upsert(target, batch)


def _upsert(target: BaseTable, batch: Batch) -> None:
    lacking = [name for name in target.heading.primary_key if name not in batch.names]
    if lacking or not target.heading.primary_key:
        raise DataJointError(
            f"Rows to upsert into {target.name} must have its whole primary key. They lack {', '.join(lacking)}."
            if lacking
            else f"{target.name} has no primary key by which its row could be found.",
            table=str(target.name),
        )
    with row_objects(target, parallel=batch.count > 1) as objects:
        prepared = convert(target, batch, complete=False)
        objects.settle_for_rows()
        _send(target, batch, prepared)


def _send(target: BaseTable, batch: Batch, prepared: Prepared) -> None:
    rows = _last_of_each_key(target, prepared)

    def send() -> None:
        known = _existing_keys(target, rows)
        keys = list(zip(*(rows.values(target.key) or ()), strict=True))
        new = [index for index, key in enumerate(keys) if key not in known]
        if new:
            _check_required(target, batch)
            send_rows(target, rows.chosen(new), "error")
        if len(new) < rows.count:
            _update(target, rows.chosen([index for index, key in enumerate(keys) if key in known]))

    try:
        atomically(target.connection, send, single=False, what="upsert")
    except (DuplicateError, IntegrityError) as error:
        raise named_fault(target, batch.names, prepared.columns, batch.first, error, "replace") from error
    except TooLargeError as error:
        raise largest_row(target, prepared.columns, batch.names, batch.first, error) from error


def _existing_keys(target: BaseTable, rows: Prepared) -> set[tuple[Any, ...]]:
    backend = target.connection.backend
    keys = list(dict.fromkeys(zip(*(rows.values(target.key) or ()), strict=True)))
    typed = [(name, target.heading._attributes[name].value_type) for name in target.key]
    names = Sql.join(", ", (Identifier((name,)) for name in target.key))
    chosen = backend.key_table([*typed], keys)
    found = Sql("SELECT ", names, " FROM ", target.name.identifier, " WHERE (", names, ") IN (", chosen, ")")
    decoders = [backend.decoder(value_type) for _, value_type in typed]
    return {
        tuple(decode(value) if decode else value for decode, value in zip(decoders, row, strict=True))
        for row in target.connection.execute(found).rows
    }


def _update(target: BaseTable, rows: Prepared) -> None:
    """Change rows that exist; a missing value becomes the default."""
    by_name = {w.attribute.name: column for w, column in zip(rows.writers, rows.columns, strict=True)}
    keys = [w for w in rows.writers if w.attribute.in_key]
    others = [w for w in rows.writers if not w.attribute.in_key]
    if not others:
        return
    for indices, given in _groups(rows, ordered=False):
        sent = [w for w in others if w in given]
        reset = [w for w in others if w not in given]
        columns: list[Sequence[Any]] = []
        for writer in (*sent, *keys):
            values = by_name[writer.attribute.name]
            columns.append(writer.encoded(values if indices is None else [values[i] for i in indices]))
        target.connection.execute_many(_statement(target, sent, reset, keys), zip(*columns, strict=True))


def _statement(
    target: BaseTable, sent: Sequence[ColumnWriter], reset: Sequence[ColumnWriter], keys: Sequence[ColumnWriter]
) -> Sql:
    def equal(writer: ColumnWriter, value: Sql) -> Sql:
        return Sql(Identifier((writer.attribute.name,)), " = ", value)

    assignments = [*(equal(w, w.placeholder) for w in sent), *(equal(w, w.assignment(None)) for w in reset)]
    where = Sql.join(" AND ", (equal(w, w.placeholder) for w in keys))
    return Sql("UPDATE ", target.name.identifier, " SET ", Sql.join(", ", assignments), " WHERE ", where)
