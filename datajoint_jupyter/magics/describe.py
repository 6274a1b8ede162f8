"""``%dj describe``: what a table is: its definition, its attributes, its place among others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import datajoint as dj
from datajoint.expression import QueryExpression
from datajoint_jupyter.display.code import static_code
from datajoint_jupyter.display.facts import static_facts
from datajoint_jupyter.display.listing import static_listing, together
from datajoint_jupyter.display.table import Column
from datajoint_jupyter.display.twin import Static
from datajoint_jupyter.magics.arguments import connection_option, rest
from datajoint_jupyter.magics.command import Command, Context
from datajoint_jupyter.magics.evaluate import evaluate_query
from datajoint_jupyter.magics.show import show_static
from datajoint_jupyter.magics.tables import class_path
from datajoint_jupyter.widgets.browser.columns import columns_of

_COLUMNS = (Column("attribute"), Column("type"), Column("default"), Column("comes from"), Column("comment"))


@dataclass(frozen=True, slots=True)
class DescribeArguments:
    """The line of ``%dj describe``."""

    expression: str = rest("TABLE or EXPRESSION", "what to describe")
    conn: str | None = connection_option()


def describe(context: Context, arguments: DescribeArguments) -> None:
    """Show the definition of a table, or the heading of an expression."""
    found = evaluate_query(arguments.expression, context.on(arguments.conn).workspace, name="%dj describe")
    parts = [_attributes(found.value, found.source)]
    if isinstance(found.value, dj.Table):
        parts.append(static_code(found.value.describe(context.workspace.namespace).strip(), "Definition"))
        parts.append(_neighbours(found.value))
    show_static(together(parts))


def _attributes(expression: QueryExpression, title: str) -> Static:
    attributes = expression.heading.attributes
    rows: list[list[str | None]] = [
        [
            f"*{column.name}" if column.in_key else column.name,
            column.type,
            _default(attributes[column.name], nullable=column.nullable),
            column.lineage if column.foreign else "",
            column.comment,
        ]
        for column in columns_of(expression)
    ]
    return static_listing(title, _COLUMNS, rows, "It has no attributes.")


def _default(attribute: object, *, nullable: bool) -> str:
    default = getattr(attribute, "default", None)
    return "null" if nullable and default in (None, "NULL", "null") else "" if default is None else str(default)


def _neighbours(table: dj.Table) -> Static:
    facts = {
        "Rows": f"{len(table):,}",
        "Parents": _paths(table.parents(as_objects=True)),
        "Children": _paths(table.children(as_objects=True)),
        "Parts": _paths(table.parts(as_objects=True)),
    }
    return static_facts("In the pipeline", {name: value or "none" for name, value in facts.items()})


def _paths(tables: Sequence[dj.Table]) -> str:
    return ", ".join(f"{table.database}.{class_path(table.table_name)}" for table in tables)


COMMAND = Command(
    "describe",
    "the definition of a table and its place among others",
    DescribeArguments,
    describe,
    completes="expressions",
    examples=("%dj describe Session", "%dj describe Session * Subject"),
)
