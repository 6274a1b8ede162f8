"""Values in object stores: every codec and form, layouts, partial failures, many objects at once."""

from __future__ import annotations

import json
import logging
import re
import threading
import uuid
from pathlib import Path

import numpy as np
import pytest

import datajoint as dj
from datajoint.codecs import unregister_codec
from datajoint.errors import DuplicateError, InvalidValueError, MissingExternalFile
from datajoint.hash_registry import compute_hash
from datajoint.objectref import IntegrityError
from datajoint.storage import StorageBackend, get_storage_backend

TOKEN = r"[A-Za-z0-9_-]{8}"


@pytest.fixture(params=["file", "memory", "s3"])
def backend(request, engine, settings, new_store, tmp_path):
    """The backend of the store `main`, which is the default one; `cold` is another."""
    if request.param != "file" and engine != "sqlite":
        pytest.skip("the engine knows nothing of the store's kind; shown once")
    for name in ("main", "cold"):
        settings.stores[name] = new_store(request.param)
    settings.stores["default"] = settings.stores["filepath_default"] = "main"
    settings.download_path = str(tmp_path / "downloads")
    return get_storage_backend(settings.get_store_spec("main"))


@pytest.fixture
def Thing(backend, schema):
    @schema
    class Thing(dj.Manual):
        definition = """
        id : int32
        ---
        b=null : <blob@>
        a=null : <attach@>
        h=null : <hash@>
        o=null : <object@>
        n=null : <npy@>
        f=null : <filepath@>
        cold=null : <blob@cold>
        """

    return Thing


def stored(table, attribute, key=None):
    """Return what a column holds, as a document."""
    connection = table().connection
    sql = f"SELECT {attribute} FROM {table().full_table_name}" + (f" WHERE id = {key}" if key is not None else "")
    (value,) = connection.query(sql).fetchone()
    return json.loads(value) if isinstance(value, str | bytes) else value


def paths(backend):
    return sorted(file.path for file in backend.list_files())


# --- every codec, in the default store
def test_blob(Thing, backend):
    value = {"a": [1, 2.5, None], "x": np.arange(6).reshape(2, 3)}
    Thing.insert1({"id": 1, "b": value, "cold": [1, 2]})
    found = Thing.fetch1("b")
    assert found["a"] == value["a"]
    assert np.array_equal(found["x"], value["x"])
    document = stored(Thing, "b")
    assert set(document) == {"hash", "path", "schema", "store", "size"}
    assert document["store"] == "main"
    assert document["schema"] == Thing.database
    assert document["path"] == f"_hash/{Thing.database}/{document['hash']}"
    content = backend.get_buffer(document["path"])
    assert compute_hash(content) == document["hash"]
    assert len(content) == document["size"]
    assert content == dj.blob.pack(value)
    cold = stored(Thing, "cold")
    assert cold["hash"] == "i5c6a256guaqcokoj2kxzrnn7i"
    assert cold["store"] == "cold"
    assert not backend.exists(cold["path"])


def test_attachment(Thing, backend, tmp_path):
    source = tmp_path / "att.txt"
    source.write_text("attach")
    Thing.insert1({"id": 1, "a": source})
    document = stored(Thing, "a")
    assert document["hash"] == "t7g2mmu6giqscicrp65e5dbpxm"
    assert backend.get_buffer(document["path"]) == b"att.txt\0attach"
    found = Path(Thing.fetch1("a"))
    assert found == tmp_path / "downloads" / "att.txt"
    assert found.read_text() == "attach"


def test_hash(Thing, backend, settings):
    settings.stores["main"]["subfolding"] = [2, 2]
    Thing.insert1({"id": 1, "h": b"hello"})
    assert stored(Thing, "h") == {
        "hash": "lvauakv4jmvhnolrtwiraf6fsi",
        "path": f"_hash/{Thing.database}/lv/au/lvauakv4jmvhnolrtwiraf6fsi",
        "schema": Thing.database,
        "store": "main",
        "size": 5,
    }
    assert Thing.fetch1("h") == b"hello"
    with pytest.raises(TypeError, match="bytes"):
        Thing.insert1({"id": 2, "h": bytearray(b"x")})
    settings.stores["main"]["subfolding"] = None  # what is stored is found where it was written
    assert Thing.fetch1("h") == b"hello"


def test_object_forms(Thing, backend, tmp_path):
    file = tmp_path / "movie.final.avi"
    file.write_bytes(b"frames")
    folder = tmp_path / "images.zarr"
    (folder / "sub" / "deep").mkdir(parents=True)
    (folder / ".zattrs").write_text("{}")
    (folder / "sub" / "deep" / "0.0").write_bytes(b"chunk")
    forms = [
        (b"bytes", None, 5),
        ((".bin", b"data"), ".bin", 4),
        (("csv", b"1,2"), "csv", 3),
        (("dat", file.open("rb")), "dat", 6),
        (file, ".avi", 6),
        (str(file), ".avi", 6),
    ]
    for number, (value, ext, size) in enumerate(forms):
        Thing.insert1({"id": number, "o": value})
        document = stored(Thing, "o", number)
        assert set(document) == {"path", "store", "size", "ext", "is_dir", "item_count", "timestamp"}
        assert (document["ext"], document["size"], document["is_dir"], document["item_count"]) == (
            ext,
            size,
            False,
            None,
        )
        dotted = f".{ext.lstrip('.')}" if ext else ""
        pattern = f"_schema/{Thing.database}/{Thing.table_name}/id={number}/o_{TOKEN}{re.escape(dotted)}"
        assert re.fullmatch(pattern, document["path"])
        ref = (Thing & {"id": number}).fetch1("o")
        assert len(ref.read()) == ref.size == size
        assert ref.verify() is True
        assert ref.timestamp.utcoffset().total_seconds() == 0
    forms[3][0][1].close()

    Thing.insert1({"id": 100, "o": folder})
    ref = (Thing & {"id": 100}).fetch1("o")
    assert (ref.is_dir, ref.size, ref.item_count, ref.ext) == (True, 7, 2, None)
    assert list(ref.walk()) == [("", ["sub"], [".zattrs"]), ("sub", ["deep"], []), ("sub/deep", [], ["0.0"])]
    assert ref.listdir() == [".zattrs", "sub"]
    assert ref.listdir("sub") == ["deep"]
    with ref.open("sub/deep/0.0") as chunk:
        assert chunk.read() == b"chunk"
    assert dict(ref.fsmap) == {".zattrs": b"{}", "sub/deep/0.0": b"chunk"}
    assert ref.verify() is True
    manifest = json.loads(backend.get_buffer(f"{ref.path}.manifest.json"))
    assert manifest["total_size"] == 7
    assert manifest["item_count"] == 2
    assert {f["path"]: f["size"] for f in manifest["files"]} == {".zattrs": 2, "sub/deep/0.0": 5}
    assert ref.download(tmp_path / "out") == tmp_path / "out"
    name = ref.path.rsplit("/", 1)[1]
    assert (tmp_path / "out" / name / "sub" / "deep" / "0.0").read_bytes() == b"chunk"
    backend.remove(f"{ref.path}/sub/deep/0.0")
    with pytest.raises(IntegrityError, match=r"Folder verification failed:\n.*sub/deep/0.0"):
        ref.verify()


def test_object_refusals_write_nothing(Thing, backend, tmp_path):
    with pytest.raises(dj.DataJointError, match="Source path not found: "):
        Thing.insert1({"id": 1, "o": tmp_path / "absent"})
    for value in (bytearray(b"x"), 3, ["x"], (1, b"x"), ("a", "b", "c"), {"size": 3}):
        with pytest.raises(TypeError):
            Thing.insert1({"id": 1, "o": value})
    assert len(Thing()) == 0
    assert paths(backend) == []


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6).reshape(2, 3),
        np.array(2.5),
        np.zeros((0, 3)),
        np.array([True, False]),
        np.array([1 + 2j]),
        np.array([(1, 2.5)], dtype=[("a", "i4"), ("b", "f8")]),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.array(["a", "bcd"]),
        np.array(["2024-01-01", "NaT"], "M8[us]"),
        np.arange(3, dtype=">i4"),
    ],
    ids=str,
)
def test_arrays(Thing, backend, array):
    Thing.insert1({"id": 1, "n": array})
    document = stored(Thing, "n")
    assert re.fullmatch(f"_schema/{Thing.database}/{Thing.table_name}/id=1/n_{TOKEN}\\.npy", document.pop("path"))
    assert document == {"store": "main", "dtype": str(array.dtype), "shape": list(array.shape)}
    ref = Thing.fetch1("n")
    assert (ref.shape, ref.dtype, ref.ndim, ref.size) == (array.shape, array.dtype, array.ndim, array.size)
    assert not ref.is_loaded
    assert repr(ref) == str(ref) == f"NpyRef(shape={array.shape}, dtype={array.dtype}, not loaded)"
    assert np.array_equal(ref.load(), array, equal_nan=array.dtype.kind == "M")
    assert ref.load().dtype == array.dtype
    assert ref.load() is ref.load()


def test_array_refusals(Thing, backend):
    with pytest.raises(dj.DataJointError, match=r"<npy> requires numpy.ndarray, got list"):
        Thing.insert1({"id": 1, "n": [1, 2]})
    with pytest.raises(dj.DataJointError, match="does not support object dtype arrays"):
        Thing.insert1({"id": 1, "n": np.array([None, 1])})
    assert paths(backend) == []


def test_filepath(Thing, backend):
    backend.put_buffer(b"12345", "day1/a.bin")
    Thing.insert1({"id": 1, "f": "day1/a.bin"})
    Thing.insert1({"id": 2, "f": Path("day1")})
    document = stored(Thing, "f", 1)
    assert document.pop("timestamp").endswith("+00:00")
    assert document == {"path": "day1/a.bin", "store": "main", "size": 5, "is_dir": False}
    ref = (Thing & "id=1").fetch1("f")
    assert ref.read() == b"12345"
    folder = (Thing & "id=2").fetch1("f")
    assert (folder.is_dir, folder.size) == (True, None)
    assert folder.listdir() == ["a.bin"]
    Thing.delete()
    assert paths(backend) == ["day1/a.bin"]
    with pytest.raises(FileNotFoundError):
        Thing.insert1({"id": 3, "f": "day1/absent"})


@pytest.mark.parametrize(
    "path",
    ["../x", "/etc/passwd", "a/../../x", "_hash/x", "./_hash/x", "a/../_schema/x", "_HASH/x", "..\\x", "a\0b", ""],
)
def test_hostile_filepaths(Thing, backend, path):
    with pytest.raises(ValueError, match="<filepath@>"):
        Thing.insert1({"id": 1, "f": path})
    assert len(Thing()) == 0


def test_filepath_sections(Thing, backend, settings):
    backend.put_buffer(b"x", "_hash/user.bin")
    backend.put_buffer(b"x", "my_hash_file.dat")
    Thing.insert1({"id": 1, "f": "my_hash_file.dat"})
    settings.stores["main"]["hash_prefix"] = "managed"
    Thing.insert1({"id": 2, "f": "_hash/user.bin"})
    with pytest.raises(ValueError, match=r"cannot use reserved section 'managed' \(hash_prefix\)"):
        Thing.insert1({"id": 3, "f": "managed/x"})
    settings.stores["main"]["filepath_prefix"] = "raw"
    with pytest.raises(ValueError, match=r"must use prefix 'raw' \(filepath_prefix\)"):
        Thing.insert1({"id": 3, "f": "rawer/x"})


def test_filepath_has_a_default_store_of_its_own(Thing, backend, settings):
    settings.stores["filepath_default"] = "cold"
    get_storage_backend(settings.get_store_spec("cold")).put_buffer(b"cold", "x.bin")
    Thing.insert1({"id": 1, "f": "x.bin"})
    assert stored(Thing, "f")["store"] == "cold"
    assert Thing.fetch1("f").read() == b"cold"


# --- stores and settings
def test_stored_names_of_the_default_store(Thing, backend, connection):
    """Programs of old wrote null or nothing, which means the default store."""
    Thing.insert1({"id": 1, "h": b"x", "n": np.arange(3), "o": b"y"})
    for store in (None, "", "absent"):
        for name in ("h", "n", "o"):
            document = stored(Thing, name) | {"store": store}
            if store == "absent":
                del document["store"]
            connection.query(f"UPDATE {Thing().full_table_name} SET {name} = %s", args=(json.dumps(document),))
        row = Thing.fetch1()
        assert row["h"] == b"x"
        assert row["n"].load().tolist() == [0, 1, 2]
        assert row["o"].read() == b"y"


def test_a_store_that_is_not_configured(Thing, backend, settings):
    del settings.stores["default"]
    with pytest.raises(dj.DataJointError, match="stores.default is not configured"):
        Thing.insert1({"id": 1, "b": [1]})
    del settings.stores["cold"]
    with pytest.raises(dj.DataJointError, match="'cold' is requested but not configured"):
        Thing.insert1({"id": 1, "cold": [1]})
    assert len(Thing()) == 0


def test_partitions(schema, backend, settings):
    settings.stores["main"]["partition_pattern"] = "{subject}/x/{absent}"
    settings.stores["main"]["token_length"] = 12

    @schema
    class Trial(dj.Manual):
        definition = """
        session : date
        subject : varchar(20)
        trial : uuid
        ---
        trace : <npy@>
        """

        class Spike(dj.Part):
            definition = """
            -> master
            ---
            wave : <object@>
            """

    key = {"session": "2024-05-01", "subject": "x/y z", "trial": uuid.UUID(int=7)}
    Trial.insert1({**key, "trace": np.arange(3)})
    Trial.Spike.insert1({**key, "wave": b"w"})
    name = Trial.database
    rest = f"session=2024-05-01/trial={uuid.UUID(int=7)}"
    assert re.fullmatch(
        f"_schema/subject=x%2Fy%20z/{name}/trial/{rest}/trace_[A-Za-z0-9_-]{{12}}.npy", Trial.fetch1("trace").path
    )
    assert re.fullmatch(
        f"_schema/subject=x%2Fy%20z/{name}/trial__spike/{rest}/wave_[A-Za-z0-9_-]{{12}}",
        Trial.Spike.fetch1("wave").path,
    )


def test_update_writes_where_insert_does(Thing, backend):
    Thing.insert1({"id": 7, "n": np.arange(3)})
    old = Thing.fetch1("n").path
    Thing.update1({"id": 7, "n": np.arange(4), "h": b"new"})
    ref = Thing.fetch1("n")
    assert ref.shape == (4,)
    assert ref.path != old
    assert ref.path.rsplit("/", 1)[0] == old.rsplit("/", 1)[0]
    assert Thing.fetch1("h") == b"new"
    Thing.update1({"id": 7, "n": None})
    assert Thing.fetch1("n") is None
    before = paths(backend)
    with pytest.raises(TypeError):
        Thing.update1({"id": 7, "n": np.arange(9), "o": 3})
    assert paths(backend) == before


def test_rows_copied_in_the_database_share_objects(Thing, backend, schema):
    @schema
    class Copy(dj.Manual):
        definition = "id : int32\n---\nb=null : <blob@>\nn=null : <npy@>"

    Thing.insert1({"id": 1, "b": [1], "n": np.arange(3)})
    before = paths(backend)
    Copy.insert(Thing.proj("b", "n"))
    assert paths(backend) == before
    assert Copy.fetch1("b") == [1]
    assert Copy.fetch1("n").path == Thing.fetch1("n").path


def test_rows_copied_in_python_have_objects_of_their_own(Thing, backend, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "x").write_bytes(b"x")
    backend.put_buffer(b"raw", "raw.bin")
    Thing.insert([{"id": 1, "o": ("bin", b"y"), "n": np.arange(3), "f": "raw.bin"}])
    Thing.insert1({"id": 2, "o": folder})
    for row in Thing.to_dicts():
        Thing.insert1({**row, "id": row["id"] + 10})
    copy, original = (Thing & "id=11").fetch1(), (Thing & "id=1").fetch1()
    assert copy["n"].load().tolist() == [0, 1, 2]
    assert copy["o"].read() == b"y"
    assert copy["o"].ext == "bin"
    assert copy["f"].read() == b"raw"
    for name in ("n", "o"):
        assert copy[name].path != original[name].path
    assert (Thing & "id=12").fetch1("o").listdir() == ["x"]


# --- faults
def test_no_object_for_rows_that_are_refused(Thing, backend):
    Thing.insert1({"id": 1})
    with pytest.raises(TypeError):
        Thing.insert([{"id": 5, "n": np.arange(3), "h": b"x"}, {"id": 6, "n": np.arange(3), "h": "no bytes"}])
    with pytest.raises(InvalidValueError):
        Thing.insert([{"id": 5, "n": np.arange(3)}, {"id": "six", "n": np.arange(3)}])
    assert paths(backend) == []
    with pytest.raises(DuplicateError):
        Thing.insert([{"id": 2, "n": np.arange(3)}, {"id": 1, "n": np.arange(3)}])
    with pytest.raises(DuplicateError):
        Thing.insert1({"id": 1, "o": b"x"})
    assert paths(backend) == []
    assert len(Thing()) == 1


def test_objects_go_when_their_transaction_is_undone(Thing, backend, connection, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "x").write_bytes(b"x")
    with pytest.raises(ZeroDivisionError), connection.transaction:
        Thing.insert1({"id": 1, "o": folder, "n": np.arange(3)})
        assert len(paths(backend)) == 3
        raise ZeroDivisionError
    assert paths(backend) == []
    with connection.transaction:
        Thing.insert1({"id": 1, "o": folder})
    assert Thing.fetch1("o").verify()


def test_rows_that_exist_cost_no_upload(Thing, backend):
    Thing.insert([{"id": n, "n": np.arange(3)} for n in range(3)])
    before = paths(backend)
    Thing.insert([{"id": n, "n": np.arange(3)} for n in range(5)], skip_duplicates=True)
    assert len(paths(backend)) == len(before) + 2
    assert len(Thing()) == 5
    assert len(Thing().to_arrays("n")) == 5


def test_replaced_rows_have_the_new_object(Thing, backend):
    Thing.insert1({"id": 1, "n": np.arange(3), "b": 1})
    Thing.insert([{"id": 1, "n": np.arange(4), "b": 2}], replace=True)
    assert Thing.fetch1("n").shape == (4,)
    assert Thing.fetch1("b") == 2


def test_a_damaged_object_is_noticed_and_mended_by_inserting_again(Thing, backend):
    Thing.insert1({"id": 1, "b": {"a": 1}, "n": np.arange(300), "o": b"0123456789"})
    path = stored(Thing, "b")["path"]
    whole = backend.get_buffer(path)
    array, file = Thing.fetch1("n"), Thing.fetch1("o")
    for damaged in (b"", whole[:-1], whole + b"x"):
        backend.put_buffer(damaged, path)
        with pytest.raises(dj.DataJointError, match="Hash mismatch"):
            Thing.fetch1("b")
        Thing.update1({"id": 1, "b": {"a": 1}})
        assert Thing.fetch1("b") == {"a": 1}
    backend.put_buffer(backend.get_buffer(array.path)[:-8], array.path)
    with pytest.raises(IntegrityError):
        array.load()
    backend.put_buffer(b"01234", file.path)
    with pytest.raises(IntegrityError):
        file.read()
    with pytest.raises(IntegrityError, match="Size mismatch"):
        file.verify()
    backend.remove(path)
    with pytest.raises(MissingExternalFile):
        Thing.fetch1("b")
    backend.remove(file.path)
    with pytest.raises(MissingExternalFile):
        file.read()
    assert not file.exists()


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "a/../../secret", "..\\secret"])
def test_stored_paths_stay_inside_of_the_store(Thing, backend, connection, tmp_path, path):
    (tmp_path / "secret").write_bytes(b"hello")
    Thing.insert1({"id": 1, "h": b"hello", "n": np.arange(3), "o": b"y"})
    for name in ("h", "n", "o"):
        document = stored(Thing, name) | {"path": path}
        connection.query(f"UPDATE {Thing().full_table_name} SET {name} = %s", args=(json.dumps(document),))
    with pytest.raises(dj.DataJointError, match="not one of an object"):
        Thing.fetch1("h")
    row = Thing.proj("n", "o").fetch1()
    for use in (
        row["n"].load,
        row["o"].read,
        row["o"].exists,
        row["o"].open,
        lambda: row["o"].download(tmp_path / "d"),
    ):
        with pytest.raises(dj.DataJointError, match="not one of an object"):
            use()


# --- many
def test_many_objects_keep_their_order(Thing, backend):
    values = [np.full(4, n) for n in range(70)]
    Thing.insert([{"id": n, "b": v, "n": v, "h": b"same"} for n, v in enumerate(values)])
    rows = Thing.to_dicts(order_by="id")
    assert [int(row["b"][0]) for row in rows] == list(range(70))
    assert [int(row["n"].load()[0]) for row in rows] == list(range(70))
    assert {row["h"] for row in rows} == {b"same"}
    Thing.insert1({"id": 1000})
    assert [None if v is None else int(v[0]) for v in Thing.to_arrays("b", order_by="id")] == [*range(70), None]
    assert len(list(Thing)) == 71
    assert len(paths(backend)) == 70 + 70 + 1


def test_many_objects_travel_at_once(Thing, backend, monkeypatch):
    everybody = threading.Barrier(8, timeout=20)
    original, read = StorageBackend.put_buffer, StorageBackend.get_buffer

    def put(self, buffer, path):
        everybody.wait()
        original(self, buffer, path)

    def get(self, path):
        everybody.wait()
        return read(self, path)

    monkeypatch.setattr(StorageBackend, "put_buffer", put)
    Thing.insert([{"id": n, "n": np.full(4, n)} for n in range(16)])
    monkeypatch.undo()
    Thing.update1({"id": 0, "b": 0})
    Thing.insert([{"id": 100 + n, "b": n} for n in range(16)])
    monkeypatch.setattr(StorageBackend, "get_buffer", get)
    assert (Thing & "id >= 100").to_arrays("b", order_by="id").tolist() == list(range(16))


def test_a_write_that_fails_fails_the_insert(Thing, backend, monkeypatch):
    original = StorageBackend.put_buffer

    def put(self, buffer, path):
        if "id=30" in path:
            raise OSError("disk full")
        original(self, buffer, path)

    monkeypatch.setattr(StorageBackend, "put_buffer", put)
    with pytest.raises(OSError, match="disk full"):
        Thing.insert([{"id": n, "n": np.arange(3)} for n in range(60)])
    assert len(Thing()) == 0
    assert paths(backend) == []


def test_references_are_elements_and_stay_unread(Thing, backend):
    Thing.insert([{"id": n, "n": np.arange(3), "o": b"x"} for n in range(3)])
    arrays, objects = Thing.to_arrays("n", "o", order_by="id")
    frame = Thing.to_pandas()
    polars = Thing.to_polars()
    table = Thing.to_arrays()
    for refs in (arrays, frame["n"].to_numpy(), polars["n"].to_list(), table["n"], [row["n"] for row in Thing]):
        assert len(refs) == 3
        assert all(type(ref) is dj.NpyRef and not ref.is_loaded for ref in refs)
    assert arrays.shape == objects.shape == table.shape == (3,)
    assert arrays.dtype == object
    assert all(type(ref) is dj.ObjectRef for ref in objects)
    renamed = Thing.proj(m="n").to_dicts()
    assert renamed[0]["m"].load().tolist() == [0, 1, 2]
    assert not Thing.head(limit=1)[0]["n"].is_loaded


def test_squeeze_reaches_decoded_arrays(Thing, backend):
    Thing.insert1({"id": 1, "b": np.ones((1, 3, 1))})
    assert Thing.fetch1("b", squeeze=True).shape == (3,)
    assert Thing.to_arrays("b", squeeze=True)[0].shape == (3,)
    assert Thing.fetch1("b").shape == (1, 3, 1)


def test_rows_can_be_checked_before(Thing, backend, tmp_path):
    found = Thing.validate([{"id": 1, "a": 3, "h": "text"}, {"id": 2, "o": 3}, {"id": 3, "f": b"x", "b": object()}])
    assert [(row, name) for row, name, _ in found.errors] == [(0, "a"), (0, "h"), (1, "o"), (2, "f")]
    assert all(said.startswith("Codec validation failed: ") for _, _, said in found.errors)
    with pytest.raises(dj.DataJointError, match="<npy> requires numpy.ndarray"):
        Thing.validate([{"id": 1, "n": [1]}])
    assert paths(backend) == []


def test_what_a_codec_fetches_while_it_encodes_outlives_the_insert(Thing, backend, schema):
    Thing.insert1({"id": 1, "n": np.arange(3)})
    kept = []

    class Reading(dj.Codec):
        name = "reading"

        def get_dtype(self, is_store):
            return "<hash>"

        def encode(self, value, *, key=None):
            kept.append((Thing & "id=1").fetch1("n"))
            return value

        def decode(self, stored, *, key=None):
            return stored

    try:

        @schema
        class Other(dj.Manual):
            definition = "id : int32\n---\nx : <reading@>"

        Other.insert([{"id": 1, "x": b"1"}, {"id": 2, "x": b"2"}])
    finally:
        unregister_codec("reading")
    assert all(type(ref._backend) is StorageBackend for ref in kept)
    assert kept[0].load().tolist() == [0, 1, 2]


# --- plug-ins of others
def test_codecs_written_for_datajoint_23(schema, backend):
    class Wav(dj.SchemaCodec):
        name = "wav"

        def encode(self, value, *, key=None, context=None, store_name=None):
            s, t, f, pk = self._extract_context(key, context)
            config = self._codec_config(key, context)
            path, _ = self._build_path(s, t, f, pk, ext=".wav", store_name=store_name, config=config)
            self._get_backend(store_name, config=config).put_buffer(value.encode(), path)
            return {"path": path, "store": store_name, "rate": 7}

        def decode(self, stored, *, key=None, context=None):
            config = self._codec_config(key, context)
            return self._get_backend(stored.get("store"), config=config).get_buffer(stored["path"]).decode()

    class Graph(dj.Codec):
        name = "graph"

        def get_dtype(self, is_external):
            return "<blob>"

        def encode(self, graph, *, key=None, store_name=None):
            return {"edges": sorted(graph)}

        def decode(self, stored, *, key=None):
            return set(stored["edges"])

    class Fixed(dj.Codec):
        name = "fixed"

        def get_dtype(self, is_store):
            return "<blob@cold>"

        def encode(self, value, *, key=None):
            return value

        def decode(self, stored, *, key=None):
            return stored

    try:

        @schema
        class Use(dj.Manual):
            definition = """
            id : int32
            ---
            w=null : <wav@>
            g=null : <graph@main>
            i=null : <graph>
            x=null : <fixed>
            """

        Use.insert({"id": n, "w": f"sound {n}", "g": {(1, n)}, "i": {(n, n)}, "x": n} for n in range(20))
        assert stored(Use, "w", 3)["store"] == "main"
        assert stored(Use, "w", 3)["rate"] == 7
        assert stored(Use, "g", 3)["store"] == "main"
        assert stored(Use, "x", 3)["store"] == "cold"
        for n, row in enumerate(Use.to_dicts(order_by="id")):
            assert row == {"id": n, "w": f"sound {n}", "g": {(1, n)}, "i": {(n, n)}, "x": n}
        with pytest.raises(DuplicateError):
            Use.insert1({"id": 3, "w": "again"})
        assert sum(path.endswith(".wav") for path in paths(backend)) == 20
        assert Use.heading["w"].is_schema_object
        assert Use.heading["w"].store == ""
        assert "w" in Use.heading.schema_objects

        name = Use.database
        for codec in ("wav", "graph", "fixed"):
            unregister_codec(codec)
        module = dj.VirtualModule("again", name, connection=schema.connection)
        assert (module.Use & "id=3").fetch1("id") == 3
        with pytest.raises(dj.DataJointError, match="Codec <wav> is not registered"):
            (module.Use & "id=3").fetch1("w")
    finally:
        for codec in ("wav", "graph", "fixed"):
            if dj.codecs.is_codec_registered(codec):
                unregister_codec(codec)


def test_old_ways_are_deprecated_but_work(schema, backend):
    class Old(dj.SchemaCodec):
        name = "oldway"

        def encode(self, value, *, key=None, store_name=None):
            s, t, f, pk = self._extract_context(key)
            path, _ = self._build_path(s, t, f, pk, store_name=store_name, config=key["_config"])
            self._get_backend(store_name, config=key["_config"]).put_buffer(value, path)
            return {"path": path, "store": store_name}

        def decode(self, stored, *, key=None):
            return self._get_backend(stored["store"], config=key["_config"]).get_buffer(stored["path"])

    try:

        @schema
        class Use(dj.Manual):
            definition = "id : int32\n---\nw : <oldway@main>"

        with pytest.warns(DeprecationWarning, match="underscore names"):
            Use.insert1({"id": 1, "w": b"x"})
        assert Use.fetch1("w") == b"x"
        assert stored(Use, "w")["path"].startswith(f"_schema/{Use.database}/use/id=1/w_")
    finally:
        unregister_codec("oldway")


def test_a_codec_that_leads_to_a_missing_one_spares_the_rest(schema, backend):
    class Inner(dj.Codec):
        name = "inner_one"

        def get_dtype(self, is_store):
            return "bytes"

        def encode(self, value, *, key=None):
            return value

        def decode(self, stored, *, key=None):
            return stored

    class Outer(Inner):
        name = "outer_one"

        def get_dtype(self, is_store):
            return "<inner_one>"

    try:

        @schema
        class Use(dj.Manual):
            definition = "id : int32\n---\nw=null : <outer_one>"

        Use.insert1({"id": 1, "w": b"x"})
        unregister_codec("inner_one")
        module = dj.VirtualModule("again", Use.database, connection=schema.connection)
        assert module.Use.fetch1("id") == 1
        with pytest.raises(dj.DataJointError, match="Codec <inner_one> is not registered"):
            module.Use.fetch1("w")
    finally:
        unregister_codec("outer_one")


def test_what_could_not_be_removed_is_told(Thing, backend, monkeypatch, caplog):
    Thing.insert1({"id": 1})

    def refuse(self, path):
        raise OSError("read-only")

    monkeypatch.setattr(StorageBackend, "remove", refuse)
    with caplog.at_level(logging.WARNING, "datajoint"), pytest.raises(DuplicateError):
        Thing.insert1({"id": 1, "n": np.arange(3)})
    assert "left to garbage collection: read-only" in caplog.text


def test_a_long_transaction_remembers_only_inserts_with_objects(Thing, backend, connection):
    with connection.transaction:
        for number in range(20):
            Thing.insert([{"id": number}, {"id": 100 + number}])
        assert connection._blocks.current.at_end == []
        Thing.insert1({"id": 1000, "h": b"x"})
        assert len(connection._blocks.current.at_end) == 1


def test_rows_that_match_are_skipped_by_their_content(Thing, backend, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "x").write_bytes(b"x")
    backend.put_buffer(b"raw", "raw.bin")

    def row(**changes):
        return {"id": 1, "b": [1], "h": b"x", "o": folder, "n": np.array([1.0, np.nan]), "f": "raw.bin"} | changes

    Thing.insert1(row())
    Thing.insert([row(), {**row(), "id": 2}], skip_duplicates="match")
    assert len(Thing()) == 2
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "x").write_bytes(b"y")
    for changes in ({"b": [2]}, {"h": b"y"}, {"o": tmp_path / "other"}, {"o": b"x"}, {"n": np.array([1.0, 2.0])}):
        with pytest.raises(DuplicateError, match=f"{next(iter(changes))} is "):
            Thing.insert([row(**changes)], skip_duplicates="match")
