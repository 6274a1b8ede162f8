"""Rows that enter from outside record where they come from, in a column that nobody sees."""

from __future__ import annotations

import datetime as dt
import json
import logging
import subprocess

import pytest

import datajoint as dj
from datajoint import code_version, provenance
from datajoint.definition import TableName
from datajoint.sql.fragment import Sql

ENTRY = "a : int32\n---\nd = null : date"


@pytest.fixture
def capturing(schema):
    settings = schema.connection.settings
    with settings.override(provenance__capture=True):
        yield settings


def declare(schema, name, base=dj.Manual, context=None, **content):
    return schema(type(base)(name, (base,), {"__module__": __name__, **content}), context=context or {})


def recorded(table):
    """Return what the rows have recorded, by key."""
    name = TableName(table.database, table.table_name)
    rows = table.connection.execute(Sql("SELECT a, ", Sql(provenance.PROV_ATTRIBUTE), " FROM ", name.identifier)).rows
    return {a: json.loads(p) if isinstance(p, str) else p for a, p in rows}


def test_every_way_in_records(schema, capturing):
    entry = declare(schema, "Entry", definition=ENTRY)
    before = dt.datetime.now(dt.UTC)
    entry.insert1({"a": 1})
    entry.insert([{"a": n} for n in range(2, 30)])
    entry.insert([{"a": 30, "d": None}, {"a": 1, "d": None}], skip_duplicates=True)
    entry.insert([{"a": 31}], skip_duplicates="match")
    entry.insert1({"a": 2, "d": "2020-02-29"}, replace=True)
    with entry.batch():
        entry.insert1({"a": 32})
    found = recorded(entry)
    assert set(found) == set(range(1, 33))
    for origin in found.values():
        assert before <= dt.datetime.fromisoformat(origin["time"]) <= dt.datetime.now(dt.UTC)
        assert origin["agent"]["user"]
        assert set(origin) == {"time", "agent"}
        assert set(origin["agent"]) <= {"user", "host", "database_name"}


def test_nobody_sees_it(schema, capturing):
    entry = declare(schema, "Entry", definition=ENTRY)
    entry.insert1({"a": 1})
    assert entry.heading.names == ["a", "d"]
    assert entry.fetch1() == {"a": 1, "d": None}
    with pytest.raises(KeyError, match="not in the table heading"):
        entry.insert1({"a": 2, "_prov": {}})
    entry.insert1({"a": 2, "_prov": {}}, ignore_extra_fields=True)
    assert "agent" in recorded(entry)[2]


def test_the_source_is_kept(schema, capturing):
    entry = declare(schema, "Entry", definition=ENTRY)
    with capturing.override(provenance__source={"paper": 7, "when": "é"}):
        entry.insert1({"a": 1})
    assert recorded(entry)[1]["source"] == {"paper": 7, "when": "é"}


def test_the_version_of_the_code_is_kept(schema, capturing, tmp_path, monkeypatch):
    def git(*words):
        subprocess.run(["git", "-c", "user.name=n", "-c", "user.email=e@x", *words], cwd=tmp_path, check=True)

    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "x")
    monkeypatch.chdir(tmp_path)
    entry = declare(schema, "Entry", definition=ENTRY)
    with capturing.override(jobs__version_method="git"):
        entry.insert1({"a": 1})
    version = recorded(entry)[1]["version"]
    assert version == code_version.code_version("git")
    assert 7 <= len(version) <= 64
    assert code_version.code_version("none") == ""


def test_what_is_made_tells_for_what(schema, capturing):
    entry = declare(schema, "Entry", definition="a : int32\nwhen : datetime(3)")
    note = declare(schema, "Note", definition="a : int32")

    def make(self, key):
        note.insert1({"a": key["a"]})
        self.insert1(key)

    made = declare(schema, "Made", dj.Computed, {"Entry": entry}, definition="-> Entry", make=make)
    entry.insert1({"a": 5, "when": "2020-02-29 12:00:00.5"})
    made.populate()
    assert recorded(note)[5]["context"] == {
        "table": made.full_table_name,
        "key": {"a": 5, "when": "2020-02-29T12:00:00.500000"},
    }
    note.insert1({"a": 6})
    assert "context" not in recorded(note)[6]
    assert provenance.PROV_ATTRIBUTE not in made.heading._attributes


def test_a_copy_keeps_its_origin(schema, capturing):
    entry = declare(schema, "Entry", definition=ENTRY)
    copy = declare(schema, "Copy", definition=ENTRY)
    with capturing.override(provenance__source={"n": 1}):
        entry.insert([{"a": 1}, {"a": 2}])
    copy.insert(entry & {"a": 1})
    copy.insert(entry.proj("d") & {"a": 2})
    assert recorded(copy) == recorded(entry)
    computed = declare(schema, "Computed", definition=ENTRY)
    computed.insert(dj.U("a").aggr(entry, d="max(d)"))
    assert recorded(computed) == {1: None, 2: None}


def test_only_where_asked(schema, capturing):
    entry = declare(schema, "Entry", definition=ENTRY)
    lookup = declare(schema, "Kind", dj.Lookup, definition=ENTRY, contents=[{"a": 1}])
    assert provenance.PROV_ATTRIBUTE not in lookup.heading._attributes
    with capturing.override(provenance__capture=False):
        entry.insert1({"a": 1})
        plain = declare(schema, "Plain", definition=ENTRY)
    plain.insert1({"a": 1})
    assert recorded(entry) == {1: None}
    assert provenance.PROV_ATTRIBUTE not in plain.heading._attributes


def test_a_failure_keeps_no_row_out(schema, capturing, monkeypatch, caplog):
    entry = declare(schema, "Entry", definition=ENTRY)

    def broken(*_):
        raise RuntimeError("no idea")

    monkeypatch.setattr("datajoint.table.provenance._known", broken)
    with caplog.at_level(logging.WARNING, "datajoint"):
        entry.insert1({"a": 1})
    assert "could not be recorded: no idea" in caplog.text
    assert recorded(entry) == {1: None}
