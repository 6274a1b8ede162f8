"""Many workers on one queue, killed at random: every key is made once, and the queue is true at the end."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

import datajoint as dj
from datajoint.jobs.lookout import Lookout
from tests.concurrency.queue_worker import tables

ROOT = Path(__file__).parents[2]
SEED = int(os.environ.get("DJ_TEST_SEED", random.SystemRandom().randrange(10**6)))
WORKERS = 8


@pytest.fixture
def start(url, schema):
    """Start workers; those that are left are killed at the end."""
    started = []

    def start(**options):
        command = [sys.executable, "-m", "tests.concurrency.queue_worker", url, schema.database, json.dumps(options)]
        worker = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        started.append(worker)
        return worker

    yield start
    for worker in started:
        worker.kill()
        worker.communicate()


def go(*workers):
    for worker in workers:
        assert worker.stdout.readline() == "ready\n", worker.communicate()[1][-3000:]
    for worker in workers:
        worker.stdin.write("go\n")
        worker.stdin.flush()


def outcome(worker, seconds=300):
    output, errors = worker.communicate(timeout=seconds)
    assert worker.returncode == 0, errors[-3000:]
    return json.loads(output.splitlines()[-1])


@pytest.fixture
def pipeline(schema):
    item, result = tables(schema)

    def fill(count):
        item.insert([{"item": n} for n in range(count)])
        assert result.jobs.refresh()["added"] == count
        return result

    return fill


def wait_until(holds, seconds=60):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def is_over(process):
    """Tell whether a process has ended; whoever inherited it may take a while to notice."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def is_true(result, count):
    """Check that every key has its rows, and nothing is left in the queue."""
    assert len(result()) == count
    assert len(result.Part()) == 2 * count
    assert result.jobs.progress()["total"] == 0
    result.jobs.recover()
    result.jobs.refresh()
    assert dj.FreeTable(result().connection, f"{result.database}.~dj_lease").to_dicts() == []


def test_two_workers_share(pipeline, start):
    result = pipeline(20)
    workers = [start(sleep=0.02) for _ in range(2)]
    go(*workers)
    outcomes = [outcome(worker) for worker in workers]
    assert sum(found["made"] for found in outcomes) == 20
    assert [found["errors"] for found in outcomes] == [[], []]
    is_true(result, 20)


def test_two_refreshers(schema, start):
    item, result = tables(schema)
    item.insert([{"item": n} for n in range(300)])
    workers = [start(refresh=True, arguments={"max_calls": 0}) for _ in range(4)]
    go(*workers)
    assert [outcome(worker) for worker in workers] == [{"made": 0, "errors": []}] * 4
    assert result.jobs.progress()["pending"] == 300


def test_killed_worker_is_taken_over_at_once(pipeline, start):
    result = pipeline(3)
    worker = start(sleep=30, arguments={"max_calls": 1})
    go(worker)
    end = time.monotonic() + 30
    while not result.jobs.progress()["reserved"]:
        assert time.monotonic() < end
        time.sleep(0.05)
    worker.kill()
    worker.wait()
    assert result.jobs.refresh()["orphaned"] == 0
    assert result.jobs.progress()["reserved"] == 1
    assert "gone" in result.jobs.explain(result.jobs.reserved.keys()[0]).sentence
    assert result.populate(reserve_jobs=True, refresh=False)["success_count"] == 3
    is_true(result, 3)


def test_sleeper(pipeline, start, settings):
    """A worker that is stopped, declared dead and woken finds its key done."""
    result = pipeline(1)
    worker = start(sleep=1.5)
    go(worker)
    while not result.jobs.progress()["reserved"]:
        time.sleep(0.02)
    os.kill(worker.pid, signal.SIGSTOP)
    try:
        assert result.populate(reserve_jobs=True, refresh=False)["success_count"] == 0, (
            "it lives, however long it sleeps"
        )
        (key,) = result.jobs.reserved.keys()
        assert result.jobs.revoke(key)
        assert result.populate(reserve_jobs=True, refresh=False)["success_count"] == 1
    finally:
        os.kill(worker.pid, signal.SIGCONT)
    assert outcome(worker) == {"made": 0, "errors": []}
    is_true(result, 1)


@pytest.mark.parametrize("moment", ["computing", "writing"])
def test_a_worker_stopped_for_longer_than_its_lease(pipeline, start, settings, connection, moment):
    """On another machine silence tells after ten leases, whatever else; it wakes to find its key another's."""
    if moment == "writing" and not connection.backend.coordination.row_locks:
        pytest.skip("while it holds the file's lock nobody can take anything over, and it may go on")
    settings.jobs.lease_seconds = 0.2
    result = pipeline(1)
    short = {"lease_seconds": 0.2, "heartbeat_seconds": 0.05}
    worker = start(stop=moment, machine="another one", settings=short)
    go(worker)
    there = psutil.Process(worker.pid)
    try:
        wait_until(lambda: there.status() == psutil.STATUS_STOPPED)
        assert result.populate(reserve_jobs=True, refresh=False)["success_count"] == 0, "its lease has not ended"
        wait_until(lambda: result.populate(reserve_jobs=True, refresh=False)["success_count"] == 1)
    finally:
        there.resume()
    found = outcome(worker)
    assert found["made"] == 0
    assert found["errors"] == [] or moment == "writing", "in a transaction it is told of the session that it lost"
    assert result.fetch1("pid") == os.getpid()
    is_true(result, 1)


def test_a_killed_kernel(pipeline, start, schema):
    """Its processes end, and within two seconds another one shows what it would have shown, whatever it is asked."""
    result = pipeline(200)
    kernel = start(sleep=0.05, processors=4, arguments={"processes": 4})
    go(kernel)
    wait_until(lambda: len(result()) >= 8)
    children = psutil.Process(kernel.pid).children()
    kernel.kill()
    killed = time.monotonic()
    kernel.wait()
    wait_until(lambda: all(is_over(child) for child in children))
    watched = next(result.jobs.watch(timeout=0))
    sight = Lookout([result()]).look()
    (progress,) = schema.progress()
    assert time.monotonic() - killed < 2
    assert len(children) == 4
    assert result.jobs.progress() == progress.jobs == watched.counts
    assert progress.rows + progress.jobs["total"] == progress.total == 200
    assert progress.rows == 200 - progress.remaining >= 8
    (table,) = sight.tables.values()
    assert (table.done, {**table.counts, "total": sum(table.counts.values())}) == (progress.rows, progress.jobs)
    assert {worker.gone for worker in sight.workers} <= {True}
    assert sum(worker.claimed for worker in sight.workers) == progress.jobs["reserved"]
    assert result.populate(reserve_jobs=True, refresh=False)["success_count"] == progress.remaining
    is_true(result, 200)


def chaos(pipeline, start, keys, seconds):
    result = pipeline(keys)
    chance = random.Random(SEED)  # noqa: S311 - no secret
    options = {
        "sleep": 0.005, "loop": True,
        "settings": {"max_deaths": 1000, "max_attempts": 1000, "retry_seconds": 0, "lease_seconds": 1, "claim_seconds": 0.3},
    }  # fmt: skip
    skews = [3600 if n == 0 else -3600 if n == 1 else 0 for n in range(WORKERS)]
    workers = [start(skew=skew, sever=0.02 if n % 2 else 0, **options) for n, skew in enumerate(skews)]
    go(*workers)
    end = time.monotonic() + seconds
    kills = 0
    while result.jobs.progress()["total"] and time.monotonic() < end:
        time.sleep(chance.uniform(0.1, 0.6))
        number = chance.randrange(WORKERS)
        if workers[number].poll() is None and kills < 4 * WORKERS:
            workers[number].kill()
            workers[number].wait()
            kills += 1
            workers[number] = start(sever=0.02, **options)
            go(workers[number])
    if left := result.jobs.to_dicts():
        names = [f"{result.database}.~dj_{name}" for name in ("lease", "worker")]
        told = [dj.FreeTable(result.connection, name).to_dicts() for name in names]
        pytest.fail(f"The queue was not emptied in {seconds} s. Jobs: {left}. Leases and workers: {told}")
    for worker in workers:
        if worker.poll() is None:
            outcome(worker)
    assert kills
    is_true(result, keys)


def test_chaos(pipeline, start):
    chaos(pipeline, start, 200, 120)


@pytest.mark.slow
def test_more_chaos(pipeline, start):
    chaos(pipeline, start, 2000, 600)
