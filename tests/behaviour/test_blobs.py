"""Blobs in tables: values as they were, raw columns in which older versions packed them, and codecs for Spark."""

from __future__ import annotations

import logging

import numpy as np
import pytest

import datajoint as dj
from datajoint.codecs import legacy
from datajoint.errors import DataJointError, InvalidValueError
from tests.unit.blob_vectors import MYM_32BIT_STRUCT, VECTORS
from tests.unit.test_blob_format import same


def test_every_kind_of_value_comes_back(schema):
    @schema
    class Stored(dj.Manual):
        definition = """
        id : int32
        ---
        value = null : <blob>
        """

    Stored.insert({"id": n, "value": vector.value} for n, vector in enumerate(VECTORS))
    for by in (Stored.to_dicts(), [(Stored & {"id": n}).fetch1() for n in range(len(VECTORS))]):
        for vector, row in zip(VECTORS, by, strict=True):
            assert same(row["value"], vector.value if vector.decoded is ... else vector.decoded)
    assert len(Stored & "value is null") == 1
    Stored.insert1({"id": -1, "value": np.arange(6.0).reshape(1, 6)})
    assert (Stored & "id=-1").fetch1("value", squeeze=True).shape == (6,)
    assert (Stored & "id=-1").to_arrays("value", squeeze=True)[0].shape == (6,)


@pytest.fixture
def old(schema):
    """A table whose raw binary attribute holds what an older version packed."""

    @schema
    class Old(dj.Manual):
        definition = """
        id : int32
        ---
        trace = null : longblob # what was recorded
        raw = null : longblob
        """

    legacy._tell.cache_clear()
    Old.insert({"id": n, "trace": dj.blob.pack(np.arange(300.0) + n), "raw": b"as it is"} for n in range(3))
    Old.insert1({"id": -1, "trace": None, "raw": None})
    return Old


def notices(caplog):
    return [record.message for record in caplog.records if "blob format" in record.message]


@pytest.mark.parametrize(
    "fetch",
    [
        lambda table: table.to_dicts(),
        lambda table: table.to_arrays("trace"),
        lambda table: (table & "id=1").fetch1(),
        lambda table: (table & "id=1").fetch1("trace"),
        lambda table: list(table),
        lambda table: table.to_pandas(),
    ],
    ids=["dicts", "arrays", "one row", "one value", "rows", "frame"],
)
def test_raw_columns_with_packed_values_are_explained_once(old, caplog, fetch):
    with caplog.at_level(logging.WARNING, "datajoint"):
        fetch(old())
        fetch(old())
    (told,) = notices(caplog)
    assert f"`{old.database}.old.trace` was fetched as raw bytes" in told
    assert "dj.blob.unpack" in told
    assert "declare the attribute as <blob>" in told
    value = (old & "id=1").fetch1("trace")
    assert same(dj.blob.unpack(value), np.arange(300.0) + 1)


def test_other_bytes_need_no_explanation(old, caplog):
    with caplog.at_level(logging.WARNING, "datajoint"):
        assert old.to_arrays("raw", order_by="id").tolist() == [None, *[b"as it is"] * 3]
    assert notices(caplog) == []


def redeclared(schema, trace, raw):
    definition = f"id : int32\n---\ntrace = null : {trace} # what was recorded\nraw = null : {raw}"
    return schema(type("Old", (dj.Manual,), {"__module__": __name__, "definition": definition}))


def test_a_raw_column_becomes_a_blob_column_and_keeps_its_bytes(old, schema, connection):
    raw = old().to_dicts(order_by="id")
    new = redeclared(schema, "<blob>", "longblob")
    assert "their bytes stay as they are" in str(new.alter_plan())
    new.alter(prompt=False)
    rows = new.to_dicts(order_by="id")
    assert rows[0]["trace"] is None
    assert all(same(row["trace"], np.arange(300.0) + row["id"]) for row in rows[1:])
    stored = connection.query(f"SELECT trace FROM {new.full_table_name} ORDER BY id").fetchall()
    assert [row[0] for row in stored] == [row["trace"] for row in raw]
    new.insert1({"id": 9, "trace": {"any": "thing"}})
    assert (new & "id=9").fetch1("trace") == {"any": "thing"}


def test_a_raw_column_of_other_bytes_becomes_none(old, schema):
    new = redeclared(schema, "longblob", "<blob>")
    with pytest.raises(InvalidValueError, match=r"3 values.*are not in the blob format.*Nothing was changed"):
        new.alter(prompt=False)
    assert (new & "id=1").fetch1("raw") == b"as it is"


def test_blobs_with_words_of_32_bits(schema, monkeypatch, connection):
    @schema
    class Old(dj.Manual):
        definition = """
        id : int32
        ---
        value : <blob>
        """

    Old.insert1({"id": 1, "value": 0})
    blob = bytes.fromhex(MYM_32BIT_STRUCT)
    connection.query(f"UPDATE {Old.full_table_name} SET value = {connection.dialect.placeholder}", (blob,))
    with pytest.raises(DataJointError):
        Old.fetch1("value")
    monkeypatch.setattr(dj.blob, "use_32bit_dims", True)
    assert Old.fetch1("value")[0, 0].stage == "Stage 10"
    assert Old.to_arrays("value")[0][0, 0].sides == "llllrrl"


def test_a_codec_may_say_what_spark_takes(schema):
    class Spikes(dj.Codec):
        name = "spikes"

        def get_dtype(self, is_store):
            return "<blob>"

        def encode(self, value, *, key=None, store_name=None):
            return value

        def decode(self, stored, *, key=None):
            return stored

        def to_spark(self, decoded, *, key=None):
            return {"unit": key["unit"], "times": decoded.tolist()}

    try:

        @schema
        class Unit(dj.Manual):
            definition = """
            unit : int32
            ---
            times : <spikes>
            other : <blob>
            """

        Unit.insert1({"unit": 3, "times": np.array([0.5, 1.5]), "other": 1})
        codec = Unit.heading["times"].codec
        assert isinstance(codec, dj.SparkAdapter)
        assert not isinstance(Unit.heading["other"].codec, dj.SparkAdapter)
        row = Unit.fetch1()
        assert codec.to_spark(row["times"], key={"unit": 3}) == {"unit": 3, "times": [0.5, 1.5]}
        # Whatever has the method will do.
        assert isinstance(type("Any", (), {"to_spark": len})(), dj.SparkAdapter)
        assert dj.SparkAdapter is dj.spark.SparkAdapter
    finally:
        dj.codecs.unregister_codec("spikes")
