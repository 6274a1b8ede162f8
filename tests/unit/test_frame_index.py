"""The index of a frame, made of columns: what pandas makes of them, faster."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datajoint.expression.frame_index import key_index

NUMBERS = st.one_of(st.integers(-3, 9), st.integers(-(2**63), 2**63 - 1))


@given(st.lists(st.tuples(NUMBERS, NUMBERS, st.integers(0, 2)), max_size=12))
def test_levels_and_codes_of_numbers_are_those_of_pandas(rows: list[tuple[int, int, int]]) -> None:
    columns = {n: np.array([row[i] for row in rows], dtype="int64") for i, n in enumerate("abc")}
    expected = pd.MultiIndex.from_arrays(list(columns.values()), names=["a", "b", "c"])
    index = key_index(columns)
    pd.testing.assert_index_equal(index, expected, exact="equiv")
    for level, other in zip(index.levels, expected.levels, strict=True):
        pd.testing.assert_index_equal(level, other, exact="equiv")
    assert [c.tolist() for c in index.codes] == [c.tolist() for c in expected.codes]


@pytest.mark.parametrize(
    "values",
    [
        np.array([3, 1, 3]),
        np.array([True, False, True]),
        np.array([0.5, np.nan, -1]),
        np.array([dt.date(2024, 1, 2), None, dt.date(1, 1, 1)], dtype=object),
        np.array([dt.datetime(2024, 1, 2), dt.datetime(1, 1, 1), dt.datetime(9999, 1, 1)], dtype=object),
        np.array([dt.timedelta(1), dt.timedelta(0), None], dtype=object),
        np.array(["1", 1, b"1"], dtype=object),
        np.array(["2024-01-02", "NaT", "1970-01-01"], dtype="datetime64[us]"),
        pd.array(["b", None, "a"], dtype="str"),
        pd.array([2**63, None, 1], dtype="UInt64"),
    ],
    ids=str,
)
def test_every_kind_of_key_keeps_its_type(values: Any) -> None:
    number = np.arange(3)
    frame = pd.DataFrame({"k": values, "n": number, "v": number})
    one, both = frame.set_index("k").index, frame.set_index(["n", "k"]).index
    pd.testing.assert_index_equal(key_index({"k": values}), one, exact="equiv")
    found = key_index({"n": number, "k": values})
    pd.testing.assert_index_equal(found, both, exact="equiv")
    assert [level.dtype for level in found.levels] == [level.dtype for level in both.levels]
