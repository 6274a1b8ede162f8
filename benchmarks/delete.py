"""Measure cascading deletes: ``python -m benchmarks.delete [--engines …] [--sizes 1000,10000,100000]``.

Five tables in a line, each with ten times the rows of the one before it; the rows that depend on half of the first
table's are deleted: once chosen by its key, once by another attribute. The limit is the driver deleting the same rows by a
range of the first key attribute, leaves first, which only somebody can write who knows the tables. Servers and the peer
are those of `benchmarks.__main__`.
"""

from __future__ import annotations

import argparse
import itertools
import os
import time
from typing import Any

import datajoint as dj
from benchmarks.__main__ import address
from benchmarks.insert import driver_connection, run_peer
from datajoint.settings import Config

LEVELS = "abcde"
RUNS = 3
PEER = """
import json, sys, time
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
tables = {}
for name, definition in place["definitions"]:
    tables[name] = schema(type(name, (dj.Manual,), {"definition": definition}), context=tables)
times = {condition: [] for condition in place["conditions"]}
for condition in place["conditions"] * place["runs"]:
    rows = [dict(a=a) for a in range(place["first"])]
    for name, _ in place["definitions"]:
        if name != "A":
            rows = [{**row, name.lower(): n} for row in rows for n in range(10)]
        sent = [{**row, "v": row["a"]} for row in rows] if name == "A" else rows
        for start in range(0, len(sent), 10000):
            tables[name].insert(sent[start : start + 10000], skip_duplicates=True)
    start = time.perf_counter()
    (tables["A"] & condition).delete(prompt=False)
    times[condition].append(time.perf_counter() - start)
schema.drop()
print(json.dumps({condition: min(spent) for condition, spent in times.items()}))
"""


def definitions() -> list[tuple[str, str]]:
    """Return class names and definitions, first to last."""
    found = [("A", "a : int32\n---\nv : int32")]
    for parent, child in itertools.pairwise(LEVELS):
        found.append((child.upper(), f"-> {parent.upper()}\n{child} : int32\n---\nnote='-' : varchar(20)"))
    return found


def rows_of(size: int) -> list[tuple[str, list[dict[str, int]]]]:
    """Return the rows of every table, twice `size` in all, of which half are to be deleted."""
    rows: list[dict[str, int]] = [{"a": a} for a in range(max(round(size / 11111), 1) * 2)]
    found = [("A", [{**row, "v": row["a"]} for row in rows])]
    for name in LEVELS[1:]:
        rows = [{**row, name: n} for row in rows for n in range(10)]
        found.append((name.upper(), rows))
    return found


def measure(engine: str, url: str, size: int) -> tuple[int, dict[str, float]]:
    """Return the number of rows deleted, and seconds by condition and of the driver."""
    connection = dj.Connection(url, config_override=Config(safemode=False))
    schema = dj.Schema(f"bench_delete_{os.getpid()}", connection=connection)
    tables: dict[str, Any] = {}
    for name, definition in definitions():
        tables[name] = schema(type(name, (dj.Manual,), {"definition": definition}), context=tables)
    data = rows_of(size)
    half = len(data[0][1]) // 2
    raw = driver_connection(engine, url, connection)
    found: dict[str, float] = {}
    try:
        for task in (*conditions(half), "driver") * RUNS:
            for name, rows in data:
                tables[name].insert(rows, skip_duplicates=True)
            total = sum(len(table()) for table in tables.values())
            start = time.perf_counter()
            if task == "driver":
                cursor = raw.cursor()
                cursor.execute("BEGIN")
                for table in reversed(tables.values()):
                    cursor.execute(f"DELETE FROM {table.full_table_name} WHERE a < {half}")
                cursor.execute("COMMIT")
            else:
                (tables["A"] & task).delete(prompt=False)
            found[task] = min(found.get(task, 1e9), time.perf_counter() - start)
            deleted = total - sum(len(table()) for table in tables.values())
        return deleted, found
    finally:
        raw.close()
        schema.drop(prompt=False)
        connection.close()


def conditions(half: int) -> list[str]:
    """Return how the first table's rows are chosen: by key, and not."""
    return [f"a < {half}", f"v < {half}"]


def main() -> None:
    """Print a line for each engine and size."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.delete", description=__doc__)
    parser.add_argument("--sizes", default="1000,10000,100000", help="rows to delete, about, comma-separated")
    parser.add_argument("--engines", default="sqlite,mysql,mariadb,postgresql", help="engines, comma-separated")
    parser.add_argument("--no-peer", action="store_true", help="leave out DataJoint 2.3")
    dj.logger.setLevel("WARNING")
    chosen = parser.parse_args()
    print(f"{'engine':<11}{'deleted':>9}  {'chosen by':<10}{'library s':>10}{'driver s':>10}{'peer s':>9}{'times':>7}")
    for engine in chosen.engines.split(","):
        with address(engine) as url:
            for size in map(int, chosen.sizes.split(",")):
                report(engine, url, size, with_peer=not chosen.no_peer)


def report(engine: str, url: str, size: int, *, with_peer: bool) -> None:
    """Print a line for each way to choose the rows."""
    deleted, ours = measure(engine, url, size)
    first = len(rows_of(size)[0][1])
    chosen = conditions(first // 2)
    given = {"definitions": definitions(), "runs": RUNS, "first": first, "conditions": chosen}
    theirs = run_peer(PEER, engine, url, **given) if with_peer else {}
    for condition in chosen:
        other = theirs.get(condition)
        compared = f"{other:>9.3f}{other / ours[condition]:>7.1f}" if other else f"{'-':>9}{'-':>7}"
        print(f"{engine:<11}{deleted:>9}  {condition:<10}{ours[condition]:>10.3f}{ours['driver']:>10.3f}{compared}")


if __name__ == "__main__":
    main()
