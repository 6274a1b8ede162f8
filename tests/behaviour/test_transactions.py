"""Blocks that are kept or undone as a whole, also after a deadlock, DDL, a forgotten helper thread."""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import datajoint as dj
from datajoint.errors import (
    AccessError,
    DataJointError,
    DeadlockError,
    DuplicateError,
    LockError,
    LostConnectionError,
    MissingTableError,
)


@pytest.fixture
def numbers(schema):
    return schema(type("Numbers", (dj.Manual,), {"definition": "n: int32\n---\nm=0: int32"}), context={})


def stored(table):
    return table.to_arrays("n").tolist()


def in_thread(work):
    """Do `work` in another thread, whose session is closed afterwards; return its result or raise its error."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result(60)


# --- statements and blocks inside
def test_a_failed_statement_leaves_the_transaction_as_it_was(connection, numbers):
    with connection.transaction:
        numbers.insert1({"n": 1})
        with pytest.raises(DuplicateError):
            numbers.insert1({"n": 1})
        with pytest.raises(MissingTableError):
            connection.query("SELECT nonsense FROM no_schema.nowhere")
        numbers.insert1({"n": 2})
        with pytest.raises(DuplicateError), connection.transaction:
            numbers.insert1({"n": 3})
            with pytest.raises(DuplicateError):
                numbers.insert1({"n": 3})
            numbers.insert([{"n": 4}, {"n": 1}])
        numbers.insert1({"n": 5})
    assert stored(numbers) == [1, 2, 5]


def test_blocks_nest_to_any_depth(connection, numbers):
    with connection.transaction:
        with connection.transaction:
            numbers.insert1({"n": 1})
            with pytest.raises(ZeroDivisionError), connection.transaction:
                numbers.insert1({"n": 2})
                with connection.transaction:
                    numbers.insert1({"n": 3})
                1 / 0
            numbers.insert1({"n": 4})
        with pytest.raises(ZeroDivisionError), connection.transaction, connection.transaction:
            numbers.insert1({"n": 5})
            1 / 0
        numbers.insert1({"n": 6})
    assert stored(numbers) == [1, 4, 6]


def test_ending_explicitly_ends_all_blocks(connection, numbers):
    connection.start_transaction()
    numbers.insert1({"n": 1})
    with pytest.raises(DataJointError, match="Nested connections are not supported"):
        connection.start_transaction()
    assert connection.in_transaction
    connection.cancel_transaction()
    assert not connection.in_transaction
    assert stored(numbers) == []


# --- what empties a transaction
def test_a_query_that_a_deadlock_ended_is_run_again(connection, numbers, new_connection, engine):
    """Outside a transaction there is nothing that was lost with it."""
    if engine == "sqlite":
        pytest.skip("there is one writer, and it waits for nobody")
    numbers.insert({"n": n} for n in (1, 2))
    other, reader = new_connection(), new_connection()
    theirs = dj.FreeTable(other, numbers.full_table_name)
    query = f"SELECT n FROM {numbers.full_table_name} WHERE n IN (1, 2) ORDER BY n FOR UPDATE"

    def read():
        with reader.query_log() as log:
            rows = [row[0] for row in reader.query(query)]
        reader.close_thread()
        return rows, len(log)

    def waits():
        table = f"{numbers.database}.{numbers.table_name}"
        return any(lock.table == table for lock in connection.locks())

    with ThreadPoolExecutor(1) as thread:
        with other.transaction:
            theirs.update1({"n": 2, "m": 1})
            found = thread.submit(read)
            end = time.monotonic() + 10
            while not waits():
                assert time.monotonic() < end
                time.sleep(0.2)  # MariaDB looks anew only if nobody asked for a tenth of a second
            theirs.update1({"n": 1, "m": 1})
        rows, times = found.result(60)
    assert rows == [1, 2]
    assert times > 1
    assert numbers.to_arrays("m").tolist() == [1, 1]


def test_a_deadlock_dooms_the_block_and_keeps_the_first_error(connection, numbers, new_connection, engine):
    if engine == "sqlite":
        pytest.skip("there is one writer, and it waits for nobody")
    numbers.insert({"n": n} for n in (1, 2))
    other = new_connection()
    theirs = dj.FreeTable(other, numbers.full_table_name)
    barrier = threading.Barrier(2)
    outcomes = []

    def work(link, table, first, second):
        try:
            with link.transaction:
                table.update1({"n": first, "m": 1})
                barrier.wait(20)
                try:
                    with link.transaction:
                        table.update1({"n": second, "m": 1})
                except DeadlockError as error:
                    try:
                        table.insert1({"n": 10 + first})  # would be kept by itself on MySQL
                    except LockError as again:
                        outcomes.append((error, again))
        except DeadlockError as last:
            outcomes.append(last)
        finally:
            link.close_thread()

    threads = [
        threading.Thread(target=work, args=(connection, numbers, 1, 2)),
        threading.Thread(target=work, args=(other, theirs, 2, 1)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(outcomes) == 2
    (first, again), last = outcomes
    assert again.__cause__ is first
    assert last.__cause__ is first
    assert "ended already" in str(again)
    assert "repeat it as a whole" in str(again)
    assert set(stored(numbers)) == {1, 2}
    assert numbers.to_arrays("m").tolist() == [1, 1]


def test_ddl_where_it_commits_dooms_the_block(connection, schema, numbers):
    name = f"{connection.dialect.quote_name('other')}" if connection.dialect.joined_names else None
    table = name or f"{connection.dialect.quote_name(schema.database)}.{connection.dialect.quote_name('other')}"
    create = f"CREATE TABLE {table} (x int)"
    if connection.dialect.transactional_ddl:
        with pytest.raises(ZeroDivisionError), connection.transaction:
            numbers.insert1({"n": 1})
            connection.query(create)
            1 / 0
        assert stored(numbers) == []
        return
    with pytest.raises(DataJointError, match=r"ended already.*CREATE TABLE"), connection.transaction:
        numbers.insert1({"n": 1})
        with pytest.raises(DataJointError, match="kept what was done before"), connection.transaction:
            connection.query(create)
            numbers.insert1({"n": 2})
        numbers.insert1({"n": 3})
    assert stored(numbers) == [1]
    with pytest.raises(DataJointError, match="ended already"), connection.transaction:
        connection.query(f"DROP TABLE {table}")
    assert not connection.in_transaction


def test_a_user_s_own_commit_inside_a_block_is_told(connection, numbers):
    with pytest.raises(DataJointError, match=r"ended already.*COMMIT"), connection.transaction:
        numbers.insert1({"n": 1})
        connection.query("COMMIT")
        numbers.insert1({"n": 2})
    assert stored(numbers) == [1]


def test_a_transaction_begun_by_a_statement_stays_the_user_s(connection, numbers):
    connection.query("BEGIN")
    numbers.insert1({"n": 1})
    with connection.transaction:
        numbers.insert1({"n": 2})
    with pytest.raises(ZeroDivisionError), connection.transaction:
        numbers.insert1({"n": 3})
        1 / 0
    assert not connection.in_transaction
    assert stored(numbers) == [1, 2]
    connection.query("ROLLBACK")
    assert stored(numbers) == []
    connection.query("BEGIN")
    numbers.insert([{"n": 4}, {"n": 5}])
    connection.query("COMMIT")
    with connection.transaction:
        numbers.insert1({"n": 6})
    assert stored(numbers) == [4, 5, 6]


def test_a_transaction_begun_by_a_statement_is_not_lost_silently(connection, numbers):
    connection.query("BEGIN")
    numbers.insert1({"n": 1})
    connection._session().raw.close()
    with pytest.raises(LostConnectionError, match="during a transaction"):
        numbers.insert1({"n": 2})
    connection.query("BEGIN")
    numbers.insert1({"n": 3})
    connection.close()
    with pytest.raises(LostConnectionError, match="during a transaction"), connection.transaction:
        numbers.insert1({"n": 4})
    numbers.insert1({"n": 5})
    assert stored(numbers) == [5]


def test_closing_inside_a_transaction_loses_it_and_says_so(connection, numbers):
    with pytest.raises(LostConnectionError, match="lost during a transaction"), connection.transaction:
        numbers.insert1({"n": 1})
        connection.close()
        numbers.insert1({"n": 2})
    with pytest.raises(LostConnectionError, match="lost during a transaction"), connection.transaction:
        numbers.insert1({"n": 3})
        connection.close()
    assert stored(numbers) == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_has_no_part_in_the_transaction(connection, numbers):
    with connection.transaction:
        numbers.insert1({"n": 1})
        child = os.fork()
        if child == 0:
            try:
                numbers.insert1({"n": 2})
            except LostConnectionError as error:
                os._exit(0 if "forked" in str(error) else 3)
            finally:
                os._exit(1)  # whatever happens, the child must not go on with the tests
        assert os.waitpid(child, 0)[1] == 0
        numbers.insert1({"n": 3})
    assert stored(numbers) == [1, 3]


# --- helper threads
def test_helpers_join_a_transaction(connection, numbers):
    threads, each = 4, 5
    with connection.transaction as tx:
        numbers.insert1({"n": 0})
        join = tx.attach()

        def work(number):
            with join:
                assert connection.in_transaction
                assert 0 in stored(numbers)
                for n in range(each):
                    with connection.transaction:
                        numbers.insert1({"n": 1 + number * each + n})
                    with pytest.raises(ZeroDivisionError), connection.transaction:
                        numbers.insert1({"n": 1000 + number * each + n})
                        1 / 0
            assert not connection.in_transaction
            connection.close_thread()

        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(work, range(threads)))
        assert len(numbers()) == 1 + threads * each
    assert stored(numbers) == list(range(1 + threads * each))


def test_what_helpers_did_is_undone_with_the_transaction(connection, numbers):
    def work():
        with connection.attach():
            numbers.insert1({"n": 2})

    with pytest.raises(ZeroDivisionError), connection.transaction:
        numbers.insert1({"n": 1})
        in_thread(work)
        assert stored(numbers) == [1, 2]
        1 / 0
    assert stored(numbers) == []


def test_attaching_where_there_is_nothing_or_too_much(connection, numbers):
    with pytest.raises(DataJointError, match="no transaction to join"):
        connection.attach()
    with connection.transaction(read_only=True):
        join = connection.attach()
        with join:
            assert stored(numbers) == []

        def two():
            with connection.transaction(read_only=True):
                with pytest.raises(DataJointError, match="transaction of its own"), join:
                    pass

                def three():
                    with pytest.raises(DataJointError, match=r"2 transactions are open.*attach\(\) in the thread"):
                        connection.attach()

                in_thread(three)
            connection.close_thread()

        in_thread(two)

        def ending():
            with join, pytest.raises(DataJointError, match="belongs to thread"):
                connection.commit_transaction()

        in_thread(ending)
    with pytest.raises(DataJointError, match="has ended"), join:
        pass


def test_a_helper_that_forgot_to_join_is_told_why(connection, new_connection, schema, settings, engine):
    parent = schema(type("Parent", (dj.Manual,), {"definition": "p: int32\n---\nm=0: int32"}), context={})
    child = schema(type("Child", (dj.Manual,), {"definition": "-> Parent"}), context={"Parent": parent})
    parent.insert1({"p": 0})
    settings.database.lock_timeout = 1
    impatient = new_connection()
    parents, children = (dj.FreeTable(impatient, t.full_table_name) for t in (parent, child))

    def forgetful():
        try:
            parents.update1({"p": 0, "m": 1})
        finally:
            impatient.close_thread()

    with impatient.transaction:
        parents.update1({"p": 0, "m": 2})
        with pytest.raises(LockError, match=r"Thread MainThread of this program.*attach\(\)"):
            in_thread(forgetful)
        in_thread(lambda: joined(impatient, children))
    assert parent.fetch1("m") == 2
    assert len(child()) == 1


def joined(connection, children):
    with connection.attach():
        children.insert1({"p": 0})


# --- reading only
def test_a_connection_that_only_reads(connection, numbers, new_connection, schema):
    numbers.insert1({"n": 1})
    reader = new_connection(read_only=True)
    mine = dj.FreeTable(reader, numbers.full_table_name)
    refused = (
        lambda: mine.insert1({"n": 2}),
        lambda: mine.insert([{"n": 2}, {"n": 3}]),
        lambda: mine.update1({"n": 1, "m": 2}),
        lambda: mine.delete_quick(),
        lambda: (mine & "n = 1").delete(prompt=False),
        lambda: reader.query(f"DELETE FROM {numbers.full_table_name}"),
        lambda: reader.query(f"DROP TABLE {numbers.full_table_name}"),
        lambda: dj.Schema(schema.database + "x", connection=reader),
    )
    for write in refused:
        with pytest.raises(DataJointError) as caught:
            write()
        assert isinstance(caught.value, AccessError) or isinstance(caught.value.__cause__, AccessError), write
    with reader.transaction:
        assert stored(mine) == [1]
        with pytest.raises(AccessError):
            mine.insert1({"n": 2})
        assert stored(mine) == [1]
    again = dj.Schema(schema.database, connection=reader)
    assert again.list_tables() == ["numbers"]
    assert stored(numbers) == [1]


# --- nothing is held while idle
def test_nothing_is_held_open_while_idle(connection, numbers, new_connection, engine):
    numbers.insert({"n": n} for n in range(2500))
    rows = iter(numbers)
    next(rows)
    numbers.to_dicts(limit=3)
    connection.query(f"SELECT * FROM {numbers.full_table_name}").fetchone()
    other = new_connection()
    if engine == "sqlite":
        busy, *_ = other.query("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        assert busy == 0
    elif engine == "postgresql":
        state = other.query("SELECT state FROM pg_stat_activity WHERE pid = %s", (connection.connection_id,))
        assert state.fetchone()[0] == "idle"
    else:
        count = "SELECT count(*) FROM information_schema.innodb_trx WHERE trx_mysql_thread_id = %s"
        assert other.query(count, (connection.connection_id,)).fetchone()[0] == 0
    other.query(f"DROP TABLE {numbers.full_table_name}")
