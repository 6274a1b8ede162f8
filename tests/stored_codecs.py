"""Codecs of the tests that keep values in stores, and marks of writers as other programs make them."""

from __future__ import annotations

import os
import uuid

import datajoint as dj
from datajoint.jobs.keys import item_of
from datajoint.jobs.machine import machine, process_start
from datajoint.jobs.registry import Registry
from datajoint.jobs.uploads import Upload
from datajoint.storage import build_object_path, get_hash, get_store_backend, put_hash, resolve_store


class ContentCodec(dj.Codec):
    """Bytes under their hash."""

    name = "test_content"

    def get_dtype(self, is_store):
        return "json"

    def encode(self, value, *, key=None, store_name=None):
        return put_hash(value, key["_schema"], store_name, key["_config"])

    def decode(self, stored, *, key=None):
        return get_hash(stored, key["_config"])


class TextCodec(dj.Codec):
    """A text that another codec keeps as bytes."""

    name = "test_text"

    def get_dtype(self, is_store):
        return "<test_content>"

    def encode(self, value, *, key=None, store_name=None):
        return value.encode()

    def decode(self, stored, *, key=None):
        return stored.decode()


class FolderCodec(dj.Codec):
    """A dict of file names to bytes, kept as a folder under schema, table and key."""

    name = "test_folder"

    def get_dtype(self, is_store):
        return "json"

    def encode(self, value, *, key=None, store_name=None):
        store = resolve_store(store_name, key["_config"])
        row = {name: item for name, item in key.items() if not name.startswith("_")}
        path, _ = build_object_path(
            key["_schema"], key["_table"], key["_field"], row, None, store.spec["partition_pattern"],
            schema_prefix=store.spec["schema_prefix"],
        )  # fmt: skip
        for name, content in value.items():
            store.backend.put_buffer(content, f"{path}/{name}")
        store.backend.put_buffer(b"{}", f"{path}.manifest.json")
        return {"path": path, "store": store.name, "names": sorted(value)}

    def decode(self, stored, *, key=None):
        backend = get_store_backend(stored["store"], key["_config"])
        return {name: backend.get_buffer(f"{stored['path']}/{name}") for name in stored["names"]}


class OwnPathsCodec(dj.Codec):
    """Two objects whose paths only the codec itself can tell of."""

    name = "test_pair"

    def get_dtype(self, is_store):
        return "varchar(400)"

    def encode(self, value, *, key=None, store_name=None):
        rows = [put_hash(item, key["_schema"], "main", key["_config"]) for item in value]
        return "|".join(row["path"] for row in rows)

    def decode(self, stored, *, key=None):
        backend = get_store_backend("main", key["_config"])
        return tuple(backend.get_buffer(path) for path in stored.split("|"))

    def referenced_paths(self, stored):
        return [(path, "main") for path in stored.split("|")]


def make_marks(connection, schema_name):
    """Make the tables in which writers mark what is in flight."""
    assert Registry(connection, schema_name, "t", "upload").ensure() is None


def mark(connection, schema_name, paths, worker=None, store="main"):
    """Mark paths as in flight for a worker, a living one if none is named, and return what takes the marks back."""
    registry = Registry(connection, schema_name, "t", "upload")
    if worker is None:
        worker = str(uuid.uuid4())
        set_state(connection, schema_name, worker, "running")
    own = str(uuid.uuid4())
    details = {item_of(own + upload.detail): upload.detail for upload in (Upload(store, path) for path in paths)}
    registry.take(worker, details, None, None)
    return lambda: registry.delete(worker, list(details))


def set_state(connection, schema_name, worker, state):
    """Enter a worker that is this process, or note what became of it."""
    registry = Registry(connection, schema_name, "t", "upload")
    registry.register({
        "worker": worker, "host": "here", "db_user": "me", "pid": os.getpid(), "process_start": process_start(os.getpid()) or "",
        "machine": machine(), "session_id": 0, "version": "", "protocol": 1, "started": registry.now,
        "last_seen": registry.now, "state": state,
    })  # fmt: skip


class GivenCodec(dj.Codec):
    """What a program has stored by itself, given as the document that tells of it."""

    name = "test_given"

    def get_dtype(self, is_store):
        return "json"

    def encode(self, value, *, key=None, store_name=None):
        return value

    def decode(self, stored, *, key=None):
        backend = get_store_backend(stored["store"], key["_config"])
        path = stored["path"] + ("/data" if stored.get("is_dir") else "")
        return backend.get_buffer(path)
