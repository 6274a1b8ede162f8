"""The live diagram in a real JupyterLab: every control, and what the kernel then knows."""

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


def node(cell, title):
    return cell.locator(f'.dj-canvas [data-node][aria-label^="{title},"]')


@pytest.fixture
def opened(new_notebook, lab, expect, request):
    """Open a notebook with a diagram; cell 2 shows it, the cells after tell what the kernel knows."""
    (lab.root / "hold").unlink(missing_ok=True)
    (lab.root / "mended").unlink(missing_ok=True)

    def open_notebook(*cells, dark=False, line="%dj diagram -o view"):
        notebook = new_notebook(dark=dark)
        name = f"diagram{abs(hash((request.node.name, dark)))}"
        notebook.write(f"{name}.ipynb", set_up(name), EXTENSION, line, *cells)
        notebook.open(f"{name}.ipynb")
        for index in range(3):
            notebook.run_cell(index)
        expect(node(notebook.cell(2), "Session")).to_be_visible()
        return notebook

    return open_notebook


def printed(notebook, index, expect, text):
    """Run a cell and wait until its output is `text`."""
    notebook.run_cell(index)
    expect(notebook.cell(index).locator(".jp-OutputArea-output")).to_have_text(text)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_looks_and_accessibility(opened, pictures, expect, dark):
    notebook = opened(dark=dark, line="%dj diagram --status -o view")
    cell = notebook.cell(2)
    name = "dark" if dark else "light"
    expect(node(cell, "Scan")).to_have_attribute("aria-label", re.compile("0 of 8 keys"))
    expect(cell.locator("[data-dj-static]")).to_be_hidden()
    # Its mark is on the node, not somewhere.
    shape, mark = (
        node(cell, "Scan").locator("ellipse").bounding_box(),
        node(cell, "Scan").locator(".dj-badge").bounding_box(),
    )
    assert abs(mark["x"] + mark["width"] - shape["x"] - shape["width"]) < 12
    assert abs(mark["y"] - shape["y"]) < 12
    (pictures / f"diagram-live-{name}.png").write_bytes(cell.screenshot())
    node(cell, "Session").click()
    panel = cell.get_by_role("region", name="Session")
    expect(panel.get_by_label("Definition")).to_contain_text("-> Subject")
    cell.get_by_role("button", name="Python").click()
    cell.get_by_label("Search tables").fill("cells")
    (pictures / f"diagram-panel-{name}.png").write_bytes(cell.screenshot())
    assert serious_findings(notebook.page, ".dj-diagram-view") == []


def test_zoom_pan_and_fit(opened, expect):
    notebook = opened("print(view.viewport)")
    cell = notebook.cell(2)
    svg = cell.locator(".dj-canvas > svg")
    before = svg.get_attribute("viewBox")

    def extent():
        return [float(x) for x in svg.get_attribute("viewBox").split()]

    cell.get_by_role("button", name="Zoom in").click()
    assert extent()[2] < float(before.split()[2])
    cell.get_by_role("button", name="Zoom out").click()
    cell.get_by_role("button", name="Zoom out").click()
    assert extent()[2] > float(before.split()[2])
    cell.get_by_role("button", name="Fit").click()
    assert svg.get_attribute("viewBox") == before
    # Drag the ground; the click at the end opens nothing.
    box = cell.locator(".dj-canvas").bounding_box()
    mouse = notebook.page.mouse
    mouse.move(box["x"] + box["width"] - 20, box["y"] + 12)
    mouse.down()
    mouse.move(box["x"] + box["width"] - 90, box["y"] + 42, steps=4)
    mouse.up()
    assert extent()[0] > float(before.split()[0]) + 20
    assert extent()[1] < float(before.split()[1]) - 10
    expect(cell.locator(".dj-panel:not(.dj-code-panel)")).to_be_hidden()
    # The wheel scrolls the page, unless Control is held.
    moved = svg.get_attribute("viewBox")
    mouse.move(box["x"] + 100, box["y"] + 60)
    mouse.wheel(0, 40)
    assert svg.get_attribute("viewBox") == moved
    notebook.page.keyboard.down("Control")
    mouse.wheel(0, -120)
    notebook.page.keyboard.up("Control")
    expect(svg).not_to_have_attribute("viewBox", moved)
    notebook.page.wait_for_timeout(500)  # the place is kept once it rests
    printed(notebook, 3, expect, re.compile(r"\[-?\d+\.\d+, .*\]"))


def test_search(opened, expect):
    notebook = opened()
    cell = notebook.cell(2)
    search = cell.get_by_label("Search tables")
    found = cell.locator(".dj-found")
    for text, message, titles in [
        ("plane", "1 of 8 match", ["Scan.Plane"]),
        ("cells", "1 of 8 match", ["Segment"]),  # an attribute
        ("lookup", "1 of 8 match", ["Params"]),  # a tier
        ("subject_id", "6 of 8 match", ["Subject", "Session", "Scan", "Scan.Plane", "Segment", "Trace"]),
        ("zzz", "nothing matches", []),
    ]:
        search.fill(text)
        expect(found).to_have_text(message.replace("of 8", "of 7"))
        labels = cell.locator(".dj-match").evaluate_all("nodes => nodes.map(n => n.getAttribute('aria-label'))")
        assert sorted(label.split(",")[0] for label in labels) == sorted(titles)
    search.fill("subject_id")
    search.press("Enter")
    expect(found).to_have_text(re.compile("1 of 6: "))
    search.press("Shift+Enter")
    expect(found).to_have_text(re.compile("6 of 6: "))
    expect(search).to_be_focused()
    cell.get_by_role("button", name="Next").click()
    expect(found).to_have_text(re.compile("1 of 6: "))
    expect(cell.locator(".dj-canvas [data-node]:focus")).to_have_count(1)
    search.press("Escape")
    expect(found).to_have_text("")
    expect(cell.locator(".dj-match")).to_have_count(0)


def test_keyboard_alone(opened, expect):
    notebook = opened("print(view.table.full_table_name)")
    cell = notebook.cell(2)
    keyboard = notebook.page.keyboard
    cell.get_by_role("button", name="Python").focus()
    keyboard.press("Tab")
    expect(cell.locator(".dj-canvas [data-node]:focus")).to_have_count(1)
    keyboard.press("Home")
    keyboard.press("ArrowRight")
    keyboard.press("ArrowLeft")
    keyboard.press("End")
    keyboard.press("+")
    keyboard.press("Shift+ArrowRight")
    keyboard.press("-")
    keyboard.press("0")
    keyboard.press("/")
    expect(cell.get_by_label("Search tables")).to_be_focused()
    keyboard.type("segment")
    keyboard.press("Enter")
    cell.get_by_role("button", name="Python").focus()
    keyboard.press("Tab")
    expect(node(cell, "Segment")).to_be_focused()
    keyboard.press("Enter")
    panel = cell.get_by_role("region", name="Segment")
    expect(panel).to_be_focused()
    expect(panel).to_contain_text("-> Scan")
    keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(node(cell, "Segment")).to_be_focused()
    printed(notebook, 3, expect, re.compile("__segment"))


def test_collapse_expand_and_code(opened, expect):
    check = (
        "again = eval(view.code)\nprint(again.svg_string(theme='light') == view.svg, view.collapsed, "
        "view.layout_state['folded'], len(view.boxes))"
    )
    notebook = opened(check, check, check, check, check)
    cell = notebook.cell(2)
    printed(notebook, 3, expect, "True [] False 7")
    cell.locator(".dj-menu summary").click()
    cell.get_by_label("Schema lab").check()
    expect(cell.locator(".dj-canvas [data-tier=collapsed]")).to_have_count(1)
    expect(node(cell, "Session")).to_have_count(0)
    printed(notebook, 4, expect, "True ['lab'] False 4")
    cell.locator(".dj-canvas [data-tier=collapsed]").click()
    panel = cell.get_by_role("region", name=re.compile("lab"))
    expect(panel).to_contain_text("subject, session")
    panel.get_by_role("button", name="Expand").click()
    expect(node(cell, "Session")).to_be_visible()
    cell.locator(".dj-menu summary").click()
    cell.get_by_label("Parts into their masters").check()
    expect(node(cell, "Scan.Plane")).to_have_count(0)
    printed(notebook, 5, expect, "True [] True 6")
    cell.locator(".dj-menu summary").click()
    cell.get_by_label("Everything, telling tiers").check()
    expect(cell.locator(".dj-canvas [data-node]")).to_have_count(2)
    expect(cell.get_by_label("Schema lab")).to_be_disabled()
    printed(notebook, 6, expect, re.compile(r"^True .* 2\s*$"))
    cell.locator(".dj-menu summary").click()
    cell.get_by_label("Everything, telling tiers").uncheck()
    expect(node(cell, "Session")).to_be_visible()
    # The code is shown, and can be copied.
    cell.get_by_role("button", name="Python").click()
    code = cell.get_by_role("region", name="Python")
    expect(code.locator("pre")).to_have_text(re.compile(r"^dj\.Diagram"))
    notebook.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    code.get_by_role("button", name="Copy").click()
    expect(code.get_by_role("button", name="Copied")).to_be_visible()
    assert notebook.page.evaluate("() => navigator.clipboard.readText()") == code.locator("pre").inner_text()
    # From a table's panel, too.
    node(cell, "Session").click()
    cell.get_by_role("region", name="Session").get_by_role("button", name="Collapse lab").click()
    expect(node(cell, "Session")).to_have_count(0)
    printed(notebook, 7, expect, re.compile(r"^True \['lab'\]"))


def test_focus_and_neighbours(opened, expect):
    notebook = opened("print(sorted(box['title'] for box in view.boxes), view.code)", "view.arrange(['analysis'])")
    cell = notebook.cell(2)
    node(cell, "Scan").click()
    panel = cell.get_by_role("region", name="Scan", exact=True)
    panel.get_by_label("parents").fill("2")
    panel.get_by_label("children").fill("0")
    panel.get_by_role("button", name="Focus", exact=True).click()
    expect(node(cell, "Segment")).to_have_count(0)
    expect(node(cell, "Subject")).to_be_visible()
    printed(notebook, 3, expect, "['Scan', 'Session', 'Subject'] dj.Diagram(Scan) - 2")
    # A child that is not shown is one click away.
    panel.get_by_role("button", name="analysis.__segment").click()
    expect(cell.get_by_role("region", name="Segment")).to_contain_text("-> Params")
    expect(node(cell, "Params")).to_be_visible()
    cell.get_by_role("region", name="Segment").get_by_role("button", name="lab._scan").click()
    expect(cell.get_by_role("region", name="Scan", exact=True)).to_be_visible()
    cell.get_by_role("button", name="Show all").click()
    expect(cell.locator(".dj-canvas [data-node]")).to_have_count(7)
    expect(cell.get_by_role("button", name="Show all")).to_be_hidden()
    # What Python arranges is seen at once.
    notebook.run_cell(4)
    expect(cell.locator(".dj-canvas [data-tier=collapsed]")).to_have_count(1)


def test_browse_from_a_node(opened, pictures, expect):
    notebook = opened("print(len(view._child.browser.query))", "%dj code view --as seen")
    cell = notebook.cell(2)
    node(cell, "Session").click()
    panel = cell.get_by_role("region", name="Session")
    expect(panel).to_contain_text("8 rows")
    panel.get_by_role("button", name="Browse rows").click()
    grid = cell.locator(".dj-child .dj-grid")
    expect(grid.get_by_role("gridcell").first).to_be_visible()
    (pictures / "diagram-browse.png").write_bytes(cell.screenshot())
    printed(notebook, 3, expect, "8")
    panel.get_by_role("button", name="Close").click()
    expect(grid).to_have_count(0)
    expect(panel).to_be_hidden()
    notebook.run_cell(4)
    expect(notebook.cell(5).locator(".jp-InputArea-editor")).to_contain_text("seen = dj.Diagram")


def test_status_follows_workers_that_run_and_fail(opened, lab, pictures, expect):
    (lab.root / "hold").touch()
    work = """
import subprocess, sys, textwrap
worker = subprocess.Popen([sys.executable, "-c", SOURCE], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
"""
    source = (
        "SOURCE = 'import datajoint as dj, pipeline\\n'\\\n"
        "    'pipeline.Scan.populate(reserve_jobs=True, suppress_errors=True)'"
    )
    notebook = opened(
        "from pathlib import Path\nimport inspect\n"
        "text = get_ipython().user_ns['In'][1]\n"
        "Path('pipeline.py').write_text(text.replace('print(', '(lambda *_: None)('))\n" + source + work,
        "print(worker.wait(60), view.statuses[Scan.full_table_name])",
    )
    cell = notebook.cell(2)
    cell.get_by_role("button", name="Status").click()
    expect(cell.get_by_role("button", name="Status")).to_have_attribute("aria-pressed", "true")
    picture = cell.locator(".dj-canvas > svg")
    place = picture.get_attribute("viewBox")
    notebook.run_cell(3)
    scan = node(cell, "Scan")
    expect(scan).to_have_attribute("data-state", "running")
    expect(scan).to_have_attribute("aria-label", re.compile("1 running"))
    (pictures / "diagram-running.png").write_bytes(cell.screenshot())
    scan.click()
    expect(cell.locator(".dj-panel-status")).to_contain_text("running")
    (lab.root / "hold").unlink()
    expect(scan).to_have_attribute("data-state", "error")
    expect(scan).to_have_attribute("aria-label", re.compile("6 of 8 keys, 2 failed"))
    expect(scan.locator(".dj-badge-text")).to_have_text("✕2")
    expect(cell.get_by_role("region", name="Scan", exact=True)).to_contain_text("6 rows · jobs: 2 error")
    assert picture.get_attribute("viewBox") == place
    (pictures / "diagram-failed.png").write_bytes(cell.screenshot())
    printed(notebook, 4, expect, re.compile(r"0 TableStatus\(.*done=6, total=8, running=0, errors=2"))
    cell.get_by_role("button", name="Status").click()
    expect(scan.locator(".dj-badge")).to_have_count(0)


def test_two_views_and_a_reload(opened, expect):
    notebook = opened("view", "view.arrange(['lab'])")
    notebook.run_cell(3)
    first, second = notebook.cell(2), notebook.cell(3)
    expect(node(second, "Session")).to_be_visible()
    first.get_by_role("button", name="Zoom in").click()
    assert first.locator(".dj-canvas > svg").get_attribute("viewBox") != second.locator(
        ".dj-canvas > svg"
    ).get_attribute("viewBox")
    notebook.run_cell(4)
    for cell in (first, second):
        expect(cell.locator(".dj-canvas [data-tier=collapsed]")).to_have_count(1)
    notebook.save()
    notebook.page.reload()
    notebook.page.locator(".jp-Notebook .jp-CodeCell").first.wait_for()
    expect(notebook.cell(2).locator(".dj-canvas [data-tier=collapsed]")).to_have_count(1)
