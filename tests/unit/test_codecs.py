"""The registry of codecs, type specifications, chains and calling conventions."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from datajoint.codecs import (
    Codec,
    CodecChain,
    CodecContext,
    MissingCodec,
    codec_of,
    get_codec,
    is_codec_registered,
    list_codecs,
    lookup_codec,
    parse_type_spec,
    registry,
    resolve_dtype,
    unregister_codec,
)
from datajoint.codecs.blob_format import pack, unpack
from datajoint.errors import DataJointError

BUILT_IN = ["attach", "blob", "filepath", "hash", "npy", "object"]
CONTEXT = CodecContext("lab", "__analysis", "result", {"download_path": "."}, {"subject": 7})


@pytest.fixture(autouse=True)
def clean_registry(monkeypatch):
    """Give each test a registry of its own, with the built-in codecs."""
    monkeypatch.setattr(registry, "_codecs", {name: registry._codecs[name] for name in BUILT_IN})
    monkeypatch.setattr(registry, "_entry_points_loaded", True)


def define(codec_name, dtype="bytes", **members):
    """Run a class statement for a codec that passes values through."""

    def get_dtype(self, is_store):
        return dtype

    def encode(self, value, *, key=None, store_name=None):
        return value

    def decode(self, stored, *, key=None):
        return stored

    methods = {"name": codec_name, "get_dtype": get_dtype, "encode": encode, "decode": decode}
    return type("Defined", (Codec,), methods | members)


# --- specifications


@pytest.mark.parametrize(
    ("spec", "parsed"),
    [
        ("<blob>", ("blob", None)),
        ("blob", ("blob", None)),
        ("<blob@>", ("blob", "")),
        ("<blob@cold>", ("blob", "cold")),
        ("<blob@a@b>", ("blob", "a@b")),
        ("<npy@repo-s3>", ("npy", "repo-s3")),
        ("< blob >", ("blob", None)),
    ],
)
def test_parse_type_spec(spec, parsed):
    assert parse_type_spec(spec) == parsed


# --- registration


def test_class_statement_registers_an_instance():
    cls = define("graph")
    assert type(get_codec("graph")) is cls
    assert get_codec("<graph@cold>") is get_codec("<graph>") is lookup_codec("<graph@cold>").codec
    assert lookup_codec("<graph@cold>").store == "cold"
    assert is_codec_registered("<graph>")
    assert list_codecs() == sorted([*BUILT_IN, "graph"])
    assert repr(get_codec("graph")) == "<Defined(name='graph')>"


def test_codecs_that_are_not_registered():
    class Base(Codec, register=False):
        name = "based"

    class Nameless(Codec):
        pass

    assert not is_codec_registered("based")
    assert list_codecs() == BUILT_IN

    class Derived(Base):
        pass

    assert isinstance(get_codec("based"), Derived)


@pytest.mark.parametrize("name", ["", 3, b"x"])
def test_names_must_be_text(name):
    with pytest.raises(DataJointError, match="Codec name must be a non-empty string, got"):
        define(name)


@pytest.mark.parametrize("name", ["<x>", "x@y", "a:b", " x", "x\ny"])
def test_names_that_no_definition_could_hold(name):
    with pytest.raises(DataJointError, match="No definition could name a codec"):
        define(name)


def test_a_name_belongs_to_one_class():
    define("graph")
    with pytest.raises(DataJointError, match=r"Codec <graph> already registered by .*\.Defined"):
        define("graph")


def test_a_notebook_cell_that_defines_a_codec_can_be_run_again():
    define("graph", __module__="__main__", __qualname__="Graph")
    again = define("graph", __module__="__main__", __qualname__="Graph")
    assert type(get_codec("graph")) is again
    with pytest.raises(DataJointError, match="already registered"):
        define("graph", __module__="__main__", __qualname__="Other")


def test_a_class_without_methods_registers():
    class Half(Codec):
        name = "half"

    assert is_codec_registered("half")


def test_unregister():
    define("graph")
    unregister_codec("<graph>")
    assert not is_codec_registered("graph")
    with pytest.raises(DataJointError, match="Codec <graph> is not registered"):
        unregister_codec("graph")


def test_unknown_codecs_are_answered_with_the_nearest():
    with pytest.raises(
        DataJointError, match=r"Unknown codec: <blub>\. Ensure the codec .*name='blub'.*Did you mean <blob>"
    ):
        get_codec("blub")
    with pytest.raises(DataJointError, match=r"^Codec <zzz> is not registered\..*<attach>, <blob>"):
        lookup_codec("<zzz@x>")


# --- plug-ins


@pytest.fixture
def plugins(monkeypatch):
    """Let the process find entry points that the test lists."""
    found: dict[str, list] = {}
    calls = []

    def entry_points(*, group):
        calls.append(group)
        return found.get(group, [])

    monkeypatch.setattr(importlib.metadata, "entry_points", entry_points)
    monkeypatch.setattr(registry, "_entry_points_loaded", False)
    return SimpleNamespace(found=found, calls=calls)


def test_plugins_are_loaded_once_and_only_when_needed(plugins):
    plugins.found["datajoint.codecs"] = [SimpleNamespace(name="ragged", load=lambda: define("ragged"))]
    plugins.found["datajoint.types"] = [SimpleNamespace(name="old", load=lambda: define("other"))]
    get_codec("blob")
    assert plugins.calls == []
    assert is_codec_registered("ragged")
    assert plugins.calls == ["datajoint.codecs", "datajoint.types"]
    assert list_codecs() == sorted([*BUILT_IN, "old", "other", "ragged"])
    assert not is_codec_registered("none")
    assert len(plugins.calls) == 2


def test_broken_plugins_are_skipped_with_a_warning(plugins, caplog):
    def fail():
        raise ImportError("no such library")

    plugins.found["datajoint.codecs"] = [
        SimpleNamespace(name="broken", load=fail),
        SimpleNamespace(name="blob", load=fail),
        SimpleNamespace(name="good", load=lambda: define("good")),
    ]
    assert list_codecs() == sorted([*BUILT_IN, "good"])
    assert [record.getMessage() for record in caplog.records] == [
        "The codec plug-in broken could not be loaded and is skipped: no such library"
    ]


# --- chains


def test_resolve_dtype():
    define("graph", "<blob>")
    define("leaf", "varchar(40)")
    assert resolve_dtype("<blob>") == ("bytes", [get_codec("blob")], None)
    assert resolve_dtype("<graph>") == ("bytes", [get_codec("graph"), get_codec("blob")], None)
    assert resolve_dtype("<leaf@cold>") == ("varchar(40)", [get_codec("leaf")], "cold")
    assert resolve_dtype("<leaf@>").store == ""
    assert resolve_dtype("bytes") == ("bytes", [], None)
    assert resolve_dtype("longblob@old") == ("longblob", [], "old")


def test_stores_are_inherited_unless_named():
    seen = []

    def get_dtype(self, is_store):
        seen.append((self.name, is_store))
        return {"outer": "<middle>", "middle": "<inner@own>", "inner": "json"}[self.name]

    for name in ("outer", "middle", "inner"):
        define(name, get_dtype=get_dtype)
    assert resolve_dtype("<outer@cold>").store == "own"
    assert seen == [("outer", True), ("middle", True), ("inner", True)]
    seen.clear()
    assert resolve_dtype("<outer>").store == "own"
    assert seen == [("outer", False), ("middle", False), ("inner", True)]


def test_circles_are_refused():
    define("a", "<b>")
    define("b", "<a>")
    with pytest.raises(DataJointError, match="Circular codec reference detected: <a>"):
        resolve_dtype("<a>")


@pytest.mark.parametrize(
    ("spec", "dtype", "names", "store"),
    [
        ("bytes", "bytes", [], None),
        ("<blob>", "bytes", ["blob"], None),
        ("<blob@>", "json", ["blob", "hash"], ""),
        ("<blob@cold>", "json", ["blob", "hash"], "cold"),
        ("<attach>", "bytes", ["attach"], None),
        ("<attach@s>", "json", ["attach", "hash"], "s"),
        ("<hash@s>", "json", ["hash"], "s"),
        ("<object@s>", "json", ["object"], "s"),
        ("<npy@>", "json", ["npy"], ""),
        ("<filepath@s>", "json", ["filepath"], "s"),
    ],
)
def test_chains_of_the_built_in_codecs(spec, dtype, names, store):
    found = resolve_dtype(spec)
    assert (found.dtype, [c.name for c in found.codecs], found.store) == (dtype, names, store)
    assert all(get_codec(c.name) is c for c in found.codecs)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("hash", r"^<hash> requires @ \(in-store storage only\)"),
        ("object", "^<object> requires @"),
        ("npy", "^<npy> requires @"),
        ("filepath", "^<filepath> requires @ symbol"),
    ],
)
def test_codecs_that_need_a_store(name, said):
    with pytest.raises(DataJointError, match=said):
        resolve_dtype(f"<{name}>")
    assert get_codec(name).get_dtype(is_store=True) == "json"


def test_a_codec_may_name_its_store():
    define("c", "<blob@cold>")
    found = resolve_dtype("<c@warm>")
    assert (found.dtype, [c.name for c in found.codecs], found.store) == ("json", ["c", "blob", "hash"], "cold")


def test_get_dtype_may_name_its_parameter_freely():
    class Free(Codec):
        name = "free"

        def get_dtype(self, is_external):
            return "json"

        def encode(self, graph, *, key=None):
            return graph

        def decode(self, raw, *, key=None):
            return raw

    chain = CodecChain.resolve("<free@s>")
    assert chain.decode(chain.encode([1], CONTEXT), CONTEXT) == [1]


def test_encoding_passes_what_the_signature_names():
    calls = {}

    class Old(Codec):
        name = "old"

        def get_dtype(self, is_store):
            return "<new>"

        def encode(self, value, *, key=None, store_name=None):
            calls["old"] = (value, key, store_name)
            return value + 1

        def decode(self, stored, *, key=None):
            calls["old decode"] = (stored, key)
            return stored - 1

    class New(Codec):
        name = "new"

        def get_dtype(self, is_store):
            return "int32"

        def encode(self, value, *, key=None, context=None, **others):
            calls["new"] = (value, key, context, others)
            return value * 2

        def decode(self, stored, *, key=None, context=None):
            calls["new decode"] = (stored, key, context)
            return stored // 2

    chain = CodecChain.resolve("<old@cold>")
    stored = chain.encode(10, CONTEXT)
    place = {"schema": "lab", "table": "__analysis", "field": "result", "config": CONTEXT.config}
    key = {"subject": 7, "_schema": "lab", "_table": "__analysis", "_field": "result", "_config": CONTEXT.config}
    assert stored == 22
    assert calls["old"] == (10, key, "cold")
    assert calls["new"] == (11, key, place, {})
    assert chain.decode(stored, CONTEXT) == 10
    assert calls["new decode"] == (22, {"_config": CONTEXT.config}, {"config": CONTEXT.config})
    assert calls["old decode"] == (11, {"_config": CONTEXT.config})
    chain.decode(stored, CodecContext("lab", "t", "f"))
    assert calls["new decode"] == (22, None, None)


def test_missing_values_reach_no_codec():
    def refuse(self, *args, **kwargs):
        raise AssertionError

    define("strict", encode=refuse, decode=refuse, validate=refuse)
    chain = CodecChain.resolve("<strict>")
    chain.validate(None)
    assert chain.encode(None, CONTEXT) is None
    assert chain.decode(None, CONTEXT) is None


def test_only_the_outermost_codec_validates():
    def validate(self, value):
        if not isinstance(value, str):
            raise TypeError(f"{self.name} takes texts")

    define("outer", "<inner>", validate=validate)
    define("inner", validate=validate, encode=lambda _self, value, *, key: len(value))
    chain = CodecChain.resolve("<outer>")
    assert chain.encode("text", CONTEXT) == 4
    with pytest.raises(TypeError, match="outer takes texts"):
        chain.encode(2, CONTEXT)


def test_missing_codec_fails_only_when_used():
    codec = codec_of("<graph@cold>")
    assert isinstance(codec, MissingCodec)
    assert codec.name == "<graph@cold>"
    for use in (lambda: codec.decode(b""), lambda: codec.encode(1), lambda: codec.get_dtype(False)):
        with pytest.raises(DataJointError, match=r"Codec <graph> is not registered\..*name='graph'"):
            use()
    define("graph")
    assert codec_of("<graph@cold>") is get_codec("graph")


def test_referenced_paths():
    blob = get_codec("blob")
    assert blob.referenced_paths({"path": "a/b", "store": "cold"}) == [("a/b", "cold")]
    assert blob.referenced_paths('{"path": "a/b"}') == [("a/b", None)]
    for other in ("no json", "[1]", b"bytes", None, {"size": 1}):
        assert blob.referenced_paths(other) == []


def test_config_comes_from_the_context_first():
    assert Codec._codec_config({"_config": 1}, {"config": 2}) == 2
    assert Codec._codec_config({"_config": 1}, {"config": None}) == 1
    assert Codec._codec_config() is None


# --- the built-in codecs


def test_blob_called_by_hand():
    blob = get_codec("blob")
    assert blob.encode(None) == pack(None)
    assert blob.decode(blob.encode({"a": [1, None]})) == {"a": [1, None]}
    chain = CodecChain.resolve("<blob>")
    assert unpack(chain.encode({"a": 1}, CONTEXT)) == {"a": 1}
    assert chain.dtype == "bytes"


def attach(folder: Path, stored: bytes) -> Path:
    context = CodecContext("lab", "t", "f", {"download_path": str(folder)})
    return Path(CodecChain.resolve("<attach>").decode(stored, context))


def test_attach_keeps_name_and_contents(tmp_path):
    source = tmp_path / "méta.data.txt"
    source.write_bytes(b"\0one\0")
    stored = CodecChain.resolve("<attach>").encode(source, CONTEXT)
    assert stored == "méta.data.txt".encode() + b"\0\0one\0"
    folder = tmp_path / "new" / "folder"
    assert attach(folder, stored) == folder / "méta.data.txt"
    assert attach(folder, stored) == folder / "méta.data.txt"
    assert attach(folder, "méta.data.txt".encode() + b"\0other") == folder / "méta.data_1.txt"
    assert attach(folder, "méta.data.txt".encode() + b"\0third") == folder / "méta.data_2.txt"
    assert attach(folder, stored).read_bytes() == b"\0one\0"
    assert sorted(path.name for path in folder.iterdir()) == ["méta.data.txt", "méta.data_1.txt", "méta.data_2.txt"]


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "..\\evil", "C:\\x\\evil", "a/../evil"])
def test_attach_writes_nowhere_else(tmp_path, name):
    assert attach(tmp_path, name.encode() + b"\0x") == tmp_path / "evil"


@pytest.mark.parametrize("name", ["", ".", "..", "a/", "a/.."])
def test_attach_refuses_names_of_no_file(tmp_path, name):
    with pytest.raises(DataJointError, match="not a file's name"):
        attach(tmp_path, name.encode() + b"\0x")
    assert list(tmp_path.iterdir()) == []


def test_attach_refusals(tmp_path):
    chain = CodecChain.resolve("<attach>")
    with pytest.raises(TypeError, match="not bytes"):
        chain.encode(b"contents", CONTEXT)
    with pytest.raises(FileNotFoundError):
        chain.encode(tmp_path / "absent", CONTEXT)
    with pytest.raises(IsADirectoryError):
        chain.encode(str(tmp_path), CONTEXT)
    with pytest.raises(ValueError, match="no attachment"):
        attach(tmp_path, b"no end of the name")


def test_a_subclass_with_another_name_is_a_further_codec():
    from datajoint import builtin_codecs

    for base in (builtin_codecs.ObjectCodec, builtin_codecs.NpyCodec, builtin_codecs.HashCodec):
        made = type("Further", (base,), {"name": f"my_{base.name}", "__module__": __name__})
        assert type(get_codec(f"my_{base.name}")) is made
        assert resolve_dtype(f"<my_{base.name}@>").dtype == "json"
    with pytest.raises(DataJointError, match="^<my_npy> requires @"):
        resolve_dtype("<my_npy>")


def test_attach_does_not_write_through_links(tmp_path):
    outside, folder = tmp_path / "outside", tmp_path / "folder"
    outside.write_bytes(b"precious")
    folder.mkdir()
    (folder / "x").symlink_to(outside)
    (folder / "y").symlink_to(tmp_path / "absent")
    assert attach(folder, b"x\0new") == folder / "x_1"
    assert attach(folder, b"y\0new") == folder / "y_1"
    assert outside.read_bytes() == b"precious"
    assert not (tmp_path / "absent").exists()
    assert sorted(path.name for path in folder.iterdir()) == ["x", "x_1", "y", "y_1"]


def test_attach_without_hard_links(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError("this file system has no links")

    monkeypatch.setattr("os.link", refuse)
    assert attach(tmp_path, b"x\0one").read_bytes() == b"one"
    assert attach(tmp_path, b"x\0one") == tmp_path / "x"
    assert attach(tmp_path, b"x\0two").read_bytes() == b"two"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x", "x_1"]


def test_called_by_hand_codecs_use_the_settings_of_the_process(tmp_path, monkeypatch):
    from datajoint.settings import Config

    config = Config(download_path=str(tmp_path / "down"))
    config.stores.update(default="main", main={"protocol": "file", "location": str(tmp_path)})
    monkeypatch.setattr("datajoint.settings._process_config", config)
    source = tmp_path / "a.txt"
    source.write_text("x")
    codec = get_codec("attach")
    assert Path(codec.decode(codec.encode(source))) == tmp_path / "down" / "a.txt"
    codec = get_codec("hash")
    stored = codec.encode(b"hello")
    assert stored["path"] == "_hash/unknown/lvauakv4jmvhnolrtwiraf6fsi"
    assert stored["store"] == "main"
    assert codec.decode(stored) == b"hello"
    codec = get_codec("object")
    stored = codec.encode(b"x", key={"id": 3})
    assert re.fullmatch(r"_schema/unknown/unknown/id=3/data_.{8}", stored["path"])
    assert codec.decode(stored).read() == b"x"
    codec = get_codec("filepath")
    config.stores["filepath_default"] = "main"
    assert codec.decode(codec.encode("a.txt")).read() == b"x"
    codec = get_codec("npy")
    numpy = pytest.importorskip("numpy")
    assert codec.decode(codec.encode(numpy.arange(3))).load().tolist() == [0, 1, 2]


def test_import_loads_no_numpy():
    script = "import sys, datajoint.codecs; print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
