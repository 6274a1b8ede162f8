"""Who blocks whom, and waiting for locks no longer than was asked for."""

import os
import threading
import time

import pytest

import datajoint as dj
from datajoint.errors import LockError


@pytest.fixture
def trial(schema):
    session = schema(type("Session", (dj.Manual,), {"definition": "s: int32\n---\nm=0: int32"}), context={})
    session.insert1({"s": 1})
    return session


def test_who_blocks_whom_is_told_with_table_classes(connection, trial, new_connection, engine):
    holder, waiter = new_connection(), new_connection()
    theirs = dj.FreeTable(waiter, trial.full_table_name)

    def wait():
        theirs.update1({"s": 1, "m": 2})
        waiter.close_thread()

    thread = threading.Thread(target=wait)
    with holder.transaction:
        dj.FreeTable(holder, trial.full_table_name).update1({"s": 1, "m": 1})
        thread.start()
        found = []
        end = time.monotonic() + 10
        while not found and time.monotonic() < end:
            mine = f"{trial.database}.session"
            found = [lock for lock in connection.locks() if engine == "sqlite" or lock.table == mine]
            time.sleep(0.2)  # MariaDB looks anew only if nobody asked for a tenth of a second
        number = holder.connection_id
    thread.join()
    assert found
    lock = found[0]
    if engine == "sqlite":  # it tells the process, and nothing of tables
        assert lock.blocking.number == os.getpid()
        assert "the database is held by process" in str(lock)
        return
    assert lock.blocking.number == number
    assert lock.waiting is not None
    assert lock.waiting.number != number
    assert lock.table_class == "Session"
    assert lock.waiting.seconds is None or lock.waiting.seconds >= 0
    assert f"waits for {lock.seconds:.0f} s for Session ({lock.table}), held by" in str(lock)
    assert connection.target.user in str(lock)
    end = time.monotonic() + 10
    while [lock for lock in connection.locks() if lock.table == found[0].table]:
        assert time.monotonic() < end
        time.sleep(0.2)  # as above


def test_a_lock_is_waited_for_as_long_as_the_settings_say(trial, new_connection, settings):
    settings.database.lock_timeout = 1
    holder, waiter = new_connection(), new_connection()
    with holder.transaction:
        dj.FreeTable(holder, trial.full_table_name).update1({"s": 1, "m": 1})
        start = time.monotonic()
        with pytest.raises(LockError, match=r"locked.*connection\.locks"):
            dj.FreeTable(waiter, trial.full_table_name).update1({"s": 1, "m": 2})
        assert 0.5 < time.monotonic() - start < 5
    dj.FreeTable(waiter, trial.full_table_name).update1({"s": 1, "m": 3})
    assert trial.fetch1("m") == 3


def test_nobody_waits_where_nobody_writes(connection, trial):
    mine = f"{trial.database}.session"
    assert [lock for lock in connection.locks() if lock.table in (mine, None)] == []


def test_only_a_blocking_session_of_ones_own_is_ended(connection, trial, new_connection, engine):
    with pytest.raises(dj.DataJointError, match="Nobody waits for a session of number 1"):
        connection.end_blocking(1)
    holder, waiter = new_connection(), new_connection()
    theirs = dj.FreeTable(waiter, trial.full_table_name)
    lost = []

    def wait():
        theirs.update1({"s": 1, "m": 2})
        waiter.close_thread()

    def hold():
        with holder.transaction:
            dj.FreeTable(holder, trial.full_table_name).update1({"s": 1, "m": 1})
            number = holder.connection_id
            thread.start()
            end = time.monotonic() + 10
            mine = f"{trial.database}.session"
            while not any(lock.table == mine for lock in connection.locks()) and time.monotonic() < end:
                time.sleep(0.2)  # as above
            lost.append(connection.end_blocking(number))
            dj.FreeTable(holder, trial.full_table_name).fetch1()

    thread = threading.Thread(target=wait)
    if engine == "sqlite":
        with holder.transaction:
            dj.FreeTable(holder, trial.full_table_name).update1({"s": 1, "m": 1})
            with pytest.raises(dj.DataJointError, match="a process of this machine"):
                connection.end_blocking(os.getpid())
        return
    with pytest.raises(dj.DataJointError):
        hold()
    thread.join()
    assert lost[0].table_class == "Session"
    assert trial.fetch1("m") == 2  # what waited went on; what held was undone
