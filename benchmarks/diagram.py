"""Draw 300 tables in ten schemas, and follow rows through them: ``python -m benchmarks.diagram [URL]``.

The tables are declared first, in a file of their own if no URL is given, and dropped at the end. Times are after the
structure was read: of the first picture, which also starts the engine, and of the fastest of several.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import datajoint as dj
from datajoint.diagram import Diagram
from datajoint.settings import Config

SCHEMAS, TABLES = 10, 30
PREFIX = "dj_bench_diagram_"
_TIERS = (dj.Manual, dj.Lookup, dj.Imported, dj.Computed)


def declare(connection: dj.Connection) -> dict[str, type[dj.Table]]:
    """Declare the tables; each refers to one or two before it, a tenth of them in another schema."""
    rng, classes = random.Random(1), {}  # noqa: S311 - no secret
    for number in range(SCHEMAS * TABLES):
        if number % TABLES == 0:
            schema, near = dj.Schema(f"{PREFIX}{number // TABLES}", connection=connection), []
        parents = rng.sample(near[-8:], min(len(near), rng.choice((1, 1, 2))))
        if number >= TABLES and rng.random() < 0.1:
            parents.append(rng.choice(list(classes)))
        references = [f"-> [nullable] {parent}" if n else f"-> {parent}" for n, parent in enumerate(parents)]
        definition = "\n".join([*references[:1], f"k{number} : int32", "---", *references[1:]])
        name = f"T{number}"
        made = type(name, (rng.choice(_TIERS),), {"definition": definition, "__module__": __name__})
        classes[name] = schema(made, context=classes)
        near.append(name)
    return classes


def timed(work: Callable[[], object], runs: int = 5) -> tuple[float, float]:
    """Return the seconds of the first call and of the fastest later one."""
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return seconds[0], min(seconds[1:])


def measure(url: str) -> None:
    """Declare, measure, print, drop."""
    connection = dj.Connection(url, config_override=Config(safemode=False))
    classes = declare(connection)
    schemas = [connection.schemas[f"{PREFIX}{number}"] for number in range(SCHEMAS)]
    try:
        connection.dependencies.load()

        def diagram() -> Diagram:
            return Diagram.from_sequence(schemas, classes)

        tasks: dict[str, Callable[[], object]] = {
            "diagram of 300 tables": diagram,
            "its SVG": lambda: diagram().svg_string(),
            "its SVG with a legend": lambda: diagram().svg_string(legend=True),
            "parts in masters": lambda: diagram().collapse(by="master").svg_string(),
            "overview": lambda: diagram().overview().svg_string(),
            "PNG": lambda: diagram().make_png(dpi=96),
            "Mermaid": lambda: diagram().make_mermaid(),
            "text": lambda: repr(diagram()),
            "counts of a cascade from the root": lambda: Diagram.cascade(classes["T0"], context={}).counts(),
            "trace of a leaf": lambda: Diagram.trace(classes[f"T{len(classes) - 1}"], context={}),
        }
        print("| task | first, s | then, s |\n|---|---|---|")
        for name, work in tasks.items():
            first, later = timed(work)
            print(f"| {name} | {first:.3f} | {later:.3f} |")
    finally:
        for schema in reversed(schemas):
            schema.drop(prompt=False)
        connection.close()


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", nargs="?", help="address of a database; by default a new SQLite file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(options.url or f"sqlite:///{Path(folder) / 'diagram.db'}")


if __name__ == "__main__":
    main()
