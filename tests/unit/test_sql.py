"""SQL as a value."""

import pytest

from datajoint.backends.dialect import Dialect
from datajoint.sql import Identifier, Parameter, Sql, column

MYSQL = Dialect(name="mysql", grammar="mysql", quote_character="`", placeholder="%s", backslash_escapes=True)
SQLITE = Dialect(name="sqlite", grammar="sqlite", quote_character="`", placeholder="?", joined_names=True)
POSTGRES = Dialect(name="postgresql", grammar="postgres", quote_character='"', placeholder="%s")


def test_values_are_bound_and_never_text():
    sql = Sql("SELECT ", column("a"), " FROM ", Identifier(("s", "t")), " WHERE b = ", Parameter("x' OR 1=1 --"))
    assert sql.render(SQLITE) == ("SELECT `a` FROM `s.t` WHERE b = ?", ["x' OR 1=1 --"])
    assert sql.render(POSTGRES) == ('SELECT "a" FROM "s"."t" WHERE b = %s', ["x' OR 1=1 --"])


@pytest.mark.parametrize(("dialect", "quoted"), [(MYSQL, "`a``b`"), (POSTGRES, '"a`b"'), (SQLITE, "`a``b`")])
def test_quotes_in_names_are_doubled(dialect, quoted):
    assert dialect.quote(column("a`b")) == quoted


def test_percent_signs_are_doubled_only_where_the_driver_formats():
    assert Sql("a % 2").render(MYSQL) == ("a % 2", [])
    assert Sql("a % ", Parameter(2)).render(MYSQL) == ("a %% %s", [2])
    assert Sql("a % ", Parameter(2)).render(SQLITE) == ("a % ?", [2])
    assert Sql(column("50%"), Parameter(1)).render(MYSQL)[0] == "`50%%`%s"


def test_pieces_join_in_order():
    sql = Sql.join(", ", [column("a"), Parameter(1), Sql("b")])
    assert sql.render(SQLITE) == ("`a`, ?, b", [1])
    assert Sql.join(", ", []).render(SQLITE) == ("", [])


def test_is_a_value():
    assert Sql("a", Parameter(1)) == Sql("a") + Sql(Parameter(1))
    assert hash(Sql("a")) == hash(Sql("a"))
    assert Sql("a") != Sql("b")
    with pytest.raises(AttributeError):
        Sql("a").parts = ()
    with pytest.raises(TypeError, match="int"):
        Sql(5)


@pytest.mark.parametrize(
    ("value", "mysql", "postgres"),
    [
        (None, "NULL", "NULL"),
        (1, "1", "1"),
        ("it's", "'it''s'", "'it''s'"),
        ("a\\b", "'a\\\\b'", "'a\\b'"),
        (b"\x01", "X'01'", "'\\x01'"),
        ([1, 2], "ARRAY[1, 2]", "ARRAY[1, 2]"),
    ],
)
def test_shown_statements_have_their_values_written_out(value, mysql, postgres):
    assert Sql("= ", Parameter(value)).inlined(MYSQL) == f"= {mysql}"
    assert Sql("= ", Parameter(value)).inlined(POSTGRES) == f"= {postgres}"
