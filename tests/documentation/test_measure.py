"""The figures of the page on performance can be measured anew, by one command."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.documentation.blocks import CHECKOUT

RUNS = ("reading", "restricting", "making", "working", "inserting", "deleting")


def test_every_table_of_the_page_is_measured():
    program = (CHECKOUT / "docs" / "measure.py").read_text(encoding="utf-8")
    measured = re.findall(r'^    "(\w+)": Run\(', program, re.MULTILINE)
    page = (CHECKOUT / "docs" / "performance.md").read_text(encoding="utf-8")
    included = re.findall(r"\{include\} measured/(\w+)\.md", page)
    assert sorted(included) == sorted(measured)
    assert set(RUNS) < set(measured)


@pytest.mark.slow
def test_measuring_runs(tmp_path):
    command = [sys.executable, str(CHECKOUT / "docs" / "measure.py"), "--small", "--engines", "sqlite"]
    done = subprocess.run(
        [*command, "--into", str(tmp_path), *RUNS], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    for name in RUNS:
        text = (tmp_path / f"{name}.md").read_text(encoding="utf-8")
        assert re.match(r"Measured on \d\d \w+ \d{4} by `python -m benchmarks", text)
        assert re.search(r"\d+ cores .*load [\d.]+ when it began; Python [\d.]+, SQLite [\d.]+, numpy ", text)
        assert "sqlite" in text.partition("\n\n")[2]
