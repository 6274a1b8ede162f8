"""Rows go in, in every form, as they were meant; a refused row is named, and nothing of the call is kept."""

from __future__ import annotations

import datetime
import uuid
import warnings

import numpy as np
import pandas as pd
import pytest

import datajoint as dj
from datajoint.errors import (
    DuplicateError,
    IntegrityError,
    InvalidValueError,
    MissingAttributeError,
    UnknownFieldError,
)
from datajoint.events import RowsInserted

DEFAULTS = {"name": "anon", "x": None, "dt": None, "j": None, "b": None}


@pytest.fixture
def T(schema):
    @schema
    class T(dj.Manual):
        definition = """
        id : int32
        ---
        name="anon" : varchar(20)
        x=null : float64
        dt=null : datetime(3)
        j=null : json
        b=null : <blob>
        """

    return T


@pytest.fixture
def P(schema):
    @schema
    class P(dj.Manual):
        definition = """
        p : int32
        ---
        v=0 : int32
        """

    return P


@pytest.fixture
def C(schema, P):
    @schema
    class C(dj.Manual):
        definition = """
        -> P
        c : int32
        ---
        w=0 : int32
        """

    return C


def row(id, **values):
    return {"id": id, **DEFAULTS, **values}


# --- forms of rows
def test_absent_fields_take_their_defaults(T):
    T.insert1({"id": 1})
    T.insert1({"id": 2, "name": None})
    assert T.to_dicts() == [row(1), row(2)]


def test_the_order_of_a_dict_does_not_matter(T):
    T.insert([{"id": 1, "name": "a"}, {"name": "b", "id": 2}])
    assert T.to_dicts() == [row(1, name="a"), row(2, name="b")]


def test_rows_with_different_fields_are_refused(T):
    rows = [{"id": 1}, {"id": 2, "name": "q"}]
    with pytest.raises(dj.DataJointError, match="different fields"):
        T.insert(rows)
    assert len(T()) == 0
    T.insert(rows, chunk_size=1)
    assert T.to_dicts() == [row(1), row(2, name="q")]


def test_an_unknown_field_is_a_key_error_with_advice(T):
    with pytest.raises(KeyError, match="nmae.*Did you mean 'name'.*ignore_extra_fields"):
        T.insert1({"id": 1, "nmae": 0})
    T.insert1({"id": 1, "nmae": 0}, ignore_extra_fields=True)
    assert T.to_dicts() == [row(1)]


def test_mixed_faults_are_errors_of_the_library(T):
    with pytest.raises(dj.DataJointError):
        T.insert([{"id": 1}, {"zz": 2}])
    with pytest.raises(KeyError):
        T.insert1({"zz": 2})
    with pytest.raises(dj.DataJointError, match="0 given; 6 expected"), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        T.insert1(())
    assert len(T()) == 0


def test_wrong_containers_are_refused(T):
    with pytest.raises(dj.DataJointError, match="insert1"):
        T.insert({"id": 1})
    with pytest.raises(dj.DataJointError, match="cannot be inserted"):
        T.insert1(5)
    with pytest.raises(dj.DataJointError, match="pathlib"):
        T.insert("rows.csv")
    with pytest.raises(TypeError):
        T.insert(None)
    T.insert([])
    assert len(T()) == 0


def test_positional_rows_warn_at_the_caller(T):
    with pytest.warns(DeprecationWarning, match="Positional inserts") as caught:
        T.insert1((1, "a", None, None, None, None))
    assert caught[0].filename == __file__
    with pytest.warns(DeprecationWarning), pytest.raises(dj.DataJointError, match="2 given; 6 expected"):
        T.insert1((1, "a"))
    assert T.to_dicts() == [row(1, name="a")]


def test_a_generator_is_taken_in_chunks(T, connection):
    counts = []
    with connection.events.subscribe(lambda e: counts.append(e.count) if isinstance(e, RowsInserted) else None):
        T.insert(({"id": i} for i in range(5)), chunk_size=2)
    assert counts == [2, 2, 1]
    assert len(T()) == 5
    with pytest.raises(dj.DataJointError, match="chunk_size"):
        T.insert([{"id": 9}], chunk_size=0)


def test_structured_arrays_and_numpy_scalars(T):
    array = np.array([(1, "ann", 0.5), (2, "bob", np.nan)], dtype=[("id", "i4"), ("name", "U8"), ("x", "f8")])
    T.insert(array)
    T.insert1({"id": np.int64(3), "x": np.float32(0.25), "name": np.str_("z")})
    assert T.to_dicts() == [row(1, name="ann", x=0.5), row(2, name="bob"), row(3, name="z", x=0.25)]


def test_missing_values_of_a_data_frame(T):
    moment = pd.Timestamp("2024-02-29 12:30:00.123456")
    T.insert(pd.DataFrame({"id": [1, 2], "name": ["a", None], "x": [1.0, np.nan], "dt": [moment, pd.NaT]}))
    stored = datetime.datetime(2024, 2, 29, 12, 30, 0, 123000)
    assert T.to_dicts() == [row(1, name="a", x=1.0, dt=stored), row(2)]


def test_the_index_of_a_data_frame(T):
    T.insert(pd.DataFrame({"name": ["a"]}, index=pd.Index([7], name="id")))
    T.insert(pd.DataFrame({"id": [8]}, index=["some label"]))
    assert T.keys() == [{"id": 7}, {"id": 8}]
    with pytest.raises(KeyError, match="level_0"):
        T.insert(pd.DataFrame({"id": [9]}, index=pd.MultiIndex.from_tuples([(1, 2)])))
    with pytest.raises(ValueError, match="already exists"):
        T.insert(pd.DataFrame({"id": [9]}, index=pd.Index([1], name="id")))


def test_insert_dataframe_and_back(T):
    T.insert([{"id": i, "name": f"n{i}", "x": i / 2} for i in range(3)])
    frame = T.to_pandas()
    T.delete(prompt=False)
    T.insert_dataframe(frame)
    assert T.to_dicts() == [row(i, name=f"n{i}", x=i / 2) for i in range(3)]
    with pytest.raises(dj.DataJointError, match="do not match"):
        T.insert_dataframe(frame.rename_axis("other"), index_as_pk=True)
    with pytest.raises(dj.DataJointError, match="requires a pandas DataFrame"):
        T.insert_dataframe([{"id": 1}])


def test_polars_and_arrow_tables(T):
    polars = pytest.importorskip("polars")
    T.insert(polars.DataFrame({"id": [1, 2], "x": [0.5, None]}))
    pyarrow = pytest.importorskip("pyarrow")
    T.insert(pyarrow.table({"id": [3], "name": ["arrow"]}))
    assert T.to_dicts() == [row(1, x=0.5), row(2), row(3, name="arrow")]


def test_a_csv_file(T, tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("id,name,x\n1,ann,\n2,bob,2.5\n")
    T.insert(path)
    assert T.to_dicts() == [row(1, name="ann"), row(2, name="bob", x=2.5)]


# --- values
def test_json_values(T):
    values = [{"a": [1, None]}, "str", 5]
    T.insert([{"id": i, "j": value} for i, value in enumerate(values)])
    assert T().to_arrays("j").tolist() == values
    with pytest.raises(TypeError):
        T.insert1({"id": 9, "j": {1, 2}})


def test_codec_values(T):
    array = np.arange(6).reshape(2, 3)
    T.insert([{"id": 1, "b": array}, {"id": 2, "b": None}])
    first, second = T().to_dicts()
    np.testing.assert_array_equal(first["b"], array)
    assert second["b"] is None


def test_a_bad_value_is_named_and_nothing_is_kept(T):
    with pytest.raises(InvalidValueError, match=r"Row 1 \{'id': 2\}.*\.x.*'abc'") as caught:
        T.insert([{"id": 1, "x": 1}, {"id": 2, "x": "abc"}])
    assert caught.value.row == 1
    assert caught.value.attribute == "x"
    assert len(T()) == 0
    with pytest.raises(ValueError, match="abc"):
        T.insert1({"id": "abc"})
    with pytest.raises(InvalidValueError, match="21 characters"):
        T.insert1({"id": 1, "name": "x" * 21})


def test_a_missing_key_is_named(T):
    with pytest.raises(MissingAttributeError, match="id"):
        T.insert1({"id": None})
    with pytest.raises(MissingAttributeError, match="id"):
        T.insert1({"name": "x"})


def test_empty_rows(schema, P):
    @schema
    class Counter(dj.Manual):
        definition = """
        n : int auto_increment
        ---
        note="-" : varchar(10)
        """

    Counter.insert([{}, {}, {}])
    Counter.insert([{"note": None}, {"note": "x"}])
    assert Counter().to_arrays("note").tolist() == ["-", "-", "-", "-", "x"]
    with pytest.raises(dj.DataJointError, match=r"Cannot insert empty row.*\['p'\]"):
        P.insert1({})


def test_key_types_survive(schema):
    @schema
    class Typed(dj.Manual):
        definition = """
        u : uuid
        d : date
        e : enum('a', 'b')
        ---
        f=null : bool
        """

    key = {"u": uuid.uuid4(), "d": datetime.date(2024, 1, 31), "e": "b"}
    Typed.insert1({**key, "f": 1})
    assert (Typed & key).fetch1() == {**key, "f": True}
    with pytest.raises(DuplicateError, match="exists already"):
        Typed.insert1(key)


# --- keys that exist
def test_a_duplicate_is_named(T):
    T.insert1({"id": 6, "name": "old"})
    with pytest.raises(DuplicateError, match=r"row 1: a row with id=6 exists already") as caught:
        T.insert([{"id": 5}, {"id": 6}])
    assert "To ignore duplicate entries in insert, set skip_duplicates=True" in caught.value.args[-1]
    assert caught.value.__cause__ is not None
    assert T.keys() == [{"id": 6}]
    with pytest.raises(DuplicateError, match=r"rows 0 and 1 have the same id=8"):
        T.insert([{"id": 8}, {"id": 8}])


def test_skip_and_replace(T):
    T.insert1({"id": 6, "name": "old", "x": 1.5})
    T.insert([{"id": 6, "name": "new"}, {"id": 7, "name": None}], skip_duplicates=True)
    assert T.to_dicts() == [row(6, name="old", x=1.5), row(7)]
    T.insert1({"id": 6, "name": "new"}, replace=True)
    assert T.to_dicts() == [row(6, name="new"), row(7)]
    T.insert1({"id": 7}, replace=True)
    with pytest.raises(dj.DataJointError, match="both"):
        T.insert1({"id": 6}, replace=True, skip_duplicates=True)


def test_the_first_of_two_duplicates_wins(T):
    T.insert([{"id": 50, "name": "first"}, {"id": 50, "name": "second"}], skip_duplicates=True)
    T.insert([{"id": 51, "name": None}, {"id": 51, "name": "second"}], skip_duplicates=True)
    assert T().to_arrays("name").tolist() == ["first", "anon"]


def test_a_unique_index(schema, connection):
    @schema
    class U1(dj.Manual):
        definition = """
        item : int32
        ---
        email : varchar(40)
        unique index(email)
        """

    U1.insert1({"item": 1, "email": "a@x"})
    with pytest.raises(DuplicateError, match=r"email='a@x' exists already"):
        U1.insert1({"item": 2, "email": "a@x"})
    assert len(U1()) == 1
    # One meaning on every engine: a row that the table has by any unique key is skipped.
    for many in (1, 30):
        U1.insert([{"item": 2 + n, "email": "a@x"} for n in range(many)], skip_duplicates=True)
    assert U1.keys() == [{"item": 1}]


def test_a_failed_chunk_keeps_the_earlier_ones(T, connection):
    rows = [{"id": 1}, {"id": 2}, {"id": 2}]
    with pytest.raises(DuplicateError):
        T.insert(rows)
    assert len(T()) == 0
    with pytest.raises(DuplicateError, match="row 2"):
        T.insert(rows, chunk_size=2)
    assert len(T()) == 2
    T.delete(prompt=False)
    with pytest.raises(DuplicateError), connection.transaction:
        T.insert(rows, chunk_size=2)
    assert len(T()) == 0


def test_a_transaction_goes_on_after_a_refused_insert(T, connection):
    with connection.transaction:
        T.insert1({"id": 1})
        with pytest.raises(DuplicateError):
            T.insert1({"id": 1})
        with pytest.raises(DuplicateError):
            T.insert([{"id": 2}, {"id": 1}])
        T.insert1({"id": 3})
    assert T.keys() == [{"id": 1}, {"id": 3}]


# --- parents
def test_a_missing_parent_is_named(P, C):
    P.insert1({"p": 1})
    with pytest.raises(
        IntegrityError, match=r"row 1 \{'p': 9, 'c': 1\}: no row in .*\.p with p=9; insert it first"
    ) as caught:
        C.insert([{"p": 1, "c": 1}, {"p": 9, "c": 1}])
    assert caught.value.row == 1
    assert caught.value.__cause__ is not None
    assert len(C()) == 0


# --- the rows of a query
def test_insert_from_a_query(T, P):
    P.insert([{"p": i, "v": 10 * i} for i in range(3)])
    T.insert(P.proj(id="p", name="concat('v', v)"))
    assert T().to_arrays("name").tolist() == ["v0", "v10", "v20"]
    with pytest.raises(dj.DataJointError, match="Attribute v not found"):
        T.insert(P.proj("v", id="p"))
    with pytest.raises(DuplicateError):
        T.insert(P.proj("v", id="p"), ignore_extra_fields=True)
    T.insert(P.proj("v", id="p"), ignore_extra_fields=True, skip_duplicates=True)
    assert T().to_arrays("name").tolist() == ["v0", "v10", "v20"]
    with pytest.raises(dj.DataJointError, match="not supported"):
        T.insert(P.proj(id="p"), chunk_size=2)


def test_a_table_may_be_inserted_into_itself(P):
    P.insert([{"p": i, "v": i} for i in range(3)])
    P.insert(P, skip_duplicates=True)
    assert len(P()) == 3


def test_a_query_of_another_connection_is_refused(P, T, new_connection):
    other = dj.FreeTable(new_connection(), str(P().name))
    with pytest.raises(dj.DataJointError, match="another connection"):
        T.insert(other.proj(id="p"))


# --- validation
def test_validate_finds_rows_with_the_same_key(schema):
    cls = type(
        "Mail",
        (dj.Manual,),
        {"definition": "a : int32\nb : date\n---\nemail = null : varchar(40)\nunique index (email)"},
    )
    table = schema(cls, context={})
    rows = [
        {"a": 1, "b": "2020-01-01", "email": "x"},
        {"a": "1", "b": datetime.date(2020, 1, 1), "email": "y"},
        {"a": 1, "b": "2020-01-02", "email": "y"},
        {"a": 1, "b": "2020-01-03", "email": None},
        {"a": 1, "b": "2020-01-04", "email": None},
    ]
    assert table.validate(rows).errors == [
        (1, None, "Row has the same a=1, b=datetime.date(2020, 1, 1) as row 0"),
        (2, "email", "Row has the same email='y' as row 1"),
    ]
    with pytest.raises(dj.errors.DuplicateError, match="rows 0 and 1"):
        table.insert(rows)
    assert table.validate([rows[0], *rows[2:]])
    table.insert([rows[0], *rows[2:]])


def test_validate_finds_what_insert_would_refuse(T):
    result = T.validate(
        [
            {"id": 1, "name": "ok"},
            {"id": 2, "zz": 1},
            {"name": "no key"},
            {"id": 3, "x": "abc"},
            {"id": None},
            5,
            {"id": 4, "name": "x" * 21, "j": {1}},
        ]
    )
    assert not result
    assert result.rows_checked == 7
    assert [(row, name) for row, name, _ in result.errors] == [
        (1, "zz"),
        (2, "id"),
        (2, "id"),
        (3, "x"),
        (4, "id"),
        (4, "id"),
        (5, None),
        (6, "name"),
        (6, "j"),
    ]
    assert "Field 'zz' not in table heading" in result.summary()
    with pytest.raises(dj.DataJointError, match="Validation failed: 9 error"):
        result.raise_if_invalid()
    different = T.validate([{"id": 1}, {"id": 2, "name": "q"}, {"id": 3}])
    assert different.errors == [(1, None, "Row has other fields than the first one: they differ in name")]
    with pytest.raises(dj.DataJointError, match="different fields"):
        T.insert([{"id": 1}, {"id": 2, "name": "q"}, {"id": 3}])
    assert T.validate([(1, "a", None, None, None, None)])
    assert T.validate([{"id": 1, "zz": 0}], ignore_extra_fields=True).summary() == "Validation passed: 1 rows checked"
    assert len(T()) == 0


def test_hidden_attributes_are_not_taken(schema):
    @schema
    class Single(dj.Lookup):
        definition = """
        ---
        setting : int32
        """

    Single.insert1({"setting": 5})
    with pytest.raises(UnknownFieldError):
        Single.insert1({"setting": 6, "_singleton": 2})
    with pytest.raises(DuplicateError):
        Single.insert1({"setting": 6})
    assert Single.to_dicts() == [{"setting": 5}]
