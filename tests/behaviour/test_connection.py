"""Connections on every engine: transactions, threads, lost links, the raw door."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import datajoint as dj
from datajoint.errors import LostConnectionError
from datajoint.sql import Parameter, Sql

DEFINITION = "n: int32\n---\nthread=0: int32"


@pytest.fixture
def numbers(schema):
    return schema(type("Numbers", (dj.Manual,), {"definition": DEFINITION}), context={})


def stored(table):
    return table.to_arrays("n").tolist()


def test_a_transaction_is_kept_or_undone_as_a_whole(connection, numbers):
    with connection.transaction as inside:
        assert inside is connection
        assert connection.in_transaction
        numbers.insert1({"n": 1})
    assert not connection.in_transaction
    with pytest.raises(ZeroDivisionError), connection.transaction:
        numbers.insert1({"n": 2})
        1 / 0
    assert not connection.in_transaction
    assert stored(numbers) == [1]


def test_an_inner_block_is_a_savepoint(connection, numbers):
    with connection.transaction:
        numbers.insert1({"n": 1})
        with pytest.raises(dj.errors.DuplicateError), connection.transaction:
            numbers.insert1({"n": 2})
            numbers.insert1({"n": 1})
        with connection.transaction:
            numbers.insert1({"n": 3})
        assert connection.in_transaction
    assert stored(numbers) == [1, 3]


def test_explicit_transactions(connection, numbers):
    connection.start_transaction()
    with pytest.raises(dj.DataJointError, match="Nested connections are not supported"):
        connection.start_transaction()
    numbers.insert1({"n": 1})
    connection.cancel_transaction()
    assert stored(numbers) == []
    connection.start_transaction()
    numbers.insert1({"n": 2})
    connection.commit_transaction()
    assert stored(numbers) == [2]
    connection.commit_transaction()
    connection.cancel_transaction()


def test_a_read_only_transaction_refuses_writes_and_sees_one_state(connection, numbers, new_connection):
    numbers.insert1({"n": 1})
    other = dj.FreeTable(new_connection(), numbers.full_table_name)
    with connection.transaction(read_only=True):
        before = stored(numbers)
        other.insert1({"n": 2})
        assert stored(numbers) == before
        with pytest.raises(dj.DataJointError):
            numbers.insert1({"n": 3})
    assert stored(numbers) == [1, 2]


def test_every_thread_has_a_session_and_a_transaction_of_its_own(connection, numbers):
    threads, each = 6, 5
    barrier = threading.Barrier(threads)

    def work(number):
        barrier.wait(30)
        for i in range(each):
            with connection.transaction:
                numbers.insert1({"n": number * each + i, "thread": number})
                assert connection.in_transaction
            with pytest.raises(ZeroDivisionError), connection.transaction:
                numbers.insert1({"n": 1000 + number * each + i})
                1 / 0
        session = connection.connection_id
        connection.close_thread()
        return session

    with ThreadPoolExecutor(threads) as pool:
        sessions = list(pool.map(work, range(threads)))
    assert len({*sessions, connection.connection_id}) == threads + 1
    assert stored(numbers) == list(range(threads * each))


def test_a_lost_link_is_restored_between_transactions_and_never_inside(connection, numbers, new_connection, engine):
    if engine == "sqlite":
        pytest.skip("a file has no link to lose")
    numbers.insert1({"n": 1})
    kill(new_connection(), connection.connection_id, engine)
    assert stored(numbers) == [1]
    with pytest.raises(LostConnectionError, match="during a transaction"), connection.transaction:
        numbers.insert1({"n": 2})
        kill(new_connection(), connection.connection_id, engine)
        numbers.insert1({"n": 3})
    assert stored(numbers) == [1]


def kill(connection, session, engine):
    if engine == "postgresql":
        connection.execute(Sql("SELECT pg_terminate_backend(", Parameter(session), ", 5000)"))
    else:
        connection.execute(Sql(f"KILL {int(session)}"))


def test_a_closed_connection_opens_again_and_says_what_it_is(connection, numbers):
    numbers.insert1({"n": 1})
    assert connection.is_connected
    connection.close()
    connection.close()
    assert not connection.is_connected
    assert "disconnected" in repr(connection)
    assert stored(numbers) == [1]
    assert connection.is_connected


def test_passwords_are_never_shown(connection):
    password = connection.target.password
    if not password:
        pytest.skip("this engine has no password")
    assert password not in repr(connection)
    assert password not in repr(connection.target)
    assert password not in connection.address


def test_the_raw_door_takes_percent_placeholders_everywhere(connection, numbers):
    numbers.insert({"n": i} for i in range(4))
    cursor = connection.query(f"SELECT n FROM {numbers.full_table_name} WHERE n %% 2 = %s ORDER BY n", (1,))
    assert [tuple(row) for row in cursor.fetchall()] == [(1,), (3,)]
    cursor = connection.query(f"SELECT n AS number FROM {numbers.full_table_name} WHERE n = %s", (2,), as_dict=True)
    assert [dict(row) for row in cursor.fetchall()] == [{"number": 2}]


def test_errors_of_the_engine_are_ours_and_keep_the_cause(connection):
    with pytest.raises(dj.DataJointError) as caught:
        connection.query("SELECT nonsense FROM nowhere")
    assert caught.value.__cause__ is not None


def test_the_query_log_holds_texts_and_durations_but_no_values(connection, numbers):
    with connection.query_log() as log:
        numbers.insert1({"n": 12345})
        assert len(numbers & {"n": 12345}) == 1
    assert log
    assert all(record.duration >= 0 for record in log)
    assert not any("12345" in record.text for record in log)
    length = len(log)
    len(numbers())
    assert len(log) == length
