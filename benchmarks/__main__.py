"""Measure the library against the bare driver doing the same, as ratios: ``python -m benchmarks [--sizes 1000,10000]``.

The driver is the limit: it makes no checks and converts no values. Sizes grow by powers of ten, so that the growth of
cost shows. The best of several runs counts.
"""

from __future__ import annotations

import argparse
import sqlite3
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import datajoint as dj
from datajoint.settings import Config

RUNS = 3
KEYS = 500
DEFINITION = """
subject : int
trial : int
---
response : double
note : varchar(40)
"""


def rows(size: int) -> list[tuple[int, int, float, str]]:
    """Return `size` distinct rows, ten trials a subject."""
    return [(number // 10, number % 10, number / 7, f"note {number % 100}") for number in range(size)]


def best(action: Callable[[], object], prepare: Callable[[], object] = lambda: None) -> float:
    """Return the seconds of the fastest run of `action`, each after `prepare`."""
    times = []
    for _ in range(RUNS):
        prepare()
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return min(times)


def compare(size: int, folder: Path) -> dict[str, tuple[float, float]]:
    """Return (library, driver) seconds of every task on `size` rows."""
    connection = dj.Connection(f"sqlite:///{folder / 'library.db'}", config_override=Config(safemode=False))
    schema = dj.Schema("bench", connection=connection)
    table = schema(type("Trial", (dj.Manual,), {"definition": DEFINITION}))()
    bare = sqlite3.connect(folder / "driver.db", isolation_level=None)
    bare.execute("PRAGMA journal_mode = WAL")
    bare.execute("CREATE TABLE trial (subject INT, trial INT, response REAL, note TEXT, PRIMARY KEY (subject, trial))")
    data, keys = rows(size), [{"subject": s, "trial": 3} for s in range(min(KEYS, size // 10))]
    names = ("subject", "trial", "response", "note")
    records = [dict(zip(names, row, strict=True)) for row in data]

    def insert_bare() -> None:
        bare.execute("BEGIN")
        bare.executemany("INSERT INTO trial VALUES (?, ?, ?, ?)", data)
        bare.execute("COMMIT")

    def fetch_bare(condition: str = "") -> list[dict[str, object]]:
        return [dict(zip(names, row, strict=True)) for row in bare.execute(f"SELECT * FROM trial {condition}")]

    chosen = "WHERE trial = 3 AND subject IN ({})".format(",".join(str(key["subject"]) for key in keys))
    mean = "SELECT subject, avg(response) FROM trial GROUP BY subject"
    means = dj.U("subject").aggr(table, mean="avg(response)")
    try:
        return {
            "insert": (
                best(lambda: table.insert(records), table.delete_quick),
                best(insert_bare, lambda: bare.execute("DELETE FROM trial")),
            ),
            "fetch all": (best(table.to_dicts), best(fetch_bare)),
            "fetch arrays": (best(table.to_arrays), best(fetch_bare)),
            f"fetch {len(keys)} keys": (best(lambda: (table & keys).to_dicts()), best(partial(fetch_bare, chosen))),
            "count": (best(partial(len, table)), best(lambda: bare.execute("SELECT count(*) FROM trial").fetchall())),
            "mean by subject": (best(means.to_dicts), best(lambda: bare.execute(mean).fetchall())),
        }
    finally:
        bare.close()
        connection.close()


def main() -> None:
    """Print one line a task and size."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--sizes", default="1000,10000,100000", help="numbers of rows, comma-separated")
    dj.logger.setLevel("WARNING")
    sizes = [int(size) for size in parser.parse_args().sizes.split(",")]
    print(f"{'task':<18}{'rows':>9}{'library ms':>12}{'driver ms':>12}{'ratio':>8}")
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            for task, (library, driver) in compare(size, Path(folder)).items():
                print(f"{task:<18}{size:>9}{1e3 * library:>12.3f}{1e3 * driver:>12.3f}{library / driver:>8.1f}")


if __name__ == "__main__":
    main()
