"""Plain columns of frames, which some engines are sent without a Python object of any value, arrive as dicts would."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import datajoint as dj
from datajoint.errors import DataJointError, DuplicateError, InvalidValueError, MissingAttributeError

HOSTILE = [
    "",
    "it's",
    'a"b',
    "a,b",
    "\n",
    "\r\n",
    "\\.",
    "x\n\\.\ny",
    "\\N",
    "NULL",
    " ",
    "é\U0001f600",
    "%s",
    "\x1f",
    "-",
]
FLOATS = [0.0, -0.0, 0.1, 1e22, -1e-300, 5e-324, 1.7976931348623157e308, 2.0**53 + 2, -1.5, 1 / 3]
MOMENTS = [dt.datetime(1, 1, 1), dt.datetime(1969, 12, 31, 23, 59, 59, 999999), dt.datetime(9999, 12, 31, 23, 59, 59)]


@pytest.fixture
def Plain(schema):
    @schema
    class Plain(dj.Manual):
        definition = """
        id : int32
        ---
        f=null : float64
        s=null : varchar(20)
        e=null : enum('a','b')
        flag=null : bool
        d=null : date
        t=null : datetime
        u=null : datetime(6)
        word="none" : varchar(20)
        """

    return Plain


def row(n: int) -> dict[str, object]:
    """Return the nth row of hostile values."""
    moment = MOMENTS[n % len(MOMENTS)]
    return {
        "id": n - 7, "f": FLOATS[n % len(FLOATS)], "s": HOSTILE[n % len(HOSTILE)], "e": "ab"[n % 2], "flag": n % 3 == 0,
        "d": moment.date(), "t": moment, "u": moment, "word": HOSTILE[-1 - n % len(HOSTILE)],
    }  # fmt: skip


def forms(rows: list[dict[str, object]]) -> dict[str, object]:
    """Return the same rows as every frame."""
    table = pa.Table.from_pylist(rows)
    return {
        "arrow": table, "polars": pl.DataFrame(rows), "pandas": table.to_pandas(types_mapper=None),
        "nullable": table.to_pandas(types_mapper={pa.string(): pd.StringDtype(), pa.bool_(): pd.BooleanDtype()}.get),
    }  # fmt: skip


@pytest.mark.parametrize("form", ["arrow", "polars", "pandas", "nullable"])
@pytest.mark.parametrize("with_nulls", [False, True])
def test_frames_arrive_as_dicts_do(Plain, form, with_nulls) -> None:
    rows = [row(n) for n in range(60)]
    if with_nulls:
        for n, name in enumerate(["f", "s", "e", "flag", "d", "t", "u"]):
            rows[3 * n][name] = None
    Plain.insert(rows)
    expected = Plain.to_dicts()
    Plain.delete_quick()
    Plain.insert(forms(rows)[form])
    assert Plain.to_dicts() == expected
    assert all(str(a["f"]) == str(b["f"]) for a, b in zip(Plain.to_dicts(), expected, strict=True))


def test_missing_values_are_defaults(Plain) -> None:
    words = ["a", None] * 10
    Plain.insert(pa.table({"id": range(20), "f": [float("nan")] * 20, "word": words}))
    assert Plain.to_arrays("word", order_by="id").tolist() == [word or "none" for word in words]
    assert set(Plain.to_dicts()[0].items()) >= {("f", None), ("s", None)}


def test_moments_are_cut_and_read_in_every_unit(Plain) -> None:
    moment = np.datetime64("1969-12-31T23:59:58.999999")
    for unit in ("s", "ms", "us", "ns"):
        Plain.delete_quick()
        column = np.full(12, moment.astype(f"datetime64[{unit}]"))
        Plain.insert(pd.DataFrame({"id": np.arange(12), "t": column, "u": column}))
        found = Plain.to_dicts()[0]
        assert found["t"] == dt.datetime(1969, 12, 31, 23, 59, 58)
        assert found["u"] == moment.astype(f"datetime64[{unit}]").astype("datetime64[us]").item()


@pytest.mark.parametrize(
    ("name", "column", "error"),
    [
        ("id", pa.array([*range(19), 2**31]), InvalidValueError),
        ("id", pa.array([*range(19), None]), MissingAttributeError),
        ("s", pa.array(["x"] * 19 + ["x" * 21]), InvalidValueError),
        ("s", pa.array(["x"] * 19 + ["a\0b"]), InvalidValueError),
        ("e", pa.array(["a"] * 19 + ["c"]), InvalidValueError),
        ("flag", pa.array([True] * 19 + [False]).cast(pa.int64()), None),
        ("f", pa.array([1] * 20), None),
        ("d", pa.array([dt.datetime(2024, 1, 1, 12)] * 20), None),
        ("t", pa.array([dt.datetime(2024, 1, 1, tzinfo=dt.UTC)] * 20), None),
    ],
)
def test_what_does_not_fit_is_judged_as_objects_are(Plain, name, column, error) -> None:
    table = pa.table({"id": pa.array(range(20)), name: column} if name != "id" else {"id": column})

    def outcome(rows: object) -> object:
        Plain.delete_quick()
        try:
            Plain.insert(rows)
        except DataJointError as found:
            return type(found), found.row, str(found)
        return Plain.to_dicts()

    expected = outcome(table.to_pylist())
    assert (expected[0] if isinstance(expected, tuple) else None) is error
    assert outcome(table) == expected


def test_a_duplicate_is_named(Plain) -> None:
    with pytest.raises(DuplicateError, match="rows 5 and 11"):
        Plain.insert(pa.table({"id": [*range(11), 5, *range(11, 20)], "s": ["x"] * 21}))
    assert not Plain()


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(
        st.tuples(
            st.floats(allow_nan=False, allow_infinity=False),
            st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20),
            st.datetimes(),
        ),
        min_size=10,
        max_size=30,
    )
)
def test_any_values_come_back(Plain, values) -> None:
    Plain.delete_quick()
    floats, texts, moments = zip(*values, strict=True)
    Plain.insert(
        pa.table({"id": range(len(values)), "f": floats, "s": texts, "u": pa.array(moments, pa.timestamp("us"))})
    )
    found = Plain.to_arrays("f", "s", "u", order_by="id")
    assert [column.tolist() for column in found] == [list(floats), list(texts), list(moments)]
