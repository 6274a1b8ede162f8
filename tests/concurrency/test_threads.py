"""Sixteen threads work over one connection: each in a transaction of its own, and none gets what is another's."""

import contextlib
import os
import random
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import datajoint as dj
from datajoint.errors import DuplicateError

THREADS, ROUNDS = 16, 8


@pytest.fixture
def notes(schema):
    definition = """
    thread : int32
    n : int32
    ---
    text : varchar(40)
    """
    return schema(type("Notes", (dj.Manual,), {"definition": definition}), context={})


def test_sixteen_threads_over_one_connection(connection, notes):
    barrier = threading.Barrier(THREADS)

    def work(thread):
        chance = random.Random(thread)  # noqa: S311 - no secret
        mine = notes & {"thread": thread}
        kept = 0
        barrier.wait(60)
        for n in range(ROUNDS):
            keep = chance.random() < 0.6
            with contextlib.suppress(ZeroDivisionError), connection.transaction:
                notes.insert1({"thread": thread, "n": n, "text": f"{thread} says {n}"})
                assert len(mine) == kept + 1
                assert (mine & {"n": n}).fetch1("text") == f"{thread} says {n}"
                with pytest.raises(DuplicateError), connection.transaction:
                    notes.insert1({"thread": thread, "n": n, "text": "again"})
                keep or 1 / 0
            kept += keep
            assert not connection.in_transaction
            assert [row["text"] for row in mine] == [f"{thread} says {row['n']}" for row in mine]
            assert len(mine) == kept
        session = connection.connection_id
        connection.close_thread()
        return session, kept

    with ThreadPoolExecutor(THREADS) as pool:
        outcomes = list(pool.map(work, range(THREADS)))
    assert len({session for session, _ in outcomes}) == THREADS
    assert len(notes()) == sum(kept for _, kept in outcomes)


def test_a_thread_sees_nothing_of_what_another_has_not_committed(connection, notes):
    def count():
        try:
            return len(notes())
        finally:
            connection.close_thread()

    with ThreadPoolExecutor(THREADS) as pool:
        with connection.transaction:
            notes.insert1({"thread": 0, "n": 0, "text": "secret"})
            assert [f.result(60) for f in [pool.submit(count) for _ in range(THREADS)]] == [0] * THREADS
        assert [f.result(60) for f in [pool.submit(count) for _ in range(THREADS)]] == [1] * THREADS


def test_sessions_of_threads_that_ended_are_closed(connection, notes, new_connection, engine):
    numbers = []

    def work():
        notes.insert1({"thread": threading.get_native_id(), "n": 0, "text": ""})
        numbers.append(connection.connection_id)

    for _ in range(3):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert len(notes()) == 3
    if engine != "sqlite":
        asked = {
            "postgresql": "SELECT count(*) FROM pg_stat_activity WHERE pid = %s",
        }.get(engine, "SELECT count(*) FROM information_schema.processlist WHERE id = %s")
        other = new_connection()
        for number in numbers:
            waiting = threading.Event()
            while other.query(asked, (number,)).fetchone()[0]:
                assert not waiting.wait(0.02)


def test_the_query_log_is_of_all_threads(connection, notes):
    def work(thread):
        notes.insert1({"thread": thread, "n": 0, "text": ""})
        connection.close_thread()

    with connection.query_log() as log, ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(20)))
    assert sum("INSERT" in record.text for record in log) == 20


DAEMON = """
import threading, time
import datajoint as dj

connection = dj.Connection("sqlite:///daemon.db")
begun = threading.Event()

def endless():
    connection.query("SELECT 1")
    begun.set()
    connection.query("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n")

threading.Thread(target=endless, daemon=True).start()
begun.wait()
time.sleep(0.3)  # into the statement
"""


def test_a_program_ends_while_a_daemon_thread_asks(tmp_path):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", DAEMON], cwd=tmp_path, env=environment, check=True, timeout=30)
