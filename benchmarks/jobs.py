"""Measure queues: ``python -m benchmarks.jobs [--engines …] [--keys 500] [--queued 1000,10000,100000] [--workers 1,2,4,8]``.

Four tables in Markdown: milliseconds a key of a `make` that inserts one row, taken from a queue; the statements of a key; keys
a second of ``jobs.refresh``; and keys a second of several workers on queues of several lengths. The limit is what cannot be
avoided: the bare driver doing begin, select, insert, delete of the job, commit. The peer is DataJoint 2.3 in an environment of
its own, whose Python ``DJ_BENCHMARK_PEER`` names. Servers are named by ``DJ_TEST_MYSQL_URL``, ``DJ_TEST_MARIADB_URL`` and
``DJ_TEST_POSTGRESQL_URL``. All of one run meets the same load, which is told.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import datajoint as dj
from benchmarks.__main__ import address
from benchmarks.limit import connect
from benchmarks.peer import peer_python
from datajoint.settings import Config

SCHEMA = f"dj_benchmark_jobs_{os.getpid()}"
ROUNDS = 5
"""How often each is done; the fastest counts, which met the least of what else the machine did."""
ENGINES = ("sqlite", "mariadb", "mysql", "postgresql")

PEER = """
import json, sys, time, logging, warnings
warnings.simplefilter("ignore")
import datajoint as dj
job = json.loads(sys.argv[1])
dj.config["safemode"] = False
logging.getLogger("datajoint").setLevel("ERROR")
schema = dj.Schema(job["schema"])
class Item(dj.Manual):
    definition = "item : int32"
class Result(dj.Computed):
    definition = "-> Item\\n---\\nr : int32"
    def make(self, key):
        self.insert1({**key, "r": 1})
for cls in (Item, Result):
    schema(cls, context={"Item": Item})
found = {}
Item.insert([{"item": n} for n in range(job["refreshed"])])
Result.jobs
start = time.perf_counter()
Result.jobs.refresh()
found["refresh"] = (time.perf_counter() - start) / job["refreshed"]
Result.jobs.delete_quick()
found["reserved"] = float("inf")
for _ in range(job["rounds"]):
    Result.delete_quick()
    Result.jobs.refresh(f"item < {job['keys']}")
    start = time.perf_counter()
    count = Result.populate(reserve_jobs=True, refresh=False)["success_count"]
    found["reserved"] = min(found["reserved"], (time.perf_counter() - start) / count)
schema.drop()
print(json.dumps(found))
"""


def tables(schema: Any) -> tuple[Any, Any]:
    """Return the tables."""

    class Item(dj.Manual):
        definition = "item : int32"

    class Result(dj.Computed):
        definition = """
        -> Item
        ---
        r : int32
        """

        def make(self, key: dict[str, Any]) -> None:
            self.insert1({**key, "r": 1})

    return schema(Item), schema(Result, context={"Item": Item})


def by_peer(connection: dj.Connection, keys: int, refreshed: int) -> dict[str, float]:
    """Return the peer's seconds a key."""
    target = connection.target
    is_postgresql = connection.dialect.name == "postgresql"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "DJ_"))}
    environment |= {
        "DJ_IGNORE_CONFIG_FILE": "true", "DJ_BACKEND": "postgresql" if is_postgresql else "mysql", "DJ_USE_TLS": "false",
        "DJ_HOST": str(target.host), "DJ_PORT": str(target.port or connection.dialect.default_port),
        "DJ_USER": str(target.user), "DJ_PASS": str(target.password),
    }  # fmt: skip
    if is_postgresql:
        environment["DJ_DATABASE_NAME"] = str(target.database)
    job = {"schema": SCHEMA + "_peer", "keys": keys, "refreshed": refreshed, "rounds": ROUNDS}
    done = subprocess.run(
        [peer_python(), "-P", "-c", PEER, json.dumps(job)], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"The peer failed: {done.stderr[-800:]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def by_driver(connection: dj.Connection, result: Any, keys: int) -> float:
    """Return the seconds a key of the statements that cannot be avoided."""
    raw = connect(connection.target)
    mark = connection.dialect.placeholder
    table, queue = result.full_table_name, result.jobs.full_table_name
    begin = "BEGIN IMMEDIATE" if connection.dialect.name == "sqlite" else "BEGIN"
    cursor = raw.cursor()
    start = time.perf_counter()
    for n in range(keys):
        cursor.execute(begin)
        cursor.execute(f"SELECT 1 FROM {table} WHERE item = {mark}", (n,))
        cursor.fetchall()
        cursor.execute(f"INSERT INTO {table} (item, r) VALUES ({mark}, {mark})", (n, 1))
        cursor.execute(f"DELETE FROM {queue} WHERE item = {mark} AND status = 'pending'", (n,))
        cursor.execute("COMMIT")
    seconds = (time.perf_counter() - start) / keys
    raw.close()
    return seconds


def a_key(connection: dj.Connection, keys: int, refreshed: int, *, with_peer: bool) -> Iterator[str]:
    """Yield the lines about one worker, and about refreshing."""
    schema = dj.Schema(SCHEMA, connection=connection)
    try:
        item, result = tables(schema)
        item.insert([{"item": n} for n in range(refreshed)])
        result.jobs  # noqa: B018 - creates the table
        start = time.perf_counter()
        result.jobs.refresh()
        refresh = (time.perf_counter() - start) / refreshed
        limit = reserved = float("inf")
        for _ in range(ROUNDS):
            result.delete_quick()
            result.jobs.delete()
            result.jobs.refresh(f"item < {keys}")
            limit = min(limit, by_driver(connection, result, keys))
            result.delete_quick()
            result.jobs.refresh(f"item < {keys}")
            start = time.perf_counter()
            count = result.populate(reserve_jobs=True, refresh=False)["success_count"]
            reserved = min(reserved, (time.perf_counter() - start) / count)
        result.delete_quick()
        result.jobs.refresh(f"item < {keys}")
        with connection.query_log() as log:
            result.populate(reserve_jobs=True, refresh=False)
        peer = by_peer(connection, keys, refreshed) if with_peer and connection.dialect.name != "sqlite" else {}
        theirs = f"{1e3 * peer['reserved']:.2f} | {peer['reserved'] / reserved:.2f}" if peer else " | "
        yield f"| {connection.dialect.name} | a key, ms | {1e3 * reserved:.2f} | {1e3 * limit:.2f} | {reserved / limit:.2f} | {theirs} |"
        theirs = f"{1 / peer['refresh']:,.0f} | {peer['refresh'] / refresh:.1f}" if peer else " | "
        yield f"| {connection.dialect.name} | refresh, keys/s | {1 / refresh:,.0f} | | | {theirs} |"
        yield f"| {connection.dialect.name} | statements a key | {len(log) / count:.2f} | 5 | | | |"
    finally:
        schema.drop(prompt=False)


WORKER = """
import sys, time
import datajoint as dj
from benchmarks.jobs import tables
from datajoint.settings import Config
connection = dj.Connection(sys.argv[1], config_override=Config(safemode=False, loglevel="ERROR"))
_, result = tables(dj.Schema(sys.argv[3], connection=connection))
result.jobs
print("ready", flush=True)
sys.stdin.readline()
end = time.monotonic() + float(sys.argv[2])
start = time.monotonic()
made = result.populate(reserve_jobs=True, refresh=False, stop=lambda: time.monotonic() > end)["success_count"]
print(made / (time.monotonic() - start))
"""


def together(
    url: str, connection: dj.Connection, lengths: list[int], workers: list[int], seconds: float
) -> Iterator[str]:
    """Yield the lines about several workers on queues of several lengths."""
    for length in lengths:
        found = []
        for count in workers:
            schema = dj.Schema(SCHEMA, connection=connection)
            try:
                item, result = tables(schema)
                item.insert([{"item": n} for n in range(length)])
                result.jobs.refresh()
                found.append(throughput(url, count, seconds))
            finally:
                schema.drop(prompt=False)
        yield f"| {connection.dialect.name} | {length:,} | " + " | ".join(f"{rate:,.0f}" for rate in found) + " |"


def throughput(url: str, count: int, seconds: float) -> float:
    """Return the keys a second of so many workers."""
    command = [sys.executable, "-c", WORKER, url, str(seconds), SCHEMA]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    running = [subprocess.Popen(command, **pipes) for _ in range(count)]
    for worker in running:
        worker.stdout.readline()
    for worker in running:
        worker.stdin.write("go\n")
        worker.stdin.flush()
    return sum(float(worker.communicate()[0].splitlines()[-1]) for worker in running)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.jobs", description=__doc__)
    parser.add_argument("--engines", default="sqlite,mariadb,postgresql", help=f"of {', '.join(ENGINES)}")
    parser.add_argument("--keys", type=int, default=1000)
    parser.add_argument("--refreshed", type=int, default=100_000)
    parser.add_argument("--queued", default="1000,10000,100000")
    parser.add_argument("--workers", default="1,2,4,8")
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--no-peer", action="store_true", help="leave out DataJoint 2.3")
    options = parser.parse_args()
    dj.logger.setLevel("ERROR")
    workers = [int(count) for count in options.workers.split(",") if count]
    lengths = [int(length) for length in options.queued.split(",") if length]
    print(f"Load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.\n")
    print(
        "| engine | | library | limit | library ÷ limit | peer | peer ÷ library |\n|---|---|---:|---:|---:|---:|---:|"
    )
    engines = options.engines.split(",")
    for engine in engines:
        with address(engine) as url, dj.Connection(url, config_override=Config(safemode=False)) as connection:
            for text in a_key(connection, options.keys, options.refreshed, with_peer=not options.no_peer):
                print(text, flush=True)
    if not (workers and lengths):
        return
    print("\n| engine | queued | " + " | ".join(f"{count} workers" for count in workers) + " |")
    print("|---|---:|" + "---:|" * len(workers))
    for engine in engines:
        with address(engine) as url, dj.Connection(url, config_override=Config(safemode=False)) as connection:
            for text in together(url, connection, lengths, workers, options.seconds):
                print(text, flush=True)


if __name__ == "__main__":
    main()
