"""What DataJoint 2.3 does with queues, in an interpreter of its own: ``python peer_jobs.py TASK JSON`` prints a JSON answer."""

from __future__ import annotations

import json
import logging
import os
import random
import sys
import time
import warnings

warnings.simplefilter("ignore")

import datajoint as dj  # noqa: E402

logging.getLogger("datajoint").setLevel("ERROR")
dj.config["safemode"] = False


def tables(name, sleep=0.0):
    """Return the tables of a schema: what to compute of, and what is computed, with a part."""
    schema = dj.Schema(name)

    class Item(dj.Manual):
        definition = """
        item : int32
        """

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
            time.sleep(random.uniform(0, 2 * sleep))  # noqa: S311 - no secret
            self.insert1({**key, "pid": os.getpid()})
            self.Part.insert({**key, "n": n} for n in range(2))

    context = {"Item": schema(Item, context={})}
    return context["Item"], schema(Result, context=context)


def queue(name):
    """Make the queue of tables with keys of many types, as its first user does."""
    schema = dj.Schema(name)

    class Subject(dj.Manual):
        definition = "subject : int32"

    class Probe(dj.Manual):
        definition = "probe : uuid"

    class Person(dj.Manual):
        definition = "user : varchar(10)"

    class Score(dj.Computed):
        definition = """
        -> Subject
        -> Probe
        -> Person.proj(by='user')
        """

        def make(self, key):
            pass

    context = {}
    for cls in (Subject, Probe, Person, Score):
        context[cls.__name__] = schema(cls, context=context)
    Score.jobs.refresh()
    return Score.jobs.progress()["total"]


def work(name, seconds, sleep=0.0):
    """Be a worker until the queue is empty, or the time is over."""
    _, result = tables(name, sleep)
    end = time.time() + seconds
    made, errors = 0, []
    while time.time() < end and len(result.jobs.pending) + len(result.jobs.reserved):
        outcome = result.populate(reserve_jobs=True, refresh=False, suppress_errors=True)
        made += outcome["success_count"]
        errors += [message for _, message in outcome["error_list"]]
        time.sleep(0.05)
    return {"made": made, "errors": errors}


def reserve(name, item):
    """Reserve a job and end, as a worker that was killed does."""
    _, result = tables(name)
    return bool(result.jobs.reserve({"item": item}))


def refresh(name, orphan_timeout):
    """Refresh, and give old jobs back."""
    _, result = tables(name)
    return result.jobs.refresh(orphan_timeout=orphan_timeout)


def errors(name):
    """Return what failed, with message and stack."""
    _, result = tables(name)
    return [[row["item"], row["error_message"], row["error_stack"]] for row in result.jobs.errors.to_dicts()]


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](**json.loads(sys.argv[2]))))
