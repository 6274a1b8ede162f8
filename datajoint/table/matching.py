"""Skip rows that the table has already, provided that it has them exactly so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from datajoint.codecs import CodecChain, CodecContext
from datajoint.errors import DuplicateError
from datajoint.expression import predicates
from datajoint.expression.compile import compile_raw
from datajoint.expression.nodes import Restrict, TableNode
from datajoint.naming import shorten
from datajoint.objectref import ObjectRef
from datajoint.table.base_table import BaseTable
from datajoint.table.columns import ColumnWriter
from datajoint.table.objects import row_objects
from datajoint.table.rows import Batch
from datajoint.table.writing import Prepared, atomically, convert, named_fault, send_rows
from datajoint.values.accept import acceptor
from datajoint.values.documents import from_json

_SHOWN = 10  # differing rows that an error lists


def insert_matching(target: BaseTable, batch: Batch) -> None:
    """Insert the rows of `batch` that are new; those whose key exists must equal the stored ones in all fields given.

    Raises
    ------
    DuplicateError
        If a stored row differs, or if another unique key is taken by another row. Nothing of the batch is kept.
    """
    with row_objects(target, parallel=batch.count > 1) as objects:
        prepared = convert(target, batch)
        objects.settle_for_rows()

        def send() -> None:
            send_rows(target, prepared, "skip")
            _compare(target, batch, prepared)

        try:
            atomically(target.connection, send, single=False)
        except DuplicateError as error:
            if error.row is not None:
                raise
            raise named_fault(target, batch.names, prepared.columns, batch.first, error, "error") from error


def _compare(target: BaseTable, batch: Batch, prepared: Prepared) -> None:
    key_columns = prepared.values(target.key)
    if key_columns is None:  # the database makes the keys, so every row is new
        return
    keys = list(zip(*key_columns, strict=True))
    stored = _stored_rows(target, batch.names, [key for key in keys if None not in key])
    key_places = [batch.names.index(n) for n in target.key]
    by_key = {tuple(_comparable(row[i]) for i in key_places): row for row in stored}
    differences: list[tuple[int, str]] = []
    for index, key in enumerate(keys):
        if None in key:
            continue
        row = by_key.get(tuple(map(_comparable, key)))
        if row is None:
            said = "is not stored because of another row with the same value of a unique index"
        else:
            said = _difference(target, prepared, row, index)
        if said:
            differences.append(
                (index, f"row {batch.first + index} {shorten(dict(zip(target.key, key, strict=True)))}: {said}")
            )
    if differences:
        more = f"; and {len(differences) - _SHOWN} more" if len(differences) > _SHOWN else ""
        raise DuplicateError(
            f"{len(differences)} of the rows for {target.name} differ from those stored: "
            f"{'; '.join(said for _, said in differences[:_SHOWN])}{more}.",
            table=str(target.name),
            row=batch.first + differences[0][0],
            hint="Nothing was inserted. Correct the rows, or use replace=True or update1.",
        )


def _stored_rows(target: BaseTable, names: Sequence[str], keys: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Return the stored values, undecoded by codecs, of the rows with the given keys."""
    if not keys:
        return []
    connection, backend = target.connection, target.connection.backend
    attributes = target.heading._attributes
    types = tuple(attributes[n].value_type for n in target.key)
    table = TableNode(target.name, target.heading)
    node = Restrict(table, predicates.OneOf(tuple(target.key), types, tuple(keys)), target.heading)
    rows = connection.execute(compile_raw(node, backend, names)).rows
    decoders = [backend.decoder(attributes[n].value_type) for n in names]
    return [
        tuple(decode(v) if decode and v is not None else v for decode, v in zip(decoders, row, strict=True))
        for row in rows
    ]


def _difference(target: BaseTable, prepared: Prepared, row: Sequence[Any], index: int) -> str:
    said = []
    for writer, column, stored in zip(prepared.writers, prepared.columns, row, strict=True):
        given = column[index]
        if given is None and not writer.null_if_missing:
            default = _default(writer)
            if default is None:  # filled by the database: nothing was said about it
                continue
            given = default
        if not _equal(target, writer, given, stored):
            said.append(f"{writer.attribute.name} is {_shown(writer, stored)}, not {_shown(writer, given)}")
    return ", ".join(said)


def _default(writer: ColumnWriter) -> Any:
    """Return the declared default as a value, None if only the database can tell."""
    text = writer.attribute.default
    if text is None or writer.chain is not None:
        return None
    try:
        return acceptor(writer.attribute.value_type)(text.strip("'\""))
    except ValueError:
        return None


def _equal(target: BaseTable, writer: ColumnWriter, given: Any, stored: Any) -> bool:
    if given is None or stored is None:
        return given is stored
    if writer.attribute.value_type.kind == "json" and isinstance(given, str):
        given = from_json(given)
    if _comparable(given) == _comparable(stored):
        return True
    if writer.chain is None:
        return False
    context = CodecContext(target.name.schema, target.name.name, writer.attribute.name, target.connection.settings)
    if writer.writes_objects:
        return _same_objects(writer.chain, context, given, stored)
    # The same object may have been written by another program, in another form of the same codec.
    again = writer.chain.encode(writer.chain.decode(stored, context), context)
    return bool(_comparable(writer.accept(again)) == _comparable(given))


def _same_objects(chain: CodecChain, context: CodecContext, given: Any, stored: Any) -> bool:
    """Compare what lies in stores: by its hash where the documents tell it, else by reading both."""
    one, other = (from_json(d) if isinstance(d, str) else d for d in (given, stored))
    if isinstance(one, dict) and isinstance(other, dict) and "hash" in one and "hash" in other:
        return bool(one["hash"] == other["hash"])
    first, second = chain.decode(one, context), chain.decode(other, context)
    if isinstance(first, ObjectRef) and isinstance(second, ObjectRef):
        return first.has_content_of(second)
    if type(first).__name__ == type(second).__name__ == "NpyRef":
        first, second = first.load(), second.load()
    if hasattr(first, "tobytes") and hasattr(second, "tobytes"):
        return bool((first.dtype, first.shape, first.tobytes()) == (second.dtype, second.shape, second.tobytes()))
    return bool(first == second)


def _comparable(value: Any) -> Any:
    return bytes(value) if isinstance(value, bytearray | memoryview) else value


def _shown(writer: ColumnWriter, value: Any) -> str:
    return f"{len(value)} other bytes" if isinstance(value, bytes) and writer.chain is not None else shorten(value)
