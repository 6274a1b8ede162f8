"""The cache of objects: asked instead of the store, verified, bounded, shared, and never a reason to fail."""

from __future__ import annotations

import logging
import os
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from datajoint.errors import DataJointError
from datajoint.settings import Config, stores
from datajoint.storage import StorageAdapter, cache_of, get_hash, get_store_backend, put_hash
from datajoint.storage.cache import ObjectCache


class Far(StorageAdapter):
    protocol = "far"

    def create_filesystem(self, spec):
        import fsspec

        return fsspec.filesystem("memory")


@pytest.fixture
def config(monkeypatch, tmp_path):
    monkeypatch.setattr(stores, "_adapters", {})
    stores.register_adapter(Far())
    far = {"protocol": "far", "location": str(tmp_path)}
    return Config(
        stores={"default": "far", "far": far, "other": far | {"location": f"{tmp_path}/2"}},
        objects={"cache": tmp_path / "cache", "cache_size": 10_000},
    )


@pytest.fixture
def requests(config, monkeypatch):
    """The paths that are asked for in the store."""
    asked = []
    objects = get_store_backend("far", config).objects
    original = objects.get_bytes
    monkeypatch.setattr(objects, "get_bytes", lambda path: asked.append(path) or original(path))
    return asked


def size(folder):
    return sum(p.stat().st_size for p in (folder / "objects").rglob("*") if p.is_file())


def test_a_second_fetch_makes_no_request(config, requests):
    row = put_hash(b"hello", "lab", None, config)
    assert [get_hash(row, config) for _ in range(3)] == [b"hello"] * 3
    assert requests == [row["path"]]
    assert stat.S_IMODE(config.objects.cache.stat().st_mode) == 0o700


def test_equal_contents_are_kept_once(config):
    for store in ("far", "other"):
        get_hash(put_hash(b"x" * 1000, "lab", store, config), config)
    assert size(config.objects.cache) == 1000


def test_without_a_folder_nothing_is_kept(config, requests):
    config.objects.cache = None
    row = put_hash(b"hello", "lab", None, config)
    assert [get_hash(row, config) for _ in range(2)] == [b"hello"] * 2
    assert len(requests) == 2


def test_near_stores_are_not_copied(config, new_store):
    for protocol in ("file", "memory"):
        config.stores["near"] = new_store(protocol)
        row = put_hash(b"hello", "lab", "near", config)
        assert get_hash(row, config) == b"hello"
    assert not config.objects.cache.exists()


@pytest.mark.parametrize("damage", [b"", b"h", b"olleh"])
def test_what_is_damaged_is_fetched_again(config, requests, damage, caplog):
    row = put_hash(b"hello", "lab", None, config)
    get_hash(row, config)
    (kept,) = (p for p in (config.objects.cache / "objects").rglob("*") if p.is_file())
    kept.write_bytes(damage)
    with caplog.at_level(logging.WARNING, logger="datajoint"):
        assert get_hash(row, config) == b"hello"
    assert "damaged object in the cache" in caplog.text
    assert get_hash(row, config) == b"hello"
    assert len(requests) == 2


def test_a_wrong_name_is_found_out(config, requests):
    first, second = (put_hash(content, "lab", None, config) for content in (b"one", b"two"))
    get_hash(first, config)
    get_hash(second, config)
    one, two = sorted(p for p in (config.objects.cache / "names").rglob("*") if p.is_file())
    texts = one.read_text(), two.read_text()
    one.write_text(texts[1])
    two.write_text(texts[0])
    assert (get_hash(first, config), get_hash(second, config)) == (b"one", b"two")


def test_damage_in_the_store_is_not_kept(config):
    row = put_hash(b"hello", "lab", None, config)
    get_store_backend(None, config).put_buffer(b"hel", row["path"])
    for _ in range(2):
        with pytest.raises(DataJointError, match="Hash mismatch"):
            get_hash(row, config)
    assert not (config.objects.cache / "objects").exists()
    put_hash(b"hello", "lab", None, config)
    assert get_hash(row, config) == b"hello"


def test_the_size_is_kept_and_what_was_used_last_stays(config, requests):
    rows = [put_hash(bytes([n]) * 1000, "lab", None, config) for n in range(30)]
    get_hash(rows[0], config)
    (first,) = (p for p in (config.objects.cache / "objects").rglob("*") if p.is_file())
    for n, row in enumerate(rows[1:]):
        os.utime(first, (n, n))
        get_hash(rows[0], config)  # used: its time is now
        get_hash(row, config)
        assert size(config.objects.cache) <= 10_000 + 1000
    assert cache_of(config).trim() <= 10_000
    requests.clear()
    get_hash(rows[0], config)
    assert requests == []
    # No name is left without its object.
    names = [p for p in (config.objects.cache / "names").rglob("*") if p.is_file()]
    assert len(names) <= 11


def test_what_is_larger_than_the_cache_is_not_kept(config):
    row = put_hash(b"x" * 10_001, "lab", None, config)
    assert len(get_hash(row, config)) == 10_001
    assert not (config.objects.cache / "objects").exists()


def test_a_cache_that_cannot_be_made_fails_nothing(config, caplog):
    config.objects.cache.write_bytes(b"a file")
    row = put_hash(b"hello", "lab", None, config)
    with caplog.at_level(logging.WARNING, logger="datajoint"):
        assert [get_hash(row, config) for _ in range(2)] == [b"hello"] * 2
    assert caplog.text.count("cannot be used") == 1


def test_a_full_disk_fails_nothing(config, caplog, monkeypatch):
    row = put_hash(b"hello", "lab", None, config)
    monkeypatch.setattr("datajoint.storage.cache._write", lambda *_: (_ for _ in ()).throw(OSError(28, "No space")))
    with caplog.at_level(logging.WARNING, logger="datajoint"):
        assert get_hash(row, config) == b"hello"
    assert "No space" in caplog.text


def test_a_folder_of_somebody_else_is_not_used(config, caplog, monkeypatch):
    row = put_hash(b"hello", "lab", None, config)
    config.objects.cache.mkdir()
    monkeypatch.setattr(os, "getuid", lambda: 54321)
    with caplog.at_level(logging.WARNING, logger="datajoint"):
        assert get_hash(row, config) == b"hello"
    assert "belongs to another user" in caplog.text


def test_several_share_a_folder(config):
    rows = [put_hash(bytes([n]) * 500, "lab", None, config) for n in range(40)]
    backend = get_store_backend(None, config)
    caches = [ObjectCache(config.objects.cache, 5000) for _ in range(4)]

    def fetch(n):
        row = rows[n % 40]
        return caches[n % 4].fetch(backend, row["path"])

    with ThreadPoolExecutor(8) as pool:
        assert [content[0] for content in pool.map(fetch, range(400))] == [n % 40 for n in range(400)]
    assert caches[0].trim() <= 5000
