"""The widgets' modules and style sheets: plain, small, of our own, and typed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from datajoint_jupyter.widgets.base import page_files

WIDGETS = Path(__file__).parents[2] / "datajoint_jupyter" / "widgets"
FOLDERS = sorted(file.parent for file in WIDGETS.glob("*/widget.js"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_pages_are_small_and_ask_nobody(folder):
    module, sheet = page_files(folder)
    assert len(module) + len(sheet) < 100_000
    named = (module + sheet).replace("http://www.w3.org/2000/svg", "")  # the name of a kind of element, not an address
    assert not re.search(r"https?:|//cdn|\bimport\b|@import|url\(", named)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_values_never_become_markup(folder):
    module, _ = page_files(folder)
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", module)


def test_types_of_the_modules():
    compiler = os.environ.get("DJ_TEST_TSC") or shutil.which("tsc")
    if compiler is None:
        pytest.skip("The modules' types are not checked: install TypeScript (tsc), or name it in DJ_TEST_TSC.")
    checked = subprocess.run(
        [compiler, "-p", Path(__file__).with_name("tsconfig.json")], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout
