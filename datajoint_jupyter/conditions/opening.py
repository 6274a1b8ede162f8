"""From what restricts an expression to a tree: the way back from `restriction_of`, for what people write by hand."""

from __future__ import annotations

import datetime
import math
import numbers
import uuid
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

import datajoint as dj
from datajoint.errors import DataJointError
from datajoint.expression import QueryExpression
from datajoint.heading import Attribute, Heading
from datajoint_jupyter.conditions.model import (
    EVERYTHING,
    Compare,
    Condition,
    Exists,
    Group,
    Missing,
    Not,
    OneOf,
    Value,
    Verbatim,
)
from datajoint_jupyter.conditions.page import MAX_ITEMS, read_value, shown_value
from datajoint_jupyter.conditions.reading import read_text
from datajoint_jupyter.display.values import placeholder, text_of
from datajoint_jupyter.protocol import ProtocolError

Names = Callable[[dj.Table], str | None]
"""Tells how Python code names a table; None if it has no name."""

_NOTHING = Not(EVERYTHING)


class _UnsaidError(Exception):
    """No tree says what an object restricts to."""


def condition_of(restriction: Any, expression: QueryExpression, names: Names) -> Condition | None:
    """Return what restricts an expression as a tree.

    Parameters
    ----------
    restriction : object
        Whatever `QueryExpression.restrict` takes.
    expression : QueryExpression
        What it is about.
    names : callable
        Names the tables of `Near`.

    Returns
    -------
    Condition or None
        None for what no tree can say: frames, expressions that no foreign key leads to, `Top`, paths in documents. A
        text that is no simple condition is `Verbatim`, also one that has a mistake in it.
    """
    try:
        return _Opener(expression, names).read(restriction)
    except (_UnsaidError, ProtocolError):
        return None


def taken_apart(expression: QueryExpression) -> tuple[QueryExpression, list[Any]]:
    """Return an expression without its outermost conditions, and these in the order applied.

    Conditions that were changed after they were applied stay where they are.
    """
    conditions: list[Any] = []
    base = expression
    while (made := base.restricted_from) is not None and not isinstance(made[1], dj.Top):
        conditions.insert(0, made[1])
        base = made[0]
    again = base
    try:
        for condition in conditions:
            again &= condition
        same = again.make_sql() == expression.make_sql()
    except DataJointError:
        same = False
    return (base, conditions) if same else (expression, [])


def is_whole(table: dj.Table) -> bool:
    """Tell whether an expression is all of a table, neither restricted nor projected."""
    return table.make_sql() == dj.FreeTable(table.connection, table.full_table_name).make_sql()


class _Opener:
    def __init__(self, expression: QueryExpression, names: Names) -> None:
        self.expression, self.names = expression, names
        self.heading: Heading = expression.heading

    def read(self, restriction: Any) -> Condition:
        # In the order in which the library looks.
        match restriction:
            case dj.Not():
                item = self.read(restriction.restriction)
                return item.item if isinstance(item, Not) else Not(item)
            case str():
                return self._text(restriction)
            case dj.AndList():
                return Group("and", self._members(restriction))
            case dj.Near():
                return self._near(restriction)
            case bool():
                return EVERYTHING if restriction else _NOTHING
            case Mapping():
                return self._mapping(restriction)
            case list() | tuple() | set() | frozenset():
                return self._any_of(list(restriction))
        if isinstance(restriction, type) and issubclass(restriction, QueryExpression):
            restriction = restriction()
        if isinstance(restriction, QueryExpression):
            return self._operand(restriction)
        raise _UnsaidError

    def _text(self, text: str) -> Condition:
        try:
            self.expression & text
        except DataJointError:
            return Verbatim(text)
        return read_text(text, self.heading)

    def _members(self, items: Iterable[Any]) -> tuple[Condition, ...]:
        members = tuple(map(self.read, items))
        if len(members) > MAX_ITEMS:
            raise _UnsaidError
        return members

    def _any_of(self, items: list[Any]) -> Condition:
        if not items:
            return _NOTHING
        members = self._members(items)
        name = members[0].name if isinstance(members[0], Compare) else ""
        values = tuple(m.value for m in members if isinstance(m, Compare) and m.operator == "=" and m.name == name)
        if len(members) > 1 and len(values) == len(members):
            return OneOf(name, values)
        return members[0] if len(members) == 1 else Group("or", members)

    # --- mappings
    def _mapping(self, mapping: Mapping[Any, Any]) -> Condition:
        parts: list[Condition] = []
        for said, value in mapping.items():
            name = str(said)
            if name in self.heading:
                parts.append(self._equality(self.heading[name], value))
            elif "." in name and name.partition(".")[0] in self.heading:
                raise _UnsaidError
        return parts[0] if len(parts) == 1 else Group("and", tuple(parts))

    def _equality(self, attribute: Attribute, value: Any) -> Condition:
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return Missing(attribute.name)
        if placeholder(attribute) is not None:
            raise _UnsaidError
        if isinstance(value, list | tuple | set | frozenset):
            return self._values(attribute, list(value))
        return Compare(attribute.name, "=", _value(attribute, value))

    def _values(self, attribute: Attribute, values: list[Any]) -> Condition:
        if len(values) > MAX_ITEMS:
            raise _UnsaidError
        found = OneOf(attribute.name, tuple(_value(attribute, value) for value in values if value is not None))
        return found if None not in values else Group("or", (found, Missing(attribute.name)))

    # --- other tables
    def _near(self, near: dj.Near) -> Condition:
        if not isinstance(near.other, QueryExpression):
            raise _UnsaidError
        base, conditions = taken_apart(near.other)
        name = self.names(base) if isinstance(base, dj.Table) and is_whole(base) else None
        if name is None:
            raise _UnsaidError
        inner = _Opener(base, self.names)
        members = inner._members(conditions)
        condition = None if not members else members[0] if len(members) == 1 else Group("and", members)
        return Exists(name, condition, tuple(map(str, near.via)))

    def _operand(self, other: QueryExpression) -> Condition:
        """Read an expression that restricts by its common attributes, if a foreign key says the same."""
        near = dj.Near(other)
        try:
            path = (self.expression & near).path
            self.expression & other
        except DataJointError:
            raise _UnsaidError from None
        matched = path.legs[0].matched if path is not None and len(path.legs) == 1 else None
        shared = {(name, name) for name in self.heading.names if name in other.heading}
        if matched is None or set(matched) != shared:
            raise _UnsaidError
        return self._near(near)


def _value(attribute: Attribute, value: Any) -> Value:
    """Return a value of a mapping as a tree holds it."""
    kind = attribute.value_type.kind
    if isinstance(value, datetime.datetime | datetime.time) and value.tzinfo is not None:
        raise _UnsaidError
    if isinstance(value, datetime.date | datetime.time | datetime.timedelta | uuid.UUID | Decimal):
        plain: Value = text_of(value, MAX_ITEMS) or ""
    elif isinstance(value, str):
        plain = str(value)  # a subclass, such as numpy's, would be written otherwise in code
    elif kind == "bool":
        plain = _truth(value)
    else:
        plain = _number(value, whole=kind == "int")
    return read_value(attribute, shown_value(plain))


def _truth(value: Any) -> bool:
    if not isinstance(value, numbers.Number) and type(value).__name__ not in {"bool_", "bool"}:
        raise _UnsaidError
    if value not in (0, 1):
        raise _UnsaidError
    return bool(value)


def _number(value: Any, *, whole: bool) -> int | float:
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise _UnsaidError
    if isinstance(value, numbers.Integral):
        return int(value)
    number = float(value)
    if not math.isfinite(number):
        raise _UnsaidError
    return int(number) if whole and number.is_integer() else number
