"""How the attributes of an expression become columns."""

from __future__ import annotations

from typing import Any

from datajoint.expression import QueryExpression
from datajoint.heading import Attribute
from datajoint_jupyter.display.table import Column
from datajoint_jupyter.display.values import kind_of, placeholder

_LABELS = 200  # of an enum, that are offered; others can be written


def columns_of(expression: QueryExpression) -> tuple[Column, ...]:
    """Return the columns of an expression in heading order."""
    own = table_name(expression)
    return tuple(_column(attribute, own) for attribute in expression.heading.attributes.values())


def table_name(expression: QueryExpression) -> str:
    """Return ``schema.table`` of an expression over one table; an empty string for others."""
    schema, table = getattr(expression, "database", None), getattr(expression, "table_name", None)
    return f"{schema}.{table}" if schema and table else ""


def _column(attribute: Attribute, own: str) -> Column:
    lineage = attribute.lineage or ""
    # In a table, an attribute that was first declared elsewhere came with a foreign key.
    foreign = bool(own and lineage and lineage != f"{own}.{attribute.name}")
    return Column(
        name=attribute.name,
        type=attribute.declared_type,
        comment=attribute.comment,
        kind=kind_of(attribute),
        in_key=attribute.in_key,
        foreign=foreign,
        nullable=attribute.nullable,
        lineage=lineage if foreign else "",
        placeholder=placeholder(attribute),
        family=attribute.value_type.kind,
        labels=tuple(attribute.value_type.labels or ()),
    )


def column_state(column: Column) -> dict[str, Any]:
    """Return what the page needs to know of a column."""
    return {
        "name": column.name,
        "type": column.type,
        "kind": column.kind,
        "key": column.in_key,
        "foreign": column.foreign,
        "hint": column.hint,
        "placeholder": column.placeholder,
        "sortable": column.placeholder is None,
        "family": column.family,
        "labels": list(column.labels[:_LABELS]),
        "nullable": column.nullable,
    }
