"""What the README says is true: its code runs, its links lead somewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
README = (CHECKOUT / "README.md").read_text()
PAGES = sorted(CHECKOUT.glob("*.md"))


def test_the_sixty_seconds_run(tmp_path):
    code = "\n".join(re.findall(r"```python\n(.*?)```", README, re.DOTALL))
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join([str(CHECKOUT), *sys.path]), DJ_IGNORE_CONFIG_FILE="true")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "datajoint.db").exists()
    assert re.search(r"^2 .*\brat\b.*4\.3", done.stdout, re.MULTILINE)
    assert "(Total: 1)" in done.stdout
    assert "131.0" in done.stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    found = re.findall(r"\]\(([^)]+)\)|(?:src|srcset)=\"([^\"]+)\"", page.read_text())
    links = [link for pair in found for link in pair if link and "://" not in link]
    missing = [link for link in links if not (page.parent / link.partition("#")[0]).exists()]
    assert missing == []


def test_the_commands_exist():
    makefile = (CHECKOUT / "Makefile").read_text()
    for command in set(re.findall(r"make ([a-z-]+)", README)):
        assert re.search(rf"^{command}:", makefile, re.MULTILINE), command
