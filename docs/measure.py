"""Measure what the page on performance shows: ``python docs/measure.py``, on a quiet machine, in about ten minutes.

Servers and DataJoint 2.3 are found as the benchmarks find them. Each table is written to ``docs/measured/``, with the
machine, the day and the load.
"""

from __future__ import annotations

import datetime as dt
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
MEASURED = CHECKOUT / "docs" / "measured"
RUNS = {
    "reading": "benchmarks --sizes 10000 --engines sqlite,mariadb,postgresql",
    "making": "benchmarks.make --keys 100 --engines sqlite,mariadb,postgresql",
    "inserting": "benchmarks.insert --sizes 10000 --engines sqlite,mariadb,postgresql",
    "deleting": "benchmarks.delete --sizes 10000 --engines sqlite,mariadb,postgresql",
    "transfers": "benchmarks.transfers",
}

_LOGGED = re.compile(r"^\[\d{4}-.*\n", re.MULTILINE)

BUSY = "Others were at work on the machine: single ratios may be off by a factor, and absolute figures are too small."


def processor() -> str:
    """Return what the processor calls itself."""
    try:
        found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    except OSError:
        found = None
    return found[1].strip() if found else platform.processor() or platform.machine()


def page(command: str, output: str, load: float) -> str:
    """Return a measurement as Markdown."""
    python, shown = platform.python_version(), _LOGGED.sub("", output).strip()
    if "|---" not in shown:
        shown = f"```text\n{shown}\n```"
    if load > (os.cpu_count() or 1):
        shown = f"{BUSY}\n\n{shown}"
    return (
        f"Measured on {dt.date.today():%d %B %Y} by `python -m {command}`: {os.cpu_count()} cores ({processor()}), "
        f"{platform.system()}, Python {python}, load {load:.1f} when it began.\n\n{shown}\n"
    )


def main() -> None:
    """Measure all, or what is named."""
    MEASURED.mkdir(exist_ok=True)
    for name in sys.argv[1:] or RUNS:
        load = os.getloadavg()[0]
        words = [sys.executable, "-m", *RUNS[name].split()]
        done = subprocess.run(words, cwd=CHECKOUT, capture_output=True, text=True, check=True)
        (MEASURED / f"{name}.md").write_text(page(RUNS[name], done.stdout, load), encoding="utf-8")
        print(f"docs/measured/{name}.md", flush=True)


if __name__ == "__main__":
    main()
