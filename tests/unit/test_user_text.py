"""Users' SQL text without a database: what is written for each engine, what is refused and where, how names are found."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from typing import Any

import pytest

from datajoint.backends import get_backend
from datajoint.errors import (
    DataJointError,
    InvalidTypeError,
    InvalidValueError,
    QueryError,
    QuerySyntaxError,
    UnknownAttributeError,
)
from datajoint.heading import Attribute
from datajoint.sql import Identifier, Parameter, Sql
from datajoint.usertext import (
    Column,
    OrderTerm,
    UserFragment,
    compile_condition,
    compile_expression,
    compile_order,
)
from datajoint.values.parse import parse_type

ENGINES = ("mysql", "sqlite", "postgresql")
TYPES = {
    "n": "int32", "d": "float64", "m": "decimal(6,2)", "wide": "decimal(30,10)", "flag": "bool", "v": "varchar(20)", "c": "char(5)",
    "e": "enum('low','mid')", "day": "date", "at": "datetime", "j": "json", "raw": "bytes", "u": "uuid",
    "key": "int16", "select": "int16", "description": "varchar(9)", "case": "int16", "end": "int16", "interval": "int16",
    "left": "int16", "count": "int16", "_hidden": "float64", "Mixed": "int16", "two": "int16", "Two": "int16",
}  # fmt: skip
NULLABLE = {"d", "v", "j", "day"}
ATTRIBUTES = {
    name: Attribute(name, value_type=parse_type(text), nullable=name in NULLABLE, is_hidden=name.startswith("_"))
    for name, text in TYPES.items()
}
COLUMNS = {name: Sql(Identifier((name,))) for name in ATTRIBUTES}


def written(fragment: UserFragment, engine: str) -> tuple[str, list[Any]]:
    return fragment.resolve(COLUMNS).render(get_backend(engine).dialect)


def compiled(text: str, engine: str = "sqlite", **options: Any) -> UserFragment:
    return compile_expression(text, ATTRIBUTES, get_backend(engine), **options)


# --- what is written
# text: (mysql, sqlite, postgresql), values; one text where all are alike but for quotes and placeholders
WRITTEN: dict[str, tuple[tuple[str, str, str] | str, list[Any]]] = {
    "n = 5": ("`n` = ?", [5]),
    "n < 5.5": ("`n` <= ?", [5]),
    "n in (1, 2.5, '3')": ("`n` IN (?, ?)", [1, 3]),
    "n is not null and not (d is null)": ("`n` IS NOT NULL AND `d` IS NOT NULL", []),
    "n > 1 and (n < 3 or n > 2) or e = 'low'": ("(`n` > ? AND (`n` < ? OR `n` > ?)) OR `e` = ?", [1, 3, 2, "low"]),
    "flag": (("`flag`", "`flag`", '"flag"'), []),
    "flag = 1": (("`flag` <> 0", "`flag` = 1", '"flag"'), []),
    "not flag": (("`flag` = 0", "`flag` = 0", 'NOT "flag"'), []),
    "d <=> n": (("`d` <=> `n`", "`d` IS `n`", '"d" IS NOT DISTINCT FROM "n"'), []),
    "v regexp '^a'": (("`v` REGEXP %s", "`v` REGEXP ?", '"v" ~ %s::text'), ["^a"]),
    "v like 'a%'": (("`v` LIKE %s", r"`v` LIKE ? ESCAPE '\'", '"v" LIKE %s::text'), ["a%"]),
    "n like '1%'": (("CAST(`n` AS CHAR) LIKE %s", r"CAST(`n` AS TEXT) LIKE ? ESCAPE '\'", '"n"::text LIKE %s::text'), ["1%"]),
    "d / n": (("`d` / NULLIF(`n`, 0)", "`d` / NULLIF(`n`, 0)", '"d" / NULLIF("n"::bigint, 0)'), []),
    "n / 2": (("(`n` * 1e0) / %s", "(`n` * 1e0) / ?", '"n"::float8 / %s::bigint'), [2]),
    "n DIV 2": (("`n` DIV %s", "`n` / ?", '"n"::bigint / %s::bigint'), [2]),
    "n % 2": (("`n` %% %s", "`n` % ?", '"n"::bigint %% %s::bigint'), [2]),
    "m * 2": (("`m` * %s", "round((`m` * ?) * 1e2) / 1e2", '"m" * %s::bigint'), [2]),
    "v || '-'": (("CONCAT(`v`, %s)", "`v` || ?", '"v" || %s::text'), ["-"]),
    "if(n > 3, d, n)": (
        (
            "CASE WHEN `n` > %s THEN `d` ELSE `n` * 1e0 END",
            "CASE WHEN `n` > ? THEN `d` ELSE `n` * 1e0 END",
            'CASE WHEN "n" > %s THEN "d" ELSE "n"::float8 END',
        ),
        [3],
    ),
    "length(v)": (("LENGTH(`v`)", "length(CAST(`v` AS BLOB))", 'octet_length("v")::bigint'), []),
    "curdate()": (("CURDATE()", "date('now')", "statement_timestamp()::date"), []),
    "now()": (("NOW()", "datetime('now')", "date_trunc('second', statement_timestamp())::timestamp"), []),
    "year(day)": (("CAST(YEAR(`day`) AS SIGNED)", "CAST(substr(`day`, 1, 4) AS INTEGER)", 'EXTRACT(YEAR FROM "day")::bigint'), []),
    "day - interval 1 month": (
        ("`day` + INTERVAL %s MONTH", "dj_moved(`day`, ?, 'MONTH')", "(\"day\" + %s::bigint * INTERVAL '1 month')::date"),
        [-1],
    ),
    "sum(n > 3)": (("SUM(`n` > %s)", "SUM(`n` > ?)", 'SUM(("n" > %s)::int)'), [3]),
    "sum(m)": (("SUM(`m`)", "round(SUM(`m`) * 1e2) / 1e2", 'SUM("m")'), []),
    "std(d)": (("STDDEV_POP(`d`)", "std(`d`)", 'stddev_pop("d")'), []),
    "count(distinct n)": ("COUNT(DISTINCT `n`)", []),
    "group_concat(v separator ';')": (
        ("GROUP_CONCAT(`v` SEPARATOR %s)", "dj_group_concat(`v`, ?, 0)", 'string_agg("v", %s::text)'),
        [";"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("text", WRITTEN)
def test_written(text: str, name: str) -> None:
    expected, values = WRITTEN[text]
    if isinstance(expected, str):
        quote, mark = {"sqlite": ("`", "?"), "mysql": ("`", "%s"), "postgresql": ('"', "%s")}[name]
        expected = (expected.replace("`", quote).replace("?", mark),) * 3
    assert written(compiled(text, name, aggregates=True), name) == (expected[ENGINES.index(name)], values)


def test_every_literal_is_a_parameter() -> None:
    text = "v = 'secret' or v like \"secret%\" or concat(v, 'secret') in ('secret') or case v when 'secret' then 1 end"
    for engine in ENGINES:
        sql, values = written(compile_condition(text, ATTRIBUTES, get_backend(engine)), engine)
        assert "secret" not in sql
        assert sum("secret" in str(value) for value in values) == 5


# --- what is known of the result
@pytest.mark.parametrize(
    ("text", "kind", "scale"),
    [
        ("n > 3", "bool", None), ("count(*)", "int", None), ("sum(n)", "int", None), ("sum(flag)", "int", None),
        ("sum(m)", "decimal", 2), ("m + 1", "decimal", 2), ("m * m", "decimal", 4), ("m + 1.125", "decimal", 3),
        ("m / 2", "float64", None), ("n / 2", "float64", None), ("n + 0.5", "float64", None), ("avg(n)", "float64", None),
        ("sum(m * d)", "float64", None), ("n DIV 2", "int", None), ("n % 2", "int", None), ("m % 2", "decimal", 2),
        ("if(flag, n, m)", "decimal", 2), ("if(flag, n, 'x')", "text", None), ("coalesce(day, at)", "datetime", None),
        ("concat(n)", "text", None), ("year(day)", "int", None), ("now()", "datetime", None), ("curdate()", "date", None),
        ("day + interval 1 day", "date", None), ("day + interval 1 hour", "datetime", None), ("min(day)", "date", None),
        ("max(e)", "text", None), ("3", "int", None), ("3.5", "float64", None), ("'x'", "text", None), ("TRUE", "bool", None),
        ("NULL", "unknown", None), ("j->>'$.a'", "text", None), ("length(v)", "int", None), ("round(m, 1)", "decimal", 1),
    ],
)  # fmt: skip
def test_inferred_type(text: str, kind: str, scale: int | None) -> None:
    found = compiled(text, aggregates=True).value_type
    assert found.kind == kind
    if scale is not None:
        assert found.scale == scale


@pytest.mark.parametrize(
    ("text", "nullable"),
    [
        ("n + 1", False), ("d + 1", True), ("n / n", True), ("n / 2", False), ("n is null", False), ("d > 1", True),
        ("ifnull(d, 0)", False), ("coalesce(d, v)", True), ("count(d)", False), ("sum(n)", True), ("nullif(n, 1)", True),
        ("case when flag then 1 end", True), ("case when flag then 1 else 2 end", False), ("d <=> 1", False),
    ],
)  # fmt: skip
def test_nullability(text: str, nullable: bool) -> None:
    assert compiled(text, aggregates=True).nullable is nullable


def test_names_are_those_written_even_where_nothing_of_them_is_left() -> None:
    fragment = compile_condition("n = 5.5 and d > 1 and not e = 'none'", ATTRIBUTES, get_backend("sqlite"))
    assert fragment.names == {"n", "d", "e"}
    assert fragment.constant is False


@pytest.mark.parametrize(
    ("text", "constant"),
    [
        ("TRUE", True), ("false", False), ("1", True), ("0", False), ("not true", False), ("true or n = 1", True),
        ("n = 1 and false", False), ("n = 1", None), ("n <> 5.5", True), ("d <> 'x' is null", None), ("n <=> null", None),
    ],
)  # fmt: skip
def test_constants_fold(text: str, constant: bool | None) -> None:
    if text == "d <> 'x' is null":
        with pytest.raises(InvalidValueError):
            compile_condition(text, ATTRIBUTES, get_backend("sqlite"))
        return
    assert compile_condition(text, ATTRIBUTES, get_backend("sqlite")).constant is constant


# --- holes
def test_resolve_puts_parentheses_where_they_are_needed() -> None:
    product = compiled("n * d")
    assert product.parts == (Column("n"), " * ", Column("d"))
    columns = {"n": Sql("a + ", Parameter(1)), "d": Sql(Identifier(("t",)), ".", Identifier(("d",)))}
    text, values = product.resolve(columns).render(get_backend("sqlite").dialect)
    assert (text, values) == ("(a + ?) * `t`.`d`", [1])
    call = compiled("round(d)").resolve({"d": Sql("a + b")})
    assert call.render(get_backend("sqlite").dialect)[0] == "dj_round(a + b, 0)"
    once = product.resolve({"n": Sql("(a + b)"), "d": Sql("(a) + (b)")})
    assert once.render(get_backend("sqlite").dialect)[0] == "(a + b) * ((a) + (b))"


def test_atomic_tells_what_needs_no_parentheses() -> None:
    assert compiled("n").atomic
    assert compiled("length(v)").atomic
    assert not compiled("n + 1").atomic
    assert not compiled("n > 1").atomic


# --- names
@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("N = 1", "n"), ("mixed = 1", "Mixed"), ("two = 1", "two"), ("Two = 1", "Two"), ("`key` = 1", "key"), ("key = 1", "key"),
        ("select = 1", "select"), ("`select` = 1", "select"), ("s.t.n = 1", "n"), ("t.`n` = 1", "n"), ("_hidden > 5", "_hidden"),
        ("case = 1", "case"), ("end > 1", "end"), ("interval < 3", "interval"), ("left = 1", "left"), ("count is null", "count"),
        ("day is NULL", "day"), ("description like 'a%'", "description"), ("1 = left", "left"), ("not key = 1", "key"),
    ],
)  # fmt: skip
def test_name_is_found(text: str, name: str) -> None:
    assert compile_condition(text, ATTRIBUTES, get_backend("mysql")).names == {name}


@pytest.mark.parametrize(
    "text",
    [
        "day between curdate() - interval 30 day and curdate()", "`day` between curdate() - interval 30 day and curdate()",
        "day > '2024-01-01' + interval 1 day", "case case when 1 then day end is null", "timestampdiff(day, day, at) > 3",
        "extract(day from day) = 1", "left(v, left) = 'a'", "count = case when end = 1 then left else interval end",
        "day + interval interval day > at", "date(day) = date '2024-01-01'",
    ],
)  # fmt: skip
def test_attributes_may_be_called_like_words_of_the_language(text: str) -> None:
    for engine in ENGINES:
        compile_condition(text, ATTRIBUTES, get_backend(engine))


def test_double_quoted_word() -> None:
    text = '"day" is null'
    assert compile_condition(text, ATTRIBUTES, get_backend("postgresql")).names == {"day"}
    assert compile_condition(text, ATTRIBUTES, get_backend("mysql")).constant is False
    assert compile_condition('v = "day before"', ATTRIBUTES, get_backend("postgresql")).names == {"v"}
    assert compile_condition('v = "DAY"', ATTRIBUTES, get_backend("postgresql")).names == {"v"}


@pytest.mark.parametrize(
    ("text", "name", "position", "hint"),
    [
        ("zzz = 1", "zzz", 0, "It has n, d"), ("n = 1 and descripton = 'x'", "descripton", 10, "Did you mean `description`?"),
        ("TWO = 1", "TWO", 0, ""), ("abs(zzz)", "zzz", 4, ""), ("n > t.zzz", "zzz", 6, ""), ("`n m` = 1", "n m", 0, ""),
        ("n in (1, x)", "x", 9, ""), ("case when nothing then 1 end", "nothing", 10, ""),
    ],
)  # fmt: skip
def test_unknown_name(text: str, name: str, position: int, hint: str) -> None:
    with pytest.raises(UnknownAttributeError) as caught:
        compile_condition(text, ATTRIBUTES, get_backend("sqlite"))
    message = str(caught.value)
    assert f"Attribute `{name}` is not found in query." in message
    assert hint in message
    assert "_hidden" not in message
    assert caught.value.attribute == name
    assert message.splitlines()[-1] == " " * (4 + position) + "^"


# --- what cannot be read
UNREADABLE = {
    "": 0, "   ": 0, "n =": 3, "n = ": 3, "n = = 3": 4, "(n = 1": 0, "n = 1)": 5, "n 3": 2, "n = 1 2": 6, "n == 3": 2,
    "v = 'abc": 4, 'v = "abc': 4, "`n = 1": 0, "v = 'a''": 4, "n = 1, d = 2": 5, "n = 1;": 5, "n = 1; drop table t": 5,
    "n desc": 2, "n as x": 2, "avg(n) DESC": 7, "n = %s": 4, "n = %(x)s": 4, "n = :p": 4, "n = ?": 4, "n = @x": 4,
    "n := 3": 2, "n = {x}": 4, "n[0] = 1": 1, "n in ()": 6, "n in (1,)": 8, "n in 1": 2, "n collate utf8_bin = 1": 2,
    "n is 3": 2, "n not 3": 2, "not": 3, "case when n then 1": 0, "case end": 5, "n between 1": 10, "sum(n) over ()": 7,
    "count(*) filter (where n)": 9, "select 1": 0, "n = (select 1)": 5, "exists (select 1)": 0, "n = any (select 1)": 4,
    "sleep(5)": 0, "lenght(v)": 0, "s.f(n)": 2, "cast(n as money)": 10, "cast(n as char(x))": 14, "n::money": 3,
    "cast(n)": 6, "_utf8'x'": 0, "b'101' = n": 0, "n & 4": 2, "n | 4": 2, "~n": 0, "n << 1": 3, "n -> ": 4,
    "distinct n": 0, "abs(distinct *)": 13, "count(n, *)": 9, "n = 'a' 'b'": 8, "n limit 1": 2, "n from t": 2,
    "5day": 0, "n.": 1, "n = 1 union select 2": 6, "interval 3 day day + n": 15, "n = 1 /*+ hint */ x": 18,
}  # fmt: skip


@pytest.mark.parametrize("text", UNREADABLE)
def test_unreadable(text: str) -> None:
    with pytest.raises((QuerySyntaxError, UnknownAttributeError)) as caught:
        compiled(text, aggregates=True)
    message = str(caught.value)
    assert isinstance(caught.value, QueryError)
    if isinstance(caught.value, QuerySyntaxError):
        assert 'dj.Sql("...")' in message
    if "select" not in ATTRIBUTES or "select" not in text.lower():
        assert message.splitlines()[-1] == " " * (4 + UNREADABLE[text]) + "^", message


def test_the_nearest_function_is_named() -> None:
    with pytest.raises(QuerySyntaxError, match="unknown function `lenght`.*Did you mean `length`"):
        compiled("lenght(v)")


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("n = 1 and n > 'x'", 10), ("n = 1 or raw = ''", 9), ("n = 1 and (n, d) = (1, 2, 3)", 11),
        ("n = 2 and v like 'a' escape 'ab'", 10), ("n = 1 and sum(n) > 1", 10), ("n = 1 and u = 'zz'", 10),
    ],
)  # fmt: skip
def test_what_is_refused_is_shown_where_it_stands(text: str, position: int) -> None:
    with pytest.raises(DataJointError) as caught:
        compile_condition(text, ATTRIBUTES, get_backend("sqlite"))
    assert str(caught.value).endswith(f"\n    {text}\n    {' ' * position}^")


def test_position_in_a_long_text_of_many_lines() -> None:
    text = "n = 1\n  and " + "n = 1 and " * 20 + "\n  zzz > 3 or n = 2"
    with pytest.raises(UnknownAttributeError) as caught:
        compiled(text)
    lines = str(caught.value).splitlines()
    assert lines[-2].strip() == "zzz > 3 or n = 2"
    assert lines[-2][lines[-1].index("^") :].startswith("zzz")


# --- what can be read and means nothing
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("v + 1", r"use cast\(v as"), ("day + 1", "interval"), ("day - at", "datediff"), ("n || n", "concat"), ("v and n", "condition"),
        ("day", "condition"), ("n = day", "cast"), ("n = v", "cast"), ("flag = u", "cast"), ("j = j", "path"), ("j > n", "path"),
        ("raw < raw", "no meaning"), ("concat(raw)", "no text"), ("max(j)", "path"), ("min(raw)", "no order"),
        ("sum(v)", "cast"), ("avg(day)", "numbers"), ("sum(count(*))", "summary"), ("sum(sum(n))", "summary"), ("sum(*)", r"\(\*\)"),
        ("count(distinct n, d)", "one argument"), ("sum(n, n)", "one argument"), ("std(distinct n)", "DISTINCT"),
        ("group_concat(distinct n order by d)", "value itself"), ("(n, d) < (1, 2)", "tuple"), ("(n, d)", "tuple"), ("(n, d) = (1, 2, 3)", "as many values"),
        ("year(n)", "date"), ("year(v)", "cast"), ("datediff(n, day)", "date"), ("abs()", "arguments"), ("abs(n, n)", "arguments"),
        ("if(n, 1)", "two values"), ("interval 3 day", "interval"), ("day * interval 3 day", "interval"),
        ("interval 3 day - day", "interval"), ("n + interval 3 day", "date"), ("day + interval 1.5 day", "integer"),
        ("timestampdiff(n, day, at)", "unit"), ("date_add(day, 3)", "interval"), ("trim(both 'ab' from v)", "one character"),
        ("v like 'a' escape 'ab'", "one character"), ("now(2)", "0, 3 or 6"), ("date_format(at, '%q')", "%q"),
        ("date_format(at, v)", "written out"), ("j->>v", "written out"), ("n->>'$.a'", "json"), ("j->>'$.a''b'", "path"),
        ("j->>'$.a[*]'", "path"), ("cast(raw as signed)", "numbers"), ("cast(day as signed)", "numbers"), ("greatest(u, u)", "order"),
        ("wide > 1", "too many digits"), ("wide + 1", "too many digits"), ("sum(wide)", "too many digits"),
        ("substr(v, 'x')", "number"), ("left(v, 1.5)", "integer"), ("round(n, v)", "text"), ("n + 'x'", "no number"),
        ("extract(week from day)", "WEEK"), ("not v", "condition"), ("u + 1", "numbers"), ("json_value(j, v)", "written out"),
    ],
)  # fmt: skip
def test_refused(text: str, reason: str) -> None:
    with pytest.raises(DataJointError, match=f"(?i){reason}") as caught:
        compile_condition(text, ATTRIBUTES, get_backend("sqlite")) if "(" not in text else compiled(
            text, aggregates=True
        )
    assert isinstance(caught.value, QuerySyntaxError)
    assert 'dj.Sql("...")' in str(caught.value)


@pytest.mark.parametrize(
    ("text", "attribute"),
    [
        ("n = 'abc'", "n"),
        ("day > 'soon'", "day"),
        ("'x' = n", "n"),
        ("n in (1, 'x')", "n"),
        ("day between 'a' and 'b'", "day"),
    ],
)
def test_literal_that_the_attribute_cannot_read(text: str, attribute: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        compile_condition(text, ATTRIBUTES, get_backend("sqlite"))
    assert caught.value.attribute == attribute
    assert f"`{attribute}`" in str(caught.value)


def test_text_that_no_engine_can_hold() -> None:
    sqlite = get_backend("sqlite")
    assert compile_condition("c = 'a\0b'", ATTRIBUTES, sqlite).constant is False
    assert compile_condition("c <> 'a\ud800'", ATTRIBUTES, sqlite).constant is True
    assert written(compile_condition("c < 'a\0b'", ATTRIBUTES, sqlite), "sqlite") == ("`c` <= ?", ["a"])
    for text in ("concat(c, 'a\0')", "c like 'a\0%'", "'\ud800'"):
        with pytest.raises(InvalidValueError, match="NUL"):
            compiled(text)


def test_numbers_of_any_size() -> None:
    sqlite = get_backend("sqlite")
    assert compile_condition("n < 1" + "0" * 300, ATTRIBUTES, sqlite).constant is True
    assert compile_condition("n = .000000000000000000000001", ATTRIBUTES, sqlite).constant is False
    for text in ("n < 1e400", "n < 1" + "0" * 5000):
        with pytest.raises(QuerySyntaxError, match="too large"):
            compiled(text)


def test_a_badly_formed_uuid_is_named() -> None:
    with pytest.raises(DataJointError, match="(?i)badly formed uuid"):
        compile_condition("u = 'xyz'", ATTRIBUTES, get_backend("sqlite"))


def test_bytes_are_compared_with_bytes_only() -> None:
    with pytest.raises(InvalidTypeError):
        compile_condition("raw = 'text'", ATTRIBUTES, get_backend("sqlite"))


@pytest.mark.parametrize("text", ["sum(n)", "count(*)", "group_concat(v)", "n + max(n)"])
def test_summaries_belong_into_aggr(text: str) -> None:
    assert compiled(text, aggregates=True).aggregate
    with pytest.raises(QuerySyntaxError, match="aggr"):
        compiled(text)
    with pytest.raises(QuerySyntaxError, match="aggr"):
        compile_condition(f"{text} > 1", ATTRIBUTES, get_backend("sqlite"))


# --- orders
@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("n", [("n", False)]), ("n DESC", [("n", True)]), ("n asc, d desc", [("n", False), ("d", True)]), (" N  DeSc ", [("n", True)]),
        ("select desc", [("select", True)]), ("key desc, description", [("key", True), ("description", False)]),
        ("`key` desc", [("key", True)]), ('"key" desc', [("key", True)]), ("end", [("end", False)]), ("_hidden", [("_hidden", False)]),
        ("t.n desc", [("n", True)]), ("(n) desc", [("n", True)]),
    ],
)  # fmt: skip
def test_order(text: str, terms: list[tuple[str, bool]]) -> None:
    assert compile_order(text, ATTRIBUTES, get_backend("sqlite")) == tuple(OrderTerm(*term) for term in terms)


def test_order_by_an_expression() -> None:
    first, second = compile_order("if(n > 3, 'a,b', 'c') desc, n", ATTRIBUTES, get_backend("sqlite"))
    assert isinstance(first.name, UserFragment)
    assert first.descending
    assert second == OrderTerm("n", descending=False)


@pytest.mark.parametrize(
    "text", ["", "n,", ",n", "zzz", "n desc desc", "n asc desc", "n; drop table t", "n, sleep(1)", "sum(n)"]
)
def test_order_refused(text: str) -> None:
    with pytest.raises((QuerySyntaxError, UnknownAttributeError)):
        compile_order(text, ATTRIBUTES, get_backend("sqlite"))


# --- cost
def test_the_parser_is_loaded_when_a_text_is_first_compiled() -> None:
    script = textwrap.dedent(
        """
        import sys
        import datajoint.usertext, datajoint.expression.nodes
        from datajoint.backends import get_backend
        from datajoint.heading import Attribute
        attributes = {"n": Attribute("n")}
        datajoint.usertext.compile_order("n desc", attributes, get_backend("sqlite"))
        assert "sqlglot" not in sys.modules
        datajoint.usertext.compile_condition("n = 1", attributes, get_backend("sqlite"))
        assert "sqlglot" in sys.modules
        """
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_long_and_deep_texts() -> None:
    long = compile_condition(" or ".join(f"n = {i}" for i in range(3000)), ATTRIBUTES, get_backend("sqlite"))
    assert len([part for part in long.parts if isinstance(part, Parameter)]) == 3000
    with pytest.raises(QuerySyntaxError, match="nested too deeply"):
        compile_condition("(" * 5000 + "n" + ")" * 5000, ATTRIBUTES, get_backend("sqlite"))


def test_a_text_is_parsed_once() -> None:
    from datajoint.usertext.parse import parse

    text = "n > 41 and v like 'x%' and day between '2024-01-01' and '2024-02-01'"
    compiled(text)
    before = parse.cache_info()
    began = time.perf_counter()
    compiled(text)
    assert time.perf_counter() - began < 0.1  # a generous bound; it takes about 0.1 ms
    assert parse.cache_info().hits == before.hits + 1
    assert parse.cache_info().misses == before.misses
