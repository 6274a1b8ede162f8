"""Stores of files: whole or not at all, nothing through links, and what a kill leaves behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from datajoint.errors import DataJointError, MissingExternalFile
from datajoint.storage import StorageBackend
from datajoint.storage.files import is_temporary

ROOT = Path(__file__).parents[2]


@pytest.fixture
def store(tmp_path):
    folder = tmp_path / "store"
    folder.mkdir()
    return folder


@pytest.fixture
def backend(store):
    return StorageBackend({"protocol": "file", "location": str(store)})


def names(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if not p.is_dir())


# --- links
def test_links_out_of_the_store_are_refused(backend, store, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"s")
    (store / "folder").symlink_to(outside)
    (store / "file").symlink_to(outside / "secret")
    calls = [
        lambda path: backend.get_buffer(path),
        lambda path: backend.put_buffer(b"x", path),
        lambda path: backend.open(path),
        lambda path: backend.remove(path),
        lambda path: backend.exists(path),
        lambda path: backend.size(path),
        lambda path: backend.get_file(path, tmp_path / "got"),
        lambda path: backend.get_fsmap(path),
        lambda path: list(backend.list_files(path)),
    ]
    for path in ("folder/secret", "file"):
        for call in calls:
            with pytest.raises(DataJointError, match="leaves the store by a symbolic link"):
                call(path)
    assert names(outside) == ["secret"]
    assert (outside / "secret").read_bytes() == b"s"


def test_links_within_the_store_and_to_its_root(store, tmp_path):
    (tmp_path / "alias").symlink_to(store)
    alias = StorageBackend({"protocol": "file", "location": str(tmp_path / "alias")})
    (store / "real").mkdir()
    (store / "inner").symlink_to(store / "real")
    alias.put_buffer(b"1", "inner/a")
    assert alias.get_buffer("real/a") == b"1"
    assert alias.identity == StorageBackend({"protocol": "file", "location": str(store)}).identity


def test_a_listing_does_not_follow_links(backend, store, tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "x").write_bytes(b"")
    (store / "_schema").mkdir()
    (store / "_schema" / "link").symlink_to(tmp_path / "outside")
    (store / "_schema" / "file").symlink_to(tmp_path / "outside" / "x")
    backend.put_buffer(b"", "_schema/own")
    assert [file.path for file in backend.list_files("_schema")] == ["_schema/own"]


def test_a_download_does_not_follow_links(backend, tmp_path):
    backend.put_buffer(b"evil", "f/sub/x")
    target = tmp_path / "target"
    target.mkdir()
    (tmp_path / "outside").mkdir()
    (target / "sub").symlink_to(tmp_path / "outside")
    with pytest.raises(DataJointError, match="by a symbolic link"):
        backend.get_folder("f", target)
    assert names(tmp_path / "outside") == []


# --- listings are whole
@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_cannot_be_read(backend, store):
    backend.put_buffer(b"", "a/b/c")
    (store / "a" / "b").chmod(0)
    try:
        with pytest.raises(PermissionError):
            list(backend.list_files("a"))
    finally:
        (store / "a" / "b").chmod(0o700)


def test_a_listing_of_a_store_that_vanished(backend, store):
    store.rmdir()
    with pytest.raises(FileNotFoundError, match="Inaccessible local directory"):
        list(backend.list_files("_hash/lab"))
    # Not even by writing: an unmounted disk must not be written around.
    with pytest.raises(FileNotFoundError, match="Inaccessible local directory"):
        backend.put_buffer(b"", "a/b")
    assert not store.exists()


# --- whole or not at all
def test_a_failed_write_leaves_what_was_there(backend, store, monkeypatch):
    backend.put_buffer(b"old", "a")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        backend.put_buffer(b"new", "a")
    with pytest.raises(OSError, match="No space left"), backend.open("a", "wb") as file:
        file.write(b"new")
    monkeypatch.undo()
    assert backend.get_buffer("a") == b"old"
    assert names(store) == ["a"]


def test_a_writer_that_fails_leaves_nothing(backend, store):
    with pytest.raises(ZeroDivisionError), backend.open("a", "wb") as file:
        file.write(b"half")
        assert backend.exists("a") is False
        1 / 0
    assert names(store) == []
    with backend.open("t", "w") as text:
        text.write("ä")
        print(" line", file=text)
    assert backend.get_buffer("t") == "ä line\n".encode()
    with pytest.raises(FileExistsError):
        backend.open("t", "xb")
    with backend.open("t", "ab") as file:
        file.write(b"!")
    assert backend.get_buffer("t").endswith(b"!")
    with pytest.raises(MissingExternalFile):
        backend.open("none", "r+b")


def test_an_existing_download_is_left_alone(backend, tmp_path):
    backend.put_buffer(b"new", "a")
    (tmp_path / "a").write_bytes(b"mine")
    backend.get_file("a", tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b"mine"


def test_long_names(backend):
    backend.put_buffer(b"1", "x" * 250)
    assert backend.get_buffer("x" * 250) == b"1"


def test_writers_and_a_pruner(backend):
    """Folders that become empty vanish while others begin to write into them."""
    stop = threading.Event()

    def prune():
        while not stop.wait(0.0005):
            backend.prune("deep/er/folder/x")

    pruner = threading.Thread(target=prune)
    pruner.start()
    try:
        for n in range(200):
            backend.put_buffer(b"1", f"deep/er/folder/{n}")
            assert backend.get_buffer(f"deep/er/folder/{n}") == b"1"
            backend.remove(f"deep/er/folder/{n}")
    finally:
        stop.set()
        pruner.join()


def test_writers_of_one_object(backend, store):
    """Many write the same object at once: it is one of theirs, whole."""
    contents = {bytes([n]) * 100_000 for n in range(8)}
    backend.put_many(("a/same", content) for content in contents)
    assert backend.get_buffer("a/same") in contents
    assert names(store) == ["a/same"]


# --- killed
CHILD = """
import os, signal, sys
from datajoint.storage import StorageBackend
import datajoint.storage.files as files
location, task, number = sys.argv[1], sys.argv[2], int(sys.argv[3])
backend = StorageBackend({"protocol": "file", "location": location})
count = 0
def step(event, arguments):
    global count
    if event in {"open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.fsync"} and location in str(arguments):
        count += 1
        if count == number:
            os.kill(os.getpid(), signal.SIGKILL)
original = os.fsync
def fsync(descriptor):
    step("os.fsync", (location,))
    original(descriptor)
os.fsync = fsync
sys.addaudithook(step)
if task == "put":
    backend.put_buffer(b"n" * 1_000_000, "a/b/new")
    backend.put_buffer(b"n" * 1_000_000, "a/old")
elif task == "folder":
    backend.put_folder(os.path.dirname(location) + "/source", "f/o_abcd")
else:
    with backend.open("a/b/new", "wb") as file:
        file.write(b"n" * 1_000_000)
print(count)
"""


@pytest.mark.parametrize("task", ["put", "open", "folder"])
def test_killed_at_every_step_of_a_put(store, backend, tmp_path, task):
    (tmp_path / "source").mkdir()
    for name in ("x", "y"):
        (tmp_path / "source" / name).write_bytes(b"n" * 10_000)

    def run(number):
        command = [sys.executable, "-c", CHILD, str(store), task, str(number)]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    backend.put_buffer(b"o" * 1000, "a/old")
    whole = run(10**6)
    assert whole.returncode == 0, whole.stderr
    steps = int(whole.stdout)
    assert steps > 5
    for number in range(1, steps + 1):
        backend.remove_folder("f")
        backend.remove_folder("a")
        backend.put_buffer(b"o" * 1000, "a/old")
        killed = run(number)
        # Files of a folder are written side by side: one run may find a subfolder there that two made in another.
        assert killed.returncode == -signal.SIGKILL or int(killed.stdout) < number
        found = {name: (store / name).read_bytes() for name in names(store) if not is_temporary(name)}
        old = found.pop("a/old")
        assert old in {b"o" * 1000, b"n" * 1_000_000}
        assert found.pop("a/b/new", b"n" * 1_000_000) == b"n" * 1_000_000
        manifest = found.pop("f/o_abcd.manifest.json", None)
        assert all(content == b"n" * 10_000 for content in found.values())
        # The manifest says that all is there.
        assert manifest is None or set(found) == {"f/o_abcd/x", "f/o_abcd/y"}
    assert run(10**6).returncode == 0
