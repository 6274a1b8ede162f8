"""A process is killed after any statement: the database is whole, and what was interrupted can be done again."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import datajoint as dj
from tests.faults.killed_worker import CHILDREN, PARENTS, ROWS, act, tables

ROOT = Path(__file__).parents[2]
SEED = int(os.environ.get("DJ_TEST_SEED", random.SystemRandom().randrange(10**6)))
SAMPLES = 2


def run(url, name, task, number):
    return subprocess.run(
        [sys.executable, "-m", "tests.faults.killed_worker", url, name, task, str(number)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def filled(schema):
    """Return what fills the tables anew."""
    entry, parent, child = tables(schema)

    def fill(task):
        entry.delete_quick()
        parent.delete(prompt=False)
        if task == "replace":
            entry.insert({"id": n, "note": "old"} for n in range(2000))
        parent.insert({"p": p} for p in range(PARENTS))
        child.insert({"p": p, "c": c} for p in range(PARENTS) for c in range(CHILDREN))
        child.Part.insert({"p": p, "c": c, "n": 0} for p in range(PARENTS) for c in range(CHILDREN))

    fill.tables = entry, parent, child
    return fill


def state(task, entry, parent, child):
    """Return how far the task has come: 0 or 1 for nothing or all of it, other numbers for what must not be."""
    if task in {"insert", "chunks"}:
        return len(entry()) / ROWS
    if task == "replace":
        return len(entry & "note = 'new'") / 2000 if len(entry()) == 2000 else -1
    gone = {
        len(parent & "p < 20") / 20,
        len(child & "p < 20") / (20 * CHILDREN),
        len(child.Part & "p < 20") / (20 * CHILDREN),
    }
    kept = len(parent & "p >= 20"), len(child & "p >= 20"), len(child.Part & "p >= 20")
    return 1 - gone.pop() if len(gone) == 1 and kept == (20, 20 * CHILDREN, 20 * CHILDREN) else -1


def check_killed_after(url, filled, schema, task, number):
    filled(task)
    killed = run(url, schema.database, task, number)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    reached = state(task, *filled.tables)
    if task == "chunks":
        assert reached * ROWS % 5000 == 0 or reached == 1
        filled.tables[0].delete_quick()
    else:
        assert reached in {0, 1}, (task, number)
    if task == "insert" and reached:
        with pytest.raises(dj.errors.DuplicateError):
            act(task, filled.tables[0](), filled.tables[1]())
    else:
        act(task, filled.tables[0](), filled.tables[1]())
    assert state(task, *filled.tables) == 1


def statements(url, filled, schema, task):
    """Return how many statements the task takes."""
    filled(task)
    whole = run(url, schema.database, task, 10**6)
    assert whole.returncode == 0, whole.stderr
    return int(whole.stdout.split()[-1])


TASKS = ["insert", "chunks", "replace", "delete", "plan"]


@pytest.mark.parametrize("task", TASKS)
def test_killed_at_some_statements(url, filled, schema, task):
    print(f"DJ_TEST_SEED={SEED}")
    count = statements(url, filled, schema, task)
    chosen = random.Random(f"{SEED} {task}")  # noqa: S311 - no secret
    for number in chosen.sample(range(1, count + 1), min(SAMPLES, count)):
        check_killed_after(url, filled, schema, task, number)


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_killed_at_every_statement(url, filled, schema, task):
    for number in range(1, statements(url, filled, schema, task) + 1):
        check_killed_after(url, filled, schema, task, number)
