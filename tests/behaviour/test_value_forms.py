"""Every form in which a value may be given: inserted, fetched by every method, found by itself; and every one refused.

The forms are those of the unit tests of conversion; here they go through the database.
"""

from __future__ import annotations

import datetime as dt
import itertools
import math
import struct
from decimal import Decimal
from typing import NamedTuple

import numpy as np
import pytest

import datajoint as dj
from datajoint.errors import DataJointError, InvalidTypeError, InvalidValueError, MissingAttributeError
from datajoint.values.accept import acceptor, is_missing
from datajoint.values.compare import compare
from datajoint.values.parse import parse_type
from tests.unit.test_values_accept import ACCEPTED, MISSING, REFUSED, WRONG_TYPES

TYPES = sorted({text for text, *_ in (*ACCEPTED, *REFUSED, *WRONG_TYPES)} - {"decimal(5,2) unsigned"})


def not_here(engine, declared, value):
    """Tell what an engine has no place for."""
    if isinstance(value, float) and math.isinf(value):
        return engine in {"mysql", "mariadb"}
    if isinstance(value, dt.timedelta):
        beyond = value < dt.timedelta() or value >= dt.timedelta(days=1)
        return beyond and engine == "postgresql"
    return engine == "sqlite" and isinstance(value, int) and value >= 2**63


def delivered(engine, declared, value):
    """Return what a canonical value is fetched as."""
    if declared == "float32" and math.isfinite(value):
        return float(str(np.float32(value)))
    if isinstance(value, dt.timedelta) and engine == "postgresql":
        return (dt.datetime.min + value).time()
    if declared == "json":
        import json

        return json.loads(value)
    return value


class Case(NamedTuple):
    given: object
    canonical: object
    fetched: object


def cases(engine, declared):
    canonical = [(given, acceptor(parse_type(declared))(given)) for text, given, _ in ACCEPTED if text == declared]
    return [
        Case(given, value, delivered(engine, declared, value))
        for given, value in canonical
        if not not_here(engine, declared, value)
    ]


@pytest.fixture(scope="module")
def tables(module_schema):
    made = {}

    def table(declared):
        if declared not in made:
            name = f"Forms{chr(65 + len(made) // 26)}{chr(65 + len(made) % 26)}"
            made[declared] = module_schema(
                type(name, (dj.Manual,), {"definition": f"id : int32\n---\nx = null : {declared}"})
            )
        made[declared].delete_quick()
        return made[declared]

    return table


def same(found, expected):
    if isinstance(expected, Decimal):
        return type(found) is Decimal and str(found) == str(expected)
    return type(found) is type(expected) and found == expected


@pytest.mark.parametrize("declared", TYPES)
def test_every_accepted_form(tables, engine, declared):
    table, values = tables(declared)(), cases(engine, declared)
    if declared.startswith("time") and engine == "sqlite":
        values = [c for c in values if dt.timedelta() <= c.canonical < dt.timedelta(days=1)]
    table.insert({"id": n, "x": case.given} for n, case in enumerate(values))
    for n, case in enumerate(values):  # the same through update1
        table.insert1({"id": n + 1000, "x": None})
        table.update1({"id": n + 1000, "x": case.given})

    rows = {row["id"]: row["x"] for row in table.to_dicts()}
    for n, case in enumerate(values):
        assert same(rows[n], case.fetched), (case, rows[n])
        assert same(rows[n + 1000], case.fetched), (case, rows[n + 1000])
        assert same((table & {"id": n}).fetch1("x"), case.fetched)
        assert same((table & {"id": n}).fetch1()["x"], case.fetched)
        found = {row["id"] for row in (table & {"x": case.fetched}).to_dicts()}
        assert {n, n + 1000} <= found, case
        # As it was given it finds its row unless something had to be cut or rounded.
        decided = compare(parse_type(declared), "=", case.given)
        if decided.outcome == "bound" and decided.value == case.canonical:
            assert n in {row["id"] for row in (table & {"x": case.given}).to_dicts()}, case
            if declared != "json":
                assert n in {row["id"] for row in (table & {"x": [case.given]}).to_dicts()}, case


DTYPES = {
    "int8": "int64", "int64": "int64", "float64": "float64", "float32": "float64", "decimal(5,2)": "object", "bool": "bool",
    "varchar(20)": "U", "enum('left','right')": "U", "date": "object", "datetime": "object", "uuid": "object", "json": "object",
    "bytes": "object",
}  # fmt: skip


@pytest.mark.parametrize("declared", DTYPES)
def test_arrays_and_frames_hold_the_same_values(tables, engine, declared):
    table, values = tables(declared)(), cases(engine, declared)
    table.insert({"id": n, "x": case.given} for n, case in enumerate(values))
    expected = [case.fetched for case in values]
    array = table.to_arrays("x", order_by="id")
    assert array.dtype.name == DTYPES[declared] or array.dtype.kind == DTYPES[declared]
    structured = table.to_arrays(order_by="id")
    frame = table.to_pandas(order_by="id")
    for found in (array.tolist(), structured["x"].tolist(), frame["x"].tolist()):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert one == other or (isinstance(other, dt.datetime) and one.to_pydatetime() == other), (one, other)
    table.insert1({"id": -1, "x": None})
    first = table.to_arrays("x", order_by="id")[0]
    assert first is None or (isinstance(first, float) and math.isnan(first))
    assert table.to_dicts(order_by="id")[0] == {"id": -1, "x": None}


KEYS = ["int8", "int64", "decimal(5,2)", "bool", "varchar(20)", "enum('left','right')", "date", "datetime(6)", "uuid"]


@pytest.mark.parametrize("declared", KEYS)
def test_keys(module_schema, engine, declared):
    name = f"Keyed{KEYS.index(declared)}".replace("0", "Z")
    table = module_schema(type(name, (dj.Manual,), {"definition": f"x : {declared}"}))
    values = {case.canonical: case for case in cases(engine, declared)}.values()
    table.insert([{"x": case.given} for case in values])
    keys = table.keys()
    assert len(keys) == len(values)
    for case in values:
        assert any(same(key["x"], case.fetched) for key in keys), case
        assert (table & {"x": case.fetched}).fetch1("x") == case.fetched
    assert len(table & keys) == len(table & [*keys, *([keys[0]] * 30)]) == len(keys)


@pytest.mark.parametrize("declared", TYPES)
def test_every_refused_form(tables, declared):
    table = tables(declared)()
    table.insert1({"id": 0, "x": None})
    wrong = [(v, InvalidTypeError) for text, v in WRONG_TYPES if text == declared]
    unfit = [(v, InvalidValueError) for text, v in REFUSED if text == declared]
    for value, kind in [*unfit, *wrong]:
        if is_missing(parse_type(declared), value):
            continue
        for attempt in (
            lambda: table.insert([{"id": 1, "x": None}, {"id": 2, "x": value}]),  # noqa: B023 - called at once
            lambda: table.insert1({"id": 2, "x": value}),  # noqa: B023
            lambda: table.update1({"id": 0, "x": value}),  # noqa: B023
        ):
            with pytest.raises(InvalidValueError) as caught:
                attempt()
            assert type(caught.value) is kind, (value, caught.value)
            assert isinstance(caught.value, DataJointError)
        assert not table.validate([{"id": 2, "x": value}])
    assert table.to_dicts() == [{"id": 0, "x": None}]


@pytest.mark.parametrize("value", MISSING, ids=repr)
def test_what_is_missing_becomes_the_default_or_null(module_schema, value):
    made = module_schema.__dict__.setdefault("_absent", {})
    if not made:
        made["t"] = module_schema(
            type("Absent", (dj.Manual,), {"definition": "id : int32\n---\na = null : float64\nb = 5 : int32\nc : int8"})
        )
    table = made["t"]
    table.delete_quick()
    table.insert1({"id": 1, "a": value, "b": value, "c": 1})
    assert table.fetch1() == {"id": 1, "a": None, "b": 5, "c": 1}
    table.update1({"id": 1, "a": 2.0, "b": 3})
    table.update1({"id": 1, "a": value, "b": value})
    assert table.fetch1() == {"id": 1, "a": None, "b": 5, "c": 1}
    assert len(table & {"a": value}) == 1
    with pytest.raises(MissingAttributeError, match="c"):
        table.insert1({"id": 2, "c": value})


# --- a literal meets an attribute: in a dict, in a list, in a text, in a frame
DAY, NOON = dt.date(2024, 1, 5), dt.datetime(2024, 1, 5, 12)
MEETINGS = [
    # type, stored, literal, finds it
    ("int32", 5, "5", True), ("int32", 5, "5.0", True), ("int32", 5, 5.5, False), ("int32", 5, 10**30, False), ("int32", 5, True, False),
    ("float32", 0.1, 0.1, True), ("float32", 0.1, "0.1", True), ("float32", 0.1, struct.unpack("f", struct.pack("f", 0.1))[0], True),
    ("float64", 0.1, Decimal("0.1"), True), ("decimal(5,2)", "0.10", 0.1, True), ("decimal(5,2)", "0.10", "0.101", False),
    ("bool", True, 1, True), ("bool", True, "true", True), ("bool", True, 2, False), ("bool", False, "0", True),
    ("varchar(9)", "5", 5, True), ("varchar(9)", "1.5", 1.5, True), ("varchar(9)", "5x", 5, False), ("varchar(9)", "A", "a", False),
    ("varchar(9)", "a", "a ", False), ("char(9)", "ab", "ab  ", True), ("varchar(9)", "a", "a\0", False), ("varchar(9)", "a", "\ud800", False),
    ("enum('b','a')", "a", "A", False), ("enum('b','a')", "a", "a", True), ("enum('b','a')", "a", "no", False),
    ("date", DAY, "2024-1-5", True), ("date", DAY, dt.datetime(2024, 1, 5), True), ("date", DAY, NOON, False), ("date", DAY, "20240105", True),
    ("datetime", dt.datetime(2024, 1, 5), "2024-01-05", True), ("datetime", dt.datetime(2024, 1, 5), DAY, True), ("datetime", NOON, DAY, False),
    ("datetime", NOON, dt.datetime(2024, 1, 5, 12, 0, 0, 1), False), ("uuid", "12345678123456781234567812345678", b"\x12\x34\x56\x78" * 4, True),
    ("json", {"a": 1}, {"a": 1.0}, True), ("json", {"a": 1}, {"a": True}, False), ("bytes", b"a", bytearray(b"a"), True),
    ("int32", 5, None, False), ("float64", 1.0, math.inf, False), ("float64", 1.0, math.nan, False),
]  # fmt: skip


@pytest.mark.parametrize(("declared", "stored", "literal", "finds"), MEETINGS)
def test_a_literal_takes_the_type_of_what_it_meets(tables, declared, stored, literal, finds):
    table = tables(declared)()
    table.insert1({"id": 1, "x": stored})
    expected = int(finds)
    assert len(table & {"x": literal}) == expected
    assert len(table - {"x": literal}) == 1 - expected
    assert len(table & [{"x": literal}]) == expected
    if declared == "json":
        return
    assert len(table & {"x": [literal]}) == expected
    if not isinstance(literal, dt.date | bytes | bytearray | type(None)) and not (
        isinstance(literal, float) and not math.isfinite(literal)
    ):
        written = repr(literal) if not isinstance(literal, Decimal) else str(literal)
        if "\\" in written:
            return
        assert len(table & f"x = {written}") == expected
        assert len(table & f"x in ({written})") == expected
        assert len(table & f"x between {written} and {written}") == expected or declared.startswith("enum")
        assert table.proj(y=f"case x when {written} then 1 else 0 end").fetch1("y") == expected
    if not isinstance(literal, bytes | bytearray):
        import pandas as pd

        frame = pd.DataFrame({"x": pd.Series([literal], dtype=object)})
        assert len(table & frame) == expected


@pytest.mark.parametrize(
    ("declared", "literal"),
    [("int32", "abc"), ("date", "soon"), ("uuid", "x"), ("bytes", "x"), ("float64", "x"), ("bool", "maybe")],
)
def test_a_literal_that_cannot_be_read_is_refused(tables, declared, literal):
    table = tables(declared)()
    for restriction in ({"x": literal}, f"x = '{literal}'", [{"x": literal}]):
        with pytest.raises(InvalidValueError, match="x"):
            len(table & restriction)


_combined = list(itertools.chain(ACCEPTED, REFUSED))


def test_the_forms_cover_every_kind_of_type():
    kinds = {parse_type(text).kind for text, *_ in _combined}
    assert kinds >= {
        "int", "float32", "float64", "decimal", "bool", "char", "varchar", "text", "enum", "date", "datetime", "time", "year",
        "uuid", "json", "bytes",
    }  # fmt: skip
