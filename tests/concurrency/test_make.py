"""A `make` beside others who write: nobody waits for its computation, and what is kept was true at one moment."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import datajoint as dj
from datajoint import events
from datajoint.errors import LockError
from tests.concurrency.make_worker import tables

ROOT = Path(__file__).parents[2]


@pytest.fixture
def S(schema):
    @schema
    class S(dj.Manual):
        definition = """
        i : int32
        ---
        v=0 : int32
        """

    S.insert({"i": i, "v": 100} for i in range(6))
    return S


# --- nobody is locked out
DECLARER = """
import os, sys, time
os.environ["DJ_IGNORE_CONFIG_FILE"] = "true"
import datajoint as dj
dj.logger.setLevel("ERROR")  # what is printed is for the test
url, name = sys.argv[1:]
connection = dj.Connection(url)
schema = dj.Schema(name, connection=connection)
S = dj.FreeTable(connection, f"{name}.s")
print("ready", flush=True)
sys.stdin.readline()
start = time.monotonic()
Child = schema(type("Child", (dj.Manual,), {"definition": "-> S"}), context={"S": S})
Child.insert1({"i": 0})
S.insert1({"i": 1000})
print(time.monotonic() - start)
"""


def others_wait(schema, S, url, seconds):
    """Return how long another process needs to declare and insert while a `make` computes."""
    command = [sys.executable, "-c", DECLARER, url, schema.database]
    other = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    took = []

    @schema
    class Slow(dj.Computed):
        definition = """
        -> S
        """

        def make(self, key):
            (S & key).fetch1()
            end = time.monotonic() + seconds
            other.stdin.write("go\n")
            other.stdin.flush()
            took.append(float(other.stdout.readline()))
            time.sleep(max(0.0, end - time.monotonic()))
            self.insert1(key)

    try:
        assert other.stdout.readline() == "ready\n", other.communicate()[1]
        assert Slow.populate({"i": 2}) == {"success_count": 1, "error_list": []}
    finally:
        other.kill()
        other.communicate()
    return took[0]


def test_others_declare_and_insert_while_it_computes(schema, S, url):
    assert others_wait(schema, S, url, 3.0) < 1.0


@pytest.mark.slow
def test_others_declare_and_insert_while_it_computes_for_long(schema, S, url):
    assert others_wait(schema, S, url, 20.0) < 1.0


# --- one number that all rewrite
def raise_together(url, name, processes, times):
    with dj.Connection(url) as connection:
        turn, counter, raised = tables(connection, name)
        counter.insert1({"id": 0, "n": 0})
        turn.insert({"worker": w, "i": i} for w in range(processes) for i in range(times))
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        command = [sys.executable, "-m", "tests.concurrency.make_worker", url, name]
        workers = [subprocess.Popen([*command, str(n)], cwd=ROOT, **pipes) for n in range(processes)]
        try:
            for worker in workers:
                assert "ready\n" in worker.stdout, worker.communicate()[1]
            for worker in workers:
                worker.stdin.write("go\n")
                worker.stdin.flush()
            outcomes = [worker.communicate(timeout=600) for worker in workers]
        finally:
            for worker in workers:
                worker.kill()
                worker.communicate()
        found = [json.loads(output.splitlines()[-1]) for output, _ in outcomes]
        assert found == [{"success_count": times, "error_list": []}] * processes
        assert counter.fetch1("n") == processes * times
        assert sorted(raised.to_arrays("n").tolist()) == list(range(1, processes * times + 1))


def test_one_counter(url, schema_name, connection):
    if not connection.dialect.thread_bound:
        pytest.skip("servers lock rows, not files: there a counter is read with a lock")
    raise_together(url, schema_name, 4, 40)


@pytest.mark.slow
def test_one_counter_for_long(url, schema_name, connection):
    if not connection.dialect.thread_bound:
        pytest.skip("servers lock rows, not files: there a counter is read with a lock")
    raise_together(url, schema_name, 8, 500)


# --- somebody changes what is read
class Interference:
    """Moves numbers between rows of a table, and remembers every state that it was in."""

    def __init__(self, table, seed, pause):
        self.table, self.chance, self.pause = table, random.Random(seed), pause  # noqa: S311 - no secret
        self.state = dict(zip(*table.to_arrays("i", "v"), strict=True))
        self.states = [dict(self.state)]
        self.over = threading.Event()
        self.error = None

    def __call__(self):
        try:
            while not self.over.wait(self.chance.uniform(0, self.pause)):
                self.step()
        except Exception as error:  # noqa: BLE001 - told by the test
            self.error = error
        finally:
            self.table.connection.close()

    def step(self):
        changed = dict(self.state)
        a, b = self.chance.sample(sorted(changed), 2)
        amount = self.chance.randrange(1, 50)
        kind = self.chance.choice(["move", "move", "new", "gone"])
        new = max(changed) + 1
        changed[a] -= amount
        if kind == "move":
            changed[b] += amount
        elif kind == "new":
            changed[new] = amount
        elif a >= 6:  # the first rows are needed as keys
            changed[b] += changed.pop(a) + amount
        # Remembered before it can be seen.
        self.states.append(changed)
        with self.table.connection.transaction:
            for i, v in changed.items():
                if i not in self.state:
                    self.table.insert1({"i": i, "v": v})
                elif self.state[i] != v:
                    self.table.update1({"i": i, "v": v})
            for i in self.state.keys() - changed.keys():
                (self.table & {"i": int(i)}).delete_quick()
        self.state = changed


def make_amid(schema, S, new_connection, seed, keys, pause):
    """Make `keys` while rows change; return what each had read, the keys made again, and all states of the table."""
    chance = random.Random(f"make {seed}")  # noqa: S311 - no secret
    seen = {}

    @schema
    class Turn(dj.Manual):
        definition = """
        turn : int32
        """

    Turn.insert({"turn": n} for n in range(keys))

    @schema
    class Sum(dj.Computed):
        definition = """
        -> Turn
        -> S
        ---
        total : int64
        """
        key_source = Turn * (S & "i = 0").proj()

        def make(self, key):
            def wait():
                time.sleep(chance.uniform(0, 0.004))

            own = (S & key).fetch1("v")
            wait()
            rows = S.to_dicts() if chance.random() < 0.5 else list(S)
            wait()
            total = sum(S.to_arrays("v").tolist())
            wait()
            if chance.random() < 0.3:
                with self.connection.transaction:
                    wait()
            self.insert1({**key, "total": total})
            wait()
            seen[key["turn"]] = own, {r["i"]: r["v"] for r in rows}, total

    again = set()
    interference = Interference(dj.FreeTable(new_connection(), S.full_table_name), seed, pause)
    thread = threading.Thread(target=interference)
    with schema.connection.events.subscribe(
        lambda e: again.add(e.key["turn"]) if isinstance(e, events.InputsChanged) else None
    ):
        thread.start()
        try:
            outcome = Sum.populate()
        finally:
            interference.over.set()
            thread.join()
    assert interference.error is None
    assert outcome == {"success_count": keys, "error_list": []}
    stored = dict(zip(*Sum.to_arrays("turn", "total"), strict=True))
    assert stored == {turn: total for turn, (_, _, total) in seen.items()}
    return seen, again, interference.states


def hold_together(seen, again, states, connection):
    for turn, (own, rows, total) in seen.items():
        if turn in again and not connection.dialect.name.startswith(("mysql", "mariadb", "sqlite")):
            continue  # read again in a transaction without a snapshot, as programs of old do
        assert any(s == rows and s[0] == own and sum(s.values()) == total for s in states), turn


def test_what_was_read_was_true_at_one_moment(schema, S, new_connection, connection):
    seed = os.environ["DJ_TEST_SEED"]
    seen, again, states = make_amid(schema, S, new_connection, seed, keys=25, pause=0.03)
    hold_together(seen, again, states, connection)
    assert len(again) < len(seen)


@pytest.mark.slow
@pytest.mark.parametrize("pause", [0.005, 0.05])
@pytest.mark.parametrize("seed", range(2))
def test_what_was_read_was_true_at_one_moment_for_long(schema, S, new_connection, connection, seed, pause):
    seen, again, states = make_amid(schema, S, new_connection, seed, keys=200, pause=pause)
    hold_together(seen, again, states, connection)


# --- each waits for the other
def test_a_deadlock(schema, S, new_connection, connection):
    if not connection.dialect.conflict_codes:
        pytest.skip("an engine with one writer has no deadlocks")

    @schema
    class Log(dj.Manual):
        definition = """
        n : int32
        ---
        v : int32
        """

    Log.insert({"n": n, "v": 0} for n in range(2))
    calls, ends = [], []
    held, wanted = threading.Event(), threading.Event()

    def other(table):
        for _ in range(5):
            try:
                with table.connection.transaction:
                    table.update1({"n": 1, "v": 1})
                    held.set()
                    wanted.wait(10)
                    table.update1({"n": 0, "v": 1})
            except LockError as error:
                ends.append(type(error).__name__)
            else:
                break
        table.connection.close()

    @schema
    class Result(dj.Computed):
        definition = """
        -> S
        """

        def make(self, key):
            calls.append(key)
            self.insert1(key)
            Log.update1({"n": 0, "v": 2})
            held.wait(10)
            wanted.set()
            Log.update1({"n": 1, "v": 2})

    thread = threading.Thread(target=other, args=(dj.FreeTable(new_connection(), Log.full_table_name),))
    thread.start()
    outcome = Result.populate({"i": 0})
    thread.join()
    assert outcome == {"success_count": 1, "error_list": []}
    assert len(calls) - 1 + len(ends) >= 1  # one of the two was ended
    assert len(calls) <= 2
