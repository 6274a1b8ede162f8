"""Many processes read, then write, in one file, beside a reader who takes their time: nobody fails, nobody waits long."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import datajoint as dj
from tests.concurrency.transaction_worker import tables

ROOT = Path(__file__).parents[2]
LONGEST_WAIT = 2.0  # seconds
LARGEST_LOG = 64 * 2**20  # bytes


def work(path, processes, times, reading):
    """Let `processes` work beside a reader of `reading` seconds; return the longest wait and the largest log."""
    command = [sys.executable, "-m", "tests.concurrency.transaction_worker", str(path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    workers = [subprocess.Popen([*command, str(n), str(times)], cwd=ROOT, **pipes) for n in range(processes)]
    log, sizes, over = Path(f"{path}-wal"), [0], threading.Event()

    def watch():
        while not over.wait(0.05):
            if log.exists():
                sizes.append(log.stat().st_size)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        for worker in workers:
            assert "ready\n" in worker.stdout, worker.communicate()[1]  # reads up to it
        with dj.Connection(f"sqlite:///{path}") as reader:
            counter, raised = tables(reader)
            with reader.transaction(read_only=True):
                assert len(raised()) == 0
                for worker in workers:
                    worker.stdin.write("go\n")
                    worker.stdin.flush()
                time.sleep(reading)
                assert len(raised()) == 0
                assert counter.fetch1("n") == 0
        outcomes = [worker.communicate(timeout=600) for worker in workers]
    finally:
        over.set()
        watcher.join()
        for worker in workers:
            worker.kill()
            worker.communicate()
    assert [error for (_, error), w in zip(outcomes, workers, strict=True) if w.returncode] == []
    return max(json.loads(output.splitlines()[-1]) for output, _ in outcomes), max(sizes)


def check(path, processes, times):
    with dj.Connection(f"sqlite:///{path}") as connection:
        counter, raised = tables(connection)
        assert counter.fetch1("n") == processes * times
        assert sorted(raised.to_arrays("n").tolist()) == list(range(1, processes * times + 1))


def test_read_then_write_beside_a_reader(tmp_path, record_property):
    path = tmp_path / "shared.db"
    longest, largest = work(path, processes=4, times=150, reading=0.5)
    check(path, 4, 150)
    record_property("longest wait in s", longest)
    assert longest < LONGEST_WAIT
    assert largest < LARGEST_LOG


@pytest.mark.slow
def test_forty_thousand_transactions_beside_a_long_reader(tmp_path, record_property, capsys):
    path = tmp_path / "shared.db"
    start = time.monotonic()
    longest, largest = work(path, processes=8, times=5000, reading=20)
    check(path, 8, 5000)
    took = time.monotonic() - start
    with capsys.disabled():
        print(f"\n40,000 transactions in {took:.0f} s: longest wait {longest:.2f} s, log {largest / 2**20:.0f} MB")
    assert longest < LONGEST_WAIT
    assert largest < LARGEST_LOG
