"""Garbage collection with the library's own codecs: every one of them protects its objects, also during an insert."""

from __future__ import annotations

import numpy as np
import pytest

import datajoint as dj
from datajoint.storage.files import FileObjects


@pytest.fixture
def table(schema, settings, new_store, tmp_path):
    settings.stores = {"default": "main", "filepath_default": "main", "main": new_store()}
    settings.download_path = str(tmp_path / "downloads")

    @schema
    class Thing(dj.Manual):
        definition = """
        id : int32
        ---
        b=null : <blob@>
        a=null : <attach@main>
        h=null : <hash@main>
        n=null : <npy@main>
        o=null : <object@main>
        d=null : <object@main>
        f=null : <filepath@main>
        """

    return Thing


def rows(table, tmp_path, count):
    (tmp_path / "file.txt").write_text("attached")
    folder = tmp_path / "folder"
    folder.mkdir()
    for n in range(count):
        (tmp_path / f"folder/{n}").write_bytes(b"%d" % n)
    backend = dj.gc.GarbageCollector(dj.Schema(table.database, connection=table.connection)).backend
    backend.put_buffer(b"user's", "raw/file")
    for n in range(count):
        yield {
            "id": n, "b": {"n": n}, "a": tmp_path / "file.txt", "h": b"%d" % n, "n": np.arange(n), "o": b"o%d" % n,
            "d": folder, "f": "raw/file",
        }  # fmt: skip


def intact(table, ids):
    found = table.to_dicts(order_by="id")
    assert [row["id"] for row in found] == ids
    for row in found:
        n = row["id"]
        assert (row["b"], row["h"], row["o"].read()) == ({"n": n}, b"%d" % n, b"o%d" % n)
        assert np.array_equal(row["n"].load(), np.arange(n))
        assert row["d"].verify()
        assert row["f"].read() == b"user's"


def test_every_codec_protects_its_objects(table, schema, tmp_path):
    table.insert(list(rows(table, tmp_path, 4)))
    collector = dj.gc.GarbageCollector(schema)
    report = collector.collect(dry_run=False)
    assert (report["deleted"], report["scan_errors"]) == (0, [])
    intact(table, [0, 1, 2, 3])
    (table & "id < 2").delete()
    report = collector.collect(dry_run=False)
    # Of each row a blob, a hash; an array, an object, a folder of four with its manifest. The attachment is shared.
    assert (report["hash_paths_deleted"], report["schema_paths_deleted"]) == (2 * 2, 2 * (1 + 1 + 5))
    intact(table, [2, 3])


def test_a_staged_insert_that_is_open(table, schema):
    collector = dj.gc.GarbageCollector(schema)
    collector.collect(dry_run=False)  # from the first collection on writers mark
    with table().staged_insert1 as staged:
        staged.rec["id"] = 1
        with staged.open("o", ".bin") as file:
            file.write(b"o1")
        assert collector.collect(dry_run=False)["deleted"] == 0
    assert collector.collect(dry_run=False)["deleted"] == 0
    assert table.fetch1("o").read() == b"o1"


def test_a_collection_in_the_midst_of_an_insert(table, schema, tmp_path, monkeypatch, new_connection, settings):
    """Objects are written, none of the rows is there."""
    with new_connection(settings=settings) as other:
        collector = dj.gc.GarbageCollector(dj.Schema(table.database, connection=other))
        given = list(rows(table, tmp_path, 2))
        collector.collect(dry_run=False)
        table.connection.forget_catalog()
        reports, original = [], FileObjects.put_bytes

        def put_bytes(self, *arguments):
            original(self, *arguments)
            if len(reports) < 3:
                reports.append(collector.collect(dry_run=False))

        monkeypatch.setattr(FileObjects, "put_bytes", put_bytes)
        table.insert(given)
        monkeypatch.undo()
        assert [report["deleted"] for report in reports][:3] == [0, 0, 0]
        assert max(report["in_flight"] for report in reports) > 0
        intact(table, [0, 1])
        assert collector.collect(dry_run=False)["deleted"] == 0
