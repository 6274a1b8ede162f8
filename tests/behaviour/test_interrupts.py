"""A statement that takes a minute is interrupted, or takes longer than it may: the server stops, and work goes on."""

import contextlib
import os
import signal
import threading
import time

import pytest

import datajoint as dj
from datajoint.errors import LostConnectionError, QueryError, TimeLimitError

SLEEP = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000000000) SELECT count(*) FROM n",
    "mysql": "SELECT SLEEP(60)",
    "mariadb": "SELECT SLEEP(60)",
    "postgresql": "SELECT pg_sleep(60)",
}
RUNNING = {
    "mysql": "SELECT count(*) FROM information_schema.processlist WHERE info LIKE 'SELECT SLEEP%%'",
    "mariadb": "SELECT count(*) FROM information_schema.processlist WHERE info LIKE 'SELECT SLEEP%%'",
    "postgresql": "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT pg_sleep%%'",
}


@pytest.fixture
def numbers(schema):
    return schema(type("Numbers", (dj.Manual,), {"definition": "n: int32\n---\nm=0: int32"}), context={})


@contextlib.contextmanager
def interrupted(seconds=0.3):
    """Press Ctrl-C after a while, and tell afterwards how long control took to return."""
    if threading.current_thread() is not threading.main_thread():
        pytest.skip("only the main thread is interrupted")
    pressed = []

    def press():
        pressed.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(seconds, press)
    before = signal.getsignal(signal.SIGINT)
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt) as caught:
            yield caught
        assert time.monotonic() - pressed[0] < 1
    finally:
        timer.cancel()
        timer.join()
    assert signal.getsignal(signal.SIGINT) is before


def nothing_runs(connection, engine):
    if engine == "sqlite":
        return True
    end = time.monotonic() + 2
    while connection.query(RUNNING[engine]).fetchone()[0]:
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def test_an_interrupt_ends_the_statement_everywhere(connection, numbers, new_connection, engine):
    numbers.insert1({"n": 1})
    with interrupted():
        connection.query(SLEEP[engine])
    assert nothing_runs(new_connection(), engine)
    assert numbers.to_arrays("n").tolist() == [1]
    numbers.insert1({"n": 2})
    assert connection.is_connected


def test_an_interrupt_in_a_transaction_undoes_it_and_says_so(connection, numbers, new_connection, engine):
    with interrupted() as caught, connection.transaction:
        numbers.insert1({"n": 1})
        connection.query(SLEEP[engine])
    assert "nothing of its transaction is kept" in " ".join(caught.value.__notes__)
    assert nothing_runs(new_connection(), engine)
    assert not connection.in_transaction
    assert len(numbers()) == 0
    with connection.transaction:
        numbers.insert1({"n": 2})
    assert len(numbers()) == 1


def test_a_transaction_goes_on_for_nobody_after_an_interrupt_that_was_caught(connection, numbers, engine):
    with pytest.raises((QueryError, LostConnectionError), match="interrupted"), connection.transaction:
        numbers.insert1({"n": 1})
        with interrupted():
            connection.query(SLEEP[engine])
        numbers.insert1({"n": 2})
    with pytest.raises((QueryError, LostConnectionError), match="interrupted"):
        with connection.transaction:
            with interrupted():
                connection.query(SLEEP[engine])
    assert len(numbers()) == 0


def test_an_interrupt_of_a_fetch_leaves_a_connection_that_works(connection, schema, engine):
    number = type("Number", (dj.Lookup,), {"definition": "n: int32", "contents": [(n,) for n in range(300)]})
    number = schema(number, context={})
    cube = number.proj(a="n") * number.proj(b="n") * number.proj(c="n")
    with interrupted():
        while True:
            len(cube & "a * b + c < 0")
    assert len(number()) == 300


def test_waiting_for_a_lock_can_be_interrupted(connection, numbers, new_connection):
    numbers.insert1({"n": 1})
    holder = new_connection()
    with holder.transaction:
        dj.FreeTable(holder, numbers.full_table_name).update1({"n": 1, "m": 1})
        with interrupted():
            numbers.update1({"n": 1, "m": 2})
    assert numbers.fetch1("m") == 1
    numbers.update1({"n": 1, "m": 3})


def test_an_interrupt_during_a_commit_waits_for_the_answer(connection, numbers, monkeypatch):
    if threading.current_thread() is not threading.main_thread():
        pytest.skip("only the main thread is interrupted")
    execute = type(connection.backend).execute

    def slow_commit(backend, raw, text, values):
        result = execute(backend, raw, text, values)
        if text == "COMMIT":
            os.kill(os.getpid(), signal.SIGINT)
        return result

    monkeypatch.setattr(type(connection.backend), "execute", slow_commit)
    with pytest.raises(KeyboardInterrupt) as caught, connection.transaction:
        numbers.insert1({"n": 1})
    monkeypatch.undo()
    assert "committed" in " ".join(caught.value.__notes__)
    assert not connection.in_transaction
    assert len(numbers()) == 1


# --- time limits
def test_a_statement_may_take_so_long_and_no_longer(connection, numbers, new_connection, engine):
    start = time.monotonic()
    with connection.time_limit(0.3), pytest.raises(TimeLimitError, match=r"longer than the 0.3 s.*time_limit"):
        connection.query(SLEEP[engine])
    assert time.monotonic() - start < 2
    assert nothing_runs(new_connection(), engine)
    numbers.insert1({"n": 1})
    with connection.time_limit(30):
        assert len(numbers()) == 1


def test_the_shorter_of_two_limits_counts_and_only_in_its_thread(connection, numbers, engine):
    with connection.time_limit(0.2), connection.time_limit(50):
        with pytest.raises(TimeLimitError):
            connection.query(SLEEP[engine])
        seen = []
        thread = threading.Thread(target=lambda: (seen.append(len(numbers())), connection.close_thread()))
        thread.start()
        thread.join()
    assert seen == [0]
    with pytest.raises(dj.DataJointError, match="positive"), connection.time_limit(0):
        pass


def test_a_time_limit_ends_the_statement_not_what_was_done_before(connection, numbers, engine):
    with connection.transaction:
        numbers.insert1({"n": 1})
        with connection.time_limit(0.2), pytest.raises(TimeLimitError):
            connection.query(SLEEP[engine])
        numbers.insert1({"n": 2})
    assert len(numbers()) == 2


def test_a_time_limit_covers_waiting_for_locks(connection, numbers, new_connection):
    numbers.insert1({"n": 1})
    holder = new_connection()
    with holder.transaction:
        dj.FreeTable(holder, numbers.full_table_name).update1({"n": 1, "m": 1})
        with connection.time_limit(0.3), pytest.raises(TimeLimitError):
            numbers.update1({"n": 1, "m": 2})
    assert numbers.fetch1("m") == 1
