"""Rows that exist are changed in the fields given, others are inserted; all of them, or none."""

from __future__ import annotations

import pandas as pd
import pytest

import datajoint as dj
from datajoint.errors import (
    DataJointError,
    DuplicateError,
    IntegrityError,
    InvalidValueError,
    MissingAttributeError,
    UnknownFieldError,
)

DEFINITION = """
a : int16
b : varchar(8)
---
x : float64
name = 'anon' : varchar(20)
day = null : date
flag = null : bool
thing = null : <blob>
tag = null : varchar(8)
unique index (tag)
"""


@pytest.fixture
def table(schema):
    made = schema(type("Thing", (dj.Manual,), {"definition": DEFINITION}), context={})
    made.insert(
        [
            {"a": 1, "b": "p", "x": 1.5, "name": "one", "day": "2020-02-29", "flag": True, "thing": [1], "tag": "t1"},
            {"a": 2, "b": "p", "x": 2.5, "name": "two", "day": None, "flag": False, "thing": None, "tag": "t2"},
        ]
    )
    return made


def rows(table, *names):
    return [tuple(row[n] for n in names) for row in table.to_dicts(order_by="KEY")]


def test_old_rows_change_and_new_ones_enter(table):
    table.upsert([{"a": 2, "b": "p", "x": 9}, {"a": 3, "b": "q", "x": 3.5}])
    assert rows(table, "a", "b", "x", "name", "tag") == [
        (1, "p", 1.5, "one", "t1"),
        (2, "p", 9.0, "two", "t2"),
        (3, "q", 3.5, "anon", None),
    ]


def test_a_field_that_is_not_given_keeps_its_value(table):
    table.upsert([{"a": 1, "b": "p", "thing": {"k": (1, 2)}}])
    assert (table & "a = 1").fetch1("x", "name", "thing") == (1.5, "one", {"k": (1, 2)})


def test_none_is_the_default(table):
    table.upsert(
        [{"a": 1, "b": "p", "name": None, "day": None}, {"a": 2, "b": "p", "name": "kept", "day": "2021-01-01"}]
    )
    assert [(n, str(d)) for n, d in rows(table, "name", "day")] == [("anon", "None"), ("kept", "2021-01-01")]


def test_many_rows_of_any_form(table):
    frame = pd.DataFrame({"a": range(1, 301), "b": "p", "x": [n / 2 for n in range(300)]})
    table.upsert(frame)
    assert len(table()) == 300
    assert (table & {"a": 2, "b": "p"}).fetch1("x", "name") == (0.5, "two")
    table.upsert(({"a": n, "b": "p", "name": str(n)} for n in range(1, 301)), chunk_size=70)
    assert (table & {"a": 250, "b": "p"}).fetch1("x", "name") == (124.5, "250")


def test_the_last_of_equal_keys_counts(table):
    table.upsert([{"a": 5, "b": "p", "x": 1}, {"a": 5, "b": "p", "x": 2}, {"a": "5", "b": "p", "x": 3}])
    assert (table & "a = 5").fetch1("x") == 3


def test_keys_alone_change_nothing(table):
    before = table.to_dicts()
    table.upsert([{"a": 1, "b": "p"}, {"a": 2, "b": "p"}])
    assert table.to_dicts() == before
    table.upsert([])


def test_rows_that_others_refer_to(schema, table):
    child = schema(type("Child", (dj.Manual,), {"definition": "-> Thing\n---\nn : int8"}), context={"Thing": table})
    child.insert1({"a": 1, "b": "p", "n": 1})
    table.upsert([{"a": 1, "b": "p", "x": 7}])
    child.upsert([{"a": 1, "b": "p", "n": 2}, {"a": 2, "b": "p", "n": 3}])
    assert (table & child).to_arrays("x", order_by="KEY").tolist() == [7, 2.5]
    with pytest.raises(IntegrityError, match="no row in"):
        child.upsert([{"a": 1, "b": "p", "n": 9}, {"a": 8, "b": "p", "n": 9}])
    assert rows(child, "a", "n") == [(1, 2), (2, 3)]


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ([{"a": 1, "x": 1}], DataJointError, "They lack b"),
        ([{"a": 1, "b": "p", "x": "y"}], InvalidValueError, "not a number"),
        ([{"a": 1, "b": "p", "x": None}], MissingAttributeError, "no value"),
        ([{"a": 1, "b": "p", "name": "z"}, {"a": 9, "b": "p", "name": "z"}], MissingAttributeError, "no value for x"),
        ([{"a": 1, "b": "p", "zz": 1}], UnknownFieldError, "`zz`"),
        ([{"a": 1, "b": "p", "x": 1}, {"a": 1, "b": "p", "name": ""}], DataJointError, "different fields"),
        ([{"a": 1, "b": "p", "tag": "t2"}], DuplicateError, "tag='t2'|t2"),
        ({"a": 1, "b": "p"}, DataJointError, "single dict"),
    ],
)
def test_all_or_nothing(table, given, error, message):
    before = table.to_dicts()
    with pytest.raises(error, match=message):
        table.upsert(given)
    assert table.to_dicts() == before
    with pytest.raises(DataJointError, match="Call upsert on the table itself"):
        (table & "a = 1").upsert([{"a": 1, "b": "p"}])


def test_inside_a_transaction_it_is_part_of_it(table, connection):
    with pytest.raises(ZeroDivisionError), connection.transaction:
        table.upsert([{"a": 1, "b": "p", "x": 4}, {"a": 7, "b": "p", "x": 4}])
        assert len(table & "x = 4") == 2
        raise ZeroDivisionError
    assert len(table & "x = 4") == 0


def test_an_auto_populated_table_is_guarded(schema, table):
    made = schema(type("Made", (dj.Computed,), {"definition": "-> Thing\n---\nn : int8"}), context={"Thing": table})
    with pytest.raises(DataJointError, match="inside its make"):
        made.upsert([{"a": 1, "b": "p", "n": 1}])
    made.upsert([{"a": 1, "b": "p", "n": 1}], allow_direct_insert=True)
    assert made.fetch1("n") == 1
