"""A process that kills itself at its n-th step: ``python -m tests.faults.killed_store_worker URL SCHEMA FOLDER TASK N``.

A step is a statement, or a moment before or after an object is written to the store or gets its name there.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

os.environ["DJ_IGNORE_CONFIG_FILE"] = "true"

import numpy as np

import datajoint as dj
from datajoint.jobs import worker
from datajoint.settings import Config
from datajoint.storage.files import FileObjects

ROWS = 6


def settings(folder):
    """Return settings with a store."""
    config = Config(safemode=False)
    config.stores.update(default="main", main={"protocol": "file", "location": str(Path(folder) / "store")})
    config.download_path = str(Path(folder) / "downloads")
    return config


def table(schema):
    """Declare the table."""

    @schema
    class Thing(dj.Manual):
        definition = """
        id : int32
        ---
        b=null : <blob@>
        n=null : <npy@>
        o=null : <object@>
        """

    return Thing


def rows(folder, shift=0):
    """Return rows, each with three objects, one of them a folder."""
    source = Path(folder) / "tree"
    (source / "sub").mkdir(parents=True, exist_ok=True)
    (source / "sub" / "x").write_bytes(b"xx")
    (source / "y").write_bytes(b"y")
    return [
        {
            "id": n,
            "b": list(range(n + shift)),
            "n": np.full(50, n + shift),
            "o": str(source) if n == 2 else b"%d" % shift,
        }
        for n in range(ROWS)
    ]


def act(task, thing, folder):
    """Do what may be interrupted."""
    if task == "insert":
        thing.insert(rows(folder))
    elif task == "transaction":
        with thing.connection.transaction:
            for row in rows(folder):
                thing.insert1(row)
    elif task == "replace":
        thing.insert(rows(folder, 100), replace=True)
    elif task == "update":
        for row in rows(folder, 100):
            thing.update1(row)
    else:
        with thing.staged_insert1 as staged:
            staged.rec.update(id=1000, b=[1000], n=np.full(50, 1000))
            chunks = staged.store("o", ".zarr")
            for number in range(3):
                chunks[f"0/{number}"] = b"chunk"


def main(url, name, folder, task, number):
    """Act, and print how many steps that took if still alive."""
    connection = dj.Connection(url, config_override=settings(folder))
    thing = table(dj.Schema(name, connection=connection))
    thing()
    steps, lock = [], threading.Lock()

    def step(*_):
        with lock:
            steps.append(1)
            if len(steps) == number:
                os.kill(os.getpid(), signal.SIGKILL)

    write, replace = FileObjects._write, os.replace

    def counted_write(self, target, how):
        step()
        write(self, target, how)
        step()

    def counted_replace(source, target):
        step()
        replace(source, target)

    worker._TICK = 3600  # what the worker's thread writes by itself must not come between, or the count would vary
    FileObjects._write, os.replace = counted_write, counted_replace
    connection._statements.log._observers = (step,)
    act(task, thing(), folder)
    connection.close()
    print(len(steps))


if __name__ == "__main__":
    main(*sys.argv[1:5], int(sys.argv[5]))
