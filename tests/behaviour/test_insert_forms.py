"""Every form of rows that comes by columns, query expressions with other types, and what happens to rows that exist."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet
import pytest

import datajoint as dj
from datajoint.errors import DuplicateError, IntegrityError, InvalidValueError
from datajoint.events import RowsInserted

MOMENT = dt.datetime(2024, 2, 29, 12, 30, 0, 123000)
FULL = {
    "id": 1,
    "f": 0.5,
    "g": 0.25,
    "n": Decimal("1.50"),
    "flag": True,
    "c": "ab",
    "s": "it's\t\\ \n ü %s",
    "e": "b",
    "d": dt.date(2024, 2, 29),
    "t": MOMENT,
    "u": uuid.UUID(int=7),
    "j": {"a": [1, None]},
    "b": b"\x00\xff'\\",
    "o": {"x": (1, 2)},
}
EMPTY = {**dict.fromkeys(FULL), "id": 2}


@pytest.fixture
def Typed(schema):
    @schema
    class Typed(dj.Manual):
        definition = """
        id : int64
        ---
        f=null : float64
        g=null : float32
        n=null : decimal(6,2)
        flag=null : bool
        c=null : char(4)
        s=null : varchar(40)
        e=null : enum('a','b')
        d=null : date
        t=null : datetime(3)
        u=null : uuid
        j=null : json
        b=null : bytes
        o=null : <blob>
        """

    return Typed


@pytest.fixture
def T(schema):
    @schema
    class T(dj.Manual):
        definition = """
        id : int32
        ---
        name="anon" : varchar(20)
        x=null : float64
        unique index(x)
        """

    return T


@pytest.fixture
def Child(schema, T):
    @schema
    class Child(dj.Manual):
        definition = """
        -> T
        """

    return Child


# --- forms
@pytest.mark.parametrize("count", [1, 3, 40], ids=["one", "few", "many"])
@pytest.mark.parametrize("skip", [False, True], ids=["new", "skip"])
def test_every_type_survives_every_way_of_sending(Typed, count, skip):
    rows = [{**(EMPTY if n % 3 == 2 else FULL), "id": n} for n in range(count)]
    Typed.insert(rows, skip_duplicates=skip)
    assert Typed.to_dicts() == rows


@pytest.mark.parametrize("count", [2, 40])
def test_data_frames_and_arrow_tables_of_every_type(Typed, count):
    names = ["id", "f", "g", "flag", "s", "e", "d", "t", "b"]
    rows = [{n: (FULL if i % 2 else EMPTY)[n] for n in names} | {"id": i} for i in range(count)]
    stored = [{**EMPTY, **row} for row in rows]
    frame = pd.DataFrame(rows)
    polars = pl.DataFrame(rows)
    arrow = pa.Table.from_pylist(rows)
    forms = [frame, polars, polars.lazy(), arrow, arrow.to_reader(), frame.convert_dtypes()]
    forms += [arrow.combine_chunks().to_batches()[0]]
    for form in forms:
        Typed.insert(form)
        assert Typed.to_dicts() == stored, type(form)
        Typed.delete_quick()


def test_structured_arrays_keep_moments_and_missing_values(Typed):
    array = np.array(
        [(1, 0.5, "2024-02-29T12:30:00.123456789"), (2, np.nan, "NaT")],
        dtype=[("id", "i8"), ("f", "f4"), ("t", "M8[ns]")],
    )
    Typed.insert(array)
    assert (Typed.proj("f", "t")).to_dicts() == [
        {"id": 1, "f": 0.5, "t": MOMENT},
        {"id": 2, "f": None, "t": None},
    ]


def test_files(Typed, tmp_path):
    rows = [{"id": n, "s": f"text {n}", "t": MOMENT, "f": n / 2} for n in range(25)]
    pyarrow.parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "rows.parquet")
    Typed.insert(tmp_path / "rows.parquet", chunk_size=10)
    assert Typed.proj("s", "t", "f").to_dicts() == rows
    assert Typed.validate(tmp_path / "rows.parquet")
    Typed.delete_quick()
    pd.DataFrame(rows).to_csv(tmp_path / "rows.csv", index=False)
    Typed.insert(tmp_path / "rows.csv")
    assert Typed.proj("s", "t", "f").to_dicts() == rows


def test_columns_with_one_name_are_refused(T):
    with pytest.raises(dj.DataJointError, match="several columns called id"):
        T.insert(pd.DataFrame([[1, 2]], columns=["id", "id"]))
    with pytest.raises(KeyError, match="nmae"):
        T.insert(pd.DataFrame({"id": [1], "nmae": ["a"]}))
    T.insert(pl.DataFrame({"id": [1], "nmae": ["a"]}), ignore_extra_fields=True)
    assert T.keys() == [{"id": 1}]


def test_a_bad_value_in_a_column_is_named(T, connection):
    frame = pd.DataFrame({"id": range(30), "name": ["ok"] * 29 + ["x" * 21]})
    with (
        connection.query_log() as log,
        pytest.raises(InvalidValueError, match=r"Row 29 \{'id': 29\}.*21 characters") as caught,
    ):
        T.insert(frame)
    assert caught.value.row == 29
    assert not [record for record in log if record.text.startswith(("INSERT", "COPY"))]
    with pytest.raises(DuplicateError, match=r"rows 3 and 29 have the same id=3"):
        T.insert(frame.assign(name="a", id=[*range(29), 3]))
    assert len(T()) == 0


def test_progress_of_a_long_insert_is_told(T, connection):
    counts = []
    with connection.events.subscribe(lambda e: counts.append(e.count) if isinstance(e, RowsInserted) else None):
        T.insert({"id": n} for n in range(20_500))
    assert counts == [10_000, 10_000, 500]
    assert len(T()) == 20_500


# --- queries
def test_a_query_with_other_types_is_converted(schema):
    @schema
    class Source(dj.Manual):
        definition = """
        id : int32
        ---
        t6 : datetime(6)
        d : date
        f : float64
        g : float32
        n : decimal(10,4)
        flag : bool
        i : int32
        e : enum('b','a')
        u : uuid
        s : varchar(40)
        num : varchar(10)
        """

    @schema
    class Target(dj.Manual):
        definition = """
        id : int64
        ---
        t6=null : datetime
        d=null : datetime(3)
        f=null : int16
        g=null : float64
        n=null : decimal(6,1)
        flag=null : int8
        i=null : bool
        e=null : enum('a','b','c')
        u=null : varchar(40)
        s=null : uuid
        num=null : int32
        """

    end, u = dt.datetime(2024, 1, 31, 23, 59, 59, 999999), uuid.uuid4()
    Source.insert1(
        {"id": 1, "t6": end, "d": end.date(), "f": 2.5, "g": 0.5, "n": "1.2500", "flag": True, "i": 1, "e": "a", "u": u}
        | {"s": str(u), "num": "7"}
    )
    Target.insert(Source)
    assert Target.fetch1() == (
        {
            "id": 1,
            "t6": end.replace(microsecond=0),
            "d": dt.datetime(2024, 1, 31),
            "f": 2,
            "g": 0.5,
            "n": Decimal("1.3"),
        }
        | {"flag": 1, "i": True, "e": "a", "u": str(u), "s": u, "num": 7}
    )
    Target.delete_quick()
    Source.update1({"id": 1, "f": 1e6})
    with pytest.raises(InvalidValueError):
        Target.insert(Source)
    Target.insert(Source.proj(d="t6"))
    assert Target.fetch1("d") == end.replace(microsecond=999000)


def test_a_query_may_replace_rows_of_the_table_that_it_reads(T):
    T.insert([{"id": n, "name": f"n{n}", "x": n} for n in range(3)])
    T.insert((T & "id > 0").proj(name="concat(name, '!')", x="x + 10"), replace=True)
    assert T.to_arrays("name").tolist() == ["n0", "n1!", "n2!"]


# --- rows that exist
def test_skipping_by_any_unique_key(T):
    T.insert1({"id": 1, "x": 1.0})
    for rows in ([{"id": 2, "x": 1.0}], [{"id": 100 + n, "x": 1.0 + n} for n in range(20)]):
        T.insert(rows, skip_duplicates=True)
    assert T.to_arrays("x").tolist() == [1.0, *(1.0 + n for n in range(1, 20))]
    T.insert(T, skip_duplicates=True)
    assert len(T()) == 20


def test_skip_only_what_matches(T, Typed):
    rows = [{"id": n, "name": f"n{n}", "x": n / 2} for n in range(3)]
    T.insert(rows, skip_duplicates="match")
    T.insert([*rows, {"id": 3, "name": None, "x": None}], skip_duplicates="match")
    T.insert([{"id": 3, "name": "anon"}, {"id": 1, "name": "n1"}], skip_duplicates="match")
    T.insert([{"id": 3}, {"id": 1}], skip_duplicates="match")
    assert len(T()) == 4
    with pytest.raises(DuplicateError, match=r"row 1 \{'id': 2\}: name is 'n2', not 'q', x is 1.0, not None") as caught:
        T.insert([{"id": 9, "name": "n", "x": 8}, {"id": 2, "name": "q", "x": None}], skip_duplicates="match")
    assert caught.value.row == 1
    with pytest.raises(DuplicateError, match="unique index"):
        T.insert1({"id": 9, "x": 0.5}, skip_duplicates="match")
    with pytest.raises(DuplicateError, match="name is 'a', not 'b'"):
        T.insert([{"id": 20, "name": "a"}, {"id": 20, "name": "b"}], skip_duplicates="match")
    with pytest.raises(dj.DataJointError, match="'match'"):
        T.insert1({"id": 1}, skip_duplicates="same")
    assert len(T()) == 4
    for _ in range(2):
        Typed.insert([FULL, EMPTY], skip_duplicates="match")
    with pytest.raises(DuplicateError, match="other bytes"):
        Typed.insert1({**FULL, "o": {"x": (1, 3)}}, skip_duplicates="match")
    T.insert(T, skip_duplicates="match")


def test_replace_is_the_same_everywhere(T, Child):
    T.insert([{"id": n, "name": f"n{n}", "x": n} for n in range(4)])
    Child.insert1({"id": 0})
    T.insert(
        [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}, {"id": 1, "name": "c"}, {"id": 9, "name": None}], replace=True
    )
    assert T.to_dicts() == [
        {"id": 0, "name": "n0", "x": 0.0},
        {"id": 1, "name": "c", "x": None},
        {"id": 2, "name": "b", "x": None},
        {"id": 3, "name": "n3", "x": 3.0},
        {"id": 9, "name": "anon", "x": None},
    ]
    before = T.to_dicts()
    with pytest.raises(IntegrityError, match="Cannot replace rows.*refer to them"):
        T.insert([{"id": 2, "name": "z"}, {"id": 0, "name": "z"}], replace=True)
    with pytest.raises(DuplicateError, match="x=3.0 exists already"):
        T.insert1({"id": 2, "x": 3.0}, replace=True)
    assert T.to_dicts() == before


def test_generated_numbers_in_a_longer_key(schema):
    @schema
    class Event(dj.Manual):
        definition = """
        n : int auto_increment
        subject : int32
        ---
        note="-" : varchar(10)
        """

    Event.insert([{"subject": 1, "note": None}, {"subject": 2, "note": "b"}])
    assert Event.to_dicts() == [{"n": 1, "subject": 1, "note": "-"}, {"n": 2, "subject": 2, "note": "b"}]
    Event.insert([{"n": n, "subject": 1, "note": "c"} for n in (1, 7, 7)], skip_duplicates=True)
    Event.insert1({"n": 2, "subject": 2, "note": "z"}, replace=True)
    Event.insert1({"subject": 3})
    found = [(r["n"], r["subject"], r["note"]) for r in Event.to_dicts()]
    assert found[:3] == [(1, 1, "-"), (2, 2, "z"), (7, 1, "c")]
    assert found[3][0] > 7  # numbers may be left out
    assert found[3][1:] == (3, "-")


# --- batches
def test_a_batch_sends_its_rows_together(T, Child, connection):
    with connection.query_log() as log, Child.batch() as children, T.batch() as rows:
        for n in range(50):
            T.insert1({"id": n, "name": None if n % 2 else "even"})
            Child.insert1({"id": n})
        assert rows.pending == 50
        assert not [record for record in log if record.text.startswith(("INSERT", "COPY"))]
    assert (rows.inserted, children.inserted, rows.pending) == (50, 50, 0)
    assert (len(T()), len(Child())) == (50, 50)
    assert T.to_arrays("name").tolist()[:2] == ["even", "anon"]
    T.insert1({"id": 99})
    assert len(T()) == 51


def test_rows_of_parents_are_sent_before_those_of_their_children(T, Child):
    with T.batch() as outer, Child.batch():
        T.insert1({"id": 1})
        Child.insert1({"id": 1})
    assert outer.inserted == 1
    assert Child.keys() == [{"id": 1}]


def test_a_batch_that_fails_keeps_nothing(T):
    with pytest.raises(RuntimeError), T.batch():
        T.insert1({"id": 1})
        raise RuntimeError
    with pytest.raises(DuplicateError, match="rows 0 and 1"), T.batch():
        T.insert1({"id": 1})
        T.insert1({"id": 1})
    assert len(T()) == 0
    with T.batch():
        T.insert1({"id": 7})
        T.insert1({"id": 8, "name": "eight"})
    assert T.to_arrays("name").tolist() == ["anon", "eight"]
    T.delete_quick()
    with T.batch(chunk_size=2, skip_duplicates=True) as rows:
        T.insert1({"id": 1})
        T.insert1({"id": 1})
        assert len(T()) == 1
        T.insert1({"id": 2}, replace=True, skip_duplicates=False)
    assert rows.inserted == 3
    assert len(T()) == 2


# --- transactions
def test_a_transaction_goes_on_after_refused_changes(T, Child, connection):
    T.insert([{"id": 1, "x": 1}, {"id": 2, "x": 2}])
    Child.insert1({"id": 1})
    with connection.transaction:
        with pytest.raises(DuplicateError):
            T.update1({"id": 2, "x": 1})
        with pytest.raises(IntegrityError):
            T.delete_quick()
        with pytest.raises(DuplicateError):
            T.insert((T & "id=1").proj("x", name="'q'"))
        with pytest.raises(IntegrityError):
            Child.insert({"id": n} for n in range(30, 60))
        T.insert1({"id": 3})
    assert T.keys() == [{"id": 1}, {"id": 2}, {"id": 3}]
