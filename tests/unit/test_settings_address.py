"""Which engine and which place: settings, hosts, URLs."""

from __future__ import annotations

import logging

import pytest

from datajoint.backends.address import split_host, target_from_settings
from datajoint.errors import DataJointError
from datajoint.settings import Config


@pytest.fixture
def cfg(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Config()


def target(cfg, **arguments):
    return target_from_settings(cfg, **arguments)


class TestEngine:
    def test_nothing_configured_means_a_file_and_says_so_once(self, cfg, tmp_path, caplog):
        with caplog.at_level(logging.INFO, "datajoint"):
            found = target(cfg)
        assert (found.backend, found.path) == ("sqlite", str(tmp_path / "datajoint.db"))
        assert [record.message for record in caplog.records] == [
            f"No database server is configured: using the SQLite file {tmp_path / 'datajoint.db'}"
        ]

    @pytest.mark.parametrize("key", ["host", "user"])
    def test_a_host_or_user_means_mysql(self, cfg, key):
        cfg[f"database.{key}"] = "db.lab"
        cfg.update({"database__user": "me", "database__password": "pw"})
        assert target(cfg).backend == "mysql"
        assert target(cfg).port == 3306

    def test_a_host_argument_means_mysql(self, cfg):
        assert target(cfg, host="db.lab", user="me", password="pw").host == "db.lab"

    def test_an_explicit_backend_wins(self, cfg):
        cfg.update({"database__user": "me", "database__password": "pw", "database__backend": "postgresql"})
        assert target(cfg).backend == "postgresql"
        assert target(cfg).port == 5432
        assert target(cfg, backend="mysql").backend == "mysql"
        assert target(cfg, backend="sqlite").path.endswith("datajoint.db")

    def test_a_host_argument_beats_a_configured_file(self, cfg):
        cfg.database.backend = "sqlite"
        assert target(cfg, host="db.lab", user="me", password="pw").backend == "mysql"

    @pytest.mark.parametrize(("missing", "variable"), [("user", "DJ_USER"), ("password", "DJ_PASS")])
    def test_missing_credentials_are_named(self, cfg, missing, variable):
        given = {"host": "db.lab", "user": "me", "password": "pw"} | {missing: None}
        with pytest.raises(DataJointError, match=variable):
            target(cfg, **given)

    def test_an_unknown_backend_is_refused(self, cfg):
        with pytest.raises(ValueError, match="Unknown database backend 'oracle'"):
            target(cfg, backend="oracle")


class TestHost:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("db.lab", ("db.lab", None, None)),
            ("db.lab:3307", ("db.lab", 3307, None)),
            ("[::1]:3307", ("::1", 3307, None)),
            ("::1", ("::1", None, None)),
            ("/run/mysqld.sock", ("localhost", None, "/run/mysqld.sock")),
        ],
    )
    def test_forms(self, text, expected):
        assert tuple(split_host(text)) == expected

    def test_a_bad_port_is_refused(self):
        with pytest.raises(DataJointError, match="cannot be read"):
            split_host("db.lab:many")

    def test_the_written_port_wins(self, cfg):
        cfg.database.port = 1
        given = {"user": "me", "password": "pw"}
        assert target(cfg, host="db.lab:2", port=3, **given).port == 2
        assert target(cfg, host="db.lab", port=3, **given).port == 3
        assert target(cfg, host="db.lab", **given).port == 1


class TestURL:
    def test_sqlite(self, cfg, tmp_path):
        assert target(cfg, host="sqlite:///lab.db").path == str(tmp_path / "lab.db")
        assert target(cfg, host="sqlite:////data/lab.db").path == "/data/lab.db"
        assert target(cfg, host="sqlite:///:memory:").path == ":memory:"
        assert target(cfg, host="sqlite:///lab.db?read_only=1").read_only is True

    def test_servers(self, cfg):
        found = target(cfg, host="mysql://me:p%40ss@db.lab:3307/")
        assert (found.backend, found.user, found.password, found.host, found.port) == (
            "mysql",
            "me",
            "p@ss",
            "db.lab",
            3307,
        )
        found = target(cfg, host="postgresql://me:pw@[::1]/lab")
        assert (found.backend, found.host, found.port, found.database) == ("postgresql", "::1", 5432, "lab")
        assert target(cfg, host="mariadb://me:pw@db.lab/").backend in ("mysql", "mariadb")

    def test_a_relative_file_in_the_settings_starts_from_the_project(self, cfg, tmp_path):
        (tmp_path / "sub").mkdir()
        (tmp_path / "sub" / "datajoint.json").write_text('{"database.url": "sqlite:///lab.db"}')
        cfg.load(tmp_path / "sub" / "datajoint.json")
        assert target(cfg).path == str(tmp_path / "sub" / "lab.db")

    def test_what_a_url_leaves_out_comes_from_the_settings(self, cfg):
        cfg.update({"database__password": "pw", "database__use_tls": False, "connection__charset": "latin1"})
        found = target(cfg, host="mysql://me@db.lab/")
        assert (found.password, found.use_tls, found.charset) == ("pw", False, "latin1")

    @pytest.mark.parametrize(
        "url",
        [
            "sqlite://lab.db",
            "oracle://me:secret@x/",
            "mysql://db.lab/",
            "mysql://me:secret@x:many/",
            "sqlite:///x?readonly=1",
        ],
    )
    def test_bad_ones_are_refused_without_their_password(self, cfg, url):
        with pytest.raises(DataJointError) as caught:
            target(cfg, host=url)
        assert "secret" not in str(caught.value)

    def test_a_target_hides_its_password(self, cfg):
        assert "hush" not in repr(target(cfg, host="mysql://me:hush@db.lab/"))
