"""A process that populates in forked processes again and again, while a thread of it uses the same connection.

``python -m tests.concurrency.forking_worker URL SCHEMA TIMES``
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import warnings

os.environ["DJ_IGNORE_CONFIG_FILE"] = "true"

import datajoint as dj
from datajoint.settings import Config

KEYS = 4


def busy(connection, item, note, over, done):
    """Use whatever has a lock: sessions that open and close, transactions, structure, graph, events, messages."""
    number = 0
    while not over.is_set():
        number += 1
        with connection.transaction:
            note.insert1({"note": number})
        len(item())
        logging.getLogger("datajoint").info("note %d", number)
        with connection.events.subscribe(lambda event: None), connection.query_log():
            connection.forget_catalog()
            connection.dependencies.load()
        if number % 5 == 0:
            connection.close_thread()
    connection.close_thread()
    done.append(number)


def main(url, name, times):
    """Populate, and print how often and how many notes the thread made meanwhile."""
    logging.getLogger("datajoint").setLevel("ERROR")
    warnings.simplefilter("error")
    warnings.simplefilter("ignore", ResourceWarning)  # of the driver in a child, about its parent's links
    connection = dj.Connection(url, config_override=Config(safemode=False))
    schema = dj.Schema(name, connection=connection)

    @schema
    class Item(dj.Manual):
        definition = "item : int32"

    @schema
    class Note(dj.Manual):
        definition = "note : int32"

    @schema
    class Result(dj.Computed):
        definition = "-> Item"

        def make(self, key):
            (Item & key).fetch1()
            self.insert1(key)

    Item.insert([{"item": n} for n in range(KEYS)])
    over, done = threading.Event(), []
    thread = threading.Thread(target=busy, args=(connection, Item, Note, over, done))
    thread.start()
    made = 0
    for turn in range(times):
        made += Result.populate(reserve_jobs=turn % 2 == 0, processes=2)["success_count"]
        Result.delete_quick()
        assert connection.is_connected
    over.set()
    thread.join()
    print(json.dumps({"made": made, "notes": len(Note()) == done[0]}))
    connection.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
