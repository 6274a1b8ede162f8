"""One JupyterLab and one Chromium for the session."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest

from tests.jupyter.browser.lab import CHROMIUM, FLAGS, LabServer, NotebookPage

_FOLDER = Path(__file__).parent

_IS_CI = os.environ.get("CI", "").lower() == "true"


def pytest_collection_modifyitems(items):
    """Try a test in the browser a second time: a page on a busy machine can miss a moment that a person would not.

    The report counts what was tried again, so that a test that often is shows itself.
    """
    for item in items:
        if item.path.is_relative_to(_FOLDER):
            item.add_marker(pytest.mark.flaky(reruns=1))


def _missing():
    absent = [name for name in ("jupyterlab", "playwright") if importlib.util.find_spec(name) is None]
    return absent + ([] if Path(CHROMIUM).exists() else [CHROMIUM])


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """A running JupyterLab."""
    if absent := _missing():
        (pytest.fail if _IS_CI else pytest.skip)(
            f"The notebook cannot be tested in a browser without {', '.join(absent)}."
        )
    with LabServer(tmp_path_factory.mktemp("lab")) as server:
        yield server


@pytest.fixture(scope="session")
def chromium(lab):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    """The folder for screenshots; kept where DJ_TEST_PICTURES names one."""
    named = os.environ.get("DJ_TEST_PICTURES")
    folder = Path(named) if named else tmp_path_factory.mktemp("pictures")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def new_notebook(lab, chromium):
    """Opens pages; each must have made no error and asked nothing of any other machine."""
    from playwright.sync_api import expect

    expect.set_options(timeout=60_000)
    for left in lab.root.glob("*.db*"):  # no test finds the database of another
        left.unlink()
    pages, contexts = [], []

    def make(*, dark=False):
        lab.set_theme(dark=dark)
        context = chromium.new_context(
            viewport={"width": 1100, "height": 1900}, color_scheme="dark" if dark else "light"
        )
        contexts.append(context)
        pages.append(NotebookPage(lab, context.new_page()))
        return pages[-1]

    yield make
    for context in contexts:
        context.close()
    lab.shut_kernels_down()
    for page in pages:
        assert page.outside == []
        assert page.faults == []
