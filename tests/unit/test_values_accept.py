"""Every Python value that an attribute takes becomes one canonical value; every other is refused by name."""

import datetime as dt
import enum
import math
import struct
import uuid
from decimal import Decimal
from pathlib import PurePosixPath

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datajoint.errors import DataJointError, InvalidTypeError, InvalidValueError, QueryError
from datajoint.values.accept import acceptor, is_missing
from datajoint.values.parse import parse_type

UUID = uuid.UUID("12345678-1234-5678-1234-567812345678")
UTC, EAST = dt.UTC, dt.timezone(dt.timedelta(hours=2))


class Side(enum.Enum):
    LEFT = "left"


class Level(enum.IntEnum):
    HIGH = 3


ACCEPTED = [
    ("int8", True, 1), ("int8", 5.0, 5), ("int8", Decimal("5.0"), 5), ("int8", " 5.0", 5), ("int8", "1e2", 100),
    ("int8", np.int64(-128), -128), ("int8", np.float32(3), 3), ("int8", Level.HIGH, 3), ("int8", np.bool_(1), 1),
    ("int64", "9223372036854775807", 2**63 - 1), ("bigint unsigned", 2**64 - 1, 2**64 - 1), ("year", 0, 0),
    ("float64", "1e-3", 0.001), ("float64", 2**53 + 1, float(2**53)), ("float64", -0.0, 0.0), ("float64", "-inf", -math.inf),
    ("float64", Decimal("0.1"), 0.1), ("float64", np.float32(0.5), 0.5),
    ("float32", 0.1, struct.unpack("f", struct.pack("f", 0.1))[0]), ("float32", 1e-60, 0.0), ("float32", -0.0, 0.0),
    ("decimal(5,2)", 0.285, Decimal("0.29")), ("decimal(5,2)", -0.285, Decimal("-0.29")), ("decimal(5,2)", "1e2", Decimal("100.00")),
    ("decimal(5,2)", "-0.001", Decimal("0.00")), ("decimal(5,2)", 999.99, Decimal("999.99")), ("decimal(30,0)", 10**29, Decimal(10**29)),
    ("bool", 1.0, True), ("bool", "Yes", True), ("bool", "F", False), ("bool", np.bool_(0), False), ("bool", Decimal(0), False),
    ("varchar(20)", 5, "5"), ("varchar(20)", 1.5, "1.5"), ("varchar(20)", Decimal("1.50"), "1.50"),
    ("varchar(40)", UUID, str(UUID)), ("varchar(20)", PurePosixPath("a/b"), "a/b"), ("varchar(20)", Side.LEFT, "left"),
    ("varchar(20)", np.str_("x"), "x"), ("varchar(20)", dt.datetime(2024, 1, 2, 3, 4), "2024-01-02 03:04:00"),
    ("varchar(20)", dt.date(2024, 1, 2), "2024-01-02"), ("varchar(1)", "😀", "😀"), ("char(3)", "a    ", "a"),
    ("enum('left','right')", Side.LEFT, "left"),
    ("date", "2024-1-5", dt.date(2024, 1, 5)), ("date", "2024/01/05", dt.date(2024, 1, 5)), ("date", "20240105", dt.date(2024, 1, 5)),
    ("date", dt.datetime(2024, 1, 5, 23, 59, 59, 999999), dt.date(2024, 1, 5)), ("date", np.datetime64("2024-01-05"), dt.date(2024, 1, 5)),
    ("date", "2024-01-05T23:59:59Z", dt.date(2024, 1, 5)),
    ("datetime", "2024-01-05 1:02:03.999", dt.datetime(2024, 1, 5, 1, 2, 3)),
    ("datetime", "20240105010203", dt.datetime(2024, 1, 5, 1, 2, 3)), ("datetime", dt.date(2024, 1, 5), dt.datetime(2024, 1, 5)),
    ("datetime(3)", "2024-01-05T01:02:03.9999999", dt.datetime(2024, 1, 5, 1, 2, 3, 999000)),
    ("datetime(6)", np.datetime64("2024-01-05T01:02:03.123456789"), dt.datetime(2024, 1, 5, 1, 2, 3, 123456)),
    ("datetime(6)", pd.Timestamp("2024-01-05 01:02:03.123456"), dt.datetime(2024, 1, 5, 1, 2, 3, 123456)),
    ("datetime", dt.datetime(2024, 1, 5, tzinfo=UTC), dt.datetime(2024, 1, 5)), ("datetime", "2024-01-05 01:02+00:00", dt.datetime(2024, 1, 5, 1, 2)),
    ("time", "-1:02", -dt.timedelta(hours=1, minutes=2)), ("time(1)", "1:02:03.99", dt.timedelta(hours=1, minutes=2, seconds=3.9)),
    ("time", dt.time(1, 2, 3, 999999), dt.timedelta(hours=1, minutes=2, seconds=3)), ("time", "838:59:59", dt.timedelta(hours=838, minutes=59, seconds=59)),
    ("uuid", UUID.bytes, UUID), ("uuid", UUID.hex.upper(), UUID), ("uuid", f"{{{UUID}}}", UUID),
    ("json", {"b": np.float64(1.5), "a": [np.int8(1), None, True]}, '{"b": 1.5, "a": [1, null, true]}'), ("json", 'a"b', '"a\\"b"'),
    ("json", {1: Side.LEFT}, '{"1": "left"}'), ("json", 2**64 - 1, str(2**64 - 1)), ("json", "\\u0000", '"\\\\u0000"'),
    ("bytes", bytearray(b"ab"), b"ab"), ("longblob", memoryview(b"ab"), b"ab"), ("tinytext", "ü" * 127, "ü" * 127),
]  # fmt: skip

REFUSED = [
    ("int8", 5.5), ("int8", 128), ("int8", "x"), ("int8", "1_0"), ("int8", math.inf), ("int8", "1e999999999"), ("int8", "٣"),
    ("tinyint unsigned", -1), ("year", 1900), ("float64", "1e999"), ("float64", 10**400), ("float32", 3.5e38), ("float64", "abc"),
    ("decimal(5,2)", 1000), ("decimal(5,2)", "999.995"), ("decimal(5,2)", math.inf), ("decimal(5,2)", "1e999999"), ("decimal(5,2) unsigned", -1),
    ("bool", 2), ("bool", "maybe"), ("bool", 0.5), ("varchar(3)", "abcd"), ("varchar(1)", "a "), ("char(2)", "abc"), ("varchar(3)", "a\0"),
    ("varchar(3)", "\ud800"), ("enum('a','b')", "A"), ("enum('a')", "a\0"), ("enum('a')", ""), ("tinytext", "ü" * 128),
    ("date", "24-01-05"), ("date", "2024-02-30"), ("date", "0000-00-00"), ("date", "0000-01-01"), ("date", "5/1/2024"), ("date", "now"),
    ("datetime", "2024-01-05 24:00:00"), ("datetime", "2024-01-05 1:2"), ("datetime", "2024-01-05+00:00"), ("datetime", "2024-01-05 01:02:03+02:00"),
    ("datetime", dt.datetime(2024, 1, 5, tzinfo=EAST)), ("time", "1:60"), ("time", "noon"), ("uuid", "x"), ("uuid", b"short"), ("uuid", ""),
    ("json", math.nan), ("json", {"a": math.inf}), ("json", 2**64), ("json", [-(2**63) - 1]), ("json", "a\0"), ("json", {"\ud800": 1}),
    ("tinyblob", b"x" * 256),
]  # fmt: skip

WRONG_TYPES = [
    ("int8", b"5"), ("int8", [1]), ("int8", dt.date(2024, 1, 5)), ("float64", {}), ("bool", []), ("varchar(9)", True), ("varchar(9)", b"x"),
    ("varchar(9)", [1]), ("enum('a')", 1), ("date", 20240105), ("datetime", 1.5), ("date", dt.time(1)), ("time", 5), ("uuid", 5),
    ("json", object()), ("json", {True: 1}), ("json", {None: 1}), ("json", {(1, 2): 3}), ("json", b"x"), ("json", dt.date(2024, 1, 5)),
    ("bytes", "text"), ("bytes", 5), ("longblob", [1]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value", "expected"), ACCEPTED)
def test_accepted(text, value, expected):
    found = acceptor(parse_type(text))(value)
    assert found == expected
    assert type(found) is type(expected)
    assert str(found) == str(expected)  # digits of decimals, sign of zero


@pytest.mark.parametrize(("text", "value"), REFUSED)
def test_refused(text, value):
    with pytest.raises(InvalidValueError) as caught:
        acceptor(parse_type(text))(value)
    assert not isinstance(caught.value, InvalidTypeError)
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, QueryError)


@pytest.mark.parametrize(("text", "value"), WRONG_TYPES)
def test_wrong_types_are_refused(text, value):
    with pytest.raises(InvalidTypeError) as caught:
        acceptor(parse_type(text))(value)
    assert isinstance(caught.value, TypeError)
    assert isinstance(caught.value, DataJointError)


def test_an_error_names_what_was_given_and_what_fits():
    with pytest.raises(InvalidValueError, match=r"128 is out of range; int8 takes -128 to 127"):
        acceptor(parse_type("int8"))(128)
    with pytest.raises(InvalidValueError, match=r"'B' is no label; it must be one of 'a', 'b'"):
        acceptor(parse_type("enum('a','b')"))("B")
    with pytest.raises(InvalidValueError) as caught:
        acceptor(parse_type("varchar(5)"))("x" * 1000)
    assert len(str(caught.value)) < 200


def test_a_document_that_holds_itself_is_refused():
    endless = []
    endless.append(endless)
    with pytest.raises(InvalidValueError):
        acceptor(parse_type("json"))(endless)


MISSING = [None, math.nan, np.float32("nan"), np.float64("nan"), np.datetime64("NaT"), pd.NaT, pd.NA, Decimal("nan")]


@pytest.mark.parametrize("text", ["int8", "float64", "varchar(5)", "uuid", "json", "bytes", "date"])
@pytest.mark.parametrize("value", MISSING, ids=repr)
def test_missing_in_every_type(text, value):
    assert is_missing(parse_type(text), value)


@pytest.mark.parametrize(
    ("text", "missing"),
    [("int8", True), ("float32", True), ("decimal(3,1)", True), ("bool", True), ("date", True), ("datetime", True), ("time", True),
     ("varchar(5)", False), ("enum('a','')", False), ("uuid", False), ("json", False), ("bytes", False)],
)  # fmt: skip
def test_an_empty_text_is_missing_only_where_text_is_not_meant(text, missing):
    assert is_missing(parse_type(text), "") is missing
    assert not is_missing(parse_type(text), " ")


@pytest.mark.parametrize(
    "value",
    [0, "", "x", False, 0.0, b"", [], {}, np.zeros(3), np.array([math.nan]), np.datetime64("2024-01-05")],
    ids=repr,
)
def test_not_missing(value):
    assert not is_missing(parse_type("varchar(5)"), value)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**6), max_value=10**6, places=4))
def test_decimals_round_half_away_from_zero(value):
    found = acceptor(parse_type("decimal(12,3)"))(value)
    doubled = abs(found - value) * 2000
    assert doubled <= 1
    assert doubled < 1 or abs(found) > abs(value)


@given(st.datetimes())
def test_every_moment_is_read_from_its_own_text(moment):
    accept = acceptor(parse_type("datetime(6)"))
    assert accept(moment.isoformat(" ")) == accept(moment.isoformat()) == accept(moment) == moment


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_every_float32_is_kept(value):
    assert acceptor(parse_type("float32"))(value) == value


@given(st.recursive(st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
                    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
                    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), inner)))  # fmt: skip
def test_every_document_is_read_back(document):
    from datajoint.values.documents import from_json, same_document, to_json

    assert same_document(from_json(to_json(document)), document)
