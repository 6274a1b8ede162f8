"""Why an expression has no rows: where on the way the last ones went, and what there is instead."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from datajoint.errors import DataJointError
from datajoint.expression import algebra
from datajoint.expression.compile import compile_condition
from datajoint.expression.nodes import (
    Aggregate,
    Distinct,
    Group,
    Join,
    Limit,
    Node,
    Project,
    Restrict,
    TableNode,
    Union,
)
from datajoint.expression.predicates import (
    All,
    Compare,
    Constant,
    Exists,
    Negation,
    Predicate,
    attribute_names,
    conjunction,
)
from datajoint.naming import MAX_SHOWN
from datajoint.values.compare import Comparison

if TYPE_CHECKING:
    from datajoint.expression.expression import QueryExpression

_SHOWN = 3
"""Values given as examples."""

_SOUGHT = 1000
"""Distinct values among which one that looks like the wanted is sought."""

_ORDERED = frozenset({"int", "float32", "float64", "decimal", "year", "date", "datetime", "timestamp", "time"})


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an expression has the rows that it has; prints as sentences.

    Attributes
    ----------
    rows : int
        How many rows the expression has.
    sentences : tuple of str
        From what there is to what removed the last row.
    """

    rows: int
    sentences: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(self.sentences)

    __repr__ = __str__


def why(expression: QueryExpression) -> Reason:
    """Look for the place at which an expression lost its last row; a few counts are asked of the database.

    Raises
    ------
    DataJointError
        If the database refuses one of the questions.
    """
    rows = len(expression)
    if rows:
        return Reason(rows, (f"It has {_counted(rows)}.",))

    def build(node: Node) -> QueryExpression:
        # A plain expression, whatever class the original has: its operands may be other tables.
        return _plain(expression)._of(node, expression.connection)

    return Reason(0, tuple(_Search(build).of(expression._node)))


def _plain(expression: QueryExpression) -> type[QueryExpression]:
    """Return the class of expressions that stand for no table."""
    return next(cls for cls in type(expression).__mro__ if cls.__name__ == "QueryExpression")


class _Search:
    """Goes down a tree as long as the operand is empty too."""

    def __init__(self, build: Callable[[Node], QueryExpression]) -> None:
        self.build = build

    def count(self, node: Node) -> int:
        return len(self.build(node))

    def of(self, node: Node) -> Iterator[str]:
        match node:
            case TableNode(name=name):
                yield f"{name} has no rows at all."
            case Restrict(source=source, condition=condition):
                yield from self.restriction(source, condition)
            case Join(left=left, right=right, on=on):
                yield from self.join(left, right, on)
            case Aggregate(source=source, group=group, on=on, inner=inner):
                yield from self.join(source, group, on) if inner else self.of(source)
            case Union(left=left, right=right):
                yield "Neither side of the union has a row."
                yield from self.of(left)
                yield from self.of(right)
            case Limit(source=source):
                rows = self.count(source)
                if not rows:
                    yield from self.of(source)
                else:
                    yield f"There are {_counted(rows)}, but the limit and offset leave none of them."
            case Project(source=source) | Group(source=source) | Distinct(source=source):
                yield from self.of(source)

    # --- conditions
    def restriction(self, source: Node, condition: Predicate) -> Iterator[str]:
        conditions = [condition]
        while isinstance(source, Restrict):  # those of one table belong together
            conditions.insert(0, source.condition)
            source = source.source
        rows = self.count(source)
        if not rows:
            yield from self.of(source)
            return
        yield f"{self.named(source)} has {_counted(rows)}."
        items = [item for c in conditions for item in (c.items if isinstance(c, All) else (c,))]
        kept = [self.count(algebra.restrict(source, item)) for item in items]
        nothing = [item for item, count in zip(items, kept, strict=True) if not count]
        for item in nothing:
            yield from self.condition(source, item)
        if not nothing:
            for item, count in zip(items, kept, strict=True):
                yield f"{self.text(source, item)} keeps {count:,} of them."
            yield from self.conflict(source, items)

    def conflict(self, source: Node, items: Sequence[Predicate]) -> Iterator[str]:
        """Tell which condition removes the last of the rows that those before it keep."""
        for end in range(2, len(items) + 1):
            if not self.count(algebra.restrict(source, conjunction(list(items[:end])))):
                together = " and ".join(self.text(source, item) for item in items[:end])
                yield f"{together} keep none together."
                return

    def condition(self, source: Node, item: Predicate) -> Iterator[str]:
        """Say of one condition that it keeps nothing, and what there is."""
        match item:
            case Constant():
                yield "The condition can be true for no row: a value does not fit its attribute, or a list is empty."
            case Exists(names=names, node=node, path=path):
                if self.count(node):
                    way = f" along {path}" if path is not None else ""
                    yield f"None of them has a match in {self.named(node)}{way}."
                    yield from self.disagreement(source, node, names)
                else:
                    yield "The expression that restricts them has no rows:"
                    yield from self.of(node)
            case Negation(item=Exists(node=node)):
                yield f"All of them have a match in {self.named(node)}, and those with a match were to be left out."
            case _:
                yield f"{self.text(source, item)} keeps none of them.{self.instead(source, item)}"

    def instead(self, source: Node, item: Predicate) -> str:
        """Return a sentence about the values of the attribute that the condition is about, if it is about one."""
        names = set(attribute_names(item))
        if len(names) != 1:
            return ""
        (name,) = names
        kind = source.heading[name].value_type.kind
        if kind in _ORDERED:
            quoted = "`" + name.replace("`", "``") + "`"
            named = {"low": f"MIN({quoted})", "high": f"MAX({quoted})"}
            backend = self.build(source).connection.backend
            ends = self.build(algebra.group_by(source, (), named, backend)).fetch1()
            if ends["low"] is None:
                return f" {name} is missing in all."
            return f" {name} goes from {_shown(ends['low'])} to {_shown(ends['high'])}."
        values = self.values(source, name, _SOUGHT)
        wanted = item.comparison.value if isinstance(item, Compare) else None
        near = difflib.get_close_matches(str(wanted), [str(v) for v in values], n=1) if wanted is not None else []
        if near:
            return f" Did you mean {near[0]!r}?"
        return f" {name} is {_listed(values)}." if values else ""

    # --- pairs
    def join(self, left: Node, right: Node, on: Sequence[str]) -> Iterator[str]:
        sides = [(side, self.count(side)) for side in (left, right)]
        empty = [side for side, rows in sides if not rows]
        if empty:
            for side in empty:
                yield from self.of(side)
            return
        told = " and ".join(f"{self.named(side)} ({_counted(rows)})" for side, rows in sides)
        yield f"{told} have rows, but no pair of them agrees on {', '.join(on)}."
        yield from self.disagreement(left, right, on)

    def disagreement(self, left: Node, right: Node, on: Sequence[str]) -> Iterator[str]:
        """Say which of the attributes have no value in common."""
        apart = False
        for name in on:
            predicate = Exists((name,), right)
            if self.count(algebra.restrict(left, predicate)):
                continue
            apart = True
            ours, theirs = self.values(left, name, _SHOWN + 1), self.values(right, name, _SHOWN + 1)
            yield f"{name} is {_listed(ours)} on the left and {_listed(theirs)} on the right: no value in common."
        if not apart and len(on) > 1:
            yield "Each of these attributes has values in common; their combinations have not."

    # --- words
    def values(self, node: Node, name: str, limit: int) -> list[Any]:
        try:
            found = self.build(algebra.distinct(node, (name,))).to_arrays(name, limit=limit)
        except DataJointError:
            return []  # values that cannot be compared, such as documents
        return [value for value in found.tolist() if value is not None]

    def named(self, node: Node) -> str:
        match node:
            case TableNode(name=name):
                return str(name)
            case Restrict(source=source):
                return f"restricted {self.named(source)}"
            case Project(source=source) | Limit(source=source) | Distinct(source=source) | Group(source=source):
                return self.named(source)
            case Join(left=left, right=right):
                return f"{self.named(left)} * {self.named(right)}"
            case Union(left=left, right=right):
                return f"{self.named(left)} + {self.named(right)}"
            case Aggregate(source=source):
                return self.named(source)

    def text(self, source: Node, item: Predicate) -> str:
        match item:
            case Compare(name=name, comparison=Comparison(outcome="bound", operator=operator, value=value)):
                return f"{name} {operator} {_shown(value)}"
            case Exists(node=node):
                return f"a match in {self.named(node)}"
            case Negation(item=Exists(node=node)):
                return f"no match in {self.named(node)}"
        backend = self.build(source).connection.backend
        return _cut(compile_condition(item, source.heading, backend).inlined(backend.dialect))


def _counted(rows: int) -> str:
    return f"{rows:,} row{'' if rows == 1 else 's'}"


def _shown(value: Any) -> str:
    return _cut(repr(value) if isinstance(value, str) else str(value))


def _cut(text: str) -> str:
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"


def _listed(values: Sequence[Any]) -> str:
    shown = ", ".join(_shown(value) for value in values[:_SHOWN])
    return (shown + (", …" if len(values) > _SHOWN else "")) or "missing"
