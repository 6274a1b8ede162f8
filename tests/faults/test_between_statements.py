"""Between any two statements of a worker on a queue others come, it dies, or its link is cut: no key is lost or made twice."""

from __future__ import annotations

import contextlib
import os
import random
import threading
import time

import pytest

import datajoint as dj
from datajoint.errors import LockError, LostConnectionError
from datajoint.jobs.registry import Registry
from datajoint.jobs.worker import Worker
from datajoint.settings import Config

SEED = int(os.environ.get("DJ_TEST_SEED", random.SystemRandom().randrange(10**6)))
SAMPLES = 3
KEYS = 6
NO_PROCESS = 2**22 + 1  # above the highest number that there is
ENOUGH, PATIENCE = 10.0, 0.3  # seconds
JOBS = {
    "retry_seconds": 0, "max_attempts": 1000, "max_deaths": 1000, "claim_seconds": 100, "claim_max": 3,
    "heartbeat_seconds": 0.05,
}  # fmt: skip


class Killed(BaseException):
    """Stands for the end of the process: nothing of it reaches the server from then on."""


class Exchanges:
    """Counts the exchanges of a thread with the server through a connection, and spoils one: nothing follows, or a deed."""

    def __init__(self, connection, number=None, deed=None):
        self._once, self._number, self._deed = connection._statements.once, number, deed
        self.count, self.dead = 0, False
        self._thread = threading.get_ident()
        connection._statements.once = self._watched

    def _watched(self, session, text, call, **options):
        mine = threading.get_ident() == self._thread
        if self.dead:
            raise Killed if mine else LostConnectionError("The process is dead.")

        def plain():
            return self._once(session, text, call, **options)

        number = self.count
        self.count += mine
        if not mine or number != self._number:
            return plain()
        if self._deed is None:
            self.dead = True
            raise Killed
        return self._deed(session, plain)


class World:
    """A queue, the tables of two workers on it, and what an error-prone `make` does."""

    def __init__(self, name, new_connection):
        self.name, self._new_connection, self.fails = name, new_connection, []
        self.other = self.table()
        self.registry = Registry(self.other().connection, name, "__k")
        self.other.populate(reserve_jobs=True)  # makes the tables

    def table(self):
        """Return the table over a connection of its own."""
        settings = Config(safemode=False, jobs=JOBS, database={"lock_timeout": PATIENCE})
        connection = self._new_connection(settings=settings)
        fails, source = self.fails, dj.FreeTable(connection, f"{self.name}.s")

        class K(dj.Computed):
            definition = "-> S\n---\nr = 1 : int32"
            key_source = source.proj()

            def make(self, key):
                self.insert1(key)
                if key["i"] in fails:
                    fails.remove(key["i"])
                    raise ValueError("not yet")

        return dj.Schema(self.name, connection=connection, create_schema=False)(K, context={"S": source})

    def begin(self):
        """Have all keys queued, and nothing left of what was before; return a table with a connection that is new."""
        self.other.delete_quick()
        self.other.jobs.delete()
        for name in ("~dj_lease", "~dj_worker"):
            dj.FreeTable(self.other().connection, f"{self.name}.{name}").delete_quick()
        self.fails[:] = [1]
        assert self.other.jobs.refresh()["added"] == KEYS
        return self.table()

    def workers(self):
        return set(dj.FreeTable(self.other().connection, f"{self.name}.~dj_worker").to_arrays("worker"))

    def bury(self, workers):
        """Make it so that the process of some workers is gone."""
        for worker in workers:
            row = {"worker": worker, "pid": NO_PROCESS}
            dj.FreeTable(self.other().connection, f"{self.name}.~dj_worker").update1(row)

    def die_over_a_key(self):
        """Have a worker claim keys, begin to make one, and die."""
        table, before = self.table(), self.workers()
        exchanges = Exchanges(table().connection)

        def make(self, key):
            exchanges.dead = True
            raise Killed

        table.make = make
        try:
            with contextlib.suppress(Killed):
                drain(table)
        finally:
            table().connection.close()
            self.bury(self.workers() - before)

    def finish(self):
        """Have the other worker make what is left, and check that nothing is left then."""
        end = time.monotonic() + ENOUGH
        while True:
            drain(self.other)
            left = self.other.jobs.to_dicts()
            if not left or time.monotonic() > end:
                break
            time.sleep(0.02)
        assert left == [], self.registry.leases_of()
        assert len(self.other()) == KEYS


def drain(table, **arguments):
    table.populate(reserve_jobs=True, refresh=False, suppress_errors=True, **arguments)


def work(table):
    """Populate with a pause, before which what was claimed and not begun is given back."""
    asked = []
    drain(table, stop=lambda: asked.append(1) or len(asked) > 4)
    drain(table)


@pytest.fixture
def world(schema, new_connection):
    @schema
    class S(dj.Manual):
        definition = "i : int32"

    S.insert({"i": n} for n in range(KEYS))
    dj.Schema(schema.database, connection=schema.connection)(
        type("K", (dj.Computed,), {"definition": "-> S\n---\nr = 1 : int32", "make": lambda self, key: None}),
        context={"S": S},
    )
    return World(schema.database, new_connection)


@pytest.fixture(params=[True, pytest.param(False, marks=pytest.mark.slow)], ids=["sampled", "all"])
def numbers(request, world):
    """The numbers of the exchanges of which one is spoilt: some, or all."""
    table = world.begin()
    exchanges = Exchanges(table().connection)
    work(table)
    world.finish()
    every = range(exchanges.count)
    assert len(every) > 10 * SAMPLES
    return sorted(random.Random(SEED).sample(every, SAMPLES)) if request.param else every  # noqa: S311 - no secret


@pytest.mark.parametrize("they", ["work", "die"])
def test_others_come(world, numbers, they):
    """One died before, whose keys are taken over; others come and work, or claim keys and die over the first one."""

    def others(_, plain):
        with contextlib.suppress(LockError):  # where the first one is the only writer
            if they == "work":
                drain(world.other, max_calls=2)
            else:
                world.die_over_a_key()
        return plain()

    for number in numbers:
        table = world.begin()
        world.die_over_a_key()
        Exchanges(table().connection, number, others)
        work(table)
        world.finish()
        leaves_nothing(world)


def test_it_dies(world, numbers):
    for number in numbers:
        table = world.begin()
        connection = table().connection
        exchanges = Exchanges(connection, number)
        with contextlib.suppress(Killed):
            work(table)
        connection.close()
        world.bury(world.workers())
        world.finish()
        leaves_nothing(world)


@pytest.mark.parametrize("answer", [False, True], ids=["before it arrives", "before its answer arrives"])
def test_its_link_is_cut(engine, world, numbers, answer):
    """What its worker does not know that it has, it does not keep from others as long as it lives."""
    if engine == "sqlite":
        pytest.skip("a file has no link")

    def cut(session, plain):
        if not answer:
            session.backend.sever(session.raw)
            return plain()
        plain()
        session.backend.sever(session.raw)
        raise LostConnectionError("The answer did not arrive.")

    for number in numbers:
        table = world.begin()
        connection = table().connection
        Exchanges(connection, number, cut)
        with Worker.on(connection, world.name):
            work(table)
            world.finish()
        leaves_nothing(world)
        connection.close()


def leaves_nothing(world):
    world.other.jobs.recover()
    world.other.jobs.refresh()
    assert world.registry.leases_of() == []
