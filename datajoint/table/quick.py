"""Insert one plain row at little more than the cost of its statement.

How the values of a row with certain fields are converted, and the statement's text, are found out once and kept with
the table's heading. Whatever is not plain (codecs, missing values with defaults, values that are refused) is left to the
general way, which also knows how to say what is wrong.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from datajoint.backends.base import Request
from datajoint.errors import DeadlockError, DuplicateError, IntegrityError, InvalidValueError
from datajoint.events import RowsInserted
from datajoint.expression.nodes import TableNode
from datajoint.sql.fragment import Sql
from datajoint.table.base_table import BaseTable, base_table
from datajoint.table.columns import ColumnWriter
from datajoint.table.provenance import records
from datajoint.table.writing import head, named_fault
from datajoint.values.accept import is_missing

if TYPE_CHECKING:
    from datajoint.definition import TableName
    from datajoint.expression.operand import Operand

Converter = Callable[[Any], Any]


_PLAIN: dict[str, type] = {
    "int": int, "bool": bool, "char": str, "varchar": str, "text": str, "enum": str, "date": dt.date, "datetime": dt.datetime,
    "timestamp": dt.datetime, "uuid": UUID, "bytes": bytes,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Field:
    """How one value is converted: canonical first, then as the driver takes it."""

    name: str
    plain: type | None  # values of exactly this class are there for sure
    is_missing: Converter
    nullable: bool
    accept: Converter
    encode: Converter | None


@dataclass(frozen=True, slots=True)
class _RowForm:
    """The statement for rows with certain fields."""

    text: str
    fields: tuple[_Field, ...]
    row: tuple[TableName, tuple[str, ...]]


def insert_quickly(table: Operand, row: dict[Any, Any]) -> bool:
    """Insert `row` and return True, or return False without having done anything.

    Raises
    ------
    DuplicateError, IntegrityError
        As `insert`.
    """
    connection, node = table.connection, table._node
    if type(node) is not TableNode:
        return False
    known: dict[tuple[Any, ...], _RowForm | None] = node.heading.__dict__.setdefault("_row_forms", {})
    fields = tuple(row)
    if records(node.heading, connection):
        return False
    form = known[fields] if fields in known else known.setdefault(fields, _form_of(base_table(table), fields))
    if form is None:
        return False
    canonical: list[Any] = []
    values: list[Any] = []
    for field in form.fields:
        value = row[field.name]
        if type(value) is not field.plain and field.is_missing(value):
            if not field.nullable:
                return False
            canonical.append(None)
            values.append(None)
            continue
        try:
            value = field.accept(value)
            canonical.append(value)
            values.append(field.encode(value) if field.encode else value)
        except InvalidValueError:
            return False
    try:
        connection.execute_request(Request(form.text, values, row=form.row))
    except (DuplicateError, IntegrityError) as error:
        names, columns = [f.name for f in form.fields], [[v] for v in canonical]
        raise named_fault(base_table(table), names, columns, 0, error, "error") from error
    except DeadlockError:
        if connection.in_transaction:
            raise
        return False  # nothing is kept of it, and the general way tries again
    if connection.events.has_subscribers:
        connection.events.emit(RowsInserted(table=base_table(table).full_name, count=1))
    return True


def _form_of(target: BaseTable, given: tuple[Any, ...]) -> _RowForm | None:
    """Return the form of rows with the fields `given`, None if such rows need the general way."""
    heading, backend = target.heading, target.connection.backend
    names = [n for n in heading.names if n in given]
    if len(names) != len(given) or not names:
        return None
    writers = [ColumnWriter.of(target, n) for n in names]
    absent = (ColumnWriter.of(target, n) for n in heading.names if n not in given)
    if any(w.chain is not None or w.attribute.autoincrement for w in writers) or any(w.required for w in absent):
        return None
    typed = [(w.attribute.name, w.attribute.value_type) for w in writers]
    statement = Sql(*head(target, "INSERT", typed), " VALUES (", Sql.join(", ", (w.placeholder for w in writers)), ")")
    text, _ = statement.render(target.connection.dialect)
    return _RowForm(
        text,
        tuple(
            _Field(n, _PLAIN.get(t.kind), partial(is_missing, t), w.null_if_missing, w.accept, backend.encoder(t))
            for (n, t), w in zip(typed, writers, strict=True)
        ),
        (target.name, tuple(names)),
    )
