"""Take the README's pictures in a real JupyterLab, from the first tutorial and from work that waits, runs and fails."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Locator, expect, sync_playwright

CHECKOUT = Path(__file__).parents[1]
sys.path.insert(0, str(CHECKOUT))

from tests.jupyter.browser.lab import CHROMIUM, FLAGS, LabServer, NotebookPage  # noqa: E402 - the path comes first
from tests.jupyter.browser.pipeline import EXTENSION  # noqa: E402
from tests.jupyter.browser.work_pipeline import set_up  # noqa: E402

NOTEBOOK = "01_first_pipeline.ipynb"
IMAGES = CHECKOUT / "docs" / "images"


def cell_with(notebook: NotebookPage, text: str) -> Locator:
    return notebook.page.locator(".jp-Notebook .jp-CodeCell").filter(has_text=text).first


def take(*, dark: bool) -> None:
    suffix = "-dark" if dark else ""
    with tempfile.TemporaryDirectory() as folder, LabServer(Path(folder)) as server, sync_playwright() as playwright:
        server.set_theme(dark=dark)
        shutil.copy(CHECKOUT / "notebooks" / NOTEBOOK, Path(folder) / NOTEBOOK)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        # Tall enough that no cell is left out of the page.
        page = browser.new_page(
            viewport={"width": 1180, "height": 12000}, device_scale_factor=1.5, color_scheme="dark" if dark else "light"
        )
        notebook = NotebookPage(server, page)
        notebook.open(NOTEBOOK)
        page.keyboard.press("Control+b")  # the file list out of the way
        notebook.run_all()
        grid = cell_with(notebook, "%dj browse Detection.Blob")
        expect(grid.locator(".dj-head-bar .dj-status")).to_contain_text("rows", timeout=120_000)
        head = grid.locator(".dj-header", has_text="contrast")
        for direction in ("ascending", "descending"):
            head.locator(".dj-sort").click()
            expect(head).to_have_attribute("aria-sort", direction)
        # A filter by two bars of a histogram, which stays open.
        grid.get_by_role("button", name="Filter contrast").click()
        bars = grid.get_by_role("group", name="Distribution of contrast").get_by_role("button")
        expect(bars.first).to_be_visible()
        first, last = (bars.nth(index).bounding_box() for index in (2, bars.count() - 1))
        page.mouse.move(first["x"] + 3, first["y"] + 40)
        page.mouse.down()
        page.mouse.move(last["x"] + 3, last["y"] + 40, steps=5)
        page.mouse.up()
        expect(grid.locator(".dj-chip")).to_have_count(1)
        for row in (1, 3):
            grid.get_by_role("checkbox", name=f"Select row {row}", exact=True).click()
        expect(grid.locator(".dj-head-bar .dj-status")).to_contain_text("2 selected")
        expect(bars.first).to_be_visible()
        page.wait_for_timeout(1000)  # the rows of the new order are drawn
        grid.screenshot(path=IMAGES / f"browser{suffix}.png")
        cell_with(notebook, "%dj diagram").screenshot(path=IMAGES / f"diagram{suffix}.png")
        cell_with(notebook, "%dj populate Detection").screenshot(path=IMAGES / f"populate{suffix}.png")
        browser.close()


WORK = """
Scan.populate(reserve_jobs=True, suppress_errors=True, max_calls=8)
Segment.populate(reserve_jobs=True, max_calls=7)
Trace.populate(reserve_jobs=True, max_calls=2)
Scan.jobs.reserve({"subject_id": 0, "session": 4}); Segment.jobs.refresh()
"""


def take_work(*, dark: bool) -> None:
    """Take what shows work: a diagram with its status, and a matrix with the reasons of a cell that failed."""
    suffix = "-dark" if dark else ""
    with tempfile.TemporaryDirectory() as folder, LabServer(Path(folder)) as server, sync_playwright() as playwright:
        server.set_theme(dark=dark)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        page = browser.new_page(
            viewport={"width": 1180, "height": 4000}, device_scale_factor=1.5, color_scheme="dark" if dark else "light"
        )
        notebook = NotebookPage(server, page)
        notebook.write(
            "work.ipynb",
            set_up("work", 12).replace("<script>no frames</script>", "no frames in file 3") + WORK,
            EXTENSION,
            "%dj diagram --status",
            "%dj matrix Session",
        )
        notebook.open("work.ipynb")
        page.keyboard.press("Control+b")  # the file list out of the way
        notebook.run_all()
        diagram, matrix = notebook.cell(2), notebook.cell(3)
        expect(diagram.locator('[data-node][data-state="error"] .dj-badge')).to_be_visible(timeout=120_000)
        diagram.screenshot(path=IMAGES / f"diagram-status{suffix}.png")
        matrix.locator('.dj-body .dj-cell[data-state="error"]').first.click()
        expect(matrix.locator(".dj-panel")).to_contain_text("no frames in", timeout=60_000)
        matrix.screenshot(path=IMAGES / f"matrix{suffix}.png")
        browser.close()


if __name__ == "__main__":
    IMAGES.mkdir(exist_ok=True)
    for choice in (False, True):
        take(dark=choice)
        take_work(dark=choice)
