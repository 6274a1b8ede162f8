"""One of several processes that make keys: ``python -m tests.concurrency.make_worker URL SCHEMA NUMBER TIMES``.

Each `make` reads and rewrites one row that all share. Prints what `populate` returns.
"""

from __future__ import annotations

import json
import os
import sys

os.environ["DJ_IGNORE_CONFIG_FILE"] = "true"

import datajoint as dj


def tables(connection, name):
    """Return the keys, the number that everybody raises, and the table that is made."""
    schema = dj.Schema(name, connection=connection)

    @schema
    class Turn(dj.Manual):
        definition = """
        worker : int32
        i : int32
        """

    @schema
    class Counter(dj.Manual):
        definition = """
        id : int32
        ---
        n : int64
        """

    @schema
    class Raised(dj.Computed):
        definition = """
        -> Turn
        ---
        n : int64
        """

        def make(self, key):
            with self.connection.transaction:
                n = Counter.fetch1("n") + 1
                Counter.update1({"id": 0, "n": n})
            self.insert1({**key, "n": n})

    return Turn, Counter, Raised


def main(url, name, number):
    """Make all keys of one worker."""
    connection = dj.Connection(url)
    *_, raised = tables(connection, name)
    print("ready", flush=True)
    sys.stdin.readline()  # all begin together
    print(json.dumps(raised.populate({"worker": number})))
    connection.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
