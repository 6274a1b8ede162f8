"""The status matrix in a real JupyterLab: every control, with workers that run, wait and fail."""

from __future__ import annotations

import re

import pytest

from tests.jupyter.browser.axe import serious_findings
from tests.jupyter.browser.pipeline import EXTENSION
from tests.jupyter.browser.work_pipeline import set_up

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.fixture
def expect():
    from playwright.sync_api import expect

    return expect


@pytest.fixture
def opened(new_notebook, lab, expect, request):
    """Open a notebook with a matrix in cell 2; the cells after tell what kernel and database hold."""
    for name in ("hold", "mended"):
        (lab.root / name).unlink(missing_ok=True)

    def open_notebook(*cells, dark=False, sessions=8, line="%dj matrix Session -o view", before=""):
        notebook = new_notebook(dark=dark)
        name = f"matrix{abs(hash((request.node.name, dark)))}"
        notebook.write(f"{name}.ipynb", set_up(name, sessions) + before, EXTENSION, line, *cells)
        notebook.open(f"{name}.ipynb")
        for index in range(3):
            notebook.run_cell(index)
        expect(notebook.cell(2).locator(".dj-matrix .dj-state").first).to_be_visible()
        return notebook

    return open_notebook


def at(cell, row, column):
    """Return the cell of a row and a column, the key's attributes counted."""
    return cell.locator(f'.dj-body .dj-cell[data-row="{row}"][data-column="{column}"]')


def printed(notebook, index, expect, text):
    """Run a cell and wait until its output is `text`."""
    notebook.run_cell(index)
    expect(notebook.cell(index).locator(".jp-OutputArea-output")).to_have_text(text)


FAIL = "\nScan.populate('subject_id = 0', reserve_jobs=True, suppress_errors=True)\nSegment.populate(max_calls=3)\n"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_looks_and_accessibility(opened, pictures, expect, dark):
    notebook = opened(dark=dark, before=FAIL)
    cell = notebook.cell(2)
    name = "dark" if dark else "light"
    expect(cell.locator("[data-dj-static]")).to_be_hidden()
    expect(at(cell, 0, 2)).to_have_attribute("data-state", "done")
    expect(at(cell, 2, 2)).to_have_attribute("data-state", "error")
    expect(at(cell, 4, 2)).to_have_attribute("data-state", "pending")
    expect(at(cell, 4, 3)).to_have_attribute("data-state", "blocked")
    at(cell, 2, 2).click()
    panel = cell.get_by_role("region", name=re.compile("Scan of"))
    expect(panel).to_contain_text("<script>no frames</script>")
    panel.locator("summary").first.click()
    expect(panel.locator("pre")).to_contain_text("Traceback")
    (pictures / f"matrix-{name}.png").write_bytes(cell.screenshot())
    assert serious_findings(notebook.page, ".dj-matrix") == []
    assert cell.locator("script").count() == 0


def test_keyboard_alone_then_filters(opened, expect):
    notebook = opened(
        "print(view.selected)",
        "view.only = ['blocked']",
        "print(view.only, view.status['Scan'].value_counts().to_dict())",
        before=FAIL,
    )
    cell = notebook.cell(2)
    keyboard = notebook.page.keyboard
    at(cell, 0, 0).click()
    for key in (
        "Control+End",
        "Control+Home",
        "PageDown",
        "PageUp",
        "ArrowDown",
        "End",
        "Home",
        "ArrowRight",
        "ArrowRight",
    ):
        keyboard.press(key)
    expect(at(cell, 1, 2)).to_be_focused()
    keyboard.press("ArrowDown")
    keyboard.press("Enter")
    panel = cell.get_by_role("region", name=re.compile("Scan of"))
    expect(panel).to_be_focused()
    printed(notebook, 3, expect, re.compile(r"\(\{'subject_id': 0, 'session': 2\}"))
    panel.get_by_role("button", name="Close").focus()
    keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(at(cell, 2, 2)).to_be_focused()

    # Only rows with a state, by a click or from Python.
    expect(cell.locator(".dj-chips")).to_contain_text("1 error")
    cell.get_by_role("button", name="1 error").click()
    expect(cell.locator(".dj-body .dj-row")).to_have_count(1)
    expect(cell.locator(".dj-status").first).to_have_text("1 of 8 rows")
    expect(at(cell, 0, 1)).to_have_text("2")
    cell.get_by_role("button", name="1 error").click()
    expect(cell.locator(".dj-body .dj-row")).to_have_count(8)
    notebook.run_cell(4)
    expect(cell.locator('.dj-chip[data-state="blocked"]')).to_have_attribute("aria-pressed", "true")
    printed(notebook, 5, expect, re.compile(r"\['blocked'\] \{'pending': 4, 'done': 3, 'error': 1\}"))


def test_compute_fail_retry_ignore_and_browse(opened, lab, pictures, expect):
    notebook = opened(
        "print(len(Scan()), Scan.jobs.progress())",
        "print(len(Scan()), len(Scan.jobs.ignored))",
        "print(len(view._child.browser.query))",
    )
    cell = notebook.cell(2)
    expect(at(cell, 2, 2)).to_have_attribute("data-state", "pending")
    (lab.root / "hold").touch()
    at(cell, 2, 2).click()
    panel = cell.get_by_role("region", name=re.compile("Scan of"))
    panel.get_by_role("button", name="Compute").click()
    expect(cell.locator(".dj-doing")).to_contain_text("Computing Scan")
    expect(at(cell, 2, 2)).to_have_attribute("data-state", "running")
    (pictures / "matrix-running.png").write_bytes(cell.screenshot())
    (lab.root / "hold").unlink()
    # It fails; the panel that is open tells why, without being asked.
    expect(at(cell, 2, 2)).to_have_attribute("data-state", "error")
    expect(panel).to_contain_text("no frames")
    expect(cell.locator(".dj-doing")).to_be_hidden()
    printed(notebook, 3, expect, re.compile(r"0 \{.*'error': 1"))
    notebook.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    panel.get_by_role("button", name="Copy key").click()
    expect(panel.get_by_role("button", name="Copied")).to_be_visible()
    assert notebook.page.evaluate("() => navigator.clipboard.readText()") == "{'subject_id': 0, 'session': 2}"
    (lab.root / "mended").touch()
    panel.get_by_role("button", name="Retry what failed").click()
    expect(at(cell, 2, 2)).to_have_attribute("data-state", "done")
    expect(panel).to_contain_text("1 of 1 key computed")
    panel.get_by_role("button", name="Browse rows").click()
    expect(cell.locator(".dj-child .dj-grid").get_by_role("gridcell").first).to_be_visible()
    printed(notebook, 5, expect, re.compile("1"))
    # Another one is not to be computed.
    at(cell, 3, 2).click()
    expect(cell.locator(".dj-child .dj-grid")).to_have_count(1)
    panel.get_by_role("button", name="Ignore").click()
    expect(at(cell, 3, 2)).to_have_attribute("data-state", "ignored")
    printed(notebook, 4, expect, re.compile("1 1"))
    at(cell, 3, 3).click()
    expect(cell.get_by_role("region", name=re.compile("Segment of"))).to_contain_text(
        "Segment waits: Scan is marked to be ignored."
    )


def test_stop(opened, lab, expect):
    notebook = opened("print(len(Scan()))")
    cell = notebook.cell(2)
    (lab.root / "hold").touch()
    for row in (0, 1):
        at(cell, row, 2).click()
        cell.get_by_role("region", name=re.compile(rf"Scan of .*{row}")).get_by_role("button", name="Compute").click()
    expect(cell.locator(".dj-doing")).to_contain_text("1 more")
    cell.get_by_role("button", name="Stop").click()
    expect(cell.locator(".dj-doing")).to_contain_text("stopping after this key")
    (lab.root / "hold").unlink()
    expect(cell.locator(".dj-doing")).to_be_hidden()
    printed(notebook, 3, expect, re.compile("1"))


def test_it_follows_others_until_told_not_to(opened, expect):
    notebook = opened("Scan.populate('session = 0', reserve_jobs=True)", "Scan.populate('session = 1')")
    cell = notebook.cell(2)
    notebook.run_cell(3)
    expect(at(cell, 0, 2)).to_have_attribute("data-state", "done")
    cell.get_by_role("button", name="Live").click()
    expect(cell.get_by_role("button", name="Live")).to_have_attribute("aria-pressed", "false")
    notebook.run_cell(4)
    expect(notebook.cell(4).locator(".jp-InputPrompt")).to_have_text(re.compile(r"\[\d+\]:"))
    expect(at(cell, 1, 2)).to_have_attribute("data-state", "pending")
    cell.get_by_role("button", name="Refresh").click()
    expect(at(cell, 1, 2)).to_have_attribute("data-state", "done")


def test_thousands_of_rows_and_two_views(opened, expect):
    notebook = opened("view", "view.offset = 0", sessions=2300)
    notebook.run_cell(3)
    first, second = notebook.cell(2), notebook.cell(3)
    status = first.locator(".dj-status").first
    expect(status).to_have_text("rows 1–1,000 of 2,300")
    assert first.locator(".dj-body .dj-row").count() < 40
    first.locator(".dj-grid").evaluate("node => { node.scrollTop = node.scrollHeight; }")
    expect(at(first, 999, 1)).to_have_text("999")
    expect(at(second, 0, 1)).to_have_text("0")
    expect(first.get_by_role("button", name="Previous rows")).to_be_disabled()
    for _ in range(2):
        first.get_by_role("button", name="Next rows").click()
    expect(status).to_have_text("rows 2,001–2,300 of 2,300")
    expect(second.locator(".dj-status").first).to_have_text("rows 2,001–2,300 of 2,300")
    expect(first.get_by_role("button", name="Next rows")).to_be_disabled()
    first.get_by_role("button", name="Previous rows").click()
    expect(status).to_have_text("rows 1,001–2,000 of 2,300")
    notebook.run_cell(4)
    expect(status).to_have_text("rows 1–1,000 of 2,300")
