"""Workers of DataJoint 2.3 and ours on one queue: the same table, and every key made once."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

import datajoint as dj
from tests.concurrency.queue_worker import tables
from tests.interop.stored import stored
from tests.interop.test_catalogue import unexplained
from tests.provision.servers import connect_raw

ROOT = Path(__file__).parents[2]


@pytest.fixture
def ask(peer):
    """Ask DataJoint 2.3 to do a task of ``peer_jobs.py``."""
    return partial(peer, script="peer_jobs.py")


@pytest.fixture
def pipeline(schema):
    item, result = tables(schema)

    def fill(count):
        item.insert([{"item": n} for n in range(count)])
        assert result.jobs.refresh()["added"] == count
        return result

    return fill


def test_the_table_is_theirs(ask, url, engine, new_schema_name, settings, new_connection):
    settings.database.schema_collation = "server"
    theirs, ours = new_schema_name("p"), new_schema_name("o")
    ask("queue", name=theirs)
    schema = dj.Schema(ours, connection=new_connection())

    @schema
    class Subject(dj.Manual):
        definition = "subject : int32"

    @schema
    class Probe(dj.Manual):
        definition = "probe : uuid"

    @schema
    class Person(dj.Manual):
        definition = "user : varchar(10)"

    @schema
    class Score(dj.Computed):
        definition = """
        -> Subject
        -> Probe
        -> Person.proj(by='user')
        """

    Score.jobs.refresh()
    raw = connect_raw(url)
    try:
        facts = [stored(raw, [name], postgresql=engine == "postgresql") for name in (ours, theirs)]
    finally:
        raw.close()
    own = [{k: v for k, v in found.items() if "~~" in str(k) or k[0] == "enum type"} for found in facts]
    key = (".~~score.subject", ".~~score.probe", ".~~score.by", "~~score.subject", "~~score.probe", "~~score.by")
    left = [d for d in unexplained(*own) if not (d[3] == "comment" and d[2].endswith(key))]
    assert left == []
    assert any("~~score" in str(k) for k in own[1])


def test_each_drains_the_others_queue(ask, pipeline):
    result = pipeline(6)
    assert ask("work", name=result.database, seconds=30) == {"made": 6, "errors": []}
    assert result.jobs.progress()["total"] == 0
    assert len(result.Part()) == 12


def work(url, name, **options):
    command = [sys.executable, "-m", "tests.concurrency.queue_worker", url, name, json.dumps({"loop": True, **options})]
    done = subprocess.run(command, cwd=ROOT, input="go\n", capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def mixed(ask, pipeline, url, keys):
    """Let two workers of each kind share a queue."""
    result = pipeline(keys)
    with ThreadPoolExecutor(4) as threads:
        theirs = [threads.submit(ask, "work", name=result.database, seconds=150, sleep=0.01) for _ in range(2)]
        ours = [threads.submit(work, url, result.database, sleep=0.01) for _ in range(2)]
        outcomes = [future.result() for future in (*theirs, *ours)]
    assert [found["errors"] for found in outcomes] == [[]] * 4
    assert sum(found["made"] for found in outcomes) == keys
    assert len(result()) == keys
    assert len(result.Part()) == 2 * keys
    assert result.jobs.progress()["total"] == 0


def test_mixed_workers(ask, pipeline, url):
    mixed(ask, pipeline, url, 100)


@pytest.mark.slow
def test_many_keys_of_mixed_workers(ask, pipeline, url):
    mixed(ask, pipeline, url, 1000)


def test_their_refresh_takes_our_running_key(ask, pipeline, schema, connection):
    """It is given back by whoever of ours claims it; one row, no error."""
    result = pipeline(1)
    begun, go = threading.Event(), threading.Event()
    plain = result.make

    def make(self, key):
        begun.set()
        go.wait(60)
        plain(self, key)

    result.make = make
    found = []
    thread = threading.Thread(
        target=lambda: (found.append(result.populate(reserve_jobs=True, refresh=False)), connection.close_thread())
    )
    thread.start()
    try:
        assert begun.wait(30)
        time.sleep(2.1)  # the server's clock may be read in whole seconds
        assert ask("refresh", name=result.database, orphan_timeout=1)["orphaned"] == 1
        assert result.jobs.progress()["pending"] == 1
        assert result.populate(reserve_jobs=True, refresh=False) == {"success_count": 0, "error_list": []}
        assert result.jobs.progress()["reserved"] == 1
    finally:
        go.set()
        thread.join()
    assert found == [{"success_count": 1, "error_list": []}]
    assert len(result()) == 1
    assert result.jobs.progress()["total"] == 0


def test_their_reservation_is_left_alone(ask, pipeline, settings):
    """One that is gone is judged so only after a long time, since children of a pool record their parent's session."""
    result = pipeline(2)
    assert ask("reserve", name=result.database, item=1)
    assert result.jobs.recover() == 0
    assert "unknown worker" in result.jobs.explain({"item": 1}).sentence
    assert result.populate(reserve_jobs=True)["success_count"] == 1
    time.sleep(1.1)
    settings.jobs.stale_timeout = 1
    assert result.jobs.recover() == 1
    assert result.populate(reserve_jobs=True)["success_count"] == 1


def test_they_read_our_errors(ask, pipeline):
    result = pipeline(1)

    def make(self, key):
        raise ValueError("boom")

    result.make = make
    result.populate(reserve_jobs=True, suppress_errors=True)
    ((item, message, stack),) = ask("errors", name=result.database)
    assert (item, message) == (0, "ValueError: boom")
    assert "Traceback" in stack
