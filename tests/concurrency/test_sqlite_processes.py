"""Several processes work on one SQLite file: every row is there, and nobody sees an error."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import datajoint as dj
from tests.concurrency.sqlite_worker import KEYS, ROWS, tables

ROOT = Path(__file__).parents[2]
WORKERS = 4


def run(path, *tasks):
    """Run one worker for each task, all at the same time; return what each reports."""
    workers = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.concurrency.sqlite_worker", str(path), task, str(number)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number, task in enumerate(tasks)
    ]
    try:
        for worker in workers:
            for line in worker.stdout:
                if line == "ready\n":
                    break
        for worker in workers:
            worker.stdin.write("go\n")
            worker.stdin.flush()
        outcomes = [worker.communicate(timeout=60) for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()
    assert [(w.returncode, error) for w, (_, error) in zip(workers, outcomes, strict=True) if w.returncode] == []
    return [json.loads(output.splitlines()[-1]) for output, _ in outcomes]


def test_all_declare_and_insert_at_once(tmp_path):
    path = tmp_path / "shared.db"
    assert run(path, *["insert"] * WORKERS) == [ROWS] * WORKERS
    with dj.Connection(f"sqlite:///{path}") as connection:
        entry, source, _ = tables(connection)
        assert len(entry()) == WORKERS * ROWS
        assert len(source()) == KEYS


def test_every_key_is_computed_once(tmp_path):
    path = tmp_path / "shared.db"
    outcomes = run(path, *["populate"] * WORKERS)
    assert [o["error_list"] for o in outcomes] == [[]] * WORKERS
    assert sum(o["success_count"] for o in outcomes) == KEYS
    with dj.Connection(f"sqlite:///{path}") as connection:
        _, _, result = tables(connection)
        assert len(result()) == KEYS
        assert len(result.Part()) == 3 * KEYS


def test_different_work_at_once(tmp_path):
    path = tmp_path / "shared.db"
    run(path, "insert", "insert")
    deleted, inserted, computed = run(path, "delete", "populate", "populate")
    assert deleted == ROWS
    assert inserted["success_count"] + computed["success_count"] == KEYS
