"""A collection that kills itself after its n-th step: ``python -m tests.faults.gc_worker URL SCHEMA LOCATION N``.

A step is a statement, or a file or folder that was removed.
"""

from __future__ import annotations

import os
import signal
import sys

os.environ["DJ_IGNORE_CONFIG_FILE"] = "true"

import datajoint as dj
from datajoint.garbage.collector import GarbageCollector
from datajoint.settings import Config
from tests import stored_codecs


def main(url, name, location, number):
    """Collect, and print how many steps that took if still alive."""
    assert stored_codecs
    stores = {"default": "main", "main": {"protocol": "file", "location": location}}
    connection = dj.Connection(url, config_override=Config(safemode=False, stores=stores))
    schema = dj.Schema(name, connection=connection)
    done = 0

    def step():
        nonlocal done
        done += 1
        if done == number:
            os.kill(os.getpid(), signal.SIGKILL)

    connection._statements.log._observers = (lambda record: step(),)
    sys.addaudithook(lambda event, arguments: step() if event in {"os.remove", "os.rmdir"} else None)
    GarbageCollector(schema).collect(dry_run=False)
    print(done)
    connection.close()


if __name__ == "__main__":
    main(*sys.argv[1:4], int(sys.argv[4]))
