"""Insert the rows of a query, which never leave the database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from datajoint.backends.base import Duplicates
from datajoint.declare.hidden import PROV_ATTRIBUTE
from datajoint.errors import DataJointError, UnknownAttributeError
from datajoint.events import RowsInserted
from datajoint.expression.compile import compile_raw
from datajoint.expression.nodes import Node
from datajoint.expression.operand import Operand
from datajoint.sql.fragment import Identifier, Sql
from datajoint.table.base_table import BaseTable
from datajoint.table.rows import Batch
from datajoint.table.writing import atomically, head, insert_batch, replace_rows, tail


def insert_query(target: BaseTable, query: Operand, duplicates: Duplicates, *, ignore_extra_fields: bool) -> None:
    """Insert the rows of `query` by one statement.

    Where the types of an attribute differ, the statement converts values as an insert from Python would.

    Raises
    ------
    DataJointError
        If the query belongs to another connection, or has attributes that the table lacks.
    """
    node = query._node
    names = _names(target, query, ignore_extra_fields=ignore_extra_fields)
    connection, backend = target.connection, target.connection.backend
    clauses = backend.duplicate_clauses("skip" if duplicates == "skip" else "error", target.name, names, (), target.key)
    chosen = _converted(target, node, names, compile_raw(node, backend, names))
    if clauses.suffix:
        # Without a WHERE of its own, SQLite would take ON for the condition of a join.
        chosen = Sql("SELECT ", _columns(names), " FROM (", chosen, ") AS ", Identifier(("q",)), " WHERE 1 = 1")
    typed = [(n, target.heading._attributes[n].value_type) for n in names]
    statement = Sql(*head(target, clauses.verb, typed), " ", chosen, *tail(clauses.suffix))
    count = 0

    def send() -> None:
        nonlocal count
        if duplicates == "replace" and set(target.key) <= set(names):
            replace_rows(target, Sql("SELECT ", _columns(target.key), " FROM (", chosen, ") AS ", Identifier(("q",))))
        count = connection.execute(statement).rowcount
        for name in names:
            attribute = target.heading._attributes[name]
            if attribute.autoincrement and (advance := backend.advance_sequence(target.name, name)):
                connection.execute(advance)

    if duplicates == "replace" and target.name.identifier in chosen.parts:
        _replace_in_itself(target, query, names)
        return
    atomically(connection, send, single=duplicates != "replace")
    connection.events.emit(RowsInserted(table=target.full_name, count=count))


def _names(target: BaseTable, query: Operand, *, ignore_extra_fields: bool) -> list[str]:
    heading = query._node.heading
    if query.connection is not target.connection:
        raise DataJointError(
            f"The query to insert into {target.name} belongs to another connection.",
            hint="Fetch its rows and insert those: insert(query.to_dicts()).",
        )
    extra = [n for n in heading.names if n not in target.heading]
    if extra and not ignore_extra_fields:
        raise UnknownAttributeError(
            f"Attribute {extra[0]} not found in {target.name}. "
            "To ignore extra attributes in insert, set ignore_extra_fields=True.",
            table=str(target.name),
            attribute=extra[0],
        )
    names = [n for n in heading.names if n in target.heading]
    if not names:
        raise DataJointError(f"The query has no attribute of {target.name}; its attributes are {', '.join(extra)}.")
    # Where rows came from goes along with them.
    return [*names, *({PROV_ATTRIBUTE} & heading._attributes.keys() & target.heading._attributes.keys())]


def _converted(target: BaseTable, node: Node, names: Sequence[str], chosen: Sql) -> Sql:
    """Wrap the query so that each column arrives in its new type, where the types differ."""
    backend, inner = target.connection.backend, Identifier(("c",))
    columns = []
    for name in names:
        source, wanted = node.heading._attributes[name].value_type, target.heading._attributes[name].value_type
        column = Sql(inner, ".", Identifier((name,)))
        columns.append(column if source == wanted else backend.converted(source, wanted, column))
    if all(c == Sql(inner, ".", Identifier((n,))) for c, n in zip(columns, names, strict=True)):
        return chosen
    listed = Sql.join(", ", (Sql(c, " AS ", Identifier((n,))) for c, n in zip(columns, names, strict=True)))
    return Sql("SELECT ", listed, " FROM (", chosen, ") AS ", inner)


def _replace_in_itself(target: BaseTable, query: Any, names: Sequence[str]) -> None:
    """Replace rows of the table by rows computed of them: these must be read before those are deleted."""
    rows = query.to_dicts()
    ordered = tuple(n for n in target.heading.names if n in names)
    insert_batch(target, Batch(ordered, tuple([row[n] for row in rows] for n in ordered), len(rows)), "replace")


def _columns(names: Sequence[str]) -> Sql:
    return Sql.join(", ", (Identifier((n,)) for n in names))
