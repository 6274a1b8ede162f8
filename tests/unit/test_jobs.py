"""What can become of a job, who is dead, and how keys are written; without a database."""

from __future__ import annotations

import datetime as dt
import itertools
import os
import subprocess
import sys
import uuid
from decimal import Decimal

import pytest

from datajoint.backends.base import Target
from datajoint.backends.coordination import MariaDBCoordination, MySQLCoordination, PostgresCoordination
from datajoint.code_version import code_version
from datajoint.errors import DataJointError
from datajoint.jobs import machine, states
from datajoint.jobs.keys import as_text, item_of
from datajoint.jobs.queue import cut
from datajoint.jobs.registry import WorkerRow, is_dead
from datajoint.jobs.states import after


# --- states
@pytest.mark.parametrize(
    ("status", "event", "options", "expected"),
    [
        (None, "add", {}, "pending"),
        ("reserved", "finish", {}, None),
        ("reserved", "finish", {"keep": True}, "success"),
        ("reserved", "interrupt", {}, "pending"),
        ("reserved", "interrupt", {"as_error": True}, "error"),
        ("reserved", "die often", {"keep": True}, "error"),
        ("error", "delete", {"keep": True}, None),
    ],
)
def test_what_may_happen(status, event, options, expected):
    assert after(status, event, **options) == expected


@pytest.mark.parametrize(
    ("status", "event"), [("error", "claim"), ("ignore", "finish"), (None, "claim"), ("success", "fail")]
)
def test_what_cannot_happen(status, event):
    with pytest.raises(DataJointError, match="cannot happen"):
        after(status, event)


def test_every_status_can_be_left_and_reached():
    left = {status for status, _ in states.TRANSITIONS if status}
    reached = set(itertools.chain.from_iterable(states.TRANSITIONS.values())) - {None}
    assert left == reached == set(states.STATUSES)


def test_to_whom_it_can_happen():
    assert states.before("expire") == ("pending", "reserved", "success", "error")
    assert states.before("add") == ()


# --- who is dead
def worker(**facts):
    row = {
        "worker": "w", "host": "h", "db_user": "u", "pid": 7, "process_start": "s", "machine": "here", "session_id": 1,
        "protocol": 1, "started": None, "last_seen": None, "state": "running",
    }  # fmt: skip
    return WorkerRow(**{**row, **facts})


@pytest.mark.parametrize(
    ("silent", "free", "dead"),
    [(59, True, False), (61, True, True), (61, False, False), (61, None, False), (601, False, True), (601, None, True)],
)
def test_worker_of_another_machine(silent, free, dead):
    found = is_dead(worker(machine="there", silent=silent), "here", 60, lambda pid, start: True, lambda name: free)
    assert found is dead


@pytest.mark.parametrize("silent", [0, 100_000])
@pytest.mark.parametrize("runs", [False, True])
def test_worker_of_this_machine(silent, runs):
    def is_running(pid, start):
        assert (pid, start) == (7, "s")
        return runs

    assert is_dead(worker(silent=silent), "here", 60, is_running, lambda name: True) is not runs


def test_worker_of_a_later_release_is_judged_by_what_cannot_change():
    found = is_dead(worker(protocol=2, silent=1), "here", 60, lambda pid, start: False, lambda name: True)
    assert found is False


@pytest.mark.parametrize("state", ["stopped", "dead"])
def test_worker_that_has_ended(state):
    assert is_dead(worker(state=state), "here", 60, lambda pid, start: True, lambda name: False)


def test_processes_of_this_machine():
    start = machine.process_start(os.getpid())
    assert start is not None
    assert machine.is_running(os.getpid(), start)
    assert machine.machine() == machine.machine() != ""
    if sys.platform == "linux":
        assert not machine.is_running(os.getpid(), "another start")
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    assert not machine.is_running(done.pid, "")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_a_process_that_nobody_buried_is_gone():
    child = os.fork()
    if not child:
        os._exit(0)
    try:
        os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
        assert machine.process_start(child) is None
    finally:
        os.waitpid(child, 0)


# --- keys and texts
@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3, "3"), (True, "1"), ("ä", "ä"), (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"), (b"\x01\xff", "01ff"),
        (dt.date(2026, 1, 2), "2026-01-02"), (dt.datetime(2026, 1, 2, 3, 4, 5, 600_000), "2026-01-02 03:04:05.600000"),
        (Decimal("1.50"), "1.50"), (0.1, "0.1"),
    ],
)  # fmt: skip
def test_values_as_text(value, text):
    assert as_text(value) == text


def test_items_are_digests():
    assert len(item_of("")) == 64
    assert item_of("a") != item_of("b")


@pytest.mark.parametrize("length", [0, 2046, 2047, 2048, 5000])
def test_messages_fit(length):
    text = cut("x" * length)
    assert len(text) == min(length, 2047)
    assert text.endswith("...truncated") == (length > 2047)


def test_no_version_without_a_method():
    assert code_version(None) == code_version("none") == ""


def test_names_of_locks_become_numbers():
    name = f"dj:{uuid.UUID(int=2**128 - 1)}"
    assert PostgresCoordination().lock(name, 0).parameters == [-1]
    assert PostgresCoordination().is_free(name).parameters == [2**32 - 1, 2**32 - 1]
    assert -(2**63) <= PostgresCoordination().unlock("dj:refresh x").parameters[0] < 2**63


@pytest.mark.parametrize("coordination", [MySQLCoordination(), MariaDBCoordination(), PostgresCoordination()])
def test_the_sessions_zone_does_not_matter(coordination):
    plain = repr(coordination.now(Target(backend="x")))
    shifted = repr(coordination.now(Target(backend="x", time_zone="-08:00")))
    assert "zone" not in plain.lower()
    assert "zone" in shifted.lower()
