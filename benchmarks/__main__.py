"""Measure reading and inserting: ``python -m benchmarks [--sizes 1000,10000] [--engines sqlite,mariadb] [--no-peer]``.

Prints a table in Markdown: the library, the limit (the bare driver doing the same statement and yielding the same
Python values; plain tuples for data frames), and the peer (DataJoint 2.3 from PyPI in an environment of its own, on
the same tables). Sizes grow by powers of ten, so that the growth of cost shows. A ratio above 1 is faster.

Servers are private ones, started for the run, unless ``DJ_TEST_<ENGINE>_URL`` names them.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import tracemalloc
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import datajoint as dj
from benchmarks import peer
from benchmarks.limit import Driver, connect
from benchmarks.pipeline import NAMES, declare, expression, fill, some_keys, trials
from benchmarks.timing import fastest
from datajoint.settings import Config

SCHEMA = "dj_benchmarks"
ENGINES = ("sqlite", "mariadb", "mysql", "postgresql")
_KEY = {"subject": 5, "session": 3}
_SHORT = 10_000  # rows, up to which so many are fetched in one run, by several calls
_INSERTED = 100_000  # rows, beyond which inserting them several times takes minutes


class Task(NamedTuple):
    """One task: the seconds of the library and of the limit (None without one); `unit` says how to show them."""

    name: str
    unit: str
    library: float
    limit: float | None = None


@contextmanager
def address(engine: str) -> Iterator[str]:
    """Give the address of a database."""
    with tempfile.TemporaryDirectory() as folder:
        if engine == "sqlite":
            yield f"sqlite:///{Path(folder) / 'benchmark.db'}"
        elif given := os.environ.get(f"DJ_TEST_{engine.upper()}_URL"):
            yield given
        else:
            from tests.provision.servers import start  # noqa: PLC0415 - servers are started only where none is named

            server = start(engine, Path(folder))
            try:
                yield server.url
            finally:
                server.stop()


def measured(engine: str, sizes: list[int], *, with_peer: bool) -> Iterator[str]:
    """Measure every task on an engine; yield lines of the table."""
    with address(engine) as url, dj.Connection(url, config_override=Config(safemode=False)) as connection:
        schema = dj.Schema(SCHEMA, connection=connection)
        try:
            tables: dict[str, Any] = declare(schema)
            for size in sizes:
                fill(tables, size)
                peers = peer.measure(job(connection, tables, size)) if with_peer and engine != "sqlite" else {}
                for task in tasks(connection, tables, size):
                    yield line(engine, size, task, peers.get(task.name))
        finally:
            schema.drop(prompt=False)


def line(engine: str, size: int, task: Task, by_peer: float | None) -> str:
    """Return one line of the table."""
    times = [shown(seconds, task.unit, size) for seconds in (task.library, task.limit, by_peer)]
    ratios = [f"{other / task.library:.2f}" if other else "" for other in (task.limit, by_peer)]
    return "| " + " | ".join([engine, f"{size:,}", task.name, *times, *ratios]) + " |"


def shown(seconds: float | None, unit: str, size: int) -> str:
    """Return a measurement as the table has it."""
    if seconds is None:
        return ""
    if unit == "rows/s":
        return f"{size / seconds:,.0f} rows/s"
    factor = {"µs": 1e6, "ms": 1e3, "MB": 1e-6}[unit]
    return f"{factor * seconds:,.1f} {unit}"


def job(connection: dj.Connection, tables: dict[str, Any], size: int) -> dict[str, Any]:
    """Return what the peer has to know."""
    target = connection.target
    return {
        "backend": "postgresql" if connection.dialect.name == "postgresql" else "mysql",
        "host": target.host,
        "port": target.port or connection.dialect.default_port,
        "user": target.user,
        "password": target.password,
        "tables": [table.full_table_name for table in tables.values()],
        "keys": some_keys(size),
    }


def tasks(connection: dj.Connection, tables: dict[str, Any], size: int) -> Iterator[Task]:
    """Measure each task by the library and by the limit."""
    trial = tables["Trial"]
    raw = connect(connection.target)
    driver = Driver(raw, trial.full_table_name, connection.dialect.placeholder)
    try:
        assert trial.to_dicts() == driver.dicts(), "the limit must yield the same values"
        for name, limit in (
            ("to_dicts", driver.dicts), ("keys", driver.keys), ("to_arrays", driver.arrays), ("to_pandas", driver.tuples),
            ("to_arrow", driver.tuples), ("to_polars", driver.tuples),
        ):  # fmt: skip
            fetch = {"library": getattr(trial(), name), "limit": limit}
            yield Task(name, "rows/s", *fastest(fetch, repeat=max(1, _SHORT // size)).values())
        one = {"library": lambda: (trial & _KEY).fetch1(), "limit": lambda: driver.one(**_KEY)}
        yield Task("fetch1 by key", "µs", *fastest(one, repeat=10).values())
        if size <= _INSERTED:
            rows = trials(size)
            insert = {"library": lambda: trial.insert(rows), "limit": lambda: driver.insert(rows)}
            yield Task("insert", "rows/s", *fastest(insert, before=trial.delete_quick).values())
    finally:
        raw.close()
    keys = some_keys(size)
    yield Task("5,000 keys", "ms", *fastest({"library": lambda: (trial & keys).to_dicts()}).values())
    yield Task("join, compiled", "µs", *fastest({"library": lambda: expression(tables).make_sql()}, repeat=10).values())
    yield Task("iterate", "rows/s", *fastest({"library": lambda: sum(1 for _ in trial)}).values())
    yield Task("iterate, most memory", "MB", peak_memory(trial))


def peak_memory(table: Any) -> int:
    """Return the most bytes that going through a table takes."""
    tracemalloc.start()
    try:
        for _ in table:
            pass
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def main() -> None:
    """Print one line a task, size and engine."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--sizes", default="1000,10000,100000,1000000", help="numbers of rows, comma-separated")
    parser.add_argument("--engines", default="sqlite,mariadb,postgresql", help=f"of {', '.join(ENGINES)}")
    parser.add_argument("--no-peer", action="store_true", help="leave out DataJoint 2.3")
    options = parser.parse_args()
    dj.logger.setLevel("ERROR")
    warnings.simplefilter("ignore")
    sizes = [int(size) for size in options.sizes.split(",")]
    print(
        f"Five columns ({', '.join(NAMES)}); load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.\n"
    )
    print("| engine | rows | task | library | limit | peer | limit ÷ library | peer ÷ library |")
    print("|---|---:|---|---:|---:|---:|---:|---:|")
    for engine in options.engines.split(","):
        for text in measured(engine, sizes, with_peer=not options.no_peer):
            print(text, flush=True)


if __name__ == "__main__":
    main()
