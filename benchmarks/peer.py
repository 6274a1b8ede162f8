"""The same tasks by DataJoint 2.3, in an environment of its own.

Run as a program by that environment's Python, it reads a job (JSON) from its standard input, times the tasks through
the public interface, and prints the seconds as JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import venv
from pathlib import Path

RELEASE = "2.3.5"
VARIABLE = "DJ_BENCHMARK_PEER"
"""Names a Python that has the peer installed; without it an environment is made in a cache folder."""


def peer_python() -> Path:
    """Return the Python of the peer's environment, which is made when first needed."""
    given = os.environ.get(VARIABLE)
    if given:
        return Path(given)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "datajoint-benchmarks"
    folder = cache / f"datajoint-{RELEASE}"
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    done = folder / "installed"
    if not done.exists():
        venv.create(folder, with_pip=True, clear=True)
        packages = (f"datajoint=={RELEASE}", "psycopg2-binary", "polars", "pyarrow")
        subprocess.run([python, "-m", "pip", "install", "-q", *packages], check=True)
        done.touch()
    return python


def measure(job: dict[str, object]) -> dict[str, float]:
    """Return the seconds of each task by the peer; what it cannot do is left out."""
    # Its own packages alone: nothing of this environment, and not this checkout.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "DJ_"))}
    done = subprocess.run(
        [peer_python(), "-P", __file__],
        input=json.dumps(job), capture_output=True, text=True, check=False, cwd="/", env=environment,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"The peer failed: {done.stderr[-500:]}")
    seconds: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return seconds


def _run(job: dict[str, object]) -> dict[str, float]:
    import datajoint as peer  # noqa: PLC0415 - the peer, in its own environment

    peer.logger.setLevel("ERROR")
    for name in ("backend", "host", "port", "user", "password"):
        peer.config[f"database.{name}"] = job[name]
    connection = peer.conn()
    subject, session, trial = (peer.FreeTable(connection, str(name)) for name in job["tables"])
    keys = job["keys"]
    key = {"subject": 5, "session": 3}
    tasks = {
        "to_dicts": (trial.to_dicts, 1),
        "keys": (trial.keys, 1),
        "to_arrays": (trial.to_arrays, 1),
        "to_pandas": (trial.to_pandas, 1),
        "to_arrow": (trial.to_arrow, 1),
        "to_polars": (trial.to_polars, 1),
        "fetch1 by key": ((trial & key).fetch1, 100),
        "5,000 keys": (lambda: (trial & keys).to_dicts(), 1),
        "join, compiled": (
            lambda: (
                (subject * session * trial & {"sex": "M"} & "response > 3" & {"session": 2})
                .proj("name", "response", moment="at")
                .make_sql()
            ),
            100,
        ),
    }
    tasks["fetch1 by key"] = (lambda: (trial & key).fetch1(), 100)
    found: dict[str, float] = {}
    for name, (action, repeat) in tasks.items():
        try:
            action()
        except Exception as error:  # noqa: BLE001 - whatever it cannot do here is not compared
            print(name, repr(error), file=sys.stderr)
            continue
        best = float("inf")
        for _ in range(3):
            start = time.perf_counter()
            for _ in range(repeat):
                action()
            best = min(best, (time.perf_counter() - start) / repeat)
        found[name] = best
    return found


if __name__ == "__main__":
    result = _run(json.load(sys.stdin))
    print(json.dumps(result))
