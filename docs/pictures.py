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
from tests.jupyter.browser.panel_pipeline import EXTENSION, Files, set_up  # noqa: E402

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
        expect(grid.locator(".dj-status")).to_contain_text("rows", timeout=120_000)
        for _ in range(2):  # ascending, then descending
            grid.get_by_role("button", name="contrast").click()
        expect(grid.locator(".dj-cell").first).to_be_visible()
        page.wait_for_timeout(1000)  # the rows of the new order are drawn
        grid.screenshot(path=IMAGES / f"browser{suffix}.png")
        cell_with(notebook, "%dj diagram").screenshot(path=IMAGES / f"diagram{suffix}.png")
        cell_with(notebook, "%dj populate Detection").screenshot(path=IMAGES / f"populate{suffix}.png")
        browser.close()


def take_panel(*, dark: bool) -> None:
    """Take the panel with keys that are being made and keys that have failed, of the pipeline that its tests use."""
    with tempfile.TemporaryDirectory() as folder, LabServer(Path(folder)) as server, sync_playwright() as playwright:
        server.set_theme(dark=dark)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        page = browser.new_page(
            viewport={"width": 1180, "height": 1400}, device_scale_factor=1.5, color_scheme="dark" if dark else "light"
        )
        notebook, files = NotebookPage(server, page), Files(server, "panel")
        more = "Session.insert([{'session': i} for i in range(12, 30)])"
        notebook.write("panel.ipynb", set_up("panel"), EXTENSION, "%dj populate lab --workers 2", more)
        notebook.open("panel.ipynb")
        page.keyboard.press("Control+b")
        files.go()
        for index in range(3):
            notebook.run_cell(index)
        panel = notebook.cell(2).locator(".dj-work")
        expect(panel.locator(".dj-phase")).to_have_text("finished", timeout=120_000)
        files.hold()
        notebook.run_cell(3)
        panel.get_by_role("button", name="Start").click()
        expect(panel.locator(".dj-running-key")).to_have_count(2, timeout=60_000)
        panel.locator(".dj-kind-of-error > summary").click()
        page.mouse.move(0, 0)
        notebook.cell(2).screenshot(path=IMAGES / f"panel{'-dark' if dark else ''}.png")
        files.go()
        browser.close()


if __name__ == "__main__":
    IMAGES.mkdir(exist_ok=True)
    for choice in (False, True):
        take(dark=choice)
        take_panel(dark=choice)
