"""A process is killed after any statement, or inside one: the database is whole, and the work can be done again."""

from __future__ import annotations

import contextlib
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import datajoint as dj
from tests.faults.killed_worker import CHILDREN, PARENTS, ROWS, act, tables
from tests.faults.relay import Relay
from tests.provision.servers import connect_raw

ROOT = Path(__file__).parents[2]
SEED = int(os.environ.get("DJ_TEST_SEED", random.SystemRandom().randrange(10**6)))
SAMPLES = 2


def run(url, name, task, *how, started=lambda process: None):
    command = [sys.executable, "-m", "tests.faults.killed_worker", url, name, task, *map(str, how)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    started(process)
    out, err = process.communicate(timeout=120)
    return subprocess.CompletedProcess(command, process.returncode, out, err)


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


def told(process, what):
    """Return a number that the process has printed."""
    return int(re.search(rf"^{what} (\d+)$", process.stdout, re.MULTILINE)[1])


def check_killed_after(url, filled, schema, task, number):
    filled(task)
    killed = run(url, schema.database, task, "after", number)
    check_killed(url, filled, task, killed, number)


def check_killed(url, filled, task, killed, number):
    assert killed.returncode == -signal.SIGKILL, (number, killed.stdout, killed.stderr)
    wait_until_gone(url, told(killed, "session"))
    reached = state(task, *filled.tables)
    if task == "chunks":
        assert reached * ROWS % 5000 == 0 or reached == 1, (reached, number)
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
    whole = run(url, schema.database, task, "after", 10**6)
    assert whole.returncode == 0, whole.stderr
    return told(whole, "counted")


def wait_until_gone(url, session):
    """Wait until the server has ended a session of which it may not know yet that nobody is there any more."""
    if url.startswith("sqlite"):
        return
    listing = (
        "pg_stat_activity WHERE pid" if url.startswith("postgresql") else "information_schema.processlist WHERE id"
    )
    with contextlib.closing(connect_raw(url)) as raw, contextlib.closing(raw.cursor()) as cursor:
        end = time.monotonic() + 30
        while cursor.execute(f"SELECT count(*) FROM {listing} = {session}") is not None and cursor.fetchone()[0]:
            assert time.monotonic() < end, "the server keeps the session of the killed process"
            time.sleep(0.02)


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


# --- inside statements
def run_inside(url, name, task, at):
    """Run until `at` is reached, or to the end; return the ended process, and how far it came."""
    if url.startswith("sqlite"):
        ended = run(url, name, task, "inside", 0 if at is None else at)
        return ended, told(ended, "counted") if ended.returncode == 0 else 0
    server, running = urlsplit(url), []
    with Relay(server.hostname, server.port, at, lambda: running[0].kill()) as relay:
        address = url.replace(f":{server.port}", f":{relay.port}")
        ended = run(address, name, task, "inside", started=running.append)
    return ended, relay.counted


def length(url, filled, schema, task):
    """Return how many bytes the requests of a task have, or how many steps its statements."""
    filled(task)
    whole, reached = run_inside(url, schema.database, task, None)
    assert whole.returncode == 0, whole.stderr
    assert reached > 2
    return reached


def check_killed_inside(url, filled, schema, task, at):
    filled(task)
    killed, _ = run_inside(url, schema.database, task, at)
    check_killed(url, filled, task, killed, at)


@pytest.mark.parametrize("task", ["insert", "delete"])
def test_killed_inside_some_statements(url, filled, schema, task):
    """As the rows are sent, mostly: within a stream of rows, a statement of many rows, or one that takes long."""
    print(f"DJ_TEST_SEED={SEED}")
    whole = length(url, filled, schema, task)
    chosen = random.Random(f"{SEED} {task} inside")  # noqa: S311 - no secret
    for _ in range(SAMPLES):
        check_killed_inside(url, filled, schema, task, chosen.randrange(1, whole))


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_killed_inside_many_statements(url, filled, schema, task):
    print(f"DJ_TEST_SEED={SEED}")
    whole = length(url, filled, schema, task)
    chosen = random.Random(f"{SEED} {task} many")  # noqa: S311 - no secret
    # From the first byte to the last; where only the end is missing, the server may have done all.
    for at in sorted({1, whole, whole - 1, *(chosen.randrange(1, whole) for _ in range(20))}):
        check_killed_inside(url, filled, schema, task, at)
