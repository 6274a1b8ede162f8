"""A process that is killed at work: ``python -m tests.faults.killed_worker URL SCHEMA TASK WAY [N]``.

It kills itself after its n-th statement (``after N``), or inside of one: on SQLite after so many hundred steps of its
machine (``inside N``); on servers others do so, who count the bytes of its requests (``inside``).
"""

from __future__ import annotations

import os
import signal
import sys

os.environ["DJ_IGNORE_CONFIG_FILE"] = "true"

import datajoint as dj
from datajoint.backends import sqlite_link
from datajoint.settings import Config
from tests.faults.relay import MARK

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


class Counter:
    """Ends the process when it is called for the n-th time."""

    def __init__(self, number):
        self.number, self.count = number, 0

    def __call__(self, *_):
        self.count += 1
        if self.count == self.number:
            os.kill(os.getpid(), signal.SIGKILL)
        return 0


def main(url, name, task, way, number=0):
    """Act, and print how far that was counted if still alive; before that, the number of the session."""
    # Not encrypted, so that whoever counts bytes sees where to begin.
    tls = {} if url.startswith("sqlite") else {"use_tls": False}
    connection = dj.Connection(url, config_override=Config(safemode=False), **tls)
    entry, parent, _ = tables(dj.Schema(name, connection=connection))
    entry(), parent()
    counter = Counter(int(number))
    print("session", connection.connection_id, flush=True)
    if way == "after":
        connection._statements.log._observers = (counter,)
    else:
        connection.query(f"SELECT '{MARK.decode()}'")
        sqlite_link._look_up, sqlite_link._STEPS = counter, 100
        # It looks up only where interrupts are not ignored, as they are in the background of a shell.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    act(task, entry(), parent())
    print("counted", counter.count)
    connection.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
