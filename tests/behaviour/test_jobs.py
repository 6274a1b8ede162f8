"""The queue of a table: what it holds, who gets what, and what becomes of it."""

from __future__ import annotations

import datetime as dt
import logging
import os
import re
import signal
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path

import pytest

import datajoint as dj
from datajoint import events
from datajoint.jobs import ERROR_MESSAGE_LENGTH, TRUNCATION_APPENDIX
from datajoint.jobs.worker import Worker

ALL = {"success_count": 6, "error_list": []}
NONE = {"success_count": 0, "error_list": []}


@pytest.fixture
def S(schema):
    @schema
    class S(dj.Manual):
        definition = """
        i : int32
        ---
        v=0 : int32
        """

    S.insert({"i": i, "v": 10 * i} for i in range(6))
    return S


@pytest.fixture
def computed(schema, S):
    """Make a computed table out of a few functions."""

    def make_table(**namespace):
        table = type("K", (dj.Computed,), {"definition": "-> S\n---\nr : int32", **namespace})
        return schema(table, context={"S": S})

    return make_table


@pytest.fixture
def made():
    """The keys that were made, in order."""
    return []


@pytest.fixture
def K(computed, made):
    def make(self, key):
        made.append(key["i"])
        self.insert1({**key, "r": key["i"] + 1})

    return computed(make=make)


@pytest.fixture
def heard(connection):
    found = []
    with connection.events.subscribe(found.append):
        yield found


def counts(table, **expected):
    wanted = {"pending": 0, "reserved": 0, "success": 0, "error": 0, "ignore": 0, **expected}
    return table.jobs.progress() == {**wanted, "total": sum(wanted.values())}


# --- the table
def test_definition_has_the_declared_types_of_the_key(schema):
    @schema
    class A(dj.Manual):
        definition = """
        u : uuid
        kind : enum('red', 'green')
        """

    @schema
    class B(dj.Computed):
        definition = "-> A.proj(v='u')\n"

        def make(self, key):
            self.insert1(key)

    definition = B.jobs.definition
    assert re.search(r"^\s*v : uuid$", definition, re.MULTILINE)
    assert "binary" not in definition
    assert "status : enum('pending', 'reserved', 'success', 'error', 'ignore')" in definition
    assert B.jobs.heading["v"].original_type == "uuid"
    assert B.jobs.primary_key == ["v", "kind"]
    assert B.jobs.table_name == "~~b"
    assert B.jobs.is_declared
    A.insert([{"u": uuid.UUID(int=n), "kind": kind} for n in range(3) for kind in ("red", "green")])
    assert B.jobs.refresh()["added"] == 6
    assert B.populate(reserve_jobs=True, refresh=False)["success_count"] == 6
    assert not B.jobs


def test_it_is_hidden_and_goes_with_its_table(schema, K, connection):
    assert schema.jobs == []
    K.jobs.refresh()
    assert [type(jobs) for jobs in schema.jobs] == [dj.Job]
    assert schema.jobs[0].refresh()["added"] == 0
    assert not any("~" in name for name in schema.list_tables())
    K.populate(reserve_jobs=True)
    assert not any("~" in name for name in schema.list_tables())
    K.drop(prompt=False)
    catalog = connection.catalog(schema.database)
    assert not [name for name in catalog.tables if name.startswith("~~")]


def test_tables_with_the_same_key_have_queues_of_their_own(schema, S, K):
    class L(dj.Computed):
        definition = "-> S"

        def make(self, key):
            self.insert1(key)

    schema(L, context={"S": S})
    K.jobs.refresh("i < 2")
    L.jobs.refresh()
    assert (K.jobs.progress()["pending"], L.jobs.progress()["pending"]) == (2, 6)
    for table in (K, L):
        table.jobs.reserve({"i": 1})
        assert table.jobs.reserved.fetch1("i") == 1
        table.jobs.error({"i": 1}, f"of {table.__name__}")
    assert [table.jobs.errors.fetch1("error_message") for table in (K, L)] == ["of K", "of L"]


def test_a_schema_without_classes_has_queues_too(schema, K, connection):
    K.jobs.refresh()
    (jobs,) = dj.Schema(schema.database, connection=connection).jobs
    assert jobs.progress()["pending"] == len(jobs.pending) == 6
    with pytest.raises(dj.DataJointError, match="class of .* is not known"):
        jobs.refresh()


def test_creation_inside_a_transaction_is_refused(K, connection):
    with pytest.raises(dj.DataJointError, match="inside a transaction"):
        with connection.transaction:
            K.jobs


def test_key_of_its_own_attributes(schema, S, caplog):
    @schema
    class N(dj.Computed):
        definition = """
        -> S
        n : int32
        ---
        r : int32
        """

        def make(self, key):
            self.insert({**key, "n": n, "r": n} for n in range(2))

    with caplog.at_level(logging.WARNING, "datajoint"):
        assert N.jobs.primary_key == ["i"]
    assert "Ignoring non-FK primary key attribute 'n'" in caplog.text
    assert N.populate(reserve_jobs=True) == ALL
    assert N.progress() == (0, 6)
    assert len(N()) == 12


def test_no_key_no_queue(schema, S):
    @schema
    class W(dj.Computed):
        definition = """
        w : int32
        ---
        -> S
        """
        key_source = S

        def make(self, key):
            self.insert1({**key, "w": key["i"]})

    with pytest.raises(dj.DataJointError, match="no FK-derived primary key attributes found"):
        W.jobs


@pytest.mark.parametrize("name", ["user", "priority", "status", "host"])
def test_key_named_like_the_bookkeeping(schema, name, settings):
    @schema
    class A(dj.Manual):
        definition = f"{name} : varchar(10)"

    @schema
    class B(dj.Computed):
        definition = "-> A\n"

        def make(self, key):
            if key[name] == "bad":
                raise ValueError("bad")
            self.insert1(key)

    A.insert({name: value} for value in ("ann", "bob", "bad"))
    assert B.jobs.refresh() == {"added": 3, "removed": 0, "orphaned": 0, "re_pended": 0}
    assert B.jobs.refresh()["added"] == 0
    assert B.jobs.reserve({name: "ann"})
    assert not B.jobs.reserve({name: "ann"})
    assert B.jobs.progress()["reserved"] == 1
    B.jobs.complete({name: "ann"})
    assert B.populate(reserve_jobs=True, refresh=False, suppress_errors=True)["success_count"] == 1
    assert B.jobs.progress()["error"] == 1
    assert B.jobs.errors.fetch1(name) == "bad"


def test_a_table_of_another_tier_has_the_name(schema, S, connection):
    @schema
    class Other(dj.Manual):
        definition = "o : int32"

    @schema
    class Twin(dj.Imported):
        definition = "-> S"

        def make(self, key):
            self.insert1(key)

    Twin.jobs.refresh()
    other = type("Twin", (dj.Computed,), {"definition": "-> Other\n"})
    schema(other, context={"Other": Other})
    with pytest.raises(dj.DataJointError, match="belongs to a table that was called so before"):
        other.jobs


def test_a_table_without_status(K, schema, connection):
    """As DataJoint 2.3 leaves it on PostgreSQL when it drops the type that queues share."""
    jobs = K.jobs
    quoted = connection.dialect.quote(jobs.name.identifier)
    if connection.dialect.name == "sqlite":
        pytest.skip("a column with a CHECK cannot be dropped there")
    statement = f"ALTER TABLE {quoted} DROP COLUMN status"
    connection.query(statement)
    connection.forget_catalog()
    with pytest.raises(dj.DataJointError, match="has no column for the status"):
        K.jobs
    dj.Job(K()).drop()
    assert K.jobs.refresh()["added"] == 6


# --- refresh
def test_refresh_adds_each_key_once(K):
    assert K.jobs.refresh() == {"added": 6, "removed": 0, "orphaned": 0, "re_pended": 0}
    assert K.jobs.refresh()["added"] == 0
    assert counts(K, pending=6)
    assert K.jobs.reserve({"i": 0})


def test_a_secondary_attribute_that_sounds_like_one_of_ours(schema):
    @schema
    class A(dj.Manual):
        definition = """
        a : int32
        ---
        status : varchar(10)
        host : varchar(10)
        """

    @schema
    class B(dj.Computed):
        definition = "-> A\n"

        @property
        def key_source(self):
            return A()

        def make(self, key):
            self.insert1(key)

    A.insert1({"a": 1, "status": "x", "host": "y"})
    assert B.jobs.refresh()["added"] == 1
    with schema.connection.query_log() as log:
        assert B.jobs.refresh()["added"] == 0
    assert not [record for record in log if record.rows and record.text.startswith("INSERT")]


def test_delay_and_priority(K, made):
    K.jobs.refresh(delay=3600)
    assert not K.jobs.reserve({"i": 1})
    assert K.populate(reserve_jobs=True, refresh=False) == NONE
    assert K.jobs.explain({"i": 1}).state == "scheduled"
    K.jobs.delete()
    K.jobs.refresh({"i": 3}, priority=0)
    K.jobs.refresh()
    assert K.populate(reserve_jobs=True, priority=3, refresh=False)["success_count"] == 1
    assert K.populate(reserve_jobs=True, refresh=False)["success_count"] == 5
    assert made[0] == 3


def test_priority_of_added_jobs(K):
    K.populate({"i": 1}, reserve_jobs=True, priority=3, max_calls=0)
    assert K.jobs.fetch1("priority") == 3


def test_restricted(K, made):
    K.jobs.refresh()
    K.populate({"i": 1}, reserve_jobs=True, refresh=False)
    K.populate("v > 40", reserve_jobs=True, refresh=False)
    assert made == [1, 5]
    assert counts(K, pending=4)


def test_stale_jobs(K, S):
    K.jobs.refresh()
    K.jobs.ignore({"i": 5})
    for i in range(6):
        K.jobs.update1({"i": i, "created_time": dt.datetime(2000, 1, 1)})
    (S & "i > 2").delete_quick()
    assert K.jobs.refresh({"i": 0}, stale_timeout=1)["removed"] == 2
    assert counts(K, pending=3, ignore=1)


def test_cleanup_judges_by_all_keys(K, S):
    K.jobs.refresh("i < 4")
    assert K.jobs.reserve({"i": 1})
    assert K.jobs.reserve({"i": 2})
    K.jobs.error({"i": 2}, "oops")
    (S & {"i": 3}).delete_quick()
    for i in range(4):
        K.jobs.update1({"i": i, "created_time": dt.datetime(2000, 1, 1)})
    assert K.jobs.refresh({"i": 0}, stale_timeout=0)["removed"] == 0
    assert K.jobs.refresh({"i": 0})["removed"] == 1
    statuses = dict(zip(*K.jobs.to_arrays("i", "status"), strict=True))
    assert statuses == {0: "pending", 1: "reserved", 2: "error"}
    K.populate({"i": 0}, reserve_jobs=True)
    assert dict(zip(*K.jobs.to_arrays("i", "status"), strict=True)) == {1: "reserved", 2: "error"}


def test_completed_jobs_are_kept_and_done_again(K, S, settings):
    settings.jobs.keep_completed = True
    assert K.populate(reserve_jobs=True) == ALL
    assert counts(K, success=6)
    assert (K.jobs.completed.to_arrays("duration") >= 0).all()
    (K & {"i": 2}).delete(prompt=False)
    assert K.jobs.refresh() == {"added": 0, "removed": 0, "orphaned": 0, "re_pended": 1}
    row = (K.jobs & {"i": 2}).fetch1()
    assert (row["status"], row["reserved_time"], row["pid"], row["duration"]) == ("pending", None, 0, None)
    assert K.populate(reserve_jobs=True, refresh=False)["success_count"] == 1


def test_vanished_jobs_go_at_once(K, S, settings):
    settings.jobs.keep_completed = True
    K.populate("i < 3", reserve_jobs=True)
    K.jobs.refresh({"i": 3})
    K.jobs.error({"i": 3}, "oops")
    (K & {"i": 0}).delete_quick()
    (S & "i in (0, 3)").delete_quick()
    assert K.jobs.refresh("i < 3")["removed"] == 2
    assert dict(zip(*K.jobs.to_arrays("i", "status"), strict=True)) == {1: "success", 2: "success"}


# --- one job
def test_reserve_and_complete(K, connection):
    K.jobs.refresh()
    assert K.jobs.reserve({"i": 1, "more": "ignored"})
    assert not K.jobs.reserve({"i": 1})
    assert not K.jobs.reserve({"i": 77})
    row = K.jobs.reserved.fetch1()
    assert (row["pid"], row["connection_id"]) == (os.getpid(), connection.connection_id)
    assert row["host"] == os.uname().nodename
    assert row["user"] == connection.get_user()
    K.jobs.complete({"i": 1})
    assert len(K.jobs) == 5
    K.jobs.complete({"i": 1})


def test_complete_keeps(K, settings):
    K.jobs.refresh()
    settings.jobs.keep_completed = True
    K.jobs.complete({"i": 1}, duration=1.5)
    assert K.jobs.completed.fetch1("i", "duration") == (1, 1.5)
    for change in (K.jobs.complete, lambda key: K.jobs.error(key, "x")):
        with pytest.raises(dj.DataJointError, match="Update can only be applied to one existing entry"):
            change({"i": 77})


def test_class_level_handles(K):
    K.jobs.refresh()
    assert K.jobs is not K.jobs
    assert K.jobs.reserve({"i": 1})
    K.jobs.error({"i": 1}, "x")
    K.jobs.complete({"i": 2})
    K.jobs.update1({"i": 3, "created_time": dt.datetime(2001, 1, 1)})
    assert (K.jobs & {"i": 3}).fetch1("created_time") == dt.datetime(2001, 1, 1)
    (K.jobs & {"i": 4}).delete()
    assert K.jobs.errors.delete_quick(get_count=True) == 1
    assert len(K.jobs.keys(limit=2)) == 2
    K.jobs.drop_quick()
    assert len(K.jobs) == 0


def test_ignore(K, made, settings):
    settings.jobs.default_priority = 7
    K.jobs.ignore({"i": 1})
    K.jobs.ignore({"i": 1})
    assert K.jobs.ignored.fetch1("i", "priority") == (1, 7)
    K.jobs.refresh()
    K.jobs.ignore({"i": 2})
    K.jobs.error({"i": 3}, "oops")
    assert K.populate(reserve_jobs=True, refresh=False)["success_count"] == 3
    assert counts(K, ignore=2, error=1)
    assert K.populate()["success_count"] == 3, "a direct populate knows nothing of the queue"
    assert counts(K, ignore=2, error=1)


def test_a_long_message(K):
    K.jobs.refresh()
    K.jobs.error({"i": 1}, "ä" * 3000, "stack " * 15_000)
    message, stack = K.jobs.errors.fetch1("error_message", "error_stack")
    assert len(message) == ERROR_MESSAGE_LENGTH == 2047
    assert message.endswith(TRUNCATION_APPENDIX)
    assert stack == "stack " * 15_000


def test_a_key_that_lacks_something(K):
    with pytest.raises(dj.DataJointError, match="lacks i"):
        K.jobs.reserve({"j": 1})


def test_progress_without_a_table(K):
    assert dj.Job(K()).progress() == {"pending": 0, "reserved": 0, "success": 0, "error": 0, "ignore": 0, "total": 0}


# --- populate
def test_populate_through_the_queue(K, made, heard):
    assert K.populate(reserve_jobs=True) == ALL
    assert sorted(made) == list(range(6))
    assert counts(K)
    assert K.progress() == (0, 6)
    kinds = {type(event) for event in heard}
    assert {
        events.JobsRefreshed,
        events.KeyReserved,
        events.KeyStarted,
        events.KeySucceeded,
        events.PopulateFinished,
    } <= kinds
    assert [e.added for e in heard if isinstance(e, events.JobsRefreshed)] == [6]


def leases(schema):
    table = dj.FreeTable(schema.connection, f"{schema.database}.~dj_lease")
    return table.to_dicts()


def workers(schema):
    return dj.FreeTable(schema.connection, f"{schema.database}.~dj_worker").to_dicts()


def test_leases_end_with_the_jobs(K, schema):
    K.populate(reserve_jobs=True)
    assert leases(schema) == []
    (worker,) = workers(schema)
    assert (worker["state"], worker["pid"], worker["protocol"]) == ("stopped", os.getpid(), 1)


def test_at_most_so_many(K):
    assert K.populate(reserve_jobs=True, max_calls=2)["success_count"] == 2
    assert counts(K, pending=4)
    assert K.populate(reserve_jobs=True, max_calls=0) == NONE


def test_errors_stay_in_the_queue(computed, schema):
    def make(self, key):
        if key["i"] == 1:
            raise ValueError("boom")
        self.insert1({**key, "r": 1})

    K = computed(make=make)
    outcome = K.populate(reserve_jobs=True, suppress_errors=True)
    assert outcome == {"success_count": 5, "error_list": [({"i": 1}, "ValueError: boom")]}
    row = K.jobs.errors.fetch1()
    assert row["error_message"] == "ValueError: boom"
    assert "Traceback" in row["error_stack"]
    assert 'ValueError("boom")' in row["error_stack"]
    assert row["completed_time"] >= row["reserved_time"]
    assert row["pid"] == os.getpid()
    assert K.populate(reserve_jobs=True, suppress_errors=True) == NONE
    K.jobs.errors.delete()
    with pytest.raises(ValueError, match="boom"):
        K.populate(reserve_jobs=True)
    assert counts(K, error=1)


def test_an_error_gives_other_claims_back(computed, settings, schema):
    settings.jobs.claim_seconds = 100

    def make(self, key):
        if key["i"] == 3:
            raise ValueError("boom")
        self.insert1({**key, "r": 1})

    K = computed(make=make)
    with pytest.raises(ValueError, match="boom"):
        K.populate(reserve_jobs=True)
    progress = K.jobs.progress()
    assert (progress["reserved"], progress["error"]) == (0, 1)
    assert [lease for lease in leases(schema) if lease["worker"]] == []


def test_attempts(computed, settings, made, schema):
    settings.jobs.retry_seconds = 0.05

    def make(self, key):
        made.append(key["i"])
        if key["i"] == 2 and made.count(2) < 3:
            raise ValueError("not yet")
        self.insert1({**key, "r": 1})

    K = computed(make=make)
    assert K.populate(reserve_jobs=True, max_attempts=3, suppress_errors=True)["success_count"] == 5
    (lease,) = leases(schema)
    assert (lease["attempts"], lease["worker"], lease["message"]) == (1, None, "ValueError: not yet")
    row = K.jobs.pending.fetch1()
    assert row["scheduled_time"] > row["created_time"]
    time.sleep(0.1)
    assert K.populate(reserve_jobs=True, max_attempts=3, suppress_errors=True)["success_count"] == 0
    assert leases(schema)[0]["attempts"] == 2
    time.sleep(0.15)
    assert K.populate(reserve_jobs=True, max_attempts=3, suppress_errors=True)["success_count"] == 1
    assert counts(K)
    assert leases(schema) == []


def test_what_the_code_raises_itself(computed):
    def interrupt(self, key):
        raise KeyboardInterrupt

    K = computed(make=interrupt)
    with pytest.raises(KeyboardInterrupt):
        K.populate(reserve_jobs=True, suppress_errors=True, max_calls=1)
    assert "KeyboardInterrupt" in K.jobs.errors.fetch1("error_message")
    K.jobs.delete()

    def leave(self, key):
        raise SystemExit("bye")

    K.make = leave
    with pytest.raises(SystemExit, match="bye"):
        K.populate(reserve_jobs=True, suppress_errors=True, max_calls=1)
    assert K.jobs.errors.fetch1("error_message") == "SystemExit: bye"
    assert K.jobs.progress()["pending"] == 5


def test_a_row_that_is_there_is_not_made(K, made, heard):
    K.jobs.refresh()
    K.insert1({"i": 2, "r": 0}, allow_direct_insert=True)
    assert K.populate(reserve_jobs=True, refresh=False)["success_count"] == 5
    assert 2 not in made
    assert counts(K)
    assert [e.key for e in heard if isinstance(e, events.KeySkipped)] == [{"i": 2}]


def test_times_of_the_server(computed, settings):
    settings.jobs.keep_completed = True

    def make(self, key):
        time.sleep(0.15)
        if key["i"]:
            raise ValueError("boom")
        self.insert1({**key, "r": 1})

    K = computed(make=make)
    K.populate("i < 2", reserve_jobs=True, suppress_errors=True)
    for row in K.jobs.to_dicts():
        assert (row["completed_time"] - row["reserved_time"]).total_seconds() >= 0.1
    assert {row["status"] for row in K.jobs.to_dicts()} == {"success", "error"}


def test_in_a_thread(K):
    found = []
    thread = threading.Thread(
        target=lambda: (found.append(K.populate(reserve_jobs=True)), K().connection.close_thread())
    )
    thread.start()
    thread.join()
    assert found == [ALL]


def test_refusals(K, connection):
    with pytest.raises(dj.DataJointError, match="Populate cannot be called during a transaction"):
        with connection.transaction:
            K.populate(reserve_jobs=True)
    with pytest.raises(dj.DataJointError, match="Cannot call populate on a restricted table"):
        (K & "i = 1").populate(reserve_jobs=True)
    with pytest.raises(dj.DataJointError, match="order"):
        K.populate(reserve_jobs=True, order="sideways")


def test_version(K, settings, tmp_path, monkeypatch, made):
    monkeypatch.chdir(tmp_path)
    settings.jobs.version_method = "git"
    K.jobs.refresh()
    assert K.jobs.reserve({"i": 0})
    assert K.jobs.reserved.fetch1("version") == ""
    (tmp_path / "code").mkdir()
    monkeypatch.chdir(tmp_path / "code")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(["git", "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "x"], check=True)
    head = subprocess.run(["git", "rev-parse", "--short", "HEAD"], check=True, capture_output=True, text=True)
    monkeypatch.setattr("datajoint.code_version._REMEMBERED", 1e-6)  # as if seconds had passed since the first answer
    assert K.jobs.reserve({"i": 1})
    assert (K.jobs.reserved & {"i": 1}).fetch1("version") == head.stdout.strip() != ""


# --- a key that is being made is touched
@pytest.fixture
def touched(computed, schema, new_connection):
    """Populate one key, and do something to its job over another connection before it is written."""

    def populate(touch):
        calls = []

        def make(self, key):
            calls.append(key)
            if len(calls) == 1:
                touch(there)
            self.insert1({**key, "r": 1})

        table = computed(make=make)
        other = dj.Schema(schema.database, connection=new_connection())
        # The same class on another connection.
        there = type(
            "K",
            (dj.Computed,),
            {
                "definition": table.definition,
                "make": make,
                "key_source": property(lambda s: dj.FreeTable(s.connection, f"{schema.database}.s").proj()),
            },
        )
        other(there, context={"S": dj.FreeTable(other.connection, f"{schema.database}.s")})
        outcome = table.populate({"i": 1}, reserve_jobs=True)
        assert outcome["error_list"] == []
        return table, outcome["success_count"], len(calls)

    return populate


def test_ignored_meanwhile(touched):
    table, count, _ = touched(lambda there: there.jobs.ignore({"i": 1}))
    assert (count, len(table())) == (0, 0)
    assert counts(table, ignore=1)


def test_deleted_meanwhile(touched):
    table, count, _ = touched(lambda there: there.jobs.delete())
    assert (count, len(table())) == (1, 1)
    assert counts(table)


def test_revoked_meanwhile(touched):
    table, count, _ = touched(lambda there: there.jobs.revoke({"i": 1}))
    assert (count, len(table())) == (0, 0)
    table.populate({"i": 1}, reserve_jobs=True)
    assert len(table()) == 1
    assert counts(table)


def test_orphan_timeout_leaves_the_living(touched, caplog):
    def refresh(there):
        time.sleep(0.05)
        assert there.jobs.refresh({"i": 1}, orphan_timeout=0.01)["orphaned"] == 0

    with caplog.at_level(logging.WARNING, "datajoint"):
        table, count, calls = touched(refresh)
    assert "their workers live" in caplog.text
    assert (count, len(table()), calls) == (1, 1, 1)
    assert counts(table)


def test_handed_back_by_one_who_knows_no_leases(touched):
    def take_away(there):
        there.jobs._queue.update(there.jobs._queue.pending(), there.jobs._queue.is_status("reserved"))
        assert there.populate(reserve_jobs=True, refresh=False) == NONE, "it goes back to its worker"

    table, count, calls = touched(take_away)
    assert (count, len(table()), calls) == (1, 1, 1)
    assert counts(table)


def test_orphans_without_lease(K):
    K.jobs.refresh(priority=2)
    assert K.jobs.reserve({"i": 1})
    time.sleep(0.05)
    assert K.jobs.refresh()["orphaned"] == 0
    assert K.jobs.refresh(orphan_timeout=100)["orphaned"] == 0
    assert K.jobs.refresh(orphan_timeout=0.01, priority=1)["orphaned"] == 1
    row = (K.jobs & {"i": 1}).fetch1()
    assert (row["status"], row["priority"], row["host"], row["reserved_time"]) == ("pending", 1, "", None)


# --- what others see
def test_explain(K, S, computed):
    key = {"i": 1}
    assert K.jobs.explain(key).state == "not queued"
    assert K.jobs.explain({"i": 77}).state == "not in key source"
    K.jobs.refresh()
    assert K.jobs.explain(key).state == "pending"
    assert "jobs.refresh" in K.jobs.explain({"i": 1}).command or K.jobs.explain(key).command
    K.jobs.reserve(key)
    assert K.jobs.explain(key).state == "reserved"
    assert str(os.getpid()) in str(K.jobs.explain(key))
    K.jobs.error(key, "ValueError: boom")
    assert K.jobs.explain(key).sentence.endswith("ValueError: boom.")
    eval(K.jobs.explain(key).command, {"K": K})
    assert K.jobs.explain(key).state == "not queued"
    K.jobs.ignore(key)
    assert K.jobs.explain(key).state == "ignored"
    K.populate()
    assert K.jobs.explain(key).state == "done"
    assert isinstance(K.jobs.explain(), str)


def test_watch_and_progress_from_another_connection(computed, schema, new_connection, settings):
    begun, go = threading.Event(), threading.Event()

    def make(self, key):
        self.report(0.5, "half")
        begun.set()
        go.wait(20)
        self.insert1({**key, "r": 1})

    K = computed(make=make)
    there = dj.Schema(schema.database, connection=new_connection())
    K.jobs.refresh({"i": 1})
    thread = threading.Thread(
        target=lambda: (K.populate(reserve_jobs=True, refresh=False), K().connection.close_thread())
    )
    thread.start()
    try:
        assert begun.wait(20)
        (queue,) = there.jobs
        running = None
        for state in queue.watch(0.1, timeout=20):
            if state.running and state.running[0].started:
                (running,) = state.running
                assert state.counts["reserved"] == 1
                assert [worker.pid for worker in state.workers] == [os.getpid()]
                break
        assert running is not None
        assert (running.key, running.progress, running.message) == ({"i": 1}, 0.5, "half")
        assert K.jobs.explain({"i": 1}).sentence.endswith("50 % done: half.")
        (progress,) = there.progress()
        assert (progress.rows, progress.jobs["reserved"], progress.total) == (0, 1, None)
    finally:
        go.set()
        thread.join()
    (progress,) = schema.progress()
    assert (progress.rows, progress.total, progress.remaining, progress.jobs["total"]) == (1, 6, 5, 0)
    assert repr(schema.progress()).splitlines()[1].split() == ["__k", "1", "1", "of", "6", "no", "jobs"]
    assert "<td style='text-align:left'>1 of 6</td>" in schema.progress()._repr_html_()


# --- limits and stops
def test_time_limit_of_a_key(computed):
    def make(self, key):
        if key["i"] == 1:
            time.sleep(10)
        self.insert1({**key, "r": 1})

    K = computed(make=make)
    start = time.monotonic()
    outcome = K.populate(reserve_jobs=True, time_limit=0.5, suppress_errors=True)
    assert time.monotonic() - start < 8
    assert outcome["success_count"] == 5
    assert K.jobs.errors.fetch1("i") == 1
    assert "longer than it may" in K.jobs.errors.fetch1("error_message")


def test_time_limit_in_a_thread(computed):
    def make(self, key):
        end = time.monotonic() + 10
        while time.monotonic() < end:
            time.sleep(0.01)
        self.insert1({**key, "r": 1})

    K = computed(make=make)
    found = []
    thread = threading.Thread(
        target=lambda: (
            found.append(K.populate({"i": 1}, time_limit=0.3, suppress_errors=True)),
            K().connection.close_thread(),
        )
    )
    thread.start()
    thread.join(9)
    assert found[0]["success_count"] == 0
    assert len(found[0]["error_list"]) == 1


def test_stop(K, made):
    stop = threading.Event()
    stop.set()
    assert K.populate(reserve_jobs=True, stop=stop) == NONE
    assert counts(K, pending=6)
    assert K.populate(reserve_jobs=True, stop=lambda: len(made) >= 2)["success_count"] == 2
    assert counts(K, pending=4)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("as_error", [None, False])
def test_interrupt(computed, settings, schema, number, as_error):
    settings.jobs.interrupt_is_error = as_error

    def make(self, key):
        self.insert1({**key, "r": 1})
        os.kill(os.getpid(), number)
        time.sleep(10)

    K = computed(make=make)
    K.jobs.refresh()
    before = (K.jobs & {"i": 0}).fetch1()
    previous = signal.getsignal(number)
    start = time.monotonic()
    error = KeyboardInterrupt if number == signal.SIGINT else SystemExit
    with pytest.raises(error):
        K.populate(reserve_jobs=True, refresh=False, suppress_errors=True)
    assert time.monotonic() - start < 5
    assert signal.getsignal(number) == previous
    assert len(K()) == 0
    if as_error is None:
        assert counts(K, pending=5, error=1)
        message = K.jobs.errors.fetch1("error_message")
        assert message == ("KeyboardInterrupt" if number == signal.SIGINT else "SystemExit: SIGTERM received")
    else:
        assert counts(K, pending=6)
        assert (K.jobs & {"i": 0}).fetch1() == before
        (lease,) = leases(schema)
        assert (lease["attempts"], lease["worker"]) == (0, None)
        assert "interrupted" in lease["message"]


@pytest.mark.parametrize("moment", ["before it is carried out", "before its answer"])
@pytest.mark.parametrize("signals", [1, 2])
def test_interrupts_amid_the_commit(computed, settings, schema, heard, connection, monkeypatch, moment, signals):
    """The first waits for the answer; a second one ends it, and either the rows are there and the job is gone or neither."""
    armed = []

    def make(self, key):
        self.insert1({**key, "r": 1})
        armed.append(key)

    def interrupt(send):
        def sends(self, raw, what, *values):
            if not armed or (send.__name__ == "execute" and what != "COMMIT"):
                return send(self, raw, what, *values)
            armed.clear()
            answer = send(self, raw, what, *values) if moment == "before its answer" else None
            for _ in range(signals):
                signal.raise_signal(signal.SIGINT)
            return answer or send(self, raw, what, *values)

        return sends

    K = computed(make=make)
    K.jobs.refresh()
    backend = type(connection.backend)
    for name in ("execute", "commit_after") if connection.dialect.pipelines else ("execute",):
        monkeypatch.setattr(backend, name, interrupt(getattr(backend, name)))
    with pytest.raises(KeyboardInterrupt) as caught:
        K.populate(reserve_jobs=True, refresh=False)
    monkeypatch.undo()
    assert not armed
    ended = heard[-1]
    if signals == 1 or moment == "before its answer":
        assert K.keys() == [{"i": 0}]
        assert counts(K, pending=5)
        assert leases(schema) == []
        if signals == 1:
            assert "was committed before" in " ".join(caught.value.__notes__)
            assert (ended.succeeded, ended.failed, ended.stopped) == (1, 0, True)
            assert not any(isinstance(event, events.KeyInterrupted) for event in heard)
    else:
        assert K.keys() == []
        assert counts(K, pending=5, error=1)
        assert K.jobs.errors.fetch1("error_message") == "KeyboardInterrupt"
        assert {lease["worker"] for lease in leases(schema)} == {None}
    assert not connection.in_transaction


def test_first_signal_lets_the_key_finish(computed, settings):
    def make(self, key):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.1)
        self.insert1({**key, "r": 1})

    K = computed(make=make)
    assert K.populate(reserve_jobs=True, finish_current=True)["success_count"] == 1
    assert counts(K, pending=5)


def test_a_signal_right_after_a_claim(K, monkeypatch, schema):
    """What was claimed when the signal came is given back, though none of it was begun."""
    holding = Worker.holding

    def signalled(self, *arguments):
        os.kill(os.getpid(), signal.SIGINT)
        holding(self, *arguments)

    monkeypatch.setattr(Worker, "holding", signalled)
    with pytest.raises(KeyboardInterrupt):
        K.populate(reserve_jobs=True)
    assert counts(K, pending=6)
    assert {lease["attempts"] for lease in leases(schema)} == {0}


# --- elsewhere
def test_processes(K, connection):
    assert K.populate(reserve_jobs=True, processes=2) == ALL
    assert len(K()) == 6
    assert counts(K)


def test_processes_without_a_queue(K):
    assert K.populate(processes=None) == ALL
    assert K.populate(processes=2) == NONE


@pytest.mark.parametrize("reserve", [False, True])
def test_errors_of_processes(computed, reserve):
    class Odd(Exception):  # noqa: N818 - cannot be found again where it is unpickled
        pass

    def make(self, key):
        if key["i"] == 1:
            raise Odd("boom")
        self.insert1({**key, "r": 1})

    K = computed(make=make)
    with pytest.raises(dj.DataJointError, match="Odd: boom"):
        K.populate(processes=2, reserve_jobs=reserve)
    assert K.progress()[1] == 6, "the connection is as good as before"
    if reserve:
        assert K.jobs.progress()["reserved"] == 0
        assert K.jobs.progress()["error"] == 1
        K.jobs.errors.delete()
    outcome = K.populate(processes=2, reserve_jobs=reserve, suppress_errors=True)
    assert len(outcome["error_list"]) == 1
    assert len(K()) == 5


def test_progress_bar(K, capsys):
    K.populate(reserve_jobs=True, display_progress=True)
    assert "K: 100%" in capsys.readouterr().err


@pytest.mark.parametrize("reserve", [False, True])
def test_interrupted_processes(computed, reserve, schema):
    def make(self, key):
        self.insert1({**key, "r": 1})
        time.sleep(20)

    K = computed(make=make)
    K.jobs.refresh()
    before = K.jobs.to_dicts()
    timer = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        K.populate(reserve_jobs=reserve, refresh=False, processes=2)
    assert time.monotonic() - start < 6
    timer.join()
    assert len(K()) == 0
    assert K.jobs.to_dicts() == before
    if reserve:
        assert {lease["attempts"] for lease in leases(schema)} == {0}


def test_events_of_processes(K, heard):
    K.populate(processes=2)
    assert sorted(e.key["i"] for e in heard if isinstance(e, events.KeySucceeded)) == list(range(6))


def test_own_session_of_each_process(computed, settings, connection):
    settings.jobs.keep_completed = True

    def make(self, key):
        time.sleep(0.1)
        self.insert1({**key, "r": os.getpid()})

    K = computed(make=make)
    K.populate(reserve_jobs=True, processes=2)
    rows = (K.jobs.completed.proj("pid", "connection_id").join(K(), semantic_check=False)).to_dicts()
    assert {row["pid"] for row in rows} == {row["r"] for row in rows}
    assert connection.connection_id not in {row["connection_id"] for row in rows}


def test_a_process_that_dies(computed, settings, tmp_path, schema):
    """A key that kills its worker is given up after three deaths; the others are made."""
    settings.jobs.max_deaths = 3

    def make(self, key):
        if key["i"] == 2:
            os._exit(1)
        self.insert1({**key, "r": 1})

    K = computed(make=make)
    outcome = K.populate(reserve_jobs=True, processes=2, suppress_errors=True)
    for _ in range(3):
        if K.jobs.progress()["error"]:
            break
        K.jobs.recover()
        K.populate(reserve_jobs=True, processes=2, suppress_errors=True)
    assert len(K()) == 5
    assert counts(K, error=1)
    assert K.jobs.errors.fetch1("error_message").startswith("WorkerDied: ")
    assert K.jobs.errors.fetch1("i") == 2


def test_a_process_that_dies_without_a_queue(computed):
    def make(self, key):
        os._exit(1)

    with pytest.raises(dj.DataJointError, match="ended without a word"):
        computed(make=make).populate(processes=2)


def test_threads(K, made):
    from concurrent.futures import ThreadPoolExecutor

    connection = K().connection
    with ThreadPoolExecutor(2) as executor:
        assert K.populate(executor=executor) == ALL
        K.delete(prompt=False)
        assert K.populate(executor=executor, reserve_jobs=True) == ALL
        K.delete(prompt=False)
        assert K.populate(executor=executor, reserve_jobs=True, max_calls=4)["success_count"] == 4
        list(executor.map(lambda _: connection.close_thread(), range(4)))
    assert len(K()) == 4


ROOT = Path(__file__).parents[2]

MODULE = """
import datajoint as dj
schema = dj.Schema()

@schema
class S(dj.Manual):
    definition = "i : int32"

@schema
class K(dj.Computed):
    definition = "-> S"

    def make(self, key):
        self.insert1(key)
"""


def test_spawned_processes_import_the_class(new_connection, schema_name, tmp_path, monkeypatch, settings):
    import importlib
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    (tmp_path / "spawned_pipeline.py").write_text(MODULE)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{ROOT}")
    monkeypatch.syspath_prepend(str(tmp_path))
    sys.modules.pop("spawned_pipeline", None)
    pipeline = importlib.import_module("spawned_pipeline")
    pipeline.schema.activate(schema_name, connection=new_connection())
    pipeline.S.insert({"i": i} for i in range(6))
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as executor:
        assert pipeline.K.populate({"i": 1}, executor=executor)["success_count"] == 1
        assert pipeline.K.populate(executor=executor, reserve_jobs=True)["success_count"] == 5
    assert len(pipeline.K()) == 6


def test_a_class_that_cannot_be_sent(schema, S):
    from concurrent.futures import ProcessPoolExecutor

    @schema
    class Local(dj.Computed):
        definition = "-> S"

        def make(self, key):
            self.insert1(key)

    import multiprocessing

    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as executor:
        with pytest.raises(dj.DataJointError, match="cannot be sent to another process"):
            Local.populate(executor=executor)
