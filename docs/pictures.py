"""Take the README's pictures in a real JupyterLab: the first tutorial, forms, and work that waits, runs and fails."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import nbformat
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

CHECKOUT = Path(__file__).parents[1]
sys.path.insert(0, str(CHECKOUT))

from tests.jupyter.browser import panel_pipeline  # noqa: E402 - the path comes first
from tests.jupyter.browser.lab import CHROMIUM, FLAGS, LabServer, NotebookPage  # noqa: E402
from tests.jupyter.browser.pipeline import EXTENSION  # noqa: E402
from tests.jupyter.browser.work_pipeline import set_up  # noqa: E402

FORMS = [
    """
import datajoint as dj
dj.conn("sqlite:///forms.db")
schema = dj.Schema("lab")

@schema
class Subject(dj.Manual):
    definition = '''
    # an animal
    subject : int32
    ---
    species : enum('mouse', 'rat')
    born    : date
    '''

@schema
class Session(dj.Manual):
    definition = '''
    # a recording
    -> Subject
    session : int32
    ---
    started       : datetime
    weight=null   : float64       # before the session (g)
    depth=null    : float64       # of the electrode (um)
    notes=null    : varchar(400)
    '''

    class Trial(dj.Part):
        definition = '''
        # what the animal did
        -> master
        trial : int32
        ---
        outcome : enum('hit', 'miss', 'none')
        latency=null : float64    # (ms)
        '''

Subject.insert((i, "mouse" if i % 3 else "rat", f"2026-01-{i + 1:02d}") for i in range(1, 25))
Session.insert({"subject": 2 + i // 4, "session": i % 4, "started": "2026-03-02 10:00"} for i in range(32))
Session.Trial.insert({"subject": 2 + i // 4, "session": i % 4, "trial": t, "outcome": "hit"} for i in range(32) for t in range(40))
""",
    "%load_ext datajoint_jupyter",
    "%dj insert Session",
    "%dj insert Subject",
    "%dj delete Subject & 'subject < 4'",
]
NOTEBOOK = "01_first_pipeline.ipynb"
IMAGES = CHECKOUT / "docs" / "images"
MARGIN = 6  # pixels


def cell_with(notebook: NotebookPage, text: str) -> Locator:
    return notebook.page.locator(".jp-Notebook .jp-CodeCell").filter(has_text=text).first


RESTRICT = "%dj restrict Detection.Blob & 'contrast BETWEEN 0.2 AND 0.6' & dj.Near(Detection & 'n_blobs > 3')"


def take_with_margin(part: Locator, name: str) -> None:
    """Take a widget with a little of the page around it."""
    part.scroll_into_view_if_needed()
    box = part.bounding_box()
    clip = {"x": max(0, box["x"] - MARGIN), "y": max(0, box["y"] - MARGIN),
            "width": box["width"] + 2 * MARGIN, "height": box["height"] + 2 * MARGIN}  # fmt: skip
    part.page.mouse.move(0, 0)
    part.page.screenshot(path=IMAGES / f"{name}.png", clip=clip)


def take_builder(notebook: NotebookPage, suffix: str) -> None:
    """Take the restriction builder, from a cell that the tutorial does not have."""
    notebook.cell(0).locator(".jp-InputPrompt").first.click()  # the frame around the active cell out of the way
    builder = cell_with(notebook, RESTRICT[:20]).locator(".dj-builder")
    expect(builder.locator(".dj-status").first).to_contain_text("of", timeout=60_000)
    notebook.page.wait_for_timeout(1000)  # the histogram is drawn
    take_with_margin(builder, f"builder{suffix}")


def take(*, dark: bool) -> None:
    suffix = "-dark" if dark else ""
    with tempfile.TemporaryDirectory() as folder, LabServer(Path(folder)) as server, sync_playwright() as playwright:
        server.set_theme(dark=dark)
        first = nbformat.read(CHECKOUT / "notebooks" / NOTEBOOK, as_version=4)
        first.cells.append(nbformat.v4.new_code_cell(RESTRICT))
        nbformat.write(first, Path(folder) / NOTEBOOK)
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
        page.close()
        take_forms(server, browser, suffix, dark=dark)
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


def take_panel(*, dark: bool) -> None:
    """Take the panel with keys that are being made and keys that have failed, of the pipeline that its tests use."""
    with tempfile.TemporaryDirectory() as folder, LabServer(Path(folder)) as server, sync_playwright() as playwright:
        server.set_theme(dark=dark)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        page = browser.new_page(
            viewport={"width": 1180, "height": 1400}, device_scale_factor=1.5, color_scheme="dark" if dark else "light"
        )
        notebook, files = NotebookPage(server, page), panel_pipeline.Files(server, "panel")
        more = "Session.insert([{'session': i} for i in range(12, 30)])"
        notebook.write(
            "panel.ipynb",
            panel_pipeline.set_up("panel").replace("<b>no trace</b>", "no trace"),
            EXTENSION,
            "%dj populate lab --workers 2",
            more,
        )
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


def take_forms(server: LabServer, browser: Browser, suffix: str, *, dark: bool) -> None:
    server.shut_kernels_down()
    page = browser.new_page(
        viewport={"width": 1180, "height": 3000}, device_scale_factor=1.5, color_scheme="dark" if dark else "light"
    )
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    notebook = NotebookPage(server, page)
    notebook.write("forms.ipynb", *FORMS)
    notebook.open("forms.ipynb")
    page.keyboard.press("Control+b")
    for index in range(len(FORMS)):
        notebook.run_cell(index)
    form = notebook.cell(2).locator(".dj-form")
    form.get_by_label("session", exact=True).fill("4")
    form.get_by_label("started", exact=True).fill("2026-03-09 14:30")
    form.get_by_label("weight", exact=True).fill("24.5")
    form.get_by_role("button", name="Add a row to Session.Trial").click()
    paste(page, form.get_by_label("trial, row 1"), "1\thit\t212.5\n2\tmis\t\n3\thit\tlate")
    form.get_by_role("button", name="Choose a row of lab.subject").click()
    expect(form.locator(".dj-choices tbody tr").first).to_be_visible()
    expect(form.locator(".dj-wrong").first).to_be_visible()
    take_with_margin(form, f"form{suffix}")
    sheet = notebook.cell(3).locator(".dj-form")
    sheet.get_by_role("tab", name="From a spreadsheet").click()
    lines = [
        "subject\tspecies\tborn",
        "25\tmouse\t2026-02-01",
        "26\tmuose\t2026-02-01",
        "7\trat\t2026-02-03",
        "27\trat\t3 Feb",
    ]
    paste(page, sheet.get_by_label("Paste cells of a spreadsheet here"), "\n".join(lines))
    expect(sheet.locator("tbody tr")).to_have_count(4)
    take_with_margin(sheet, f"spreadsheet{suffix}")
    take_with_margin(notebook.cell(4).locator(".dj-delete"), f"delete{suffix}")
    page.close()


def paste(page: Page, field: Locator, text: str) -> None:
    page.evaluate("text => navigator.clipboard.writeText(text)", text)
    field.click()
    page.keyboard.press("Control+v")


if __name__ == "__main__":
    IMAGES.mkdir(exist_ok=True)
    for choice in (False, True):
        take(dark=choice)
        take_work(dark=choice)
        take_panel(dark=choice)
