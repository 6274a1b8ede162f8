"""Processes that fork while other threads are at work: no child waits for a thread that it does not have."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import datajoint as dj
from datajoint.forking import Gate, reopened
from tests.concurrency.forking_worker import KEYS

ROOT = Path(__file__).parents[2]
TIMES = 20

pytestmark = [
    pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="processes cannot be forked here"),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]


def in_child(work, seconds=20):
    """Fork, work in the child, and return how it ended; None if it did not."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return None


def test_populate_while_a_thread_uses_the_connection(url, schema_name):
    command = [sys.executable, "-m", "tests.concurrency.forking_worker", url, schema_name, str(TIMES)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout.splitlines()[-1]) == {"made": TIMES * KEYS, "notes": True}


@contextlib.contextmanager
def held_elsewhere(*locks):
    """Hold locks in another thread."""
    ready, over = threading.Event(), threading.Event()

    def hold():
        with contextlib.ExitStack() as stack:
            for lock in locks:
                stack.enter_context(lock)
            ready.set()
            over.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    ready.wait()
    yield
    over.set()
    thread.join()


def test_what_another_thread_holds_is_open_in_a_child(connection, schema):
    @schema
    class Thing(dj.Manual):
        definition = "id : int32"

    connection.dependencies.load()
    plain = reopened(threading.Lock())

    def work():
        with plain:
            Thing.insert1({"id": 1})
        assert connection.dependencies.topo_sort() == [Thing.full_table_name]
        connection.close_thread()

    with held_elsewhere(plain, connection.dependencies.lock, connection._catalogs._lock, connection._sessions._lock):
        assert in_child(work) == 0
        assert plain.locked(), "here it is held still"
    assert len(Thing()) == 1


def test_what_the_forking_thread_holds_stays_its_own():
    lock = reopened(threading.RLock())

    def work():
        with lock:
            pass
        lock.release()
        assert not lock._is_owned()

    with lock:
        assert in_child(work) == 0


def test_a_file_is_not_open_while_a_process_forks(connection, schema, engine):
    if engine != "sqlite":
        pytest.skip("a server keeps its locks to itself")

    @schema
    class Thing(dj.Manual):
        definition = "id : int32"

    Thing()
    session = connection._sessions.own
    before = session.raw
    opened, end = threading.Event(), threading.Event()

    def write():
        with connection.transaction:
            Thing.insert1({"id": 1})
            opened.set()
            end.wait(0.2)
        connection.close_thread()

    thread = threading.Thread(target=write)
    thread.start()
    opened.wait()
    assert in_child(lambda: Thing.insert1({"id": 2})) == 0, "it neither has nor misses the lock of that thread"
    thread.join()
    assert connection._sessions.own is session
    assert session.raw is not before
    assert connection.is_connected
    assert sorted(Thing.to_arrays("id")) == [1, 2]


def test_nobody_enters_a_gate_that_is_shut():
    gate, order = Gate(), []

    def enter():
        with gate:
            order.append("entered")

    gate.shut(time.monotonic() + 10)
    thread = threading.Thread(target=enter)
    thread.start()
    with gate:  # who shut it may
        order.append("mine")
    gate.open()
    thread.join()
    assert order == ["mine", "entered"]


def test_a_gate_waits_for_those_inside_but_not_for_ever():
    gate, inside, end = Gate(), threading.Event(), threading.Event()

    def stay():
        with gate:
            inside.set()
            end.wait()

    thread = threading.Thread(target=stay)
    thread.start()
    inside.wait()
    start = time.monotonic()
    gate.shut(start + 0.05)
    assert time.monotonic() - start >= 0.05
    gate.open()
    end.set()
    thread.join()
