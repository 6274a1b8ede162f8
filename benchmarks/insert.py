"""Measure inserts on every engine: ``python -m benchmarks.insert [--engines …] [--sizes 1000,10000,100000]``.

The limit is the driver's best way of writing many rows into the very same table, constraints included, and as durably:
multi-row statements on MySQL and MariaDB, COPY on PostgreSQL, ``executemany`` in a transaction on SQLite. Servers and the
peer are those of `benchmarks.__main__`. Figures are thousands of rows a second; the best of several runs counts, of single rows the
median.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import sqlite3
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pandas as pd
import psycopg
import pyarrow as pa
import pymysql

import datajoint as dj
from benchmarks.__main__ import address
from benchmarks.peer import peer_python
from benchmarks.timing import fastest
from datajoint.settings import Config

SINGLES = 100
_TURNS = 5
BUFFERED = 3000
NAMES = ("subject", "trial", "response", "note", "start")
DEFINITION = """
subject : int32
trial : int32
---
response : float64
note : varchar(40)
start : datetime
"""
PEER = """
import datetime as dt, json, os, sys, time
import datajoint as dj
place = json.loads(sys.argv[1])
dj.config["database.host"], dj.config["database.port"] = place["host"], place["port"]
dj.config["database.user"], dj.config["database.password"] = place["user"], place["password"]
if place["backend"] == "postgresql":
    dj.config["database.backend"] = "postgresql"
    dj.config["database.name"] = place["database"]
dj.config["safemode"] = False
dj.logger.setLevel("ERROR")
schema = dj.Schema(place["schema"])
class Trial(dj.Manual):
    definition = place["definition"]
schema(Trial)
size, singles = place["size"], place["singles"]
moment = dt.datetime(2024, 1, 1)
rows = [dict(subject=n // 10, trial=n % 10, response=n / 7, note=f"note {n % 100}", start=moment) for n in range(size)]
Trial.insert(rows[:1]); Trial.delete_quick()
start = time.perf_counter(); Trial.insert(rows); bulk = time.perf_counter() - start
import pandas
Trial.delete_quick()
frame = pandas.DataFrame(rows)
start = time.perf_counter()
try:
    Trial.insert(frame)
    framed = time.perf_counter() - start
except Exception:
    framed = None  # it cannot send the moments of a data frame there
Trial.delete_quick()
start = time.perf_counter()
for row in rows[:singles]:
    Trial.insert1(row)
single = time.perf_counter() - start
schema.drop()
print(json.dumps({"dicts": bulk, "data frame": framed, "insert1": single}))
"""


def rows(size: int) -> list[tuple[Any, ...]]:
    """Return `size` distinct rows, ten trials a subject."""
    moment = dt.datetime(2024, 1, 1)
    return [(n // 10, n % 10, n / 7, f"note {n % 100}", moment) for n in range(size)]


def driver_ways(
    engine: str, raw: Any, table: str, data: list[tuple[Any, ...]]
) -> tuple[Callable[[], None], Callable[[tuple[Any, ...]], None]]:
    """Return what the driver does best with many rows, and with one."""
    columns = ", ".join(NAMES)
    if engine == "sqlite":
        statement = f"INSERT INTO {table} ({columns}) VALUES (?, ?, ?, ?, ?)"
        texts = [(*row[:4], str(row[4])) for row in data]

        def many() -> None:
            raw.execute("BEGIN IMMEDIATE")
            raw.executemany(statement, texts)
            raw.execute("COMMIT")

        return many, lambda row: raw.execute(statement, (*row[:4], str(row[4])))
    statement = f"INSERT INTO {table} ({columns}) VALUES (%s, %s, %s, %s, %s)"
    if engine == "postgresql":

        def copy() -> None:
            with raw.cursor() as cursor, cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as out:
                for row in data:
                    out.write_row(row)

        return copy, lambda row: raw.execute(statement, row)
    cursor = raw.cursor()

    def statements() -> None:
        raw.begin()
        cursor.executemany(statement, data)
        raw.commit()

    return statements, lambda row: cursor.execute(statement, row)


def driver_connection(engine: str, url: str, connection: dj.Connection) -> Any:
    """Open a bare connection in autocommit mode."""
    place = urlsplit(url)
    if engine == "sqlite":
        raw = sqlite3.connect(connection.target.path, isolation_level=None)
        raw.execute("PRAGMA foreign_keys = ON")
        return raw
    if engine == "postgresql":
        return psycopg.connect(url, autocommit=True)
    return pymysql.connect(
        host=place.hostname,
        port=place.port or 3306,
        user=place.username,
        password=place.password or "",
        autocommit=True,
    )


def each(
    actions: dict[str, Callable[[Any], object]], items: list[Any], before: Callable[[], object]
) -> dict[str, float]:
    """Return for each action the median seconds for one item; the actions take turns, so that a busy machine meets all."""
    times: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(_TURNS):
        for name, action in actions.items():
            before()
            for item in items:
                start = time.perf_counter()
                action(item)
                times[name].append(time.perf_counter() - start)
    return {name: statistics.median(found) for name, found in times.items()}


def measure(engine: str, url: str, size: int) -> dict[str, float]:
    """Return seconds by task: of all rows, or for single ones of one row."""
    connection = dj.Connection(url, config_override=Config(safemode=False))
    schema = dj.Schema(f"bench_insert_{os.getpid()}", connection=connection)
    table = schema(type("Trial", (dj.Manual,), {"definition": DEFINITION}))()
    raw = driver_connection(engine, url, connection)
    data = rows(size)
    records = [dict(zip(NAMES, row, strict=True)) for row in data]
    frame = pd.DataFrame(records)
    arrow = pa.Table.from_pandas(frame, preserve_index=False)
    many, one = driver_ways(engine, raw, table.full_table_name, data)

    def buffered() -> None:
        with table.batch():
            for record in records[:BUFFERED]:
                table.insert1(record)

    try:
        actions = {
            "limit": many,
            "dicts": lambda: table.insert(records),
            "data frame": lambda: table.insert(frame),
            "Arrow": lambda: table.insert(arrow),
            "skip duplicates": lambda: table.insert(records, skip_duplicates=True),
            "batch()": buffered,
        }
        found = fastest(actions, before=table.delete_quick)
        found["batch()"] /= min(BUFFERED, size)
        singles = {"raw single": lambda record: one(tuple(record.values())), "insert1": table.insert1}
        return found | each(singles, records[:SINGLES], table.delete_quick)
    finally:
        raw.close()
        schema.drop(prompt=False)
        connection.close()


def run_peer(program: str, engine: str, url: str, **given: Any) -> dict[str, float | None]:
    """Run a program of the peer's and return what it prints; nothing for an engine that the peer does not have."""
    if engine == "sqlite":
        return {}
    address = urlsplit(url)
    place = {
        "host": address.hostname, "port": address.port, "user": address.username, "password": address.password,
        "database": address.path.strip("/"), "backend": engine, "schema": f"bench_peer_{os.getpid()}", **given,
    }  # fmt: skip
    environment = {n: v for n, v in os.environ.items() if not n.startswith(("DJ_", "PYTHON"))}
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [peer_python(), "-c", program, json.dumps(place)],
            capture_output=True,
            text=True,
            env=environment,
            cwd=folder,
            check=False,
        )
    if done.returncode:
        print(f"DataJoint 2.3 failed on {engine}: {done.stderr.strip().splitlines()[-1]}")
        return {}
    found: dict[str, float | None] = json.loads(done.stdout.splitlines()[-1])
    return found


def report(engine: str, size: int, ours: dict[str, float], theirs: dict[str, float | None]) -> None:
    """Print the ratios."""

    def rate(seconds: float | None) -> str:
        return f"{size / seconds / 1e3:9.1f}" if seconds else f"{'-':>9}"

    for task in ("dicts", "data frame", "Arrow", "skip duplicates"):
        other = theirs.get(task)
        factor = f"{other / ours[task]:8.1f}" if other else f"{'-':>8}"
        print(
            f"{engine:<11}{size:>9}  {task:<16}{rate(ours[task])}{rate(ours['limit'])}{ours['limit'] / ours[task]:8.2f}"
            f"{rate(other)}{factor}"
        )
    print(
        f"{engine:<11}{size:>9}  one row: insert1 {1e6 * ours['insert1']:.0f} µs, {ours['insert1'] / ours['raw single']:.2f} "
        f"times the driver's statement; batch() {1e6 * ours['batch()']:.1f} µs, {ours['insert1'] / ours['batch()']:.0f} times faster"
    )


def main() -> None:
    """Print a line for each engine, size and form of rows."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.insert", description=__doc__)
    parser.add_argument("--sizes", default="1000,10000,100000", help="numbers of rows, comma-separated")
    parser.add_argument("--engines", default="sqlite,mysql,mariadb,postgresql", help="engines, comma-separated")
    parser.add_argument("--no-peer", action="store_true", help="leave out DataJoint 2.3")
    dj.logger.setLevel("WARNING")
    chosen = parser.parse_args()
    print(f"{'engine':<11}{'rows':>9}  {'form':<16}{'k rows/s':>9}{'limit':>9}{'of it':>8}{'peer':>9}{'times':>8}")
    for engine in chosen.engines.split(","):
        with address(engine) as url:
            for size in map(int, chosen.sizes.split(",")):
                given = {"size": size, "singles": SINGLES, "definition": DEFINITION}
                theirs = {} if chosen.no_peer else run_peer(PEER, engine, url, **given)
                report(engine, size, measure(engine, url, size), theirs)


if __name__ == "__main__":
    main()
