"""One of several processes that read, then write, in one transaction after the other: ``python -m … FILE NUMBER TIMES``.

Prints how many seconds the longest one took, from the wish to begin to its end.
"""

from __future__ import annotations

import json
import os
import sys
import time

os.environ["DJ_IGNORE_CONFIG_FILE"] = "true"

import datajoint as dj


def tables(connection):
    """Return the tables: a number that everybody raises, and a row for each time that somebody did."""
    schema = dj.Schema("shared", connection=connection)

    @schema
    class Counter(dj.Lookup):
        definition = """
        id : int32
        ---
        n : int64
        """
        contents = [(0, 0)]

    @schema
    class Raised(dj.Manual):
        definition = """
        worker : int32
        i : int32
        ---
        n : int64
        """

    return Counter, Raised


def main(path, number, times):
    """Raise the counter that often."""
    connection = dj.Connection(f"sqlite:///{path}")
    counter, raised = tables(connection)
    print("ready", flush=True)
    sys.stdin.readline()  # all begin together
    longest = 0.0
    for i in range(times):
        start = time.perf_counter()
        with connection.transaction:
            n = counter.fetch1("n") + 1
            counter.update1({"id": 0, "n": n})
            raised.insert1({"worker": number, "i": i, "n": n})
        longest = max(longest, time.perf_counter() - start)
    print(json.dumps(longest))
    connection.close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
