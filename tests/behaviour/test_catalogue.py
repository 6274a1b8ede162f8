"""What is known of the structure: read in a few queries, kept, and looked after."""

from __future__ import annotations

import sys

import pytest

import datajoint as dj
from datajoint.errors import UnknownAttributeError


@pytest.fixture
def subject(schema):
    return schema(type("Subject", (dj.Manual,), {"__module__": __name__, "definition": "id : int32\n---\na=0 : int32"}))


@pytest.fixture
def clock(monkeypatch):
    """A clock that the test moves; it starts where the real one is."""
    import time

    class Clock:
        ahead = 0.0

        def monotonic(self):
            return time.monotonic() + self.ahead

        perf_counter = staticmethod(time.perf_counter)

    clock = Clock()
    monkeypatch.setattr(sys.modules["datajoint.connection.catalogs"], "time", clock)
    return clock


def add_column(other, schema, table, name):
    quoted = other.dialect.quote(dj.FreeTable(other, f"{schema.database}.{table}").name.identifier)
    other.query(f"ALTER TABLE {quoted} ADD COLUMN {name} INT DEFAULT 0")


def test_changes_by_others_are_seen_within_a_second(schema, subject, new_connection, connection, clock):
    other = new_connection()
    assert subject.heading.names == ["id", "a"]
    add_column(other, schema, "subject", "b")
    dj.Schema(schema.database, connection=other)(
        type("Late", (dj.Manual,), {"__module__": __name__, "definition": "id : int32"})
    )
    clock.ahead += 1.5
    assert subject.heading.names == ["id", "a", "b"]
    assert "Late" in schema
    other.query(f"DROP TABLE {dj.FreeTable(other, f'{schema.database}.late').full_table_name}")
    clock.ahead += 1.5
    assert "late" not in connection.catalog(schema.database).tables or connection.dialect.joined_names


def test_one_light_query_a_second(schema, subject, connection, clock):
    subject.heading  # known
    with connection.query_log() as log:
        for _ in range(5):
            assert subject.heading.names == ["id", "a"]
        assert log == []
        clock.ahead += 1.5
        for _ in range(5):
            assert subject.heading.names == ["id", "a"]
        assert len(log) == 1
    with connection.transaction, connection.query_log() as log:
        clock.ahead += 1.5
        assert subject.heading.names == ["id", "a"]
    assert log == []


def test_an_unknown_column_makes_it_look_again(schema, subject, new_connection, connection):
    other = new_connection()
    subject.insert1({"id": 1})
    if connection.dialect.joined_names:
        pytest.skip("the file's CHECK names the column, so it cannot be dropped behind the back")
    other.query(f"ALTER TABLE {subject.full_table_name} DROP COLUMN a")
    with pytest.raises(UnknownAttributeError):
        subject.to_dicts()
    assert subject.to_dicts() == [{"id": 1}]


def test_a_name_that_was_added_a_moment_ago_is_known(schema, subject, new_connection, connection):
    other = new_connection()
    subject.insert1({"id": 1})
    table = subject()
    assert table.heading.names == ["id", "a"]
    add_column(other, schema, "subject", "b")
    assert len(table & "b = 0") == 1
    assert len(subject & "b = 0") == 1
    add_column(other, schema, "subject", "c")
    assert subject.proj("c").fetch1("c") == 0
    with connection.query_log() as log, pytest.raises(UnknownAttributeError, match="nothing"):
        subject & "nothing = 0"
    assert len(log) == 1


def test_a_schema_is_read_in_a_handful_of_queries(new_schema, new_connection):
    names = []
    for number in range(3):
        schema = new_schema(f"s{number}")
        names.append(schema.database)
        context = {}
        for table in range(4):
            definition = "id : int32\n---\nv=0 : int32" if not table else f"-> T0\nx : int32\n---\nw{table} : float64"
            cls = type(f"T{table}", (dj.Manual,), {"__module__": __name__, "definition": definition})
            context[f"T{table}"] = schema(cls, context=context)
    other = new_connection()
    with other.query_log() as log:
        for name in names:
            schema = dj.Schema(name, connection=other)
            schema.make_classes(into=(space := {}))
            assert len(space["T3"].heading.names) == 3
    assert len(log) <= 10 * len(names)
