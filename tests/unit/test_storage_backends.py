"""One contract for all stores: files, memory, and S3 on a real server."""

from __future__ import annotations

import json
import pickle
import threading
import time

import pytest

from datajoint.errors import BucketInaccessible, DataJointError, MissingExternalFile
from datajoint.settings import Config, stores
from datajoint.storage import (
    STORE_METADATA_FILENAME,
    StorageAdapter,
    StorageBackend,
    compute_hash,
    delete_path,
    get_hash,
    get_hashes,
    get_storage_adapter,
    get_storage_backend,
    get_store_backend,
    get_store_subfolding,
    put_hash,
    put_hashes,
    verify_or_create_store_metadata,
)
from datajoint.storage.transfer import in_order
from tests.unit.test_storage_paths import HOSTILE

PROTOCOLS = ["file", "memory", "s3"]


@pytest.fixture(params=PROTOCOLS)
def spec(request, new_store):
    return new_store(request.param)


@pytest.fixture
def backend(spec):
    return StorageBackend(spec)


@pytest.fixture
def config(spec):
    return Config(stores={"default": "main", "main": spec})


# --- one object
def test_what_is_put_is_got(backend):
    backend.put_buffer(b"spikes", "day 1/a ä%.bin")
    assert backend.get_buffer("day 1/a ä%.bin") == b"spikes"
    assert backend.size("day 1/a ä%.bin") == 6
    assert backend.exists("day 1/a ä%.bin")
    assert backend.exists("day 1")
    assert backend.isdir("day 1")
    assert not backend.isdir("day 1/a ä%.bin")
    backend.put_buffer(bytearray(b"new"), "day 1/a ä%.bin")
    assert backend.get_buffer("day 1/a ä%.bin") == b"new"
    backend.put_buffer(memoryview(b""), "empty")
    assert backend.get_buffer("empty") == b""


def test_what_is_absent(backend):
    assert not backend.exists("no/thing")
    assert not backend.isdir("no")
    assert backend.info("no/thing") is None
    with pytest.raises(MissingExternalFile, match="no/thing"):
        backend.get_buffer("no/thing")
    with pytest.raises(FileNotFoundError):
        backend.size("no/thing")
    backend.remove("no/thing")
    backend.remove_folder("no")
    assert list(backend.list_files("no")) == []


def test_removing(backend):
    backend.put_buffer(b"1", "a/b/c")
    backend.put_buffer(b"2", "a/d")
    backend.remove("a/b/c")
    backend.prune("a/b/c")
    assert not backend.exists("a/b")
    assert backend.get_buffer("a/d") == b"2"
    backend.remove("a/d")
    backend.prune("a/d")
    assert not backend.exists("a")
    backend.put_buffer(b"1", "the root survives")


def test_files_of_this_machine(backend, tmp_path):
    source = tmp_path / "source"
    source.write_bytes(b"x" * 100_000)
    backend.put_file(source, "x/y", metadata={"ignored": 1})
    target = tmp_path / "new" / "folder" / "target"
    backend.get_file("x/y", target)
    assert target.read_bytes() == source.read_bytes()
    with pytest.raises(FileNotFoundError):
        backend.put_file(tmp_path / "none", "z")
    with pytest.raises(MissingExternalFile):
        backend.get_file("none", tmp_path / "t")
    assert sorted(p.name for p in tmp_path.rglob("*") if p.name.startswith(".dj-")) == []


def test_open(backend):
    with backend.open("o/p", "wb") as file:
        file.write(b"ab")
        file.write(b"cd")
    with backend.open("o/p") as file:
        assert file.read(3) == b"abc"
        file.seek(1)
        assert file.read() == b"bcd"


def test_listing(backend):
    sizes = {"l/a": 1, "l/.hidden": 2, "l/m/n/b": 3, "l2/c": 4}
    before = time.time()
    backend.put_many((path, b"x" * size) for path, size in sizes.items())
    found = {file.path: file for file in backend.list_files("l")}
    assert {path: file.size for path, file in found.items()} == {"l/a": 1, "l/.hidden": 2, "l/m/n/b": 3}
    assert {file.path for file in backend.list_files()} == set(sizes)
    assert all(before - 2 < file.modified < time.time() + 2 for file in found.values())
    assert backend.info("l/a") == found["l/a"]
    assert backend.listdir("l") == [".hidden", "a", "m"]
    assert backend.listdir() == ["l", "l2"]


def test_a_mapping_of_an_array_format(backend):
    mapping = backend.get_fsmap("group.zarr")
    mapping["c/0"] = b"chunk"
    assert backend.get_buffer("group.zarr/c/0") == b"chunk"
    assert set(mapping) == {"c/0"}


# --- many objects
def test_order_is_kept(backend):
    items = [(f"many/{n}", str(n).encode()) for n in range(200)]
    assert backend.put_many(items) == 200
    paths = [path for path, _ in reversed(items)]
    assert list(backend.get_many(iter(paths))) == [content for _, content in reversed(items)]
    assert list(backend.get_many([])) == []
    assert list(backend.get_many(["many/7"])) == [b"7"]


def test_an_error_is_raised_in_its_place(backend):
    backend.put_many((f"e/{n}", b"") for n in range(50))
    backend.remove("e/30")
    got = []
    with pytest.raises(MissingExternalFile, match="e/30"):
        got.extend(enumerate(backend.get_many(f"e/{n}" for n in range(50))))
    seen = 0
    with pytest.raises(MissingExternalFile, match="e/30"):
        for _ in backend.get_many(f"e/{n}" for n in range(50)):
            seen += 1
    assert seen == 30


def test_transfers_run_at_the_same_time_and_not_far_ahead():
    running, most, begun = set(), 0, []
    lock, together = threading.Lock(), threading.Barrier(8)

    def work(n):
        nonlocal most
        with lock:
            begun.append(n)
            running.add(n)
            most = max(most, len(running))
        if n < 8:
            together.wait(10)
        with lock:
            running.discard(n)
        return n

    results = in_order(work, range(1000), threads=8)
    assert next(results) == 0
    assert len(begun) <= 18
    results.close()
    assert most == 8


# --- folders
@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "recording.zarr"
    (root / "c" / "0").mkdir(parents=True)
    (root / ".zattrs").write_bytes(b"{}")
    (root / "c" / "0" / "0").write_bytes(b"12345")
    (root / "link").symlink_to(root / "c")
    return root


def test_folders(backend, folder, tmp_path):
    manifest = backend.put_folder(folder, "_schema/lab/r_abc")
    assert manifest["files"] == [
        {"path": ".zattrs", "size": 2},
        {"path": "c/0/0", "size": 5},
        {"path": "link/0/0", "size": 5},
    ]
    assert (manifest["total_size"], manifest["item_count"]) == (12, 3)
    stored = backend.get_buffer("_schema/lab/r_abc.manifest.json")
    assert stored == json.dumps(manifest, indent=2).encode()
    backend.get_folder("_schema/lab/r_abc", tmp_path / "back")
    assert (tmp_path / "back" / "c" / "0" / "0").read_bytes() == b"12345"
    assert (tmp_path / "back" / ".zattrs").read_bytes() == b"{}"
    backend.remove_folder("_schema/lab/r_abc")
    assert list(backend.list_files("_schema")) == []
    with pytest.raises(MissingExternalFile):
        backend.get_folder("_schema/lab/r_abc", tmp_path / "again")


def test_folders_that_cannot_be_stored(backend, folder, tmp_path):
    with pytest.raises(DataJointError, match="Not a directory"):
        backend.put_folder(folder / ".zattrs", "x")
    (folder / "c" / "circle").symlink_to(folder)
    with pytest.raises(DataJointError, match="a link to a folder that it lies in"):
        backend.put_folder(folder, "x")
    (folder / "c" / "circle").unlink()
    (folder / "c" / "broken").symlink_to(tmp_path / "nowhere")
    with pytest.raises(DataJointError, match="a broken link"):
        backend.put_folder(folder, "x")
    assert list(backend.list_files("x")) == []


def test_from_addresses(backend, folder):
    assert backend.source_exists(str(folder))
    assert backend.source_is_directory(f"file://{folder}")
    assert backend.get_source_size(str(folder / "c" / "0" / "0")) == 5
    assert backend.get_source_size(str(folder)) is None
    assert backend.copy_from_url(str(folder / ".zattrs"), "one") == 2
    assert backend.get_buffer("one") == b"{}"
    assert backend.copy_from_url(f"file://{folder}", "all") == 12
    assert backend.get_buffer("all/c/0/0") == b"12345"
    assert json.loads(backend.get_buffer("all.manifest.json"))["item_count"] == 3
    with pytest.raises(DataJointError, match="There is nothing at"):
        backend.copy_from_url(str(folder / "none"), "x")


# --- hostile paths
@pytest.mark.parametrize("path", HOSTILE)
def test_no_method_takes_a_hostile_path(backend, path, tmp_path):
    (tmp_path / "f").write_bytes(b"")
    calls = [
        lambda: backend.put_buffer(b"", path),
        lambda: backend.get_buffer(path),
        lambda: backend.put_file(tmp_path / "f", path),
        lambda: backend.get_file(path, tmp_path / "g"),
        lambda: backend.open(path, "wb"),
        lambda: backend.size(path),
        lambda: backend.info(path),
        lambda: backend.remove(path),
        lambda: backend.prune(path),
        lambda: backend.put_folder(tmp_path, path),
        lambda: backend.get_folder(path, tmp_path / "h"),
        lambda: backend.remove_folder(path),
        lambda: backend.copy_from_url(str(tmp_path / "f"), path),
        lambda: list(backend.get_many([path])),
        lambda: backend.put_many([(path, b"")]),
    ]
    if path not in {"", ".", "./", "a/..", "./.."}:  # the root is a folder that may be looked at
        calls += [
            lambda: backend.exists(path),
            lambda: backend.isdir(path),
            lambda: backend.listdir(path),
            lambda: list(backend.list_files(path)),
            lambda: backend.get_fsmap(path),
            lambda: backend.get_url(path),
            lambda: backend._full_path(path),
        ]
    for call in calls:
        with pytest.raises(DataJointError, match="is not one of an object"):
            call()


# --- by content
def test_hash_objects(config, spec):
    row = put_hash(b"hello", "lab", None, config)
    expected = {"hash": compute_hash(b"hello"), "path": f"_hash/lab/{compute_hash(b'hello')}", "schema": "lab"}
    assert row == expected | {"store": "main", "size": 5}
    for store in ("main", None, ""):
        assert get_hash(row | {"store": store}, config) == b"hello"
    del row["store"]
    assert get_hash(row, config) == b"hello"
    assert delete_path(row["path"], "main", config)
    assert not delete_path(row["path"], "main", config)
    with pytest.raises(MissingExternalFile):
        get_hash(row, config)


def test_many_hash_objects(config):
    contents = [str(n % 40).encode() for n in range(100)]
    rows = put_hashes(contents, "lab", "", config)
    assert list(get_hashes(rows, config)) == contents
    assert len(list(get_store_backend("main", config).list_files("_hash/lab"))) == 40


@pytest.mark.parametrize("damage", [b"", b"hel", b"hello and more"])
def test_a_damaged_object_is_noticed_and_mended(config, damage):
    backend = get_store_backend(None, config)
    row = put_hash(b"hello", "lab", None, config)
    backend.put_buffer(damage, row["path"])
    with pytest.raises(DataJointError, match="Hash mismatch: expected lvau.*may be corrupted.*Insert the value again"):
        get_hash(row, config)
    assert put_hash(b"hello", "lab", None, config) == row
    assert get_hash(row, config) == b"hello"


def test_equal_contents_are_written_once(config, spec):
    backend = get_store_backend(None, config)
    row = put_hash(b"hello", "lab", None, config)
    written = []
    backend.put_buffer, original = (lambda *arguments: written.append(arguments)), backend.put_buffer
    try:
        put_hash(b"hello", "lab", None, config)
        put_hash(b"other", "lab", None, config)
    finally:
        backend.put_buffer = original
    assert [path for _, path in written] == [row["path"].replace(row["hash"], compute_hash(b"other"))]


def test_folding(config, spec):
    spec["subfolding"] = [2, 2]
    config.stores["main"] = spec
    assert get_store_subfolding("main", config) == (2, 2)
    assert put_hash(b"hello", "lab", None, config)["path"] == "_hash/lab/lv/au/lvauakv4jmvhnolrtwiraf6fsi"


# --- which store
def test_backends_are_made_once(config, spec):
    assert get_store_backend(None, config) is get_store_backend("main", config)
    assert get_storage_backend(config.get_store_spec("main")) is get_store_backend("", config)
    config.stores["main"] = spec | {"token_length": 5}
    assert get_store_backend(None, config).spec["token_length"] == 5


def test_identity(spec):
    location = spec["location"]
    same = StorageBackend(spec | {"location": f"{location}/", "token_length": 4, "hash_prefix": "h"})
    inner = spec | {"location": f"{location}/in"}
    if spec["protocol"] == "file":
        import pathlib

        pathlib.Path(inner["location"]).mkdir()
    backend, below = StorageBackend(spec), StorageBackend(inner)
    assert backend.identity == same.identity != below.identity
    assert backend.path_here(same, "a/b") == "a/b"
    assert backend.path_here(below, "a/b") == "in/a/b"
    assert below.path_here(backend, "in/a/b") == "a/b"
    assert below.path_here(backend, "else/a") is None


def test_backends_are_pickled(backend):
    backend.put_buffer(b"1", "a")
    assert pickle.loads(pickle.dumps(backend)).get_buffer("a") == b"1"  # noqa: S301 - our own


def test_metadata_file(backend):
    written = verify_or_create_store_metadata(backend, {"project_name": "p"})
    assert set(written) == {"project_name", "created", "format_version", "datajoint_version"}
    assert written["format_version"] == "1.0"
    assert verify_or_create_store_metadata(backend, {}) == written
    assert json.loads(backend.get_buffer(STORE_METADATA_FILENAME)) == written
    with pytest.raises(DataJointError, match="of the project 'p', not of 'q'"):
        verify_or_create_store_metadata(backend, {"project_name": "q"})
    for wrong in (b"{", b"[]"):
        backend.put_buffer(wrong, STORE_METADATA_FILENAME)
        with pytest.raises(DataJointError, match=STORE_METADATA_FILENAME):
            verify_or_create_store_metadata(backend, {})


# --- settings that cannot be used
def test_settings_of_s3():
    spec = {"protocol": "s3", "endpoint": "host:9000", "bucket": "b", "location": "/l/", "secret_key": "hush"}
    with pytest.raises(DataJointError, match="Incomplete S3 credentials: only secret_key"):
        StorageBackend(spec)
    spec["access_key"] = "user"
    assert "hush" not in repr(StorageBackend(spec))
    with pytest.raises(DataJointError, match="Missing S3 configuration: endpoint, bucket"):
        StorageBackend({"protocol": "s3", "location": ""})
    backend = StorageBackend(spec)
    assert backend._full_path("a") == "b/l/a"
    assert backend.get_url("a") == "s3://b/l/a"
    assert StorageBackend(spec | {"location": ""}).get_url("a") == "s3://b/a"
    assert backend.fs.client_kwargs["endpoint_url"] == "https://host:9000"
    assert StorageBackend(spec | {"secure": False}).fs.client_kwargs["endpoint_url"] == "http://host:9000"
    plain = StorageBackend(spec | {"endpoint": "http://h", "access_key": "", "secret_key": ""}).fs
    assert (plain.client_kwargs["endpoint_url"], plain.key, plain.secret) == ("http://h", None, None)


def test_clouds_are_addressed():
    google = StorageBackend({"protocol": "gcs", "bucket": "b", "location": "l"})
    assert google.get_url("a") == "gs://b/l/a"
    azure = StorageBackend({"protocol": "azure", "container": "c", "location": ""})
    assert azure.get_url("a") == "az://c/a"


def test_a_package_that_is_missing_is_named(monkeypatch):
    import fsspec

    def refuse(name, **_):
        raise ImportError(f"Install {name}")

    monkeypatch.setattr(fsspec, "filesystem", refuse)
    with pytest.raises(DataJointError, match=r"Install it: pip install 'datajoint\[gcs\]'"):
        StorageBackend({"protocol": "gcs", "bucket": "b", "location": "l"}).get_buffer("a")


def test_a_store_that_is_not_there(new_store, tmp_path):
    with pytest.raises(FileNotFoundError, match="Inaccessible local directory"):
        StorageBackend({"protocol": "file", "location": str(tmp_path / "none")})
    missing = StorageBackend(new_store("s3") | {"bucket": "no-such-bucket"})
    for call in (
        lambda: missing.put_buffer(b"", "a"),
        lambda: list(missing.list_files()),
        lambda: list(missing.list_files("_hash/lab")),
    ):
        with pytest.raises(BucketInaccessible, match="no-such-bucket"):
            call()


def test_a_server_that_does_not_answer(new_store, monkeypatch):
    from tests.provision.servers import free_port

    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    silent = StorageBackend(new_store("s3") | {"endpoint": f"127.0.0.1:{free_port()}"})
    silent.fs.retries = 1
    for call in (
        lambda: silent.put_buffer(b"", "a"),
        lambda: silent.get_buffer("a"),
        lambda: silent.exists("a"),
        lambda: list(silent.list_files()),
    ):
        with pytest.raises(BucketInaccessible, match="refused or did not answer"):
            call()


# --- plug-ins
class Shelf(StorageAdapter):
    protocol = "shelf"
    required_keys = ("board",)
    allowed_keys = ("board",)

    def create_filesystem(self, spec):
        import fsspec

        return fsspec.filesystem("memory")


@pytest.fixture
def shelf(monkeypatch):
    monkeypatch.setattr(stores, "_adapters", {})
    stores.register_adapter(Shelf())


def test_a_plug_in(shelf):
    config = Config(stores={"default": "s", "s": {"protocol": "Shelf", "location": "here", "board": 3}})
    backend = get_store_backend(None, config)
    backend.put_many((f"a/{n}", b"1") for n in range(5))
    assert backend._full_path("a/1") == "here/a/1"
    assert backend.get_url("a/1") == "shelf://here/a/1"
    assert [file.path for file in sorted(backend.list_files("a"))] == [f"a/{n}" for n in range(5)]
    assert get_hash(put_hash(b"x", "lab", None, config), config) == b"x"
    assert isinstance(get_storage_adapter("SHELF"), Shelf)
    assert get_storage_adapter("s3") is None
    with pytest.raises(DataJointError, match="shelf store is missing: board"):
        Config(stores={"s": {"protocol": "shelf"}}).get_store_spec("s")
    with pytest.raises(DataJointError, match=r"Invalid key\(s\) for shelf: bored.*Did you mean 'board'"):
        Config(stores={"s": {"protocol": "shelf", "board": 1, "bored": 2}}).get_store_spec("s")


def test_a_protocol_that_nobody_speaks():
    backend = StorageBackend({"protocol": "tape", "location": "x"})
    for call in (lambda: backend.fs, lambda: backend.get_url("a"), lambda: backend._full_path("a")):
        with pytest.raises(DataJointError, match="Unsupported storage protocol: tape"):
            call()
    assert get_storage_adapter("tape") is None
