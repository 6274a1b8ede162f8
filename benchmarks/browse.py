"""Measure the table browser: ``python -m benchmarks.browse [--engines …] [--rows 1000000]``.

A table with a key of two integers, an indexed measurement and a blob. Shown is the time from the call to the answer, as the
page gets it; the columns are the median of some runs and their slowest. Opening includes the static twin. A far page is one
that no page before leads to. The browser walks over the rows by stretches while nothing else is asked for, and remembers where
each ends: far pages are pages anywhere after that; "far page at once" is the one in the middle that is asked for before
anything was learned; "far page soon" comes 0.3 s after the order was chosen, as fast as a hand goes from a head to the scroll bar.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import datajoint as dj
from benchmarks.__main__ import ENGINES, address
from datajoint.settings import Config
from datajoint_jupyter.widgets.browser import TableBrowser
from datajoint_jupyter.widgets.browser.columns import columns_of
from datajoint_jupyter.widgets.browser.messages import SortItem
from datajoint_jupyter.widgets.browser.rows import RowSource
from datajoint_jupyter.widgets.browser.summaries import summarise

SCHEMA = "dj_benchmarks_browse"
RUNS = 5
PAGE = 100
FAR = 50
SOON = 0.3
PROMPT = (
    "next page", "far page", "far page soon", "last page", "sort by an index", "far page, sorted", "far page soon, sorted",
)  # fmt: skip
GOALS = {"open": 0.3, **dict.fromkeys(PROMPT, 0.15)}


def declare(schema: Any) -> Any:
    """Return the table."""

    @schema
    class Trial(dj.Manual):
        definition = """
        subject : int32
        trial : int32
        ---
        response : float64
        started : datetime
        side : enum('left', 'right')
        note=null : varchar(30)
        trace=null : <blob>
        index(response)
        """

    return Trial


def fill(table: Any, size: int) -> None:
    """Insert `size` rows in slices."""
    import numpy as np  # noqa: PLC0415 - as a user would
    import pandas as pd  # noqa: PLC0415 - as above

    generator = np.random.default_rng(1)
    for start in range(0, size, 100_000):
        numbers = np.arange(start, min(size, start + 100_000))
        table.insert(
            pd.DataFrame(
                {
                    "subject": numbers // 1000,
                    "trial": numbers % 1000,
                    "response": generator.normal(size=len(numbers)),
                    "started": pd.Timestamp("2024-01-01") + pd.to_timedelta(numbers * 7 % 31_536_000, unit="s"),
                    "side": np.where(numbers % 2 == 0, "left", "right"),
                    "note": np.array(["a", "b", None, "long note"], dtype=object)[numbers % 4],
                }
            )
        )


def timed(action: Callable[[], Any], runs: int = RUNS) -> tuple[float, float]:
    """Return the median and the slowest of some runs, in seconds."""
    spent = []
    for _ in range(runs):
        start = time.perf_counter()
        action()
        spent.append(time.perf_counter() - start)
    return statistics.median(spent), max(spent)


def opened(table: Any) -> None:
    """Open a browser as a cell does."""
    browser = TableBrowser(table())
    browser.static()
    browser.close()


def tasks(table: Any, size: int) -> Iterator[tuple[str, tuple[float, float]]]:
    """Yield what is measured."""
    rows, columns = table(), columns_of(table())
    source = RowSource(rows, columns)
    source.page(0, PAGE)
    source.prepare()
    places = iter(range(PAGE, size, PAGE))
    yield "open", timed(lambda: opened(table))
    yield "next page", timed(lambda: source.page(next(places), PAGE, size))
    yield from far_pages(lambda: RowSource(rows, columns), size, "")
    yield "last page", timed(lambda: RowSource(rows, columns).page(size - PAGE, PAGE, size))
    order = [SortItem("response", descending=True)]
    yield "sort by an index", timed(lambda: RowSource(rows, columns, order).page(0, PAGE, size))
    ordered = RowSource(rows, columns, order)
    further = iter(range(0, size, PAGE))
    ordered.page(next(further), PAGE, size)
    yield "next page, sorted", timed(lambda: ordered.page(next(further), PAGE, size))
    yield from far_pages(lambda: RowSource(rows, columns, order), size, ", sorted")
    yield "sort without an index", timed(lambda: RowSource(rows, columns, [SortItem("note")]).page(0, PAGE, size), 1)
    yield "count", timed(lambda: source.count(size + 1), 1)
    for name in ("response", "side"):
        yield f"summary of {name}", timed(lambda name=name: summarise(rows, name), 1)


def far_pages(made: Callable[[], RowSource], size: int, order: str) -> Iterator[tuple[str, tuple[float, float]]]:
    """Yield what pages cost that no page before leads to."""
    yield f"far page at once{order}", timed(lambda: made().page(size // 2, PAGE, size))
    spent = []
    for _ in range(RUNS):
        source, until = made(), time.perf_counter() + SOON
        while time.perf_counter() < until and source.learn() is not None:
            pass
        spent.append(timed(lambda source=source: source.page(size // 2, PAGE, size), 1)[0])
    yield f"far page soon{order}", (statistics.median(spent), max(spent))
    source, stretches = made(), []
    more = True
    while more:
        start = time.perf_counter()
        more = source.learn() is not None
        stretches.append(time.perf_counter() - start)
    yield f"learning a stretch{order}", (statistics.median(stretches), max(stretches))
    places = iter(random.Random(1).sample(range(0, size, PAGE), FAR))  # noqa: S311 - places to look at, no secret
    yield f"far page{order}", timed(lambda: source.page(next(places), PAGE, size), FAR)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engines", default=",".join(ENGINES))
    parser.add_argument("--rows", type=int, default=1_000_000)
    arguments = parser.parse_args()
    print("| engine | task | median ms | slowest ms | goal ms |\n|---|---|---:|---:|---:|")
    for engine in arguments.engines.split(","):
        with address(engine) as url, dj.Connection(url, config_override=Config(safemode=False)) as connection:
            schema = dj.Schema(SCHEMA, connection=connection)
            try:
                table = declare(schema)
                fill(table, arguments.rows)
                for name, (median, slowest) in tasks(table, arguments.rows):
                    goal = f"{1000 * GOALS[name]:.0f}" if name in GOALS else ""
                    print(f"| {engine} | {name} | {1000 * median:.1f} | {1000 * slowest:.1f} | {goal} |", flush=True)
                page = RowSource(table(), columns_of(table())).page(0, PAGE)
                print(f"| {engine} | a page's message | {len(json.dumps(page.rows)) / 1000:.1f} kB | | |", flush=True)
            finally:
                schema.drop(prompt=False)


if __name__ == "__main__":
    main()
