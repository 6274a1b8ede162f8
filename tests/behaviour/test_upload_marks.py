"""Objects on their way are marked as in flight, so that no collector of garbage takes them for orphans."""

from __future__ import annotations

import json

import numpy as np
import pytest

import datajoint as dj
from datajoint.definition import TableName
from datajoint.jobs.worker import Worker
from datajoint.storage import StorageBackend, get_storage_backend


@pytest.fixture
def Thing(settings, new_store, schema, connection):
    settings.stores.update(default="main", main=new_store())

    @schema
    class Thing(dj.Manual):
        definition = """
        id : int32
        ---
        b=null : <blob@>
        n=null : <npy@>
        o=null : <object@>
        """

    with Worker.on(connection, schema.database) as worker:
        assert worker.obstacle is None
    return Thing


@pytest.fixture
def backend(settings, Thing):
    return get_storage_backend(settings.get_store_spec("main"))


@pytest.fixture
def other(new_connection, Thing):
    """The same schema on another connection."""
    return dj.Schema(Thing.database, connection=new_connection())


def marked(other):
    name = other.connection.dialect.quote(TableName(other.database, "~dj_lease").identifier)
    rows = other.connection.query(f"SELECT detail FROM {name} WHERE kind = 'upload'").fetchall()
    return {tuple(json.loads(detail)) for (detail,) in rows}


def collect(other):
    return dj.gc.GarbageCollector(other, store="main").collect(dry_run=False)


def test_before_they_are_written_and_not_after(Thing, backend, other, monkeypatch):
    seen = []
    put = StorageBackend.put_buffer

    def watching(self, data, path):
        seen.append(("main", path) in marked(other))
        put(self, data, path)

    monkeypatch.setattr(StorageBackend, "put_buffer", watching)
    Thing.insert1({"id": 1, "b": 1, "n": np.arange(3), "o": b"x"})
    Thing.update1({"id": 1, "b": 2, "n": np.arange(4)})
    assert seen == [True] * 5
    assert marked(other) == set()
    with pytest.raises(dj.errors.DuplicateError):
        Thing.insert1({"id": 1, "b": 3})
    assert marked(other) == set()


def test_many_with_few_statements(Thing, connection, other):
    with connection.query_log() as log:
        Thing.insert([{"id": n, "n": np.arange(3)} for n in range(250)])
    assert len(log) < 20
    assert marked(other) == set()
    assert len(Thing()) == 250


def test_what_is_staged_survives_a_collection(Thing, backend, other):
    with Thing.staged_insert1 as staged:
        staged.rec["id"] = 1
        staged.store("o", ".zarr")["a/b"] = b"chunk"
        collect(other)
        staged.store("o")["a/c"] = b"chunk"
    assert sorted(Thing.fetch1("o").fsmap) == ["a/b", "a/c"]
    assert marked(other) == set()
    Thing.delete()
    assert collect(other)["deleted"] > 0
    assert list(backend.list_files()) == []


def test_what_a_transaction_wrote_survives_a_collection(Thing, backend, other, connection, engine):
    if engine == "sqlite":
        pytest.skip("nobody can collect while somebody writes")
    Thing.insert1({"id": 0, "b": "shared"})
    Thing.delete()
    with connection.transaction:
        Thing.insert1({"id": 1, "b": "shared", "n": np.arange(3), "o": b"x"})
        assert len(marked(other)) == 3
        assert collect(other)["deleted"] == 0
    assert marked(other) == set()
    row = Thing.fetch1()
    assert row["b"] == "shared"
    assert row["n"].load().tolist() == [0, 1, 2]
    with pytest.raises(ZeroDivisionError), connection.transaction:
        Thing.insert1({"id": 2, "b": "orphan"})
        raise ZeroDivisionError
    assert marked(other) == set()
    assert collect(other)["deleted"] == 1
