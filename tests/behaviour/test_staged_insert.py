"""Staged inserts: what they write where, what they insert, and what is left if they fail."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

import datajoint as dj
from datajoint.errors import DuplicateError, MissingAttributeError
from datajoint.objectref import IntegrityError
from datajoint.staged_insert import staged_insert1
from datajoint.storage import get_storage_backend


@pytest.fixture(params=["file", "memory", "s3"])
def backend(request, engine, settings, new_store):
    """The backend of the store `main`, the default one; `other` is another."""
    if request.param != "file" and engine != "sqlite":
        pytest.skip("the engine knows nothing of the store's kind; shown once")
    for name in ("main", "other"):
        settings.stores[name] = new_store(request.param)
    settings.stores["default"] = "main"
    return get_storage_backend(settings.get_store_spec("main"))


@pytest.fixture
def Recording(backend, schema):
    @schema
    class Recording(dj.Manual):
        definition = """
        id : int32
        day : date
        ---
        frames=null : <object@>
        extra=null : <object@other>
        array=null : <npy@>
        note="-" : varchar(20)
        """

    return Recording


KEY = {"id": 7, "day": "2024-05-01"}


def paths(backend):
    return sorted(file.path for file in backend.list_files())


def test_a_folder(Recording, backend):
    with Recording.staged_insert1 as staged:
        staged.rec.update(KEY, note="staged", frames="overwritten")
        chunks = staged.store("frames", ".zarr")
        chunks[".zattrs"] = b"{}"
        chunks["0/0"] = b"chunk"
        staged.store("frames", ".ignored")["0/1"] = b"chunk"
        assert len(Recording()) == 0
    row = Recording.fetch1()
    ref = row["frames"]
    assert row["note"] == "staged"
    pattern = f"_schema/{Recording.database}/{Recording.table_name}/id=7/day=2024-05-01/frames_[A-Za-z0-9_-]{{8}}.zarr"
    assert re.fullmatch(pattern, ref.path)
    assert (ref.size, ref.item_count, ref.is_dir, ref.ext, ref.store) == (12, 3, True, ".zarr", "main")
    assert dict(ref.fsmap) == {".zattrs": b"{}", "0/0": b"chunk", "0/1": b"chunk"}
    assert ref.verify() is True
    backend.put_buffer(b"chunks", f"{ref.path}/0/0")
    with pytest.raises(IntegrityError, match="0/0"):
        ref.verify()


def test_a_file_in_the_store_of_its_type(Recording, backend, settings):
    with staged_insert1(Recording()) as staged:
        staged.rec.update(KEY)
        with staged.open("extra", "bin") as file:
            file.write(b"hello")
    ref = Recording.fetch1("extra")
    assert (ref.size, ref.item_count, ref.is_dir, ref.ext, ref.store) == (5, None, False, "bin", "other")
    assert ref.path.endswith(".bin")
    assert ref.read() == b"hello"
    assert paths(backend) == []
    connection = Recording().connection
    (stored,) = connection.query(f"SELECT extra FROM {Recording().full_table_name}").fetchone()
    stored = json.loads(stored) if isinstance(stored, str) else stored
    assert set(stored) == {"path", "store", "size", "ext", "is_dir", "item_count", "timestamp"}


def test_other_attributes_as_usual(Recording):
    with Recording.staged_insert1 as staged:
        staged.rec.update(KEY, array=np.arange(3))
    row = Recording.fetch1()
    assert row["array"].load().tolist() == [0, 1, 2]
    assert row["frames"] is None


def test_nothing_written_is_an_empty_file(Recording, backend):
    with Recording.staged_insert1 as staged:
        staged.rec.update(KEY)
        staged.store("frames")
    ref = Recording.fetch1("frames")
    assert (ref.size, ref.is_dir, ref.ext) == (0, False, None)
    assert ref.read() == b""


def test_file_system_of_the_default_store(Recording, settings):
    with Recording.staged_insert1 as staged:
        assert staged.fs.exists("/")
        staged.rec.update(KEY)


def test_options(Recording):
    Recording.insert1({**KEY, "note": "first"})
    with Recording.staged_insert1(skip_duplicates=True, ignore_extra_fields=True) as staged:
        staged.rec.update(KEY, note="second", colour="red")
    assert Recording.fetch1("note") == "first"


@pytest.mark.parametrize(
    ("field", "rec", "said"),
    [
        ("x", KEY, "Attribute 'x' not found in table heading"),
        ("array", KEY, "Attribute 'array' is not an <object> type"),
        ("note", KEY, "Attribute 'note' is not an <object> type"),
        (
            "frames",
            {"id": 1},
            r"Primary key values must be set in staged.rec before calling store\(\) or open\(\). Missing: {'day'}",
        ),
        ("frames", {"id": "no number", "day": "2024-01-01"}, "id"),
    ],
)
def test_misuse(Recording, backend, field, rec, said):
    for use in ("store", "open"):
        with pytest.raises(dj.DataJointError, match=said), Recording.staged_insert1 as staged:
            staged.rec.update(rec)
            getattr(staged, use)(field)
    assert paths(backend) == []
    assert len(Recording()) == 0


def test_a_store_that_is_not_configured(Recording, settings):
    settings.stores.clear()
    with pytest.raises(dj.DataJointError, match="^Storage is not configured. Set stores.default"):
        with Recording.staged_insert1 as staged:
            staged.rec.update(KEY)
            staged.store("frames")
    with pytest.raises(dj.DataJointError, match="^Storage is not configured"), Recording.staged_insert1 as staged:
        staged.fs


def write(staged):
    staged.rec.update(KEY)
    staged.store("frames", ".zarr")["a"] = b"1"
    with staged.open("extra") as file:
        file.write(b"2")


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_a_block_that_fails_leaves_nothing(Recording, backend, settings, error):
    with pytest.raises(error), Recording.staged_insert1 as staged:
        write(staged)
        raise error
    assert paths(backend) == paths(get_storage_backend(settings.get_store_spec("other"))) == []
    assert len(Recording()) == 0


def test_a_row_that_is_refused_leaves_nothing(Recording, backend, settings):
    Recording.insert1(KEY)
    with pytest.raises(DuplicateError), Recording.staged_insert1 as staged:
        write(staged)
    with pytest.raises((TypeError, dj.DataJointError)), Recording.staged_insert1 as staged:
        write(staged)
        staged.rec["array"] = 3
    with pytest.raises(MissingAttributeError), Recording.staged_insert1 as staged:
        write(staged)
        del staged.rec["day"]
    assert paths(backend) == paths(get_storage_backend(settings.get_store_spec("other"))) == []


def test_of_two_that_stage_one_key_the_first_wins(Recording, backend):
    with pytest.raises(DuplicateError), Recording.staged_insert1 as late:
        late.rec.update(KEY)
        late.store("frames")["x"] = b"late"
        with Recording.staged_insert1 as early:
            early.rec.update(KEY)
            early.store("frames")["x"] = b"early"
    assert Recording.fetch1("frames").fsmap["x"] == b"early"
    assert len(paths(backend)) == 2  # with its manifest


def test_inside_a_transaction_that_is_undone(Recording, backend, connection):
    with pytest.raises(ZeroDivisionError), connection.transaction:
        with Recording.staged_insert1 as staged:
            write(staged)
        assert len(Recording()) == 1
        raise ZeroDivisionError
    assert len(Recording()) == 0
    assert paths(backend) == []


def test_a_class_that_does_more_than_inserting(schema, backend):
    @schema
    class Careful(dj.Manual):
        definition = "id : int32\n---\nframes : <object@>"

        def insert1(self, row, **options):
            super().insert1(row, **options)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), Careful.staged_insert1 as staged:
        staged.rec["id"] = 1
        staged.store("frames")["a"] = b"1"
    assert len(Careful()) == 0
    assert paths(backend) == []


def test_tables_that_are_filled_by_make(schema, backend):
    @schema
    class Source(dj.Manual):
        definition = "id : int32"

    @schema
    class Made(dj.Computed):
        definition = "-> Source\n---\nframes : <object@>"

        def make(self, key):
            with self.staged_insert1 as staged:
                staged.rec.update(key)
                staged.store("frames", ".zarr")["a"] = b"1"

    Source.insert1({"id": 1})
    with pytest.raises(dj.DataJointError, match="auto-populated"), Made.staged_insert1:
        raise AssertionError("the block must not begin")
    Made.populate()
    assert Made.fetch1("frames").size == 1
    Source.insert1({"id": 2})
    with Made.staged_insert1(allow_direct_insert=True) as staged:
        staged.rec["id"] = 2
        staged.store("frames")["a"] = b"12"
    assert (Made & "id=2").fetch1("frames").size == 2
