"""Pages of an expression: which rows, in which order, as texts.

A page is an expression like any other, an order and a limit applied to the user's. Blobs, documents and coded
attributes are projected out before anything is selected.
"""

from __future__ import annotations

import bisect
import hashlib
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import datajoint as dj
from datajoint.expression import QueryExpression
from datajoint_jupyter.display.table import Column
from datajoint_jupyter.display.values import MAX_TEXT, text_of
from datajoint_jupyter.widgets.browser.keyset import OrderItem, behind, can_continue, complete_order, spelled
from datajoint_jupyter.widgets.browser.messages import SortItem

TextRow = list[str | None]
Key = dict[str, Any]

COUNTED = 1_000_000
"""Rows counted without being asked for an exact number."""

_PAGE_CHARACTERS = 1_000_000
_SHORTEST = 20
_ANCHORS = 4096
_KEYS = 20_000
_NEAR = 200  # rows skipped rather than read from the other side
_FAR = 5_000  # rows skipped rather than walked over in an index first
_AHEAD = 100  # rows read at once to learn their keys
_AROUND = 200  # rows in which the value at a far place is looked for

STRETCH = 10_000
"""Rows walked over at once to learn places among them."""


@dataclass(frozen=True, slots=True)
class Page:
    """Rows as texts; `ids` name them across orders and filters, empty texts where rows have no key."""

    rows: list[TextRow]
    ids: list[str]


class RowSource:
    """Reads pages of one expression in one order, for one thread at a time.

    Parameters
    ----------
    expression : QueryExpression
    columns : sequence of Column
        Those shown, as made from its heading.
    sort : sequence of SortItem, optional
        The expression's own order if left out: its `Top`, else the key.
    """

    def __init__(self, expression: QueryExpression, columns: Sequence[Column], sort: Sequence[SortItem] = ()) -> None:
        self.expression, self.columns, self.sort = expression, tuple(columns), tuple(sort)
        attributes = expression.heading.attributes
        shown = [column.name for column in columns if column.placeholder is None]
        key = list(expression.primary_key)
        # A hidden key attribute or one that needs a codec can neither name a row nor serve to continue from.
        self.key = key if key and all(name in attributes and not _is_coded(attributes[name]) for name in key) else []
        self._order = complete_order(sort, key, attributes) if sort else tuple(OrderItem(name) for name in key)
        self._read = list(
            dict.fromkeys([*self.key, *(item.name for item in self._order if item.name in attributes), *shown])
        )
        self._keyed = (
            bool(self.key)
            and (_is_unlimited(expression) if sort else in_key_order(expression))
            and can_continue(self._order, attributes)
        )
        self._lock = threading.RLock()
        self._anchors: dict[int, tuple[Any, ...]] = {}
        # What `learn` found: conditions for the rows from a place on, and for those before one in turned order.
        self._starts: dict[int, str] = {0: ""}
        self._ends: dict[int, str] = {}
        self._keys: dict[str, Key] = {}
        self._places: dict[int, str] = {}

    def page(self, offset: int, limit: int, total: int | None = None) -> Page:
        """Return up to `limit` rows from the one numbered `offset`.

        Parameters
        ----------
        offset, limit : int
        total : int, optional
            How many rows there are, if that is known: a place near the end is then found from there.
        """
        with self._lock:
            return self._page(offset, limit, total)

    def _page(self, offset: int, limit: int, total: int | None) -> Page:
        if max(len(self._keys), len(self._places)) >= _KEYS:
            self._keys.clear()
            self._places.clear()
        rows = self._backward(offset, limit, total) if self._keyed else None
        if rows is None:
            rows = self._forward(offset, limit)
        if self._keyed and rows:
            self._remember(offset, rows[0], before=True)
            self._remember(offset + len(rows), rows[-1])
        longest = max(_SHORTEST, min(MAX_TEXT, _PAGE_CHARACTERS // max(1, limit * len(self._read))))
        texts = [
            [text_of(row[column.name], longest) if column.placeholder is None else None for column in self.columns]
            for row in rows
        ]
        return Page(texts, [self._named(offset + index, row) for index, row in enumerate(rows)])

    def count(self, at_most: int | None = None) -> int:
        """Return the number of rows, counting no further than `at_most`."""
        if at_most is None:
            return len(self.expression)
        return len(self.expression & dj.Top(at_most, []))

    def prepare(self) -> None:
        """Do what the next page needs besides its statement, such as loading the reader of conditions."""
        with self._lock:
            last = list(self._anchors.values())[-1:]
        for values in last:
            if condition := behind(self._order, values):
                (self.expression & condition).make_sql()

    def learn(self) -> int | None:
        """Walk over some more rows, in indexes alone, and keep where they end; a far page is then a short way from there.

        Returns
        -------
        int or None
            How many rows have been walked over; None if that is all that there is, or all that can be known.
        """
        with self._lock:
            if not self._keyed:
                return None
            at = max(self._starts)
            source = self.expression & self._starts[at] if at else self.expression
            if self.sort and (found := self._value_around(source, self._order, STRETCH)):
                condition, ties = found
                at += STRETCH - ties
                self._starts[at] = condition
                return at
            named = [str(item) for item in self._order]
            last = (source & dj.Top(1, named, STRETCH - 1)).proj(*[item.name for item in self._order]).to_dicts()
            values = [last[0][item.name] for item in self._order] if last else []
            after = behind(self._order, values) if last else None
            before = behind([item.reversed for item in self._order], values) if last else None
            if after is None or before is None:
                return None
            at += STRETCH
            self._starts[at], self._ends[at - 1] = after, before
            return at

    # --- which row is where
    def keys_at(self, places: Sequence[int]) -> list[Key]:
        """Return the keys of rows by their numbers; those whose page was long ago are read again.

        Raises
        ------
        DataJointError
            If there is no such row, or rows have no key.
        """
        if not self.key:
            raise dj.DataJointError("These rows have no key.", hint="Browse a table, or an expression that keeps one.")
        found = []
        with self._lock:
            for place in places:
                if place not in self._places:
                    self._page(place, 1 if len(places) == 1 else _AHEAD, None)
                if place not in self._places:
                    raise dj.DataJointError(f"There is no row {place + 1:,} any more.", hint="Refresh the rows.")
                found.append(self._keys[self._places[place]])
        return found

    def _named(self, place: int, row: Mapping[str, Any]) -> str:
        if not self.key:
            return ""
        key = {name: row[name] for name in self.key}
        identifier = row_id(key)
        self._keys[identifier] = key
        self._places[place] = identifier
        return identifier

    # --- paging by key
    def _forward(self, offset: int, limit: int) -> list[dict[str, Any]]:
        """Read from the nearest known place before `offset`, or from the first row."""
        start, condition = self._start(offset)
        source: QueryExpression = self.expression & condition if condition else self.expression
        return self._walk(source, self._order, offset - start, limit)

    def _backward(self, offset: int, limit: int, total: int | None) -> list[dict[str, Any]] | None:
        """Read towards the first row from a known place behind the page, or from the last; None if that is longer."""
        end, condition = self._end(offset + limit)
        # Whoever scrolls upwards goes on from the row that is in view, wherever it has moved to meanwhile.
        adjoining = offset > 0 and -(offset + limit) in self._anchors and offset not in self._anchors
        source: QueryExpression = self.expression
        if total is not None and total > offset and (end is None or total <= end):
            end, limit = total, min(limit, total - offset)
        elif condition:
            source = source & condition
        ahead = offset - self._start(offset)[0]
        if end is None or (ahead <= max(_NEAR, end - offset - limit) and not adjoining):
            return None
        rows = self._walk(source, [item.reversed for item in self._order], end - offset - limit, limit)
        return rows[::-1] if len(rows) == limit else None

    def _start(self, offset: int) -> tuple[int, str]:
        """Return the nearest known place up to `offset`, and the condition for the rows from there on."""
        near = max((known for known in self._anchors if 0 < known <= offset), default=0)
        learned = list(self._starts)
        further = learned[bisect.bisect_right(learned, offset) - 1]
        if further > near:  # where both are the same, pages that follow each other go on from row to row
            return further, self._starts[further]
        condition = behind(self._order, self._anchors[near]) if near else None
        return (near, condition) if condition else (0, "")

    def _end(self, offset: int) -> tuple[int | None, str]:
        """Return the nearest known place from `offset` on, and the condition for the rows before it."""
        near = min((-known for known in self._anchors if -known >= offset), default=None)
        learned = list(self._ends)
        place = bisect.bisect_left(learned, offset)
        if place < len(learned) and (near is None or learned[place] < near):
            return learned[place], self._ends[learned[place]]
        condition = behind([item.reversed for item in self._order], self._anchors[-near]) if near is not None else None
        return (near, condition) if condition else (None, "")

    def _walk(self, source: QueryExpression, order: Sequence[OrderItem], skip: int, limit: int) -> list[dict[str, Any]]:
        """Read `limit` rows after skipping some; where many are skipped, the walk over them reads indexes alone."""
        if self._keyed and skip > _FAR:
            source, skip = self._approached(source, order, skip)
        named = [str(item) for item in order] if self.sort or self._keyed else None
        found: list[dict[str, Any]] = (source & dj.Top(limit, named, skip)).proj(*self._read).to_dicts()
        return found

    def _approached(
        self, source: QueryExpression, order: Sequence[OrderItem], skip: int
    ) -> tuple[QueryExpression, int]:
        """Return the rows from a place nearer to the one after `skip` rows, and how many are left to skip."""
        named = [str(item) for item in order]
        if not self.sort:
            before = (source & dj.Top(1, named, skip - 1)).proj().to_dicts()
            condition = behind(order, [before[0][item.name] for item in order]) if before else None
            return (source, skip) if condition is None else (source & condition, 0)
        found = self._value_around(source, order, skip + 1)
        return (source & found[0], found[1] - 1) if found else (source, skip)

    @staticmethod
    def _value_around(source: QueryExpression, order: Sequence[OrderItem], number: int) -> tuple[str, int] | None:
        """Return the condition for rows from the value that the row of a number has in the first attribute, and its
        number among them; None if the value begins too far away, or cannot be told safely.
        """
        first = order[0]
        around = source & dj.Top(_AROUND, [str(first)], number - _AROUND)
        values = (dj.U(first.name).aggr(around, dj_count="count(*)") & dj.Top(_AROUND, [str(first)])).to_dicts()
        # Fewer rows than looked for: there is no row of that number any more.
        complete = len(values) > 1 and sum(int(value["dj_count"]) for value in values) == _AROUND
        text = spelled(values[-1][first.name]) if complete else None
        if text is None or (first.nullable and first.descending):
            return None
        return f"`{first.name}` {'<=' if first.descending else '>='} {text}", int(values[-1]["dj_count"])

    def _remember(self, place: int, row: Mapping[str, Any], *, before: bool = False) -> None:
        """Keep the row before `place`, or with `before` the row at it, as a place to continue from."""
        values = tuple(row[item.name] for item in self._order)
        if behind(self._order, values) is not None:
            if len(self._anchors) >= _ANCHORS:
                self._anchors.pop(next(iter(self._anchors)))
            self._anchors[-place if before else place] = values


def row_id(key: Mapping[str, Any]) -> str:
    """Return a short name of a row that is the same wherever the row is."""
    spelled = "\0".join(f"{name}={type(value).__name__}:{value}" for name, value in sorted(key.items()))
    return hashlib.blake2b(spelled.encode("utf-8", "surrogatepass"), digest_size=9).hexdigest()


def in_key_order(expression: QueryExpression) -> bool:
    """Tell whether rows are those of a table, perhaps restricted, in key order, so that a key tells where one is.

    A `Top` is recognised by its SQL; to take another expression for one only costs speed.
    """
    return (
        isinstance(expression, dj.Table)
        and _is_unlimited(expression)
        and expression.make_sql() == (expression & dj.Top(None, "KEY")).make_sql()
    )


def _is_unlimited(expression: QueryExpression) -> bool:
    return "LIMIT" not in expression.make_sql().upper()


def _is_coded(attribute: Any) -> bool:
    return attribute.codec is not None or attribute.json or attribute.is_blob
