"""Leases without rights, of other releases, in other zones; and marks of uploads."""

from __future__ import annotations

import itertools
import logging
import os
import threading
import time
import uuid
from urllib.parse import urlsplit

import pytest

import datajoint as dj
from datajoint.errors import LostConnectionError
from datajoint.jobs import uploads, worker
from datajoint.jobs.keys import item_of
from datajoint.jobs.registry import Registry, as_moment, freed
from datajoint.settings import Config
from datajoint.sql import Sql
from datajoint.sql.fragment import Parameter
from tests.behaviour.guests import guest  # noqa: F401 - a fixture
from tests.provision.servers import connect_raw

_numbers = itertools.count(1)

ALL = {"success_count": 6, "error_list": []}


@pytest.fixture
def pipeline(schema):
    @schema
    class S(dj.Manual):
        definition = """
        i : int32
        """

    class K(dj.Computed):
        definition = """
        -> S
        ---
        r : int32
        """

        def make(self, key):
            self.insert1({**key, "r": 1})

    S.insert({"i": i} for i in range(6))
    return schema(K, context={"S": S})


def elsewhere(table, connection):
    """Return the same class on another connection."""
    name = f"{table.database}.s"
    namespace = {
        "definition": table.definition, "make": table.make,
        "key_source": property(lambda self: dj.FreeTable(self.connection, name).proj()),
    }  # fmt: skip
    there = dj.Schema(table.database, connection=connection, create_schema=False)
    return there(type("K", (dj.Computed,), namespace), context={"S": dj.FreeTable(connection, name)})


EVERYTHING = "SELECT, INSERT, UPDATE, DELETE"


def test_without_the_right_to_create(pipeline, guest, caplog, settings):
    pipeline.jobs.refresh()
    connection = guest(**{"s": "SELECT, REFERENCES", "__k": EVERYTHING, "~~k": EVERYTHING, "~lineage": EVERYTHING})
    table = elsewhere(pipeline, connection)
    worker._warned.clear()
    with caplog.at_level(logging.WARNING, "datajoint"):
        assert table.populate(reserve_jobs=True, max_calls=2)["success_count"] == 2
        assert table.populate(reserve_jobs=True, max_calls=2)["success_count"] == 2
    assert caplog.text.count("have no leases") == 1
    assert "may not create" in caplog.text
    (key, *_) = pipeline.jobs.pending.keys()
    assert table.jobs.reserve(key)
    time.sleep(0.05)
    assert table.jobs.refresh()["orphaned"] == 0
    assert table.jobs.refresh(orphan_timeout=0.01)["orphaned"] == 1
    assert table.populate(reserve_jobs=True)["success_count"] == 2
    assert pipeline.jobs.progress()["total"] == 0


def test_first_to_finish_wins_without_leases(pipeline, guest):
    """Without leases a job that was handed on is accepted at the finish, since nobody could tell that its worker lives."""
    pipeline.jobs.refresh({"i": 1})
    connection = guest(**{"s": "SELECT, REFERENCES", "__k": EVERYTHING, "~~k": EVERYTHING, "~lineage": EVERYTHING})
    table = elsewhere(pipeline, connection)
    plain = table.make

    def make(self, key):
        queue = pipeline.jobs._queue
        queue.update(queue.pending(), queue.is_status("reserved"))
        plain(self, key)

    table.make = make
    assert table.populate(reserve_jobs=True, refresh=False)["success_count"] == 1
    assert pipeline.jobs.progress()["total"] == 0


def test_direct_mode_needs_the_tables_alone(pipeline, guest):
    connection = guest(s="SELECT", __k="SELECT, INSERT")
    table = elsewhere(pipeline, connection)
    assert table.progress(display=False) == (6, 6)
    assert table.populate() == ALL


def test_tables_of_a_later_release(pipeline, connection, caplog):
    pipeline.populate({"i": 0}, reserve_jobs=True)
    name = Registry(connection, pipeline.database, "").leases
    later = {
        "sqlite": f"UPDATE `~dj_tables` SET comment = 'datajoint lease, format 2' WHERE schema_name = '{name.schema}' AND table_name = '{name.name}'",
        "postgresql": f'COMMENT ON TABLE "{name.schema}"."{name.name}" IS \'datajoint lease, format 2\'',
    }
    connection.execute(Sql(later.get(connection.dialect.name, f"ALTER TABLE `{name.schema}`.`{name.name}` COMMENT = 'datajoint lease, format 2'")))  # fmt: skip
    connection.forget_catalog()
    worker._warned.clear()
    with caplog.at_level(logging.WARNING, "datajoint"):
        assert pipeline.populate(reserve_jobs=True)["success_count"] == 5
    assert "newer release" in caplog.text
    assert pipeline.jobs.progress()["total"] == 0


def test_unknown_columns_and_values_are_left_alone(pipeline, connection, engine):
    pipeline.populate({"i": 0}, reserve_jobs=True)
    registry = Registry(connection, pipeline.database, "__k", kind="later")
    quoted = connection.dialect.quote(registry.leases.identifier)
    connection.execute(Sql(f"ALTER TABLE {quoted} ADD COLUMN later varchar(9) NULL".replace("varchar(9)", "TEXT" if engine == "sqlite" else "varchar(9)")))  # fmt: skip
    connection.forget_catalog()
    registry.take(str(uuid.uuid4()), {"x": "[]"}, None, None)
    assert pipeline.populate(reserve_jobs=True)["success_count"] == 5
    pipeline.jobs.refresh()
    assert len(registry.leases_of()) == 1


@pytest.mark.parametrize("zones", [("-08:00", "+08:00")])
def test_sessions_of_other_zones(pipeline, engine, new_connection, zones):
    if engine == "sqlite":
        pytest.skip("a file has no sessions")
    west, east = (
        elsewhere(pipeline, new_connection(settings=Config(safemode=False, database={"time_zone": zone})))
        for zone in zones
    )
    assert west.jobs.refresh()["added"] == 6
    assert east.jobs.reserve({"i": 0}), "what was queued in one zone is due in all"
    assert west.jobs.refresh(orphan_timeout=600)["orphaned"] == 0
    assert east.jobs.refresh(orphan_timeout=600)["orphaned"] == 0
    assert west.jobs.recover() == 0
    east.jobs.complete({"i": 0})
    assert east.populate(reserve_jobs=True, max_calls=2, refresh=False)["success_count"] == 2
    assert west.populate(reserve_jobs=True, refresh=False)["success_count"] == 3
    created = pipeline().connection.execute(Sql("SELECT ", pipeline.jobs._queue.now)).rows[0][0]
    assert west.jobs.refresh()["added"] == 1
    row = pipeline.jobs.fetch1()
    assert abs((row["created_time"] - created).total_seconds()) < 60, "the server's own zone"


@pytest.fixture
def in_zone(engine, url, new_connection, monkeypatch):
    """Make connections whose sessions begin in a zone, as those to a server with this zone do."""
    end = []

    def connect(zone):
        if engine == "postgresql":
            name, parts, admin = f"z{os.getpid()}_{next(_numbers)}", urlsplit(url), connect_raw(url)
            end.append((admin, name))
            posix = zone.translate(str.maketrans("+-", "-+"))[:3]
            for text in (
                f"CREATE ROLE {name} LOGIN SUPERUSER PASSWORD 'hush'",
                f"ALTER ROLE {name} SET timezone = 'Etc/GMT{int(posix):+d}'",
            ):
                admin.cursor().execute(text)
            return new_connection(url=f"{parts.scheme}://{name}:hush@{parts.hostname}:{parts.port}{parts.path}")
        connection = new_connection()
        if engine == "sqlite":  # knows no zones; those of its processes are not to matter
            monkeypatch.setenv("TZ", f"Etc/GMT{-int(zone[:3]):+d}")
            time.tzset()
        else:
            backend = type(connection.backend)
            plain = backend.connect

            def connected(self, target):
                raw = plain(self, target)
                self.execute(raw, f"SET time_zone = '{zone}'", ())
                return raw

            monkeypatch.setattr(backend, "connect", connected)
            connection.connect()
        return connection

    yield connect
    monkeypatch.undo()
    if engine == "sqlite":
        time.tzset()
    for admin, name in end:
        admin.cursor().execute(f"DROP OWNED BY {name}")
        admin.cursor().execute(f"DROP ROLE {name}")
        admin.close()


@pytest.mark.parametrize("zone", ["-08:00", "+08:00"])
def test_servers_of_other_zones(pipeline, in_zone, zone, engine):
    """Whatever zone the server is in, what was just reserved is young, and what a dead worker had is taken over."""
    connection = in_zone(zone)
    connection.settings.jobs.lease_seconds = 1
    utc = {"postgresql": "now() AT TIME ZONE 'utc'", "sqlite": "'now'"}.get(engine, "UTC_TIMESTAMP()")
    jobs = elsewhere(pipeline, connection).jobs
    queue, registry = jobs._queue, Registry(connection, pipeline.database, "__k")

    def moment(sql):
        return as_moment(connection.execute(Sql("SELECT ", sql)).rows[0][0])

    if engine != "sqlite":
        assert round((moment(queue.now) - moment(Sql(utc))).total_seconds() / 3600) == int(zone[:3])
    assert registry.ensure() is None
    assert jobs.refresh()["added"] == 6
    for i in range(3):
        assert jobs.reserve({"i": i}), "what was just queued is due"
    token = queue.look({"i": 0})[1]
    assert abs((as_moment(token.reserved_time) - moment(queue.now)).total_seconds()) < 60
    assert jobs.refresh(orphan_timeout=600) == {"added": 0, "removed": 0, "orphaned": 0, "re_pended": 0}
    assert jobs.recover() == 0, "neither older than the server nor stale"
    far = str(uuid.uuid4())
    registry.register({
        "worker": far, "host": "far", "db_user": "u", "pid": 1, "process_start": "", "machine": "far", "session_id": 0,
        "version": "", "protocol": 1, "started": registry.now, "last_seen": registry.now, "state": "running",
    })  # fmt: skip
    detail = queue.keys.detail({"i": 0})
    registry.take(far, {item_of(detail): detail}, token.reserved_time, token.connection_id)
    assert registry.workers_of([far])[0].silent < 1
    assert jobs.recover() == 0, "seen just now"
    silent = Sql(
        "UPDATE ", registry.workers.identifier, " SET last_seen = ", queue.ago(20), " WHERE worker = ", Parameter(far)
    )
    connection.execute(silent)
    assert jobs.recover() == 1
    jobs.error({"i": 1}, "failed")
    row = (jobs & {"i": 1}).fetch1()
    assert 0 <= (row["completed_time"] - row["reserved_time"]).total_seconds() < 60
    assert jobs.target.populate(reserve_jobs=True, refresh=False)["success_count"] == 4
    assert jobs.progress() == {"pending": 0, "reserved": 1, "success": 0, "error": 1, "ignore": 0, "total": 2}


def test_dead_worker_of_another_machine(pipeline, connection, settings, schema):
    """Its lock is free and its last sign of life old."""
    settings.jobs.lease_seconds = 1
    pipeline.jobs.refresh()
    pipeline.populate({"i": 0}, reserve_jobs=True, refresh=False)
    registry = Registry(connection, pipeline.database, "__k")
    queue = pipeline.jobs._queue
    assert pipeline.jobs.reserve({"i": 1})
    _, token = queue.look({"i": 1})
    dead = str(uuid.uuid4())
    registry.register({
        "worker": dead, "host": "far", "db_user": "u", "pid": 1, "process_start": "", "machine": "far", "session_id": 0,
        "version": "", "protocol": 1, "started": registry.now, "last_seen": registry.now, "state": "running",
    })  # fmt: skip
    detail = queue.keys.detail({"i": 1})
    registry.take(dead, {item_of(detail): detail}, token.reserved_time, token.connection_id)
    assert pipeline.jobs.recover() == 0
    time.sleep(1.1)
    if connection.backend.coordination.row_locks:
        assert pipeline.jobs.recover() == 1
        assert pipeline.jobs.explain({"i": 1}).state == "pending"
        assert registry.of_detail(detail).deaths == 1
    else:
        assert pipeline.jobs.recover() == 0, "without locks only ten leases of silence tell"


def test_old_leases_are_forgotten(pipeline, connection, settings):
    def make(self, key):
        raise ValueError("boom")

    plain, pipeline.make = pipeline.make, make
    pipeline.populate(reserve_jobs=True, suppress_errors=True)
    registry = Registry(connection, pipeline.database, "__k")
    assert {lease.attempts for lease in registry.leases_of()} == {1}
    pipeline.jobs.errors.delete()
    pipeline.jobs.refresh()
    assert registry.leases_of() == []
    pipeline.make = plain
    assert pipeline.populate(reserve_jobs=True) == ALL


# --- uploads
def test_marks_of_uploads(pipeline, connection, new_connection, engine):
    there = new_connection()
    objects = [uploads.Upload("raw", "a/b.npy"), uploads.Upload("raw", "ü.npy")]
    assert uploads.marked(there, pipeline.database) == set()
    with uploads.marking(connection, pipeline.database, "__k") as marks:
        assert marks.mark(objects)
        there.look_again([pipeline.database])
        assert uploads.marked(there, pipeline.database) == set(objects)
        if engine != "sqlite":
            with connection.transaction:
                assert marks.mark([uploads.Upload("raw", "c.npy")])
                assert len(uploads.marked(there, pipeline.database)) == 3, "committed whatever becomes of the rows"
        else:
            with connection.transaction:
                assert not marks.mark([uploads.Upload("raw", "c.npy")]), "collectors wait for the only writer"
    worker.Worker.delete_ended_marks(pipeline.database)
    assert uploads.marked(there, pipeline.database) == set()


def test_marks_of_the_dead_go(pipeline, connection):
    objects = [uploads.Upload("raw", "a")]
    with uploads.marking(connection, pipeline.database, "__k"):
        registry = Registry(connection, pipeline.database, "__k", "upload")
        registry.take(str(uuid.uuid4()), {"x" * 64: objects[0].detail}, None, None)
        assert uploads.marked(connection, pipeline.database) == set()
        assert registry.leases_of() == []


# --- the worker
def test_one_worker_for_all_threads(pipeline, connection):
    seen = []

    def work():
        with worker.Worker.on(connection, pipeline.database) as found:
            seen.append(found.id)
            barrier.wait(20)
        connection.close_thread()

    barrier = threading.Barrier(3)
    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(seen)) == 1
    with worker.Worker.on(connection, pipeline.database) as later:
        assert later.id not in seen


def test_sign_of_life(pipeline, connection, settings):
    settings.jobs.heartbeat_seconds = 0.1
    registry = Registry(connection, pipeline.database, "")
    with worker.Worker.on(connection, pipeline.database) as found:
        (first,) = registry.workers_of([found.id])
        assert registry.lock_is_free(found.id) in {False, None}
        end = time.monotonic() + 20
        while registry.workers_of([found.id])[0].last_seen == first.last_seen:
            assert time.monotonic() < end
            time.sleep(0.05)
        # A session that is lost takes the lock with it; the next beat takes it again.
        found.ask(lambda: connection._sessions.own.close())
        while registry.lock_is_free(found.id) or registry.workers_of([found.id])[0].session_id == first.session_id:
            assert time.monotonic() < end
            if connection.dialect.name == "sqlite":
                break
            time.sleep(0.05)
    assert registry.lock_is_free(found.id) in {True, None}
    assert registry.workers_of([found.id])[0].state == "stopped"


def wait_until(holds):
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_worker_taken_for_dead_says_that_it_lives(pipeline, connection, settings):
    settings.jobs.heartbeat_seconds = 0.05
    registry = Registry(connection, pipeline.database, "")
    with worker.Worker.on(connection, pipeline.database) as found:
        registry.mark(found.id, "dead")
        wait_until(lambda: registry.workers_of([found.id])[0].state == "running")


def test_a_worker_gives_back_what_it_does_not_know_of(pipeline, connection, settings):
    settings.jobs.heartbeat_seconds = 0.05
    pipeline.jobs.refresh()
    registry, queue = Registry(connection, pipeline.database, "__k"), pipeline.jobs._queue
    with worker.Worker.on(connection, pipeline.database) as found:
        assert pipeline.populate(reserve_jobs=True, refresh=False, max_calls=1)["success_count"] == 1
        key = pipeline.jobs.pending.keys(limit=1)[0]
        detail = queue.keys.detail(key)
        assert pipeline.jobs.reserve(key)
        _, token = queue.look(key)
        registry.take(found.id, {item_of(detail): detail}, token.reserved_time, token.connection_id)
        wait_until(lambda: pipeline.jobs.progress()["pending"] == 5)
        lease = registry.of_detail(detail)
        assert (lease.worker, lease.deaths, lease.attempts) == (None, 0, 0)
        assert pipeline.populate(reserve_jobs=True, refresh=False)["success_count"] == 5
    assert registry.leases_of() == []


def test_a_goodbye_that_was_not_heard_is_repeated(pipeline, connection, monkeypatch):
    registry, mark = Registry(connection, pipeline.database, ""), Registry.mark

    def lost(self, name, state):
        raise LostConnectionError("The link is lost.")

    with worker.Worker.on(connection, pipeline.database) as found:
        first = found.id
        monkeypatch.setattr(Registry, "mark", lost)
    monkeypatch.setattr(Registry, "mark", mark)
    assert registry.workers_of([first])[0].state == "running"
    with worker.Worker.on(connection, pipeline.database):
        assert registry.workers_of([first])[0].state == "stopped"


def test_only_a_lease_as_it_was_seen_is_taken(pipeline, connection):
    """Between the look at the lease of a dead worker and its end somebody else may have got the key."""
    registry, dead, alive = Registry(connection, pipeline.database, "__k"), str(uuid.uuid4()), str(uuid.uuid4())
    assert registry.ensure() is None
    times = [connection.execute(Sql("SELECT ", registry.now)).rows[0][0] for _ in range(2)]
    registry.take(dead, {"x": "{}"}, times[0], 1)
    (seen,) = registry.leases_of()
    registry.take(alive, {"x": "{}"}, times[1], 2)
    assert registry.change("x", freed(), seen=seen) == 0
    (lease,) = registry.leases_of()
    assert (lease.worker, lease.connection_id) == (alive, 2)
    assert registry.change("x", freed(), seen=lease) == 1
