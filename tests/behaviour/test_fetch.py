"""Rows out: containers with types from the heading, pages with bounded memory, previews that fetch little."""

from __future__ import annotations

import datetime as dt
import json
import tracemalloc
import uuid
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import pandas as pd
import pytest

import datajoint as dj
from datajoint.expression import columns, pages
from datajoint.expression import preview as previews

EVERY_KIND = """
id : int32
---
small = null : int16
real32 = null : float32
real64 = null : float64
amount = null : decimal(8,3)
flag = null : bool
word = null : varchar(20)
kind = null : enum('b', 'a')
day = null : date
moment = null : datetime
fine = null : datetime(6)
tag = null : uuid
doc = null : json
raw = null : bytes
"""
FULL = {
    "id": 1,
    "small": -5,
    "real32": 0.1,
    "real64": 1 / 3,
    "amount": Decimal("12.500"),
    "flag": True,
    "word": "ünï",
    "kind": "a",
    "day": dt.date(1999, 12, 31),
    "moment": dt.datetime(1, 1, 1, 0, 0, 1),
    "fine": dt.datetime(9999, 12, 31, 23, 59, 59, 999999),
    "tag": uuid.UUID(int=2**100 + 7),
    "doc": {"b": [1, None, "é"], "a": True},
    "raw": b"\x00tail\x00",
}
EMPTY = {**dict.fromkeys(FULL), "id": 2}


def declare(schema: dj.Schema, name: str, definition: str) -> type[dj.Manual]:
    return schema(type(name, (dj.Manual,), {"definition": definition}), context={})


@pytest.fixture(scope="module")
def kinds(module_schema: dj.Schema) -> type[dj.Manual]:
    table = declare(module_schema, "EveryKind", EVERY_KIND)
    table.insert([FULL, EMPTY])
    return table


NAMES = [n for n in FULL if n != "id"]


# --- containers
def test_arrow_types_come_from_the_heading(kinds: Any) -> None:
    pa = pytest.importorskip("pyarrow")
    expected = {
        "id": pa.int64(),
        "small": pa.int64(),
        "real32": pa.float64(),
        "real64": pa.float64(),
        "amount": pa.decimal128(8, 3),
        "flag": pa.bool_(),
        "word": pa.string(),
        "kind": pa.string(),
        "day": pa.date32(),
        "moment": pa.timestamp("us"),
        "fine": pa.timestamp("us"),
        "tag": pa.string(),
        "doc": pa.string(),
        "raw": pa.binary(),
    }
    table = kinds.to_arrow()
    for found in (table, (kinds & "id=2").to_arrow(), (kinds & "id=99").to_arrow()):
        assert {f.name: f.type for f in found.schema} == expected
    canonical = {**FULL, "tag": str(FULL["tag"]), "doc": '{"a":true,"b":[1,null,"é"]}'}
    assert table.to_pylist() == [canonical, EMPTY]


def test_polars_types_come_from_the_heading(kinds: Any) -> None:
    pl = pytest.importorskip("polars")
    expected = [
        pl.Int64, pl.Int64, pl.Float64, pl.Float64, pl.Decimal(8, 3), pl.Boolean, pl.String, pl.String, pl.Date,
        pl.Datetime("us"), pl.Datetime("us"), pl.String, pl.String, pl.Binary,
    ]  # fmt: skip
    frame = kinds.to_polars()
    for found in (frame, (kinds & "id=2").to_polars(), (kinds & "id=99").to_polars()):
        assert found.columns == list(FULL)
        assert found.dtypes == expected
    assert frame.row(0) == tuple({**FULL, "tag": str(FULL["tag"]), "doc": '{"a":true,"b":[1,null,"é"]}'}.values())
    assert frame.row(1) == (2, *[None] * len(NAMES))


def test_pandas_types_come_from_the_heading(kinds: Any) -> None:
    frame = (kinds & "id=1").to_pandas()
    assert frame.index.names == ["id"]
    assert list(frame.columns) == NAMES
    for n in ("moment", "fine"):
        assert frame[n].dtype == "datetime64[us]"
        assert frame[n].iloc[0].to_pydatetime() == FULL[n]
    for n in ("amount", "day", "tag", "doc", "raw"):
        assert frame[n].dtype == object
        assert frame[n].iloc[0] == FULL[n]
    assert (frame["small"].dtype, frame["flag"].dtype, frame["real32"].dtype) == ("int64", "bool", "float64")
    both = kinds.to_pandas()
    assert (both["small"].dtype, both["flag"].dtype) == ("float64", object)
    assert both.loc[2].isna().all()


def test_pandas_types_with_missing_values_on_request(kinds: Any) -> None:
    expected = {"small": "Int64", "real32": "Float64", "real64": "Float64", "flag": "boolean", "word": "string"}
    for condition in ("id=1", "id=2", "id=99", True):
        frame = (kinds & condition).to_pandas(nullable=True)
        assert {n: str(frame[n].dtype) for n in expected} == expected
        assert frame["moment"].dtype == "datetime64[us]"
    frame = kinds.to_pandas(nullable=True)
    assert frame["small"].tolist() == [-5, pd.NA]
    assert frame["flag"].iloc[0] is np.True_ or frame["flag"].iloc[0] == True  # noqa: E712


@pytest.mark.parametrize("nullable", [False, True])
def test_the_index_is_the_one_that_pandas_would_set(kinds: Any, nullable: bool) -> None:
    make = columns._nullable_column if nullable else columns._pandas_column
    names = [n for n in kinds.heading.names if n not in {"doc", "raw"}]  # which are no keys
    keys = [["id"], *([n] for n in names[1:]), *(["id", n] for n in names[1:]), ["word", "fine", "small"], names]
    for key in keys:
        for rows in (kinds(), kinds & "id=1", kinds & "id=3"):
            for query in (dj.U(*key) & rows, dj.U(*key).aggr(rows, most="max(id)", text="'x'")):
                values = columns.driver_columns(query.connection, query._node, query.heading.names)
                data = {n: make(query.heading[n], v) for n, v in zip(query.heading.names, values, strict=True)}
                expected = pd.DataFrame(data, columns=query.heading.names).set_index(key)
                frame = query.to_pandas(nullable=nullable)
                pd.testing.assert_frame_equal(frame, expected, check_index_type="equiv", check_column_type="exact")
                assert frame.columns.dtype == expected.columns.dtype
                if len(key) > 1:
                    assert [level.dtype for level in frame.index.levels] == [v.dtype for v in expected.index.levels]


def test_empty_results_keep_columns_types_and_index(kinds: Any) -> None:
    nothing = kinds & "id=99"
    frame = nothing.to_pandas()
    assert (frame.index.names, list(frame.columns), len(frame)) == (["id"], NAMES, 0)
    assert (frame["small"].dtype, frame["moment"].dtype) == ("int64", "datetime64[us]")
    assert nothing.to_arrays().dtype == kinds.heading.as_dtype
    assert [nothing.to_arrays(n).dtype.kind for n in ("small", "real32", "word", "amount")] == ["i", "f", "U", "O"]
    assert (nothing.to_dicts(), nothing.keys(), list(nothing)) == ([], [], [])


def test_computed_attributes_have_types_too(kinds: Any) -> None:
    pa = pytest.importorskip("pyarrow")
    q = kinds.proj(double="small * 2", share="small / 2", text="concat(word, '!')", known="small is not null")
    fields = {f.name: f.type for f in (q & "id=99").to_arrow().schema}
    assert fields == {
        "id": pa.int64(), "double": pa.int64(), "share": pa.float64(), "text": pa.string(), "known": pa.bool_(),
    }  # fmt: skip
    assert q.to_arrow().to_pylist()[0] == {"id": 1, "double": -10, "share": -2.5, "text": "ünï!", "known": True}
    total = dj.U().aggr(kinds, s="sum(amount)")
    assert pa.types.is_decimal(total.to_arrow().schema.field("s").type)
    assert total.to_polars()["s"].to_list() == [Decimal("12.500")]


def test_moments_survive_every_container(kinds: Any) -> None:
    moments = [dt.datetime(1, 1, 1), dt.datetime(1969, 12, 31, 23, 59, 59), dt.datetime(2024, 2, 29, 12, 30, 1)]
    rows = [{"id": 100 + n, "fine": m} for n, m in enumerate([*moments, None])]
    kinds.insert(rows)
    try:
        q = (kinds & "id >= 100").proj("fine")
        assert q.to_arrays("fine").tolist() == [*moments, None]
        assert [None if pd.isna(m) else m.to_pydatetime() for m in q.to_pandas()["fine"]] == [*moments, None]
        assert q.to_arrow()["fine"].to_pylist() == [*moments, None]
        assert q.to_polars()["fine"].to_list() == [*moments, None]
    finally:
        (kinds & "id >= 100").delete_quick()


def test_decoded_objects_fit_polars_and_are_refused_by_arrow(module_schema: dj.Schema) -> None:
    table = declare(module_schema, "Blobbed", "id: int32\n---\nb = null: <blob>")
    table.insert([{"id": 1, "b": np.arange(3)}, {"id": 2, "b": {"x": [1, 2]}}, {"id": 3, "b": None}])
    pytest.importorskip("pyarrow")
    with pytest.raises(dj.DataJointError, match="`b`"):
        table.to_arrow()
    assert table.proj().to_arrow().num_rows == 3
    pl = pytest.importorskip("polars")
    frame = table.to_polars()
    assert frame["b"].dtype == pl.Object
    assert frame["b"][1] == {"x": [1, 2]}
    assert (table & "id=99").to_polars()["b"].dtype == pl.Object
    assert table.to_pandas()["b"].iloc[1] == {"x": [1, 2]}


def test_a_missing_package_is_named_with_its_command(kinds: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for package, method in (("polars", "to_polars"), ("pyarrow", "to_arrow")):
        with monkeypatch.context() as patch:
            patch.setitem(__import__("sys").modules, package, None)
            command = rf"pip install datajoint\[{package.removeprefix('py')}\]"
            with pytest.raises(ImportError, match=rf"{package} is required for {method}\(\).*{command}"):
                getattr(kinds(), method)()


def test_dicts_of_many_rows_equal_those_of_few(module_schema: dj.Schema) -> None:
    table = declare(
        module_schema, "Names", "`class`: int32\n---\nlambda_: varchar(5)\nmoment: datetime".replace("`", "")
    )
    rows = [{"class": n, "lambda_": str(n), "moment": dt.datetime(2020, 1, 1) + dt.timedelta(n)} for n in range(700)]
    table.insert(rows)
    assert table.to_dicts() == rows
    assert (table & "`class` < 10").to_dicts() == rows[:10]
    assert table.keys() == [{"class": n} for n in range(700)]
    keys, values = table.to_arrays("lambda_", include_key=True)
    assert (keys, values.tolist()) == (table.keys(), [str(n) for n in range(700)])


# --- the older way
@pytest.mark.parametrize(
    ("call", "method", "args"),
    [
        ({"format": "frame"}, "to_pandas", ()),
        ({}, "to_arrays", ()),
        ({"format": "array"}, "to_arrays", ()),
        ({"as_dict": True}, "to_dicts", ()),
        ({"attrs": ("word",)}, "to_arrays", ("word",)),
        ({"attrs": ("word", "small"), "as_dict": False}, "to_arrays", ("word", "small")),
    ],
)
def test_fetch_delegates_with_keywords(kinds: Any, call: dict[str, Any], method: str, args: tuple[str, ...]) -> None:
    table = kinds()
    setattr(table, method, MagicMock(return_value="result"))
    options = {"order_by": "id DESC", "limit": 3, "offset": 1}
    given = dict(call)
    with pytest.warns(DeprecationWarning, match=r"fetch\(\) is deprecated in DataJoint 2.0") as caught:
        assert table.fetch(*given.pop("attrs", ()), **given, **options) == "result"
    assert (len(caught), caught[0].filename) == (1, __file__)
    getattr(table, method).assert_called_once_with(*args, **options, squeeze=False)


@pytest.mark.filterwarnings("ignore:fetch\\(\\) is deprecated:DeprecationWarning")
def test_fetch_of_keys_and_dicts(kinds: Any) -> None:
    table = kinds()
    assert table.fetch("KEY") == [{"id": 1}, {"id": 2}]
    words, keys = table.fetch("word", "KEY", order_by="id DESC")
    assert (words.tolist(), keys) == ([None, "ünï"], [{"id": 2}, {"id": 1}])
    assert table.fetch("word", as_dict=True, limit=1) == [{"id": 1, "word": "ünï"}]
    assert table.fetch("KEY", as_dict=True) == [{"id": 1}, {"id": 2}]
    with pytest.raises(dj.DataJointError, match="cannot be combined"):
        table.fetch("word", format="frame")
    with pytest.raises(dj.DataJointError, match="format"):
        table.fetch(format="frme")


# --- one row
def test_fetch1_reads_two_rows_at_most(kinds: Any) -> None:
    connection = kinds().connection
    with connection.query_log() as log:
        assert (kinds & {"id": 1}).fetch1() == FULL
        assert (kinds & {"id": 1}).fetch1("KEY", "word", "word") == ({"id": 1}, "ünï", "ünï")
    assert [r.rows for r in log] == [1, 1]
    assert all("LIMIT 2" in r.text and "ORDER BY" not in r.text for r in log)
    with pytest.raises(dj.DataJointError, match="exactly one tuple in the input set"):
        kinds().fetch1()
    with pytest.raises(dj.DataJointError, match="should only return one tuple. 2 tuples found"):
        kinds().fetch1("word")
    with pytest.raises(dj.DataJointError, match="should only return one tuple. 0 tuples found"):
        (kinds & "id=99").fetch1("word")


def test_the_same_question_with_other_values_is_answered_anew(kinds: Any) -> None:
    for value, expected in ((1, [FULL]), (2, [EMPTY]), (3, []), (10**30, [])):
        assert (kinds & {"id": value}).to_dicts() == expected
    assert (kinds & {"word": "ünï", "id": 1}).keys() == [{"id": 1}]
    assert (kinds & {"word": None, "id": 1}).keys() == []
    assert (kinds & {"small": -5} & {"id": 1} & dj.Top(1)).keys() == [{"id": 1}]
    assert (kinds & {"flag": 1, "real32": 0.1, "amount": "12.5", "tag": FULL["tag"]}).keys() == [{"id": 1}]


# --- pages
KEYS = {
    "Integers": ("a: int32\nb: int16", lambda n: {"a": n // 7, "b": n % 7}),
    "Words": ("a: varchar(12)", lambda n: {"a": f"{'Ää aZz_é'[n % 8]}{n}"}),
    "Floats": ("a: float64", lambda n: {"a": (n - 20) / 7}),
    "Shorts": ("a: float32", lambda n: {"a": (n - 20) / 8 + 0.1}),
    "Decimals": ("a: decimal(9,4)\nb: bool", lambda n: {"a": Decimal(n // 2) / 8, "b": n % 2}),
    "Labels": ("a: enum('z','a','m')\nb: int32", lambda n: {"a": "zam"[n % 3], "b": n}),
    "Days": ("a: date\nb: datetime(3)", lambda n: {"a": dt.date(2020, 1, 1 + n % 9), "b": dt.datetime(2020, 1, 1, 0, 0, n % 60, 1000 * n)}),
    "Tags": ("a: uuid", lambda n: {"a": uuid.uuid5(uuid.NAMESPACE_OID, str(n))}),
}  # fmt: skip


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(pages, "PAGE_ROWS", 5)
    monkeypatch.setattr(pages, "COSTLY_PAGE_ROWS", 4)
    return 5


@pytest.fixture(scope="module")
def keyed(module_schema: dj.Schema) -> SimpleNamespace:
    tables = {}
    for name, (key, row) in KEYS.items():
        tables[name] = declare(module_schema, name, f"{key}\n---\nn: int32\nm = null: int32")
        tables[name].insert([{**row(n), "n": n, "m": None if n % 3 else n % 4} for n in range(42)])
    return SimpleNamespace(**tables)


@pytest.mark.parametrize("name", KEYS)
def test_iteration_pages_over_every_key(keyed: SimpleNamespace, small_pages: int, name: str) -> None:
    table = getattr(keyed, name)()
    with table.connection.query_log() as log:
        assert list(iter(table)) == table.to_dicts()
    *page_rows, whole = [r.rows for r in log]
    assert whole == 42
    assert max(page_rows) <= small_pages
    assert sum(page_rows) == 42, "no page may be read twice, or by counting"
    assert not any("OFFSET" in r.text for r in log)
    assert list(table & "n % 2 = 1") == (table & "n % 2 = 1").to_dicts()


@pytest.mark.parametrize(
    "text",
    [
        "T & dj.Top(17, 'n DESC')",
        "T & dj.Top(None, 'm, n', 3)",
        "T & dj.Top(30, 'm DESC, n', 2)",
        "T & dj.Top(30, '-n', 2)",
        "T & dj.Top(30, 'm DESC NULLS FIRST, n', 2)",
        "(T & dj.Top(30, 'n DESC', 1)).proj('m')",
        "(T & dj.Top(30, 'n DESC')) & 'm is null'",
        "dj.U('m') & T",
        "dj.U('m', 'n') & T",
        "dj.U('m').aggr(T, c='count(*)', d='max(n)')",
        "T.aggr(T.proj(k='n'), c='max(k)')",
        "(T & 'n < 9') + (T & 'n > 30').proj()",
        "T.proj(x='a') * T.proj(x='a', k='n')",
        "T.proj(other='n + 1')",
        "dj.U('s') & T.proj(s='n / 4')",
        "dj.U().aggr(T, c='count(*)')",
        "dj.U() & T",
    ],
)
def test_iteration_of_any_expression_is_bounded(keyed: SimpleNamespace, small_pages: int, text: str) -> None:
    q = eval(text, {"dj": dj, "T": keyed.Integers})
    with q.connection.query_log() as log:
        found = list(iter(q))
    assert found == q.to_dicts()
    assert max(r.rows for r in log) <= small_pages


def test_iteration_leaves_the_connection_free(keyed: SimpleNamespace, small_pages: int) -> None:
    table = keyed.Integers()
    seen = 0
    for row in table:
        seen += len(table & row)
        with table.connection.transaction:
            (table & row).fetch1()
        if seen == 12:
            break
    assert seen == 12
    # What changes behind the page that is being read is seen, and no row comes twice.
    seen_keys = []
    for row in table.proj():
        seen_keys.append((row["a"], row["b"]))
        if len(seen_keys) == 3:
            table.insert1({"a": 50, "b": 0, "n": 100})
    assert seen_keys == sorted(set(seen_keys))
    assert len(seen_keys) == 43
    (table & {"a": 50}).delete_quick()


def test_nan_keys_of_other_programs_do_not_end_iteration(module_schema: dj.Schema, small_pages: int) -> None:
    connection = module_schema.connection
    if connection.dialect.name != "postgresql":
        pytest.skip("the other engines hold no NaN")
    table = declare(module_schema, "NotANumber", "a: float64\nb: int32")
    table.insert([{"a": n / 3, "b": 0} for n in range(7)])
    for n in range(9):
        connection.query(f"INSERT INTO {table.full_table_name} VALUES ('NaN', {n})")
    assert [row["b"] for row in table][-9:] == list(range(9))
    assert len(list(table)) == 16


@pytest.mark.slow
def test_memory_of_iteration_does_not_grow(module_schema: dj.Schema) -> None:
    table = declare(module_schema, "Long", "a: int32\n---\nb: varchar(100)")
    table.insert({"a": n, "b": "x" * 100} for n in range(100_000))
    peaks = []
    for count in (10_000, 100_000):
        tracemalloc.start()
        try:
            assert sum(1 for _ in table & f"a < {count}") == count
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    assert peaks[1] < 1.3 * peaks[0]


# --- the accelerator
def test_connectorx_reads_the_same_table(kinds: Any) -> None:
    pytest.importorskip("connectorx")
    plain = kinds.proj("small", "real64", "flag", "word", "day", "moment", "fine") & {"word": "ünï"}
    if kinds().connection.target.path is not None:
        with pytest.raises(dj.DataJointError, match="connectorx cannot connect"):
            plain.to_arrow(engine="connectorx")
        return
    table = plain.to_arrow(engine="connectorx")
    assert table.schema == plain.to_arrow().schema
    assert table.to_pylist() == plain.to_arrow().to_pylist()
    assert (plain & "id=99").to_arrow(engine="connectorx").schema == table.schema


def test_connectorx_is_refused_where_it_would_differ(kinds: Any) -> None:
    for name in ("amount", "real32", "kind", "tag"):
        with pytest.raises(dj.DataJointError, match=f"`{name}`"):
            kinds.proj(name).to_arrow(engine="connectorx")
    with pytest.raises(dj.DataJointError, match="Unknown engine"):
        kinds().to_arrow(engine="duckdb")
    with kinds().connection.transaction, pytest.raises(dj.DataJointError, match="does not see this transaction"):
        kinds.proj("small").to_arrow(engine="connectorx")


@pytest.mark.parametrize("word", ["it's", "back\\slash\\", 'say "so"', "100 %s", "\\'"])
def test_sql_for_people_runs_as_it_stands(kinds: Any, word: str) -> None:
    kinds.insert1({"id": 7, "word": word})
    try:
        text = (kinds.proj("word") & {"word": word}).make_sql()
        assert list(kinds().connection.query(text.replace("%", "%%")).fetchall()) == [(7, word)]
    finally:
        (kinds & {"id": 7}).delete_quick()


# --- previews
def test_previews_fetch_no_blob_and_count_no_further_than_asked(
    kinds: Any, keyed: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = kinds().connection
    monkeypatch.setattr(previews, "COUNTED", 20)
    quoted = connection.dialect.quote_name
    with connection.query_log() as log:
        assert "more than 20" in keyed.Integers().preview()
        kinds()._repr_html_()
    assert not any(quoted("raw") in r.text or quoted("doc") in r.text for r in log)
    monkeypatch.setattr(previews, "COUNTED", 42)
    assert keyed.Integers().preview().endswith(" (Total: 42)\n")
    with connection.settings.override(display__show_tuple_count=False), connection.query_log() as log:
        assert "Total" not in keyed.Integers().preview() + keyed.Integers()._repr_html_()
    assert len(log) == 2
    assert "Total: 6" in repr(dj.U("a") & keyed.Integers)
    assert "Total: 1" in repr(dj.U() & keyed.Integers)  # one row without attributes
    monkeypatch.setattr(previews, "COUNTED", 3)
    for q in (dj.U("m", "n") & keyed.Integers, keyed.Integers & dj.Top(30), keyed.Integers + keyed.Integers.proj()):
        assert "more than 3" in q.preview()


def test_previews_follow_the_settings(keyed: SimpleNamespace) -> None:
    settings = keyed.Integers().connection.settings
    with settings.override(display__limit=3, display__width=6):
        lines = keyed.Integers().preview().splitlines()
        assert len(lines) == 2 + 3 + 1 + 1
        assert max(map(len, lines[1].split())) == 6
    with settings.override(loglevel="DEBUG"), keyed.Integers().connection.query_log() as log:
        assert repr(keyed.Integers()).startswith("<")
    assert not log


def test_text_keeps_the_exponent_of_a_number_that_is_cut(module_schema: dj.Schema) -> None:
    table = declare(module_schema, "Tiny", "id: int32\n---\nx: float64")
    table.insert1({"id": 1, "x": 1.40539289607512e-15})
    assert "1.405393e-15" in table().preview()


def test_html_shows_short_numbers_and_tells_the_whole(module_schema: dj.Schema) -> None:
    table = declare(
        module_schema, "Shown", "id: int32\n---\nx: float64\ntext: varchar(500)\nv = null: float32 # it's <b>"
    )
    table.insert(
        [{"id": 1, "x": 1 / 3, "text": "<i>" + "y" * 300, "v": None}, {"id": 2, "x": 20.5, "text": "short", "v": 0.1}]
    )
    html = table()._repr_html_()
    assert '<td class="dj-number" title="0.3333333333333333">0.3333333</td>' in html
    assert '<td class="dj-number">20.5</td>' in html
    assert '<td class="dj-number">0.1</td>' in html
    assert "<i>" not in html
    assert 'title="&lt;i&gt;yyy' in html
    assert "it&#x27;s &lt;b&gt;" in html
    assert "overflow-x:auto" in html
    assert "@media (max-width" in html


# --- faults
def test_a_value_that_python_cannot_hold_is_named(module_schema: dj.Schema) -> None:
    connection = module_schema.connection
    table = declare(module_schema, "Faulty", "id: int32\n---\nmoment: datetime")
    table.insert([{"id": n, "moment": "2020-01-01"} for n in range(3)])
    name = table.full_table_name
    if connection.dialect.name == "postgresql":
        connection.query(f"UPDATE {name} SET moment = 'infinity' WHERE id = 1")
    elif connection.dialect.name == "sqlite":
        connection.query("PRAGMA ignore_check_constraints = ON")
        connection.query(f"UPDATE {name} SET moment = 'soon' WHERE id = 1")
        connection.query("PRAGMA ignore_check_constraints = OFF")
    else:
        connection.query("SET SESSION sql_mode = ''")
        connection.query(f"UPDATE {name} SET moment = '0000-00-00' WHERE id = 1")
        connection.connect()
    for fetch in (table.to_dicts, table.to_pandas, table.to_arrow, lambda: table.to_arrays("moment")):
        with pytest.raises(dj.errors.InvalidValueError) as caught:
            fetch()
        if connection.dialect.name != "postgresql":
            assert "`moment`, row 1" in str(caught.value)
    assert len(table.proj().to_dicts()) == 3


def test_json_reads_like_the_document(kinds: Any) -> None:
    pytest.importorskip("pyarrow")
    assert json.loads(kinds.to_arrow()["doc"][0].as_py()) == (kinds & "id=1").fetch1("doc")
