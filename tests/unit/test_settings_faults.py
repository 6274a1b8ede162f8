"""A wrong setting is named, with where it came from and what is allowed; each setting knows its origin."""

from __future__ import annotations

import json
import traceback

import pydantic
import pytest

import datajoint as dj
from datajoint.errors import ThreadSafetyError
from datajoint.settings import Config, ConfigFileError, Role, create_config, prefix_to_role, role_to_prefix
from tests.unit.test_settings_files import project, write

__all__ = ["project"]

FAULTS = [
    ("database.port", "many", "a whole number or null"),
    ("database.backend", "oracle", "'sqlite' or 'mysql' or 'mariadb' or 'postgresql' or null"),
    ("database.use_tls", "perhaps", "true or false or an object"),
    ("jobs.default_priority", 256, "a whole number from 0 to 255"),
    ("jobs.stale_timeout", -1, "a whole number from 0 on"),
    ("display.diagram_direction", "UP", "'TB' or 'LR'"),
    ("loglevel", "LOUD", "'DEBUG' or 'INFO'"),
    ("safemode", "perhaps", "true or false"),
    ("provenance.source", 3, "an object"),
]


@pytest.mark.parametrize(("key", "bad", "allowed"), FAULTS)
def test_in_an_assignment(key, bad, allowed):
    with pytest.raises(pydantic.ValidationError) as caught:
        Config()[key] = bad
    text = str(caught.value)
    for part in (key, "assigned by the program", repr(bad), f"Allowed: {allowed}"):
        assert part in text
    assert caught.value.errors()[0]["loc"] == tuple(key.split("."))


@pytest.mark.parametrize(("key", "bad", "allowed"), FAULTS)
def test_in_a_file(project, key, bad, allowed):
    write(project, {key: bad})
    with pytest.raises(ConfigFileError) as caught:
        create_config()
    for part in (f"{key} (file {project / 'datajoint.json'}: {bad!r})", f"Allowed: {allowed}"):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("variable", "bad", "allowed"),
    [
        ("DJ_PORT", "many", "a whole number or null"),
        ("DJ_BACKEND", "oracle", "'sqlite' or 'mysql'"),
        ("DJ_SAFEMODE", "perhaps", "true or false"),
        ("DJ_JOBS_DEFAULT_PRIORITY", "256", "a whole number from 0 to 255"),
    ],
)
def test_in_the_environment(monkeypatch, variable, bad, allowed):
    monkeypatch.setenv(variable, bad)
    with pytest.raises(pydantic.ValidationError) as caught:
        create_config()
    for part in (f"environment variable {variable}", repr(bad), f"Allowed: {allowed}"):
        assert part in str(caught.value)


def test_all_faults_of_a_file_are_told_at_once(project):
    write(project, {"database.port": "many", "safemode": "perhaps"})
    with pytest.raises(ConfigFileError, match=r"database\.port.*safemode"):
        create_config()


def test_several_arguments_at_fault():
    with pytest.raises(pydantic.ValidationError) as caught:
        Config(safemode="perhaps", database={"port": "many"})
    assert caught.value.error_count() == 2


def test_a_secret_is_not_repeated(project, monkeypatch):
    cfg, word = Config(), "".join(["hu", "sh"])  # not as the source has it, which a traceback shows
    write(project, '{"database.password": "hush", nonsense')
    (project / ".secrets").mkdir()
    (project / ".secrets" / "database.password").write_bytes(b"hush\xff")
    attempts = [
        lambda: setattr(cfg.database, "password", [word]),
        lambda: setattr(cfg.database, "use_tls", {1: word}),
        lambda: setattr(cfg, "stores", word),
        lambda: Config(database={"url": [word]}),
        lambda: dj.settings.DatabaseSettings(password=[word]),
        lambda: cfg.load(project / "datajoint.json"),
        create_config,
        lambda: dj.settings.read_secret_file(project / ".secrets", "database.password"),
    ]
    for attempt in attempts:
        with pytest.raises(ValueError) as caught:
            attempt()
        assert "hush" not in "".join(traceback.format_exception(caught.value))
        assert "hush" not in repr(caught.value)


@pytest.mark.parametrize(("name", "near"), [("databse", "database"), ("safe_mode", "safemode"), ("fetch_format", "")])
def test_an_unknown_name_is_answered_with_the_nearest(name, near):
    cfg = Config()
    with pytest.raises(AttributeError, match=f"no setting '{name}'.*{near}"):
        getattr(cfg, name)
    with pytest.raises(pydantic.ValidationError, match=f"no setting '{name}'.*{near}"):
        setattr(cfg, name, 1)
    with pytest.raises(pydantic.ValidationError, match=r"database\.hots.*Did you mean 'database\.host'"):
        cfg.database.hots = "x"


def test_a_missing_file_is_named(project, monkeypatch):
    monkeypatch.setenv("DJ_CONFIG_FILE", "absent.json")
    with pytest.raises(FileNotFoundError, match=r"absent\.json.*DJ_CONFIG_FILE"):
        create_config()


def test_a_missing_secrets_folder_is_named(project, monkeypatch):
    monkeypatch.setenv("DJ_SECRETS_DIR", str(project / "absent"))
    with pytest.raises(ConfigFileError, match=r"absent.*DJ_SECRETS_DIR"):
        create_config()


# --- origins
def test_where_settings_come_from(project, monkeypatch):
    file = project / "datajoint.json"
    write(project, {"database.host": "db.lab", "safemode": True, "stores": {"main": {"protocol": "file"}}})
    (project / ".secrets").mkdir()
    (project / ".secrets" / "database.password").write_text("hush")
    (project / ".secrets" / "database.user").write_text("\n")  # a placeholder
    monkeypatch.setenv("DJ_DISPLAY_LIMIT", "5")
    monkeypatch.setenv("DJ_DATABASE_NAME", "")
    cfg = create_config()
    cfg.display.width = 20
    expected = {
        "database.host": f"file {file}",
        "safemode": f"file {file}",
        "stores": f"file {file}",
        "database.password": f"secrets folder {project / '.secrets'}",
        "display.limit": "environment variable DJ_DISPLAY_LIMIT",
        "database.name": "environment variable DJ_DATABASE_NAME",
        "display.width": "assigned by the program",
        "database.user": "default",
        "database.port": "default",
        "loglevel": "default",
    }
    assert {key: cfg.origin(key) for key in expected} == expected
    assert cfg.database.user is None
    cfg.database.host = "other"
    assert cfg.origin("database.host") == "assigned by the program"
    del cfg["database.host"]
    assert cfg.origin("database.host") == "default"
    cfg.stores["late"] = {"protocol": "file"}
    assert cfg.origin("stores") == Config(stores={"a": {}}).origin("stores") == "assigned by the program"
    with cfg.override(display__limit=6):
        assert cfg.origin("display.limit") == "assigned by the program"
    assert cfg.origin("display.limit") == "environment variable DJ_DISPLAY_LIMIT"
    cfg.reload()
    assert cfg.origin("database.host") == f"file {file}"
    assert cfg.origin("display.width") == "default"
    with pytest.raises(KeyError, match=r"Did you mean 'database\.host'"):
        cfg.origin("database.hots")


def test_secrets_beside_the_file_are_part_of_the_origin(project):
    write(project, {"stores": {"main": {"protocol": "s3"}}})
    (project / ".secrets").mkdir()
    (project / ".secrets" / "stores.main.secret_key").write_text("hush")
    origin = create_config().origin("stores")
    assert str(project / "datajoint.json") in origin
    assert "secrets folder" in origin


# --- the template
@pytest.mark.parametrize("minimal", [True, False])
def test_a_template_can_be_loaded(project, minimal):
    path = Config.save_template("datajoint.json", minimal=minimal)
    assert path == project / "datajoint.json"
    assert path.read_text().endswith("}\n")
    content = json.loads(path.read_text())
    assert content["database"]["host"] == "localhost"
    assert "password" not in path.read_text()
    if minimal:
        assert content == {"database": {"host": "localhost", "port": 3306}}
    else:
        assert content["stores"]["default"] == "main"
        assert set(content) == {
            "database", "connection", "display", "stores", "loglevel", "safemode", "query_cache", "download_path",
        }  # fmt: skip
    secrets = project / ".secrets"
    assert sorted(path.name for path in secrets.iterdir()) == [".gitignore", "database.password", "database.user"]
    assert secrets.stat().st_mode & 0o077 == 0
    assert (secrets / ".gitignore").read_text().splitlines()[1:] == ["*", "!.gitignore"]
    cfg = create_config()
    assert (cfg.database.user, cfg.database.password) == (None, None)
    with pytest.raises(FileExistsError, match="already exists"):
        Config.save_template(path)


def test_a_template_leaves_secrets_that_exist(project):
    (project / ".secrets").mkdir()
    (project / ".secrets" / "database.user").write_text("me")
    Config.save_template("a.json")
    assert (project / ".secrets" / "database.user").read_text() == "me"
    Config.save_template(project / "sub" / "b.json", create_secrets_dir=False)
    assert [path.name for path in (project / "sub").iterdir()] == ["b.json"]


# --- thread-safe mode
@pytest.mark.parametrize(
    "use",
    [
        lambda: dj.config.safemode,
        lambda: setattr(dj.config, "safemode", False),
        lambda: dj.config["safemode"],
        lambda: dj.config.__setitem__("safemode", False),
        lambda: dj.config.__delitem__("safemode"),
        lambda: dj.config.get("safemode"),
        lambda: dj.config.override(safemode=False),
        lambda: dj.config.load("x.json"),
        lambda: dj.config.get_store_spec("x"),
        lambda: "safemode" in dj.config,
        lambda: list(dj.config),
        lambda: dj.conn(),
        lambda: dj.Schema("s"),
        lambda: dj.Schema(),
        lambda: dj.FreeTable("s.t"),
        lambda: dj.list_schemas(),
        lambda: dj.VirtualModule("m", "s"),
        lambda: dj.virtual_schema("s"),
    ],
)
def test_thread_safe_mode_blocks_what_threads_would_share(monkeypatch, use):
    monkeypatch.setenv("DJ_THREAD_SAFE", "1")
    with pytest.raises(ThreadSafetyError, match="thread-safe mode"):
        use()


def test_thread_safe_mode_allows_what_is_ones_own(monkeypatch, tmp_path):
    monkeypatch.setenv("DJ_THREAD_SAFE", "True")
    assert "thread-safe" in repr(dj.config)
    dj.config.save_template(tmp_path / "x.json", create_secrets_dir=False)
    with dj.Instance(f"sqlite:///{tmp_path / 'a.db'}", safemode=False) as instance:
        schema = dj.Schema("lab", connection=instance.connection)
        table = schema(type("Thing", (dj.Manual,), {"definition": "n : int8"}))
        table.insert1({"n": 1})
        table.delete()
        assert dj.list_schemas(instance.connection) == ["lab"]
        assert len(dj.FreeTable(instance.connection, "lab.thing")) == len(instance.FreeTable("lab.thing")) == 0
        assert dj.VirtualModule("m", "lab", connection=instance.connection).Thing


def test_roles_and_their_prefixes():
    assert {role.name: prefix for role, prefix in role_to_prefix.items()} == {
        "manual": "", "lookup": "#", "imported": "_", "computed": "__", "job": "~",
    }  # fmt: skip
    assert prefix_to_role["#"] is Role.lookup
