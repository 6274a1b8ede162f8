"""Stores in the settings: defaults, what is refused, plug-ins; and nothing that is printed shows a secret."""

from __future__ import annotations

import copy
import json
import pickle
import pprint

import pytest

from datajoint.errors import DataJointError
from datajoint.settings import Config, stores
from datajoint.settings.stores import Stores, masked

FILE = {"protocol": "file", "location": "/data"}
S3 = {"protocol": "s3", "endpoint": "e", "bucket": "b", "location": "l"}
DEFAULTS = {
    "subfolding": None,
    "partition_pattern": None,
    "token_length": 8,
    "hash_prefix": "_hash",
    "schema_prefix": "_schema",
    "filepath_prefix": None,
}


@pytest.fixture
def cfg():
    return Config(stores={"default": "main", "filepath_default": "raw", "main": dict(FILE), "raw": dict(FILE)})


def test_defaults_are_filled_in_and_the_store_is_left_alone(cfg):
    spec = cfg.get_store_spec()
    assert spec == FILE | DEFAULTS
    spec["location"] = "/elsewhere"
    assert cfg.stores["main"] == FILE
    assert cfg.get_store_spec("main")["location"] == "/data"
    assert cfg.get_store_spec(use_filepath_default=True) == FILE | DEFAULTS


@pytest.mark.parametrize(
    ("store", "added"),
    [
        (S3, {"secure": True}),
        (S3 | {"protocol": "S3", "access_key": "a", "secret_key": "s", "secure": False, "proxy_server": "p"}, {}),
        ({"protocol": "gcs", "bucket": "b", "location": "l", "token": "t", "project": "p"}, {}),
        ({"protocol": "azure", "container": "c", "location": "l", "account_name": "a", "account_key": "k"}, {}),
        (FILE | {"subfolding": [2, 2], "stage": "/s", "token_length": 5, "filepath_prefix": "raw"}, {}),
    ],
)
def test_protocols(cfg, store, added):
    cfg.stores["x"] = store
    assert cfg.get_store_spec("x") == DEFAULTS | store | {"protocol": store["protocol"].lower()} | added


@pytest.mark.parametrize(
    ("settings", "name", "message"),
    [
        ({}, None, r"stores\.default is not configured"),
        ({"default": 5}, None, "must be a string"),
        ({"default": "main"}, None, "requested but not configured in stores"),
        ({"main": FILE}, "mian", "Did you mean 'main'"),
        ({"default": "x"}, "default", "requested but not configured in stores"),
        ({"x": {"protocol": "ftp", "location": "/"}}, "x", "Unknown protocol.*file, s3, gcs, azure"),
        ({"x": {"location": "/"}}, "x", "is missing: protocol"),
        ({"x": {"protocol": "file"}}, "x", "is missing: location"),
        ({"x": {"protocol": "s3", "location": "/"}}, "x", "is missing: endpoint, bucket"),
        ({"x": FILE | {"bucket": "b"}}, "x", r"Invalid key\(s\).*bucket"),
        ({"x": FILE | {"locaton": "b"}}, "x", "Did you mean 'location'"),
        ({"x": FILE | {"hash_prefix": "a", "schema_prefix": "/a/b/"}}, "x", "overlap.*mutually exclusive"),
        ({"x": FILE | {"filepath_prefix": "_hash"}}, "x", "overlap"),
    ],
)
def test_what_is_not_usable_is_refused(settings, name, message):
    with pytest.raises(DataJointError, match=message):
        Config(stores=settings).get_store_spec(name)


def test_a_missing_default_for_files_is_named():
    with pytest.raises(DataJointError, match=r"stores\.filepath_default is not configured"):
        Config(stores={"default": "main", "main": FILE}).get_store_spec(use_filepath_default=True)


@pytest.mark.parametrize("prefixes", [("a_x", "a_y"), ("a", "ab"), ("", "a")])
def test_prefixes_beside_each_other(cfg, prefixes):
    cfg.stores["x"] = FILE | dict(zip(("hash_prefix", "schema_prefix"), prefixes, strict=True))
    cfg.get_store_spec("x")


def test_a_plug_in_checks_its_own_stores(cfg, monkeypatch):
    class Tape:
        protocol = "Tape"

        def validate_spec(self, spec):
            if "robot" not in spec:
                raise DataJointError("tape store is missing: robot")

    monkeypatch.setattr(stores, "_adapters", {})
    stores.register_adapter(Tape())
    cfg["stores.t.protocol"] = "tape"
    with pytest.raises(DataJointError, match="robot"):
        cfg.get_store_spec("t")
    cfg["stores.t.robot"] = 1
    assert cfg.get_store_spec("t") == DEFAULTS | {"protocol": "tape", "robot": 1}


def test_plug_ins_of_packages_are_found_once(cfg, monkeypatch, caplog):
    class Entry:
        name = "broken"

        def load(self):
            raise ImportError("no such module")

    calls = []
    monkeypatch.setattr(stores, "_adapters", {})
    monkeypatch.setattr(stores, "_discovered", False)
    monkeypatch.setattr(stores, "entry_points", lambda group: calls.append(group) or [Entry()])
    cfg["stores.t.protocol"] = "tape"
    for _ in range(2):
        with pytest.raises(DataJointError, match="Unknown protocol"):
            cfg.get_store_spec("t")
    assert calls == ["datajoint.storage"]
    assert "broken cannot be loaded" in caplog.text


# --- the live dict
def test_stores_are_a_live_dict(cfg):
    group = cfg.stores
    cfg.stores["x"] = {"protocol": "file"}
    cfg.stores.update(y={"location": "/"})
    cfg.stores.setdefault("z", {})["stage"] = "/s"
    assert isinstance(group, dict)
    assert cfg["stores.z.stage"] == "/s"
    assert set(group.copy()) == {"default", "filepath_default", "main", "raw", "x", "y", "z"}
    group |= {"w": {"a": {"b": 1}}}
    assert json.loads(json.dumps(copy.deepcopy(cfg.stores)))["w"] == {"a": {"b": 1}}
    assert pickle.loads(pickle.dumps(cfg)).stores == cfg.stores  # noqa: S301 - our own
    cfg.stores.clear()
    assert cfg.stores == {}
    cfg.stores = {"n": {"protocol": "file"}}
    assert cfg["stores.n.protocol"] == "file"


HUSH = {
    "protocol": "s3", "access_key": "hush", "secret_key": "hush", "token": "hush", "account_key": "hush", "sas": "hush",
    "connection_string": "hush", "PASSWORD": "hush", "proxy_server": "http://me:hush@proxy/", "nested": {"api_key": "hush"},
    "list": [{"token": "hush"}], "raw": b"hush",
}  # fmt: skip


def test_nothing_that_is_printed_shows_a_secret():
    from IPython.lib.pretty import pretty

    cfg = Config(stores={"main": HUSH}, database={"password": "hush", "url": "mysql://me:hush@host/"})
    cfg.stores["late"] = dict(HUSH)
    cfg.database.use_tls = {"ca": "/ca.pem", "password": "hush"}
    for thing in (cfg, cfg.database, cfg.stores, cfg.stores["main"], cfg.stores["late"]["nested"], cfg.items()):
        for shown in (repr(thing), str(thing), f"{thing}", pprint.pformat(thing), pretty(thing)):
            assert "hush" not in shown
    assert "/ca.pem" in repr(cfg)
    assert cfg["database.password"] == cfg.stores["main"]["secret_key"] == cfg["stores.late.token"] == "hush"


def test_what_is_no_secret_is_shown():
    plain = {"protocol": "file", "token_length": 8, "location": "s3://bucket/key", "monkey": "x", "secure": True}
    assert masked(plain) == plain
    assert repr(Stores(plain)) == repr(plain)
