"""Measure reading: ``python -m benchmarks [--sizes 1000,10000] [--engines sqlite,mariadb] [--no-peer]``.

Prints a table in Markdown: the library, the limit (the bare driver doing the same statement and yielding the same
Python values; plain tuples for data frames), and the peer (DataJoint 2.3 from PyPI in an environment of its own, on
the same tables). Sizes grow by powers of ten, so that the growth of cost shows. A ratio above 1 is faster.

Servers are private ones, started for the run, unless ``DJ_TEST_<ENGINE>_URL`` names them.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import tracemalloc
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import datajoint as dj
from benchmarks import peer
from benchmarks.limit import Driver
from benchmarks.pipeline import NAMES, declare, expression, fill, some_keys
from benchmarks.timing import fastest
from datajoint.settings import Config

SCHEMA = "dj_benchmarks"
ENGINES = ("sqlite", "mariadb", "mysql", "postgresql")
_KEY = {"subject": 5, "session": 3}


class Line(NamedTuple):
    """One measurement in seconds; None where there is nothing to compare with."""

    engine: str
    rows: int
    task: str
    library: float
    limit: float | None
    peer: float | None


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


def measured(engine: str, sizes: list[int], *, with_peer: bool) -> Iterator[Line]:
    """Measure every task on an engine."""
    with address(engine) as url, dj.Connection(url, config_override=Config(safemode=False)) as connection:
        schema = dj.Schema(SCHEMA, connection=connection)
        try:
            tables: dict[str, Any] = declare(schema)
            for size in sizes:
                fill(tables, size)
                peers = peer.measure(job(connection, tables, size)) if with_peer and engine != "sqlite" else {}
                for task, library, limit in tasks(connection, tables, size):
                    yield Line(engine, size, task, library, limit, peers.get(task))
        finally:
            schema.drop(prompt=False)


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


def tasks(connection: dj.Connection, tables: dict[str, Any], size: int) -> Iterator[tuple[str, float, float | None]]:
    """Yield the name of each task with the seconds of the library and of the limit."""
    trial = tables["Trial"]
    raw = connection.backend.connect(connection.target)
    driver = Driver(raw, trial.full_table_name, connection.dialect.placeholder)
    try:
        assert trial.to_dicts() == driver.dicts(), "the limit must yield the same values"
        for task, limit in (
            ("to_dicts", driver.dicts), ("keys", driver.keys), ("to_arrays", driver.arrays), ("to_pandas", driver.tuples),
            ("to_arrow", driver.tuples), ("to_polars", driver.tuples),
        ):  # fmt: skip
            times = fastest({"library": getattr(trial(), task), "limit": limit})
            yield task, times["library"], times["limit"]
        one = {"library": lambda: (trial & _KEY).fetch1(), "limit": lambda: driver.one(**_KEY)}
        times = fastest(one, repeat=100)
        yield "fetch1 by key", times["library"], times["limit"]
    finally:
        raw.close()
    keys = some_keys(size)
    yield "5,000 keys", fastest({"library": lambda: (trial & keys).to_dicts()})["library"], None
    compiled = fastest({"library": lambda: expression(tables).make_sql()}, repeat=100)
    yield "join, compiled", compiled["library"], None
    yield "iterate", fastest({"library": lambda: sum(1 for _ in trial)})["library"], None


def peak_memory(table: Any) -> int:
    """Return the most bytes that going through a table takes."""
    tracemalloc.start()
    try:
        for _ in table:
            pass
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _shown(seconds: float | None, line: Line) -> str:
    if seconds is None:
        return ""
    if line.task in {"fetch1 by key", "join, compiled"}:
        return f"{1e6 * seconds:,.0f} µs"
    if line.task == "5,000 keys":
        return f"{1e3 * seconds:,.1f} ms"
    return f"{line.rows / seconds:,.0f} rows/s"


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
    print(f"Five columns ({', '.join(NAMES)}); load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.\n")
    print("| engine | rows | task | library | limit | peer | limit ÷ library | peer ÷ library |")
    print("|---|---:|---|---:|---:|---:|---:|---:|")
    for engine in options.engines.split(","):
        for line in measured(engine, sizes, with_peer=not options.no_peer):
            ratios = [f"{other / line.library:.2f}" if other else "" for other in (line.limit, line.peer)]
            times = [_shown(seconds, line) for seconds in (line.library, line.limit, line.peer)]
            print("|", " | ".join([line.engine, f"{line.rows:,}", line.task, *times, *ratios]), "|")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
