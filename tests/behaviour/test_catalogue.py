"""What is known of the structure: read in a few queries, kept, and looked after."""

from __future__ import annotations

import sys

import pytest

import datajoint as dj
from datajoint.errors import UnknownAttributeError, UnknownFieldError


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


def redefine(schema, other, definition):
    """Alter the table as another program does."""
    names = {"__module__": __name__, "definition": definition}
    cls = dj.Schema(schema.database, connection=other)(type("Subject", (dj.Manual,), names))
    cls.alter(prompt=False)


READS = {
    "to_dicts": lambda t: t.to_dicts(),
    "iteration": list,
    "to_pandas": lambda t: t.to_pandas().reset_index().to_dict("records"),
    "to_arrow": lambda t: t.to_arrow().to_pylist(),
    "to_arrays": lambda t: [{"id": int(i)} for (i,) in t.to_arrays()],
    "fetch1": lambda t: [t.fetch1()],
    "restricted": lambda t: (t & "id > 0" & dj.Top(5)).to_dicts(),
    "preview": lambda t: [{"id": 1}] if "*id" in repr(t) and "a" not in repr(t).split() else [],
}


@pytest.mark.parametrize("read", READS)
def test_a_column_that_is_gone_is_left_out_at_once(schema, subject, new_connection, connection, read):
    subject.insert1({"id": 1})
    table = subject()
    kept = table & "id > 0" & dj.Top(5)
    assert table.heading.names == kept.heading.names == ["id", "a"]
    redefine(schema, new_connection(), "id : int32")
    assert READS[read](table) == [{"id": 1}]
    assert READS[read](kept) == [{"id": 1}]
    assert subject.heading.names == ["id"]


def test_writing_follows_the_structure(schema, subject, new_connection, connection):
    other = new_connection()
    table = subject()
    assert table.heading.names == ["id", "a"]
    redefine(schema, other, "id : int32\n---\nb = 0 : int32")
    table.insert1({"id": 1, "b": 5})
    redefine(schema, other, "id : int32\n---\nb = 0 : int32\nc = 0 : int32")
    table.insert([{"id": 2, "c": 7}, {"id": 3, "c": 8}])
    redefine(schema, other, "id : int32\n---\nb = 0 : int32\nc = 0 : int32\nd = 0 : int32")
    table.update1({"id": 3, "d": 9})
    assert table.to_dicts(order_by="KEY") == [
        {"id": 1, "b": 5, "c": 0, "d": 0},
        {"id": 2, "b": 0, "c": 7, "d": 0},
        {"id": 3, "b": 0, "c": 8, "d": 9},
    ]
    with pytest.raises(UnknownFieldError, match="`zz`"), connection.query_log() as log:
        table.insert1({"id": 4, "zz": 1})
    assert len(log) == 1  # one light question


def test_inside_a_transaction_nothing_is_looked_at_again(schema, subject, new_connection, connection):
    table = subject()
    assert table.heading.names == ["id", "a"]
    with connection.transaction:
        with connection.query_log() as log, pytest.raises(UnknownFieldError):
            table.insert1({"id": 1, "zz": 1})
        assert log == []


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
