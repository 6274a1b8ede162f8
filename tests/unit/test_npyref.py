"""Lazy arrays: what is known without reading, what is read, and how much of it."""

from __future__ import annotations

import io
import os
import pickle
import tempfile

import numpy as np
import pytest

import datajoint as dj
from datajoint.objectref import IntegrityError
from datajoint.storage import StorageBackend


class Memory:
    """The least that a reference needs of a store."""

    protocol = "s3"

    def __init__(self, **contents):
        self.contents, self.reads = contents, 0

    def get_buffer(self, path):
        self.reads += 1
        return self.contents[path]


class Ranges(Memory):
    """A store that can be asked for parts, and counts bytes."""

    def __init__(self, **contents):
        super().__init__(**contents)
        self.bytes = 0

    def get_range(self, path, start, stop):
        part = self.contents[path][start:stop]
        self.bytes += len(part)
        return part


def npy(array):
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    return file.getvalue()


def reference(array, kind=Memory, content=None):
    backend = kind(x=npy(array) if content is None else content)
    return dj.NpyRef({"path": "x", "store": "main", "dtype": str(array.dtype), "shape": list(array.shape)}, backend)


@pytest.fixture
def ref():
    return reference(np.arange(6).reshape(2, 3))


def test_known_without_reading(ref):
    assert (ref.shape, ref.dtype, ref.ndim, ref.size, ref.nbytes) == ((2, 3), np.dtype("int64"), 2, 6, 48)
    assert (ref.path, ref.store, len(ref), ref.is_loaded) == ("x", "main", 2, False)
    assert repr(ref) == str(ref) == "NpyRef(shape=(2, 3), dtype=int64, not loaded)"
    assert isinstance(hash(ref), int)
    assert {ref: 1}[ref] == 1
    assert ref != reference(np.arange(6).reshape(2, 3))
    assert ref._backend.reads == 0
    scalar = reference(np.array(2.5))
    assert scalar.size == 1
    with pytest.raises(TypeError, match=r"len\(\) of 0-dimensional array"):
        len(scalar)
    assert dj.NpyRef({"path": "x", "dtype": "int8", "shape": []}, Memory()).store is None


def test_loaded_once(ref):
    assert ref.load() is ref.load()
    assert ref.is_loaded
    assert ref._backend.reads == 1
    assert repr(ref) == "NpyRef(shape=(2, 3), dtype=int64, loaded)"


def test_as_an_array(ref):
    array = np.arange(6).reshape(2, 3)
    assert np.asarray(ref) is ref.load()
    assert np.asarray(ref, dtype="float32").dtype == np.float32
    assert np.array(ref, copy=True) is not ref.load()
    with pytest.raises(ValueError, match="without a copy"):
        ref.__array__("float32", copy=False)
    for found, expected in (
        (ref + 1, array + 1),
        (1 - ref, 1 - array),
        (array + ref, array + array),
        (ref * ref, array * array),
        (-ref, -array),
        (ref > 2, array > 2),
        (np.add(ref, 1), array + 1),
        (np.add.reduce(ref), array.sum(axis=0)),
        (ref.T, array.T),
        (ref @ array.T, array @ array.T),
        (ref.reshape(3, 2), array.reshape(3, 2)),
        (np.stack([ref, ref]), np.stack([array, array])),
        (np.concatenate([ref, array]), np.concatenate([array, array])),
        (ref[1], array[1]),
        (ref[:, ::-1], array[:, ::-1]),
        (ref == array, np.ones((2, 3), bool)),
    ):
        assert np.array_equal(found, expected)
    assert (np.mean(ref), ref.sum(), np.max(ref)) == (2.5, 15, 5)
    assert [row.tolist() for row in ref] == array.tolist()
    assert float(reference(np.array(2.5))) == 2.5
    assert int(reference(np.array(2))) == 2
    assert not reference(np.array(False))
    with pytest.raises(TypeError):
        ref += 1
    with pytest.raises(AttributeError, match="no attribute 'colour'"):
        ref.colour


def test_pickled_with_its_store(ref):
    ref.load()
    again = pickle.loads(pickle.dumps(ref))  # noqa: S301 - our own
    assert not again.is_loaded
    assert again.load().tolist() == ref.load().tolist()


@pytest.mark.parametrize(
    "dtype",
    [
        [("a", "<i4"), ("b", "<f8", (2,))],
        np.dtype([("a", "i1"), ("b", "i8")], align=True),
        "datetime64[ns]",
        "<U5",
        ">i2",
        "S3",
    ],
    ids=str,
)
def test_types(dtype):
    array = np.zeros(3, dtype)
    ref = reference(array)
    assert ref.dtype == array.dtype
    assert repr(ref).startswith("NpyRef(shape=(3,), dtype=")
    assert np.array_equal(ref.load(), array)


def test_a_type_that_is_none():
    with pytest.raises(dj.DataJointError, match="none of numpy's"):
        dj.NpyRef({"path": "x", "dtype": "no type", "shape": []}, Memory())


@pytest.mark.parametrize("content", [b"", b"no array", npy(np.arange(6))[:-1], npy(np.arange(7)), npy(np.arange(6.0))])
def test_other_content_is_noticed(content):
    ref = reference(np.arange(6), content=content)
    with pytest.raises(IntegrityError):
        ref.load()
    with pytest.raises(IntegrityError):
        ref.load(mmap_mode="r")


def test_pickles_are_never_read():
    file = io.BytesIO()
    np.save(file, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(IntegrityError, match="allow_pickle=False"):
        reference(np.arange(1), content=file.getvalue()).load()


# --- parts
BIG = np.arange(300 * 200 * 10, dtype="f4").reshape(300, 200, 10)
CUTS = [
    np.s_[5], np.s_[-1], np.s_[3:9], np.s_[290:], np.s_[10:2:-3], np.s_[7, 3], np.s_[7, ..., 2], np.s_[2:4, 5:1:-1, ::2],
    np.s_[5:5], np.s_[np.int64(4)], np.s_[100:0:-50], np.s_[3:0:-1], np.s_[2::-1],
]  # fmt: skip

LAST_CUTS = [np.s_[..., 3], np.s_[..., 2:4], np.s_[:, :, -1], np.s_[5, :, 9:6:-2]]


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("cut", [*CUTS, *LAST_CUTS], ids=str)
def test_parts(cut, order):
    array = np.asarray(BIG, order=order)
    ref = reference(array, Ranges)
    found = ref[cut]
    assert type(found) is type(array[cut])
    assert np.array_equal(found, array[cut])
    assert ref.is_loaded or ref._backend.bytes < array.nbytes / 2 + 5000
    if any(cut is one for one in (CUTS if order == "C" else LAST_CUTS)):
        assert not ref.is_loaded
        assert ref._backend.reads == 0


def test_parts_that_are_most_of_it_are_loaded():
    for cut in (np.s_[:], np.s_[5:290], np.s_[[1, 2]], np.s_[BIG[:, 0, 0] > 5], np.s_[None, 3], np.s_[:, 3]):
        ref = reference(BIG, Ranges)
        assert np.array_equal(ref[cut], BIG[cut])
        assert ref.is_loaded
    ref = reference(BIG, Memory)
    assert np.array_equal(ref[3], BIG[3])


def test_parts_that_are_not_there():
    ref = reference(BIG, Ranges)
    for cut in (300, -301, (0, 0, 0, 0)):
        with pytest.raises(IndexError):
            ref[cut]
    whole = npy(BIG)
    for content in (b"", b"x" * 10_000, whole[: len(whole) // 2], npy(BIG[:200])):
        ref = reference(BIG, Ranges, content)
        with pytest.raises(IntegrityError):
            ref[-1]


def test_parts_of_a_file_store(tmp_path):
    backend = StorageBackend({"protocol": "file", "location": str(tmp_path)})
    backend.put_buffer(npy(BIG), "a/x.npy")
    ref = dj.NpyRef({"path": "a/x.npy", "dtype": "float32", "shape": BIG.shape}, backend)
    part = ref[7]
    assert np.array_equal(part, BIG[7])
    part[0] = 0  # it is the reader's own
    assert not ref.is_loaded


# --- mapping
def test_mapping_a_file_store(tmp_path):
    backend = StorageBackend({"protocol": "file", "location": str(tmp_path)})
    backend.put_buffer(npy(np.arange(6)), "x.npy")
    ref = dj.NpyRef({"path": "x.npy", "dtype": "int64", "shape": [6]}, backend)
    assert isinstance(ref.load(mmap_mode="r"), np.memmap)
    assert not ref.is_loaded
    edited = ref.load(mmap_mode="r+")
    edited[0] = 7
    edited.flush()
    assert ref.load()[0] == 7
    assert isinstance(ref.load(mmap_mode="c"), np.memmap)
    with pytest.raises(ValueError, match="mmap_mode is 'w'"):
        ref.load(mmap_mode="w")
    backend.remove("x.npy")
    with pytest.raises(dj.errors.MissingExternalFile):
        ref.load(mmap_mode="r")


def test_mapping_another_store(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    ref = reference(np.arange(6))
    assert ref.load(mmap_mode="r").tolist() == list(range(6))
    assert isinstance(ref.load(mmap_mode="c"), np.memmap)
    assert ref._backend.reads == 1
    assert not ref.is_loaded
    (folder,) = tmp_path.iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700
    other = reference(np.arange(6))
    other._metadata["store"] = "other"
    other.load(mmap_mode="r")
    assert other._backend.reads == 1
    assert len(list(folder.iterdir())) == 2
    empty = reference(np.zeros((0, 3)))
    assert empty.load(mmap_mode="r").shape == (0, 3)


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="permissions of POSIX")
def test_copies_go_into_no_folder_of_others(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folder = tmp_path / f"datajoint_mmap-{os.getuid()}"
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(dj.DataJointError, match="written to by others"):
        reference(np.arange(6)).load(mmap_mode="r")
    folder.rmdir()
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(dj.DataJointError, match="written to by others"):
        reference(np.arange(6)).load(mmap_mode="r")
