"""Many values written at once are what the driver writes one by one."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

pymysql = pytest.importorskip("pymysql")

from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from datajoint.backends.mysql_literals import insert_parts, literal_rows  # noqa: E402

CONNECTION = pymysql.Connection(defer_connect=True, binary_prefix=True)
CONNECTION.server_status = 0
COLUMNS = (
    st.integers(-(2**63), 2**64 - 1), st.floats(allow_nan=False, allow_infinity=False), st.text() | st.just("a\x1fb"),
    st.datetimes(), st.dates(), st.booleans(), st.binary(), st.none(), st.decimals(allow_nan=False, allow_infinity=False),
)  # fmt: skip


@given(st.lists(st.lists(st.one_of(*COLUMNS), min_size=3, max_size=3), max_size=5))
def test_mixed_values(rows: list[list[Any]]) -> None:
    check(rows)


@given(st.data())
def test_columns_of_one_kind(data: st.DataObject) -> None:
    rows = data.draw(st.lists(st.tuples(*COLUMNS), max_size=20))
    check(rows)


def check(rows: list[Any]) -> None:
    escape = CONNECTION.escape
    assert list(literal_rows(rows, escape)) == [",".join(map(escape, row)) for row in rows]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_has_no_literal_is_refused_by_the_driver(value: float) -> None:
    with pytest.raises(pymysql.err.ProgrammingError):
        list(literal_rows([(value,)], CONNECTION.escape))


def test_long_columns_and_long_texts() -> None:
    check([(n, "x" * 1000, n / 7, dt.datetime(2024, 1, 1, microsecond=n), Decimal(n)) for n in range(2500)])


def test_parts_of_an_insert() -> None:
    text = "INSERT INTO `a`.`b%%c` (`x`, `y`) VALUES (%s, %s) ON DUPLICATE KEY UPDATE `x`=`a`.`b%%c`.`x`"
    before, after = "INSERT INTO `a`.`b%c` (`x`, `y`) VALUES ", " ON DUPLICATE KEY UPDATE `x`=`a`.`b%c`.`x`"
    assert insert_parts(text) == (before, after)
    assert insert_parts("UPDATE `a` SET `x` = %s WHERE `y` = %s") is None
    assert insert_parts("INSERT INTO `a` (`x`) VALUES (CAST(%s AS JSON))") is None
    assert insert_parts("INSERT INTO `a` (`x`) VALUES (%s) ON DUPLICATE KEY UPDATE `x` = %s") is None
