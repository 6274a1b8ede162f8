"""A literal is converted by the attribute's type; what lies between values is decided without the engine."""

import datetime as dt
import math
import operator
import uuid
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datajoint.errors import DataJointError, InvalidTypeError, InvalidValueError
from datajoint.values.accept import acceptor
from datajoint.values.compare import ALL, NONE, Comparison, compare
from datajoint.values.parse import parse_type

OPERATORS = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def bound(operator, value):
    return Comparison("bound", operator, value)


@pytest.mark.parametrize(
    ("text", "operator", "value", "expected"),
    [
        ("int8", "=", "5", bound("=", 5)),
        ("int8", "!=", " 5.0", bound("<>", 5)),
        ("int8", "=", True, bound("=", 1)),
        ("int8", "=", 5.5, NONE),
        ("int8", "<>", 5.5, ALL),
        ("int8", "<", -5.5, bound("<=", -6)),
        ("int8", ">=", 5.5, bound(">", 5)),
        ("int8", "<", 10**30, ALL),
        ("int8", ">", 10**30, NONE),
        ("int8", "=", -math.inf, NONE),
        ("int8", ">", -math.inf, ALL),
        ("int8", "=", 300, bound("=", 300)),  # a wider column of another program may hold it
        ("int8", "=", None, NONE),
        ("int8", "<>", math.nan, NONE),
        ("decimal(5,2)", "=", 0.1, bound("=", Decimal("0.10"))),
        ("decimal(5,2)", "=", "0.123", NONE),
        ("decimal(5,2)", "<=", "-0.123", bound("<=", Decimal("-0.13"))),
        ("decimal(5,2)", "<", 10**6, ALL),
        ("float32", "=", 0.1, bound("=", 0.10000000149011612)),
        ("float32", "=", 1e39, NONE),
        ("float32", "<", 1e39, bound("<", math.inf)),
        ("float64", "=", 2**53 + 1, NONE),
        ("float64", "<", 2**53 + 1, bound("<=", float(2**53))),
        ("float64", "=", "0.1", bound("=", 0.1)),
        ("float64", "<", math.inf, bound("<", math.inf)),
        ("bool", "=", "true", bound("=", True)),
        ("bool", "<>", 1, bound("=", False)),
        ("bool", "=", 5, NONE),
        ("bool", "<", 5, ALL),
        ("bool", ">", 0, bound("=", True)),
        ("varchar(9)", "=", 5, bound("=", "5")),
        ("varchar(9)", "=", "5 ", bound("=", "5 ")),
        ("char(9)", "=", "ab  ", bound("=", "ab")),
        ("varchar(9)", "=", "a\0", NONE),
        ("varchar(9)", "<>", "\ud800", ALL),
        ("varchar(9)", ">=", "a\0b", bound(">", "a")),
        ("varchar(9)", "<", "a\udfff", bound("<", "a\ue000")),
        ("enum('b','a')", "=", "A", NONE),
        ("enum('b','a')", "<>", "A", ALL),
        ("enum('b','a')", "<", "b", bound("<=", "a")),
        ("enum('b','a')", ">", "b", NONE),
        ("date", "=", "2024-1-5", bound("=", dt.date(2024, 1, 5))),
        ("date", "=", dt.datetime(2024, 1, 5), bound("=", dt.date(2024, 1, 5))),
        ("date", "=", "2024-01-05 01:00", NONE),
        ("date", ">=", "2024-01-05 01:00", bound(">", dt.date(2024, 1, 5))),
        ("datetime", "=", "2024-01-05", bound("=", dt.datetime(2024, 1, 5))),
        ("datetime", "=", "2024-01-05 00:00:00.5", bound("=", dt.datetime(2024, 1, 5, 0, 0, 0, 500000))),
        ("uuid", "=", "0" * 32, bound("=", uuid.UUID(int=0))),
        ("json", "=", {"a": 1}, bound("=", '{"a": 1}')),
        ("json", "=", {"a": math.inf}, NONE),
        ("bytes", "=", bytearray(b"a"), bound("=", b"a")),
    ],
)
def test_comparison(text, operator, value, expected):
    assert compare(parse_type(text), operator, value) == expected


def test_infinity_is_decided_here_where_the_engine_has_none():
    assert compare(parse_type("float64"), "<", math.inf, infinity=False) == ALL
    assert compare(parse_type("float64"), "=", math.inf, infinity=False) == NONE
    assert compare(parse_type("float32"), ">", 1e39, infinity=False) == NONE


@pytest.mark.parametrize(
    ("text", "value", "kind"),
    [
        ("int8", "abc", InvalidValueError),
        ("int8", "", InvalidValueError),
        ("float64", "x", InvalidValueError),
        ("bool", "maybe", InvalidValueError),
        ("date", "soon", InvalidValueError),
        ("datetime", "2024-13-01", InvalidValueError),
        ("uuid", "x", InvalidValueError),
        ("varchar(5)", b"x", InvalidTypeError),
        ("bytes", "x", InvalidTypeError),
        ("json", object(), InvalidTypeError),
        ("date", 5, InvalidTypeError),
    ],
)
def test_unreadable_literals_are_refused(text, value, kind):
    with pytest.raises(kind):
        compare(parse_type(text), "=", value)


def test_documents_have_no_order():
    with pytest.raises(DataJointError, match="path"):
        compare(parse_type("json"), "<", {})


def holds(comparison, value):
    if comparison.outcome == "bound":
        return OPERATORS[comparison.operator](value, comparison.value)
    return comparison.outcome == "all"


@given(st.sampled_from(list(OPERATORS)), st.integers(-200, 200), st.decimals(-300, 300, allow_nan=False, places=2))
def test_integers_compare_as_numbers(name, value, literal):
    assert holds(compare(parse_type("int16"), name, literal), value) == OPERATORS[name](value, literal)


@given(
    st.sampled_from(list(OPERATORS)),
    st.decimals(-9, 9, allow_nan=False, places=1),
    st.decimals(-9, 9, allow_nan=False, places=3),
)
def test_decimals_compare_as_numbers(name, value, literal):
    stored = acceptor(parse_type("decimal(5,1)"))(value)
    assert holds(compare(parse_type("decimal(5,1)"), name, literal), stored) == OPERATORS[name](stored, literal)


@given(st.sampled_from(list(OPERATORS)), st.integers(-(2**60), 2**60).map(float), st.integers(-(2**60), 2**60))
def test_floats_compare_exactly_with_integers(name, value, literal):
    assert holds(compare(parse_type("float64"), name, literal), value) == OPERATORS[name](value, literal)


TEXT = st.text(st.sampled_from("ab\ud7ff\ue000\U0001f600"), max_size=3)


@given(st.sampled_from(list(OPERATORS)), TEXT, st.text(st.sampled_from("ab\0\ud800\udfff\ue000"), max_size=3))
def test_text_compares_by_code_point_also_with_what_cannot_be_stored(name, value, literal):
    assert holds(compare(parse_type("varchar(9)"), name, literal), value) == OPERATORS[name](value, literal)


@given(st.sampled_from(list(OPERATORS)), st.sampled_from("cab"), st.text("abcd", min_size=1, max_size=2))
def test_labels_compare_as_text(name, value, literal):
    assert holds(compare(parse_type("enum('c','a','b')"), name, literal), value) == OPERATORS[name](value, literal)


@given(st.sampled_from(list(OPERATORS)), st.dates(), st.datetimes())
def test_a_date_is_its_midnight(name, value, literal):
    midnight = dt.datetime.combine(value, dt.time())
    assert holds(compare(parse_type("date"), name, literal), value) == OPERATORS[name](midnight, literal)


@given(st.sampled_from(list(OPERATORS)), st.booleans(), st.integers(-2, 3) | st.floats(-1, 2))
def test_truth_values_compare_as_numbers(name, value, literal):
    assert holds(compare(parse_type("bool"), name, literal), value) == OPERATORS[name](value, literal)
