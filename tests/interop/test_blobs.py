"""Blobs of random values: DataJoint 2.3 writes the same bytes, reads ours, and we read its, in tables too."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

import datajoint as dj
from datajoint.blob import pack, unpack
from tests.interop.random_values import values
from tests.unit.blob_vectors import COMPRESSED_ZEROS, MATLAB_CELL, VECTORS
from tests.unit.test_blob_format import same

COUNT = 300
SEED = int(os.environ["DJ_TEST_SEED"])


@pytest.fixture
def ask(peer_python, tmp_path):
    """Ask DataJoint 2.3 for something that needs no database."""

    def run(task, **arguments):
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("DJ_", "PYTHON"))}
        done = subprocess.run(
            [peer_python, str(Path(__file__).with_name("peer_blobs.py")), task],
            input=json.dumps(arguments),
            env=environment | {"DJ_IGNORE_CONFIG_FILE": "true"},
            cwd=tmp_path,
            capture_output=True,
            check=False,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout.splitlines()[-1])

    return run


def as_read(value):
    """Return a value as it comes back: arrays of records are `recarray`, arrays without dimensions are scalars."""
    return unpack(pack(value))


def check_both_ways(ask, seed, count):
    made = values(seed, count)
    theirs = ask("pack", seed=seed, count=count)
    for value, (plain, stored) in zip(made, theirs, strict=True):
        assert pack(value, compress=False).hex() == plain, value
        for blob in (plain, stored):
            assert same(unpack(bytes.fromhex(blob)), as_read(value)), value
    # Compressed or not, and read and written again: nothing of it is lost to either.
    ours = [pack(value) for value in made]
    for value, blob, (_, again) in zip(made, ours, ask("repack", blobs=[b.hex() for b in ours]), strict=True):
        assert again == pack(unpack(blob), compress=False).hex(), value


def test_random_values_both_ways(ask):
    check_both_ways(ask, SEED, COUNT)


@pytest.mark.slow
def test_many_random_values_both_ways(ask):
    for seed in range(SEED + 1, SEED + 11):
        check_both_ways(ask, seed, 2000)


def test_the_known_blobs_are_theirs_too(ask):
    # One it cannot read: an array of lists of one length.
    blobs = [v.digits for n, v in enumerate(VECTORS, 1) if n != 46] + [MATLAB_CELL, COMPRESSED_ZEROS]
    for blob, (kind, again) in zip(blobs, ask("repack", blobs=blobs), strict=True):
        value = unpack(bytes.fromhex(blob))
        assert type(value).__name__ == kind
        assert pack(value, compress=False).hex() == again


def test_values_in_tables_both_ways(peer, connection, new_schema_name):
    name, count = new_schema_name(), 100
    made = values(SEED, count)
    peer("write", script="peer_blobs.py", name=name, seed=SEED, count=count)
    table = dj.FreeTable(connection, f"{name}.blobs")
    rows = table.to_dicts(order_by="id")
    assert all(same(row["value"], as_read(value)) for row, value in zip(rows, made, strict=True))
    table.insert({"id": row["id"] + count, "value": row["value"]} for row in rows)
    read = peer("copy", script="peer_blobs.py", name=name, count=2 * count)
    expected = [None if value is None else pack(as_read(value), compress=False).hex() for value in made]
    assert read == expected * 2
    again = table.to_dicts(order_by="id")
    assert len(again) == 4 * count
    for n, row in enumerate(again):
        assert same(row["value"], as_read(made[n % count])), n


def test_arrays_of_real_size(ask):
    picture = np.random.default_rng(SEED).normal(size=(64, 80, 3)).astype("f4")
    ((kind, again),) = ask("repack", blobs=[pack({"picture": picture, "mask": picture > 0}).hex()])
    assert kind == "dict"
    assert same(unpack(bytes.fromhex(again))["picture"], np.asfortranarray(picture))
