"""References to files and folders."""

from __future__ import annotations

import datetime as dt
import json
import pickle
from pathlib import PurePosixPath

import pytest

import datajoint as dj
from datajoint.hash_registry import compute_hash
from datajoint.objectref import IntegrityError, ObjectRef
from datajoint.storage import StorageBackend

MD5 = "5d41402abc4b2a76b9719d911017c592"  # of b"hello"
SHA256 = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
MOMENT = "2024-05-01T10:00:00.123456+00:00"


@pytest.fixture
def backend(tmp_path):
    (tmp_path / "store").mkdir()
    return StorageBackend({"protocol": "file", "location": str(tmp_path / "store")})


def file(backend, content=b"hello", **said):
    backend.put_buffer(content, "a/x.bin")
    return ObjectRef.from_json({"path": "a/x.bin", "size": len(content), **said}, backend)


@pytest.fixture
def folder(backend, tmp_path):
    source = tmp_path / "source"
    (source / "sub").mkdir(parents=True)
    (source / "one").write_bytes(b"1")
    (source / "sub" / "two").write_bytes(b"22")
    backend.put_folder(source, "a/f")
    return ObjectRef.from_json({"path": "a/f", "size": 3, "is_dir": True, "item_count": 2}, backend)


def test_documents():
    document = {
        "path": "p", "size": 5, "hash": None, "ext": ".bin", "is_dir": True, "timestamp": MOMENT,
        "url": "s3://b/p", "store": "main", "mime_type": "x/y", "item_count": 0,
    }  # fmt: skip
    ref = dj.ObjectRef.from_json(document)
    assert ref.to_json() == document
    assert ref.timestamp == dt.datetime(2024, 5, 1, 10, 0, 0, 123456, dt.UTC)
    assert ref == ObjectRef.from_json(json.dumps(document))
    with pytest.raises(TypeError, match="unhashable"):
        hash(ref)
    least = ObjectRef.from_json({"path": "p", "size": None, "timestamp": "2024-05-01T10:00:00Z"})
    assert least.timestamp.utcoffset() == dt.timedelta(0)
    assert set(least.to_json()) == {"path", "size", "hash", "ext", "is_dir", "timestamp"}
    assert (least.is_dir, least.hash, least.store) == (False, None, None)
    for lacking in ({"path": "p"}, {"size": 1}):
        with pytest.raises(KeyError):
            ObjectRef.from_json(lacking)
    assert repr(least) == "ObjectRef(file: p, size=None)"
    assert repr(ref) == "ObjectRef(folder: p)"
    assert str(ref) == "p"


def test_without_a_backend():
    ref = ObjectRef.from_json({"path": "p", "size": 1})
    for use in (ref.read, ref.open, ref.exists, ref.verify, lambda: ref.fs, lambda: ref.fsmap, lambda: ref.full_path):
        with pytest.raises(dj.DataJointError, match="no storage backend"):
            use()


def test_a_file(backend, tmp_path):
    ref = file(backend)
    assert ref.read() == b"hello"
    with ref.open() as opened:
        assert opened.read(2) == b"he"
    with ref.open(mode="r") as opened:
        assert opened.read() == "hello"
    assert ref.exists()
    assert ref.full_path == str(tmp_path / "store" / "a" / "x.bin")
    assert ref.fs.cat_file(ref.full_path) == b"hello"
    for use in (ref.listdir, ref.walk):
        with pytest.raises(dj.DataJointError, match=r"Cannot (listdir|walk)\(\) on a file\."):
            use()
    for use in (ref.open, lambda sub: ref.download(tmp_path, sub)):
        with pytest.raises(dj.DataJointError, match="Cannot use subpath on a file object"):
            use("sub")
    assert pickle.loads(pickle.dumps(ref)).read() == b"hello"  # noqa: S301 - our own


def test_download(backend, folder, tmp_path):
    ref = file(backend)
    assert ref.download(tmp_path / "new" / "name.bin").read_bytes() == b"hello"
    assert ref.download(str(tmp_path / "new")) == tmp_path / "new" / "x.bin"
    (tmp_path / "new" / "x.bin").write_bytes(b"mine")
    assert ref.download(tmp_path / "new").read_bytes() == b"mine"
    assert folder.download(PurePosixPath(tmp_path / "tree")) == tmp_path / "tree"
    assert (tmp_path / "tree" / "f" / "sub" / "two").read_bytes() == b"22"
    assert folder.download(tmp_path / "tree", "sub/two") == tmp_path / "tree" / "two"


def test_a_folder(folder):
    with pytest.raises(dj.DataJointError, match=r"Cannot read\(\) a directory\."):
        folder.read()
    assert folder.exists()
    assert folder.exists("sub/two")
    assert not folder.exists("sub/three")
    with folder.open("one") as opened:
        assert opened.read() == b"1"


@pytest.mark.parametrize("subpath", ["../x.bin", "sub/../../x.bin", "/etc/passwd", "..\\x.bin"])
def test_subpaths_stay_inside(folder, backend, tmp_path, subpath):
    file(backend)
    for use in (folder.open, folder.listdir, folder.exists, lambda sub: folder.download(tmp_path / "d", sub)):
        with pytest.raises(dj.DataJointError, match="does not lie inside"):
            use(subpath)


def test_links_out_of_the_store_are_refused(folder, backend, tmp_path):
    (tmp_path / "secret").write_bytes(b"s")
    (tmp_path / "store" / "a" / "f" / "link").symlink_to(tmp_path / "secret")
    (tmp_path / "store" / "a" / "out").symlink_to(tmp_path)
    with pytest.raises(dj.DataJointError, match="symbolic link"):
        folder.open("link")
    ref = ObjectRef.from_json({"path": "a/out/secret", "size": 1}, backend)
    for use in (ref.read, ref.open, ref.exists, lambda: ref.download(tmp_path / "d")):
        with pytest.raises(dj.DataJointError, match="symbolic link"):
            use()
    assert "link" not in {f: files for f, _, files in folder.walk()}[""]


def test_verify_a_file(backend):
    assert file(backend).verify() is True
    for digest in (compute_hash(b"hello"), MD5, SHA256):
        assert file(backend, hash=digest).verify() is True
    for said in ({"size": 4}, {"hash": compute_hash(b"other")}, {"path": "absent"}):
        with pytest.raises(IntegrityError):
            file(backend, **said).verify()
    with pytest.raises(IntegrityError):
        file(backend, hash=compute_hash(b"other")).read()
    assert ObjectRef.from_json({"path": "a/x.bin", "size": None}, backend).verify() is True
    assert issubclass(IntegrityError, dj.DataJointError)
    assert IntegrityError is not dj.errors.IntegrityError


def test_verify_a_folder(folder, backend):
    assert folder.verify() is True
    backend.put_buffer(b"333", "a/f/one")
    backend.remove("a/f/sub/two")
    with pytest.raises(IntegrityError, match=r"(?s)Folder verification failed:\n.*one.*\n.*two"):
        folder.verify()
    backend.remove("a/f.manifest.json")
    with pytest.raises(IntegrityError, match="Expected 2 files of 3 bytes in all, got 1 of 3"):
        folder.verify()
    folder.item_count = None
    assert folder.verify() is True
