"""A collection is killed after any step: every row has its object, and the next collection does the rest."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import datajoint as dj
from datajoint.storage import get_store_backend
from tests import stored_codecs

ROOT = Path(__file__).parents[2]
SEED = os.environ.get("DJ_TEST_SEED", "0")
SAMPLES = 3
ROWS, DELETED = 12, 8


def run(url, schema, location, number):
    command = [sys.executable, "-m", "tests.faults.gc_worker", url, schema.database, location, str(number)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def world(schema, settings, new_store, connection):
    assert stored_codecs
    settings.stores = {"default": "main", "main": new_store()}

    @schema
    class Thing(dj.Manual):
        definition = """
        id : int32
        ---
        x : <test_content@main>
        f : <test_folder@main>
        """

    stored_codecs.make_marks(connection, schema.database)
    marked = f"_hash/{schema.database}/{'m' * 26}"
    stored_codecs.mark(connection, schema.database, [marked])
    get_store_backend("main", settings).put_buffer(b"in flight", marked)
    return Thing, marked, settings


def fill(table):
    table.delete_quick()
    table.insert({"id": n, "x": b"%d" % n, "f": {"a": b"%d" % n}} for n in range(ROWS))
    (table & f"id < {DELETED}").delete_quick()


def check(table, marked, settings):
    assert [(row["x"], row["f"]["a"]) for row in table.to_dicts(order_by="id")] == [
        (b"%d" % n, b"%d" % n) for n in range(DELETED, ROWS)
    ]
    assert get_store_backend("main", settings).get_buffer(marked) == b"in flight"


def killed_after(url, schema, world, number):
    table, marked, settings = world
    fill(table)
    killed = run(url, schema, settings.stores["main"]["location"], number)
    assert killed.returncode in {-signal.SIGKILL, 0}, killed.stderr  # the last folders are pruned by whichever is last
    check(table, marked, settings)
    done = dj.gc.GarbageCollector(schema).collect(dry_run=False)
    assert done["errors"] == 0
    check(table, marked, settings)
    files = {file.path for file in get_store_backend("main", settings).list_files()}
    assert len(files) == 1 + (ROWS - DELETED) * 3


def steps(url, schema, world):
    table, _, settings = world
    fill(table)
    whole = run(url, schema, settings.stores["main"]["location"], 10**6)
    assert whole.returncode == 0, whole.stderr
    return int(whole.stdout.split()[-1])


def test_killed_at_some_steps(url, schema, world):
    print(f"DJ_TEST_SEED={SEED}")
    count = steps(url, schema, world)
    assert count > 3 * DELETED
    for number in random.Random(f"{SEED} gc").sample(range(1, count), SAMPLES):  # noqa: S311 - no secret
        killed_after(url, schema, world, number)


@pytest.mark.slow
def test_killed_at_every_step(url, schema, world):
    for number in range(1, steps(url, schema, world)):
        killed_after(url, schema, world, number)
