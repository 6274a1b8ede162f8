"""Each key is computed once; what one call writes is kept together, or not at all."""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import datajoint as dj
from datajoint import events
from datajoint.autopopulate.digest import content_digest

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

    S.insert({"i": i, "v": 10 * i} for i in range(6))
    return S


@pytest.fixture
def K(schema, S):
    @schema
    class K(dj.Computed):
        definition = """
        -> S
        ---
        r : int32
        """

        def make(self, key):
            self.insert1({**key, "r": (S & key).fetch1("v") + 1})

    return K


@pytest.fixture
def computed(schema, S):
    """Make a computed table out of a few functions."""

    def make_table(**namespace):
        table = type("Result", (dj.Computed,), {"definition": "-> S\n---\nr : int32", **namespace})
        return schema(table, context={"S": S})

    return make_table


@pytest.fixture
def heard(connection):
    """All events of the connection, in order."""
    found = []
    with connection.events.subscribe(found.append):
        yield found


# --- the keys
def test_every_key_once(K):
    assert K.progress() == (6, 6)
    assert K.populate() == ALL
    assert K().to_arrays("r").tolist() == [1, 11, 21, 31, 41, 51]
    assert K.populate() == {"success_count": 0, "error_list": []}
    assert K.progress() == (0, 6)


def test_at_most_so_many(K):
    assert K.populate(max_calls=2)["success_count"] == 2
    assert K.progress() == (4, 6)
    assert K.populate(max_calls=0)["success_count"] == 0
    assert len(K()) == 2


def test_conditions_on_the_key_source(K, S):
    K.populate({"i": 1})
    assert K.keys() == [{"i": 1}]
    K.populate([{"i": 1}, {"i": 2}])
    assert K.keys() == [{"i": 1}, {"i": 2}]
    assert K.populate({"i": 3}, {"i": 4})["success_count"] == 0
    assert K.progress({"i": 4}) == (1, 1)
    K.populate("v > 30", S & "i < 5")
    assert K.keys() == [{"i": 1}, {"i": 2}, {"i": 4}]


def test_order(K, heard):
    K.populate({"i": [0, 1, 2]}, order="reverse")
    assert [e.key["i"] for e in heard if isinstance(e, events.KeyStarted)] == [2, 1, 0]
    with pytest.raises(dj.DataJointError, match="sideways"):
        K.populate(order="sideways")


def test_refusals(K, S, connection, computed):
    with pytest.raises(dj.DataJointError, match="restricted table"):
        (K & {"i": 1}).populate()
    with pytest.raises(dj.DataJointError, match="restricted table"):
        (K & {"i": 1}).progress()
    with pytest.raises(TypeError):
        K.populate(limit=1)
    with connection.transaction, pytest.raises(dj.DataJointError, match="during a transaction"):
        K.populate()
    K.key_source = 5
    with pytest.raises(dj.DataJointError, match="Invalid key_source value"):
        K.populate()
    K.key_source = S.proj(z="i")
    with pytest.raises(dj.DataJointError, match="lacks attribute z"):
        K.populate()
    assert len(K()) == 0


def test_a_class_without_make(computed):
    with pytest.raises(NotImplementedError, match="make_fetch"):
        computed().populate()


def test_a_table_without_parents(schema):
    @schema
    class Alone(dj.Computed):
        definition = """
        n : int32
        """

        def make(self, key):
            self.insert1(key)

    with pytest.raises(dj.DataJointError, match="must have dependencies"):
        Alone.populate()


def test_several_parents_and_renamed_keys(schema, S):
    @schema
    class Method(dj.Lookup):
        definition = """
        method : varchar(8)
        """
        contents = [("a",), ("b",)]

    @schema
    class Pair(dj.Computed):
        definition = """
        -> Method
        -> S.proj(first='i')
        -> S.proj(second='i')
        ---
        total : int32
        """

        def make(self, key):
            self.insert1({**key, "total": key["first"] + key["second"]})

    assert Pair.key_source.primary_key == Pair.primary_key
    assert Pair.progress() == (72, 72)
    assert Pair.populate({"first": 2})["success_count"] == 12
    assert (Pair & {"first": 2, "second": 5, "method": "a"}).fetch1("total") == 7


def test_secondary_attributes_of_the_same_name_do_not_matter(schema, S):
    @schema
    class Own(dj.Computed):
        definition = """
        -> S
        ---
        v : int32
        """

        def make(self, key):
            self.insert1({**key, "v": -1})

    Own.key_source = S()
    Own.populate(max_calls=2)
    Own.populate()
    assert Own.progress() == (0, 6)


def test_one_call_for_several_rows(schema, S, caplog):
    @schema
    class N(dj.Computed):
        definition = """
        -> S
        n : int32
        """

        def make(self, key):
            self.insert({**key, "n": n} for n in range(2))

    assert N.populate() == ALL
    assert N.populate()["success_count"] == 0
    assert N.progress() == (0, 6)
    assert len(N()) == 12


def test_keys_that_are_secondary_attributes(schema, S):
    @schema
    class W(dj.Computed):
        definition = """
        w : int32
        ---
        -> S
        """
        key_source = S

        def make(self, key):
            self.insert1({**key, "w": 100 + key["i"]})

    assert W.populate() == ALL
    assert W.progress() == (0, 6)
    S.insert1({"i": 6})
    assert W.populate()["success_count"] == 1


# --- one key
def fails_at_1(self, key, **options):
    self.insert1({**key, "r": 0})
    if key["i"] == 1:
        raise ValueError("boom")


def test_an_error_undoes_its_key_only(computed):
    result = computed(make=fails_at_1)
    with pytest.raises(ValueError, match="boom"):
        result.populate()
    assert result.keys() == [{"i": 0}]
    assert result.populate(suppress_errors=True) == {"success_count": 4, "error_list": [({"i": 1}, "ValueError: boom")]}
    ((_, error),) = result.populate(suppress_errors=True, return_exception_objects=True)["error_list"]
    assert isinstance(error, ValueError)
    assert result.progress() == (1, 6)


def test_master_and_parts_together(schema, S):
    @schema
    class M(dj.Computed):
        definition = """
        -> S
        """

        class Part(dj.Part):
            definition = """
            -> master
            n : int32
            """

        def make(self, key):
            self.insert1(key)
            self.Part.insert1({**key, "n": 1})
            if key["i"] == 1:
                self.Part.insert1({**key, "n": "not a number"})

    M.populate(suppress_errors=True)
    assert M().to_arrays("i").tolist() == M.Part().to_arrays("i").tolist() == [0, 2, 3, 4, 5]


def test_insert_protection(schema, S, K, connection):
    attempts = []

    @schema
    class B(dj.Computed):
        definition = """
        -> S
        """

        class Part(dj.Part):
            definition = """
            -> master
            """

        def make(self, key):
            for action in (lambda: K.insert1({**key, "r": 0}), K.populate):
                with pytest.raises(dj.DataJointError):
                    action()
                attempts.append(key)
            helper = threading.Thread(target=self._try_elsewhere, args=(key,))
            helper.start()
            helper.join()
            B.insert1(key)

        def _try_elsewhere(self, key):
            try:
                type(self).insert1(key)
            except dj.DataJointError:
                attempts.append(key)

    with pytest.raises(dj.DataJointError, match="inside its make method.*allow_direct_insert=True"):
        B.insert1({"i": 0})
    assert B.populate() == ALL
    assert len(attempts) == 18
    assert len(K()) == 0
    with pytest.raises(dj.DataJointError, match="allow_direct_insert"):
        B.insert1({"i": 0}, skip_duplicates=True)
    S.insert1({"i": 7})
    B.insert1({"i": 7}, allow_direct_insert=True)
    B.Part.insert1({"i": 7})
    dj.FreeTable(connection, K.full_table_name).insert1({"i": 7, "r": 1})


def test_inserting_is_permitted_to_tasks_of_the_make_alone(computed, connection):
    """Not to one that was there before and runs meanwhile, nor in another thread that inherits the context, nor later."""
    said, later = [], []
    loop, over = asyncio.new_event_loop(), asyncio.Event()

    async def insert(table, key):
        try:
            table.insert1({**key, "r": 1})
        except dj.DataJointError as error:
            said.append(str(error))

    async def insert_by_tasks(table, key):
        await asyncio.gather(insert(table, key), asyncio.to_thread(asyncio.run, insert(table, {"i": 5})))
        later.append(loop.create_task(insert_later(table, {"i": 5})))

    async def insert_later(table, key):
        await over.wait()
        await insert(table, key)

    def make(self, key):
        loop.run_until_complete(before)
        assert len(said) == 1, "before the make inserted anything"
        loop.run_until_complete(insert_by_tasks(type(self), key))

    def populate():
        assert K.populate({"i": 0})["success_count"] == 1
        over.set()
        loop.run_until_complete(later[0])
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
        connection.close_thread()

    K = computed(make=make)
    before = loop.create_task(insert(K, {"i": 5}))
    # Browser tests that ran in this process leave a running loop in its main thread.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(populate).result()
    assert len(said) == 3
    assert all("auto-populated" in message for message in said), said
    assert K.keys() == [{"i": 0}]


def test_a_call_that_inserts_nothing(computed):
    calls = []
    result = computed(make=lambda self, key: calls.append(key))
    assert result.populate() == ALL
    assert result.populate() == ALL
    assert len(calls) == 12
    assert len(result()) == 0


def test_the_older_name_of_make(computed):
    result = computed(_make_tuples=lambda self, key: self.insert1({**key, "r": 1}))
    assert result.populate() == ALL


def test_the_key_may_be_changed(computed):
    def make(self, key):
        key["r"] = 5
        self.insert1(key)

    result = computed(make=make)
    assert result.populate() == ALL


def test_make_runs_in_one_transaction(computed, connection, new_connection):
    seen = []

    def make(self, key):
        seen.append(connection.in_transaction)
        self.insert1({**key, "r": 1})
        seen.append(len(self & key))
        seen.append(len(dj.FreeTable(other, self.full_table_name) & key))
        with pytest.raises(dj.DataJointError):
            connection.start_transaction()
        with pytest.raises(ZeroDivisionError), connection.transaction:
            self.update1({**key, "r": 2})
            raise ZeroDivisionError

    other = new_connection()
    result = computed(make=make)
    assert result.populate(max_calls=2)["success_count"] == 2
    assert seen == [True, 1, 0] * 2
    assert result().to_arrays("r").tolist() == [1, 1]


def test_a_key_that_another_worker_was_faster_with(computed, heard):
    first = []

    def make(self, key):
        if key["i"] == 0 and not first:
            first.append(key)
            self.connection.cancel_transaction()  # the other worker commits in between
            type(self).insert1({"i": 0, "r": 7}, allow_direct_insert=True)
            type(self).insert1({"i": 5, "r": 7}, allow_direct_insert=True)
        self.insert1({**key, "r": 1})

    result = computed(make=make)
    assert result.populate() == {"success_count": 4, "error_list": []}
    assert [e.key["i"] for e in heard if isinstance(e, events.KeySkipped)] == [0, 5]
    assert result().to_arrays("r").tolist() == [7, 1, 1, 1, 1, 7]


def test_two_workers_at_once(computed, connection):
    both = threading.Barrier(2)

    def make(self, key):
        r = key["i"] + 1
        if key["i"] == 0 and not connection.dialect.joined_names:  # where there is one writer, the other waits outside
            both.wait(10)
        self.insert1({**key, "r": r})

    result = computed(make=make)
    outcomes = []

    def work():
        outcomes.append(result.populate(suppress_errors=True))
        connection.close_thread()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [o["error_list"] for o in outcomes] == [[], []]
    assert sum(o["success_count"] for o in outcomes) == 6
    assert result().to_arrays("r").tolist() == [1, 2, 3, 4, 5, 6]


# --- fetch, compute, insert
class ThreeParts:
    phases: list

    def make_fetch(self, key, **options):
        self.phases.append(("fetch", self.connection.in_transaction, options))
        return (self.fetched(key),)

    def make_compute(self, key, v):
        self.phases.append(("compute", self.connection.in_transaction))
        return v + 1, "more"

    def make_insert(self, key, r, more):
        assert more == "more"
        self.phases.append(("insert", self.connection.in_transaction))
        self.insert1({**key, "r": r})


def three_parts(**extra):
    methods = {n: v for n, v in vars(ThreeParts).items() if n.startswith("make_")}
    return {**methods, "phases": [], "fetched": lambda self, key: key["i"], **extra}


def test_three_parts(computed):
    result = computed(**three_parts())
    assert result.populate(max_calls=1, make_kwargs={"a": 1})["success_count"] == 1
    assert result.phases == [
        ("fetch", False, {"a": 1}),
        ("compute", False),
        ("fetch", True, {"a": 1}),
        ("insert", True),
    ]
    assert result.populate()["success_count"] == 5
    assert result().to_arrays("r").tolist() == [1, 2, 3, 4, 5, 6]


def test_an_input_that_changes_meanwhile(computed, S, new_connection):
    other = dj.FreeTable(new_connection(), S.full_table_name)

    def compute(self, key, v):
        if key["i"] == 2:
            other.update1({"i": 2, "v": 99})
        return v + 1, "more"

    result = computed(**three_parts(make_compute=compute, fetched=lambda self, key: (S & key).fetch1("v")))
    outcome = result.populate(suppress_errors=True)
    assert outcome["success_count"] == 5
    ((key, message),) = outcome["error_list"]
    assert key == {"i": 2}
    assert "Referential integrity failed! The `make_fetch` data has changed" in message
    assert result().to_arrays("i").tolist() == [0, 1, 3, 4, 5]


def generator_make(self, key, **options):
    computed = yield key["i"]
    if computed is None:
        computed = (key["i"] + 1,)
        yield computed
    self.insert1({**key, "r": computed[0]})
    yield


def generator_that_ends(self, key):
    computed = yield key["i"]
    if computed is None:
        computed = (key["i"] + 1,)
        yield computed
    else:
        self.insert1({**key, "r": computed[0]})


@pytest.mark.parametrize("make", [generator_make, generator_that_ends])
def test_a_generator(computed, make):
    result = computed(make=make)
    assert result.populate() == ALL
    assert result().to_arrays("r").tolist() == [1, 2, 3, 4, 5, 6]


def bare_yields(self, key):
    yield
    yield
    self.insert1({**key, "r": 1})
    yield


def ignores_the_result(self, key):
    yield key["i"]
    yield (key["i"] + 1,)
    self.insert1({**key, "r": 1})
    yield


def yields_once(self, key):
    yield key["i"]


@pytest.mark.parametrize("make", [bare_yields, ignores_the_result, yields_once])
def test_a_generator_that_would_insert_nothing(computed, make):
    result = computed(make=make)
    with pytest.raises(dj.DataJointError, match="is a generator, but"):
        result.populate()
    assert len(result()) == 0


class Thing:
    def __init__(self, value):
        self.value = value


SAME = [
    (lambda: np.arange(5.0), lambda: np.arange(5.0)),
    (lambda: {"a": 1, "b": [2]}, lambda: {"b": [2], "a": 1}),
    (lambda: float("nan"), lambda: float("-nan")),
    (lambda: np.array([{"a": 1}, None], dtype=object), lambda: np.array([{"a": 1}, None], dtype=object)),
    (lambda: Thing([1]), lambda: Thing([1])),
    (lambda: {3, 1, 2}, lambda: {1, 2, 3}),
]
DIFFERENT = [
    (1, 1.0),
    (1, True),
    ("a", b"a"),
    ([1, 1, 2], [1, 2]),
    (np.array([1, 1, 2]), np.array([1, 2])),
    (np.zeros(2), np.zeros((2, 1))),
    (np.zeros(2, "f4"), np.zeros(2, "f8")),
    (Thing(1), Thing(2)),
    ([[1], [2]], [[1, 2]]),
    (["ab", "c"], ["a", "bc"]),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_equal_contents_have_one_digest(one, other):
    assert content_digest(one()) == content_digest(other())


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_other_contents_have_another_digest(one, other):
    assert content_digest(one) != content_digest(other)


# --- who listens, and how it ends
def test_events(computed, heard):
    def make(self, key):
        self.report(0.5, "half")
        fails_at_1(self, key)

    result = computed(make=make)
    result.populate({"i": [0, 1]}, suppress_errors=True)
    heard = [e for e in heard if not isinstance(e, events.RowsInserted)]
    assert [type(e).__name__ for e in heard] == [
        "PopulateStarted",
        "KeyStarted", "KeyProgress", "KeyLive", "KeySucceeded",
        "KeyStarted", "KeyProgress", "KeyLive", "KeyFailed",
        "PopulateFinished",
    ]  # fmt: skip
    assert {e.table for e in heard} == {result.full_table_name}
    assert heard[0].total == 2
    assert (heard[2].key, heard[2].fraction, heard[2].text) == ({"i": 0}, 0.5, "half")
    assert heard[8].message == "ValueError: boom"
    assert "fails_at_1" in heard[8].traceback
    assert (heard[9].succeeded, heard[9].failed, heard[9].skipped, heard[9].stopped) == (1, 1, 0, False)
    result().report(0.1)
    assert len(heard) == 10


def test_an_error_ends_the_run(computed, heard):
    with pytest.raises(ValueError, match="boom"):
        computed(make=fails_at_1).populate()
    assert isinstance(heard[-1], events.PopulateFinished)
    assert (heard[-1].succeeded, heard[-1].failed, heard[-1].stopped) == (1, 1, True)


@pytest.mark.parametrize("as_event", [True, False])
def test_it_can_be_stopped(computed, heard, as_event):
    flag = threading.Event()

    def make(self, key):
        self.insert1({**key, "r": 1})
        if key["i"] == 1:
            flag.set()

    result = computed(make=make)
    assert result.populate(stop=flag if as_event else flag.is_set)["success_count"] == 2
    assert heard[-1].stopped
    assert result.progress() == (4, 6)


def test_an_interrupt_leaves_nothing_half_done(computed, heard, connection):
    def make(self, key):
        self.insert1({**key, "r": 1})
        if key["i"] == 1:
            signal.raise_signal(signal.SIGINT)

    result = computed(make=make)
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        result.populate(suppress_errors=True)
    assert signal.getsignal(signal.SIGINT) is handler
    assert not connection.in_transaction
    assert result.keys() == [{"i": 0}]
    assert isinstance(heard[-1], events.PopulateFinished)
    assert heard[-1].stopped
    with pytest.raises(dj.DataJointError, match="allow_direct_insert"):
        result.insert1({"i": 1, "r": 1})


def test_an_interrupt_amid_a_statement(computed, connection, monkeypatch):
    def make(self, key):
        self.insert1({**key, "r": 1})
        if key["i"] == 1:
            with monkeypatch.context() as patch:
                patch.setattr(type(connection.backend), "execute", lambda *_: signal.raise_signal(signal.SIGINT))
                self.update1({**key, "r": 2})

    result = computed(make=make)
    with pytest.raises(KeyboardInterrupt):
        result.populate()
    assert not connection.in_transaction
    assert result.keys() == [{"i": 0}]


def test_an_interrupt_amid_a_commit_waits_for_the_answer(computed, connection, heard, monkeypatch):
    backend = type(connection.backend)
    execute = backend.execute

    def interrupted(backend, raw, text, values):
        if text == "COMMIT":
            signal.raise_signal(signal.SIGINT)
        return execute(backend, raw, text, values)

    result = computed(make=lambda self, key: self.insert1({**key, "r": 1}))
    monkeypatch.setattr(backend, "execute", interrupted)
    with pytest.raises(KeyboardInterrupt):
        result.populate()
    assert result.keys() == [{"i": 0}]
    assert sum(isinstance(e, events.KeySucceeded) for e in heard) == 1


def test_system_exit_passes(computed):
    def make(self, key):
        self.insert1({**key, "r": 1})
        raise SystemExit("bye")

    result = computed(make=make)
    with pytest.raises(SystemExit):
        result.populate(suppress_errors=True)
    assert len(result()) == 0


def test_a_make_that_commits_by_itself(computed, connection, caplog):
    def make(self, key):
        self.insert1({**key, "r": 1})
        connection.commit_transaction()

    assert computed(make=make).populate(max_calls=1)["success_count"] == 1
    assert "ended its transaction itself" in caplog.text


def test_the_progress_bar(K, capsys):
    assert K.populate(display_progress=True) == ALL
    shown = capsys.readouterr().err
    assert "K:" in shown
    assert "6/6" in shown


def test_progress_is_logged(K, caplog):
    K.populate(max_calls=3)
    with caplog.at_level(logging.INFO, logger="datajoint"):
        assert K.progress(display=True) == (3, 6)
    assert "Completed 3 of 6 (50.0%)" in caplog.text
