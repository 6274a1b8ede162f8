"""What others run at this moment, and ending a statement of one's own."""

import os
import threading
import time

import pytest

import datajoint as dj

SLEEP = {"mysql": "SLEEP(60)", "mariadb": "SLEEP(60)", "postgresql": "pg_sleep(60)"}
PATIENCE = 10


@pytest.fixture
def trial(schema):
    session = schema(type("Session", (dj.Manual,), {"definition": "s: int32"}), context={})
    session.insert1({"s": 1})
    return session


def asleep(connection, trial, engine):
    """Begin a statement that takes a minute; return the thread that waits for it."""

    def run():
        try:
            connection.query(f"SELECT {SLEEP[engine]} FROM {trial.full_table_name}").fetchall()
        except dj.DataJointError:
            pass  # it is ended
        finally:
            connection.close_thread()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def seen(connection, trial):
    """Wait until the statement on `trial` is seen; return what is told of it."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if found := [running for running in connection.running() if f"{trial.database}.session" in running.tables]:
            return found[0]
    raise AssertionError("nothing is seen")


def test_a_statement_at_work_is_told_with_table_classes_and_ended(connection, trial, new_connection, engine):
    assert all(f"{trial.database}.session" not in running.tables for running in connection.running())
    if engine == "sqlite":  # it tells who writes, and nothing of statements
        check_writing_to_a_file(connection, trial, new_connection())
        return
    thread = asleep(new_connection(), trial, engine)
    found = seen(connection, trial)
    number, seconds = found.process.number, found.process.seconds
    assert found.table_classes == ("Session",)
    assert found.process.user == connection.target.user
    assert 0 <= seconds < PATIENCE
    assert "60)" in found.process.statement
    assert f"(number {number}) is at work for {seconds:.1f} s on Session: 'SELECT" in str(found)
    assert all(running.process.number != connection.connection_id for running in connection.running())
    assert connection.end_running(number).tables == found.tables
    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert all(found.tables != running.tables for running in connection.running())


def check_writing_to_a_file(connection, trial, holder):
    with holder.transaction:
        dj.FreeTable(holder, trial.full_table_name).insert1({"s": 2})
        (running,) = connection.running()
        assert running.process.number == os.getpid()
        assert str(running).startswith(f"process (number {os.getpid()}) is at work")
        with pytest.raises(dj.DataJointError, match=r"a process of this machine, .* End the statement in that program"):
            connection.end_running(os.getpid())


def test_only_what_runs_is_ended(connection, trial):
    with pytest.raises(
        dj.DataJointError, match=r"No session of number 1 runs a statement\. See connection\.running\(\)"
    ):
        connection.end_running(1)
