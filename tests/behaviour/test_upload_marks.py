"""Objects on their way are marked as in flight, so that no collector of garbage takes them for orphans."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

import datajoint as dj
from datajoint.definition import TableName
from datajoint.jobs import uploads, worker
from datajoint.jobs.registry import Registry
from datajoint.jobs.worker import Worker
from datajoint.storage import StorageBackend, get_storage_backend
from tests.behaviour.guests import guest  # noqa: F401 - a fixture


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

    return Thing


@pytest.fixture
def backend(settings, Thing):
    return get_storage_backend(settings.get_store_spec("main"))


@pytest.fixture
def other(new_connection, Thing):
    """The same schema on another connection."""
    return dj.Schema(Thing.database, connection=new_connection())


def marked(other):
    """Return the marks, without those of inserts that are through."""
    Worker.delete_ended_marks(other.database)
    name = other.connection.dialect.quote(TableName(other.database, "~dj_lease").identifier)
    rows = other.connection.query(f"SELECT detail FROM {name} WHERE kind = 'upload'").fetchall()
    return {tuple(json.loads(detail)) for (detail,) in rows}


def threads():
    return {thread for thread in threading.enumerate() if thread.name.startswith("dj worker")}


def workers(other):
    rows = dj.FreeTable(other.connection, f"{other.database}.~dj_worker").to_dicts()
    return {row["worker"]: row["state"] for row in rows}


def watch_puts(monkeypatch, look):
    """Have `look(path)` called before each object is written, and return what it returned."""
    seen = []
    put = StorageBackend.put_buffer

    def watching(self, data, path):
        seen.append(look(path))
        put(self, data, path)

    monkeypatch.setattr(StorageBackend, "put_buffer", watching)
    return seen


def collect(other):
    return dj.gc.GarbageCollector(other, store="main").collect(dry_run=False)


def test_before_they_are_written_and_not_after(Thing, backend, other, monkeypatch):
    seen = watch_puts(monkeypatch, lambda path: ("main", path) in marked(other))
    Thing.insert1({"id": 1, "b": 1, "n": np.arange(3), "o": b"x"})
    Thing.update1({"id": 1, "b": 2, "n": np.arange(4)})
    assert seen == [True] * 5
    assert marked(other) == set()
    with pytest.raises(dj.errors.DuplicateError):
        Thing.insert1({"id": 1, "b": 3})
    assert marked(other) == set()


def test_many_with_few_statements(Thing, connection, other):
    Thing.insert1({"id": -1, "n": np.arange(3)})
    with connection.query_log() as log:
        Thing.insert([{"id": n, "n": np.arange(3)} for n in range(250)])
    assert len(log) < 10
    assert marked(other) == set()
    assert len(Thing()) == 251


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


# --- from the first insert on
def test_the_first_collection_meets_marks(Thing, other, monkeypatch):
    Thing()
    seen = watch_puts(monkeypatch, lambda path: (collect(other)["in_flight"], ("main", path) in marked(other)))
    Thing.insert1({"id": 1, "b": 1})
    assert [mark for _, mark in seen] == [True]
    assert Thing.fetch1("b") == 1


def test_a_catalogue_that_was_read_before_the_tables_were_made(Thing, connection, other, monkeypatch):
    Thing.insert1({"id": 0})
    assert Registry(connection, Thing.database, "").obstacle() is not None
    collect(other)
    assert Registry(other.connection, Thing.database, "").obstacle() is None
    monkeypatch.setattr(connection, "look_again", lambda *_: None)
    seen = watch_puts(monkeypatch, lambda path: ("main", path) in marked(other))
    Thing.insert1({"id": 1, "b": 1})
    assert seen == [True]


@pytest.mark.parametrize("form", ["block", "statement"])
def test_making_the_tables_commits_nothing(Thing, other, connection, engine, monkeypatch, form):
    seen = watch_puts(monkeypatch, lambda path: ("main", path) in marked(other) if engine != "sqlite" else True)
    connection.start_transaction() if form == "block" else connection.query("BEGIN")
    Thing.insert1({"id": 1})
    Thing.insert1({"id": 2, "b": 1})
    connection.cancel_transaction() if form == "block" else connection.query("ROLLBACK")
    assert seen == [True]
    assert len(Thing()) == 0
    Thing.insert1({"id": 3, "b": 2})
    assert seen == [True, True]
    assert marked(other) == set()


def test_tables_that_somebody_dropped(Thing, other, connection, monkeypatch):
    """Another program may drop a schema and make it again while a worker lingers."""
    Thing.insert1({"id": 1, "b": 1})
    for name in ("~dj_lease", "~dj_worker"):
        dj.FreeTable(other.connection, f"{other.database}.{name}").drop_quick()
    monkeypatch.setattr(connection, "look_again", lambda *_: None)
    seen = watch_puts(monkeypatch, lambda path: ("main", path) in marked(other))
    Thing.insert1({"id": 2, "b": 2})
    assert seen == [True]
    assert list(workers(other).values()) == ["uploading"]
    assert collect(other)["deleted"] == 0


def test_in_a_make(schema, connection, other, Thing, monkeypatch):
    """Inside of its transaction that has not begun yet, which the marks do not begin."""

    @schema
    class Made(dj.Computed):
        definition = "-> Thing\n---\nb : <blob@>"

        def make(self, key):
            self.insert1({**key, "b": key["id"]})

    Thing.insert([{"id": n} for n in range(3)])
    seen = watch_puts(monkeypatch, lambda path: (("main", path) in marked(other), connection.has_begun))
    Made.populate()
    assert seen == [(True, False)] * 3
    assert sorted(Made.to_arrays("b")) == [0, 1, 2]
    assert marked(other) == set()


# --- workers that linger
def test_a_row_of_inserts_has_one_worker(Thing, other, connection):
    before = threads()
    Thing.insert1({"id": 0, "b": 0})
    (name,) = workers(other)
    with connection.query_log() as log:
        for n in range(1, 4):
            Thing.insert1({"id": n, "b": n})
    here = [record.text for record in log if "dj_worker" not in record.text and "DELETE" not in record.text]
    assert len(here) == 6, "one statement for a mark, one for a row"
    assert workers(other) == {name: "uploading"}
    assert len(threads() - before) == 1
    assert Registry(other.connection, other.database, "").workers_of() == [], "nobody is at work on keys"
    connection.close()
    assert workers(other) == {}
    assert marked(other) == set()
    assert threads() <= before
    Thing.insert1({"id": 9, "b": 9})
    assert list(workers(other).values()) == ["uploading"]


def test_it_ends_by_itself(Thing, other, monkeypatch):
    before = threads()
    monkeypatch.setattr(worker, "_LINGER", 0.01)
    Thing.insert1({"id": 0, "b": 0})
    for thread in threads() - before:
        thread.join(20)
        assert not thread.is_alive()
    assert workers(other) == {}
    assert marked(other) == set()
    Thing.insert1({"id": 1, "b": 0})
    assert len(Thing()) == 2


def test_it_works_on_keys_meanwhile(Thing, other, connection):
    Thing.insert1({"id": 0, "b": 0})
    (name,) = workers(other)
    with Worker.on(connection, other.database) as one:
        assert one.id == name
        assert workers(other) == {name: "running"}
        assert [row.worker for row in Registry(other.connection, other.database, "").workers_of()] == [name]
        Thing.insert1({"id": 1, "b": 1})
        assert workers(other) == {name: "running"}
    assert workers(other) == {name: "stopped"}
    assert marked(other) == set()


def test_what_a_lingering_worker_has_marked_is_collected_here(Thing, other, backend):
    """Whoever collects in the process that inserted need not wait for marks to be deleted."""
    Thing.insert1({"id": 0, "b": 0})
    Thing.delete()
    assert collect(other)["deleted"] == 1
    assert list(backend.list_files()) == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that fork")
def test_it_is_not_there_when_a_process_forks(Thing, other):
    before = threads()
    Thing.insert1({"id": 0, "b": 0})
    child = os.fork()
    if child == 0:
        code = 1
        try:
            Thing.insert1({"id": 1, "b": 1})
            Thing.connection.close()
            code = 0
        finally:
            os._exit(code)
    left = threads() - before
    assert os.waitpid(child, 0)[1] == 0
    assert left == set()
    assert workers(other) == {}
    assert marked(other) == set()
    assert sorted(Thing.to_arrays("b")) == [0, 1]


PROGRAM = """
import sys
import datajoint as dj
from datajoint.settings import Config
config = Config(safemode=False)
config.stores.update(default="main", main={"protocol": "file", "location": sys.argv[3]})
schema = dj.Schema(sys.argv[2], connection=dj.Connection(sys.argv[1], config_override=config))
dj.FreeTable(schema.connection, sys.argv[2] + ".thing").insert1({"id": 1, "b": 1})
"""


def test_it_ends_with_the_interpreter(Thing, other, url, settings):
    Thing()
    location = settings.stores["main"]["location"]
    subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM, url, other.database, location], check=True, timeout=60
    )
    assert workers(other) == {}
    assert marked(other) == set()
    assert Thing.fetch1("b") == 1


# --- without the right
def test_whoever_may_not_make_the_tables_is_warned_once(Thing, engine, request, caplog, monkeypatch):
    if engine == "sqlite":  # a file has no users
        connection, refused = Thing().connection, "the user may not create ~dj_worker"
        monkeypatch.setattr(Registry, "_create", lambda *_: refused)
    else:
        connection = request.getfixturevalue("guest")(thing="SELECT, INSERT, UPDATE, DELETE")
    table = dj.FreeTable(connection, Thing().full_table_name)
    with caplog.at_level(logging.WARNING, "datajoint"):
        for n in range(3):
            table.insert1({"id": n, "b": n})
            with connection.query_log() as log:
                table.insert1({"id": 10 + n, "b": n})
            assert len([record for record in log if "INSERT" in record.text or "CREATE" in record.text]) == 1
    assert caplog.text.count("without a mark that they are in flight") == 1
    assert "may not create" in caplog.text
    assert len(Thing()) == 6
    monkeypatch.undo()
    Thing.insert1({"id": 20, "b": 0})  # by somebody who may
    assert not uploads.can_mark(connection, Thing.database) or engine == "sqlite"
