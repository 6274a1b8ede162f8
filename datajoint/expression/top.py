"""What may stand after ``&`` besides conditions: `Top`, `Not`, `AndList`."""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

UNLIMITED = 999999999999


@dataclass
class Top:
    """Restrict an expression to the first rows of an order: ``Session & dj.Top(5, "session_date DESC")``.

    Parameters
    ----------
    limit : int or None
        At most so many rows; None for all.
    order_by : str, sequence of str, or None
        ``"KEY"`` stands for all key attributes; ``"a DESC, b"`` and ``["a DESC", "b"]`` are alike. None inherits
        the order of an earlier `Top`, else means ``"KEY"``.
    offset : int
        Rows to skip first.

    Raises
    ------
    TypeError
        For a limit or offset that is no integer, or an order that is not text.
    ValueError
        For a negative limit or offset.
    """

    limit: int | None = 1
    order_by: str | Sequence[str] | None = "KEY"
    offset: int = 0

    def __post_init__(self) -> None:
        self.order_by = _order(self.order_by)
        self.limit = _integer(self.limit, "Top limit must be an integer")
        self.offset = _integer(self.offset, "The offset argument must be an integer") or 0
        if self.offset < 0 or (self.limit or 0) < 0:
            raise ValueError("Top limit and offset must not be negative")
        if self.offset and self.limit is None:
            self.limit = UNLIMITED

    def merge(self, other: Top) -> Top:
        """Return one `Top` that selects what `other`, in the same order, selects from the rows of this one."""
        own = None if self.limit is None else max(0, self.limit - other.offset)
        limits = [limit for limit in (own, other.limit) if limit is not None]
        return Top(min(limits, default=None), self.order_by, self.offset + other.offset)


def _integer(value: Any, message: str) -> int | None:
    if value is not None and not isinstance(value, numbers.Integral):
        raise TypeError(message)
    return None if value is None else int(value)


def _order(order_by: Any) -> list[str] | None:
    if order_by is None:
        return None
    items = [order_by] if isinstance(order_by, str) or not isinstance(order_by, Iterable) else list(order_by)
    if not all(isinstance(item, str) for item in items):
        raise TypeError("Top order_by attributes must all be strings")
    return items


class Not:
    """The negation of a condition: ``A & dj.Not(c)`` is ``A - c``."""

    def __init__(self, restriction: Any) -> None:
        self.restriction = restriction


class AndList(list[Any]):
    """Conditions that must all hold; a plain list means at least one."""

    def __init__(self, items: Iterable[Any] = ()) -> None:
        super().__init__(items)

    def append(self, item: Any) -> None:
        """Add a condition; the members of another `AndList` are added one by one."""
        if isinstance(item, AndList):
            self.extend(item)
        else:
            super().append(item)
