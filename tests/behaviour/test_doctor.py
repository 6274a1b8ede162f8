"""The doctor on every engine: what it finds, and that it finds what is wrong."""

from __future__ import annotations

import json
import os

import pytest

import datajoint as dj
from datajoint.backends.findings import clock, size
from datajoint.doctor import Finding, examine
from datajoint.settings.model import create_config
from datajoint.sql import Sql


def by_topic(report, topic):
    return [finding for finding in report.findings if finding.topic == topic]


def test_a_healthy_database(schema, connection, settings):
    schema(type("Thing", (dj.Manual,), {"definition": "n : int8"}))
    report = examine(settings, connection)
    for topic in ("connection", "time zone", "collation", "privileges", "python", "pymysql"):
        assert by_topic(report, topic), topic
    assert by_topic(report, schema.database) == [Finding(schema.database, "1 table, lineage recorded")]
    assert list(report.sections) == ["settings", "packages", "database", "schemas"]
    # other tests' schemas on the same server are in the report too
    assert not [f for f in report.findings if f.level == "wrong" and f.topic != "storage engine"], str(report)
    assert connection.is_connected


def test_missing_lineage_is_named(schema, connection, settings):
    for name in ("One", "Two"):
        schema(type(name, (dj.Manual,), {"definition": "n : int8"}))
    from datajoint.definition import TableName

    lineage = TableName(schema.database, "~lineage")
    connection.execute(Sql("DELETE FROM ", lineage.identifier, " WHERE table_name = 'two'"))
    connection.forget_catalog()
    (finding,) = by_topic(examine(settings, connection), schema.database)
    assert finding.level == "note"
    assert "no lineage recorded for two" in finding.text
    assert "rebuild_lineage" in finding.remedy
    schema.rebuild_lineage()
    assert "lineage recorded" in by_topic(examine(settings, connection), schema.database)[0].text


def test_legacy_collations_are_listed(connection, new_schema_name, engine, settings):
    if engine not in {"mysql", "mariadb"}:
        pytest.skip("there is one collation")
    old, mixed = new_schema_name("old"), new_schema_name("mixed")
    connection.query(f"CREATE DATABASE `{old}` CHARACTER SET latin1 COLLATE latin1_swedish_ci")
    connection.query(f"CREATE DATABASE `{mixed}` CHARACTER SET latin1 COLLATE latin1_swedish_ci")
    made = dj.Schema(old, connection=connection)
    made(type("Subject", (dj.Manual,), {"definition": "name : varchar(10)\n---\nsex : enum('f','m')\nn : int8"}))
    connection.query(f"CREATE TABLE `{old}`.plain (n int) ENGINE = MyISAM")
    connection.forget_catalog()
    report = examine(settings, connection)
    found = {finding.text.split(" ")[0]: finding for finding in by_topic(report, "collation")}
    assert "2 attributes by latin1_swedish_ci" in found[old].text
    assert "future tables" in found[mixed].text
    assert all(found[name].level == "note" and found[name].remedy for name in (old, mixed))
    (engine_fault,) = [finding for finding in by_topic(report, "storage engine") if old in finding.text]
    assert engine_fault.level == "wrong"
    assert f"{old}.plain is in MyISAM" in engine_fault.text
    assert not report.ok


def test_the_session_clock_is_judged(new_connection, engine, settings):
    if engine == "sqlite":
        pytest.skip("always UTC")
    settings.database.time_zone = "+02:00" if engine != "postgresql" else "Etc/GMT-2"
    (finding,) = by_topic(examine(settings, new_connection()), "time zone")
    assert finding.level == "note"
    assert "+02:00 from UTC" in finding.text


def test_a_damaged_or_inconsistent_file_is_found(connection, engine, settings, schema):
    if engine != "sqlite":
        pytest.skip("servers keep their own files")
    parent = schema(type("One", (dj.Manual,), {"definition": "n : int8"}))
    schema(type("Two", (dj.Manual,), {"definition": "-> One"}), context={"One": parent})
    connection.query("PRAGMA foreign_keys = OFF")
    connection.query(f"INSERT INTO `{schema.database}.two` VALUES (1)")
    report = examine(settings, connection)
    assert not report.ok
    assert "refer to rows that do not exist" in by_topic(report, "soundness")[0].text


def test_a_file_that_may_not_be_written(new_connection, connection, engine, settings, url):
    if engine != "sqlite" or os.geteuid() == 0:
        pytest.skip("needs a file, and a user whom permissions bind")
    connection.close()
    from pathlib import Path

    path = Path(url.removeprefix("sqlite:///"))
    path.chmod(0o400)
    report = examine(settings, new_connection())
    assert "may not be written" in by_topic(report, "privileges")[0].text


def test_a_connection_that_fails_is_a_finding(settings, engine, tmp_path):
    settings.database.url = (
        "sqlite:////no/such/folder/x.db" if engine == "sqlite" else f"{engine}://me:hush@127.0.0.1:1/"
    )
    report = examine(settings)
    if engine == "sqlite":
        assert "does not exist yet" in str(report)
    else:
        assert not report.ok
        assert "127.0.0.1:1" in str(report)
    assert "hush" not in str(report)


def test_stores_are_examined(settings, connection, tmp_path):
    settings.stores = {
        "here": {"protocol": "file", "location": str(tmp_path)},
        "gone": {"protocol": "file", "location": str(tmp_path / "gone")},
        "bad": {"protocol": "ftp"},
    }
    report = examine(settings, connection)
    levels = {name: by_topic(report, f"stores.{name}")[0].level for name in ("here", "gone", "bad")}
    assert levels == {"here": "ok", "gone": "note", "bad": "wrong"}


@pytest.mark.parametrize(("seconds", "text"), [(7200, "+02:00"), (-12600, "-03:30")])
def test_clocks(seconds, text):
    assert text in clock(seconds, "X").text


def test_sizes():
    assert [size(n) for n in (5, 1024, 1536, 2**40)] == ["5 bytes", "1 KiB", "1.5 KiB", "1.0 TiB"]


def test_who_names_another_database_is_told(connection, engine, tmp_path, monkeypatch, url):
    file = tmp_path / "datajoint.json"
    place = {"database": {"path": "elsewhere.db"} if engine == "sqlite" else {"host": "db.lab", "user": "me"}}
    file.write_text(json.dumps(place))
    monkeypatch.setenv("DJ_DATABASE_PATH" if engine == "sqlite" else "DJ_HOST", "other")
    monkeypatch.setenv("DJ_PASS", "hush")
    monkeypatch.setenv("DJ_CONFIG_FILE", str(file))
    monkeypatch.delenv("DJ_IGNORE_CONFIG_FILE", raising=False)
    settings = create_config()
    report = examine(settings, connection)
    topic = "database.path" if engine == "sqlite" else "database.host"
    said = [finding.text for finding in by_topic(report, topic) if finding.level == "note"]
    assert len(said) == 1
    assert said[0].startswith("other (environment variable DJ_")
    assert f"but {file} says {'elsewhere.db' if engine == 'sqlite' else 'db.lab'}" in said[0]
    (note, _) = by_topic(report, "connection")
    assert note.level == "note"
    assert connection.address in note.text
    assert "hush" not in str(report)
    # A connection that is as the settings say needs no word.
    settings.database.url = url
    assert len(by_topic(examine(settings, connection), "connection")) == 1
