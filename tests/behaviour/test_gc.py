"""Garbage collection on every engine: what it finds, what it must leave alone, and when it refuses."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
import uuid
from pathlib import Path

import pytest

import datajoint as dj
from datajoint.codecs import registry
from datajoint.errors import DataJointError
from datajoint.garbage import collector as collector_module
from datajoint.garbage import references
from datajoint.jobs.registry import Registry
from datajoint.jobs.uploads import Upload, marking
from datajoint.sql import Sql
from datajoint.sql.fragment import Identifier
from datajoint.storage import compute_hash, get_store_backend, put_hash
from tests.stored_codecs import make_marks, mark, set_state

DEFINITION = """
id : int32
---
x=null : <test_content@main>
t=null : <test_text@main>
f=null : <test_folder@main>
p=null : <test_pair>
"""


@pytest.fixture
def stores(settings, new_store):
    main = new_store()
    settings.stores = {
        "default": "main",
        "main": main,
        "alias": dict(main, location=main["location"] + "/."),
        "other": new_store(),
    }
    return settings.stores


@pytest.fixture
def table(schema, stores):
    class Thing(dj.Manual):
        definition = DEFINITION

    return schema(Thing)


@pytest.fixture
def collector(table, schema):
    return dj.gc.GarbageCollector(schema, store="main")


@pytest.fixture
def backend(settings, stores):
    return get_store_backend("main", settings)


def row(n):
    return {
        "id": n,
        "x": b"x%d" % n,
        "t": f"t{n}",
        "f": {"a": b"a%d" % n, ".b/c": b"c%d" % n},
        "p": (b"p%d" % n, b"q%d" % n),
    }


def intact(table, ids):
    assert list(table.to_dicts(order_by="id")) == [row(n) for n in ids]


# --- what it finds
def test_nothing_that_is_referred_to_is_garbage(collector, table, schema, backend):
    table.insert(row(n) for n in range(3))
    report = collector.collect(dry_run=False)
    assert report["deleted"] == report["errors"] == 0
    assert (report["hash_paths_stored"], report["hash_paths_referenced"]) == (12, 12)
    assert (report["schema_paths_stored"], report["schema_paths_referenced"]) == (9, 3)
    assert collector.hash_references() == set(collector.list_hash_paths(schema.database))
    folders = collector.schema_references()
    assert all(
        any(path.startswith((f"{f}/", f"{f}.manifest.json")) for f in folders)
        for path in collector.list_schema_paths(schema.database)
    )
    intact(table, range(3))


def test_what_deleted_rows_leave_is_collected(collector, table, schema, backend):
    table.insert(row(n) for n in range(4))
    (table & "id < 2").delete()
    report = collector.collect()
    assert report["dry_run"] is True
    assert (report["hash_paths_orphaned"], report["schema_paths_orphaned"], report["deleted"]) == (8, 6, 0)
    assert report["orphaned_hash_paths"] == sorted(report["orphaned_hash_paths"])
    assert f"_hash/{schema.database}/{compute_hash(b'x0')}" in report["orphaned_hash_paths"]
    assert report["hash_paths_orphaned_bytes"] == 16
    assert report["schema_paths_orphaned_bytes"] == 2 * (2 + 2 + 2)
    done = collector.collect(dry_run=False)
    assert (done["hash_paths_deleted"], done["schema_paths_deleted"], done["deleted"]) == (8, 6, 14)
    assert done["bytes_freed"] == 28
    assert done["dry_run"] is False
    again = collector.collect()
    assert (again["hash_paths_orphaned"], again["schema_paths_orphaned"]) == (0, 0)
    intact(table, [2, 3])
    table.insert1(row(0))
    intact(table, [0, 2, 3])


def test_empty_folders_go(collector, table, schema, backend, stores):
    table.insert1(row(0))
    table.delete()
    collector.collect(dry_run=False)
    assert list(Path(stores["main"]["location"]).iterdir()) == []


def test_a_dropped_schema_leaves_nothing(new_schema, schema, table, stores, collector):
    table.insert1(row(0))
    table.drop()
    report = dj.gc.GarbageCollector(schema, store="main").collect(dry_run=False)
    assert report["deleted"] == 4 + 3


@pytest.mark.parametrize("protocol", ["memory", "s3"])
def test_other_stores(schema, settings, new_store, protocol):
    settings.stores = {"default": "main", "main": new_store(protocol)}

    @schema
    class Thing(dj.Manual):
        definition = DEFINITION

    Thing.insert(row(n) for n in range(4))
    (Thing & "id < 2").delete()
    collector = dj.gc.GarbageCollector(schema)
    assert collector.collect(dry_run=False)["deleted"] == 14
    intact(Thing, [2, 3])
    assert collector.plan().orphans == ()


def test_folding_and_partitions(schema, settings, new_store):
    settings.stores = {
        "default": "main",
        "main": new_store(subfolding=[2, 2], partition_pattern="{id}"),
    }

    @schema
    class Thing(dj.Manual):
        definition = DEFINITION

    Thing.insert(row(n) for n in range(3))
    (Thing & "id = 1").delete()
    backend = get_store_backend("main", settings)
    assert backend.exists(f"_schema/id=1/{schema.database}/thing")
    report = dj.gc.GarbageCollector(schema).collect(dry_run=False)
    assert (report["hash_paths_deleted"], report["schema_paths_deleted"]) == (4, 3)
    assert not backend.exists("_schema/id=1")
    intact(Thing, [0, 2])


def test_sections_that_are_the_root_of_the_store(schema, settings, new_store):
    """Each section sees its own files only, and files of users that lie there are nobody's garbage."""
    settings.stores = {
        "default": "main",
        "main": new_store(hash_prefix="", schema_prefix="", filepath_prefix=f"{schema.database}/raw"),
    }

    @schema
    class Thing(dj.Manual):
        definition = DEFINITION

    Thing.insert(row(n) for n in range(3))
    (Thing & "id = 1").delete()
    backend = get_store_backend("main", settings)
    kept = [
        f"{schema.database}/raw/thing/f_12345678",
        f"{schema.database}/notes.txt",
        f"{schema.database}/thing/readme.md",
        f"{schema.database}/other/f_12345678",
        f"{schema.database}/thing/id=1/image_20240101.tif",
        f"{schema.database}/x/{compute_hash(b'elsewhere')}",
        "datajoint_store.json",
    ]
    backend.put_many((path, b"user's") for path in kept)
    collector = dj.gc.GarbageCollector(schema)
    assert len(collector.list_hash_paths(schema.database)) == 12
    assert len(collector.list_schema_paths(schema.database)) == 9
    assert collector.collect(dry_run=False)["deleted"] == 4 + 3
    intact(Thing, [0, 2])
    assert all(backend.exists(path) for path in kept)


def test_other_schemas_and_sections_are_not_looked_at(collector, table, schema, backend):
    others = [
        f"_hash/{schema.database}x/{compute_hash(b'1')}",
        f"_schema/{schema.database}x/thing/id=1/f_12345678",
        f"_schema/id=1/{schema.database}x/thing/f_12345678",
        "raw/file",
        f"raw/{schema.database}/file",
        f"_hash/{schema.database}/no-hash",
        "datajoint_store.json",
    ]
    backend.put_many((path, b"") for path in others)
    collector.collect(dry_run=False)
    assert all(backend.exists(path) for path in others)


def test_a_table_whose_name_looks_like_a_section(collector, schema, backend):
    orphan = f"_schema/{schema.database}/my_hash/id=1/f_12345678"
    backend.put_buffer(b"1", orphan)
    assert collector.list_schema_paths(schema.database) == {orphan: 1}
    assert collector.collect(dry_run=False)["schema_paths_deleted"] == 1


def test_one_collector_serves_many_times(collector, table):
    for n in range(3):
        table.insert1(row(n))
        assert collector.collect()["hash_paths_orphaned"] == 0
        (table & {"id": n}).delete()
        assert collector.collect(dry_run=False)["hash_paths_deleted"] == 4


def test_removing_one_file(collector, backend):
    backend.put_buffer(b"", "_schema/s/t/a")
    assert collector.delete_schema_path("_schema/s/t/a") is True
    assert collector.delete_schema_path("_schema/s/t/a") is False
    assert not backend.exists("_schema")
    with pytest.raises(DataJointError, match="leads out of the store"):
        collector.delete_schema_path("../x")


def test_what_must_be_given(schema, stores):
    with pytest.raises(DataJointError, match="At least one schema must be provided"):
        dj.gc.GarbageCollector(store="nonsense")
    with pytest.raises(DataJointError, match="'nonsense' is requested but not configured"):
        dj.gc.GarbageCollector(schema, store="nonsense")
    with pytest.raises(DataJointError, match="has no database yet"):
        dj.gc.GarbageCollector(dj.Schema())


# --- plans
def test_a_plan_says_what_and_how_old(collector, table, backend, stores):
    table.insert(row(n) for n in range(2))
    (table & "id = 0").delete()
    for path in Path(stores["main"]["location"]).rglob("*"):
        if path.is_file():
            os.utime(path, (time.time() - 7200,) * 2)
    plan = collector.plan()
    assert len(plan.orphans) == 7
    assert plan.size == 14
    assert 7190 < plan.youngest_age < 7300
    (warning,) = plan.warnings
    assert "Nobody could mark what is being written" in warning
    text = str(plan)
    assert "4 orphans (8 B)" in text
    assert "2 B, 2 h old" in text
    assert "<pre" in plan._repr_html_()
    table.insert1(row(0))
    done = plan.execute()
    # What came back in the meantime stays; the folder has another token.
    assert (done["deleted"], done["spared"]) == (3, 4)
    intact(table, [0, 1])
    assert collector.plan().unmarked == ()


def test_a_young_orphan_is_warned_about(collector, table, caplog):
    table.insert1(row(0))
    table.delete()
    assert collector.collect()["youngest_orphan_age"] < 60
    assert "The youngest orphan is" in str(collector.plan())
    with caplog.at_level(logging.WARNING, logger="datajoint"):
        collector.collect(dry_run=False)
    assert "give a grace period" in caplog.text


def test_a_grace_period(collector, table, settings, backend, stores):
    table.insert1(row(0))
    table.delete()
    assert collector.collect(dry_run=False, grace_seconds=60)["deleted"] == 0
    settings.objects.grace_seconds = 60
    report = collector.collect(dry_run=False)
    assert (report["deleted"], report["too_young"]) == (0, 7)
    old = f"_hash/{table.database}/{compute_hash(b'x0')}"
    os.utime(Path(stores["main"]["location"]) / old, (1, 1))
    assert collector.collect(dry_run=False)["deleted"] == 1
    assert collector.collect(dry_run=False, grace_seconds=0)["deleted"] == 6


def test_half_written_files_go_when_they_are_old(collector, backend, stores, table):
    folder = Path(stores["main"]["location"]) / "_hash" / table.database
    folder.mkdir(parents=True)
    (folder / ".dj-0123456789abcdef.saving").write_bytes(b"half")
    assert collector.collect(dry_run=False)["abandoned_paths"] == []
    os.utime(folder / ".dj-0123456789abcdef.saving", (1, 1))
    report = collector.collect(dry_run=False)
    assert report["abandoned_paths"] == [f"_hash/{table.database}/.dj-0123456789abcdef.saving"]
    assert (report["bytes_freed"], report["deleted"]) == (4, 0)
    assert not folder.exists()


# --- what it must leave alone
def test_other_names_of_the_store(schema, stores, settings):
    """Rows name the store by an alias, by nothing, or by a name that only others have configured."""

    @schema
    class Thing(dj.Manual):
        definition = """
        id : int32
        ---
        x : json
        y=null : <test_content@alias>
        """

    def stored(content):
        return put_hash(content, schema.database, "main", settings)

    documents = [
        {"id": 1, "x": stored(b"1") | {"store": None}},
        {"id": 2, "x": stored(b"2") | {"store": ""}},
        {"id": 3, "x": stored(b"3") | {"store": "unknown to us"}},
        {"id": 4, "x": {"deep": [{"in": ["it", stored(b"4")["path"]]}]}},
        {"id": 5, "x": {}},
    ]
    Thing.insert(document | {"y": b"5" if document["id"] == 5 else None} for document in documents)
    for store in ("main", "alias", None):
        assert dj.gc.GarbageCollector(schema, store=store).collect(dry_run=False)["deleted"] == 0
    assert len(list(get_store_backend("main", settings).list_files())) == 5


def test_references_to_another_store_do_not_count(schema, stores, settings):
    @schema
    class Thing(dj.Manual):
        definition = """
        id : int32
        ---
        x : <test_content@other>
        """

    Thing.insert1({"id": 1, "x": b"1"})
    put_hash(b"1", schema.database, "main", settings)
    assert dj.gc.GarbageCollector(schema, store="main").collect(dry_run=False)["deleted"] == 1
    assert dj.gc.GarbageCollector(schema, store="other").collect(dry_run=False)["deleted"] == 0
    assert Thing.fetch1("x") == b"1"


def test_a_store_within_another(schema, stores, settings):
    """A store whose root is a folder of another one's section: its rows name the same files by other paths."""
    location = f"{stores['main']['location']}/_hash/{schema.database}"
    Path(location).mkdir(parents=True)
    stores["inner"] = dict(stores["main"], location=location, hash_prefix="")
    inner = get_store_backend("inner", settings)
    inner.put_buffer(b"1", compute_hash(b"1"))

    @schema
    class Thing(dj.Manual):
        definition = """
        id : int32
        ---
        x : <test_content@main>
        """

    Thing.insert1({"id": 1, "x": b"2"})
    document = json.dumps({"path": compute_hash(b"1"), "store": "inner"})
    schema.connection.query(f"UPDATE {Thing.full_table_name} SET x = %s", args=(document,))
    report = dj.gc.GarbageCollector(schema, store="main").collect(dry_run=False)
    assert report["orphaned_hash_paths"] == [f"_hash/{schema.database}/{compute_hash(b'2')}"]
    assert inner.get_buffer(compute_hash(b"1")) == b"1"


def test_rows_copied_into_another_schema(collector, table, schema, new_schema, connection):
    copies = new_schema("copies")

    @copies
    class Copy(dj.Manual):
        definition = DEFINITION

    table.insert(row(n) for n in range(3))
    Copy.insert(table.proj(...) & "id > 0")
    table.delete()
    report = collector.collect(dry_run=False)
    assert (report["hash_paths_deleted"], report["schema_paths_deleted"]) == (4, 3)
    intact(Copy, [1, 2])
    # A copy of a copy that has lost what tells of the codecs.
    plain = new_schema("plain")

    @plain
    class Kept(dj.Manual):
        definition = """
        id : int32
        ---
        x : json
        p : varchar(400)
        """

    connection.query(f"INSERT INTO {Kept.full_table_name} SELECT id, x, p FROM {Copy.full_table_name}")
    Copy.delete()
    report = collector.collect(dry_run=False)
    kept = sorted(f"_hash/{schema.database}/{compute_hash(b'x%d' % n)}" for n in (1, 2))
    assert sorted(collector.list_hash_paths(schema.database)) == kept
    assert report["deleted"] == 6 + 6


def test_rows_that_move_into_a_new_schema_meanwhile(collector, table, new_schema, new_connection, monkeypatch):
    """While rows are read, another program moves some into a schema that it has just made."""
    table.insert(row(n) for n in range(2))
    original, copies = references._read_schema, []

    def reading(*arguments):
        if not copies:
            copies.append(new_schema("late", connection=new_connection()))

            @copies[0]
            class Copy(dj.Manual):
                definition = DEFINITION

            moved = dj.FreeTable(copies[0].connection, f"{table.database}.thing")
            Copy.insert(moved & "id = 1")
            (moved & "id = 1").delete()
            copies.append(Copy)
        return original(*arguments)

    monkeypatch.setattr(references, "_read_schema", reading)
    assert collector.collect(dry_run=False)["deleted"] == 0
    intact(table, [0])
    intact(copies[1], [1])


def test_a_codec_that_is_not_installed_here(collector, table, schema, backend, new_schema):
    table.insert1(row(0))
    put_hash(b"orphan", schema.database, "main", schema.connection.settings)
    missing = registry._codecs.pop("test_folder")
    schema.connection.forget_catalog()
    try:
        fresh = dj.gc.GarbageCollector(schema, store="main")
        report = fresh.collect()
        assert report["schema_paths_orphaned"] == 0
        assert "the codec <test_folder@main> of `f` is not registered" in report["scan_errors"][0]
        assert report["hash_paths_orphaned"] == 1
        with pytest.raises(DataJointError, match=r"Refusing to delete: 1 scan error\(s\) — .*is not registered"):
            fresh.collect(dry_run=False)
        with pytest.raises(DataJointError, match="Not all references could be read"):
            fresh.hash_references()
        # Another schema's tables need not be understood for its references to count.
        ours = new_schema("ours")
        moved = {f.path: backend.get_buffer(f.path) for f in backend.list_files(f"_schema/{schema.database}")}
        assert moved
        assert dj.gc.GarbageCollector(ours, store="main").collect(dry_run=False)["deleted"] == 0
    finally:
        registry._codecs["test_folder"] = missing
    schema.connection.forget_catalog()
    intact(table, [0])
    assert collector.collect(dry_run=False)["deleted"] == 1


def test_a_foreign_codec_that_is_not_installed_here(new_schema, stores, settings):
    """Rows of a foreign schema keep our objects by a codec that nobody here has, in JSON and in text."""
    ours, theirs = new_schema("ours"), new_schema("theirs")

    @theirs
    class Copy(dj.Manual):
        definition = """
        id : int32
        ---
        f=null : <test_folder@main>
        p=null : <test_pair>
        """

    path = put_hash(b"1", ours.database, "main", settings)["path"]
    backend = get_store_backend("main", settings)
    backend.put_buffer(b"2", f"_schema/{ours.database}/t/f_12345678/inner")
    document = json.dumps({"x": {"path": f"_schema/{ours.database}/t/f_12345678"}})
    ours.connection.query(f"INSERT INTO {Copy.full_table_name} (id, f, p) VALUES (1, %s, %s)", args=(document, path))
    taken = {name: registry._codecs.pop(name) for name in ("test_folder", "test_pair")}
    ours.connection.forget_catalog()
    try:
        report = dj.gc.GarbageCollector(ours, store="main").collect(dry_run=False)
        assert (report["deleted"], report["scan_errors"]) == (0, [])
        assert (report["hash_paths_stored"], report["schema_paths_stored"]) == (1, 1)
        unread = dj.gc.GarbageCollector(ours, store="main", unrelated=[theirs.database])
        assert unread.collect()["hash_paths_orphaned"] == 1
    finally:
        registry._codecs.update(taken)
        ours.connection.forget_catalog()


# --- when it refuses
def test_a_listing_that_failed(collector, table, schema, monkeypatch):
    table.insert1(row(0))
    table.delete()
    monkeypatch.setattr(
        collector._sections.backend.objects, "list_files", lambda path: (_ for _ in ()).throw(PermissionError("no"))
    )
    name = schema.database
    assert collector.collect()["scan_errors"][:2] == [f"list_hash_paths({name}): no", f"list_schema_paths({name}): no"]
    with pytest.raises(DataJointError, match=r"Refusing to delete: 3 scan error\(s\) — list_hash_paths"):
        collector.collect(dry_run=False)
    monkeypatch.undo()
    assert collector.collect()["scan_errors"] == []


def test_references_that_cannot_be_read(collector, table, schema, monkeypatch):
    table.insert(row(n) for n in range(2))
    (table & "id = 0").delete()

    def refuse(self, stored):
        raise RuntimeError("this codec is broken")

    monkeypatch.setattr(type(dj.get_codec("test_pair")), "referenced_paths", refuse)
    report = collector.collect()
    said = f"references of {schema.database}.thing: this codec is broken"
    # Schemas of tests that run beside this one are looked at too.
    assert said in report["scan_errors"]
    assert all(error.endswith("this codec is broken") for error in report["scan_errors"])
    with pytest.raises(DataJointError, match="Refusing to delete.*this codec is broken"):
        collector.collect(dry_run=False)


def test_references_that_cannot_be_read_any_more(collector, table, backend, monkeypatch):
    """The second look fails: nothing more is deleted."""
    table.insert(row(n) for n in range(2))
    (table & "id = 0").delete()
    plan = collector.plan()
    monkeypatch.setattr(
        type(dj.get_codec("test_pair")), "referenced_paths", lambda self, stored: (_ for _ in ()).throw(OSError("gone"))
    )
    before = len(list(backend.list_files()))
    with pytest.raises(DataJointError, match="Stopped deleting"):
        plan.execute()
    assert len(list(backend.list_files())) == before


def test_within_a_transaction(collector, table, connection):
    def look():
        with connection.transaction:
            (table & "id = 0").delete_quick()
            plan = collector.plan()
            assert plan.report()["hash_paths_orphaned"] == 4
            for collect in (plan.execute, lambda: collector.collect(dry_run=False)):
                with pytest.raises(DataJointError, match="cannot be collected within a transaction"):
                    collect()

    table.insert1(row(0))
    for _ in range(10):
        try:
            look()
            break
        except DataJointError as error:
            # Within a transaction some servers cannot read what tests beside this one made or dropped since it began.
            if "definition has changed" not in str(error) and "does not exist" not in str(error):
                raise
    else:
        pytest.fail("other tests never let a transaction read all schemas")
    table.insert1(row(0))
    intact(table, [0])


def test_a_file_that_cannot_be_deleted(collector, table, backend, monkeypatch, caplog):
    table.insert1(row(0))
    table.delete()
    original = backend.objects.remove

    def remove(path):
        if path.endswith(compute_hash(b"x0")):
            raise PermissionError("locked")
        original(path)

    monkeypatch.setattr(backend.objects, "remove", remove)
    with caplog.at_level(logging.WARNING, logger="datajoint"):
        report = collector.collect(dry_run=False)
    assert (report["deleted"], report["errors"]) == (6, 1)
    assert "could not be deleted: locked" in caplog.text


# --- in flight
def test_what_a_writer_has_marked_stays(collector, table, schema, connection, backend):
    make_marks(connection, schema.database)
    path = put_hash(b"marked", schema.database, "main", connection.settings)["path"]
    folder = f"_schema/{schema.database}/thing/f_12345678"
    backend.put_many([(f"{folder}/a", b"1"), (f"{folder}.manifest.json", b"2")])
    clear = mark(connection, schema.database, [path, folder])
    report = collector.collect(dry_run=False)
    assert (report["deleted"], report["in_flight"]) == (0, 3)
    clear()
    assert collector.collect(dry_run=False)["deleted"] == 3


@pytest.mark.parametrize("fate", ["dead", "stopped", "unknown"])
def test_marks_of_workers_that_have_ended(collector, table, schema, connection, fate):
    make_marks(connection, schema.database)
    path = put_hash(b"marked", schema.database, "main", connection.settings)["path"]
    worker = str(uuid.uuid4())
    set_state(connection, schema.database, worker, "running")
    mark(connection, schema.database, [path], worker=worker)
    assert collector.collect(dry_run=False)["in_flight"] == 1
    workers = Identifier((schema.database, "~dj_worker"))
    if fate == "unknown":
        connection.execute(Sql("DELETE FROM ", workers))
    else:
        set_state(connection, schema.database, worker, fate)
    assert collector.collect(dry_run=False)["deleted"] == 1
    left = connection.execute(Sql("SELECT COUNT(*) FROM ", Identifier((schema.database, "~dj_lease")))).rows
    assert left == [(0,)]


def test_without_rights_to_the_tables_of_marks(collector, table, monkeypatch, caplog):
    monkeypatch.setattr(Registry, "ensure", lambda self: "the user may not create ~dj_lease")
    table.insert1(row(0))
    table.delete()
    with caplog.at_level(logging.WARNING, logger="datajoint"):
        assert collector.collect(dry_run=False)["deleted"] == 7
    assert "cannot mark what they are writing: the user may not create" in caplog.text


def test_marks_as_inserts_make_them(collector, table, schema, connection):
    path = put_hash(b"marked", schema.database, "main", connection.settings)["path"]
    with marking(connection, schema.database, "thing") as uploads:
        assert uploads.mark([Upload("main", path)])
        assert collector.collect(dry_run=False)["in_flight"] == 1
    assert collector.collect(dry_run=False)["deleted"] == 1


def test_two_inserts_that_rely_on_one_object(collector, table, schema, connection):
    """The one that is through first takes back its own mark only."""
    path = put_hash(b"marked", schema.database, "main", connection.settings)["path"]
    with marking(connection, schema.database, "thing") as first:
        first.mark([Upload("main", path)])
        with marking(connection, schema.database, "thing") as second:
            second.mark([Upload("main", path)])
        assert collector.collect(dry_run=False)["in_flight"] == 1


def test_marked_after_the_plan(collector, table, schema, connection):
    make_marks(connection, schema.database)
    path = put_hash(b"marked", schema.database, "main", connection.settings)["path"]
    plan = collector.plan()
    assert len(plan.orphans) == 1
    mark(connection, schema.database, [path])
    assert plan.execute()["spared"] == 1


def test_written_again_after_the_plan(collector, table, schema, stores, settings, backend):
    """A program without marks wrote the object anew, to refer to it in a moment."""
    path = put_hash(b"once more", schema.database, "main", settings)["path"]
    os.utime(Path(stores["main"]["location"]) / path, (1, 1))
    plan = collector.plan()
    backend.put_buffer(b"once more", path)
    assert plan.execute()["spared"] == 1
    assert backend.exists(path)


def test_writers_wait_while_it_is_decided(collector, table, schema, connection, new_connection, monkeypatch, engine):
    """Between the last look and the deletion nobody can mark an object, and so find it and rely on it."""
    make_marks(connection, schema.database)
    path = put_hash(b"reused", schema.database, "main", connection.settings)["path"]
    other = new_connection()
    events, began = [], threading.Event()

    def write():
        began.wait(10)
        mark(other, schema.database, [path])
        events.append("marked")
        events.append("there" if collector.backend.exists(path) else "gone")
        other.close()

    original = collector_module.GarbageCollector._delete

    def delete(self, *arguments):
        began.set()
        time.sleep(0.3)  # long enough for a mark that need not wait
        events.append("deletes")
        return original(self, *arguments)

    monkeypatch.setattr(collector_module.GarbageCollector, "_delete", delete)
    writer = threading.Thread(target=write)
    writer.start()
    report = collector.collect(dry_run=False)
    writer.join()
    assert report["deleted"] == 1
    assert events == ["deletes", "marked", "gone"]


def test_reads_and_other_writes_go_on_while_it_is_decided(
    collector, table, schema, connection, new_connection, monkeypatch, engine
):
    make_marks(connection, schema.database)
    table.insert([row(0), row(1)])
    (table & "id = 0").delete()
    other = new_connection()
    seen = []
    original = collector_module.GarbageCollector._delete

    def delete(self, *arguments):
        if not seen:
            seen.append(len(other.query(f"SELECT * FROM {table.full_table_name}").fetchall()))
        return original(self, *arguments)

    monkeypatch.setattr(collector_module.GarbageCollector, "_delete", delete)
    monkeypatch.setattr(collector_module.transfer, "in_order", lambda work, items: map(work, items))
    assert collector.collect(dry_run=False)["deleted"] == 7
    assert seen == [1]
