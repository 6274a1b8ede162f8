"""A process is killed while it writes objects and rows: no row is without its object, and it all can be done again."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import datajoint as dj
from datajoint.jobs.worker import Worker
from tests.faults.killed_store_worker import ROWS, act, rows, settings, table

ROOT = Path(__file__).parents[2]
SEED = int(os.environ.get("DJ_TEST_SEED", random.SystemRandom().randrange(10**6)))
TASKS = ["insert", "transaction", "replace", "update", "stage"]
SAMPLES = 2


def run(url, name, folder, task, number):
    return subprocess.run(
        [sys.executable, "-m", "tests.faults.killed_store_worker", url, name, str(folder), task, str(number)],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


@pytest.fixture
def thing(new_connection, schema_name, tmp_path):
    (tmp_path / "store").mkdir()
    return table(dj.Schema(schema_name, connection=new_connection(settings=settings(tmp_path))))


def prepare(thing, folder, task):
    """Begin anew, also without the tables in which objects are marked: the first insert makes them."""
    thing.delete_quick()
    connection = thing().connection
    Worker.end_lingering(connection)
    for name in ("~dj_lease", "~dj_worker"):
        dj.FreeTable(connection, f"{thing.database}.{name}").drop_quick()
    shutil.rmtree(folder / "store")
    (folder / "store").mkdir()
    if task in {"replace", "update"}:
        thing.insert(rows(folder))


def check_rows(thing, task, number):
    """Read every object of every row, and return the rows."""
    found = thing.to_dicts(order_by="id")
    for row in found:
        value = row["n"].load()[0]
        assert row["n"].shape == (50,)
        assert row["b"] == ([1000] if value == 1000 else list(range(value))), (task, number)
        assert row["o"].verify(), (task, number)
        if row["o"].is_dir:
            assert sum(len(files) for _, _, files in row["o"].walk()) == row["o"].item_count
    values = {row["id"]: int(row["n"].load()[0]) - row["id"] for row in found}
    if task in {"insert", "transaction"}:
        assert set(values) in (set(), set(range(ROWS)))
    elif task == "replace":
        assert len(found) == ROWS
        assert set(values.values()) in ({0}, {100})
    elif task == "update":
        assert sorted(values.values(), reverse=True) == [values[n] for n in range(ROWS)]
    return found


def check_killed_at(url, thing, folder, task, number):
    prepare(thing, folder, task)
    killed = run(url, thing.database, folder, task, number)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    found = check_rows(thing, task, number)
    if task in {"insert", "transaction", "stage"} and found:
        with pytest.raises(dj.errors.DuplicateError):
            act(task, thing(), folder)
    else:
        act(task, thing(), folder)
    assert len(check_rows(thing, task, number)) == (1 if task == "stage" else ROWS)


def steps(url, thing, folder, task):
    prepare(thing, folder, task)
    whole = run(url, thing.database, folder, task, 10**6)
    assert whole.returncode == 0, whole.stderr
    return int(whole.stdout.split()[-1])


@pytest.mark.parametrize("task", TASKS)
def test_killed_at_some_steps(url, thing, tmp_path, task):
    print(f"DJ_TEST_SEED={SEED}")
    count = steps(url, thing, tmp_path, task)
    chosen = random.Random(f"{SEED} stores {task}")  # noqa: S311 - no secret
    for number in chosen.sample(range(1, count + 1), min(SAMPLES, count)):
        check_killed_at(url, thing, tmp_path, task, number)


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_killed_at_every_step(url, thing, tmp_path, task):
    for number in range(1, steps(url, thing, tmp_path, task) + 1):
        check_killed_at(url, thing, tmp_path, task, number)


@pytest.mark.parametrize("task", ["insert", "stage"])
def test_what_the_killed_left_is_collected(url, thing, tmp_path, task):
    connection = thing().connection
    count = steps(url, thing, tmp_path, task)
    prepare(thing, tmp_path, task)
    killed = run(url, thing.database, tmp_path, task, count * 2 // 3)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    check_rows(thing, task, count * 2 // 3)
    thing.delete_quick()
    dj.gc.GarbageCollector(dj.Schema(thing.database, connection=connection), store="main").collect(dry_run=False)
    assert [path for path in (tmp_path / "store").rglob("*") if path.is_file() and path.suffix != ".saving"] == []
