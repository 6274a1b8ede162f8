"""What a browser shows: an expression, its filters and order, and how it came about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import datajoint as dj
from datajoint.expression import QueryExpression
from datajoint_jupyter.display.table import Column
from datajoint_jupyter.widgets.browser.columns import columns_of
from datajoint_jupyter.widgets.browser.filters import Filter
from datajoint_jupyter.widgets.browser.messages import SortItem
from datajoint_jupyter.widgets.browser.related import grouped


@dataclass(frozen=True, slots=True)
class Step:
    """One stage of a way through tables; what a click changes is a new one.

    Attributes
    ----------
    expression : QueryExpression
        Without the filters.
    code : str
        Python text for it.
    title : str
    columns : tuple of Column
        All that it has.
    filters : tuple of Filter
    sort : tuple of SortItem
    hidden : frozenset of str
        Columns that are not shown.
    """

    expression: QueryExpression
    code: str
    title: str
    columns: tuple[Column, ...]
    filters: tuple[Filter, ...] = ()
    sort: tuple[SortItem, ...] = ()
    hidden: frozenset[str] = frozenset()

    @classmethod
    def of(cls, expression: QueryExpression, code: str, title: str) -> Step:
        """Return the first view of an expression."""
        return cls(expression, code, title, columns_of(expression))

    @property
    def shown(self) -> tuple[Column, ...]:
        """The columns that are shown."""
        return tuple(column for column in self.columns if column.name not in self.hidden)

    @property
    def filtered(self) -> QueryExpression:
        """The expression with its filters."""
        rows: QueryExpression = self.expression
        for each in self.filters:
            rows = rows & each.restriction
        return rows

    @property
    def order_by(self) -> list[str]:
        """The order as `dj.Top` takes it; empty for the expression's own."""
        return [f"{item.name} DESC" if item.descending else item.name for item in self.sort]

    @property
    def query(self) -> QueryExpression:
        """The expression as filtered and ordered."""
        order = self.order_by
        return self.filtered & dj.Top(None, order) if order else self.filtered

    @property
    def filtered_code(self) -> str:
        """Python text for `filtered`."""
        return " & ".join([grouped(self.code) if self.filters else self.code, *(each.code for each in self.filters)])

    @property
    def query_code(self) -> str:
        """Python text for `query`."""
        if not self.sort:
            return self.filtered_code
        base = self.filtered_code if self.filters else grouped(self.code)
        return f"{base} & dj.Top(None, {self.order_by!r})"


def keys_code(code: str, keys: Sequence[dict[str, Any]]) -> str:
    """Return Python text for an expression restricted to rows by their keys.

    Numbers and texts stand as they are, other values as texts that compare with them.
    """
    return f"{grouped(code)} & {[{name: _literal(value) for name, value in key.items()} for key in keys]!r}"


def _literal(value: Any) -> Any:
    return value if isinstance(value, bool | int | float | str) else str(value)


def sort_item(text: str) -> SortItem:
    """Read an item of an order such as ``"session_date DESC"``."""
    name, _, direction = text.strip().rpartition(" ")
    if name and direction.upper() in {"ASC", "DESC"}:
        return SortItem(name.strip(), direction.upper() == "DESC")
    return SortItem(text.strip())
