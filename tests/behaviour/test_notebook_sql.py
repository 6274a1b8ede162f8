"""SQL in a cell: values are bound on every engine, and without ``--write`` the engine refuses a change."""

from __future__ import annotations

import pytest

import datajoint as dj
from datajoint_jupyter.magics.statement import bind


@pytest.fixture
def subject(schema):
    @schema
    class Subject(dj.Manual):
        definition = """
        subject : int32
        ---
        name : varchar(30)
        """

    Subject.insert({"subject": i, "name": f"s{i}"} for i in range(3))
    return Subject


def ask(connection, text, **values):
    bound, args = bind(text, values, backslashes=connection.backend.dialect.backslash_escapes)
    return connection.query(bound, args).fetchall()


def test_values_are_bound(subject, connection):
    table = subject.full_table_name
    rows = ask(
        connection,
        f"SELECT subject, ':name', 7 % 4, 'it''s' FROM {table} -- :nobody\n WHERE name = :name /* :nobody */ AND 1 <> :no",
        name="s1",
        no=2,
    )
    assert [tuple(row) for row in rows] == [(1, ":name", 3, "it's")]
    assert not ask(connection, f"SELECT * FROM {table} WHERE name = :name", name="' OR '1'='1")


def test_a_backslash_in_quotes_means_what_the_engine_means(connection):
    escapes = connection.backend.dialect.backslash_escapes
    text = r"SELECT 'a\' :x', :x" if escapes else r"SELECT 'a\', :x"
    (row,) = ask(connection, text, x=5)
    assert tuple(row) == (("a' :x", 5) if escapes else ("a\\", 5))


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO {table} VALUES (9, 'x')",
        "DELETE FROM {table}",
        "UPDATE {table} SET name = 'x'",
        "DROP TABLE {table}",
        "CREATE TABLE {other} (a int)",
    ],
)
def test_no_change_without_being_asked(subject, connection, statement):
    table = subject.full_table_name
    text = statement.format(table=table, other=table.replace("subject", "other"))
    with pytest.raises(dj.DataJointError), connection.transaction(read_only=True):
        connection.query(text)
    assert len(subject()) == 3
    assert "other" not in connection.catalog(subject.database).tables
