"""Deletes beside deletes, inserts, a populate, and a person who takes time to answer: the end is always consistent."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

import datajoint as dj
from datajoint.errors import DeadlockError, IntegrityError, LockError
from datajoint.events import RowsDeleted

SIZE = 30


def declare(schema):
    @schema
    class P(dj.Manual):
        definition = """
        p : int32
        ---
        v=0 : int32
        """

    @schema
    class C(dj.Manual):
        definition = """
        -> P
        c : int32
        """

    @schema
    class K(dj.Computed):
        definition = """
        -> P
        """

        class Part(dj.Part):
            definition = """
            -> master
            n : int32
            """

        def make(self, key):
            self.insert1(key)
            self.Part.insert({**key, "n": n} for n in range(3))

    return P, C, K


@pytest.fixture
def made(schema):
    P, C, K = declare(schema)
    P.insert({"p": p} for p in range(SIZE))
    C.insert({"p": p, "c": c} for p in range(SIZE) for c in range(5))
    return P, C, K


def no_orphans(P, C, K):
    parents = set(P.to_arrays("p").tolist())
    return all(set(table.to_arrays("p").tolist()) <= parents for table in (C, K, K.Part)) and set(
        K.Part.to_arrays("p").tolist()
    ) == set(K.to_arrays("p").tolist())


def until_done(delete):
    """Repeat a delete that rows appearing meanwhile have blocked."""
    for _ in range(20):
        try:
            return delete()
        except dj.DataJointError as error:
            if "blocked" not in str(error) and "appeared" not in str(error) and "would be deleted" not in str(error):
                raise
    raise AssertionError("blocked again and again")


@pytest.mark.parametrize("kind", ["conditions", "plan"])
def test_two_deletes_at_once(made, schema, new_connection, kind):
    P, C, K = made
    K.populate()
    others = [declare(dj.Schema(schema.database, connection=new_connection()))[0] for _ in range(2)]
    start = threading.Barrier(2)

    def delete(table, condition):
        start.wait(10)
        rows = table & condition
        counted = until_done(
            lambda: rows.delete(prompt=False) if kind == "conditions" else rows.delete_plan().execute()
        )
        table.connection.close_thread()
        return counted

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(delete, others[0](), "p < 20")
        second = pool.submit(delete, others[1](), "p >= 10")
        counts = first.result(60), second.result(60)
    assert (len(P()), len(C()), len(K()), len(K.Part())) == (0, 0, 0, 0)
    assert SIZE <= sum(counts) <= 40


def test_a_delete_beside_a_populate(made, schema, new_connection):
    P, C, K = made
    other = declare(dj.Schema(schema.database, connection=new_connection()))[2]
    start = threading.Barrier(2)

    def compute():
        start.wait(10)
        other.populate(suppress_errors=True)
        other.connection.close_thread()

    with ThreadPoolExecutor(1) as pool:
        computing = pool.submit(compute)
        start.wait(10)
        for p in range(0, SIZE, 3):
            until_done(partial((P & {"p": p}).delete, prompt=False))
        computing.result(60)
    assert no_orphans(P, C, K)
    assert len(P()) == SIZE - len(range(0, SIZE, 3))
    K.populate()
    assert len(K()) == len(P())


def test_a_row_inserted_while_its_parent_is_deleted(made, schema, new_connection, connection):
    P, C, K = made
    other = declare(dj.Schema(schema.database, connection=new_connection()))[1]()
    outcome = []

    def insert():
        try:
            other.insert1({"p": 1, "c": 99})
            outcome.append("inserted")
        except (IntegrityError, LockError):  # MySQL may see a deadlock and end one of the two
            outcome.append("refused")
        other.connection.close_thread()

    worker = threading.Thread(target=insert)

    def meanwhile(event):
        # Its children are gone, the parent is not yet. Where the insert has to wait for us, it waits.
        if isinstance(event, RowsDeleted) and event.table == C.full_table_name and not worker.ident:
            worker.start()
            worker.join(0.5)

    with connection.events.subscribe(meanwhile):
        try:
            (P & "p=1").delete(prompt=False)
            said = None
        except dj.DataJointError as error:
            said = str(error)
    deleted = said is None
    assert deleted or ("Delete blocked by table" in said and str(C().name) in said)
    worker.join(60)
    assert outcome == ["refused" if deleted else "inserted"]
    assert no_orphans(P, C, K)
    assert len(C & "p=1") == (0 if deleted else 6)
    (P & "p=1").delete(prompt=False)
    assert len(C & "p=1") == 0


def test_others_write_the_same_rows_while_a_delete_waits_for_its_answer(made, schema, new_connection, connection):
    P, C, _ = made
    otherP, otherC, _ = declare(dj.Schema(schema.database, connection=new_connection()))

    def writing(plan):
        assert not connection.in_transaction
        otherP.update1({"p": 1, "v": 7})
        otherC.insert1({"p": 1, "c": 50})
        (otherC & "p=1 and c=50").delete(prompt=False)
        (otherC & "p=1 and c=0").delete(prompt=False)
        return True

    assert (P & "p=1").delete(prompt=True, confirm=writing) == 1
    assert (len(P()), len(C & "p=1")) == (SIZE - 1, 0)

    def adding(plan):
        otherC.insert1({"p": 2, "c": 50})
        return True

    with pytest.raises(dj.DataJointError, match=r"1 more rows .*'c': 50"):
        (P & "p=2").delete(prompt=True, confirm=adding)
    assert len(C & "p=2") == 6


def test_a_refusal_writes_nothing(made, connection):
    P, _, _ = made
    seen = []
    with connection.query_log() as log:
        assert (P & "p=1").delete(prompt=True, confirm=lambda plan: seen.append(plan.seed_count)) == 0
    assert seen == [1]
    assert log
    assert not [r.text for r in log if r.text.split()[0] not in {"SELECT", "EXPLAIN", "WITH", "PRAGMA"}]


# --- deadlocks
@pytest.mark.parametrize("retries", [0, 2])
def test_an_insert_is_sent_again_after_a_deadlock(schema, connection, new_connection, engine, caplog, retries):
    """Another transaction wants the row that the insert has made, while the insert waits for one of its rows."""
    if engine == "sqlite":
        pytest.skip("there is one writer, and it waits for nobody")
    table = schema(type("Number", (dj.Manual,), {"definition": "n : int32"}), context={})
    connection.settings.database.deadlock_retries = retries
    other, watch = new_connection(), new_connection()
    theirs = dj.FreeTable(other, table.full_table_name)

    def insert():
        try:
            table.insert([{"n": 1}, {"n": 2}])
        finally:
            connection.close_thread()

    def collide():
        """Return what became of the insert; None if the server ended the other transaction, or they did not collide."""
        with ThreadPoolExecutor(1) as pool:
            try:
                with other.transaction:
                    theirs.insert({"n": n} for n in range(100, 300))  # mostly, who has done less is ended
                    theirs.insert1({"n": 2})
                    outcome = pool.submit(insert)
                    until(lambda: any(lock.table == str(table().name) for lock in watch.locks()))
                    theirs.insert1({"n": 1})
                    raise KeyError("undone, so that the rows are free")  # noqa: TRY301
            except DeadlockError:
                assert outcome.exception(timeout=30) is None
                table.delete_quick()
            except KeyError:
                error = outcome.exception(timeout=30)
                if error is not None or "The insert is tried again" in caplog.text:
                    return error or "inserted"
                table.delete_quick()
        return None

    outcome = next(found for found in (collide() for _ in range(20)) if found)
    if retries:
        assert outcome == "inserted"
        assert table.to_arrays("n", order_by="n").tolist() == [1, 2]
    else:
        assert isinstance(outcome, DeadlockError)
        assert len(table()) == 0


def until(met, seconds=20.0):
    """Wait until a condition holds."""
    end = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < end
        time.sleep(0.2)  # MariaDB looks anew only if nobody asked for a tenth of a second
