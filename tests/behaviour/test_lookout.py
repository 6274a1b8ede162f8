"""Many queues seen by one statement, and failed jobs put back."""

from __future__ import annotations

import threading

import pytest

import datajoint as dj
from datajoint.jobs.lookout import Lookout, failed_jobs

PATIENCE = 30


@pytest.fixture
def tables(schema):
    """A computed table of six keys, of which one fails, and one below it that makes two rows of each."""

    @schema
    class S(dj.Manual):
        definition = """
        i : int32
        """

    @schema
    class K(dj.Computed):
        definition = """
        -> S
        ---
        r : int32
        """

        def make(self, key):
            if key["i"] == 3:
                raise ValueError("three")
            self.insert1({**key, "r": key["i"]})

    with dj.config.override(jobs__allow_new_pk_fields_in_computed_tables=True):

        @schema
        class L(dj.Computed):
            definition = """
            -> K
            part : int32
            ---
            r : int32
            """

            def make(self, key):
                self.insert([{**key, "part": part, "r": part} for part in (1, 2)])

    S.insert({"i": i} for i in range(6))
    return S, K, L


def some(**counts):
    return {"pending": 0, "reserved": 0, "success": 0, "error": 0, "ignore": 0, **counts}


def test_each_queue_has_its_own_rows(tables):
    _, K, L = tables
    K.populate(reserve_jobs=True, max_calls=2)
    L.populate(reserve_jobs=True, max_calls=1)
    assert sorted(K.jobs.to_arrays("i")) == [2, 3, 4, 5]
    assert list(L.jobs.to_arrays("i")) == [1]


def test_one_look_tells_of_all(tables, connection):
    _, K, L = tables
    lookout = Lookout([K(), L()])
    assert not lookout.is_complete
    before = lookout.look().tables
    assert [(state.done, state.counts) for state in before.values()] == [(0, None), (0, None)]
    K.populate(reserve_jobs=True, suppress_errors=True)
    L.populate(reserve_jobs=True, max_calls=4)
    lookout.learn()
    assert lookout.is_complete
    with connection.query_log() as log:
        sight = lookout.look()
    assert len(log) == 1
    assert sight.tables[str(K().name)].counts == some(error=1)
    assert sight.tables[str(K().name)].done == 5
    assert sight.tables[str(L().name)].counts == some(pending=1)
    assert sight.tables[str(L().name)].done == 4  # keys, not rows
    assert sight.workers == ()
    assert lookout.look(rows=False).tables[str(K().name)].done is None


def test_running_keys_and_workers(tables):
    _, K, L = tables
    entered, proceed = threading.Event(), threading.Event()

    def make(self, key):
        self.report(0.5, "half")
        entered.set()
        assert proceed.wait(PATIENCE)
        self.insert1({**key, "r": 1})

    K.make = make
    thread = threading.Thread(target=lambda: K.populate({"i": 4}, reserve_jobs=True))
    thread.start()
    try:
        assert entered.wait(PATIENCE)
        lookout = Lookout([L(), K()])
        for state in K.jobs.watch(0.1, timeout=PATIENCE):
            if state.running and state.running[0].progress is not None:
                break
        sight = lookout.look()
        (running,) = sight.tables[str(K().name)].running
        assert (running.key, running.progress, running.message) == ({"i": 4}, 0.5, "half")
        assert sight.now >= running.started
        (worker,) = sight.workers
        assert (worker.row.worker, worker.claimed, worker.gone, worker.silent) == (running.worker, 1, False, False)
        assert sight.tables[str(L().name)].running == ()
    finally:
        proceed.set()
        thread.join(PATIENCE)


def test_failed_jobs_are_told_and_put_back(tables):
    _, K, _ = tables
    K.populate(reserve_jobs=True, suppress_errors=True)
    (failed,) = failed_jobs(K.jobs)
    assert (failed.key, failed.message) == ({"i": 3}, "ValueError: three")
    assert failed.stack.startswith("Traceback")
    assert failed.time is not None
    assert failed_jobs(K.jobs, 0) == []
    assert not K.jobs.retry({"i": 0})
    assert K.jobs.retry({"i": 3})
    assert K.jobs.fetch1("status", "error_message", "completed_time") == ("pending", "", None)
    assert K.jobs.explain({"i": 3}).state == "pending"
    K.populate(reserve_jobs=True, suppress_errors=True, refresh=False)
    assert len(failed_jobs(K.jobs)) == 1


def test_deaths_are_forgotten_with_a_retry(tables, connection):
    _, K, _ = tables
    jobs = K.jobs
    K.populate(reserve_jobs=True, suppress_errors=True)
    assert jobs._registry.of_detail(jobs._queue.keys.detail({"i": 3})).attempts == 1
    assert jobs.retry({"i": 3})
    assert jobs._registry.of_detail(jobs._queue.keys.detail({"i": 3})) is None


def test_what_cannot_be_looked_at_together(tables, new_connection):
    _, K, _ = tables
    with pytest.raises(dj.DataJointError, match="0 tables cannot be looked at together"):
        Lookout([])
    other = dj.FreeTable(new_connection(), K().full_table_name)
    with pytest.raises(dj.DataJointError, match="of one connection"):
        Lookout([K(), other])
