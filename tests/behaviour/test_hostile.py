"""Values made to confuse: every kind of restriction selects exactly the rows that Python's own comparison selects."""

from __future__ import annotations

import datetime as dt
import math
import uuid
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import datajoint as dj
from datajoint.errors import DataJointError

TEXTS = [
    "", " ", "a", "A", "a ", " a", "a'", "'", "''", '"', "`", "\\", "\\\\", "\\'", "a\\", "%", "%%", "%s", "%(x)s", "_", "a_b", "a%b", "?", ":x", "$1",
    "{0}", "--", "-- x", "/*", "*/", "#", ";", "'; DROP TABLE canary; --", "' OR '1'='1", "') OR 1=1 --", "\\'; DELETE FROM canary; --", "1; SELECT 1",
    "\n", "\r\n", "\t", "\x1a", "\x08", "\x7f", "NULL", "null", "None", "nan", "NaN", "TRUE", "0", "0x41", "1e5", "0.0", "é", "e\u0301", "É", "ß", "ss", "ﬁ",
    "\u00a0", "\u200b", "\u2028", "\ufeff", "\U0001f40d", "\U0010ffff", "\ufffd", "\ud7ff", "日本語", "مرحبا", "İ", "ı", "x" * 190, "'" * 190, "\\" * 190,
]  # fmt: skip
UNSTORABLE = ["a\0", "\0", "a\0b", "\ud800", "x" * 300, "x" * 100_000]

VALUES: dict[str, tuple[list[Any], list[Any]]] = {
    # what is stored, and what is asked for besides
    "varchar(200)": (TEXTS, UNSTORABLE),
    "int64": ([-(2**63), -(2**63) + 1, -1, 0, 1, 2**53, 2**53 + 1, 2**63 - 2, 2**63 - 1], [2**63, -(2**63) - 1, 10**40, 0.5, 1e300, -1e300, 2.0**63]),
    "int8": ([-128, -1, 0, 127], [128, -129, 1000, 0.1]),
    "float64": ([0.0, 5e-324, 0.1, 1 / 3, 1e15, -1.5, 1.7976931348623157e308, -1.7976931348623157e308, 2.0**53], [math.inf, -math.inf, 10**400, 0.30000000000000004]),
    "float32": ([0.0, 0.5, 16777216.0, -1.5, float(np.float32(0.1)), float(np.float32(3.4e38))], [1e300, math.inf]),
    "decimal(12,4)": ([Decimal(0), Decimal("0.0001"), Decimal("-99999999.9999"), Decimal("1.5")], [Decimal("0.00001"), Decimal("1E+30"), Decimal("Infinity")]),
    "bool": ([True, False], [2, -1, 0.5]),
    "date": ([dt.date(1000, 1, 1), dt.date(2024, 2, 29), dt.date(9999, 12, 31)], [dt.datetime(2024, 2, 29, 0, 0, 0, 1), dt.date(1, 1, 1)]),
    "datetime(6)": (
        [dt.datetime(1000, 1, 1), dt.datetime(2024, 2, 29, 23, 59, 59, 999999), dt.datetime(2024, 2, 29, 23, 59, 59, 999998), dt.datetime(9999, 12, 31, 23, 59, 59, 999999), dt.datetime(2024, 3, 1)],
        [dt.datetime(2024, 2, 29, 23, 59, 59, 1), dt.datetime(1, 1, 1)],
    ),
    "uuid": ([uuid.UUID(int=0), uuid.UUID(int=2**128 - 1), uuid.UUID("00000000-0000-0000-0000-5c27253b2522")], [uuid.UUID(int=5)]),
    "bytes": ([b"", b"\0", b"\0\0", b"a\0b", b"'", b"\\", b"\\x41", b"%s", bytes(range(256)), b"\xff" * 10], [b"a", b"\\x"]),
}  # fmt: skip


@pytest.fixture(scope="module")
def tables(module_schema: dj.Schema) -> Callable[[str], Any]:
    made: dict[str, Any] = {}

    def get(declared: str) -> Any:
        if declared not in made:
            name = f"Hostile{len(made)}"
            cls = type(name, (dj.Manual,), {"definition": f"id: int32\n---\nx=null: {declared}"})
            made[declared] = module_schema(cls, context={})
            stored = VALUES[declared][0]
            made[declared].insert([{"id": n, "x": v} for n, v in enumerate(stored)] + [{"id": -1, "x": None}])
        return made[declared]

    return get


@pytest.fixture(scope="module", autouse=True)
def canary(module_schema: dj.Schema) -> Iterator[Any]:
    table = module_schema(type("Canary", (dj.Manual,), {"definition": "id: int32"}), context={})
    table.insert([{"id": 1}, {"id": 2}])
    yield table
    assert len(table) == 2
    assert "canary" in module_schema.list_tables()


def forms(value: Any) -> dict[str, Any]:
    """Return the ways to ask for a value besides a dict."""
    found: dict[str, Any] = {
        "list": {"x": [value]},
        "among others": {"x": [value, None]},
        "dicts": [{"x": value}],
        "many": [{"x": value}] * 30 + [{"id": 10**6 + n, "x": value} for n in range(30)],
        "not not": dj.Not(dj.Not({"x": value})),
        "and": dj.AndList([{"x": value}, {"x": value}]),
        "frame": pd.DataFrame({"x": pd.Series([value], dtype=object)}),
    }
    if isinstance(value, str) and len(value) < 1000:
        found["text"] = "x = '" + value.replace("\\", "\\\\").replace("'", "''") + "'"
        found["in"] = "x in ('no such text', '" + value.replace("\\", "\\\\").replace("'", "''") + "')"
    if (type(value) is int and abs(value) < 10**300) or (isinstance(value, float) and math.isfinite(value)):
        found["text"] = f"x = {value!r}"
    if isinstance(value, (dt.date, Decimal, uuid.UUID)) and str(value) != "Infinity":
        found["text"] = f"x = '{value}'"
    return found


@pytest.mark.parametrize("declared", VALUES)
def test_values_select_what_python_selects(tables: Any, declared: str) -> None:
    table, (stored, others) = tables(declared), VALUES[declared]
    plain = dict(enumerate(stored))
    for value in [*stored, *others]:
        expected = [n for n, v in plain.items() if equal(v, value)]
        conditions = {"dict": {"x": value}, **forms(value)}
        if value in others and declared in {"date", "datetime(6)"} and not storable(value):
            continue
        for form, condition in conditions.items():
            if form == "frame" and isinstance(value, str) and any("\ud800" <= c <= "\udfff" for c in value):
                continue
            found = [row["id"] for row in (table & condition).keys()]  # noqa: SIM118 - no dict
            wanted = [-1, *expected] if form == "among others" else expected
            assert found == wanted, (form, value)
        rest = [row["id"] for row in (table - {"x": value}).keys()]  # noqa: SIM118
        assert rest == [n for n in plain if n not in expected], value


def equal(stored: Any, value: Any) -> bool:
    if isinstance(value, dt.datetime) and not isinstance(stored, dt.datetime):
        return value == dt.datetime.combine(stored, dt.time())
    return bool(stored == value)


def storable(value: Any) -> bool:
    return value.year >= 1000


@pytest.mark.parametrize("declared", VALUES)
def test_all_values_at_once(tables: Any, declared: str) -> None:
    table, (stored, others) = tables(declared), VALUES[declared]
    asked = [v for v in (*stored[::2], *others) if not isinstance(v, dt.date) or storable(v)]
    expected = [n for n, v in enumerate(stored) if any(equal(v, a) for a in asked)]
    for condition in (
        {"x": asked},
        {"x": asked * 200},
        [{"x": v} for v in asked],
        tuple({"x": v} for v in asked * 100),
    ):
        assert [row["id"] for row in (table & condition).keys()] == expected  # noqa: SIM118
        rest = [n for n in range(len(stored)) if n not in expected]
        assert [row["id"] for row in (table - condition).keys()] == rest  # noqa: SIM118


@pytest.mark.parametrize("declared", VALUES)
def test_rows_find_themselves(tables: Any, declared: str) -> None:
    table = tables(declared)
    rows = table.to_dicts()
    for row in rows:
        assert (table & row).to_dicts() == [row]
    assert (table & rows).to_dicts() == rows
    assert len(table - rows) == 0
    assert (table & rows[::2]).to_dicts() == rows[::2]


def test_columns_of_other_libraries(tables: Any) -> None:
    table = tables("varchar(200)")
    some = TEXTS[::3]
    for frame in (pd.DataFrame({"x": some}), pa.table({"x": some}), pd.DataFrame({"x": some}, dtype="string")):
        assert [row["x"] for row in (table & frame).to_dicts()] == some
    numbers = tables("int64")
    big = np.array([(2**63 - 1,), (-(2**63),)], dtype=[("x", "i8")])
    assert [row["x"] for row in (numbers & big).to_dicts()] == [-(2**63), 2**63 - 1]
    assert [row["x"] for row in (numbers & {"x": np.array([2**53 + 1])}).to_dicts()] == [2**53 + 1]


def test_very_long_lists(tables: Any) -> None:
    table = tables("varchar(200)")
    many = [f"it's {n} \\ % \U0001f40d" for n in range(20_000)]
    assert [row["x"] for row in (table & {"x": [*many, "\\", "%"]}).to_dicts()] == ["\\", "%"]
    assert len(table - {"x": many}) == len(TEXTS)
    keys = [{"id": n, "x": TEXTS[n % len(TEXTS)]} for n in range(20_000)]
    assert len(table & keys) == len(TEXTS)


def test_nothing_is_missing_like_null(tables: Any) -> None:
    for declared in ("float64", "float32", "int64", "date", "datetime(6)"):
        for missing in (None, math.nan, np.nan, pd.NaT, pd.NA, np.datetime64("NaT"), Decimal("NaN")):
            assert [row["id"] for row in (tables(declared) & {"x": missing}).to_dicts()] == [-1]
    assert len(tables("varchar(200)") & {"x": ""}) == 1


def test_time_zones_are_converted_or_refused(tables: Any) -> None:
    table = tables("datetime(6)")
    assert len(table & {"x": dt.datetime(2024, 3, 1, tzinfo=dt.UTC)}) in {0, 1}
    with pytest.raises(DataJointError, match="`x`"):
        table & {"x": dt.datetime(2024, 3, 1, tzinfo=dt.timezone(dt.timedelta(hours=2)))}


def test_keys_join_as_python_compares(module_schema: dj.Schema) -> None:
    classes: dict[str, Any] = {}
    for name, definition in (("Left", "x: varchar(200)"), ("Right", "-> Left\nn: int32")):
        classes[name] = module_schema(type(name, (dj.Manual,), {"definition": definition}), context=classes)
    left, right = classes["Left"], classes["Right"]
    left.insert({"x": text} for text in TEXTS)
    right.insert({"x": text, "n": n} for n, text in enumerate(TEXTS[::2]))
    assert [row["x"] for row in (left & right).to_dicts()] == sorted(TEXTS[::2])
    assert [row["x"] for row in (left - right).to_dicts()] == sorted(TEXTS[1::2])
    assert len(left * right) == len(TEXTS[::2])
    assert len(dj.U("x") & right) == len(TEXTS[::2])
    assert [row["x"] for row in left.to_dicts()] == sorted(TEXTS)
    counted = left.aggr(right, n="count(n)")
    assert [(row["x"], row["n"]) for row in counted.to_dicts()] == [(t, int(t in TEXTS[::2])) for t in sorted(TEXTS)]


def test_text_in_json(module_schema: dj.Schema) -> None:
    table = module_schema(type("Texted", (dj.Manual,), {"definition": "id: int32\n---\nj: json"}), context={})
    table.insert({"id": n, "j": {"t": text, "l": [text, n]}} for n, text in enumerate(TEXTS))
    for n, text in enumerate(TEXTS):
        assert [row["id"] for row in (table & {"j.t": text}).keys()] == [n], text  # noqa: SIM118
        assert [row["id"] for row in (table & {"j.l": [text, n]}).keys()] == [n], text  # noqa: SIM118
        assert [row["id"] for row in (table & {"j": {"l": [text, n], "t": text}}).keys()] == [n], text  # noqa: SIM118
    for text in UNSTORABLE:
        assert len(table & {"j.t": text}) == 0
        assert len(table & {"j.l": [text]}) == 0


# --- names
NAMES = [
    "a b",
    "a'b",
    'a"b',
    "a`b",
    "a;b",
    "a%b",
    "a%sb",
    "a\\b",
    "a--b",
    "é",
    "select",
    "a.b",
    "(a)",
    "-a",
    "x'; DROP TABLE canary; --",
    "KEY",
    "A",
]


@pytest.fixture(scope="module")
def strange(module_schema: dj.Schema) -> Any:
    """A table that another program made, with names that need every care."""
    connection = module_schema.connection
    quote = connection.dialect.quote_name
    base = module_schema(type("Strange", (dj.Manual,), {"definition": "id: int32\n---\nplain=0: int32"}), context={})
    for name in NAMES:
        column = quote(name).replace("%", "%%")
        connection.query(f"ALTER TABLE {base.full_table_name} ADD COLUMN {column} int")
        connection.query(
            f"INSERT INTO {base.full_table_name} (id, {column}) VALUES ({NAMES.index(name)}, {NAMES.index(name) + 100})"
        )
    connection.forget_catalog(module_schema.database)
    return base


@pytest.mark.parametrize("name", NAMES)
def test_strange_names_are_names(strange: Any, name: str) -> None:
    n = NAMES.index(name)
    table, found = strange(), [n]
    assert name in table.heading

    def ids(expression: Any) -> list[int]:
        return [row["id"] for row in expression.keys()]  # noqa: SIM118

    assert ids(table & {name: n + 100}) == found
    assert ids(table & [{name: n + 100}] * 40) == found
    assert ids(table & {name: [n + 100, 1]}) == found
    if not name.startswith("-"):
        assert ids(table.proj(name) & {name: n + 100}) == found
    assert ids(table.proj(new=name) & {"new": n + 100}) == found
    assert ids(table.proj(..., f"-{name}")) == ids(table)
    assert (dj.U(name) & table).to_dicts(order_by=f"`{name.replace('`', '``')}` DESC", limit=1) == [{name: n + 100}]
    if name != "KEY":
        assert (table & {name: n + 100}).fetch1(name) == n + 100
    assert len(table.to_arrays(name)) == len(NAMES)
    if "`" not in name:
        assert ids(table & f"`{name}` = {n + 100}") == found
        assert ids(table & dj.Top(1, f"`{name}` DESC NULLS LAST")) == found
        assert dj.U().aggr(table, m=f"max(`{name}`)").fetch1("m") == n + 100


@pytest.mark.parametrize("name", [n for n in NAMES if not n.startswith(("-", "("))])
def test_strange_new_names_are_names(strange: Any, name: str, engine: str) -> None:
    table = dj.FreeTable(strange.connection, strange.full_table_name) & "id < 3"
    for expression in (
        table.proj(**{name: "plain"}),
        table.proj(**{name: "plain + 1"}),
        dj.U("id").aggr(table, **{name: "max(plain)"}),
    ):
        assert expression.heading.names == ["id", name]
        assert len((expression & dj.Top(2) & {name: [0, 1]}).to_dicts()) == 2


@pytest.mark.parametrize("name", ["", "a\0b", "x" * 100, "é" * 40, "\ud800"])
def test_names_that_no_engine_has_are_refused(strange: Any, name: str) -> None:
    with pytest.raises(DataJointError, match="name"):
        strange.proj(**{name: "plain"}).to_dicts()


def test_unknown_strange_names_are_refused(strange: Any) -> None:
    evil = "x; DROP TABLE canary"
    for use in (
        lambda: strange.proj(evil), lambda: strange.proj(a=evil), lambda: strange & evil, lambda: strange & dj.Top(1, evil),
        lambda: dj.U(evil) & strange, lambda: dj.U(evil).aggr(strange, n="count(*)"), lambda: strange.aggr(strange.proj(), n=evil),
        lambda: strange.to_arrays(evil), lambda: strange.fetch1(evil), lambda: strange.make_sql([evil]),
    ):  # fmt: skip
        with pytest.raises(DataJointError):
            use()


COMMENTS = [
    "'; DROP TABLE canary; --",
    "'",
    "\\",
    "\\'",
    '"',
    "`",
    "%s %d %",
    "/* */ --",
    "é",
    "a:int:b",
    "{0}",
]


@pytest.mark.parametrize("comment", COMMENTS)
def test_comments_are_text(module_schema: dj.Schema, comment: str) -> None:
    name = f"Remark{COMMENTS.index(comment)}"
    definition = f"# {comment}\nid: int32  # {comment}\n---\nx='a': varchar(8)  # {comment}"
    table = module_schema(type(name, (dj.Manual,), {"definition": definition}), context={})
    assert table.heading["x"].comment == comment
    assert table.heading.table_comment == comment
    table.insert1({"id": 1})
    assert table.fetch1() == {"id": 1, "x": "a"}
    assert comment in table.describe()
    assert "&lt;" in table()._repr_html_() or "<script" not in table()._repr_html_()


# --- no second statement
EVIL = [
    "1; DROP TABLE {canary}", "1); DELETE FROM {canary}; --", "id = 1; DELETE FROM {canary}", "id = 1 OR (DELETE FROM {canary})",
    "1 UNION SELECT id FROM {canary}", "(SELECT max(id) FROM {canary})", "exists (select 1 from {canary})", "id in (select id from {canary})",
    "sleep(100)", "pg_sleep(100)", "load_extension('x')", "id = 1 -- '; DELETE FROM {canary}", "/*! DROP TABLE {canary} */ 1 = 1",
]  # fmt: skip


@pytest.mark.parametrize("evil", EVIL)
def test_no_second_statement(strange: Any, canary: Any, evil: str) -> None:
    text = evil.format(canary=canary.full_table_name)
    connection, table = strange.connection, strange.proj("plain")
    uses: list[Callable[[], Any]] = [
        lambda: (table & text).to_dicts(),
        lambda: (table - text).to_dicts(),
        lambda: table.proj(a=text).to_dicts(),
        lambda: (table & dj.Top(1, text)).to_dicts(),
        lambda: table.to_dicts(order_by=text),
        lambda: dj.U().aggr(table, a=text).to_dicts(),
        lambda: table.aggr(table.proj(), a=text).to_dicts(),
        lambda: table.proj(text).to_dicts(),
        lambda: (dj.U(text) & table).to_dicts(),
        lambda: (table & {"plain": text}).to_dicts(),
        lambda: (table & {"plain." + text: 1}).to_dicts(),
        lambda: (table & {text: 1}).to_dicts(),
        lambda: (table & {"id": [text, 1]}).to_dicts(),
    ]
    with connection.query_log() as log:
        for use in uses:
            try:
                use()
            except DataJointError:
                continue
    for record in log:
        words = record.text.upper().split()
        assert words[0] in {"SELECT", "EXPLAIN"}, record.text
        assert "CANARY" not in record.text.upper(), record.text
        assert "SLEEP" not in record.text.upper()
    assert len(canary) == 2
