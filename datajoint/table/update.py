"""Change attributes of one row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from datajoint.errors import DataJointError, DuplicateError, IntegrityError, UnknownAttributeError
from datajoint.expression import predicates
from datajoint.expression.fetch import fetch_rows
from datajoint.expression.nodes import Node, Restrict
from datajoint.naming import did_you_mean, shorten
from datajoint.sql.fragment import Identifier, Sql
from datajoint.table.base_table import BaseTable, base_table
from datajoint.table.columns import ColumnWriter
from datajoint.table.diagnose import explained
from datajoint.table.objects import row_objects
from datajoint.table.repeat import repeated
from datajoint.values.compare import Comparison

if TYPE_CHECKING:
    from datajoint.expression.operand import Operand


def update1(table: Operand, row: Mapping[str, Any]) -> None:
    """Change attributes of one existing row.

    Meant for corrections: what was computed from the row is not computed again.

    Parameters
    ----------
    row : mapping
        The whole key, and new values of other attributes; None (or NaN, NaT) resets one to its default.

    Raises
    ------
    DataJointError
        If `row` is no mapping or lacks key attributes, an attribute is unknown, the table is restricted, or not exactly
        one row has the key.
    InvalidValueError
        If an attribute cannot hold its value.
    MissingAttributeError
        If a required attribute is given no value.
    """
    if not isinstance(row, Mapping):
        raise DataJointError(f"The argument of update1 must be dict-like. It is of type {type(row).__name__}.")
    target = base_table(table)
    _check_names(target, row)
    if target.restricted:
        raise DataJointError(
            "Update cannot be applied to a restricted table.",
            table=str(target.name),
            hint="Call it on the table itself.",
        )
    writers = {name: ColumnWriter.of(target, name) for name in target.heading.names if name in row}
    key = {n: writers[n].convert(row[n], {}) for n in target.heading.primary_key}
    node = _row_node(target, writers, key)
    if len(fetch_rows(target.connection, node, target.key)) != 1:
        raise DataJointError(
            f"Update can only be applied to one existing entry. {target.name} has no row {shorten(key)}.",
            table=str(target.name),
            hint="Insert it first.",
        )
    changed = {n: w for n, w in writers.items() if n not in key}
    if not changed:
        return
    with row_objects(target, parallel=False) as objects:
        for name, writer in changed.items():
            writer.check(row[name])
        # What is in stores last, so that nothing is written there if another value is refused.
        order = sorted(changed, key=lambda n: changed[n].writes_objects)
        changes = {n: changed[n].convert(row[n], key) for n in order}
        objects.settle_for_rows()
        _update(target, writers, key, changes)


def _check_names(target: BaseTable, row: Mapping[str, Any]) -> None:
    lacking = [n for n in target.heading.primary_key if row.get(n) is None]
    if lacking:
        raise DataJointError(
            f"The argument of update1 must supply all primary key values. It lacks {', '.join(lacking)}.",
            table=str(target.name),
        )
    for name in row:
        if name not in target.heading:
            raise UnknownAttributeError(
                f"Attribute `{name}` not found.",
                table=str(target.name),
                attribute=str(name),
                hint=did_you_mean(str(name), target.heading.names)
                or f"The attributes of {target.name} are {', '.join(target.heading.names)}.",
            )


def _row_node(target: BaseTable, writers: Mapping[str, ColumnWriter], key: Mapping[str, Any]) -> Node:
    conditions: list[predicates.Predicate] = [
        predicates.Compare(n, writers[n].attribute.value_type, Comparison("bound", "=", v)) for n, v in key.items()
    ]
    return Restrict(target.node, predicates.conjunction(conditions), target.heading) if conditions else target.node


def _update(
    target: BaseTable, writers: Mapping[str, ColumnWriter], key: Mapping[str, Any], changes: Mapping[str, Any]
) -> None:
    assignments = (Sql(Identifier((n,)), " = ", writers[n].assignment(v)) for n, v in changes.items())
    backend = target.connection.backend
    conditions = [
        Sql(Identifier((n,)), " = ", backend.bind(writers[n].attribute.value_type, v)) for n, v in key.items()
    ]
    where = Sql(" WHERE ", Sql.join(" AND ", conditions)) if conditions else Sql()
    statement = Sql("UPDATE ", target.name.identifier, " SET ", Sql.join(", ", assignments), where)
    try:
        repeated(target.connection, lambda: target.connection.execute(statement), f"update of {target.name}")
    except (DuplicateError, IntegrityError) as error:
        values = {**key, **changes}
        raise explained(target, list(values), [[value] for value in values.values()], None, error) from error
