"""Take the README's pictures from the first tutorial, in a real JupyterLab: ``python docs/pictures.py``."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Locator, expect, sync_playwright

CHECKOUT = Path(__file__).parents[1]
sys.path.insert(0, str(CHECKOUT))

from tests.jupyter.browser.lab import CHROMIUM, FLAGS, LabServer, NotebookPage  # noqa: E402 - the path comes first

NOTEBOOK = "01_first_pipeline.ipynb"
IMAGES = CHECKOUT / "docs" / "images"


def cell_with(notebook: NotebookPage, text: str) -> Locator:
    return notebook.page.locator(".jp-Notebook .jp-CodeCell").filter(has_text=text).first


def take_builder(notebook: NotebookPage, suffix: str) -> None:
    """Take the restriction builder, in a cell of its own at the end."""
    page = notebook.page
    page.locator(".jp-Notebook-footer").click()
    page.keyboard.type(
        "%dj restrict Detection.Blob & 'contrast BETWEEN 0.2 AND 0.6' & dj.Near(Detection & 'n_blobs > 3')"
    )
    page.keyboard.press("Control+Enter")
    builder = page.locator(".dj-builder").last
    expect(builder.locator(".dj-status").first).to_contain_text("of", timeout=60_000)
    page.wait_for_timeout(1000)  # the histogram is drawn
    builder.screenshot(path=IMAGES / f"builder{suffix}.png")


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
        take_builder(notebook, suffix)
        cell_with(notebook, "%dj diagram").screenshot(path=IMAGES / f"diagram{suffix}.png")
        cell_with(notebook, "%dj populate Detection").screenshot(path=IMAGES / f"populate{suffix}.png")
        browser.close()


if __name__ == "__main__":
    IMAGES.mkdir(exist_ok=True)
    for choice in (False, True):
        take(dark=choice)
