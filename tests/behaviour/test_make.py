"""The transaction of a plain `make`: none before the first write, and everything that was read verified in it."""

from __future__ import annotations

import logging
import re
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import datajoint as dj
from datajoint import events

ALL = {"success_count": 6, "error_list": []}


@pytest.fixture
def S(schema):
    @schema
    class S(dj.Manual):
        definition = """
        i : int32
        ---
        v=0 : int32
        """

    S.insert({"i": i, "v": i} for i in range(6))
    return S


@pytest.fixture
def computed(schema, S):
    """Make a computed table out of a few functions."""

    def make_table(make, definition="-> S\n---\nr : int32", **namespace):
        table = type("Result", (dj.Computed,), {"definition": definition, "make": make, **namespace})
        return schema(table, context={"S": S, **namespace})

    return make_table


@pytest.fixture
def heard(connection):
    """All events of the connection but those of rows, in order."""
    found = []
    with connection.events.subscribe(lambda e: None if isinstance(e, events.RowsInserted) else found.append(e)):
        yield found


@pytest.fixture
def other(new_connection, S):
    """The source table through another connection."""
    return dj.FreeTable(new_connection(), S.full_table_name)


def of_kind(heard, kind):
    return [e for e in heard if isinstance(e, kind)]


def told(records, table, source):
    """Return what was sent for one key, in short words; questions about the structure are left out."""
    found = []
    for record in records:
        text = record.text
        if re.match(r"BEGIN|START", text):
            found.append("begin")
        elif text in {"COMMIT", "ROLLBACK"}:
            found.append(text.lower())
        elif text.startswith("SELECT EXISTS"):
            found.append("check")
        elif text.startswith("INSERT"):
            found.append("insert")
        elif text.startswith("SELECT") and source.full_table_name in text:
            found.append("read")
        elif text.startswith("SELECT") and table.full_table_name in text:
            found.append("own")
        elif "SAVEPOINT" not in text:
            found.append(text)
    return found


def logged(connection, table, source, key, **options):
    """Populate one key and return what was sent after the keys were known."""
    table.progress()  # the structure is known then
    with connection.query_log() as records:
        outcome = table.populate(key, **options)
    assert outcome["error_list"] == []
    names = told(records, table, source)
    return names[1:]  # the first asks for the keys


# --- what a program sees
def test_it_looks_like_a_transaction(computed, connection, schema, S):
    seen = []

    def make(self, key):
        seen.append(connection.in_transaction)
        for forbidden in (lambda: schema(type("New", (dj.Manual,), {"definition": "n : int32"})), self.populate,
                          connection.start_transaction):  # fmt: skip
            with pytest.raises(dj.DataJointError):
                forbidden()
        self.insert1({**key, "r": 1})
        seen.append(connection.in_transaction)
        seen.append(connection.is_connected)

    result = computed(make)
    assert result.populate() == ALL
    assert seen == [True] * 18
    assert not connection.in_transaction


def test_errors_come_at_their_line(schema, S, connection):
    @schema
    class M(dj.Computed):
        definition = """
        -> S
        """

        class Part(dj.Part):
            definition = """
            -> master
            """

        def make(self, key):
            self.insert1(key)
            assert len(self & key) == 1
            with pytest.raises(dj.errors.DuplicateError):
                self.insert1(key)
            self.Part.insert1(key)

    assert M.populate() == ALL
    assert len(M()) == len(M.Part()) == 6


def test_statements_of_one_key(computed, connection, S):
    result = computed(lambda self, key: self.insert1({**key, "r": 1}))
    # The row that is inserted is the only one that the key may have: the engine itself refuses it if it is there.
    assert logged(connection, result, S, {"i": 0}) == ["begin", "insert", "commit"]


@pytest.mark.parametrize(
    "write",
    [
        lambda self, key: self.insert([{**key, "r": 1}]),
        lambda self, key: self.insert1({**key, "r": 1}, skip_duplicates=True),
        lambda self, key: self.insert1({**key, "r": 1}, replace=True),
        lambda self, key: (self.insert1({"i": key["i"] + 1, "r": 2}), self.insert1({**key, "r": 1})),
    ],
    ids=["bulk", "skip_duplicates", "replace", "another key's row"],
)
def test_a_key_is_asked_for_where_its_row_tells_nothing(computed, connection, S, write):
    result = computed(write)
    assert logged(connection, result, S, {"i": 0})[:2] == ["begin", "check"]


@pytest.mark.parametrize("swallowed", [False, True])
def test_a_key_that_another_worker_has_made_meanwhile(computed, S, other, heard, swallowed):
    theirs = dj.FreeTable(other.connection, f"{S.database}.__result")

    def make(self, key):
        theirs.insert1({**key, "r": 7})
        try:
            self.insert1({**key, "r": 1})
        except dj.DataJointError:
            if not swallowed:
                raise
        self.update1({**key, "r": 2})  # not reached

    result = computed(make)
    assert result.populate() == {"success_count": 0, "error_list": []}
    assert set(result.to_arrays("r")) == {7}
    assert [e.reason for e in heard if isinstance(e, events.KeySkipped)] == ["present"] * 6


def test_a_row_that_is_refused_for_another_reason(computed, S):
    def make(self, key):
        with pytest.raises(dj.DataJointError):
            self.insert1({**key, "r": None})
        self.insert1({**key, "r": 1})

    assert computed(make).populate() == ALL


def test_what_was_read_is_read_again_once(computed, connection, S):
    def make(self, key):
        assert (S & key).fetch1("v") == (S & key).fetch1("v")
        self.insert1({**key, "r": 1})

    result = computed(make)
    expected = ["read", "read", "begin", "read", "insert", "commit"]
    assert logged(connection, result, S, {"i": 0}) == expected


def test_one_exchange_where_the_driver_can(computed, connection, S, monkeypatch):
    exchanges = []
    together = type(connection.backend).together

    def counted(backend, raw, requests):
        exchanges.append([r.text for r in requests])
        return together(backend, raw, requests)

    def make(self, key):
        r = (S & key).fetch1("v")
        self.insert1({**key, "r": r})

    result = computed(make)
    monkeypatch.setattr(type(connection.backend), "together", counted)
    result.populate({"i": 0})
    if connection.dialect.pipelines:
        assert [len(texts) for texts in exchanges] == [3]  # begin, read, insert
    assert result.fetch1("r") == 0


def test_long_mode(computed, connection, S, other):
    def make(self, key):
        r = (S & key).fetch1("v")
        self.insert1({**key, "r": r})

    result = computed(make)
    assert logged(connection, result, S, {"i": 0}, make_transaction="long") == [
        "begin",
        "check",
        "read",
        "insert",
        "commit",
    ]
    connection.settings.jobs.make_transaction = "long"
    assert logged(connection, result, S, {"i": 1})[0] == "begin"
    result.make_transaction = "auto"
    assert logged(connection, result, S, {"i": 2})[0] == "read"
    with pytest.raises(dj.DataJointError, match="'short'"):
        result.populate(make_transaction="short")


def test_long_mode_does_not_notice_a_change(computed, connection, S, other):
    if connection.dialect.thread_bound:
        pytest.skip("where there is one writer, the other waits")
    calls = []

    def make(self, key):
        calls.append(key["i"])
        r = (S & key).fetch1("v")
        other.update1({"i": key["i"], "v": 9})
        self.insert1({**key, "r": r})

    result = computed(make)
    assert result.populate(make_transaction="long") == ALL
    assert calls == list(range(6))
    assert result.to_arrays("r").tolist() == list(range(6))


@pytest.mark.parametrize("mode", ["auto", "long"])
def test_a_first_write_that_fails(M, S, connection, mode):
    def make(self, key):
        n = len(S())
        with pytest.raises(dj.errors.IntegrityError):
            self.Part.insert1(key)
        with pytest.raises(dj.errors.IntegrityError):
            self.Part.insert1(key)
        assert connection.in_transaction
        self.insert1(key)
        assert len(self & key) == 1
        self.Part.insert1(key)
        assert n == 6

    M.make = make
    assert M.populate(make_transaction=mode) == ALL
    assert len(M.Part()) == 6


def test_a_make_that_writes_nothing_holds_nothing(computed, connection, S):
    result = computed(lambda self, key: (S & key).fetch1())
    assert logged(connection, result, S, {"i": 0}) == ["read"]


# --- nobody is locked out
def test_nothing_is_locked_while_it_computes(computed, connection, S, new_connection):
    def make(self, key):
        r = (S & key).fetch1("v")
        schema = dj.Schema(S.database, connection=elsewhere)
        if key["i"] == 0:
            child = type("Child", (dj.Manual,), {"definition": "-> S"})
            schema(child, context={"S": dj.FreeTable(elsewhere, S.full_table_name)}).insert1({"i": 1})
        self.insert1({**key, "r": r})

    elsewhere = new_connection()
    result = computed(make)
    assert result.populate({"i": [0, 1]})["success_count"] == 2


# --- inputs that change
def changing(other, *, when, row):
    """Make a function that changes a row once, when the key is computed for the first time."""
    done = []

    def change(key):
        if key["i"] == when and not done:
            done.append(key)
            other.update1(row)

    return change


@pytest.mark.parametrize("swallow", [False, True])
def test_an_input_that_changes_before_the_first_write(computed, S, other, heard, swallow):
    calls = []
    change = changing(other, when=2, row={"i": 2, "v": 9})

    def make(self, key):
        calls.append(key["i"])
        r = (S & key).fetch1("v")
        change(key)
        try:
            self.insert1({**key, "r": r + 1})
        except Exception:
            if not swallow:
                raise

    result = computed(make)
    assert result.populate() == ALL
    assert calls == [0, 1, 2, 2, 3, 4, 5]
    assert (result & {"i": 2}).fetch1("r") == 10
    (changed,) = of_kind(heard, events.InputsChanged)
    assert changed.key == {"i": 2}
    assert changed.inputs == (f"{S.database}.s",)


def test_whatever_swallows_it_gets_it_again(computed, S, other):
    seen = []
    change = changing(other, when=2, row={"i": 2, "v": 9})

    def make(self, key):
        r = (S & key).fetch1("v")
        change(key)
        for _ in range(3):
            try:
                self.insert1({**key, "r": r}, skip_duplicates=True)
            except BaseException as error:  # noqa: BLE001 - what broad handlers in users' code do
                seen.append(type(error).__name__)

    result = computed(make)
    assert result.populate() == ALL
    assert seen == ["Rerun"] * 3
    assert (result & {"i": 2}).fetch1("r") == 9


def test_an_error_because_an_input_changed(computed, S, other, heard):
    change = changing(other, when=2, row={"i": 2, "v": 9})

    def make(self, key):
        before = (S & key).fetch1("v")
        change(key)
        if (S & key).fetch1("v") != before:
            raise ValueError("changed under my hands")
        self.insert1({**key, "r": before + 1})

    result = computed(make)
    assert result.populate() == ALL
    assert (result & {"i": 2}).fetch1("r") == 10
    assert len(of_kind(heard, events.InputsChanged)) == 1


def test_an_error_that_no_input_explains(computed, S):
    calls = []

    def make(self, key):
        calls.append((S & key).fetch1("v"))
        raise ValueError("boom")

    with pytest.raises(ValueError, match="boom"):
        computed(make).populate()
    assert calls == [0]


@pytest.mark.parametrize(
    ("read", "change"),
    [
        (lambda S: len(S & "v > 3"), lambda o: o.insert1({"i": 10, "v": 10})),
        (lambda S: bool(S & "v > 100"), lambda o: o.insert1({"i": 10, "v": 1000})),
        (lambda S: S.to_dicts(order_by="v DESC, i", limit=2), lambda o: o.insert1({"i": 10, "v": 99})),
        (lambda S: S.to_arrays("v").sum(), lambda o: o.update1({"i": 0, "v": 50})),
        (lambda S: dj.U().aggr(S, n="sum(v)").fetch1("n"), lambda o: o.update1({"i": 0, "v": 50})),
        (lambda S: [row["v"] for row in S], lambda o: o.insert1({"i": 10, "v": 1000})),
        (lambda S: (S & dj.Top(1, ["v DESC", "i"])).fetch1("v"), lambda o: o.insert1({"i": 10, "v": 1000})),
        (lambda S: S.to_pandas().v.sum(), lambda o: o.update1({"i": 0, "v": 50})),
        (lambda S: (S & (S & "v = 77").proj()).keys(), lambda o: o.insert1({"i": 77, "v": 77})),
    ],
)  # fmt: skip
def test_every_way_of_reading_is_verified(computed, S, other, heard, read, change):
    calls = []

    def make(self, key):
        read(S())
        calls.append(key)
        if len(calls) == 1:
            change(other)
        self.insert1({**key, "r": 0})

    assert computed(make).populate({"i": 1}) == {"success_count": 1, "error_list": []}
    assert len(calls) == 2
    assert len(of_kind(heard, events.InputsChanged)) == 1


def test_what_is_read_through_upstream_is_verified(computed, S, other, heard):
    calls = []

    def make(self, key):
        calls.append(self.upstream[S].fetch1("v"))
        if len(calls) == 1:
            other.update1({**key, "v": 50})
        self.insert1({**key, "r": calls[-1]})

    result = computed(make)
    assert result.populate({"i": 1}) == {"success_count": 1, "error_list": []}
    assert calls == [1, 50]
    assert of_kind(heard, events.KeySucceeded)[0].unverified == ()
    assert result.fetch1("r") == 50


def test_what_is_not_verified(computed, schema, S, connection, new_connection, heard):
    @schema
    class Log(dj.Manual):
        definition = """
        n : int32
        """

    calls, elsewhere = [], new_connection()

    def make(self, key):
        calls.append(key["i"])
        len(self)
        connection.query("SELECT 1")
        (S & key & "v < YEAR(NOW())").fetch1("v")
        len(Log)
        dj.FreeTable(elsewhere, Log.full_table_name).insert1({"n": key["i"]})
        self.insert1({**key, "r": 1})

    result = computed(make)
    assert result.populate() == ALL
    assert calls == list(range(6))
    assert set(of_kind(heard, events.KeySucceeded)[0].unverified) == {
        f"{S.database}.{name}" for name in ("log", "__result", "s")
    }


def test_values_that_are_large(schema, connection, new_connection, heard):
    @schema
    class Image(dj.Manual):
        definition = """
        i : int32
        ---
        pixels : <blob>
        """

    first, second = np.arange(100_000.0), np.arange(100_000.0)
    second[50_000] = -1
    Image.insert1({"i": 0, "pixels": first})
    elsewhere, calls = dj.FreeTable(new_connection(), Image.full_table_name), []

    @schema
    class Mean(dj.Computed):
        definition = """
        -> Image
        ---
        smallest : float64
        """

        def make(self, key):
            pixels = (Image & key).fetch1("pixels")
            calls.append(1)
            if len(calls) == 2:
                elsewhere.update1({"i": 0, "pixels": second})
            self.insert1({**key, "smallest": pixels.min()})

    with connection.query_log() as records:
        assert Mean.populate()["success_count"] == 1
    assert len(calls) == 1
    if not connection.dialect.joined_names:
        assert any("sha2" in record.text.lower() for record in records)
    Mean().delete()
    assert Mean.populate()["success_count"] == 1
    assert len(calls) == 3
    assert Mean.fetch1("smallest") == -1


def test_an_ancestor_that_grows(computed, S, other, heard):
    calls = []

    def make(self, key):
        calls.append(key["i"])
        n = len(S.to_dicts())
        if calls.count(key["i"]) == 1:
            other.insert1({"i": 100 + len(calls)})
        self.insert1({**key, "r": n})

    result = computed(make)
    assert result.populate("i < 6") == ALL
    assert max(calls.count(i) for i in range(6)) == 2


def test_a_parent_that_is_deleted(computed, S, other):
    def make(self, key):
        r = (S & key).fetch1("v")
        if key["i"] == 2:
            (other & key).delete()
        self.insert1({**key, "r": r})

    result = computed(make)
    outcome = result.populate(suppress_errors=True)
    assert outcome["success_count"] == 5
    ((key, message),) = outcome["error_list"]
    assert key == {"i": 2}
    assert "fetch1" in message
    assert result.to_arrays("i").tolist() == [0, 1, 3, 4, 5]


def test_a_slow_make_gets_a_second_chance_without_locks(computed, connection, S, other, heard):
    connection.settings.jobs.warn_transaction_seconds = 0.000001
    modes = []

    def make(self, key):
        r = (S & key).fetch1("v")
        modes.append(type(connection.host).__name__ and connection.host.mode)
        if len(modes) < 3:
            other.update1({"i": 1, "v": 10 * len(modes)})
        self.insert1({**key, "r": r})

    result = computed(make)
    assert result.populate({"i": 1})["success_count"] == 1
    assert modes == ["auto", "auto", "long"]
    assert result.fetch1("r") == 20


# --- blocks, threads
def test_a_block_inside(schema, S, connection):
    @schema
    class M(dj.Computed):
        definition = """
        -> S
        """

        class Part(dj.Part):
            definition = """
            -> master
            """

        def make(self, key):
            self.insert1(key)
            with pytest.raises(ZeroDivisionError), connection.transaction:
                self.Part.insert1(key)
                raise ZeroDivisionError

    assert M.populate() == ALL
    assert (len(M()), len(M.Part())) == (6, 0)


def test_a_block_begins_the_transaction(computed, connection, S):
    def make(self, key):
        with connection.transaction:
            assert len(S & key) == 1
            self.insert1({**key, "r": 1})

    result = computed(make)
    assert logged(connection, result, S, {"i": 0}) == ["begin", "check", "read", "insert", "commit"]


@pytest.fixture
def M(schema, S):
    @schema
    class M(dj.Computed):
        definition = """
        -> S
        """

        class Part(dj.Part):
            definition = """
            -> master
            """

    return M


# On the engine whose sessions belong to a thread, the first helper is ended by a SystemExit, which only pytest tells of.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_helper_that_joins(M, connection):
    calls = []

    def helper(key):
        with connection.attach():
            M.Part.insert1(key)

    def make(self, key):
        calls.append(key["i"])
        self.insert1(key)
        thread = threading.Thread(target=helper, args=(key,))
        thread.start()
        thread.join()

    M.make = make
    assert M.populate() == ALL
    assert len(M()) == len(M.Part()) == 6
    assert calls == ([0] if connection.dialect.thread_bound else []) + list(range(6))


def test_helpers_that_read_and_write_for_it(M, S, connection):
    def helper(join, key):
        with join:
            n = (S & key).fetch1("v")
            M.insert1(key)
            M.Part.insert1(key)
            return n

    def make(self, key):
        with ThreadPoolExecutor(1) as pool:
            join = connection.attach()
            assert pool.submit(helper, join, key).result() == key["i"]

    M.make = make
    assert M.populate() == ALL
    assert len(M.Part()) == 6


def test_the_commit_waits_for_helpers(M, connection):
    joined = threading.Event()
    threads = []

    def helper(key):
        with connection.attach():
            joined.set()
            M.insert1(key)
            M.Part.insert1(key)

    def make(self, key):
        joined.clear()
        threads.append(threading.Thread(target=helper, args=(key,)))
        threads[-1].start()
        joined.wait(10)

    M.make = make
    assert M.populate() == ALL
    assert len(M.Part()) == 6


def test_a_helper_that_does_not_join(M, S, connection):
    said = []

    def helper(key):
        said.append(len(S & key))
        try:
            M.insert1(key)
        except dj.DataJointError as error:
            said.append(str(error))
        connection.close_thread()

    def make(self, key):
        self.insert1(key)
        thread = threading.Thread(target=helper, args=(key,))
        thread.start()
        thread.join()

    M.make = make
    assert M.populate({"i": 0})["success_count"] == 1
    assert said[0] == 1
    assert "attach()" in said[1]


# --- conflicts and lost links
@pytest.fixture
def refused(connection, monkeypatch):
    """Make the engine report a conflict for the next statements that match."""

    def arrange(pattern, times):
        left = [times]
        inside, together = type(connection._statements).inside, type(connection._statements).together

        def conflict():
            left[0] -= 1
            return dj.errors.DeadlockError(
                "Deadlock found.", code=next(iter(connection.dialect.conflict_codes), "none")
            )

        def failing(statements, transaction, text, call):
            if left[0] and re.match(pattern, text):
                error = conflict()
                transaction.doom(error)
                raise error
            return inside(statements, transaction, text, call)

        def failing_together(statements, session, requests):
            if left[0] and re.match(pattern, requests[-1].text):
                together(statements, session, requests[:-1])
                raise conflict()
            return together(statements, session, requests)

        monkeypatch.setattr(type(connection._statements), "inside", failing)
        monkeypatch.setattr(type(connection._statements), "together", failing_together)

    return arrange


def test_a_conflict_at_the_first_write(computed, connection, S, refused):
    calls = []

    def make(self, key):
        calls.append(key)
        self.insert1({**key, "r": 1})

    result = computed(make)
    if not connection.dialect.conflict_codes:
        pytest.skip("an engine with one writer has no conflicts")
    refused("INSERT", 1)
    assert logged(connection, result, S, {"i": 0}) == [
        "begin",
        "rollback",
        "begin",
        *(["check"] if connection.dialect.pipelines else []),  # what failed in one exchange is done step by step
        "insert",
        "commit",
    ]
    assert len(calls) == 1


def test_a_conflict_later(computed, connection, S, refused):
    calls = []

    def make(self, key):
        calls.append(key)
        self.insert1({**key, "r": 1})
        self.update1({**key, "r": 2})

    result = computed(make)
    if not connection.dialect.conflict_codes:
        pytest.skip("an engine with one writer has no conflicts")
    refused("UPDATE", 1)
    assert result.populate({"i": 0}) == {"success_count": 1, "error_list": []}
    assert len(calls) == 2
    assert result.fetch1("r") == 2
    refused("UPDATE", 1)
    ((_, message),) = result.populate({"i": 1}, make_transaction="long", suppress_errors=True)["error_list"]
    assert message.startswith("DeadlockError")


def test_rows_of_a_bulk_insert_survive_a_conflict(computed, connection, S, refused):
    calls = []

    def make(self, key):
        calls.append(key)
        self.insert({**key, "n": n} for n in range(20))

    result = computed(make, definition="-> S\nn : int32")
    if not connection.dialect.conflict_codes:
        pytest.skip("an engine with one writer has no conflicts")
    refused("INSERT|COPY", 1)
    assert result.populate({"i": 0}) == {"success_count": 1, "error_list": []}
    assert len(result()) == 20
    assert len(calls) == 2


def end_session(new_connection, number):
    other = new_connection()
    kill = "SELECT pg_terminate_backend(%s)" if other.dialect.pipelines else "KILL %s"
    other.query(kill, (number,))


def test_a_session_that_is_ended_before_the_first_write(computed, connection, S, new_connection, caplog):
    if connection.dialect.thread_bound:
        pytest.skip("an embedded engine has no link to lose")

    def make(self, key):
        r = (S & key).fetch1("v")
        if key["i"] == 1:
            end_session(new_connection, connection.connection_id)
        self.insert1({**key, "r": r})

    result = computed(make)
    caplog.clear()
    assert result.populate() == ALL
    assert len([r for r in caplog.records if r.levelno > logging.INFO]) == 1
    assert "reconnecting" in caplog.text


def test_a_session_that_is_ended_after_the_first_write(computed, connection, S, new_connection):
    if connection.dialect.thread_bound:
        pytest.skip("an embedded engine has no link to lose")
    calls = []

    def make(self, key):
        calls.append(key)
        self.insert1({**key, "r": 1})
        if key["i"] == 1:
            end_session(new_connection, connection.connection_id)
            self.update1({**key, "r": 2})

    result = computed(make)
    with pytest.raises(dj.errors.LostConnectionError):
        result.populate()
    assert result.keys() == [{"i": 0}]
    assert len(calls) == 2


# --- long transactions
def test_a_transaction_that_lasts_long(computed, connection, S, heard, caplog):
    connection.settings.jobs.warn_transaction_seconds = 0.000001
    result = computed(lambda self, key: self.insert1({**key, "r": 1}))
    assert result.populate() == ALL
    first, *others = of_kind(heard, events.LongTransaction)
    assert len(others) == 5
    assert first.file == __file__
    assert first.line > 0
    assert caplog.text.count("kept its transaction open") == 1
    assert "make_fetch" in caplog.text


# --- records
def test_metadata_is_written_with_the_rows(schema, S, connection, settings):
    settings.jobs.add_job_metadata = True

    @schema
    class K(dj.Computed):
        definition = """
        -> S
        ---
        r : int32
        """

        class Part(dj.Part):
            definition = """
            -> master
            """

        def make(self, key):
            self.insert1({**key, "r": 1})

    settings.jobs.add_job_metadata = False
    K.populate()
    assert len(K & "_job_duration >= 0") == 6
    assert len(K & "_job_start_time > '2000-01-01'") == 6
    assert len(K & "_job_version = ''") == 6
    assert K.heading.names == ["i", "r"]
    assert "_job_duration" not in K.Part().heading._attributes
    assert len(K * K.proj(q="r")) == 6


def test_the_version_of_the_code(schema, S, connection, settings, tmp_path, monkeypatch):
    settings.jobs.add_job_metadata, settings.jobs.version_method = True, "git"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("datajoint.code_version._REMEMBERED", 1e-6)  # as if seconds passed between all questions

    @schema
    class K(dj.Computed):
        definition = """
        -> S
        """

        def make(self, key):
            self.insert1(key)

    K.populate({"i": 0})
    for command in (
        ["init", "-q"],
        ["-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-q", "--allow-empty", "-m", "one"],
    ):
        subprocess.run(["git", *command], check=True)
    K.populate({"i": 1})
    short = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], check=True, capture_output=True, text=True
    ).stdout.strip()
    assert len(K & "_job_version = ''") == 1
    assert len(K & f"_job_version = '{short}'" & {"i": 1}) == 1


def test_reads_are_kept(computed, connection, S, schema):
    import json

    def make(self, key):
        self.insert1({**key, "r": (S & key).fetch1("v")})
        len(S())

    result = computed(make)
    result.keep_reads = True
    assert result.populate({"i": 1})["success_count"] == 1

    def row():
        found = connection.query(
            f"SELECT detail, code, {connection.dialect.quote_name('reads')} FROM "
            + dj.FreeTable(connection, f"{S.database}.~dj_history").full_table_name
        ).fetchall()
        assert len(found) == 1
        return found[0]

    detail, code, reads = row()
    assert json.loads(detail) == {"i": "1"}
    first, second = json.loads(reads)
    assert (first["tables"], first["rows"], first["verified"], first["args"]) == ([f"{S.database}.s"], 1, True, ["1"])
    assert second["verified"] is False
    result().delete()
    result.populate({"i": 1})
    assert row() == (detail, code, reads)


# --- one key
def test_one_key_without_keeping_it(computed, connection, S):
    result = computed(lambda self, key: self.insert1({**key, "r": (S & key).fetch1("v") + 1}))
    assert len(result.pending()) == 6
    assert result.run({"i": 2}) == [{"i": 2, "r": 3}]
    assert len(result()) == 0
    assert result.run({"i": 2}, commit=True) == [{"i": 2, "r": 3}]
    assert result.pending("i < 4").to_arrays("i").tolist() == [0, 1, 3]
    with pytest.raises(dj.DataJointError, match="has rows"):
        result.run({"i": 2})
    with pytest.raises(dj.DataJointError, match="more than one key"):
        result.run("i > 2")
    with pytest.raises(dj.DataJointError, match="no key"):
        result.run({"i": 100})
    assert not connection.in_transaction


def test_one_key_that_fails(computed):
    def make(self, key):
        self.insert1({**key, "r": 1})
        raise ZeroDivisionError

    result = computed(make)
    with pytest.raises(ZeroDivisionError):
        result.run({"i": 2})
    assert len(result()) == 0
