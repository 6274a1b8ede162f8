"""Measure questions: ``python -m benchmarks.restriction [--engines …] [--sizes 10000,100000]``.

Rows chosen by a value, by another table and by its absence; counts, summaries and the first few. The limit is the bare
driver with SQL that somebody wrote by hand for the very question, and yields plain tuples, where library and peer make a
dictionary of each row; the peer is DataJoint 2.3 on the same tables. Tables, servers and the peer are those of
`benchmarks.__main__`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import datajoint as dj
from benchmarks.__main__ import SCHEMA, address, job
from benchmarks.limit import connect
from benchmarks.peer import peer_python
from benchmarks.pipeline import declare, fill
from benchmarks.timing import fastest
from datajoint.settings import Config

REPEAT = 5
# What is asked, the same text for the library and the peer.
QUESTIONS = {
    "a tenth, by a value": "(trial & f'response < {size / 70}').to_dicts()",
    "half, by another table": "(trial & (subject & {'sex': 'M'})).to_dicts()",
    "half, by its absence": "(trial - (subject & {'sex': 'M'})).to_dicts()",
    "how many by another table": "len(trial & (session & {'session': 3}))",
    "a summary for each subject": "subject.aggr(trial, n='count(*)', mean='avg(response)').to_dicts()",
    "the first ten": "(trial & dj.Top(10, order_by='response DESC')).to_dicts()",
}
BY_HAND = {
    "a tenth, by a value": "SELECT * FROM {trial} WHERE response < {tenth} ORDER BY subject, session",
    "half, by another table": "SELECT * FROM {trial} WHERE subject IN (SELECT subject FROM {subject} WHERE sex = 'M') ORDER BY subject, session",
    "half, by its absence": "SELECT * FROM {trial} WHERE subject NOT IN (SELECT subject FROM {subject} WHERE sex = 'M') ORDER BY subject, session",
    "how many by another table": "SELECT count(*) FROM {trial} JOIN {session} USING (subject, session) WHERE session = 3",
    "a summary for each subject": "SELECT subject, count(session), avg(response) FROM {subject} LEFT JOIN {trial} USING (subject) GROUP BY subject ORDER BY subject",
    "the first ten": "SELECT * FROM {trial} ORDER BY response DESC LIMIT 10",
}
PEER = """
import json, sys, time
import datajoint as dj
given = json.loads(sys.stdin.read())
dj.logger.setLevel("ERROR")
for name in ("backend", "host", "port", "user", "password"):
    dj.config[f"database.{name}"] = given[name]
subject, session, trial = (dj.FreeTable(dj.conn(), name) for name in given["tables"])
found = {}
for name, text in given["questions"].items():
    names = {"dj": dj, "subject": subject, "session": session, "trial": trial, "size": given["size"]}
    try:
        eval(text, names)
    except Exception:
        continue  # what it cannot do here is not compared
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        for _ in range(given["repeat"]):
            eval(text, names)
        best = min(best, (time.perf_counter() - start) / given["repeat"])
    found[name] = best
print(json.dumps(found))
"""


def by_peer(given: dict[str, Any]) -> dict[str, float]:
    """Return the peer's seconds for each question."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "DJ_"))}
    done = subprocess.run(
        [peer_python(), "-P", "-c", PEER], input=json.dumps(given),
        env=environment, capture_output=True, text=True, check=False, cwd="/",
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"The peer failed: {done.stderr[-800:]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def questions(tables: dict[str, Any], size: int) -> dict[str, Callable[[], Any]]:
    """Return how the library answers each question."""
    names = {name.lower(): table() for name, table in tables.items()} | {"dj": dj, "size": size}
    return {name: eval(f"lambda: {text}", names) for name, text in QUESTIONS.items()}  # noqa: S307 - texts of this module


def measured(engine: str, sizes: list[int], *, with_peer: bool) -> Iterator[str]:
    """Measure every question on an engine; yield lines of the table."""
    with address(engine) as url, dj.Connection(url, config_override=Config(safemode=False)) as connection:
        schema = dj.Schema(SCHEMA, connection=connection)
        raw = connect(connection.target)
        try:
            tables: dict[str, Any] = declare(schema)
            for size in sizes:
                fill(tables, size)
                peers = {}
                if with_peer and engine != "sqlite":
                    peers = by_peer(
                        job(connection, tables, size) | {"questions": QUESTIONS, "size": size, "repeat": REPEAT}
                    )
                for name, ask in questions(tables, size).items():
                    yield line(engine, size, name, ask, by_hand(raw, tables, size, name), peers.get(name))
        finally:
            raw.close()
            schema.drop(prompt=False)


def by_hand(raw: Any, tables: dict[str, Any], size: int, name: str) -> Callable[[], list[Any]]:
    """Return how the driver answers a question by a statement written for it."""
    places = {table.lower(): found.full_table_name for table, found in tables.items()}
    text = BY_HAND[name].format(tenth=size / 70, **places)

    def run() -> list[Any]:
        cursor = raw.cursor()
        cursor.execute(text)
        return list(cursor.fetchall())

    return run


def line(
    engine: str, size: int, name: str, ask: Callable[[], Any], driver: Callable[[], list[Any]], peer: float | None
) -> str:
    """Return one line of the table."""
    answer, rows = ask(), driver()
    assert (len(answer) if isinstance(answer, list) else answer) in (len(rows), rows[0][0]), name
    found = fastest({"library": ask, "limit": driver}, repeat=REPEAT)
    times = [*found.values(), peer]
    ratios = [f"{other / found['library']:.2f}" if other else "" for other in times[1:]]
    shown = [f"{1e3 * seconds:,.2f}" if seconds else "" for seconds in times]
    return "| " + " | ".join([engine, f"{size:,}", name, *shown, *ratios]) + " |"


def main() -> None:
    """Print one line a question, size and engine."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.restriction", description=__doc__)
    parser.add_argument("--sizes", default="10000,100000", help="numbers of rows, comma-separated")
    parser.add_argument("--engines", default="sqlite,mysql,mariadb,postgresql", help="engines, comma-separated")
    parser.add_argument("--no-peer", action="store_true", help="leave out DataJoint 2.3")
    options = parser.parse_args()
    dj.logger.setLevel("ERROR")
    warnings.simplefilter("ignore")
    print("| engine | rows | question | library, ms | limit, ms | peer, ms | limit ÷ library | peer ÷ library |")
    print("|---|---:|---|---:|---:|---:|---:|---:|")
    for engine in options.engines.split(","):
        for text in measured(engine, [int(size) for size in options.sizes.split(",")], with_peer=not options.no_peer):
            print(text, flush=True)


if __name__ == "__main__":
    main()
