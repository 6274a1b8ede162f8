"""What a claim and a key cost must not depend on how much is queued, nor on what a session was told before."""

from __future__ import annotations

import re

import pytest

import datajoint as dj
from datajoint import events

KEYS = 3000


@pytest.fixture
def S(schema):
    @schema
    class S(dj.Manual):
        definition = "i : int32"

    return S


@pytest.fixture
def K(schema, S):
    @schema
    class K(dj.Computed):
        definition = "-> S"

        def make(self, key):
            self.insert1(key)

    return K


def test_a_claim_sorts_nothing(S, K, connection):
    S.insert({"i": n} for n in range(KEYS))
    K.jobs.refresh()
    queue = K.jobs._queue
    with connection.transaction(latest=True):
        for statement in connection.backend.coordination.by_index():
            connection.execute(statement)
        plan = connection.backend.plan(connection.execute, queue.eligible(64, None, None, []))
    assert re.search(r"status|index", plan, re.IGNORECASE)
    assert not re.search(r"sort|b-tree", plan, re.IGNORECASE)


@pytest.mark.parametrize("keep", [False, True])
def test_a_server_that_forgets_what_was_prepared(S, K, connection, settings, keep):
    if connection.dialect.name != "postgresql":
        pytest.skip("nothing is prepared there")
    settings.jobs.keep_completed = keep
    S.insert({"i": n} for n in range(6))
    forgotten = []

    def forget(event):
        if isinstance(event, events.RowsInserted | events.KeySucceeded):
            found = connection.query("SELECT name FROM pg_prepared_statements WHERE name LIKE 'dj%%'").fetchall()
            for (name,) in found:
                connection.query(f"DEALLOCATE {name}")
            forgotten.extend(found)

    with connection.events.subscribe(forget):
        assert K.populate({"i": 0}) == {"success_count": 1, "error_list": []}
        assert K.populate(reserve_jobs=True) == {"success_count": 5, "error_list": []}
    assert len(forgotten) >= 6
    assert len(K()) == 6
    assert K.jobs.progress()["total"] == (5 if keep else 0)


def test_a_write_that_fails_in_the_exchange_that_begins(S, K, connection):
    S.insert({"i": n} for n in range(3))
    failures = []

    def make(self, key):
        try:
            self.insert1({"i": 99})  # refers to nothing
        except dj.errors.IntegrityError as error:
            failures.append(error)
        self.insert1(key)

    K.make = make
    assert K.populate(reserve_jobs=True) == {"success_count": 3, "error_list": []}
    assert len(failures) == 3
    assert sorted(K.to_arrays("i").tolist()) == [0, 1, 2]
    assert K.jobs.progress()["total"] == 0
