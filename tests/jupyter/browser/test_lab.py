"""The notebook side in a real JupyterLab: what a user sees and clicks, and what the kernel then knows."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.jupyter.browser.pipeline import EXTENSION, set_up

# One server and one browser serve them all.
pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.fixture
def expect():
    from playwright.sync_api import expect

    return expect


def grid_rows(grid):
    """Return the texts of the rows that are drawn, in order of their numbers."""
    rows = grid.locator(".dj-body .dj-row:not([hidden])")
    found = rows.evaluate_all(
        "nodes => nodes.map(n => [Number(n.dataset.row), [...n.querySelectorAll('.dj-cell')].map(c => c.textContent)])"
        ".sort((a, b) => a[0] - b[0])"
    )
    return [tuple(texts) for _, texts in found]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_browse_and_populate(new_notebook, pictures, expect, dark):
    name = "dark" if dark else "light"
    notebook = new_notebook(dark=dark)
    notebook.write(
        f"{name}.ipynb",
        set_up(name),
        EXTENSION,
        "%dj browse Session -o browser",
        "%dj populate Score -o run",
        "%dj diagram",
        "%dj tables --counts",
    )
    notebook.open(f"{name}.ipynb")
    notebook.run_all()
    view = notebook.cell(3).locator(".dj-work")
    headline = view.locator(".dj-headline")
    # The bar moves while the prompt is free.
    expect(headline).to_have_text(re.compile(r"^[1-9]\d* of 40 keys"))
    early = int(view.get_by_role("progressbar").get_attribute("aria-valuenow"))
    expect(headline).not_to_have_text(re.compile(rf"^{early} of"))
    (pictures / f"populate-running-{name}.png").write_bytes(view.screenshot())
    grid = notebook.cell(2).locator(".dj-grid")
    expect(notebook.cell(2).locator(".dj-status")).to_have_text("3,000 rows")
    assert grid_rows(grid)[0][:2] == ("0", "0")
    (pictures / f"browser-{name}.png").write_bytes(notebook.cell(2).screenshot())
    expect(headline).to_have_text("39 of 40 keys · 1 failed")
    expect(view.locator(".dj-phase")).to_have_text("finished")
    view.locator(".dj-kind-of-error > summary").click()
    failure = view.locator(".dj-failure")
    expect(failure.locator("> summary")).to_have_text(re.compile(r"subject_id.*: 1.*session.*: 7.*<script>no trace"))
    failure.locator("> summary").click()
    expect(failure.locator("pre")).to_contain_text("Traceback")
    (pictures / f"populate-{name}.png").write_bytes(view.screenshot())
    notebook.cell(4).scroll_into_view_if_needed()
    expect(notebook.cell(4).locator(".dj-diagram-view svg.dj-diagram")).to_be_visible()
    (pictures / f"page-{name}.png").write_bytes(notebook.page.screenshot(full_page=True))


def test_sort_page_and_keyboard(new_notebook, pictures, expect):
    notebook = new_notebook()
    notebook.write(
        "grid.ipynb",
        set_up("grid"),
        EXTENSION,
        "%dj browse Session -o browser",
        "print('order', browser.order_by, (browser.query & dj.Top(1, None)).fetch1('big'))",
    )
    notebook.open("grid.ipynb")
    notebook.run_all()
    grid = notebook.cell(2).locator(".dj-grid")
    status = notebook.cell(2).locator(".dj-status")
    expect(status).to_have_text("3,000 rows")
    expect(grid).to_have_attribute("aria-rowcount", "3001")

    # Values are exact, missing ones differ from the text "null", and nothing acts as markup.
    rows = grid_rows(grid)
    assert rows[1][5] == "9007199254740993"
    assert rows[3][3] == "null"
    assert rows[0][3] == "<img src=x onerror=alert(1)>"
    assert rows[1][3] == "NULL"
    expect(grid.locator(".dj-body .dj-null").first).to_have_attribute("title", "missing value")
    assert grid.locator("img, script, b").count() == 0
    assert rows[0][6] == "<blob>"

    # A far place is one page away.
    grid.evaluate("node => { node.scrollTop = node.scrollHeight; }")
    expect(grid.locator(".dj-row[data-row='2999'] .dj-cell").first).to_have_text("29")
    assert grid.locator(".dj-body .dj-row").count() < 40

    # Sort by two attributes, the second descending.
    head = grid.locator(".dj-header")
    head.nth(3).locator(".dj-sort").click()
    expect(head.nth(3)).to_have_attribute("aria-sort", "ascending")
    expect(grid.locator(".dj-row[data-row='0'] .dj-cell").nth(3)).to_have_text("NULL")
    for _ in range(2):
        head.nth(5).locator(".dj-sort").click(modifiers=["Shift"])
    expect(head.nth(5)).to_have_attribute("aria-sort", "descending")
    expect(grid.locator(".dj-row[data-row='0'] .dj-cell").nth(5)).to_have_text(str(2**53 + 2999))
    # Heads stand over their columns, however far one has moved sideways.
    for column in (0, 3, 6):
        above, below = (
            head.nth(column).bounding_box(),
            grid.locator("[data-row='0'] .dj-cell").nth(column).bounding_box(),
        )
        assert abs(above["x"] - below["x"]) < 1
        assert abs(above["width"] - below["width"]) < 1
    (pictures / "browser-sorted.png").write_bytes(notebook.cell(2).screenshot())
    notebook.run_cell(3)
    expect(notebook.cell(3).locator(".jp-OutputArea-output")).to_have_text(
        re.compile(rf"order \['comment', 'big DESC'\] {2**53 + 2999}")
    )

    # By keyboard alone: to the last row, its last attribute, open it, close it.
    grid.locator(".dj-row[data-row='0'] .dj-cell").first.click()
    page = notebook.page
    page.keyboard.press("Control+End")
    expect(grid.locator("[data-row='2999'] .dj-cell").nth(6)).to_be_focused()
    page.keyboard.press("Enter")
    panel = notebook.cell(2).get_by_role("region", name="Row")
    expect(panel.locator("dd").nth(5)).to_have_text(str(2**53 + 3))
    (pictures / "browser-row.png").write_bytes(notebook.cell(2).screenshot())
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    page.keyboard.press("Control+Home")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")  # the header: sort by the first attribute
    expect(head.nth(0)).to_have_attribute("aria-sort", "ascending")
    expect(grid.locator("[data-row='0'] .dj-cell").nth(5)).to_have_text(str(2**53))


def test_two_views_of_one_browser(new_notebook, expect):
    notebook = new_notebook()
    notebook.write(
        "views.ipynb",
        set_up("views"),
        EXTENSION,
        "%dj browse Session -o browser",
        "browser",
        "browser.order_by = 'big DESC'",
    )
    notebook.open("views.ipynb")
    for index in range(4):
        notebook.run_cell(index)
    first, second = notebook.cell(2).locator(".dj-grid"), notebook.cell(3).locator(".dj-grid")
    expect(second.locator("[data-row='0'] .dj-cell").first).to_have_text("0")
    first.locator(".dj-header").nth(4).locator(".dj-sort").click()
    for grid in (first, second):
        expect(grid.locator(".dj-header").nth(4)).to_have_attribute("aria-sort", "ascending")
        expect(grid.locator("[data-row='0'] .dj-cell").nth(4)).to_have_text("0.0")
    # Each view has its own place.
    second.evaluate("node => { node.scrollTop = node.scrollHeight; }")
    expect(second.locator("[data-row='2999'] .dj-cell").first).not_to_be_empty()
    expect(first.locator("[data-row='0']")).to_be_visible()
    # An order set in Python reaches both.
    notebook.run_cell(4)
    for grid in (first, second):
        expect(grid.locator(".dj-header").nth(5)).to_have_attribute("aria-sort", "descending")
        expect(grid.locator("[data-row='0'] .dj-cell").nth(5)).to_have_text(str(2**53 + 2999))


def test_errors_are_shown_in_the_widget(new_notebook, pictures, expect):
    notebook = new_notebook()
    notebook.write(
        "fault.ipynb", set_up("fault"), EXTENSION, "%dj browse Session", "Score.drop_quick(); Session.drop_quick()"
    )
    notebook.open("fault.ipynb")
    for index in range(4):
        notebook.run_cell(index)
    cell = notebook.cell(2)
    expect(cell.locator(".dj-status")).to_have_text("3,000 rows")
    expect(notebook.cell(3).locator(".jp-InputPrompt")).to_have_text(re.compile(r"\[\d+\]:"))
    cell.get_by_role("button", name="Refresh").click()
    expect(cell.get_by_role("alert")).to_contain_text("Error")
    (pictures / "browser-error.png").write_bytes(cell.screenshot())
    cell.get_by_role("button", name="Try again").click()
    expect(cell.get_by_role("alert")).to_contain_text("Error")


@pytest.mark.parametrize("way", ["disabled", "perCommTarget"])
def test_while_a_cell_runs(new_notebook, lab, pictures, expect, way):
    lab.set_comms(way)
    notebook = new_notebook()
    (lab.root / "free").unlink(missing_ok=True)
    notebook.write(
        f"{way}.ipynb",
        set_up(way),
        EXTENSION,
        "%dj browse Session",
        "import pathlib, time\nwhile not pathlib.Path('free').exists(): time.sleep(0.1)",
    )
    notebook.open(f"{way}.ipynb")
    for index in range(3):
        notebook.run_cell(index)
    status, grid = notebook.cell(2).locator(".dj-status"), notebook.cell(2).locator(".dj-grid")
    expect(status).to_have_text("3,000 rows")
    notebook.run_cell(3)
    expect(notebook.cell(3).locator(".jp-InputPrompt")).to_have_text("[*]:")
    grid.evaluate("node => { node.scrollTop = node.scrollHeight; }")
    if way == "disabled":  # as with kernels that handle one message at a time
        expect(status).to_contain_text("waiting for the kernel, which is busy")
        (pictures / "browser-busy.png").write_bytes(notebook.cell(2).screenshot())
        (lab.root / "free").touch()
    expect(grid.locator("[data-row='2999'] .dj-cell").first).to_have_text("29")
    expect(status).to_have_text("3,000 rows")
    (lab.root / "free").touch()
    lab.set_comms("perCommTarget")


def test_populate_can_be_stopped(new_notebook, expect):
    notebook = new_notebook()
    notebook.write(
        "stop.ipynb",
        set_up("stop"),
        EXTENSION,
        "%dj populate Score -o run",
        "run.wait(); print('done', run.phase, 0 < len(Score()) < 40)",
    )
    notebook.open("stop.ipynb")
    for index in range(3):
        notebook.run_cell(index)
    view = notebook.cell(2).locator(".dj-work")
    expect(view.locator(".dj-headline")).to_have_text(re.compile(r"^[1-9]\d* of 40 keys"))
    view.get_by_role("button", name="Stop").click()
    expect(view.locator(".dj-phase")).to_have_text("stopped")
    notebook.run_cell(3)
    expect(notebook.cell(3).locator(".jp-OutputArea-output")).to_have_text(re.compile("done stopped True"))


def test_nothing_is_left_of_a_cell_that_runs_again(new_notebook, expect):
    notebook = new_notebook()
    notebook.write(
        "again.ipynb",
        set_up("again"),
        EXTENSION,
        "%dj browse Session -o browser",
        "import threading; from datajoint_jupyter.registry import open_widgets\n"
        "print('open', len(open_widgets), 'threads', [t.name for t in threading.enumerate() if t.name.startswith('dj ')])",
        "%unload_ext datajoint_jupyter\nprint('left', len(open_widgets), browser.closed)",
    )
    notebook.open("again.ipynb")
    for index in (0, 1, 2, 2, 2, 3):
        notebook.run_cell(index)
        expect(notebook.cell(index).locator(".jp-InputPrompt")).to_have_text(re.compile(r"\[\d+\]:"))
    expect(notebook.cell(3).locator(".jp-OutputArea-output")).to_have_text(
        re.compile(r"open 1 threads \['dj browse lab.session( \(counts\))?', 'dj browse lab.session( \(counts\))?'\]")
    )
    notebook.run_cell(4)
    expect(notebook.cell(4).locator(".jp-OutputArea-output")).to_have_text(re.compile("left 0 True"))


def test_the_tutorial_runs_live(new_notebook, lab, expect):
    """Run All in the page differs from an execution without one: widgets are live and cells do not wait for them."""
    notebook = new_notebook()
    notebook.page.set_viewport_size({"width": 1100, "height": 14000})  # no cell is left out of the page
    shutil.copy(Path(__file__).parents[3] / "notebooks" / "01_first_pipeline.ipynb", lab.root / "tutorial.ipynb")
    notebook.open("tutorial.ipynb")
    notebook.run_all()
    cells = notebook.page.locator(".jp-Notebook .jp-CodeCell")
    expect(cells.last).to_contain_text("3 pictures, 9 detections", timeout=120_000)
    assert notebook.page.locator("[data-mime-type='application/vnd.jupyter.stderr'], .jp-OutputArea-error").count() == 0
    browser = cells.filter(has_text="%dj browse Detection.Blob").first
    expect(browser.locator(".dj-status")).to_contain_text("rows")
