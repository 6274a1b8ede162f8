"""Bind 300 tables in ten schemas, as a program does that starts anew: ``python -m benchmarks.activation URL [PYTHON]``.

PYTHON is an interpreter that has DataJoint 2.3; each library is then timed in a process of its own: binding alone, when
all its modules are loaded, and the whole program, which also starts Python, imports and connects. The tables are declared
before and dropped at the end.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import datajoint as dj
from datajoint.settings import Config

SCHEMAS, TABLES = 10, 30
_ROOT = """
id : int32  # the id
k : int16
---
a : varchar(20)  # a text
b = null : float64
c : enum('x','y')
d : datetime
"""
_CHILD = """
-> T0
x : int32
---
v = null : float32
w : varchar(30)  # another
"""


def tables() -> list[tuple[str, str]]:
    """Return class names and definitions."""
    return [(f"T{number}", _CHILD if number else _ROOT) for number in range(TABLES)]


def bind(connection: dj.Connection, names: list[str]) -> None:
    """Decorate all classes and look at their headings."""
    for name in names:
        schema = dj.Schema(name, connection=connection)
        context: dict[str, object] = {}
        for table, definition in tables():
            cls = schema(type(table, (dj.Manual,), {"definition": definition, "__module__": __name__}), context=context)
            context[table] = cls
            assert cls.heading.names


def connect(url: str) -> dj.Connection:
    """Return a connection of its own, all modules loaded."""
    return dj.Connection(url, config_override=Config(safemode=False))


def bind_anew(url: str, names: list[str], *, loaded: bool) -> tuple[float, int]:
    """Return the seconds and statements of this process, which has done nothing yet."""
    if loaded:
        for name in dj.__all__:
            getattr(dj, name)
    connection = connect(url)
    with connection.query_log() as log:
        start = time.perf_counter()
        bind(connection, names)
        seconds = time.perf_counter() - start
    connection.close()
    return seconds, len(log)


def in_process(command: list[str], environment: dict[str, str] | None = None) -> tuple[str, float]:
    """Return the last line that a program prints, and the seconds that it took."""
    start = time.perf_counter()
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return done.stdout.splitlines()[-1], time.perf_counter() - start


def ours(url: str, names: list[str]) -> tuple[float, float, int]:
    """Return the seconds of binding and of the whole program, and the statements."""
    command = [sys.executable, "-m", "benchmarks.activation", url, "--bind", *names]
    _, whole = in_process(command)
    answer, _ = in_process([*command, "--loaded"])
    seconds, statements = json.loads(answer)
    return seconds, whole, statements


def theirs(url: str, names: list[str], python: str) -> tuple[float, float]:
    """Return the seconds of DataJoint 2.3 for binding and for the whole program."""
    address = urlsplit(url)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("DJ_", "PYTHON"))}
    environment |= {
        "DJ_BACKEND": "postgresql" if address.scheme.startswith("postgres") else "mysql",
        "DJ_HOST": address.hostname or "",
        "DJ_PORT": str(address.port),
        "DJ_USER": address.username or "",
        "DJ_PASS": address.password or "",
        "DJ_IGNORE_CONFIG_FILE": "true",
        "DJ_USE_TLS": "false",
        "DJ_DATABASE_NAME": address.path.strip("/") or "postgres",
    }
    script = Path(__file__).parents[1] / "tests" / "interop" / "peer.py"
    command = [python, str(script), "bind", json.dumps({"names": names, "tables": tables()})]
    answer, whole = in_process(command, environment)
    return float(answer), whole


def main() -> None:
    """Print seconds, statements a schema, and the ratios."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.activation", description=__doc__)
    parser.add_argument("url")
    parser.add_argument("python", nargs="?")
    parser.add_argument("--bind", nargs="+", metavar="SCHEMA", help=argparse.SUPPRESS)
    parser.add_argument("--loaded", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    dj.logger.setLevel("WARNING")
    if arguments.bind:
        print(json.dumps(bind_anew(arguments.url, arguments.bind, loaded=arguments.loaded)))
        return
    names = [f"bench_{os.getpid()}_{number}" for number in range(SCHEMAS)]
    connection = connect(arguments.url)
    try:
        bind(connection, names)
        seconds, whole, statements = ours(arguments.url, names)
        print(
            f"{SCHEMAS * TABLES} tables: {seconds:.3f} s, {statements / SCHEMAS:.1f} statements a schema; program {whole:.2f} s"
        )
        if arguments.python:
            peer, program = theirs(arguments.url, names, arguments.python)
            print(
                f"DataJoint 2.3: {peer:.3f} s, ratio {peer / seconds:.1f}; program {program:.2f} s, ratio {program / whole:.1f}"
            )
    finally:
        for name in names:
            dj.Schema(name, connection=connection).drop()
        connection.close()


if __name__ == "__main__":
    sys.exit(main())
