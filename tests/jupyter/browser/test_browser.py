"""Every control of the table browser, in a real JupyterLab: what it shows, and what the kernel and the disk then hold."""

from __future__ import annotations

import ast
import re

import pytest

from tests.jupyter.browser.axe import serious_findings
from tests.jupyter.browser.pipeline import EXTENSION, set_up

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

MORE = """
import numpy as np, pathlib

@schema
class Scan(dj.Manual):
    definition = '''
    -> Session
    ---
    depth : float32
    day : date
    good : bool
    trace=null : <blob>
    picture=null : <blob>
    note=null : <attach>
    raw=null : bytes
    '''

    class Frame(dj.Part):
        definition = '''
        -> master
        frame : int32
        '''

pathlib.Path("note.txt").write_text("seen")
keys = Session.keys(order_by=["subject_id", "session"], limit=60)
Scan.insert(
    {**key, "depth": i / 7, "day": f"2024-03-{1 + i % 28:02d}", "good": i % 2, "trace": np.sin(np.arange(500) / 20),
     "picture": np.outer(np.arange(40), np.arange(60)).astype("uint8"), "note": "note.txt", "raw": b"abc"}
    for i, key in enumerate(keys)
)
Scan.Frame.insert({**keys[0], "frame": i} for i in range(5))
"""

ASK = """
questions = globals().get("questions", 0) + 1
print("asked", questions, repr(eval(pathlib.Path("question.txt").read_text())))
"""


@pytest.fixture
def expect():
    from playwright.sync_api import expect

    return expect


class Notebook:
    """A notebook with a browser in its third cell, and a way to ask the kernel."""

    def __init__(self, page, expect, name, command):
        self.page, self.expect, self.questions = page, expect, 0
        page.write(f"{name}.ipynb", set_up(name) + MORE, EXTENSION, f"{command} -o browser", ASK)
        page.open(f"{name}.ipynb")
        for index in range(3):
            page.run_cell(index)
        self.cell = page.cell(2)
        self.grid = self.cell.locator(".dj-grid")
        self.status = self.cell.locator(".dj-head-bar .dj-status")
        self.panel = self.cell.locator(".dj-tool-panel")
        self.chips = self.cell.locator(".dj-chip")

    def button(self, name, exact=True):
        return self.cell.get_by_role("button", name=name, exact=exact)

    def tool(self, name):
        self.cell.get_by_role("group", name="Tools").get_by_role("button", name=name, exact=True).click()

    def asked(self, expression):
        """Return what the kernel answers, a plain Python value."""
        self.questions += 1
        (self.page.server.root / "question.txt").write_text(expression)
        cell = self.page.cell(3)
        self.page.run_cell(3)
        output = cell.locator(".jp-OutputArea-output")
        self.expect(output).to_contain_text(re.compile(rf"^asked {self.questions} |Error"))
        return ast.literal_eval(output.inner_text().removeprefix(f"asked {self.questions} "))

    def picture(self, pictures, name):
        (pictures / f"browser-{name}.png").write_bytes(self.cell.screenshot())

    def check_accessible(self):
        assert serious_findings(self.page.page, ".dj-browser") == []


@pytest.fixture
def open_browser(new_notebook, expect):
    def make(name, command="%dj browse Session", *, dark=False):
        return Notebook(new_notebook(dark=dark), expect, name, command)

    return make


def test_filters_and_summaries(open_browser, pictures, expect):
    view = open_browser("filters")
    expect(view.status).to_have_text("3,000 rows")
    # A range typed.
    view.tool("Filter")
    view.panel.get_by_label("Column", exact=True).select_option("weight")
    expect(view.panel.get_by_role("group", name="Distribution of weight").get_by_role("button").first).to_be_visible()
    expect(view.panel.locator(".dj-facts")).to_contain_text("3,000 rows")
    view.check_accessible()
    view.picture(pictures, "filter")
    view.panel.get_by_label("from", exact=True).fill("10")
    view.panel.get_by_label("to", exact=True).fill("20")
    view.panel.get_by_role("button", name="Add filter").click()
    expect(view.chips).to_have_text(["weight from 10.0 to 20.0×"])
    expect(view.status).to_have_text(re.compile(r"^\d{3} rows"))
    assert view.asked("len(browser.query) == len(Session & 'weight between 10 and 20')") is True
    # A bar clicked, then several dragged over, each among the rows left.
    bars = view.panel.get_by_role("group", name="Distribution of weight").get_by_role("button")
    expect(view.panel.locator(".dj-facts")).to_contain_text(re.compile(r"^\d{3} rows"))
    boxes = [bars.nth(index).bounding_box() for index in (2, 6)]
    mouse = view.page.page.mouse
    mouse.move(boxes[0]["x"] + 3, boxes[0]["y"] + 40)
    mouse.down()
    mouse.move(boxes[1]["x"] + 3, boxes[1]["y"] + 40, steps=6)
    mouse.up()
    expect(view.chips).to_have_count(2)
    assert view.asked("browser.code") == (
        "Session & '`weight` >= 10.0 AND `weight` <= 20.0' & dj.AndList(['`weight` >= 11.0', '`weight` < 13.5'])"
    )
    assert view.asked("len(eval(browser.code)) == len(browser.query) == browser.row_count") is True
    view.picture(pictures, "chips")
    view.button("Clear all filters").click()
    expect(view.chips).to_have_count(0)
    expect(view.status).to_have_text("3,000 rows")
    # Missing values, texts, and a chip that is taken away.
    view.panel.get_by_label("Column", exact=True).select_option("comment")
    view.panel.get_by_role("button", name=re.compile("missing: show only these")).click()
    expect(view.chips).to_have_text(["comment is missing×"])
    expect(view.status).to_have_text("2,000 rows")
    view.button("Remove the filter comment is missing").click()
    expect(view.status).to_have_text("3,000 rows")
    expect(view.panel.get_by_role("group", name="Most frequent values of comment").get_by_role("button")).to_have_count(
        2
    )
    view.picture(pictures, "values")
    view.panel.get_by_role("button", name=re.compile("^null: 500 rows")).click()
    expect(view.status).to_have_text("500 rows")
    assert view.asked("browser.restriction == [{'comment': 'null'}]") is True
    # From Python.
    view.asked("setattr(browser, 'restriction', {'subject_id': 3})")
    expect(view.chips).to_have_text(["subject_id = 3×"])
    expect(view.status).to_have_text("100 rows")
    # A value that the attribute cannot have is told, and changes nothing.
    view.panel.get_by_label("Column", exact=True).select_option("big")
    view.panel.get_by_label("Condition").select_option("=")
    view.panel.get_by_label("value", exact=True).fill("many")
    view.panel.get_by_role("button", name="Add filter").click()
    expect(view.cell.get_by_role("alert")).to_contain_text("no value of big")
    expect(view.chips).to_have_count(1)
    view.button("Dismiss").click()
    expect(view.cell.get_by_role("alert")).to_be_hidden()


def test_columns(open_browser, pictures, expect):
    view = open_browser("columns")
    head = view.grid.locator(".dj-header")
    expect(head).to_have_count(7)
    view.tool("Columns")
    view.panel.get_by_role("checkbox", name="started").uncheck()
    expect(head).to_have_count(6)
    expect(view.grid.locator("[data-row='1'] .dj-cell").nth(4)).to_have_text("9007199254740993")
    assert view.asked("browser.shown_columns") == ["subject_id", "session", "comment", "weight", "big", "trace"]
    view.check_accessible()
    view.picture(pictures, "columns")
    view.panel.get_by_role("button", name="Only the key").click()
    expect(head).to_have_count(2)
    expect(view.grid.locator("[data-row='1'] .dj-cell").nth(1)).to_have_text("1")
    view.panel.get_by_role("button", name="Show all").click()
    expect(head).to_have_count(7)
    view.panel.get_by_role("button", name="Close Columns").click()
    expect(view.panel).to_be_hidden()
    view.asked("setattr(browser, 'shown_columns', ['big'])")
    expect(head).to_have_count(1)
    expect(view.grid.locator("[data-row='1'] .dj-cell").first).to_have_text("9007199254740993")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_values_on_request(open_browser, pictures, expect, dark):
    name = "values-dark" if dark else "values-light"
    view = open_browser(name, "%dj browse Scan", dark=dark)
    view.grid.locator("[data-row='0'] .dj-cell").first.dblclick()
    panel = view.cell.get_by_role("region", name="Row")
    for column, said in {
        "trace": "float64 array, 500, 4.0 kB · smallest",
        "picture": "uint8 array, 40 × 60",
        "note": "file, 4 bytes",
        "raw": "3 bytes",
    }.items():
        panel.get_by_role("button", name=f"Show {column}").click()
        expect(panel).to_contain_text(said)
    expect(panel.get_by_role("img")).to_have_count(2)
    for image in panel.get_by_role("img").all():
        expect(image).to_have_js_property("complete", value=True)
        assert image.evaluate("node => node.naturalWidth") > 0
    expect(panel.locator(".dj-path")).to_contain_text("note.txt")
    view.check_accessible()
    view.picture(pictures, f"row-{name}")
    panel.get_by_role("button", name="Close this row").click()
    expect(panel).to_be_hidden()


def test_related_rows(open_browser, pictures, expect):
    view = open_browser("related", "%dj browse Scan")
    expect(view.status).to_have_text("60 rows")
    view.grid.locator("[data-row='0'] .dj-cell").first.dblclick()
    view.cell.get_by_role("region", name="Row").get_by_role("button", name="Related rows").click()
    expect(view.panel.get_by_role("button", name="Scan.Frame")).to_be_visible()
    expect(view.panel.locator(".dj-related")).to_have_text(re.compile("ParentsSession1 rowPartsScan.Frame5 rows"))
    view.check_accessible()
    view.picture(pictures, "related")
    view.panel.get_by_role("button", name="Session").click()
    expect(view.status).to_have_text("1 row")
    trail = view.cell.get_by_role("navigation", name="The way here")
    expect(trail.get_by_role("listitem")).to_have_text(["lab.scan", "lab.session"])
    assert view.asked("len(eval(browser.code)), browser.query.full_table_name == Session.full_table_name") == (1, True)
    view.tool("Related")
    view.panel.get_by_role("button", name="Score").wait_for()
    expect(view.panel.get_by_role("button", name="Score")).to_be_disabled()  # none yet
    view.panel.get_by_role("button", name="Subject").click()
    expect(trail.get_by_role("listitem")).to_have_text(["lab.scan", "lab.session", "lab.subject"])
    expect(view.grid.locator(".dj-header")).to_have_count(2)
    view.picture(pictures, "trail")
    trail.get_by_role("button", name="lab.scan").click()
    expect(view.status).to_have_text("60 rows")
    expect(trail).to_be_hidden()
    expect(view.grid.locator(".dj-header")).to_have_count(9)


def test_selection_export_and_code(open_browser, lab, pictures, expect):
    view = open_browser("select")
    expect(view.status).to_have_text("3,000 rows")
    row = view.grid.locator
    view.grid.get_by_role("checkbox", name="Select row 2", exact=True).click()
    expect(view.status).to_have_text("3,000 rows · 1 selected")
    view.grid.get_by_role("checkbox", name="Select row 5", exact=True).click(modifiers=["Shift"])
    expect(view.status).to_have_text("3,000 rows · 4 selected")
    row("[data-row='7'] .dj-cell").first.click(modifiers=["Control"])
    expect(row("[data-row='7']")).to_have_attribute("aria-selected", "true")
    assert view.asked("[key['session'] for key in browser.selection]") == [1, 2, 3, 4, 7]
    # Selected rows stay so in another order.
    view.asked("setattr(browser, 'order_by', 'big DESC')")
    expect(view.status).to_have_text("3,000 rows · 5 selected")
    expect(row("[data-row='0']")).to_have_attribute("aria-selected", "false")
    view.asked("setattr(browser, 'order_by', 'big')")
    expect(row("[data-row='7']")).to_have_attribute("aria-selected", "true")
    view.check_accessible()
    view.picture(pictures, "selected")
    # A file of them.
    view.tool("Export")
    expect(view.panel.get_by_role("checkbox", name="only the 5 selected")).to_be_checked()
    view.panel.get_by_label("File", exact=True).fill("five.csv")
    view.panel.get_by_role("button", name="Write").click()
    expect(view.panel.get_by_role("status")).to_have_text(
        re.compile("^5 rows written to five.csv. Left out, being binary: trace.")
    )
    view.picture(pictures, "export")
    assert (lab.root / "five.csv").read_text().splitlines()[5].startswith("0,7,")
    view.panel.get_by_role("button", name="Write").click()
    expect(view.cell.get_by_role("alert")).to_contain_text("five.csv exists")
    view.button("Dismiss").click()
    view.panel.get_by_role("checkbox", name="replace the file if it exists").check()
    view.panel.get_by_role("checkbox", name="only the 5 selected").uncheck()
    view.panel.get_by_role("button", name="Write").click()
    expect(view.panel.get_by_role("status")).to_have_text(re.compile("^3,000 rows written"))
    view.panel.get_by_label("as", exact=True).select_option("parquet")
    view.panel.get_by_role("button", name="Write").click()
    expect(view.panel.get_by_role("status")).to_have_text(re.compile("^3,000 rows written to five.parquet"))
    view.panel.get_by_label("File", exact=True).fill("../outside.csv")
    view.panel.get_by_role("button", name="Write").click()
    expect(view.cell.get_by_role("alert")).to_contain_text("Give a name in the notebook's folder")
    view.button("Dismiss").click()
    # The code of both.
    view.tool("Code")
    codes = view.panel.locator("pre")
    expect(codes.first).to_have_text("Session & dj.Top(None, ['big'])")
    assert view.asked(f"len({codes.nth(1).inner_text()})") == 5
    view.button("Copy Python for these rows").click()
    expect(view.panel.locator(".dj-copyable .dj-status").first).to_have_text(re.compile("copied|selected"))
    view.check_accessible()
    view.picture(pictures, "code")
    view.button("Unselect").click()
    expect(view.status).to_have_text("3,000 rows")
    view.asked("setattr(browser, 'selection', Session & 'subject_id = 0 and session < 3')")
    expect(view.status).to_have_text("3,000 rows · 3 selected")
    view.asked("setattr(browser, 'query', Subject)")
    expect(view.status).to_have_text("30 rows")


def test_keyboard_alone(open_browser, expect):
    """Sort, filter, select, follow and return without a pointer."""
    view = open_browser("keys")
    expect(view.status).to_have_text("3,000 rows")
    keyboard = view.page.page.keyboard
    view.grid.locator(".dj-sort").first.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "ArrowRight"):
        keyboard.press(key)
    keyboard.press("f")  # the filter of this column
    expect(view.panel.get_by_label("Column", exact=True)).to_be_focused()
    expect(view.panel.get_by_label("Column", exact=True)).to_have_value("weight")
    for _ in range(2):
        keyboard.press("Tab")
    keyboard.type("49")
    keyboard.press("Enter")
    expect(view.chips).to_have_text(["weight ≥ 49.0×"])
    keyboard.press("Escape")
    expect(view.panel).to_be_hidden()
    filter_tool = view.cell.get_by_role("group", name="Tools").get_by_role("button", name="Filter", exact=True)
    expect(filter_tool).to_be_focused()
    expect(filter_tool).to_have_attribute("aria-expanded", "false")
    expect(view.status).to_have_text("60 rows")
    expect(view.grid.locator("[data-row='0'] .dj-cell").first).not_to_be_empty()
    view.grid.locator(".dj-sort").first.focus()
    keyboard.press("ArrowDown")
    keyboard.press(" ")
    expect(view.status).to_have_text(re.compile(r"· 1 selected$"))
    keyboard.press("Enter")
    expect(view.cell.get_by_role("region", name="Row")).to_be_visible()
    keyboard.press("Escape")
    view.cell.get_by_role("group", name="Tools").get_by_role("button", name="Related").focus()
    keyboard.press("Enter")
    subject = view.panel.get_by_role("button", name="Subject")
    expect(subject).to_be_visible()
    subject.focus()
    keyboard.press("Enter")
    expect(view.status).to_have_text("1 row")
    expect(view.grid.locator(".dj-sort").first).to_be_focused()
    view.cell.get_by_role("navigation").get_by_role("button").first.focus()
    keyboard.press("Enter")
    expect(view.chips).to_have_text(["weight ≥ 49.0×"])


def test_the_page_stays_small(open_browser, expect):
    """However far one scrolls, the elements on the page and the rows it holds are bounded."""
    view = open_browser("small")
    expect(view.status).to_have_text("3,000 rows")
    counts = set()
    for place in range(0, 3000, 150):
        view.grid.evaluate("(node, share) => { node.scrollTop = share * node.scrollHeight; }", place / 3000)
        expect(view.grid.locator(".dj-body .dj-row:not([hidden]):not(.dj-waiting)").first).to_be_visible()
        counts.add(view.cell.locator(".dj-browser *").count())
    assert max(counts) < 600
