"""One program, the same values on every engine: what goes in comes out, is found again, and sorts alike."""

from __future__ import annotations

import datetime as dt
import math
import struct
import uuid
from collections import Counter
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import datajoint as dj
from datajoint.definition import TableName
from datajoint.errors import (
    AccessError,
    DataJointError,
    DuplicateError,
    IntegrityError,
    InvalidTypeError,
    InvalidValueError,
    LostConnectionError,
    MissingAttributeError,
    MissingTableError,
    QuerySyntaxError,
    UnknownAttributeError,
)
from datajoint.sql import Parameter, Sql, column
from datajoint.values.compare import compare
from datajoint.values.parse import parse_type
from tests.capabilities import differs

INFINITE = {"sqlite", "postgresql"}

characters = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
text = st.text(st.sampled_from("aAbBéẞ%_\\'\" \n`$?😀\ud7ff\ue000\U0010ffff") | characters, max_size=8)
float32 = st.floats(width=32, allow_nan=False).map(lambda x: x + 0.0)
documents = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(-1e300, 1e300, allow_nan=False) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=6,
).filter(lambda x: x is not None)


def decimals(digits, scale):
    limit = 10**digits - 1
    return st.integers(-limit, limit).map(lambda n: Decimal(f"{n}e-{scale}"))


def moments(digits, first=dt.datetime(1, 1, 1), last=dt.datetime(9999, 12, 31, 23, 59, 59)):
    step = 10 ** (6 - digits)
    return st.datetimes(first, last).map(lambda t: t.replace(microsecond=t.microsecond // step * step))


VALUES = {
    "int8": st.integers(-128, 127),
    "int16": st.integers(-(2**15), 2**15 - 1),
    "int32": st.integers(-(2**31), 2**31 - 1),
    "int64": st.integers(-(2**63), 2**63 - 1),
    "int unsigned": st.integers(0, 2**32 - 1),
    "bigint unsigned": st.integers(0, 2**63 - 1),
    "float32": float32,
    "float64": st.floats(allow_nan=False).map(lambda x: x + 0.0),
    "decimal(15,4)": decimals(15, 4),
    "decimal(30,10)": decimals(30, 10),
    "bool": st.booleans(),
    "char(8)": text.filter(lambda s: min(s, default=" ") >= " ").map(lambda s: s.rstrip(" ")),
    "varchar(8)": text,
    "text": text,
    "enum('b','A','a','it''s: #1, \"x\"')": st.sampled_from(["b", "A", "a", 'it\'s: #1, "x"']),
    "date": st.dates(),
    "datetime": moments(0),
    "datetime(3)": moments(3),
    "datetime(6)": moments(6),
    "timestamp(2)": moments(2, dt.datetime(1970, 1, 2), dt.datetime(2037, 1, 1)),
    "time(6)": st.timedeltas(dt.timedelta(), dt.timedelta(hours=23, minutes=59, seconds=59)),
    "year": st.just(0) | st.integers(1901, 2155),
    "uuid": st.uuids(),
    "json": documents,
    "bytes": st.binary(max_size=20),
    "blob": st.binary(max_size=20),
}
ORDERED = {name for name in VALUES if not name.startswith(("json", "bytes", "blob", "decimal(30"))}


@pytest.fixture(scope="module")
def tables(module_schema):
    """One table for each type: a number, and a value that may be missing."""
    made = {}

    def table(declared):
        if declared not in made:
            name = f"Values{chr(65 + len(made) // 26)}{chr(65 + len(made) % 26)}"
            definition = f"id : int32\n---\nx = null : {declared}"
            made[declared] = module_schema(type(name, (dj.Manual,), {"definition": definition}))
        return made[declared]

    return table


def same(found, expected):
    """Tell equality of value and class: True is not 1, and 1.0 is not 1 outside of JSON."""
    return type(found) is type(expected) and found == expected


def position(declared, value):
    """Return what the engine is to sort by."""
    if declared.startswith("enum"):
        return parse_type(declared).labels.index(value)
    return value.bytes if isinstance(value, uuid.UUID) else value


def delivered(engine, declared, value):
    if declared.startswith("time(") and engine == "postgresql":
        return (dt.datetime.min + value).time()
    return value


@pytest.mark.parametrize("declared", VALUES)
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_values_come_back_are_found_and_sort_alike(tables, engine, declared, data):
    table = tables(declared)()
    values = data.draw(st.lists(VALUES[declared], min_size=1, max_size=6))
    if engine not in INFINITE and declared.startswith("float"):
        values = [v for v in values if math.isfinite(v)] or [0.0]
    table.delete_quick()
    table.insert({"id": n, "x": v} for n, v in enumerate(values))
    table.insert1({"id": -1, "x": None})

    rows = table.to_dicts(order_by="id")
    assert rows[0]["x"] is None
    for row, value in zip(rows[1:], values, strict=True):
        found, expected = row["x"], delivered(engine, declared, value)
        if declared == "json":
            assert found == expected
        elif declared == "float32":
            assert struct.pack("f", found) == struct.pack("f", expected)
        else:
            assert same(found, expected), (found, expected)
        if isinstance(value, Decimal):
            assert str(found) == str(value or value.copy_abs())

    for value in values:
        expected = sorted(n for n, v in enumerate(values) if v == value and json_alike(v, value))
        assert sorted(r["id"] for r in (table & {"x": value}).to_dicts()) == expected, value

    if declared in ORDERED:
        ordered = [r["id"] for r in table.to_dicts(order_by=["x", "id"])]
        assert ordered == [-1, *sorted(range(len(values)), key=lambda n: (position(declared, values[n]), n))]
        descending = [r["id"] for r in table.to_dicts(order_by=["x DESC", "id"])]
        assert descending[-1] == -1
        assert descending[:-1] == sorted(
            sorted(range(len(values))), key=lambda n: position(declared, values[n]), reverse=True
        )


SUMMED = {"int8", "int16", "int32", "int64", "int unsigned", "bool"}


@pytest.mark.parametrize("declared", sorted(ORDERED))
@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_groups_extremes_and_sums_agree_with_python(tables, engine, declared, data):
    table = tables(declared)()
    finite = VALUES[declared].filter(lambda v: not (isinstance(v, float) and math.isinf(v)))
    values = data.draw(st.lists(data.draw(st.sampled_from([finite, st.sampled_from(data.draw(st.lists(finite, min_size=1, max_size=2)))])),
                                min_size=1, max_size=5))  # fmt: skip
    table.delete_quick()
    table.insert({"id": n, "x": v} for n, v in enumerate(values))
    table.insert1({"id": -1, "x": None})

    counted = dj.U("x").aggr(table, n="count(*)").to_dicts()
    assert len(counted) == len(set(values)) + 1
    expected = Counter(delivered(engine, declared, v) for v in [*values, None] if v is not None)
    found = {row["x"]: row["n"] for row in counted if row["x"] is not None}
    if declared == "float32":
        found = {struct.pack("f", x): n for x, n in found.items()}
        expected = Counter(struct.pack("f", v) for v in values)
    assert found == dict(expected)

    if declared != "bool" and not declared.startswith(("uuid",)):
        row = dj.U().aggr(table, lo="min(x)", hi="max(x)").fetch1()
        for extreme, value in ((row["lo"], min(values)), (row["hi"], max(values))):
            wanted = delivered(engine, declared, value)
            assert extreme == (pytest.approx(wanted, rel=1e-6) if declared == "float32" else wanted)
    if declared in SUMMED and -(2**63) <= sum(values) < 2**63:
        total = dj.U().aggr(table, s="sum(x)").fetch1("s")
        assert (total, type(total)) == (sum(values), int)


def json_alike(a, b):
    """Tell apart what Python takes for equal and JSON does not: true and 1."""
    from datajoint.values.documents import same_document

    return not isinstance(a, dict | list | bool | int | float) or same_document(a, b)


@pytest.mark.parametrize("declared", [name for name in VALUES if name != "json"])
@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_many_keys_travel_exactly_in_one_parameter(tables, connection_of, engine, declared, data):
    connection, name = connection_of(declared)
    value_type = tables(declared).heading["x"].value_type
    values = data.draw(st.lists(VALUES[declared], min_size=1, max_size=4, unique=True))
    if engine not in INFINITE:
        values = [v for v in values if not (isinstance(v, float) and math.isinf(v))] or [0.0]
    tables(declared)().delete_quick()
    tables(declared).insert({"id": n, "x": v} for n, v in enumerate(values))
    integer = parse_type("int32")
    one = connection.backend.key_table([("x", value_type)], [(v,) for v in values])
    two = connection.backend.key_table([("id", integer), ("x", value_type)], [(n, v) for n, v in enumerate(values)])
    wrong = connection.backend.key_table(
        [("id", integer), ("x", value_type)], [(n + 1, v) for n, v in enumerate(values)]
    )
    select = Sql("SELECT count(*) FROM ", name.identifier, " WHERE ")
    x, both = Sql("(", column("x"), ")"), Sql("(", column("id"), ", ", column("x"), ")")
    assert connection.execute(Sql(select, x, " IN (", one, ")")).rows == [(len(values),)]
    assert connection.execute(Sql(select, both, " IN (", two, ")")).rows == [(len(values),)]
    assert connection.execute(Sql(select, both, " IN (", wrong, ")")).rows == [(0,)]


@pytest.fixture(scope="module")
def connection_of(tables):
    def get(declared):
        table = tables(declared)()
        schema, name = table.database, table.table_name
        return table.connection, TableName(schema, name)

    return get


@pytest.mark.parametrize("declared", sorted(ORDERED))
@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_comparisons_agree_with_python(tables, connection_of, engine, declared, data):
    connection, name = connection_of(declared)
    backend, value_type = connection.backend, tables(declared).heading["x"].value_type
    finite = VALUES[declared].filter(lambda v: not (isinstance(v, float) and math.isinf(v)))
    values, literal = data.draw(st.lists(finite, min_size=1, max_size=4)), data.draw(finite)
    tables(declared)().delete_quick()
    tables(declared).insert({"id": n, "x": v} for n, v in enumerate(values))
    for operator, holds in {
        "<": lambda a, b: a < b,
        "<=": lambda a, b: a <= b,
        ">": lambda a, b: a > b,
        "<>": lambda a, b: a != b,
    }.items():
        comparison = compare(value_type, operator, literal, infinity=connection.dialect.float_infinity)
        expected = [n for n, v in enumerate(values) if holds(v, literal)]
        if comparison.outcome != "bound":
            found = list(range(len(values))) if comparison.outcome == "all" else []
        else:
            x = Sql(column("x"))
            x = x if comparison.operator in {"=", "<>"} else backend.compared(value_type, x)
            condition = Sql(x, f" {comparison.operator} ", backend.bind(value_type, comparison.value))
            rows = connection.execute(
                Sql("SELECT id FROM ", name.identifier, " WHERE ", condition, " ORDER BY id")
            ).rows
            found = [row[0] for row in rows]
        assert found == expected, (operator, literal, values)


# --- what is refused
@pytest.mark.parametrize(
    ("declared", "value", "kind"),
    [
        ("int8", 128, InvalidValueError), ("int8", 5.5, InvalidValueError), ("int16", "x", InvalidValueError), ("int32", b"5", InvalidTypeError),
        ("float32", 3.5e38, InvalidValueError), ("decimal(15,4)", 10**12, InvalidValueError), ("bool", 2, InvalidValueError),
        ("varchar(8)", "123456789", InvalidValueError), ("varchar(8)", "1234567  ", InvalidValueError), ("varchar(8)", "a\0", InvalidValueError),
        ("varchar(8)", True, InvalidTypeError), ("date", "2024-02-30", InvalidValueError), ("date", 5, InvalidTypeError),
        ("datetime", dt.datetime(2024, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=1))), InvalidValueError), ("uuid", "x", InvalidValueError),
        ("json", {"a": math.nan}, InvalidValueError), ("json", object(), InvalidTypeError), ("bytes", "x", InvalidTypeError), ("blob", 5, InvalidTypeError),
        ("time(6)", dt.timedelta(hours=-900), InvalidValueError), ("year", 1800, InvalidValueError),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_by_name_and_nothing_is_stored(tables, declared, value, kind):
    table = tables(declared)()
    table.delete_quick()
    with pytest.raises(kind, match="x") as caught:
        table.insert([{"id": 1, "x": None}, {"id": 2, "x": value}])
    assert type(caught.value) is kind
    assert len(table) == 0


def test_infinity_is_refused_where_floats_are_finite(tables, engine):
    table = tables("float64")()
    table.delete_quick()
    if engine in INFINITE:
        table.insert1({"id": 1, "x": math.inf})
        assert table.fetch1("x") == math.inf
    else:
        with pytest.raises(InvalidValueError, match="finite"):
            table.insert1({"id": 1, "x": math.inf})


RAW = [
    ("int16", "40000"), ("int16", "'x'"), ("varchar(8)", "'123456789'"), ("date", "'2024-02-30'"), ("date", "'now'"), ("datetime", "'x'"),
    ("enum('b','A','a','it''s: #1, \"x\"')", "'z'"), ("decimal(15,4)", "1000000000000"), ("json", "'{'"), ("year", "1800"), ("int unsigned", "-1"),
]  # fmt: skip


@pytest.mark.parametrize(("declared", "literal"), RAW)
def test_the_database_refuses_bad_values_itself(connection_of, tables, declared, literal):
    connection, name = connection_of(declared)
    if connection.dialect.name == "postgresql" and literal == "'now'":
        pytest.skip("PostgreSQL reads 'now' as a date; ours is refused before it is sent")
    tables(declared)().delete_quick()
    with pytest.raises(InvalidValueError):
        connection.execute(Sql("INSERT INTO ", name.identifier, f" (id, x) VALUES (1, {literal})"))
    assert connection.execute(Sql("SELECT count(*) FROM ", name.identifier)).rows == [(0,)]


# --- JSON
DOCUMENT = {"a": {"b": [10, {"c": "x"}], "t": True, "n": None, "s": "text", "f": 20.5, "e": 0}, "é": [1, 2]}
JSON_PATHS = [
    ("a.s", None, "text"), ("a.f", None, "20.5"), ("a.t", None, "true"), ("a.n", None, None), ("a.none", None, None), ("a.b[0]", None, "10"),
    ("a.b[1].c", None, "x"), ("a.f", "double", 20.5), ("a.f", "decimal(4, 1)", Decimal("20.5")), ("a.b[0]", "unsigned", 10), ("a.t", "unsigned", 1),
    ("a.e", "signed", 0), ("a.n", "unsigned", None), ("a.none", "decimal(5,2)", None),
]  # fmt: skip


@pytest.mark.parametrize(("path", "cast", "expected"), JSON_PATHS)
def test_json_paths(connection_of, tables, path, cast, expected):
    connection, name = connection_of("json")
    table = tables("json")()
    table.delete_quick()
    table.insert([{"id": 1, "x": DOCUMENT}, {"id": 2, "x": None}, {"id": 3, "x": [1]}])
    backend = connection.backend
    extracted, value_type = backend.json_path(Sql(column("x")), path, cast)
    rows = connection.execute(Sql("SELECT ", extracted, " AS y FROM ", name.identifier, " ORDER BY id")).rows
    decode = backend.decoder(value_type)
    found = [None if value is None else decode(value) if decode else value for (value,) in rows]
    assert same(found[0], expected), found
    assert found[1:] == [None, None]


@pytest.mark.parametrize(
    ("stored", "literal", "equal"),
    [
        ({"a": 1, "b": [True, None]}, {"b": [True, None], "a": 1.0}, True), ({"a": 1}, {"a": True}, False), ([1, 2], [2, 1], False), ("1", 1, False),
        ("é\"\\'%", "é\"\\'%", True), (1.2e18, 1200000000000000000, True), ([], {}, False), ({}, {"a": None}, False), (True, True, True), (0, False, False),
    ],
)  # fmt: skip
def test_json_equality_is_of_values(connection_of, tables, stored, literal, equal):
    table = tables("json")()
    table.delete_quick()
    table.insert([{"id": 1, "x": stored}, {"id": 2, "x": None}])
    assert [r["id"] for r in (table & {"x": literal}).to_dicts()] == ([1] if equal else [])
    assert [r["id"] for r in (table - {"x": literal}).to_dicts()] == ([] if equal else [1])


@pytest.mark.parametrize("value", [1e300, -1.5e-300, 1.2e18, 2**64 - 1, -(2**63), 5.0, [1e20]])
def test_numbers_in_json_keep_their_class(tables, value):
    table = tables("json")()
    table.delete_quick()
    table.insert1({"id": 1, "x": value})
    found = table.fetch1("x")
    assert found == value
    if value != 5.0:  # MySQL may write 5.0 as it likes
        assert type(found) is type(value)


# --- errors
@pytest.fixture
def pair(schema):
    @schema
    class Parent(dj.Manual):
        definition = """
        a : int16
        ---
        b : varchar(5)
        c = null : int16
        unique index (c)
        """

    @schema
    class Child(dj.Manual):
        definition = """
        -> Parent
        """

    return Parent, Child


def test_errors_are_sorted_alike(pair, connection):
    parent, _ = pair
    p, c = (TableName(t().database, t().table_name).identifier for t in pair)
    connection.execute(Sql("INSERT INTO ", p, " (a, b, c) VALUES (1, 'x', 1)"))
    connection.execute(Sql("INSERT INTO ", c, " (a) VALUES (1)"))
    cases = [
        (Sql("INSERT INTO ", p, " (a, b) VALUES (1, 'x')"), DuplicateError),
        (Sql("INSERT INTO ", p, " (a, b, c) VALUES (2, 'x', 1)"), DuplicateError),
        (Sql("INSERT INTO ", p, " (a) VALUES (2)"), MissingAttributeError),
        (Sql("INSERT INTO ", p, " (a, b) VALUES (2, NULL)"), MissingAttributeError),
        (Sql("INSERT INTO ", c, " (a) VALUES (9)"), IntegrityError),
        (Sql("DELETE FROM ", p), IntegrityError),
        (Sql("SELECT no_such FROM ", p), UnknownAttributeError),
        (Sql("SELECT * FROM ", TableName(parent().database, "nothing").identifier), MissingTableError),
        (Sql("SELEC 1"), QuerySyntaxError),
        (Sql("SELECT no_such_function(1)"), QuerySyntaxError),
    ]
    for statement, kind in cases:
        with pytest.raises(DataJointError) as caught:
            connection.execute(statement)
        assert type(caught.value) is kind, (statement, caught.value)
        assert caught.value.__cause__ is not None
        assert caught.value.query


def test_duplicates_are_skipped_or_replaced(pair, connection):
    parent, _ = pair
    parent.insert([{"a": 1, "b": "x", "c": 5}, {"a": 2, "b": "y", "c": None}])
    parent.insert([{"a": 1, "b": "new"}, {"a": 3, "b": "z"}], skip_duplicates=True)
    assert parent.to_dicts(order_by="a") == [
        {"a": 1, "b": "x", "c": 5},
        {"a": 2, "b": "y", "c": None},
        {"a": 3, "b": "z", "c": None},
    ]
    parent.insert([{"a": 1, "b": "new"}], replace=True)
    assert (parent & "a = 1").fetch1() == {"a": 1, "b": "new", "c": None}


def test_a_reading_transaction_sees_one_snapshot_and_cannot_write(pair, connection, new_connection):
    parent, _ = pair
    parent.insert1({"a": 1, "b": "x"})
    other = new_connection()
    with connection.transaction(read_only=True):
        assert len(parent()) == 1
        other.execute(Sql("INSERT INTO ", TableName(parent().database, "parent").identifier, " (a, b) VALUES (2, 'x')"))
        assert len(parent()) == 1
        with pytest.raises(AccessError):
            parent.insert1({"a": 3, "b": "x"})
    assert len(parent()) == 2
    parent.insert1({"a": 3, "b": "x"})


def test_a_closed_link_is_noticed_and_restored(connection):
    raw = connection._session().raw
    assert connection.is_connected
    raw.close()
    assert not connection.is_connected
    assert connection.execute(Sql("SELECT 1")).rows == [(1,)]
    connection._session().raw.close()
    with pytest.raises(LostConnectionError), connection.transaction:
        connection._session().raw.close()
        connection.execute(Sql("SELECT 1"))
    assert connection.execute(Sql("SELECT 1")).rows == [(1,)]


def test_a_session_that_the_server_ended_is_restored(connection, new_connection, engine):
    if engine == "sqlite":
        pytest.skip("there is no server")
    number = connection.connection_id
    kill = "SELECT pg_terminate_backend(%s)" if engine == "postgresql" else "KILL %s"
    new_connection().query(kill, (number,))
    assert connection.execute(Sql("SELECT 1")).rows == [(1,)]
    assert connection.connection_id != number


def test_the_raw_door_takes_percent_on_every_engine(connection):
    assert connection.query("SELECT %s, 'a%%', 7 %% 4", ("x",)).fetchall()[0] == ("x", "a%", 3)
    assert connection.query("SELECT 'a%%' AS a").fetchone() == ("a%",)
    cursor = connection.query("SELECT 1 AS a", as_dict=True)
    assert cursor.rowcount == 1
    assert list(cursor) == [{"a": 1}]
    assert connection.execute(Sql("SELECT 'a%', ", Parameter("%s"))).rows == [("a%", "%s")]


def test_only_schemas_of_users_are_listed(schema, connection):
    names = connection.backend.schema_names(connection.execute)
    assert schema.database in names
    assert not {"mysql", "sys", "information_schema", "performance_schema", "pg_catalog"} & set(names)


def test_an_enum_key_is_found_among_many(schema):
    labels = [f"l{n}" for n in range(30)]
    definition = f"e : enum({','.join(map(repr, labels))})\nn : int8"
    table = schema(type("Labelled", (dj.Manual,), {"definition": definition}))
    table.insert({"e": label, "n": 1} for label in labels)
    chosen = [{"e": label, "n": 1} for label in labels[:25]]
    assert Counter(row["e"] for row in (table & chosen).to_dicts()) == Counter(labels[:25])


def test_text_keys_compare_by_code_point(schema):
    table = schema(type("Named", (dj.Manual,), {"definition": "name : varchar(10)"}))
    names = ["Ab", "ab", "\u00e9", "e", "e\u0301", "a", "a ", "\u00df", "ss"]
    table.insert({"name": name} for name in names)
    assert [k["name"] for k in table.keys(order_by="name")] == sorted(names)
    for name in names:
        assert (table & {"name": name}).fetch1("name") == name


@differs("control characters in char(n) sort below the end of a text")
def test_control_characters_in_char_sort_by_code_point(schema):
    table = schema(type("Padded", (dj.Manual,), {"definition": "name : char(4)"}))
    table.insert([{"name": ""}, {"name": "\x1f"}])
    assert [k["name"] for k in table.keys(order_by="name")] == ["", "\x1f"]


def test_generated_numbers_go_on_after_explicit_ones(schema):
    table = schema(type("Numbered", (dj.Manual,), {"definition": "n : int auto_increment\n---\nx : int8"}))
    table.insert1({"x": 1})
    table.insert1({"n": 0, "x": 2})
    table.insert1({"n": 10, "x": 3})
    table.insert1({"x": 4})
    assert table.to_arrays("n", order_by="n").tolist() == [0, 1, 10, 11]


@pytest.mark.parametrize("collation", ["latin1_swedish_ci", "utf8mb4_general_ci", "utf8mb4_bin"])
def test_a_child_of_an_old_schema_repeats_its_collation(connection, new_schema_name, engine, collation):
    if engine not in {"mysql", "mariadb"}:
        pytest.skip("there is one collation")
    old_name = new_schema_name("old")
    charset = collation.split("_")[0]
    connection.query(f"CREATE DATABASE `{old_name}` CHARACTER SET {charset} COLLATE {collation}")
    old = dj.Schema(old_name, connection=connection)
    parent = old(type("Subject", (dj.Manual,), {"definition": "name : varchar(10)\nside : enum('l','r')"}))
    new = dj.Schema(new_schema_name("new"), connection=connection)
    child = new(
        type("Visit", (dj.Manual,), {"definition": "-> Subject\nn : int8\n---\nnote = '' : varchar(5)"}),
        context={"Subject": parent},
    )
    parent.insert1({"name": "Äb", "side": "l"})
    child.insert1({"name": "Äb", "side": "l", "n": 1})
    assert len(parent * child) == 1
    assert len(child & [{"name": "Äb", "side": "l", "n": n} for n in range(30)]) == 1
    columns = {c.name: c.collation for c in connection.catalog(new.database).tables["visit"].columns}
    assert columns["name"].endswith(collation)
    assert columns["note"] == connection.catalog(new.database).collation


def test_a_missing_certificate_is_named(new_connection, url, engine, settings):
    if engine not in {"mysql", "mariadb"}:
        pytest.skip("libpq names it itself, and a file needs none")
    with pytest.raises(DataJointError, match="certificate"):
        new_connection(use_tls={"ca": "/no/such/file.pem"})
