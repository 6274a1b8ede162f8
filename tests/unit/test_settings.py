"""Settings: defaults, checks, dotted keys, changes for a while."""

from __future__ import annotations

import pydantic
import pytest

from datajoint.errors import ThreadSafetyError
from datajoint.settings import Config, DatabaseSettings, config, process_config
from datajoint.settings.environment import ENV_VAR_MAPPING


@pytest.fixture
def cfg():
    return Config()


def test_defaults(cfg):
    assert cfg.database.host == "localhost"
    assert cfg.database.port == 3306
    assert cfg.database.backend is None
    assert cfg.display.limit == 12
    assert cfg.jobs.stale_timeout == 3600
    assert cfg.stores == {}
    assert cfg.safemode is True
    assert cfg.loglevel == "INFO"


def test_every_setting_has_an_environment_variable_of_ours(cfg):
    assert set(cfg) == set(ENV_VAR_MAPPING)
    assert all(variable.startswith("DJ_") for variable in ENV_VAR_MAPPING.values())
    assert len(set(ENV_VAR_MAPPING.values())) == len(ENV_VAR_MAPPING)


@pytest.mark.parametrize(
    ("key", "bad"),
    [
        ("database.port", "many"),
        ("database.backend", "oracle"),
        ("jobs.default_priority", 256),
        ("jobs.stale_timeout", -1),
        ("display.diagram_direction", "UP"),
        ("loglevel", "JOBS"),
        ("safemode", "perhaps"),
        ("provenance.source", 3),
    ],
)
def test_assignment_is_checked(cfg, key, bad):
    before = cfg[key]
    with pytest.raises(pydantic.ValidationError) as caught:
        cfg[key] = bad
    assert isinstance(caught.value, ValueError)
    assert cfg[key] == before


def test_unknown_names_are_refused(cfg):
    with pytest.raises(pydantic.ValidationError):
        cfg.fetch_format = "frame"
    with pytest.raises(pydantic.ValidationError):
        cfg.database.hots = "x"
    with pytest.raises(AttributeError):
        cfg.fetch_format
    with pytest.raises(KeyError, match=r"Did you mean 'database\.host'"):
        cfg["databse.host"]
    with pytest.raises(KeyError):
        cfg["colour"] = "red"


def test_values_are_converted(cfg):
    cfg["display.limit"] = "77"
    cfg.safemode = "off"
    cfg.query_cache = "cache"
    cfg.loglevel = "debug"
    assert (cfg.display.limit, cfg.safemode, cfg.query_cache.name, cfg.loglevel) == (77, False, "cache", "DEBUG")
    cfg.loglevel = "INFO"


def test_secrets_are_masked(cfg):
    cfg.database.password = "hush"
    cfg.database.url = "mysql://me:hush@host/"
    cfg.stores = {"main": {"protocol": "s3", "secret_key": "hush", "bucket": "b"}}
    assert isinstance(cfg.database.password, pydantic.SecretStr)
    assert cfg["database.password"] == "hush"
    shown = repr(cfg) + str(cfg) + repr(cfg.items())
    for part in ("host='localhost'", "user=None", "password=SecretStr('**********')", "'bucket': 'b'"):
        assert part in shown
    assert "hush" not in repr(cfg) + str(cfg)
    assert cfg.stores["main"]["secret_key"] == "hush"


class TestDottedKeys:
    def test_read_and_write(self, cfg):
        cfg["database.host"] = "db.lab"
        assert cfg["database.host"] == cfg.database.host == "db.lab"
        assert cfg["database"] is cfg.database
        assert cfg.get("no.such", 5) == 5

    def test_stores_are_reached_and_made(self, cfg):
        cfg["stores.main.protocol"] = "file"
        cfg["stores.default"] = "main"
        assert cfg.stores == {"main": {"protocol": "file"}, "default": "main"}
        assert cfg["stores.main.protocol"] == "file"
        del cfg["stores.main.protocol"]
        assert cfg.stores["main"] == {}

    def test_delete_restores_the_default(self, cfg):
        cfg["database.host"], cfg.safemode = "db.lab", False
        del cfg["database.host"]
        del cfg["safemode"]
        assert (cfg.database.host, cfg.safemode) == ("localhost", True)
        assert not cfg.database.is_set("host")
        with pytest.raises(KeyError):
            del cfg["database.hots"]

    def test_membership_and_iteration(self, cfg):
        assert "database.host" in cfg
        assert "safemode" in cfg
        assert "database.hots" not in cfg
        assert 3 not in cfg
        assert cfg.keys() == list(cfg)
        assert dict(cfg)["display.width"] == 14


class TestOverride:
    def test_forms(self, cfg):
        with cfg.override(safemode=False, display__limit=3, database={"host": "h", "port": 1}) as inside:
            assert inside is cfg
            assert (cfg.safemode, cfg.display.limit, cfg.database.host, cfg.database.port) == (False, 3, "h", 1)
        assert (cfg.safemode, cfg.display.limit, cfg.database.host, cfg.database.port) == (True, 12, "localhost", 3306)
        assert not cfg.database.is_set("host")

    def test_restores_after_an_error_and_leaves_other_changes(self, cfg):
        with pytest.raises(RuntimeError), cfg.override(safemode=False):
            cfg.display.width = 20
            raise RuntimeError
        assert (cfg.safemode, cfg.display.width) == (True, 20)

    def test_restores_stores_that_were_changed_in_place(self, cfg):
        cfg.stores["a"] = {"protocol": "file"}
        with cfg.override(stores={"b": {}}):
            cfg.stores["c"] = {}
        assert cfg.stores == {"a": {"protocol": "file"}}

    def test_a_bad_value_changes_nothing(self, cfg):
        with pytest.raises(pydantic.ValidationError), cfg.override(safemode=False, display__limit="many"):
            pass
        assert cfg.safemode is True

    @pytest.mark.parametrize("name", ["safemod", "display__limt", "a__b__c"])
    def test_unknown_names_are_warned_about(self, cfg, name):
        with pytest.warns(UserWarning, match="there is no setting"), cfg.override(**{name: 1}):
            pass


def test_the_port_follows_the_backend_until_it_is_set():
    assert DatabaseSettings(backend="postgres").port == 5432
    group = DatabaseSettings()
    group.backend = "postgresql"
    assert group.port == 3306
    assert not group.is_set("port")
    group.port = 5433
    assert group.is_set("port")
    group.port = None
    assert group.port == 5432
    assert not group.is_set("port")


def test_the_process_settings_stand_behind_config():
    assert config.safemode is process_config().safemode
    assert "safemode" in config
    with config.override(display__limit=4):
        assert process_config().display.limit == 4
    assert repr(config) == repr(process_config())


@pytest.mark.parametrize("value", ["true", "1", "YES"])
def test_thread_safe_mode_forbids_shared_settings(monkeypatch, value):
    monkeypatch.setenv("DJ_THREAD_SAFE", value)
    with pytest.raises(ThreadSafetyError, match=r"dj\.Instance"):
        config.safemode
    with pytest.raises(ThreadSafetyError):
        config["safemode"] = False
    assert "thread-safe" in repr(config)
    monkeypatch.setenv("DJ_THREAD_SAFE", "on")
    assert config.safemode is not None
