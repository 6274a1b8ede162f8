"""Measure blobs: ``python -m benchmarks.blobs [--engines sqlite,mariadb,…] [--cpu]``.

Arrays are compared with ``numpy.tobytes`` and zlib at the same level, nested values with DataJoint 2.3, and 2,000 blobs of
8 kB in a table with the bare driver moving the same packed bytes, which it compresses and inflates too. The limit divided
by the library's time is the share of it that is reached. Servers and the peer are those of `benchmarks.__main__`. With
``--cpu`` the processor's time of this process is counted instead of the clock's, for machines on which others are at work.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import datajoint as dj
from benchmarks.__main__ import ENGINES, address
from benchmarks.limit import connect
from benchmarks.peer import peer_python
from benchmarks.timing import fastest
from datajoint.blob import pack, unpack
from datajoint.settings import Config

Clock = Callable[[], float]
COUNT = 2_000
_HEAD = 14  # bytes before the compressed ones
NESTED = """
small = {"unit": 7, "label": "pyramidal", "position": [1.5, -2.25, 0.0], "good": True, "note": None}
many = [{**small, "unit": n, "waveform": {"peak": n / 7, "width": 0.4, "channels": (n, n + 1)}} for n in range(200)]
"""
PEER = """
import json, time, warnings
warnings.simplefilter("ignore")
import datajoint as dj
{NESTED}
def best(action, repeat):
    times = []
    for _ in range(30):
        start = time.{clock}()
        for _ in range(repeat):
            action()
        times.append((time.{clock}() - start) / repeat)
    return min(times)
found = {{}}
for name, value, repeat in (("one", small, 200), ("many", many, 1)):
    blob = dj.blob.pack(value)
    found[name + " packed"] = best(lambda: dj.blob.pack(value), repeat)
    found[name + " unpacked"] = best(lambda: dj.blob.unpack(blob), repeat)
print(json.dumps(found))
"""


def arrays() -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
    """Yield arrays as laboratories have them."""
    draw = np.random.default_rng(0)
    yield "int16 recording, 8 kB", (draw.normal(size=4096) * 30).astype("i2")
    yield "float64 trace, 1 MB", draw.normal(size=131_072)
    yield "float32 volume, 4 MB", draw.normal(size=(100, 100, 100)).astype("f4")
    yield "uint8 movie, 16 MB", (draw.random((64, 512, 512)) * 8).astype("u1")
    yield "empty mask, 16 MB", np.zeros((4096, 4096), bool)


def measure_arrays(clock: Clock) -> None:
    """Print how near packing comes to bytes and zlib."""
    for name, array in arrays():
        blob, zipped = pack(array), zlib.compress(array.tobytes())
        repeat = max(1, 200_000 // array.nbytes)
        found = fastest({
            "pack": lambda a=array: pack(a), "raw pack": lambda a=array: zlib.compress(a.tobytes()),
            "unpack": lambda b=blob: unpack(b),
            "raw unpack": lambda z=zipped, a=array: np.frombuffer(zlib.decompress(z), a.dtype).reshape(a.shape),
        }, repeat=repeat, clock=clock)  # fmt: skip
        for way in ("pack", "unpack"):
            report(name, way, found[way], found[f"raw {way}"], array.nbytes)


def report(name: str, way: str, library: float, limit: float, size: int) -> None:
    """Print a line: rates in megabytes of arrays a second."""
    rates = "".join(f"{size / seconds / 1e6:10.0f}" for seconds in (library, limit))
    print(f"{name:<32}{way:<10}{rates}{limit / library:8.2f}", flush=True)


def measure_nested(clock: Clock) -> None:
    """Print how much faster nested values are than in DataJoint 2.3."""
    python = str(peer_python())
    environment = {n: v for n, v in os.environ.items() if not n.startswith(("DJ_", "PYTHON"))}
    times = []
    for text in (python, sys.executable):
        program = PEER.format(NESTED=NESTED, clock=clock.__name__)
        paths = {} if text is python else {"PYTHONPATH": str(Path(dj.__file__).parents[1])}
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                [text, "-c", program], capture_output=True, text=True, check=True, env=environment | paths, cwd=folder
            )
        times.append(json.loads(done.stdout.splitlines()[-1]))
    theirs, ours = times
    for name in ours:
        print(
            f"nested values, {name:<17}{'':<10}{ours[name] * 1e6:9.1f} µs{theirs[name] * 1e6:9.1f} µs, "
            f"{theirs[name] / ours[name]:.1f} times faster than DataJoint 2.3"
        )


def driver(engine: str, raw: Any, table: str) -> tuple[Callable[[list[Any]], None], Callable[[], list[Any]]]:
    """Return how the bare driver best inserts rows of a number and bytes, and how it fetches them."""
    statement = f"INSERT INTO {table} (id, value) VALUES (%s, %s)"
    select = f"SELECT id, value FROM {table} ORDER BY id"
    if engine == "sqlite":

        def many(rows: list[Any]) -> None:
            raw.execute("BEGIN IMMEDIATE")
            raw.executemany(statement.replace("%s", "?"), rows)
            raw.execute("COMMIT")

        return many, lambda: raw.execute(select).fetchall()
    cursor = raw.cursor()
    if engine == "postgresql":

        def copy(rows: list[Any]) -> None:
            with cursor.copy(f"COPY {table} (id, value) FROM STDIN") as out:
                for row in rows:
                    out.write_row(row)

        # The driver's own fast way for bytes: without the words' escapes.
        return copy, lambda: raw.cursor(binary=True).execute(select).fetchall()

    def statements(rows: list[Any]) -> None:
        raw.begin()
        cursor.executemany(statement, rows)
        raw.commit()

    def fetch() -> list[Any]:
        cursor.execute(select)
        return list(cursor.fetchall())

    return statements, fetch


def measure_tables(engine: str, url: str, clock: Clock) -> None:
    """Print how near a table of blobs comes to the driver."""
    connection = dj.Connection(url, config_override=Config(safemode=False))
    schema = dj.Schema(f"bench_blobs_{os.getpid()}", connection=connection)
    definition = "id : int32\n---\nvalue : <blob>"
    table = schema(type("Recording", (dj.Manual,), {"definition": definition}))()
    raw = connect(connection.target)
    draw = np.random.default_rng(1)
    traces = [(draw.normal(size=4096) * 30).astype("i2") for _ in range(COUNT)]
    rows = [{"id": n, "value": trace} for n, trace in enumerate(traces)]
    plain = [(n, pack(trace, compress=False)) for n, trace in enumerate(traces)]
    insert, fetch = driver(engine, raw, table.full_table_name)
    try:
        ways = {
            "library": lambda: table.insert(rows),
            "limit": lambda: insert([(n, zlib.compress(bytes_)) for n, bytes_ in plain]),
        }
        found = fastest(ways, before=table.delete_quick, clock=clock)
        size = COUNT * traces[0].nbytes
        report(f"{engine}: 2,000 blobs of 8 kB", "insert", found["library"], found["limit"], size)
        table.delete_quick()
        table.insert(rows)
        reading: dict[str, Callable[[], object]] = {
            "to_dicts": table.to_dicts,
            "to_arrays": lambda: table.to_arrays("value"),
            "iterate": lambda: sum(1 for _ in table),
        }
        reading["limit"] = lambda: [(n, zlib.decompress(value[_HEAD:])) for n, value in fetch()]
        found = fastest(reading, clock=clock)
        del reading["limit"]
        for way in reading:
            report(f"{engine}: 2,000 blobs of 8 kB", way, found[way], found["limit"], size)
    finally:
        raw.close()
        schema.drop(prompt=False)
        connection.close()


def main() -> None:
    """Print a line for each task."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.blobs", description=__doc__)
    parser.add_argument("--engines", default=",".join(ENGINES), help="engines, comma-separated")
    parser.add_argument("--cpu", action="store_true", help="count the processor's time")
    chosen = parser.parse_args()
    clock = time.process_time if chosen.cpu else time.perf_counter
    dj.logger.setLevel("WARNING")
    print(f"Load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.")
    print(f"{'what':<32}{'way':<10}{'MB/s':>10}{'limit':>10}{'of it':>8}")
    measure_arrays(clock)
    measure_nested(clock)
    for engine in chosen.engines.split(","):
        with address(engine) as url:
            measure_tables(engine, url, clock)


if __name__ == "__main__":
    main()
