"""Make keys in one process, without a queue: ``python -m benchmarks.make [--keys 500] [--engines sqlite,mariadb] [--no-peer]``.

Milliseconds a key of a `make` that inserts a row, and of one that reads a row of its parent before, beside the statements
that cannot be avoided (begin, is it there, insert, commit) by the bare driver, and beside DataJoint 2.3; and the
statements of a key.

Servers are private ones, started for the run, unless ``DJ_TEST_<ENGINE>_URL`` names them.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import datajoint as dj
from benchmarks.__main__ import ENGINES, address
from benchmarks.limit import connect
from benchmarks.peer import peer_python
from benchmarks.timing import fastest
from datajoint.settings import Config

Action = Any


def declare(schema: dj.Schema, keys: int) -> dict[str, Any]:
    """Declare a parent with so many rows and two tables that are made of it."""

    @schema
    class Source(dj.Manual):
        definition = "i : int32\n---\nv = 0 : int32"

    class Plain(dj.Computed):
        definition = "-> Source\n---\nr : int32"

        def make(self, key: dict[str, Any]) -> None:
            self.insert1({**key, "r": 1})

    class Reading(dj.Computed):
        definition = "-> Source\n---\nr : int32"

        def make(self, key: dict[str, Any]) -> None:
            self.insert1({**key, "r": (Source & key).fetch1("v")})

    for table in (Plain, Reading):
        schema(table, context={"Source": Source})
    Source.insert({"i": i, "v": i} for i in range(keys))
    return {"insert": Plain, "read, insert": Reading}


def four_statements(connection: dj.Connection, raw: Any, table: str, keys: int) -> Action:
    """Return what makes all keys of a table by the bare driver."""
    mark = connection.dialect.placeholder
    begin = connection.backend.begin("late")[0]

    def run() -> None:
        cursor = raw.cursor()
        for i in range(keys):
            cursor.execute(begin)
            cursor.execute(f"SELECT EXISTS (SELECT 1 FROM {table} WHERE i = {mark})", (i,))
            cursor.fetchall()
            cursor.execute(f"INSERT INTO {table} (i, r) VALUES ({mark}, {mark})", (i, 1))
            cursor.execute("COMMIT")

    return run


def measured(engine: str, keys: int, *, with_peer: bool) -> Iterator[str]:
    """Yield lines of the table for an engine."""
    name = f"bench_make_{os.getpid()}"
    with address(engine) as url, dj.Connection(url, config_override=Config(safemode=False)) as connection:
        schema = dj.Schema(name, connection=connection)
        raw = connect(connection.target)
        if connection.target.path is not None:
            raw.execute("PRAGMA foreign_keys = ON")
        try:
            tables = declare(schema, keys)
            plain = tables["insert"]
            actions: dict[str, Action] = {
                "four statements": four_statements(connection, raw, plain.full_table_name, keys)
            }
            for task, table in tables.items():
                actions[task] = table.populate
                actions[f"{task}, long"] = lambda table=table: table.populate(make_transaction="long")
            seconds = fastest(actions, before=lambda: [table.delete_quick() for table in tables.values()])
            peers = theirs(connection, name, keys) if with_peer and engine != "sqlite" else {}
            limit = seconds.pop("four statements") / keys
            yield row(engine, "begin, check, insert, commit", limit, None, None)
            for task, spent in seconds.items():
                yield row(engine, task, spent / keys, limit, peers.get(task))
            yield f"\nStatements of a key: {', '.join(statements(connection, plain))}\n"
        finally:
            raw.close()
            schema.drop(prompt=False)


def statements(connection: dj.Connection, table: Any) -> list[str]:
    """Return the first words of what is sent for one key."""
    table.delete_quick()
    table.progress()
    with connection.query_log() as log:
        table.populate({"i": 0})
    return [" ".join(record.text.split()[:2]) for record in log[1:]]  # the first asks for the keys


def theirs(connection: dj.Connection, name: str, keys: int) -> dict[str, float]:
    """Return the seconds a key of DataJoint 2.3."""
    target = connection.target
    job = {
        "backend": "postgresql" if connection.dialect.name == "postgresql" else "mysql",
        "host": target.host, "port": target.port or connection.dialect.default_port, "user": target.user,
        "password": target.password, "database": target.database or "postgres", "schema": f"{name}_peer", "keys": keys,
    }  # fmt: skip
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "DJ_"))}
    done = subprocess.run(
        [peer_python(), "-P", str(Path(__file__).with_name("make_peer.py"))],
        input=json.dumps(job), capture_output=True, text=True, check=False, cwd="/", env=environment,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"The peer failed: {done.stderr[-500:]}")
    seconds: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return seconds


def row(engine: str, task: str, seconds: float, limit: float | None, peer: float | None) -> str:
    """Return one line of the table."""
    ratio = f"{seconds / limit:.2f}" if limit else ""
    shown = [
        f"{1e3 * seconds:.3f}",
        f"{1e3 * peer:.3f}" if peer else "",
        ratio,
        f"{peer / seconds:.1f}" if peer else "",
    ]
    return "| " + " | ".join([engine, task, *shown]) + " |"


def main() -> None:
    """Print a table in Markdown."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.make", description=__doc__)
    parser.add_argument("--keys", type=int, default=500)
    parser.add_argument("--engines", default=",".join(ENGINES))
    parser.add_argument("--no-peer", action="store_true", help="leave out DataJoint 2.3")
    options = parser.parse_args()
    dj.logger.setLevel("ERROR")
    print(f"{options.keys} keys; load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.\n")
    print("| engine | make | ms a key | DataJoint 2.3 | ÷ four statements | peer ÷ library |")
    print("|---|---|---:|---:|---:|---:|")
    for engine in options.engines.split(","):
        for text in measured(engine, options.keys, with_peer=not options.no_peer):
            print(text, flush=True)


if __name__ == "__main__":
    main()
