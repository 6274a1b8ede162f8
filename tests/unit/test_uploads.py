"""Objects on their way: marked before they are written, written before rows are sent, removed if these are refused."""

from __future__ import annotations

import threading

import pytest

from datajoint.codecs.uploads import MEMORY, Uploads, current_uploads, uploads_aside
from datajoint.storage import StorageBackend


class Journal:
    """Marks that say in which order things happened."""

    def __init__(self):
        self.lines, self.marked = [], set()

    def add(self, objects):
        self.lines.append(len(objects))
        self.marked.update(objects)

    def clear(self):
        self.lines.append("clear")


@pytest.fixture
def backend(tmp_path):
    return StorageBackend({"protocol": "file", "location": str(tmp_path)})


@pytest.mark.parametrize("parallel", [True, False])
def test_marked_before_written(backend, parallel, monkeypatch):
    journal = Journal()
    put = StorageBackend.put_buffer

    def checked(self, data, path):
        assert ("main", path) in journal.marked
        put(self, data, path)

    monkeypatch.setattr(StorageBackend, "put_buffer", checked)
    with Uploads(parallel=parallel, marks=journal) as uploads:
        recorded = uploads.recorded("main", backend)
        for number in range(450):
            recorded.put_buffer(b"x", f"a/{number}")
        uploads.settle()
        assert len(list(backend.list_files())) == 450
        assert journal.lines == ([200, 200, 50] if parallel else [1] * 450)
        uploads.close(kept=True)
    assert journal.lines[-1] == "clear"
    assert len(list(backend.list_files())) == 450


def test_everything_that_writes_is_marked(backend, tmp_path):
    journal = Journal()
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "x").write_bytes(b"x")
    with Uploads(parallel=True, marks=journal) as uploads:
        recorded = uploads.recorded("main", backend)
        recorded.put_file(tmp_path / "tree" / "x", "f")
        recorded.put_folder(tmp_path / "tree", "d")
        with recorded.open("o", "wb") as file:
            file.write(b"o")
        assert journal.marked == {("main", "f"), ("main", "d"), ("main", "o")}
        recorded.put_buffer(b"b", "b")
        assert recorded.exists("b")  # who asks waits for what is on its way
        assert recorded.spec == backend.spec


def test_only_what_is_new_is_removed(backend):
    with Uploads(parallel=True) as uploads:
        recorded = uploads.recorded("main", backend)
        recorded.put_buffer(b"x", uploads.new_path("fresh"))
        recorded.put_buffer(b"x", "shared")
        uploads.settle()
        uploads.close(kept=False)
    assert [file.path for file in backend.list_files()] == ["shared"]
    with Uploads(parallel=True) as uploads:
        uploads.recorded("main", backend).put_buffer(b"x", uploads.new_path("fresh"))
        uploads.settle()
        uploads.close(kept=None)
    assert {file.path for file in backend.list_files()} == {"fresh", "shared"}


def test_memory_is_bounded():
    held, most, lock = 0, 0, threading.Lock()
    size = MEMORY // 4

    class Slow:
        def put_buffer(self, data, path):
            nonlocal held, most
            with lock:
                held += 1
                most = max(most, held)
            threading.Event().wait(0.01)
            with lock:
                held -= 1

    data = bytes(size)
    with Uploads(parallel=True) as uploads:
        recorded = uploads.recorded("main", Slow())
        for number in range(20):
            recorded.put_buffer(data, str(number))
        uploads.settle()
    assert most <= 4


def test_the_first_fault_ends_it(backend):
    written = []

    class Broken:
        def put_buffer(self, data, path):
            if path == "3":
                raise OSError("full")
            written.append(path)

    with Uploads(parallel=True) as uploads:
        recorded = uploads.recorded("main", Broken())
        with pytest.raises(OSError, match="full"):
            for number in range(100_000):
                recorded.put_buffer(b"x", str(number))
        with pytest.raises(OSError, match="full"):
            uploads.settle()
        uploads.close(kept=False)
    assert len(written) < 100_000


def test_buffers_may_change_after_they_were_given(backend):
    with Uploads(parallel=True) as uploads:
        recorded = uploads.recorded("main", backend)
        data = bytearray(b"before")
        recorded.put_buffer(data, "x")
        data[:] = b"after!"
        uploads.settle()
    assert backend.get_buffer("x") == b"before"


def test_of_whom_the_thread_works():
    assert current_uploads() is None
    with Uploads(parallel=False) as outer:
        with Uploads(parallel=False) as inner:
            assert current_uploads() is inner
            with uploads_aside():
                assert current_uploads() is None
        assert current_uploads() is outer
    assert current_uploads() is None
