"""The embedded engine: which files it opens, what guards them, what its errors say."""

import datetime as dt
import os
import sqlite3
import subprocess
import sys
from decimal import Decimal
from uuid import UUID

import pytest

from datajoint.backends import Target, get_backend
from datajoint.backends.sqlite_values import check, encoder
from datajoint.definition import AttributeDefinition, ForeignKeyDefinition, TableDefinition, TableName
from datajoint.errors import (
    AccessError,
    DataJointError,
    DefinitionError,
    DuplicateError,
    IntegrityError,
    InvalidTypeError,
    InvalidValueError,
    LockError,
    LostConnectionError,
    MissingAttributeError,
    MissingTableError,
    QuerySyntaxError,
    UnknownAttributeError,
)
from datajoint.sql import Sql
from datajoint.values.accept import acceptor
from datajoint.values.parse import parse_type

BACKEND = get_backend("sqlite")


def target(path, **options):
    return Target(backend="sqlite", path=str(path), **options)


def run(raw, statement):
    text, values = statement.render(BACKEND.dialect)
    return BACKEND.execute(raw, text, values)


def attribute(name, text, **options):
    return AttributeDefinition(name, text, parse_type(text), **options)


@pytest.fixture
def raw(tmp_path):
    connection = BACKEND.connect(target(tmp_path / "t.db"))
    yield connection
    connection.close()


def create(raw, name, *attributes, **options):
    for statement in BACKEND.create_table(TableName("lab", name), TableDefinition(attributes, **options), None):
        run(raw, statement)


def refused(raw, text, *values):
    with pytest.raises(sqlite3.Error) as caught:
        raw.execute(text, values)
    return BACKEND.explain(caught.value, text)


# --- files
def test_a_new_file_is_created_and_opened_again(tmp_path):
    for _ in range(2):
        raw = BACKEND.connect(target(tmp_path / "a b%#?.db"))
        assert BACKEND.is_alive(raw)
        assert raw.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert raw.execute("PRAGMA foreign_keys").fetchone() == (1,)
        BACKEND.close(raw)
        assert not BACKEND.is_alive(raw)
    assert (tmp_path / "a b%#?.db").exists()


def test_memory_is_a_private_file():
    first, second = (BACKEND.resolved(target(":memory:")) for _ in range(2))
    assert first.path != second.path
    raw = BACKEND.connect(first)
    create(raw, "a", attribute("x", "int32", in_key=True))
    other = BACKEND.connect(first)
    assert other.execute("SELECT count(*) FROM `lab.a`").fetchone() == (0,)
    raw.close()
    other.close()


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(DataJointError, match="no_such does not exist.*Create the folder"):
        BACKEND.connect(target(tmp_path / "no_such" / "x.db"))


def test_a_folder_is_no_database(tmp_path):
    with pytest.raises(DataJointError, match="it is a folder"):
        BACKEND.connect(target(tmp_path))


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("something else " * 100)
    with pytest.raises(DataJointError, match="not a SQLite database"):
        BACKEND.connect(target(path))
    assert path.read_text() == "something else " * 100


def test_a_database_of_another_program_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE t (x)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(DataJointError, match="made by another program"):
        BACKEND.connect(target(path))
    assert path.read_bytes() == before


def test_a_newer_format_is_refused(tmp_path):
    raw = BACKEND.connect(target(tmp_path / "t.db"))
    raw.execute("UPDATE `~dj_format` SET format = 99")
    raw.close()
    with pytest.raises(DataJointError, match="newer version.*Upgrade"):
        BACKEND.connect(target(tmp_path / "t.db"))


def test_reading_only(tmp_path):
    with pytest.raises(DataJointError, match="no such file"):
        BACKEND.connect(target(tmp_path / "t.db", read_only=True))
    BACKEND.connect(target(tmp_path / "t.db")).close()
    raw = BACKEND.connect(target(tmp_path / "t.db", read_only=True))
    assert isinstance(refused(raw, "INSERT INTO `~dj_schemas` VALUES ('x')"), AccessError)
    raw.close()


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="the superuser may write everything")
def test_a_folder_that_may_not_be_written(tmp_path):
    BACKEND.connect(target(tmp_path / "t.db")).close()
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(AccessError, match="may not be written"):
            BACKEND.connect(target(tmp_path / "new.db"))
        raw = BACKEND.connect(target(tmp_path / "t.db"))
        assert raw.execute("SELECT count(*) FROM `~dj_schemas`").fetchone() == (0,)
        raw.close()
    finally:
        tmp_path.chmod(0o700)


def test_many_processes_open_a_new_file_at_once(tmp_path):
    program = (
        "import sys; from datajoint.backends import Target, get_backend;"
        "from datajoint.definition import *; from datajoint.values.parse import parse_type;"
        "b = get_backend('sqlite'); raw = b.connect(Target(backend='sqlite', path=sys.argv[1]));"
        "d = TableDefinition((AttributeDefinition('x', 'int32', parse_type('int32'), in_key=True),));"
        "b.execute(raw, 'BEGIN IMMEDIATE', ());"
        "[b.execute(raw, *s.render(b.dialect)) for s in b.create_table(TableName('lab', 'a'), d, None)];"
        "raw.execute('COMMIT'); raw.close()"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", program, str(tmp_path / "t.db")], stderr=subprocess.PIPE)
        for _ in range(12)
    ]
    faults = [process.communicate(timeout=60)[1].decode() for process in started]
    assert [process.returncode for process in started] == [0] * 12, faults
    raw = BACKEND.connect(target(tmp_path / "t.db"))
    assert raw.execute("SELECT count(*) FROM `~dj_tables`").fetchone() == (1,)
    raw.close()


# --- transactions
def test_a_second_writer_waits_and_then_fails(tmp_path):
    first = BACKEND.connect(target(tmp_path / "t.db"))
    second = BACKEND.connect(target(tmp_path / "t.db", lock_timeout=0.05))
    first.execute(*BACKEND.begin("write"))
    assert isinstance(refused(second, "BEGIN IMMEDIATE"), LockError)
    first.execute("ROLLBACK")
    second.execute("BEGIN IMMEDIATE")
    second.execute("ROLLBACK")
    first.close()
    second.close()


def test_a_read_only_transaction_sees_one_snapshot_and_cannot_write(raw, tmp_path):
    create(raw, "a", attribute("x", "int32", in_key=True))
    for statement in BACKEND.begin("read_only"):
        BACKEND.execute(raw, statement, [])
    writer = BACKEND.connect(target(tmp_path / "t.db"))
    writer.execute("INSERT INTO `lab.a` VALUES (1)")
    assert raw.execute("SELECT count(*) FROM `lab.a`").fetchone() == (0,)
    assert isinstance(refused(raw, "INSERT INTO `lab.a` VALUES (2)"), AccessError)
    BACKEND.execute(raw, "ROLLBACK", [])
    raw.execute("INSERT INTO `lab.a` VALUES (2)")
    writer.close()


# --- errors
def test_errors_name_table_and_attribute(raw):
    create(raw, "a", attribute("x", "int8", in_key=True), attribute("y", "varchar(3)"), comment="")
    create(
        raw, "b", attribute("x", "int8", in_key=True),
        foreign_keys=(ForeignKeyDefinition(("x",), TableName("lab", "a"), ("x",)),),
    )  # fmt: skip
    raw.execute("INSERT INTO `lab.a` VALUES (1, 'a')")
    raw.execute("INSERT INTO `lab.b` VALUES (1)")
    cases = [
        ("INSERT INTO `lab.a` VALUES (1, 'b')", DuplicateError, "lab.a", "x"),
        ("INSERT INTO `lab.a` (x) VALUES (2)", MissingAttributeError, "lab.a", "y"),
        ("INSERT INTO `lab.a` VALUES (NULL, 'a')", MissingAttributeError, "lab.a", "x"),
        ("INSERT INTO `lab.a` VALUES (300, 'a')", InvalidValueError, "lab.a", "x"),
        ("INSERT INTO `lab.a` VALUES (2, 'long')", InvalidValueError, "lab.a", "y"),
        ("INSERT INTO `lab.a` VALUES ('x', 'a')", InvalidValueError, "lab.a", "x"),
        ("INSERT INTO `lab.b` VALUES (9)", IntegrityError, "lab.b", None),
        ("DELETE FROM `lab.a`", IntegrityError, "lab.a", None),
        ("SELECT * FROM `lab.none`", MissingTableError, "lab.none", None),
        ("SELECT `none` FROM `lab.a`", UnknownAttributeError, "lab.a", "none"),
        ("INSERT INTO `lab.a` (none) VALUES (1)", UnknownAttributeError, "lab.a", "none"),
        ("SELEC 1", QuerySyntaxError, None, None),
        ("SELECT no_such(1)", QuerySyntaxError, None, None),
    ]
    for text, kind, table, name in cases:
        error = refused(raw, text)
        assert type(error) is kind, text
        assert (error.table, error.attribute) == (table, name), text
        assert error.query == text
    assert "varchar(3)" in str(refused(raw, "INSERT INTO `lab.a` VALUES (2, 'long')"))
    assert isinstance(refused(raw, "SELECT ?", object()), InvalidTypeError)


def test_values_beyond_the_engine_are_invalid():
    raw = sqlite3.connect(":memory:")
    with pytest.raises(OverflowError) as caught:
        raw.execute("SELECT ?", (2**63,))
    assert isinstance(BACKEND.explain(caught.value), InvalidValueError)
    raw.close()
    with pytest.raises(sqlite3.ProgrammingError) as closed:
        raw.execute("SELECT 1")
    assert isinstance(BACKEND.explain(closed.value), LostConnectionError)


# --- tables
@pytest.mark.parametrize(
    ("text", "good", "bad"),
    [
        ("int8", [-128, 127, None], [128, 1.5, "x", b"1"]),
        ("int64", [-(2**63), 2**63 - 1], [2.0**63, "x"]),
        ("bigint unsigned", [0, 2**63 - 1], [-1]),
        ("float32", [3.4028234663852886e38, float("inf"), 1], [3.5e38, "x"]),
        ("float64", [1e308, float("-inf"), 5], ["x", b"x"]),
        ("decimal(5,2)", [999.99, -0.01, 0], [1000.0, 0.001, "x"]),
        ("decimal(20,2)", ["0.00", "-0.01", "123456789012345678.99", None],
         ["-0.00", "1", "1.0", "01.00", "1.000", "--1.00", "1-.00", ".00", "1.2.00", "1234567890123456789.00", "+1.00", " 1.00", "a.00"]),
        ("decimal(20,20)", ["0." + "9" * 20], ["1." + "0" * 20]),
        ("decimal(20,0)", ["0", "-12345678901234567890"], ["-0", "1.", "00", "123456789012345678901", ""]),
        ("bool", [0, 1, None], [2, -1, "true"]),
        ("varchar(3)", ["", "abc", "😀😀😀", None], ["abcd"]),
        ("enum('a','it''s')", ["a", "it's", None], ["A", "b", ""]),
        ("date", ["2024-02-29", "0001-01-01", "9999-12-31", None], ["2023-02-29", "2024-2-9", "now", "0000-01-01", "2024-01-05 00:00:00", "", 5]),
        ("datetime", ["2024-02-29 23:59:59", None], ["2024-02-29", "2024-02-29 24:00:00", "2024-02-29T00:00:00", "2024-02-29 00:00:00.5", "now"]),
        ("datetime(3)", ["2024-02-29 23:59:59.999", None], ["2024-02-29 23:59:59", "2024-02-29 23:59:59.99", "2024-02-30 23:59:59.999", "2024-02-29 23:59:59.9999"]),
        ("datetime(6)", ["2024-02-29 23:59:59.999999", None], ["2024-02-29 23:59:59.999", "2024-02-29 23:59:60.999999", "2024-02-29 23:59:59.99999x"]),
        ("time", ["00:00:00", "23:59:59", None], ["24:00:00", "1:00:00", "-01:00:00", "12:00"]),
        ("time(4)", ["23:59:59.9999", None], ["23:59:59", "24:00:00.0000"]),
        ("year", [0, 1901, 2155], [1, 1900, 2156]),
        ("uuid", [b"x" * 16, None], [b"x" * 15, "x" * 16]),
        ("json", ["{}", "null", "1", None], ["", "{", "{'a':1}"]),
        ("bytes", [b"", b"x", None], ["x", 1]),
        ("tinyblob", [b"x" * 255], [b"x" * 256]),
        ("tinytext", ["ü" * 127], ["ü" * 128]),
    ],
)  # fmt: skip
def test_the_database_itself_refuses_bad_values(tmp_path, raw, text, good, bad):
    create(raw, "a", attribute("x", text, nullable=True), attribute("id", "int32", in_key=True))
    other = sqlite3.connect(tmp_path / "t.db", isolation_level=None)  # another program, without our functions
    for number, value in enumerate(good):
        other.execute("INSERT INTO `lab.a` VALUES (?, ?)", (value, number))
    for value in bad:
        with pytest.raises(sqlite3.DatabaseError):
            other.execute("INSERT INTO `lab.a` VALUES (?, 99)", (value,))
    other.close()
    for value in bad:
        assert isinstance(refused(raw, "INSERT INTO `lab.a` VALUES (?, 99)", value), InvalidValueError)


def test_a_key_is_never_invented(raw):
    create(raw, "a", attribute("x", "int32", in_key=True))
    assert isinstance(refused(raw, "INSERT INTO `lab.a` VALUES (NULL)"), MissingAttributeError)


def test_generated_numbers(raw):
    create(raw, "a", attribute("x", "int auto_increment", in_key=True), attribute("y", "int8"))
    raw.executemany("INSERT INTO `lab.a` (y) VALUES (?)", [(1,), (2,)])
    raw.execute("INSERT INTO `lab.a` VALUES (0, 3)")
    raw.execute("DELETE FROM `lab.a` WHERE x = 2")
    raw.execute("INSERT INTO `lab.a` (y) VALUES (4)")
    assert raw.execute("SELECT x FROM `lab.a` ORDER BY x").fetchall() == [(0,), (1,), (3,)]


def test_a_composite_key_with_a_generated_number(raw):
    create(raw, "a", attribute("y", "int8", in_key=True), attribute("x", "int auto_increment", in_key=True))
    create(
        raw, "b", attribute("y", "int8", in_key=True), attribute("x", "int32", in_key=True),
        foreign_keys=(ForeignKeyDefinition(("y", "x"), TableName("lab", "a"), ("y", "x")),),
    )  # fmt: skip
    raw.execute("INSERT INTO `lab.a` (y) VALUES (7)")
    raw.execute("INSERT INTO `lab.b` VALUES (7, 1)")
    assert isinstance(refused(raw, "INSERT INTO `lab.b` VALUES (8, 1)"), IntegrityError)
    assert isinstance(refused(raw, "INSERT INTO `lab.a` VALUES (7, 1)"), DuplicateError)


@pytest.mark.parametrize(
    ("text", "default", "expected"),
    [
        ("int8", "'5'", 5),
        ("float64", "'1e3'", 1000.0),
        ("decimal(5,2)", "'1.5'", 1.5),
        ("decimal(20,2)", "'1.5'", "1.50"),
        ("bool", "'true'", 1),
        ("varchar(9)", "'it''s'", "it's"),
        ("varchar(9)", "''", ""),
        ("date", "'2024/1/5'", "2024-01-05"),
        ("datetime(3)", "'2024-01-05'", "2024-01-05 00:00:00.000"),
        ("uuid", f"'{UUID(int=5)}'", UUID(int=5).bytes),
        ("json", "'\"x\"'", '"x"'),
    ],
)
def test_defaults_are_stored_in_the_column_s_form(raw, text, default, expected):
    create(raw, "a", attribute("id", "int8", in_key=True), attribute("x", text, default=Sql(default)))
    raw.execute("INSERT INTO `lab.a` (id) VALUES (1)")
    assert raw.execute("SELECT x FROM `lab.a`").fetchone() == (expected,)


@pytest.mark.parametrize(
    "column", ["datetime", "datetime(1)", "datetime(3)", "datetime(6)", "timestamp", "timestamp(2)", "date"]
)
@pytest.mark.parametrize("default", ["CURRENT_TIMESTAMP", "CURRENT_TIMESTAMP(3)", "current_timestamp(6)"])
def test_the_present_moment_fits_its_column(raw, column, default):
    create(raw, "a", attribute("id", "int8", in_key=True), attribute("x", column, default=Sql(default)))
    raw.execute("INSERT INTO `lab.a` (id) VALUES (1)")
    found = raw.execute("SELECT x FROM `lab.a`").fetchone()[0]
    now = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    assert abs(dt.datetime.fromisoformat(found) - now) < dt.timedelta(days=1 if column == "date" else 0, seconds=60)


def test_a_default_that_does_not_fit_is_refused_at_declaration(raw):
    with pytest.raises(DefinitionError, match="x"):
        create(raw, "a", attribute("id", "int8", in_key=True), attribute("x", "int8", default=Sql("'300'")))


def test_checks_use_no_function_of_ours_and_refuse_text_lists():
    for text in ("enum('a','b')", "decimal(20,5)", "datetime(6)", "json", "tinytext"):
        condition = check(parse_type(text), "`x`", nullable=True)
        assert "dj_" not in condition
        assert " IN (" not in condition or text == "bool"


def test_decimals_of_fifteen_digits_pass_their_check(raw):
    value_type = parse_type("decimal(15,3)")
    condition = check(value_type, "?1", nullable=False)
    encode = encoder(value_type)
    for number in range(100_000_000_000_000, 999_999_999_999_999, 8_999_999_999_999):
        value = acceptor(value_type)(Decimal(number).scaleb(-3))
        assert raw.execute(f"SELECT {condition}", (encode(value),)).fetchone() == (1,), value


# --- the raw door
@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("SELECT %s + %s", (1, 2), [(3,)]),
        ("SELECT '%%', '%s', `%s` FROM (SELECT 1 AS `%s`) -- %s", (), [("%", "%s", 1)]),
        ("SELECT 7 %% %s /* %s */", (4,), [(3,)]),
        ("SELECT %(a)s || %(b)s", {"a": "x", "b": "y"}, [("xy",)]),
        ("SELECT 'it''s %s', %s", (1,), [("it's %s", 1)]),
    ],
)
def test_placeholders_of_users(raw, text, values, expected):
    assert BACKEND.cursor(raw, text, values, as_dict=False).fetchall() == expected


def test_a_cursor_behaves_as_one(raw):
    text = "SELECT 1 AS a UNION ALL SELECT 2 UNION ALL SELECT 3"
    cursor = BACKEND.cursor(raw, text, (), as_dict=False)
    assert (cursor.rowcount, cursor.description[0][0]) == (3, "a")
    assert (cursor.fetchone(), cursor.fetchmany(1), list(cursor), cursor.fetchone()) == ((1,), [(2,)], [(3,)], None)
    with BACKEND.cursor(raw, text, (), as_dict=True) as cursor:
        assert cursor.fetchall() == [{"a": 1}, {"a": 2}, {"a": 3}]
    assert BACKEND.cursor(raw, "CREATE TABLE t (x)", (), as_dict=False).fetchall() == []
    assert BACKEND.cursor(raw, "INSERT INTO t VALUES (%s)", (1,), as_dict=True).rowcount == 1


# --- functions
@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("year('2024-03-05 01:02:03')", 2024), ("month('2024-03-05')", 3), ("day('2024-03-05')", 5), ("hour('2024-03-05 01:02:03')", 1),
        ("minute('10:02:03')", 2), ("second('10:02:03.5')", 3), ("weekday('2024-01-05')", 4), ("dayofweek('2024-01-05')", 6),
        ("dayofyear('2024-03-01')", 61), ("quarter('2024-03-31')", 1), ("year(NULL)", None), ("year('x')", None),
        ("datediff('2024-03-01 23:00:00', '2024-02-28')", 2), ("timestampdiff('MONTH', '2024-01-31', '2024-02-29')", 0),
        ("timestampdiff('YEAR', '2020-02-29', '2024-02-29')", 4), ("timestampdiff('HOUR', '2024-01-01', '2023-12-31 22:30:00')", -1),
        ("concat('a', 1, 1.5)", "a11.5"), ("concat('a', NULL)", None), ("concat_ws('-', 'a', NULL, 'b')", "a-b"),
        ("lpad('7', 3, '0')", "007"), ("lpad('1234', 3, '0')", "123"), ("rpad('7', 3, 'ab')", "7ab"), ("lpad('7', 3, '')", None),
        ("repeat('ab', 2)", "abab"), ("reverse('aü')", "üa"),
        ("locate('b', 'abab', 3)", 4), ("char_length('ü')", 1), ("if(1 > 0, 'y', 'n')", "y"), ("if(NULL, 'y', 'n')", "n"),
        ("greatest(1, 3, 2)", 3), ("least(1, NULL)", None), ("log(8) / log(2)", 3.0), ("log(2, 8)", 3.0), ("log(0)", None), ("pow(2, 3)", 8.0),
        ("power(2, 0.5)", 2**0.5), ("sqrt(-1)", None), ("mod(5.5, 2)", 1.5), ("mod(-5, 3)", -2), ("mod(5, 0)", None), ("truncate(-1.29, 1)", -1.2),
        ("dj_mod(5.5, 1.1)", 0.0), ("dj_div(-7, 2)", -3), ("dj_div(7.5, 2)", 3), ("dj_div(1, 0)", None), ("dj_round(2.5)", 2.0),
        ("dj_round_exactly(0.285, 2)", 0.29), ("dj_upper('ü')", "Ü"), ("'abc' REGEXP '^a.c$'", 1), ("'ABC' REGEXP 'abc'", 0), ("'a' REGEXP NULL", None),
        ("'A' LIKE 'a'", 0), ("dj_json_equals('{\"a\": 1, \"b\": [true]}', '{\"b\":[true],\"a\":1.0}')", 1), ("dj_json_equals('1', 'true')", 0),
        ("dj_json_equals(NULL, '1')", None),
    ],
)  # fmt: skip
def test_functions_mean_what_they_mean_on_mysql(raw, expression, expected):
    assert raw.execute(f"SELECT {expression}").fetchone()[0] == pytest.approx(expected)


def test_aggregates_are_of_the_population(raw):
    rows = "(VALUES (1), (2), (NULL), (4))"
    std, variance, sample = raw.execute(
        f"SELECT std(column1), variance(column1), var_samp(column1) FROM {rows}"
    ).fetchone()
    assert variance == pytest.approx(14 / 9)
    assert std == pytest.approx((14 / 9) ** 0.5)
    assert sample == pytest.approx(7 / 3)
    assert raw.execute("SELECT std(column1) FROM (VALUES (NULL))").fetchone() == (None,)


def test_the_present_is_one_moment_within_a_statement(raw):
    moments = raw.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 20000) SELECT DISTINCT now(6) FROM n"
    ).fetchall()
    assert len(moments) == 1
