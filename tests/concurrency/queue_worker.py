"""One of several workers on a queue: ``python -m tests.concurrency.queue_worker URL SCHEMA JSON``.

Options: ``sleep`` (seconds of each `make`), ``loop`` (populate until the queue is empty), ``sever`` (probability that the
`make` ends its own session before or after it has written), ``skew`` (seconds by which this process's clocks are wrong),
``processors`` (how many there seem to be), ``machine`` (on which it claims to be), ``stop`` (where in its first `make` the
process stops itself: ``computing`` or ``writing``), ``settings`` (of the group ``jobs``), ``arguments`` (of `populate`).
Prints how many keys it made.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time

os.environ["DJ_IGNORE_CONFIG_FILE"] = "true"

import datajoint as dj
from datajoint.autopopulate import autopopulate
from datajoint.jobs import machine, worker
from datajoint.settings import Config
from datajoint.sql import Sql


def tables(schema, sleep=0.0, sever=0.0, stop=""):
    """Return the tables: what to compute of, and what is computed, with a part and a witness of each call."""

    stops = [stop]

    def may_stop(where):
        if stops == [where]:
            stops.clear()
            os.kill(os.getpid(), signal.SIGSTOP)

    @schema
    class Item(dj.Manual):
        definition = """
        item : int32
        """

    @schema
    class Result(dj.Computed):
        definition = """
        -> Item
        ---
        pid : int64
        """

        class Part(dj.Part):
            definition = """
            -> master
            n : int8
            """

        def make(self, key):
            if sever and random.random() < sever:  # noqa: S311 - no secret
                _sever(self.connection)
            if sleep:
                time.sleep(random.uniform(0, 2 * sleep))  # noqa: S311 - no secret
            may_stop("computing")
            self.insert1({**key, "pid": os.getpid()})
            may_stop("writing")
            self.Part.insert({**key, "n": n} for n in range(2))
            if sever and random.random() < sever:  # noqa: S311 - no secret
                _sever(self.connection)

    return Item, Result


def _sever(connection):
    """Break the link of this session, as a network does."""
    session = connection._sessions.own
    if session is not None:
        session.backend.sever(session.raw)


def _skew(seconds):
    """Let every clock that tells the time of day be wrong."""
    true = time.time
    time.time = lambda: true() + seconds


def main(url, name, options):
    options = json.loads(options)
    if options.get("skew"):
        _skew(options["skew"])
    if options.get("processors"):
        autopopulate.cpu_count = lambda: options["processors"]
    if options.get("machine"):
        machine.machine = worker.machine = lambda: options["machine"]
    settings = Config(safemode=False)
    for key, value in options.get("settings", {}).items():
        setattr(settings.jobs, key, value)
    settings.loglevel = "ERROR"
    connection = dj.Connection(url, config_override=settings)
    schema = dj.Schema(name, connection=connection)
    _, result = tables(schema, options.get("sleep", 0), options.get("sever", 0), options.get("stop", ""))
    jobs = result.jobs
    print("ready", flush=True)
    sys.stdin.readline()
    made, errors = 0, []
    while True:
        outcome = result.populate(
            reserve_jobs=True, refresh=options.get("refresh", False), suppress_errors=True, **options.get("arguments", {})
        )  # fmt: skip
        made += outcome["success_count"]
        errors += [message for _, message in outcome["error_list"]]
        if (
            not options.get("loop")
            or not jobs.connection.execute(Sql("SELECT 1 FROM ", jobs.name.identifier, " LIMIT 1")).rows
        ):
            break
        time.sleep(0.05)
    print(json.dumps({"made": made, "errors": errors}))
    connection.close()


if __name__ == "__main__":
    main(*sys.argv[1:4])
