"""Random SQL text over the attributes of one table, with what it means in Python."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

Row = dict[str, Any]
Meaning = Callable[[Row], Any]

DEFINITION = """
id : int32
---
n = null : int32
k : int16
s = null : varchar(12)
t : varchar(12)
d = null : date
f = null : float64
b = null : bool
"""
ATTRIBUTES = {"int": ["n", "k", "id"], "text": ["s", "t"], "date": ["d"], "float": ["f"], "bool": ["b"]}
DAYS = [dt.date(2024, 2, 29), dt.date(2023, 12, 31), dt.date(2024, 1, 1), dt.date(2000, 3, 5)]
ROWS: list[Row] = [
    {"id": i, "n": n, "k": k, "s": s, "t": t, "d": d, "f": f, "b": b}
    for i, (n, k, s, t, d, f, b) in enumerate(
        [
            (7, 2, "abc", "b", DAYS[0], 0.5, True),
            (-7, 3, "", "a%b", None, -2.25, False),
            (0, -2, None, "", DAYS[1], None, None),
            (None, 0, "it's", " x ", DAYS[2], 0.0, True),
            (2, 5, "A\\b", "Zz", DAYS[3], 4.0, None),
            (100, 1, "é", "ab_", DAYS[0], 1e6, False),
        ]
    )
]


@dataclass(frozen=True)
class Text:
    """An expression: its SQL, what it yields of a row (None: NULL), and its kind."""

    sql: str
    meaning: Meaning
    kind: str

    def __repr__(self) -> str:
        return self.sql


def strict(function: Callable[..., Any], *parts: Text) -> Meaning:
    """NULL if any operand is NULL."""

    def meaning(row: Row) -> Any:
        values = [part.meaning(row) for part in parts]
        return None if any(v is None for v in values) else function(*values)

    return meaning


def quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


@st.composite
def leaves(draw: st.DrawFn, kind: str) -> Text:
    if kind != "bool" and draw(st.integers(0, 2)) == 0:
        if kind == "int":
            number = draw(st.integers(-12, 12))
            return Text(str(number) if number >= 0 else f"({number})", lambda r: number, kind)
        if kind == "float":
            value = draw(st.sampled_from([0.5, 1.5, -2.25, 3.0]))
            return Text(f"({value!r}e0)", lambda r: value, kind)
        if kind == "text":
            word = draw(st.sampled_from(["a", "b", "", "it's", "\\", "%", "Zz", "é", "abcabc"]))
            return Text(quoted(word), lambda r: word, kind)
        day = draw(st.sampled_from(DAYS))
        return Text(f"date '{day}'", lambda r: day, kind)
    name = draw(st.sampled_from(ATTRIBUTES[kind]))
    written = draw(st.sampled_from([name, f"`{name}`", name.upper()]))
    return Text(written, lambda r: r[name], kind)


@st.composite
def expressions(draw: st.DrawFn, kind: str | None = None, depth: int = 3) -> Text:
    """Draw an expression of a kind."""
    kind = kind or draw(st.sampled_from(["int", "text", "bool", "date", "float"]))
    if depth == 0 or draw(st.integers(0, 5)) == 0:
        return draw(leaves(kind))
    general = draw(st.integers(0, 4))
    if general == 0:
        return draw(_choices(kind, depth - 1))
    return draw(_MAKERS[kind](depth - 1))


@st.composite
def _choices(draw: st.DrawFn, kind: str, depth: int) -> Text:
    """What exists for every kind: IF, CASE, COALESCE, NULLIF."""
    a, b = draw(expressions(kind, depth)), draw(expressions(kind, depth))
    form = draw(st.sampled_from(["if", "case", "ifnull", "coalesce", "nullif"]))
    if form in {"if", "case"}:
        c = draw(expressions("bool", depth))
        sql = f"if({c.sql}, {a.sql}, {b.sql})" if form == "if" else f"case when {c.sql} then {a.sql} else {b.sql} end"
        return Text(sql, lambda r: a.meaning(r) if c.meaning(r) else b.meaning(r), kind)
    if form == "nullif":
        return Text(f"nullif({a.sql}, {b.sql})", lambda r: None if a.meaning(r) == b.meaning(r) else a.meaning(r), kind)
    return Text(f"{form}({a.sql}, {b.sql})", lambda r: b.meaning(r) if a.meaning(r) is None else a.meaning(r), kind)


def truncated(a: int, b: int) -> int:
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


@st.composite
def _numbers(draw: st.DrawFn, depth: int) -> Text:
    a = draw(expressions("int", depth))
    b = draw(expressions("int", depth))
    form = draw(
        st.sampled_from(
            [
                "+",
                "-",
                "*",
                "DIV",
                "%",
                "abs",
                "sign",
                "length",
                "locate",
                "datediff",
                "part",
                "least",
                "greatest",
                "-x",
                "sum",
            ]
        )
    )
    if form in {"+", "-"}:
        function: Any = {"+": lambda x, y: x + y, "-": lambda x, y: x - y}[form]
        return Text(f"({a.sql} {form} {b.sql})", strict(function, a, b), "int")
    if form == "*":
        factor = draw(st.integers(-5, 5))
        return Text(f"({a.sql} * {factor})", strict(lambda x: x * factor, a), "int")
    if form in {"DIV", "%"}:
        quotient = strict(lambda x, y: None if y == 0 else truncated(x, y), a, b)
        rest = strict(lambda x, y: None if y == 0 else int(math.fmod(x, y)), a, b)
        return Text(f"({a.sql} {form} {b.sql})", quotient if form == "DIV" else rest, "int")
    if form in {"abs", "sign"}:
        function = abs if form == "abs" else lambda x: (x > 0) - (x < 0)
        return Text(f"{form}({a.sql})", strict(function, a), "int")
    if form == "-x":
        return Text(f"(- {a.sql})", strict(lambda x: -x, a), "int")
    if form in {"least", "greatest"}:
        return Text(f"{form}({a.sql}, {b.sql})", strict(min if form == "least" else max, a, b), "int")
    if form == "sum":
        c = draw(expressions("bool", depth))
        return Text(f"({a.sql} + ({c.sql}))", strict(lambda x, y: x + int(y), a, c), "int")
    if form == "length":
        t = draw(expressions("text", depth))
        name = draw(st.sampled_from(["length", "char_length"]))
        count: Any = len if name == "char_length" else lambda x: len(x.encode())
        return Text(f"{name}({t.sql})", strict(count, t), "int")
    if form == "locate":
        t, u = draw(expressions("text", depth)), draw(expressions("text", depth))
        return Text(f"instr({t.sql}, {u.sql})", strict(lambda x, y: x.find(y) + 1, t, u), "int")
    day = draw(expressions("date", depth))
    if form == "datediff":
        other = draw(expressions("date", depth))
        return Text(f"datediff({day.sql}, {other.sql})", strict(lambda x, y: (x - y).days, day, other), "int")
    part = draw(st.sampled_from(["year", "month", "day", "dayofyear", "weekday"]))
    parts: Any = {"dayofyear": lambda x: x.timetuple().tm_yday, "weekday": lambda x: x.weekday()}
    return Text(f"{part}({day.sql})", strict(parts.get(part, lambda x: getattr(x, part)), day), "int")


@st.composite
def _floats(draw: st.DrawFn, depth: int) -> Text:
    a, b = draw(expressions("float", depth)), draw(expressions("float", depth))
    form = draw(st.sampled_from(["+", "-", "/", "int /"]))
    if form in {"+", "-"}:
        function: Any = {"+": lambda x, y: x + y, "-": lambda x, y: x - y}[form]
        return Text(f"({a.sql} {form} {b.sql})", strict(function, a, b), "float")
    if form == "int /":
        a, b = draw(expressions("int", depth)), draw(expressions("int", depth))
    return Text(
        f"({a.sql} / {b.sql})", strict(lambda x, y: None if y == 0 else float(Fraction(x) / Fraction(y)), a, b), "float"
    )


def padded(text: str, width: int, fill: str) -> str:
    return text[:width] if len(text) >= width else text + (fill * width)[: width - len(text)]


def cut(text: str, place: int, count: int) -> str:
    if place == 0 or count < 1:
        return ""
    start = place - 1 if place > 0 else len(text) + place
    return "" if start < 0 else text[start : start + count]


@st.composite
def _texts(draw: st.DrawFn, depth: int) -> Text:
    a, b = draw(expressions("text", depth)), draw(expressions("text", depth))
    form = draw(
        st.sampled_from(
            [
                "concat",
                "upper",
                "lower",
                "left",
                "right",
                "substr",
                "replace",
                "trim",
                "ltrim",
                "rtrim",
                "reverse",
                "||",
            ]
        )
    )
    if form in {"concat", "||"}:
        sql = f"concat({a.sql}, {b.sql})" if form == "concat" else f"({a.sql} || {b.sql})"
        return Text(sql, strict(lambda x, y: x + y, a, b), "text")
    if form in {"left", "right"}:
        n = draw(st.integers(0, 4))
        function: Any = (lambda x: x[:n]) if form == "left" else (lambda x: x[len(x) - n :] if n <= len(x) else x)
        return Text(f"{form}({a.sql}, {n})", strict(function, a), "text")
    if form == "substr":
        place, count = draw(st.integers(-4, 4)), draw(st.integers(0, 3))
        return Text(f"substr({a.sql}, {place}, {count})", strict(lambda x: cut(x, place, count), a), "text")
    if form == "replace":
        old, new = draw(st.sampled_from(["a", "b", "%", "'"])), draw(st.sampled_from(["", "xy", "\\"]))
        return Text(f"replace({a.sql}, {quoted(old)}, {quoted(new)})", strict(lambda x: x.replace(old, new), a), "text")
    functions: dict[str, Any] = {
        "upper": str.upper, "lower": str.lower, "reverse": lambda x: x[::-1],
        "trim": lambda x: x.strip(" "), "ltrim": lambda x: x.lstrip(" "), "rtrim": lambda x: x.rstrip(" "),
    }  # fmt: skip
    return Text(f"{form}({a.sql})", strict(functions[form], a), "text")


@st.composite
def _dates(draw: st.DrawFn, depth: int) -> Text:
    a = draw(expressions("date", depth))
    n = draw(st.integers(-40, 40))
    form = draw(st.sampled_from(["+", "-", "least"]))
    if form == "least":
        b = draw(expressions("date", depth))
        return Text(f"greatest({a.sql}, {b.sql})", strict(max, a, b), "date")
    sign = 1 if form == "+" else -1
    return Text(f"({a.sql} {form} interval {n} day)", strict(lambda x: x + sign * dt.timedelta(days=n), a), "date")


@st.composite
def _conditions(draw: st.DrawFn, depth: int) -> Text:
    form = draw(
        st.sampled_from(["compare", "compare", "and", "or", "not", "xor", "null", "between", "in", "like", "same"])
    )
    if form in {"and", "or", "xor"}:
        a, b = draw(expressions("bool", depth)), draw(expressions("bool", depth))
        logic: dict[str, Any] = {"and": _and, "or": _or, "xor": lambda x, y: None if None in (x, y) else x != y}
        return Text(f"({a.sql} {form.upper()} {b.sql})", lambda r: logic[form](a.meaning(r), b.meaning(r)), "bool")
    if form == "not":
        a = draw(expressions("bool", depth))
        return Text(f"(NOT {a.sql})", strict(lambda x: not x, a), "bool")
    kind = draw(st.sampled_from(["int", "text", "date"]))
    a, b = draw(expressions(kind, depth)), draw(expressions(kind, depth))
    if form == "null":
        negated = draw(st.booleans())
        return Text(f"({a.sql} IS {'NOT ' * negated}NULL)", lambda r: (a.meaning(r) is None) is not negated, "bool")
    if form == "same":
        return Text(f"({a.sql} <=> {b.sql})", lambda r: a.meaning(r) == b.meaning(r), "bool")
    if form == "between":
        c = draw(expressions(kind, depth))
        low, high = strict(lambda x, y: x >= y, a, b), strict(lambda x, y: x <= y, a, c)
        return Text(f"({a.sql} BETWEEN {b.sql} AND {c.sql})", lambda r: _and(low(r), high(r)), "bool")
    if form == "in":
        items = [draw(leaves(kind)) for _ in range(draw(st.integers(1, 3)))]
        equal = [strict(lambda x, y: x == y, a, item) for item in items]
        negated = draw(st.booleans())

        def among(row: Row) -> Any:
            found: Any = False
            for test in equal:
                found = _or(found, test(row))
            return None if found is None else found is not negated

        return Text(f"({a.sql} {'NOT ' * negated}IN ({', '.join(i.sql for i in items)}))", among, "bool")
    if form == "like" and kind == "text":
        start = draw(st.sampled_from(["a", "ab", "Z", "é", ""]))
        return Text(f"({a.sql} LIKE {quoted(start + '%')})", strict(lambda x: x.startswith(start), a), "bool")
    operators: dict[str, Any] = {
        "=": lambda x, y: x == y, "<>": lambda x, y: x != y, "<": lambda x, y: x < y, "<=": lambda x, y: x <= y,
        ">": lambda x, y: x > y, ">=": lambda x, y: x >= y,
    }  # fmt: skip
    operator = draw(st.sampled_from(sorted(operators)))
    return Text(f"({a.sql} {operator} {b.sql})", strict(operators[operator], a, b), "bool")


def _and(x: bool | None, y: bool | None) -> bool | None:
    return False if x is False or y is False else None if None in (x, y) else True


def _or(x: bool | None, y: bool | None) -> bool | None:
    return True if x or y else None if None in (x, y) else False


_MAKERS: dict[str, Any] = {"int": _numbers, "float": _floats, "text": _texts, "date": _dates, "bool": _conditions}
