"""Pages of an expression: which rows, in which order, as texts.

A page is an expression like any other, an order and a limit applied to the user's. Blobs, documents and coded
attributes are projected out before anything is selected.
"""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Sequence
from typing import Any

import datajoint as dj
from datajoint.expression import QueryExpression
from datajoint_jupyter.display.table import Column
from datajoint_jupyter.display.values import MAX_TEXT, text_of
from datajoint_jupyter.widgets.browser.messages import SortItem

TextRow = list[str | None]

COUNTED = 1_000_000
"""Rows counted without being asked for an exact number."""

_PAGE_CHARACTERS = 1_000_000
_SHORTEST = 20
_ANCHORS = 4096


class RowSource:
    """Reads pages of one expression; used by one thread at a time.

    Parameters
    ----------
    expression : QueryExpression
    columns : sequence of Column
        As made from its heading.
    """

    def __init__(self, expression: QueryExpression, columns: Sequence[Column]) -> None:
        self.expression, self.columns = expression, tuple(columns)
        self._read = [column.name for column in columns if column.placeholder is None]
        self._key = list(expression.primary_key)
        # A hidden key attribute or one that needs a codec can't serve to continue from.
        self._keyed = bool(self._key) and set(self._key) <= set(self._read) and in_key_order(expression)
        self._anchors: dict[int, tuple[Any, ...]] = {}

    def page(self, sort: Sequence[SortItem], offset: int, limit: int) -> list[TextRow]:
        """Return up to `limit` rows from the one numbered `offset`, each value as text, None for missing ones."""
        source, skip = self._start(offset) if not sort else (self.expression, offset)
        expression = source & dj.Top(limit, order_by(sort, self._key), skip)
        rows = expression.proj(*self._read).to_dicts()
        if not sort and self._keyed and len(rows) == limit:
            self._remember(offset + limit, rows[-1])
        longest = max(_SHORTEST, min(MAX_TEXT, _PAGE_CHARACTERS // max(1, limit * len(self._read))))
        return [
            [text_of(row[column.name], longest) if column.placeholder is None else None for column in self.columns]
            for row in rows
        ]

    def count(self, at_most: int | None = None) -> int:
        """Return the number of rows, counting no further than `at_most`."""
        if at_most is None:
            return len(self.expression)
        return len(self.expression & dj.Top(at_most, []))

    # --- paging by key
    def _start(self, offset: int) -> tuple[QueryExpression, int]:
        """Return where to begin: behind the last key known before `offset`, or at the first row.

        Skipping rows costs the database a walk over all of them; a condition on the key leads straight there.
        """
        start = max((known for known in self._anchors if known <= offset), default=0)
        if not start:
            return self.expression, offset
        condition = behind(self._key, self._anchors[start])
        return self.expression & condition, offset - start

    def _remember(self, offset: int, row: dict[str, Any]) -> None:
        values = tuple(row[name] for name in self._key)
        if all(_spelled_safely(value) for value in values):
            if len(self._anchors) >= _ANCHORS:
                self._anchors.pop(next(iter(self._anchors)))
            self._anchors[offset] = values


def order_by(sort: Sequence[SortItem], key: Sequence[str]) -> list[str] | None:
    """Return the order of a page: as asked, then by key, so that equal rows keep their places.

    Without a wish it is the expression's own: its `Top`, else the key.
    """
    if not sort:
        return None
    items = [f"{item.name} DESC" if item.descending else item.name for item in sort]
    named = {item.name for item in sort}
    return items + [name for name in key if name not in named]


def in_key_order(expression: QueryExpression) -> bool:
    """Tell whether rows are those of a table, perhaps restricted, in key order, so that a key tells where one is.

    A `Top` is recognised by its SQL; to take another expression for one only costs speed.
    """
    if not isinstance(expression, dj.Table):
        return False
    sql = expression.make_sql()
    return "LIMIT" not in sql.upper() and sql == (expression & dj.Top(None, "KEY")).make_sql()


def _spelled_safely(value: Any) -> bool:
    """Tell whether a value's text can be nothing but itself: no quote, no backslash, no rounding."""
    return isinstance(value, int | datetime.date | uuid.UUID)


def behind(names: Sequence[str], values: Sequence[Any]) -> str:
    """Return the condition for keys after `values`.

    The first attribute is compared by itself too: an index is used for that, not for the alternatives.

    Examples
    --------
    >>> behind(["a", "b"], [1, 2])
    '`a` >= 1 AND (`a` > 1 OR (`a` = 1 AND `b` > 2))'
    """
    spelled = [str(int(v)) if isinstance(v, int) else f"'{v}'" for v in values]
    condition = f"`{names[-1]}` > {spelled[-1]}"
    for name, value in zip(reversed(names[:-1]), reversed(spelled[:-1]), strict=True):
        condition = f"`{name}` > {value} OR (`{name}` = {value} AND {condition})"
    return condition if len(names) == 1 else f"`{names[0]}` >= {spelled[0]} AND ({condition})"
