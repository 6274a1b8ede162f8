"""Codecs of the tests that keep values in stores, and marks of writers as other programs make them."""

from __future__ import annotations

import json
import uuid

import datajoint as dj
from datajoint.definition import AttributeDefinition, TableDefinition, TableName
from datajoint.sql import Sql
from datajoint.sql.fragment import Identifier, Parameter
from datajoint.storage import build_object_path, get_hash, get_store_backend, put_hash, resolve_store
from datajoint.values.parse import parse_type


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
    leases = [("kind", "varchar(8)"), ("table_name", "varchar(64)"), ("item", "varchar(64)")]
    others = [("worker", "varchar(36)"), ("detail", "varchar(1000)")]
    for name, key, rest in (("~dj_lease", leases, others), ("~dj_worker", others[:1], [("state", "varchar(16)")])):
        attributes = [
            AttributeDefinition(column, kind, parse_type(kind), in_key=(column, kind) in key)
            for column, kind in (*key, *rest)
        ]
        definition = TableDefinition(tuple(attributes))
        catalog = connection.catalog(schema_name)
        for statement in connection.backend.create_table(TableName(schema_name, name), definition, catalog):
            connection.execute(statement)
    connection.forget_catalog(schema_name)


def mark(connection, schema_name, paths, worker="w", store="main"):
    """Mark paths as in flight, and return what takes the marks back."""
    leases = Identifier((schema_name, "~dj_lease"))
    items = [uuid.uuid4().hex for _ in paths]
    for item, path in zip(items, paths, strict=True):
        values = Sql.join(", ", map(Parameter, ("upload", "t", item, worker, json.dumps([store, path]))))
        connection.execute(
            Sql("INSERT INTO ", leases, " (kind, table_name, item, worker, detail) VALUES (", values, ")")
        )

    def clear():
        for item in items:
            connection.execute(Sql("DELETE FROM ", leases, " WHERE ", Identifier(("item",)), " = ", Parameter(item)))

    return clear


def set_state(connection, schema_name, worker, state):
    """Enter a worker."""
    connection.execute(
        Sql("INSERT INTO ", Identifier((schema_name, "~dj_worker")), " (worker, state) VALUES (",
            Parameter(worker), ", ", Parameter(state), ")")
    )  # fmt: skip


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
