"""Statements that fetch rows, compiled once for each shape of a question.

Pipelines ask the same tables again and again for rows by key: only the values differ. Compiling took half of the time
of fetching one row from an embedded file, so the rendered text of a restricted table is kept with the table's heading,
and lives as long as it does.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from datajoint.backends.base import Backend, Converter
from datajoint.expression import predicates as p
from datajoint.expression.compile import compile_select
from datajoint.expression.nodes import Limit, Node, OrderItem, Restrict, TableNode
from datajoint.sql.fragment import Parameter, Sql, Statement
from datajoint.values.compare import Comparison


def select(node: Node, backend: Backend, names: Sequence[str], order: Sequence[OrderItem] | None = None) -> Statement:
    """Return the SELECT for the attributes `names`, rendered; parameters as of `compile_select`."""
    shape = _shape(node)
    if shape is None:
        return compile_select(node, backend, names, order).render(backend.dialect)
    key = ("select", backend, tuple(names), None if order is None else tuple(order), shape.table.name, shape.key)
    plan = shape.table.heading.derived(key, lambda: _plan(node, backend, names, order, shape.comparisons))
    return plan.bind(shape.comparisons)


class _Shape(NamedTuple):
    """A restricted table: everything that decides the text of its SELECT, and the comparisons that only give values."""

    table: TableNode
    key: Hashable
    comparisons: list[p.Compare]


def _shape(node: Node) -> _Shape | None:
    """Take apart an expression that only compares a table's attributes with values; None for others."""
    key: list[Hashable] = []
    if type(node) is Limit:
        if any(item.computed is not None for item in node.order):
            return None  # what an order computes may hold values too
        key.append((node.order, node.limit, node.offset))
        node = node.source
    comparisons: list[p.Compare] = []
    while type(node) is Restrict:
        condition = node.condition
        for item in condition.items if type(condition) is p.All else (condition,):
            if type(item) is not p.Compare or item.comparison.outcome != "bound":
                return None
            if item.value_type.kind == "bool":  # decides the text: a column is asked whether it is zero
                key.append((item.name, item.comparison.operator, item.comparison.value))
                continue
            key.append((item.name, item.comparison.operator))
            comparisons.append(item)
        node = node.source
    return _Shape(node, tuple(key), comparisons) if type(node) is TableNode else None


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the value of a comparison goes, and what makes the driver's form of it."""

    position: int
    comparison: int
    encode: Converter | None


@dataclass(frozen=True, slots=True)
class _Plan:
    text: str
    values: tuple[Any, ...]
    places: tuple[_Place, ...]

    def bind(self, comparisons: Sequence[p.Compare]) -> Statement:
        values = list(self.values)
        for place in self.places:
            value = comparisons[place.comparison].comparison.value
            values[place.position] = place.encode(value) if place.encode else value
        return Statement(self.text, values)


def _plan(
    node: Node,
    backend: Backend,
    names: Sequence[str],
    order: Sequence[OrderItem] | None,
    comparisons: Sequence[p.Compare],
) -> _Plan:
    bound: list[tuple[Comparison, Sql]] = []
    sql = compile_select(node, backend, names, order, bound)
    statement = sql.render(backend.dialect)
    indexes = {id(item.comparison): n for n, item in enumerate(comparisons)}
    # The parameters of a statement are the very objects that were made for the comparisons.
    origins = {
        id(part): indexes[id(comparison)]
        for comparison, value in bound
        for part in value.parts
        if isinstance(part, Parameter)
    }
    parameters = [part for part in sql.parts if isinstance(part, Parameter)]
    places = tuple(
        _Place(position, origins[id(part)], backend.encoder(comparisons[origins[id(part)]].value_type))
        for position, part in enumerate(parameters)
        if id(part) in origins
    )
    assert len(places) == len(comparisons)
    return _Plan(statement.text, tuple(statement.values), places)
