"""The command line: arguments, the shell with its names, one command, the doctor's exit code."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import datajoint as dj
from datajoint import cli as cli_function
from datajoint.cli import cli
from datajoint.settings import process_config


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """Two schemas in a file that the working directory's settings choose."""
    monkeypatch.chdir(tmp_path)
    with dj.Instance(f"sqlite:///{tmp_path / 'datajoint.db'}") as instance:
        for name in ("lab", "rig"):
            schema = instance.Schema(name)
            schema(type("Thing", (dj.Manual,), {"definition": "n : int8"})).insert1({"n": 1})
    return tmp_path


def dj_command(*words, cwd, stdin="", **environment):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("DJ_")}
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "datajoint.cli", *words],
        capture_output=True, text=True, cwd=cwd, input=stdin, env=clean | environment, check=False,
    )  # fmt: skip


def test_the_function_is_public():
    assert cli_function is cli
    assert callable(dj.cli)


def test_version(capsys):
    with pytest.raises(SystemExit) as caught:
        cli(["-V"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"datajoint {dj.__version__}\n"


def test_help(capsys):
    with pytest.raises(SystemExit) as caught:
        cli(["--help"])
    assert caught.value.code == 0
    assert "doctor" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-s", "lab"], "'lab' is not DB:ALIAS"),
        (["-s", "lab:1x"], "not DB:ALIAS"),
        (["-s", ":x"], "not DB:ALIAS"),
        (["--port", "many"], "'many' is no port"),
        (["--port", "70000"], "1 to 65535"),
        (["--backend", "oracle"], "Supported are sqlite"),
        (["--host", "db:many"], "host 'db:many' cannot be read"),
        (["--host", ""], "host is empty"),
        (["cure"], "invalid choice"),
    ],
)
def test_arguments_are_checked(capsys, words, message):
    with pytest.raises(SystemExit) as caught:
        cli(words)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


@pytest.fixture
def restored():
    cfg = process_config()
    with cfg.override(database={name: getattr(cfg.database, name) for name in ("host", "user", "password", "url")}):
        yield cfg


def test_what_is_given_becomes_a_setting(restored, monkeypatch):
    monkeypatch.setattr("code.interact", lambda *_, **__: None)
    restored.database.url, restored.database.backend = "sqlite:///x.db", "sqlite"
    with pytest.raises(SystemExit):
        cli(["-u", "me", "-p", "hush", "--host", "db.lab:3307", "--port", "3308"])
    database = restored.database
    assert (database.user, database.host, database.port, database.backend) == ("me", "db.lab:3307", 3308, None)
    assert (restored["database.password"], database.url) == ("hush", None)
    with pytest.raises(SystemExit):
        cli(["--host", "mysql://me:hush@db/", "--backend", "MariaDB"])
    assert (restored["database.url"], database.backend) == ("mysql://me:hush@db/", "mariadb")
    del restored["database.port"], restored["database.backend"]


def test_a_password_is_asked_for(restored, monkeypatch):
    monkeypatch.setattr("code.interact", lambda *_, **__: None)
    monkeypatch.setattr("getpass.getpass", lambda prompt: "typed")
    with pytest.raises(SystemExit):
        cli(["-p", "-u", "me"])
    assert restored["database.password"] == "typed"


def test_the_shell_reads_commands(lab):
    done = dj_command(
        "-s", "lab:a", "-s", "rig:b", cwd=lab, stdin="print('rows', len(a.Thing()), len(b.Thing()), dj.__name__)\n"
    )
    assert done.returncode == 0, done.stderr
    assert "rows 1 1 datajoint" in done.stdout
    for line in (" REPL", "Loaded schemas:", "  a -> lab", "  b -> rig"):
        assert line in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_one_command(lab):
    done = dj_command(
        "-s", "lab:a", "rig:b", "-c", "import sys; print(a.Thing.fetch1('n') + len(b.Thing())); sys.exit(3)", cwd=lab
    )
    assert done.stdout.splitlines()[-1] == "2"
    assert done.returncode == 3
    done = dj_command("-c", "1 / 0", cwd=lab)
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr


def test_nothing_is_opened_unless_asked(tmp_path):
    done = dj_command(cwd=tmp_path, stdin="print(1 + 1)\n")
    assert "2" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_missing_schema_is_told_without_a_traceback(lab):
    done = dj_command("-s", "lob:a", cwd=lab)
    assert done.returncode == 1
    assert done.stderr.startswith("dj: Schema `lob` has not yet been declared")
    assert "Traceback" not in done.stderr


def test_a_faulty_settings_file_is_told_without_a_traceback(tmp_path):
    (tmp_path / "datajoint.json").write_text('{"database.port": "many"}')
    done = dj_command("doctor", cwd=tmp_path)
    assert done.returncode == 1
    assert "database.port" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_doctor(lab):
    (lab / "datajoint.json").write_text('{"display.limit": 5, "database.password": "hush"}')
    done = dj_command("doctor", cwd=lab, DJ_SAFEMOD="1")
    assert done.returncode == 0, done.stdout + done.stderr
    for text in (
        f"display.limit: 5 (file {lab / 'datajoint.json'})",
        "DJ_SAFEMOD is set",
        "Did you mean 'DJ_SAFEMODE'",
        "lab: 1 table, lineage recorded",
        "Nothing is wrong",
        "the password is in",
    ):
        assert text in done.stdout
    assert "hush" not in done.stdout + done.stderr
    done = dj_command("doctor", "--host", "db.invalid", "-u", "me", "-p", "hush", cwd=lab)
    assert done.returncode == 1
    assert "WRONG connection: Cannot reach a MySQL server at db.invalid" in done.stdout
    assert "hush" not in done.stdout + done.stderr


def test_the_doctor_makes_no_database(tmp_path):
    done = dj_command("doctor", cwd=tmp_path)
    assert done.returncode == 0
    assert "does not exist yet" in done.stdout
    assert list(tmp_path.iterdir()) == []
