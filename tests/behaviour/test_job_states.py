"""Whatever happens to a job of whatever status, what the statements make of it is what the table of transitions says."""

from __future__ import annotations

import uuid
from contextlib import nullcontext, suppress
from types import SimpleNamespace

import pytest

import datajoint as dj
from datajoint.errors import DataJointError
from datajoint.jobs.claiming import Claim, Claimer
from datajoint.jobs.finishing import Finisher
from datajoint.jobs.keys import item_of
from datajoint.jobs.queue import Reservation
from datajoint.jobs.refreshing import Wishes, _Refresh
from datajoint.jobs.registry import Registry
from datajoint.jobs.states import STATUSES, TRANSITIONS, after
from datajoint.jobs.takeover import orphans, take_over
from datajoint.jobs.worker import Worker
from datajoint.sql import Sql

KEY = {"i": 0}


@pytest.fixture(scope="module")
def world(module_schema):
    schema, connection = module_schema, module_schema.connection

    @schema
    class S(dj.Manual):
        definition = "i : int32"

    class K(dj.Computed):
        definition = "-> S\n---\nr=0 : int32"

        def make(self, key):
            raise AssertionError("no test calls it")

    S.insert1(KEY)
    table = schema(K, context={"S": S})
    queue = table.jobs._queue
    registry = Registry(connection, schema.database, "__k")
    with Worker.on(connection, schema.database) as worker:
        yield SimpleNamespace(
            source=S, table=table, jobs=table.jobs, queue=queue, registry=registry, worker=worker,
            finisher=Finisher(queue, registry, worker), settings=connection.settings.jobs, detail=queue.keys.detail(KEY),
        )  # fmt: skip


@pytest.fixture(autouse=True)
def defaults(world):
    yield
    world.settings.keep_completed, world.settings.max_deaths = False, 3


def put(world, status, *, worker=None):
    """Have one job with a status, made and reserved some time ago, and leased to `worker`; return it as it was claimed."""
    world.jobs.delete()
    dj.FreeTable(world.jobs.connection, f"{world.registry.schema}.~dj_lease").delete_quick()
    item = item_of(world.detail)
    if status is None:
        return Claim(KEY, None, item)
    queue = world.queue
    world.jobs.insert1({**KEY, "status": status, "priority": 5})
    times = queue.assigned(created_time=queue.ago(1000), scheduled_time=queue.ago(1000))
    if status == "reserved":
        times = Sql(times, ", ", queue.assigned(reserved_time=queue.ago(100), **queue.owner("")))
    queue.update(times, queue.keys.equals(KEY))
    _, token = queue.look(KEY)
    world.registry.take(worker or world.worker.id, {item: world.detail}, token.reserved_time, token.connection_id)
    return Claim(KEY, token, item)


def refresh(world, *, source):
    keys = (world.source & ({} if source else "i < 0")).proj()
    return _Refresh(world.queue, keys, keys, Wishes(delay=0, priority=5, stale=500, orphaned=0, repend=True))


def claim(world, _):
    Claimer(world.queue, world.registry, world.worker).claim(1)


def give_back(world, _):
    """Somebody who knows of no leases gave it back, while its worker is at it."""
    world.worker.holding(world.registry, [item_of(world.detail)])
    claim(world, _)
    world.worker.lets_go(world.registry, [item_of(world.detail)])


def orphan(world, status):
    put(world, status, worker=str(uuid.uuid4()))
    orphans(world.queue, world.registry, 50, 5)


def died(deaths):
    def happens(world, status):
        world.settings.max_deaths = deaths
        put(world, status, worker=str(uuid.uuid4()))
        take_over(world.queue, world.registry)

    return happens


DEEDS = {
    "add": lambda world, _: refresh(world, source=True).add(),
    "repend": lambda world, _: refresh(world, source=True).repend(),
    "vanish": lambda world, _: refresh(world, source=False).remove_vanished(),
    "expire": lambda world, _: refresh(world, source=False).remove_stale(),
    "orphan": orphan,
    "claim": claim,
    "return": give_back,
    "stop": lambda world, job: world.queue.give_back([Reservation(KEY, job.token)] if job.token else []),
    "interrupt": lambda world, job: world.finisher.interrupted(job, "interrupted") if job.token else None,
    "finish": lambda world, job: world.finisher.finish(job, 1.0) if job.token else None,
    "fail": lambda world, job: world.finisher.failed(job, "failed", "trace", 2) if job.token else None,
    "give up": lambda world, job: world.finisher.failed(job, "failed", "trace", 1) if job.token else None,
    "die": died(3),
    "die often": died(1),
    "reserve": lambda world, _: world.jobs.reserve(KEY),
    "complete": lambda world, _: world.jobs.complete(KEY, 1.0),
    "error": lambda world, _: world.jobs.error(KEY, "an error"),
    "ignore": lambda world, _: world.jobs.ignore(KEY),
    "retry": lambda world, _: world.jobs.retry(KEY),
    "revoke": lambda world, _: world.jobs.revoke(KEY),
    "delete": lambda world, _: (world.jobs & KEY).delete(),
}  # fmt: skip
OF_OTHERS = {"orphan", "die", "die often"}


def test_all_of_them_are_tried():
    assert DEEDS.keys() == {event for _, event in TRANSITIONS}


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("event", DEEDS)
def test_what_becomes_of_a_job(world, event, keep):
    found, expected = {}, {}
    for status in (None, *STATUSES):
        world.settings.keep_completed = keep
        job = put(world, status)
        allowed = (status, event) in TRANSITIONS
        expected[status] = after(status, event, keep=keep and event in {"finish", "complete"}) if allowed else status
        with nullcontext() if allowed else suppress(DataJointError):
            DEEDS[event](world, status if event in OF_OTHERS else job)
        seen = world.queue.look(KEY)
        found[status] = seen and seen[0]
    assert found == expected
