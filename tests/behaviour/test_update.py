"""One row is changed, all of it or nothing."""

from __future__ import annotations

import numpy as np
import pytest

import datajoint as dj
from datajoint.errors import InvalidValueError, MissingAttributeError


@pytest.fixture
def T(schema):
    @schema
    class T(dj.Manual):
        definition = """
        id : int32
        ---
        name="anon" : varchar(20)
        x=null : float64
        required : int16
        kind="a" : enum('a', 'b')
        made=CURRENT_TIMESTAMP : datetime
        b=null : <blob>
        """

    T.insert1({"id": 1, "name": "one", "x": 1.0, "required": 1, "kind": "b", "made": "2000-01-01"})
    T.insert1({"id": 2, "required": 2})
    return T


def test_only_the_given_attributes_change(T):
    before = (T & {"id": 1}).fetch1()
    T.update1({"id": 1, "x": 2.5, "name": "it's 100%"})
    assert (T & {"id": 1}).fetch1() == {**before, "x": 2.5, "name": "it's 100%"}
    assert (T & {"id": 2}).fetch1("name") == "anon"


def test_none_resets_to_the_default(T):
    T.update1({"id": 1, "name": None, "x": np.nan, "kind": None, "made": None})
    row = (T & {"id": 1}).fetch1()
    assert (row["name"], row["x"], row["kind"]) == ("anon", None, "a")
    assert row["made"].year > 2000


def test_codec_values(T):
    T.update1({"id": 1, "b": {"a": [1, 2]}})
    assert (T & {"id": 1}).fetch1("b") == {"a": [1, 2]}
    T.update1({"id": 1, "b": None})
    assert (T & {"id": 1}).fetch1("b") is None


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (5, "must be dict-like"),
        ([("id", 1)], "must be dict-like"),
        ({"name": "x"}, "all primary key values"),
        ({"id": None, "name": "x"}, "all primary key values"),
        ({"id": 1, "zz": 1}, "`zz` not found"),
        ({"id": 99, "name": "x"}, "one existing entry"),
    ],
)
def test_refusals(T, row, said):
    with pytest.raises(dj.DataJointError, match=said):
        T.update1(row)


def test_a_restricted_table_is_refused(T):
    with pytest.raises(dj.DataJointError, match="restricted"):
        (T & {"id": 1}).update1({"id": 1, "name": "x"})


def test_only_a_key_changes_nothing(T):
    before = T.to_dicts()
    T.update1({"id": 1})
    assert T.to_dicts() == before


def test_bad_values_are_refused(T):
    before = T.to_dicts()
    with pytest.raises(InvalidValueError, match=r"\.x.*'abc'"):
        T.update1({"id": 1, "x": "abc", "name": "changed"})
    with pytest.raises(MissingAttributeError, match="required"):
        T.update1({"id": 1, "required": None, "name": "changed"})
    assert T.to_dicts() == before
