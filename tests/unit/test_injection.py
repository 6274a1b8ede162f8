"""No text of a user becomes a second statement, a subquery, or a call that does something."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from datajoint.backends import get_backend
from datajoint.backends.json_paths import read_path
from datajoint.errors import DataJointError
from datajoint.heading import Attribute
from datajoint.sql import Identifier, Sql
from datajoint.usertext import compile_condition, compile_expression, compile_order
from datajoint.usertext.templates import LISTS, ROWS, compiled
from datajoint.values.model import TEXT
from datajoint.values.parse import parse_type

BACKENDS = [get_backend(name) for name in ("mysql", "sqlite", "postgresql")]
TYPES = {
    "n": "int32",
    "v": "varchar(20)",
    "d": "float64",
    "day": "date",
    "j": "json",
    "flag": "bool",
    'odd`"name': "int32",
}
ATTRIBUTES = {name: Attribute(name, value_type=parse_type(text), nullable=True) for name, text in TYPES.items()}

STATEMENTS = [
    "1; DROP TABLE users", "n = 1; delete from t where 1=1 --", "n = 1;", "; select 1", "n = 1 union select password from users",
    "n = 1 union all select 1", "n in (select n from t)", "n = (select max(n) from t)", "(select 1)", "select 1", "exists (select 1)",
    "not exists(select 1)", "n = any (select 1)", "n = all(select 1)", "n > some(select 1)", "with x as (select 1) select 1",
    "insert into t values (1)", "update t set n = 1", "values (1)", "table t", "n = 1 into outfile '/tmp/x'", "n = 1 for update",
    "n = 1 limit 1", "n = 1 group by n", "n = 1 having 1", "n = 1 order by n", "n = 1 procedure analyse()", "n = 1 window w as ()",
    "sum(n) over (order by n)", "row_number() over ()", "case when (select 1) then 1 end", "if((select 1), 1, 2)", "concat((select 1))",
    "count(*) filter (where (select 1))", "cast((select 1) as char)", "n between (select 1) and 2", "1 in (select 1)",
    "n = 1 and (with x as (select 1) select 1)", "lateral (select 1)", "unnest(array[1])", "(n, v) in (select 1, 2)",
    "day + interval (select 1) day", "copy t to program 'id'", "call p()", "do $$ begin end $$", "$$x$$", "n = $1", "attach 'x' as y",
    "pragma user_version", "handler t open", "grant all on t to x", "set @x = 1", "n = @@version", "@x := 1", "n := 1", "n = ?",
    "n = %s", "n = %(n)s", "n = :n", "n = {n}", "n = ${n}", "declare x int", "begin", "commit", "explain select 1", "vacuum", "analyze",
]  # fmt: skip

EFFECTS = [
    "sleep(10)", "benchmark(1e9, 1)", "load_file('/etc/passwd')", "get_lock('x', 1)", "release_lock('x')", "pg_sleep(10)",
    "nextval('s')", "setval('s', 1)", "lo_import('/etc/passwd')", "pg_read_file('/etc/passwd')", "pg_terminate_backend(1)",
    "dblink('', '')", "query_to_xml('select 1', true, true, '')", "load_extension('x')", "readfile('/etc/passwd')",
    "writefile('/tmp/x', 'y')", "fts3_tokenizer('x')", "zeroblob(1000000000)", "randomblob(1000000000)", "last_insert_id(5)",
    "set_config('x', 'y', false)", "current_setting('x')", "user()", "current_user()", "version()", "database()", "sys_exec('id')",
    "xp_cmdshell('id')", "extractvalue(1, '')", "updatexml(1, '', '')", "uuid()", "rand()", "random()", "name_const('a', 1)",
    "master_pos_wait('', 1)", "pg_catalog.pg_sleep(1)", "mysql.sleep(1)", "`sleep`(10)", '"pg_sleep"(10)', "'sleep'(10)",
    "dj_group_concat(v, ',', 0)", "dj_moved(day, 1, 'DAY')", "repeat(v, 1000000000)", "generate_series(1, 1000000000)",
]  # fmt: skip

STRINGS = [
    "'; DROP TABLE t; --", "' OR '1'='1", "\\'; DROP TABLE t; --", "\\", "\\\\", "'", "''", '"', "`", "--", "/*", "*/", "#", ";",
    "%s", "%", "%%", "?", ":p", "$1", "{0}", "{1}", "<unit>", "\n", "\x1a", "é\U0001f40d", "0x41", "\\0", "a'b\"c`d\\e%f_g",
]  # fmt: skip


def rendered(fragment: Any, backend: Any) -> tuple[str, list[Any]]:
    return fragment.resolve({name: Sql(Identifier((name,))) for name in ATTRIBUTES}).render(backend.dialect)


@pytest.mark.parametrize("text", [*STATEMENTS, *EFFECTS])
def test_refused_everywhere(text: str) -> None:
    for backend in BACKENDS:
        with pytest.raises(DataJointError):
            compile_condition(text, ATTRIBUTES, backend)
        with pytest.raises(DataJointError):
            compile_expression(text, ATTRIBUTES, backend, aggregates=True)
        with pytest.raises(DataJointError):
            compile_order(text, ATTRIBUTES, backend)


@pytest.mark.parametrize(
    "text", ["n = 1 -- and n = 2", "n = 1 # x", "n = 1 /* x */", "n = 1 /*! or 1=1 */", "n = 1 /*+ hint */"]
)
def test_comments_are_left_out(text: str) -> None:
    for backend in BACKENDS:
        sql, values = rendered(compile_condition(text, ATTRIBUTES, backend), backend)
        assert not re.search(r"--|#|/\*|!|hint|x", sql)
        assert values == [1]


@pytest.mark.parametrize("string", STRINGS)
def test_strings_travel_as_parameters(string: str) -> None:
    quoted = "'" + string.replace("\\", "\\\\").replace("'", "''") + "'"
    for text in (
        f"v = {quoted}",
        f"v in ({quoted}, 'z')",
        f"concat(v, {quoted})",
        f"if(n > 1, {quoted}, v)",
        f"replace(v, {quoted}, '')",
    ):
        for backend in BACKENDS:
            sql, values = rendered(compile_expression(text, ATTRIBUTES, backend), backend)
            assert string in values
            letters = re.sub(r"[A-Za-z0-9_`\"%?:(), =|.<>\\]|'", "", sql)
            assert not letters, letters


@pytest.mark.parametrize("string", STRINGS)
def test_separators_formats_and_patterns_travel_as_parameters(string: str) -> None:
    quoted = "'" + string.replace("\\", "\\\\").replace("'", "''") + "'"
    for backend in BACKENDS:
        _, values = rendered(
            compile_expression(f"group_concat(v separator {quoted})", ATTRIBUTES, backend, aggregates=True), backend
        )
        assert string in values
        _, values = rendered(compile_condition(f"v like {quoted}", ATTRIBUTES, backend), backend)
        assert any(str(value).startswith(string) for value in values)


@pytest.mark.parametrize(
    "path", ["$.a'b", '$.a"b', "$.a b", "$.a;b", "$.a')) or 1=1 --", "$", "", "$.a.", "$..a", "$.*", "$[*]", "a-b"]
)
def test_json_paths_hold_names_and_numbers_only(path: str) -> None:
    quoted = "'" + path.replace("'", "''") + "'"
    for backend in BACKENDS:
        with pytest.raises(DataJointError):
            compile_condition(f"j->>{quoted} = 'x'", ATTRIBUTES, backend)


def test_odd_names_are_quoted() -> None:
    for backend in BACKENDS:
        sql, _ = rendered(compile_condition('`odd``"name` = 1', ATTRIBUTES, backend), backend)
        quote = backend.dialect.quote_character
        assert sql.startswith(backend.dialect.quote_name('odd`"name'))
        assert sql.count(quote) % 2 == 0


def test_templates_hold_no_statement() -> None:
    texts = [row if isinstance(row, str) else "\n".join(row) for row in ROWS.values()]
    texts += ["".join(form) for forms in LISTS.values() for form in forms]
    for text in texts:
        assert ";" not in text
        assert not re.search(r"\b(SELECT|INSERT|UPDATE|DELETE|DROP)\b", text, re.IGNORECASE)
        assert text.count("(") == text.count(")")
        compiled(text)


# --- any text at all
_WORDS = [
    "n", "v", "d", "day", "j", "flag", "zzz", "1", "2.5", "'x'", '"y"', "'2024-01-01'", "x'41'", "(", ")", ",", "+", "-", "*", "/", "%",
    "||", "=", "<>", "<", "<=>", "->>", "::", "and", "or", "not", "xor", "in", "is", "null", "true", "like", "between", "case", "when",
    "then", "else", "end", "interval", "month", "select", "from", "union", ";", "--", "/*", "*/", "date", "cast", "as", "char", "count",
    "sum", "concat", "if", "substr", "group_concat", "separator", "order by", "desc", "distinct", "sleep", "`n`", "`", "'", '"', ".", "?",
]  # fmt: skip


def _check(text: str) -> None:
    for backend in BACKENDS:
        try:
            fragment = compile_expression(text, ATTRIBUTES, backend, aggregates=True)
        except DataJointError:
            continue
        sql, _ = rendered(fragment, backend)
        outside = re.sub(r"'[^']*'|`[^`]*`|\"[^\"]*\"", "", sql)
        assert ";" not in outside
        assert "--" not in outside
        assert "/*" not in outside
        assert not re.search(r"\b(SELECT|UNION|SLEEP|INTO)\b", outside, re.IGNORECASE)
        depth = 0
        for character in outside:
            depth += (character == "(") - (character == ")")
            assert depth >= 0
        assert depth == 0


@given(st.lists(st.sampled_from(_WORDS), max_size=14).map(" ".join))
def test_any_sequence_of_words_is_refused_or_one_expression(text: str) -> None:
    _check(text)


@given(st.text(max_size=30))
def test_any_characters_are_refused_or_one_expression(text: str) -> None:
    _check(text)


@given(
    st.sampled_from(["n = 1", "concat(v, 'x')", "sum(n) / 2", "n in (1, 2)"]), st.text(max_size=12), st.integers(0, 12)
)
@example(text="n = 1", noise="E", place=5)
def test_anything_put_into_a_text_is_refused_or_one_expression(text: str, noise: str, place: int) -> None:
    _check(text[:place] + noise + text[place:])


# --- what is no text: values, names, paths
@given(st.text(max_size=20))
def test_any_path_of_json_is_refused_or_consists_of_names_and_numbers(path: str) -> None:
    for escaped in (False, True):
        try:
            written = read_path(path, escaped=escaped)
        except DataJointError:
            continue
        assert re.fullmatch(r'\$(\.(\w+|"[\w\\]+")|\[\d+\])+', written), written


@given(st.text(max_size=20))
def test_any_name_stays_inside_its_quotes(name: str) -> None:
    for backend in BACKENDS:
        quote = backend.dialect.quote_character
        written = backend.dialect.quote(Identifier((name,)))
        assert written[0] == written[-1] == quote
        assert written[1:-1].replace(quote * 2, "").count(quote) == 0


@given(st.text(max_size=20))
def test_any_value_written_out_for_people_stays_inside_its_quotes(value: str) -> None:
    for backend in BACKENDS:
        written = backend.dialect.literal(value)
        inner = written[1:-1].replace("\\\\", "") if backend.dialect.backslash_escapes else written[1:-1]
        assert written[0] == written[-1] == "'"
        assert "'" not in inner.replace("''", "")
        if backend.dialect.backslash_escapes:
            assert "\\" not in inner


@given(st.text(max_size=20))
def test_any_value_travels_as_a_parameter(value: str) -> None:
    for backend in BACKENDS:
        _, values = backend.bind(TEXT, value).render(backend.dialect)
        assert values == [value]
        sql, values = backend.key_table([("v", TEXT)], [(value,)]).render(backend.dialect)
        assert len(values) == 1
        assert not value or len(value) < 5 or value not in sql
