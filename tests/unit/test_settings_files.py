"""Settings from the environment, ``datajoint.json`` and secrets: who wins, and what happens to mistakes."""

from __future__ import annotations

import json

import pydantic
import pytest

from datajoint.logging import logger
from datajoint.settings import Config, create_config, find_config_file, find_secrets_dir, read_secret_file
from datajoint.settings import files as files_module
from datajoint.settings.files import ConfigFileError


@pytest.fixture
def project(tmp_path, monkeypatch):
    """An empty project as the working directory, read as a person's would be."""
    monkeypatch.delenv("DJ_IGNORE_CONFIG_FILE", raising=False)
    monkeypatch.setattr(files_module, "SYSTEM_SECRETS_DIR", tmp_path / "no such folder")
    folder = tmp_path / "project"
    (folder / ".git").mkdir(parents=True)
    monkeypatch.chdir(folder)
    yield folder
    logger.setLevel("INFO")


def write(folder, content):
    (folder / "datajoint.json").write_text(content if isinstance(content, str) else json.dumps(content))


class TestDiscovery:
    def test_upwards_until_the_repository(self, project):
        deep = project / "a" / "b"
        deep.mkdir(parents=True)
        assert find_config_file(deep) is None
        write(project.parent, {})
        assert find_config_file(deep) is None
        write(project, {})
        assert find_config_file(deep) == project / "datajoint.json"

    def test_named_by_the_environment(self, project, tmp_path, monkeypatch):
        write(project, {"safemode": True})
        (tmp_path / "other.json").write_text('{"safemode": false}')
        monkeypatch.setenv("DJ_CONFIG_FILE", str(tmp_path / "other.json"))
        cfg = create_config()
        assert cfg.safemode is False
        assert cfg.project_folder == tmp_path

    def test_ignored_on_request(self, project, monkeypatch):
        write(project, {"safemode": False})
        (project / ".secrets").mkdir()
        (project / ".secrets" / "database.user").write_text("me")
        monkeypatch.setenv("DJ_IGNORE_CONFIG_FILE", "true")
        assert create_config().safemode is True
        assert create_config().database.user is None
        monkeypatch.setenv("DJ_SECRETS_DIR", str(project / ".secrets"))
        assert create_config().database.user == "me"

    def test_no_file_is_no_fault(self, project):
        assert create_config().project_folder == project


class TestFile:
    def test_flat_and_nested_keys(self, project):
        write(
            project,
            {
                "database.host": "db.lab",
                "database": {"use_tls": True},
                "stores": {"default": "main", "main": {"protocol": "file", "location": "/data"}},
                "stores.main.stage": "/scratch",
                "jobs": {"default_priority": 3},
                "safemode": False,
            },
        )
        cfg = create_config()
        assert (cfg.database.host, cfg.database.use_tls, cfg.jobs.default_priority, cfg.safemode) == (
            "db.lab",
            True,
            3,
            False,
        )
        assert cfg.stores == {"default": "main", "main": {"protocol": "file", "location": "/data", "stage": "/scratch"}}

    @pytest.mark.parametrize(("key", "near"), [("databse.host", "database.host"), ("safe_mode", "safemode")])
    def test_unknown_keys_are_warned_about(self, project, key, near):
        write(project, {key: 1})
        with pytest.warns(UserWarning, match=f"no setting '{key}'.*Did you mean '{near}'"):
            create_config()

    def test_unknown_members_are_warned_about(self, project):
        write(project, {"database": {"hots": "x", "user": "me"}})
        with pytest.warns(UserWarning, match=r"database\.host"):
            assert create_config().database.user == "me"

    @pytest.mark.parametrize("content", ["{", "[1]", '{"safemode": false, "database.port": "many"}'])
    def test_a_faulty_file_is_an_error_and_is_applied_in_no_part(self, project, content):
        write(project, content)
        with pytest.raises(ConfigFileError, match="Failed to load config from"):
            create_config()
        cfg = Config()
        with pytest.raises(ConfigFileError):
            cfg.load(project / "datajoint.json")
        assert cfg.safemode is True

    def test_a_faulty_file_does_not_show_secrets(self, project):
        write(project, {"database.password": ["hush"]})
        with pytest.raises(ConfigFileError) as caught:
            create_config()
        assert "hush" not in str(caught.value)

    def test_load_keeps_groups_and_refuses_missing_files(self, project):
        cfg = Config()
        group = cfg.database
        write(project, {"database.host": "db.lab"})
        cfg.load(project / "datajoint.json")
        assert group.host == "db.lab"
        assert group.is_set("host")
        with pytest.raises(FileNotFoundError):
            cfg.load(project / "absent.json")

    def test_load_leaves_what_the_file_does_not_say(self, project, monkeypatch):
        monkeypatch.setenv("DJ_HOST", "env.lab")
        monkeypatch.setenv("DJ_USER", "me")
        cfg = create_config()
        cfg.database.host = "mine"
        write(project, {"database.user": "filed", "safemode": False})
        cfg.load("datajoint.json")
        assert (cfg.database.host, cfg.database.user, cfg.safemode) == ("mine", "me", False)

    def test_reload_forgets_assignments(self, project):
        write(project, {"display.limit": 5})
        cfg = create_config()
        cfg.display.limit, cfg.safemode = 9, False
        write(project, {"display.limit": 6})
        cfg.reload()
        assert (cfg.display.limit, cfg.safemode) == (6, True)

    def test_the_level_of_the_log_is_honoured(self, project):
        write(project, {"loglevel": "warning"})
        cfg = Config()
        cfg.load("datajoint.json")
        assert logger.level == 30


class TestEnvironment:
    @pytest.mark.parametrize(
        ("variable", "text", "key", "value"),
        [
            ("DJ_HOST", "env.lab", "database.host", "env.lab"),
            ("dj_user", "me", "database.user", "me"),
            ("DJ_PASS", "hush", "database.password", "hush"),
            ("DJ_SAFEMODE", "no", "safemode", False),
            ("DJ_USE_TLS", "false", "database.use_tls", False),
            ("DJ_USE_TLS", '{"ca": "/ca.pem"}', "database.use_tls", {"ca": "/ca.pem"}),
            ("DJ_JOBS_STALE_TIMEOUT", "5", "jobs.stale_timeout", 5),
            ("DJ_DISPLAY_LIMIT", "7", "display.limit", 7),
            ("DJ_LOG_LEVEL", "debug", "loglevel", "DEBUG"),
            ("DJ_STORES", '{"a": {"protocol": "file"}}', "stores", {"a": {"protocol": "file"}}),
            ("DJ_PROVENANCE_SOURCE", '{"rig": 2}', "provenance.source", {"rig": 2}),
        ],
    )
    def test_beats_the_file(self, project, monkeypatch, variable, text, key, value):
        other = {"safemode": True, "stores": {"b": {}}, "loglevel": "ERROR", "provenance.source": {"rig": 1}}
        write(
            project,
            {key: other.get(key, 1 if isinstance(value, int) and not isinstance(value, bool) else None)}
            if key in other
            else {},
        )
        monkeypatch.setenv(variable, text)
        assert create_config()[key] == value
        assert Config()[key] == value

    def test_bare_names_are_not_read(self, monkeypatch):
        for name in ("LIMIT", "WIDTH", "CHARSET", "SHOW_TUPLE_COUNT", "DJ_DATABASE", "DJ_DISPLAY", "SAFEMODE"):
            monkeypatch.setenv(name, "0")
        assert Config() == Config.model_validate({})
        assert Config().display.limit == 12

    def test_an_empty_variable_is_weaker_than_the_file(self, project, monkeypatch):
        write(project, {"database.host": "db.lab"})
        monkeypatch.setenv("DJ_HOST", "")
        assert create_config().database.host == "db.lab"

    def test_a_bad_value_is_refused(self, monkeypatch):
        monkeypatch.setenv("DJ_PORT", "")
        with pytest.raises(pydantic.ValidationError):
            Config()

    @pytest.mark.parametrize(
        ("text", "message"), [("{", "DJ_STORES.*invalid JSON"), ("[]", "^DJ_STORES must be a JSON object")]
    )
    def test_stores_must_be_an_object(self, monkeypatch, text, message):
        monkeypatch.setenv("DJ_STORES", text)
        with pytest.raises(ValueError, match=message):
            create_config()

    def test_an_unknown_level_is_warned_about(self, monkeypatch):
        monkeypatch.setenv("DJ_LOG_LEVEL", "loud")
        with pytest.warns(UserWarning, match="loud"):
            assert Config().loglevel == "INFO"


class TestSecrets:
    def test_fill_what_is_unset(self, project):
        secrets = project / ".secrets"
        secrets.mkdir()
        for name, text in {
            "database.user": "me\n",
            "database.password": " hush ",
            "stores.main.secret_key": "key",
            "stores.main.bucket": "theirs",
            "stores.a.b.c": "ignored",
            ".hidden": "ignored",
        }.items():
            (secrets / name).write_text(text)
        write(project, {"database.user": "filed", "stores": {"main": {"protocol": "s3", "bucket": "mine"}}})
        cfg = create_config()
        assert (cfg.database.user, cfg["database.password"]) == ("filed", "hush")
        assert cfg.stores == {"main": {"protocol": "s3", "bucket": "mine", "secret_key": "key"}}

    def test_a_settings_file_among_the_secrets(self, project):
        (project / ".secrets").mkdir()
        write(project / ".secrets", {"database": {"user": "me", "password": "hush"}})
        cfg = create_config()
        assert (cfg.database.user, cfg["database.password"]) == ("me", "hush")

    def test_where_they_are(self, project, tmp_path):
        assert find_secrets_dir(project / "datajoint.json") is None
        (project / ".secrets").mkdir()
        assert find_secrets_dir(project / "datajoint.json") == project / ".secrets"
        assert find_secrets_dir() == project / ".secrets"
        assert read_secret_file(None, "x") is None
        assert read_secret_file(project, "x") is None
