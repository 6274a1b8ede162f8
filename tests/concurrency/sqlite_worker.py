"""One of several processes that work on the same SQLite file: ``python -m tests.concurrency.sqlite_worker FILE TASK NUMBER``."""

from __future__ import annotations

import json
import os
import sys

os.environ["DJ_IGNORE_CONFIG_FILE"] = "true"

import datajoint as dj

ROWS, KEYS = 60, 24


def tables(connection):
    """Return the tables; whoever comes first makes them."""
    schema = dj.Schema("shared", connection=connection)

    @schema
    class Entry(dj.Manual):
        definition = """
        worker : int32
        n : int32
        ---
        note="-" : varchar(20)
        """

    @schema
    class Source(dj.Lookup):
        definition = """
        k : int32
        """
        contents = [(k,) for k in range(KEYS)]

    @schema
    class Result(dj.Computed):
        definition = """
        -> Source
        ---
        pid : int32
        """

        class Part(dj.Part):
            definition = """
            -> master
            n : int32
            """

        def make(self, key):
            self.insert1({**key, "pid": os.getpid()})
            self.Part.insert({**key, "n": n} for n in range(3))

    return Entry, Source, Result


def main(path, task, number):
    """Do the task and print what came of it."""
    connection = dj.Connection(f"sqlite:///{path}")
    entry, _, result = tables(connection)
    print("ready", flush=True)
    sys.stdin.readline()  # all begin together
    if task == "insert":
        for n in range(0, ROWS, 3):
            entry.insert1({"worker": number, "n": n})
            entry.insert([{"worker": number, "n": n + 1}, {"worker": number, "n": n + 2}])
        print(json.dumps(len(entry & {"worker": number})))
    elif task == "populate":
        print(json.dumps(result.populate(suppress_errors=True)))
    else:
        print(json.dumps((entry & {"worker": number}).delete(prompt=False)))
    connection.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
