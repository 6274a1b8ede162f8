"""Measure what the page on performance shows: ``python docs/measure.py [NAME …]``, on a quiet machine, in about half an hour.

Each table is written to ``docs/measured/``, with the machine, its load, the day and the versions. Every engine that can be
had is measured, of which servers and DataJoint 2.3 are found as the benchmarks find them. ``--small`` measures few rows,
which only shows that everything runs; ``--into`` names another folder.
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib.metadata
import os
import platform
import re
import sqlite3
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

CHECKOUT = Path(__file__).parents[1]
sys.path.insert(0, str(CHECKOUT))

import datajoint as dj  # noqa: E402 - the path comes first
from benchmarks.__main__ import ENGINES, address  # noqa: E402
from benchmarks.peer import RELEASE  # noqa: E402
from datajoint.settings import Config  # noqa: E402
from tests.provision.servers import MissingServerError  # noqa: E402

MEASURED = CHECKOUT / "docs" / "measured"
PACKAGES = ("numpy", "pandas", "pyarrow", "polars", "PyMySQL", "psycopg")


class Run(NamedTuple):
    """A program and its options, in full and small; ``--engines`` is added for all but what needs no engine."""

    program: str
    options: str
    small: str
    by_engine: bool = True


RUNS = {
    "reading": Run("benchmarks", "--sizes 1000,10000,100000", "--sizes 200"),
    "restricting": Run("benchmarks.restriction", "--sizes 1000,10000,100000", "--sizes 200"),
    "making": Run("benchmarks.make", "--keys 300", "--keys 10"),
    "working": Run(
        "benchmarks.jobs",
        "--keys 500 --refreshed 20000 --queued 1000,10000,100000 --workers 1,2,4,8 --seconds 2",
        "--keys 10 --refreshed 50 --queued 50 --workers 1 --seconds 0.2",
    ),
    "inserting": Run("benchmarks.insert", "--sizes 1000,10000,100000", "--sizes 200"),
    "deleting": Run("benchmarks.delete", "--sizes 1000,10000,100000", "--sizes 200"),
    "blobs": Run("benchmarks.blobs", "", ""),
    "transfers": Run("benchmarks.transfers", "", "", by_engine=False),
}  # fmt: skip

_LOGGED = re.compile(r"^\[\d{4}-.*\n", re.MULTILINE)

BUSY = "Others were at work on the machine: single ratios may be off by a factor, and absolute figures are too small."


def machine() -> str:
    """Return what the machine is: cores, processor, memory and system."""
    try:
        told = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        found = re.search(r"model name\s*:\s*(.+)", told)
        memory = f", {os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"
    except (OSError, ValueError):
        found, memory = None, ""
    processor = found[1].strip() if found else platform.processor() or platform.machine()
    return f"{os.cpu_count()} cores ({processor}){memory}, {platform.system()}"


def engine_version(engine: str, url: str) -> str:
    """Return the name and version of an engine, as it tells."""
    if engine == "sqlite":
        return f"SQLite {sqlite3.sqlite_version}"
    with dj.Connection(url, config_override=Config(loglevel="ERROR")) as connection:
        told = str(connection.query("SELECT version()").fetchone()[0])
    number = re.search(r"\d[\d.]*", told)
    names = {"mysql": "MySQL", "mariadb": "MariaDB", "postgresql": "PostgreSQL"}
    return f"{names[engine]} {number[0] if number else told}"


def versions(engines: dict[str, str], *, peer: bool) -> str:
    """Return the versions of all that took part, `engines` as they tell."""
    packages = [f"{name} {importlib.metadata.version(name)}" for name in PACKAGES]
    compared = [f"DataJoint {RELEASE} as the peer"] if peer else []
    return ", ".join([f"Python {platform.python_version()}", *engines.values(), *packages, *compared])


def with_headers(text: str) -> str:
    """Repeat the header of a table before rows that something stands between."""
    header: list[str] = []
    lines: list[str] = []
    given = text.splitlines()
    for line, following in zip(given, [*given[1:], ""], strict=True):
        if line.startswith("|---"):
            header = [lines[-1], line]
        elif line.startswith("|") and header and not lines[-1].startswith("|") and not following.startswith("|---"):
            lines += header
        lines.append(line)
    return "\n".join(lines)


def page(command: str, output: str, load: float, with_what: str) -> str:
    """Return a measurement as Markdown."""
    shown = _LOGGED.sub("", output).strip()
    shown = with_headers(shown) if "|---" in shown else f"```text\n{shown}\n```"
    if load > (os.cpu_count() or 1):
        shown = f"{BUSY}\n\n{shown}"
    return (
        f"Measured on {dt.date.today():%d %B %Y} by `python -m {command}`: {machine()}, load {load:.1f} when it began; "
        f"{with_what}.\n\n{shown}\n"
    )


def found_engines(stack: ExitStack, wanted: list[str]) -> dict[str, str]:
    """Return the versions of the engines that can be had; their servers run until the stack is left."""
    found: dict[str, str] = {}
    for engine in wanted:
        try:
            url = stack.enter_context(address(engine))
        except MissingServerError as error:
            print(f"{engine} is not measured: {error}", flush=True)
            continue
        if engine != "sqlite":
            os.environ[f"DJ_TEST_{engine.upper()}_URL"] = url
        found[engine] = engine_version(engine, url)
    return found


def main() -> None:
    """Measure all, or what is named."""
    parser = argparse.ArgumentParser(prog="python docs/measure.py", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(RUNS)}; all by default")
    parser.add_argument("--engines", default=",".join(ENGINES), help="engines, comma-separated")
    parser.add_argument("--small", action="store_true", help="few rows: shows that everything runs")
    parser.add_argument("--into", type=Path, default=MEASURED, help="the folder of the tables")
    options = parser.parse_args()
    if unknown := [name for name in options.names if name not in RUNS]:
        parser.error(f"unknown: {', '.join(unknown)}; there are {', '.join(RUNS)}")
    options.into.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        engines = found_engines(stack, options.engines.split(","))
        for name in options.names or RUNS:
            run = RUNS[name]
            words = [run.program, *(run.small if options.small else run.options).split()]
            words += ["--engines", ",".join(engines)] if run.by_engine else []
            load = os.getloadavg()[0]
            done = subprocess.run(
                [sys.executable, "-m", *words], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True, check=True
            )
            with_what = versions(engines if run.by_engine else {}, peer=run.by_engine and set(engines) != {"sqlite"})
            file = options.into / f"{name}.md"
            file.write_text(page(" ".join(words), done.stdout, load, with_what), encoding="utf-8")
            print(file, flush=True)


if __name__ == "__main__":
    main()
