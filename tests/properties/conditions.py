"""Random trees of conditions over two related tables, and what they mean for rows in Python."""

from __future__ import annotations

import datetime as dt
import operator
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from datajoint_jupyter.conditions import (
    Between,
    Compare,
    Condition,
    Exists,
    Group,
    Missing,
    Not,
    OneOf,
    TextMatch,
    Verbatim,
)

Row = dict[str, Any]

TEXTS = ["", "a", "A", "it's", 'say "x"', "100%", "a_b", "a\\", "\\'", "%s", "zoë", "b; DROP TABLE x", "`", ":a", "a "]

DEFINITIONS = {
    "Animal": """
    animal : int32
    ---
    name=null : varchar(30)
    sex : enum('F', 'M', '?')
    born=null : date
    weight=null : float64
    price=null : decimal(6,2)
    tag=null : uuid
    trained=null : bool
    """,
    "Visit": """
    -> Animal
    visit : int32
    ---
    started : datetime(3)
    note=null : varchar(30)
    """,
    "Pair": """
    -> Animal.proj(one='animal')
    -> Animal.proj(two='animal')
    """,
}

ROWS: dict[str, list[Row]] = {
    "Animal": [
        {
            "animal": i,
            "name": TEXTS[i] if i < len(TEXTS) else None,
            "sex": "FM?"[i % 3],
            "born": dt.date(2024, 1, 1 + i) if i % 4 else None,
            "weight": i * 0.75 if i % 5 else None,
            "price": Decimal(i) / 4 if i % 3 else None,
            "tag": uuid.UUID(int=i) if i % 7 else None,
            "trained": bool(i % 2) if i % 6 else None,
        }
        for i in range(18)
    ],
    "Visit": [
        {
            "animal": i % 7,
            "visit": i,
            "started": dt.datetime(2024, 5, 1, i, 30, 0, 250_000),
            "note": TEXTS[i] if i % 3 else None,
        }
        for i in range(14)
    ],
    "Pair": [{"one": i, "two": i + 1} for i in range(0, 16, 3)],
}

# How rows of other tables are reached: the table, what chooses the way, and whether two rows belong together.
_WAYS: dict[str, list[tuple[str, tuple[str, ...], Callable[[Row, Row], bool]]]] = {
    "Animal": [
        ("Visit", (), lambda own, other: own["animal"] == other["animal"]),
        ("Pair", ("one",), lambda own, other: own["animal"] == other["one"]),
        ("Pair", ("two",), lambda own, other: own["animal"] == other["two"]),
    ],
    "Visit": [
        ("Animal", (), lambda own, other: own["animal"] == other["animal"]),
        ("Pair", ("two",), lambda own, other: own["animal"] == other["two"]),
    ],
    "Pair": [],
}

# What is written by hand, and what it means.
_WRITTEN: dict[str, list[tuple[str, Callable[[Row], bool | None]]]] = {
    "Animal": [
        ("weight * 2 > animal", lambda row: None if row["weight"] is None else row["weight"] * 2 > row["animal"]),
        ("animal % 3 = 1 OR sex = 'F'", lambda row: row["animal"] % 3 == 1 or row["sex"] == "F"),
    ],
    "Visit": [("visit + animal < 9", lambda row: row["visit"] + row["animal"] < 9)],
    "Pair": [("two - one = 1", lambda row: row["two"] - row["one"] == 1)],
}

_VALUES: dict[str, Any] = {
    "animal": st.integers(-2, 20),
    "visit": st.integers(-2, 20),
    "one": st.integers(-2, 20),
    "two": st.integers(-2, 20),
    "name": st.sampled_from(TEXTS),
    "note": st.sampled_from(TEXTS),
    "sex": st.sampled_from("FM?"),
    "born": st.integers(1, 25).map(lambda day: f"2024-01-{day:02d}"),
    "started": st.builds("2024-05-01 {:02d}:30:00{}".format, st.integers(0, 15), st.sampled_from(["", ".250"])),
    "weight": st.sampled_from([0.75, 1.5, -0.5, 3.0, 6.75]),
    "price": st.sampled_from(["0.25", "1.00", "3.5", "0.123"]),
    "tag": st.integers(0, 20).map(lambda number: str(uuid.UUID(int=number))),
    "trained": st.booleans(),
}
_READ: dict[str, Callable[[Any], Any]] = {
    "born": dt.date.fromisoformat,
    "started": dt.datetime.fromisoformat,
    "price": Decimal,
    "tag": uuid.UUID,
}
_NAMES = {
    "Animal": ("animal", "name", "sex", "born", "weight", "price", "tag", "trained"),
    "Visit": ("animal", "visit", "started", "note"),
    "Pair": ("one", "two"),
}
_ORDERED = {"animal", "visit", "one", "two", "born", "started", "weight", "price", "name", "note"}
_TEXTUAL = {"name", "note"}
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_PLACES: dict[str, Callable[[str, str], bool]] = {
    "contains": str.__contains__,
    "starts": str.startswith,
    "ends": str.endswith,
}


# --- trees
@st.composite
def _simple(draw: Any, table: str) -> Condition:
    name = draw(st.sampled_from(_NAMES[table]))
    value = _VALUES[name]
    kinds = ["compare", "one of", "missing", "verbatim"]
    kinds += ["between"] if name in _ORDERED else []
    kinds += ["text"] if name in _TEXTUAL else []
    match draw(st.sampled_from(kinds)):
        case "compare":
            operators = list(_OPERATORS) if name in _ORDERED else ["=", "<>"]
            return Compare(name, draw(st.sampled_from(operators)), draw(value))
        case "between":
            low, high = draw(st.none() | value), draw(st.none() | value)
            return Between(name, draw(value) if low is None and high is None else low, high)
        case "one of":
            return OneOf(name, tuple(draw(st.lists(value, max_size=4))))
        case "missing":
            return Missing(name)
        case "text":
            return TextMatch(name, draw(st.sampled_from(sorted(_PLACES))), draw(st.sampled_from(TEXTS)))
    return Verbatim(draw(st.sampled_from(_WRITTEN[table]))[0])


def trees(table: str = "Animal", depth: int = 2) -> Any:
    """Return a strategy for conditions on rows of a table, those of other tables nested `depth` deep."""
    leaves = _simple(table)
    if depth:
        for other, via, _ in _WAYS[table]:
            inner = st.none() | trees(other, depth - 1)
            leaves |= inner.map(lambda condition, other=other, via=via: Exists(other, condition, via))
    return st.recursive(
        leaves,
        lambda below: (
            st.builds(Not, below)
            | st.builds(Group, st.sampled_from(["and", "or"]), st.lists(below, max_size=3).map(tuple))
        ),
        max_leaves=6,
    )


# --- what they mean
def holds(condition: Condition, table: str, row: Row) -> bool | None:
    """Tell whether a row meets a condition; None where a value is missing, so that it cannot be told."""
    match condition:
        case Group(how=how, items=items):
            return _together(how, [holds(item, table, row) for item in items])
        case Not(item=item):
            found = holds(item, table, row)
            return None if found is None else not found
        case Exists(table=other, condition=inner, via=via):
            belongs = next(test for name, stop, test in _WAYS[table] if (name, stop) == (other, via))
            near = [candidate for candidate in ROWS[other] if belongs(row, candidate)]
            return any(inner is None or holds(inner, other, candidate) is True for candidate in near)
        case Verbatim(text=text):
            return dict(_WRITTEN[table])[text](row)
        case Missing(name=name):
            return row[name] is None
        case OneOf(values=()):
            return False
    assert isinstance(condition, Compare | Between | OneOf | TextMatch)
    value = row[condition.name]
    return None if value is None else _simple_holds(condition, value)


def _together(how: str, found: list[bool | None]) -> bool | None:
    decisive = how == "or"
    if not found or decisive in found:
        return not found or decisive
    return None if None in found else not decisive


def _simple_holds(condition: Compare | Between | OneOf | TextMatch, value: Any) -> bool:
    read = _READ.get(condition.name, lambda said: said)
    match condition:
        case Compare(operator=said, value=other):
            return _OPERATORS[said](value, read(other))
        case Between(low=low, high=high):
            return (low is None or read(low) <= value) and (high is None or value <= read(high))
        case OneOf(values=values):
            return value in map(read, values)
        case TextMatch(place=place, text=text):
            return _PLACES[place](value, text)


def rows_that_meet(condition: Condition, table: str = "Animal") -> list[Row]:
    """Return the rows of a table that meet a condition, in order of their key."""
    return [row for row in ROWS[table] if holds(condition, table, row) is True]
