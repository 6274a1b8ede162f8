"""Where a page begins, told by the row before it instead of by the number of rows to skip.

Skipping rows costs the database a walk over all of them; a condition on the order's attributes leads straight there.
"""

from __future__ import annotations

import datetime
import decimal
import math
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from datajoint.heading import Attribute
from datajoint_jupyter.widgets.browser.messages import SortItem

_LONGEST = 200
# Equality with a rounded float finds nothing; enums are ordered by their labels' places and compared as texts.
_NOT_COMPARED = {"float32", "enum", "time"}


@dataclass(frozen=True, slots=True)
class OrderItem:
    """One attribute of a complete order."""

    name: str
    descending: bool = False
    nullable: bool = False

    @property
    def reversed(self) -> OrderItem:
        """The same attribute in the other direction."""
        return OrderItem(self.name, not self.descending, self.nullable)

    def __str__(self) -> str:
        return f"{self.name} DESC" if self.descending else self.name


def complete_order(
    sort: Sequence[SortItem], key: Sequence[str], attributes: Mapping[str, Attribute]
) -> tuple[OrderItem, ...]:
    """Return the order of rows: as asked, then by key, so that equal rows keep their places.

    The key runs in the direction of what is before it: that is how an index has it.
    """
    named = {item.name for item in sort}
    asked = [OrderItem(item.name, item.descending, attributes[item.name].nullable) for item in sort]
    down = bool(asked) and asked[-1].descending
    return (*asked, *(OrderItem(name, down) for name in key if name not in named))


def can_continue(order: Sequence[OrderItem], attributes: Mapping[str, Attribute]) -> bool:
    """Tell whether the attributes of an order compare with their values as they are ordered."""
    return all(attributes[item.name].value_type.kind not in _NOT_COMPARED for item in order)


def spelled(value: Any) -> str | None:
    """Return a value in SQL text if that can be nothing but the value; None if it could be.

    No quote, no backslash, no rounding, no end of text that an engine might not see.

    Examples
    --------
    >>> spelled(3), spelled("it's"), spelled(datetime.date(2024, 1, 2))
    ('3', None, "'2024-01-02'")
    """
    if isinstance(value, bool | int):
        return str(int(value))
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else None
    if isinstance(value, decimal.Decimal):
        return f"{value:f}" if value.is_finite() else None
    if isinstance(value, datetime.datetime):
        return f"'{value.isoformat(sep=' ')}'" if value.tzinfo is None else None
    if isinstance(value, datetime.date | uuid.UUID):
        return f"'{value}'"
    if isinstance(value, str) and len(value) <= _LONGEST and value.isprintable() and not set(value) & {"'", '"', "\\"}:
        return f"'{value}'" if value == value.rstrip() else None
    return None


def behind(order: Sequence[OrderItem], values: Sequence[Any]) -> str | None:
    """Return the condition for rows that follow the one with `values`, or None if it cannot be told safely.

    Missing values come first, and last in descending order. The first attribute is compared by itself too: an index is
    used for that, not for the alternatives.

    Examples
    --------
    >>> behind([OrderItem("a"), OrderItem("b")], [1, 2])
    '`a` >= 1 AND (`a` > 1 OR (`a` = 1 AND `b` > 2))'
    """
    condition: str | None = None
    for item, value in zip(reversed(order), reversed(values), strict=True):
        condition = _after(item, value, condition)
        if condition is None:
            return None
    first, text = order[0], spelled(values[0]) if values[0] is not None else None
    if len(order) > 1 and text is not None and not (first.nullable and first.descending):
        return f"`{first.name}` {'<=' if first.descending else '>='} {text} AND ({condition})"
    return condition


def _after(item: OrderItem, value: Any, rest: str | None) -> str | None:
    """Return the condition for what follows `value` in one attribute, or equals it and fulfils `rest`."""
    name = f"`{item.name}`"
    if value is None:
        tied = f"({name} IS NULL AND {_grouped(rest)})" if rest else None
        if item.descending:  # nothing comes after missing values but more of them
            return tied or f"{name} IS NULL AND {name} IS NOT NULL"
        return f"{name} IS NOT NULL OR {tied}" if tied else f"{name} IS NOT NULL"
    text = spelled(value)
    if text is None:
        return None
    condition = f"{name} {'<' if item.descending else '>'} {text}"
    if item.descending and item.nullable:
        condition += f" OR {name} IS NULL"
    return f"{condition} OR ({name} = {text} AND {_grouped(rest)})" if rest else condition


def _grouped(condition: str) -> str:
    return f"({condition})" if " OR " in condition else condition
