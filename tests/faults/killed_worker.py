"""A process that kills itself after its n-th statement: ``python -m tests.faults.killed_worker URL SCHEMA TASK N``."""

from __future__ import annotations

import os
import signal
import sys

os.environ["DJ_IGNORE_CONFIG_FILE"] = "true"

import datajoint as dj
from datajoint.settings import Config

ROWS, PARENTS, CHILDREN = 21_000, 40, 50
LONG = "x" * 120  # so that many rows do not fit in one statement


def tables(schema):
    """Declare the tables."""

    @schema
    class Entry(dj.Manual):
        definition = """
        id : int32
        ---
        note="-" : varchar(200)
        """

    @schema
    class Parent(dj.Manual):
        definition = """
        p : int32
        """

    @schema
    class Child(dj.Manual):
        definition = """
        -> Parent
        c : int32
        """

        class Part(dj.Part):
            definition = """
            -> master
            n : int32
            """

    return Entry, Parent, Child


def entries():
    """Return rows, some of which take a default, so that they are sent separately."""
    return [{"id": n, "note": None if n % 1000 == 7 else LONG} for n in range(ROWS)]


def act(task, entry, parent):
    """Do what may be interrupted."""
    if task == "insert":
        entry.insert(entries())
    elif task == "chunks":
        entry.insert(entries(), chunk_size=5000)
    elif task == "replace":
        entry.insert([{"id": n, "note": "new"} for n in range(2000)], replace=True)
    elif task == "delete":
        (parent & "p < 20").delete(prompt=False)
    else:
        (parent & "p < 20").delete_plan().execute()


def main(url, name, task, number):
    """Act, and print how many statements that took if still alive."""
    connection = dj.Connection(url, config_override=Config(safemode=False))
    entry, parent, _ = tables(dj.Schema(name, connection=connection))
    entry(), parent()
    done = []

    def observe(record):
        done.append(record)
        if len(done) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    connection._statements.log._observers = (observe,)
    act(task, entry(), parent())
    print(len(done))
    connection.close()


if __name__ == "__main__":
    main(*sys.argv[1:4], int(sys.argv[4]))
