"""What DataJoint 2.3 is asked to do with blobs: ``python peer_blobs.py TASK`` reads JSON from its standard input."""

from __future__ import annotations

import json
import logging
import sys
import warnings
from pathlib import Path

warnings.simplefilter("ignore")
sys.path.insert(0, str(Path(__file__).parent))

import random_values  # noqa: E402

import datajoint as dj  # noqa: E402

logging.getLogger("datajoint").setLevel("ERROR")
dj.config["safemode"] = False


def pack(seed, count):
    """Return the blobs of random values, plain and compressed."""
    made = random_values.values(seed, count)
    return [[dj.blob.pack(value, compress=compress).hex() for compress in (False, True)] for value in made]


def repack(blobs):
    """Read blobs and write what was read; tell the class of each."""
    found = []
    for blob in blobs:
        value = dj.blob.unpack(bytes.fromhex(blob))
        found.append([type(value).__name__, dj.blob.pack(value, compress=False).hex()])
    return found


def _table(name):
    class Blobs(dj.Manual):
        definition = """
        id : int32
        ---
        value = null : <blob>
        """

    return dj.Schema(name)(Blobs)


def write(name, seed, count):
    """Insert random values."""
    _table(name).insert({"id": n, "value": value} for n, value in enumerate(random_values.values(seed, count)))
    return count


def copy(name, count):
    """Fetch all values and insert them again under other numbers; return them packed."""
    table = _table(name)
    rows = table.to_dicts(order_by="id")
    table.insert({"id": row["id"] + count, "value": row["value"]} for row in rows)
    return [None if row["value"] is None else dj.blob.pack(row["value"], compress=False).hex() for row in rows]


if __name__ == "__main__":
    arguments = json.loads(sys.argv[2]) if len(sys.argv) > 2 else json.load(sys.stdin)
    print(json.dumps(globals()[sys.argv[1]](**arguments)))
