"""The restriction builder in a real JupyterLab: every control, and what the kernel then holds."""

from __future__ import annotations

import json
import re

import pytest

from tests.jupyter.browser.axe import serious_findings
from tests.jupyter.browser.pipeline import EXTENSION, set_up

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

TELL = """
import json
print("SAYS", json.dumps([builder.code, len(builder.query), len(eval(builder.code)), builder.sql == builder.query.sql(indent=True)]))
"""

PAIRS = """
@schema
class Pair(dj.Manual):
    definition = '''
    # animals that met
    -> Subject.proj(one='subject_id')
    -> Subject.proj(two='subject_id')
    ---
    met : date
    '''

Pair.insert({"one": i, "two": i + 10, "met": f"2024-02-{i + 1:02d}"} for i in range(10))
"""


@pytest.fixture
def expect():
    from playwright.sync_api import expect

    return expect


class Builder:
    """A builder on a page, and the cell that tells what the kernel holds of it."""

    def __init__(self, notebook, expect, cell=2):
        self.notebook, self.expect, self.page = notebook, expect, notebook.page
        self.cell = cell
        self.view = notebook.cell(cell).locator(".dj-builder")
        self.status = self.view.locator("> .dj-bar .dj-status")

    def rows(self, text):
        self.expect(self.status).to_have_text(text)

    def python(self, text):
        self.expect(self.view.get_by_label("Python", exact=True)).to_have_text(text)

    def told(self):
        """Run the last cell; return the code and how many rows the query and the evaluated code have."""
        cell = self.notebook.cell(self.cell + 1)
        before = cell.locator(".jp-InputPrompt").first.text_content()
        self.notebook.run_cell(self.cell + 1)
        self.expect(cell.locator(".jp-InputPrompt").first).not_to_have_text(before)
        output = cell.locator(".jp-OutputArea-output")
        self.expect(output).to_have_text(re.compile("SAYS"))
        return json.loads(output.text_content().split("SAYS", 1)[1])


def opened(new_notebook, expect, name, line, *, dark=False):
    notebook = new_notebook(dark=dark)
    notebook.write(f"{name}.ipynb", set_up(name), EXTENSION, line, TELL)
    notebook.open(f"{name}.ipynb")
    notebook.run_all()
    return Builder(notebook, expect)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_pictures_and_accessibility(new_notebook, pictures, expect, dark):
    name = "build-dark" if dark else "build-light"
    line = (
        "%dj restrict Session & 'weight BETWEEN 5 AND 20' & [{'comment': None}, \"comment LIKE '%nul%'\"]"
        " & dj.Near(Subject & {'species': ['mouse']}) & 'started > \"2024\" -' & dj.Not(Score) -o builder"
    )
    builder = opened(new_notebook, expect, name, line, dark=dark)
    expect(builder.status).to_have_text(re.compile(r"of 3,000 rows"))
    view = builder.view
    expect(view.locator(".dj-bars .dj-column").first).to_be_visible()
    expect(view.locator(".dj-choice").first).to_have_text(re.compile("mouse · 15"))
    expect(view.locator(".dj-wrong")).to_have_count(1)
    builder.notebook.page.wait_for_timeout(300)
    (pictures / f"builder-{name}.png").write_bytes(view.screenshot())
    view.locator("[data-control='+ Key']").first.click()
    view.get_by_label("Table of the key").select_option("Subject")
    expect(view.locator(".dj-keys .dj-button")).to_have_count(20)
    view.get_by_role("button", name="Open in browser").click()
    expect(view.locator(".dj-browser .dj-grid")).to_be_visible()
    builder.notebook.page.wait_for_timeout(500)
    (pictures / f"builder-all-{name}.png").write_bytes(view.screenshot())
    assert serious_findings(builder.page, ".dj-builder") == []
    code, rows, again, same = builder.told()
    assert rows == again
    assert same
    assert code.startswith("Session & ")


def test_conditions_on_attributes(new_notebook, expect):
    builder = opened(new_notebook, expect, "simple", "%dj restrict Session -o builder")
    view, page = builder.view, builder.page
    builder.rows("3,000 rows")
    builder.python("Session")

    # A new condition restricts nothing before it has a value.
    view.get_by_role("button", name="+ Condition").click()
    condition = view.locator(".dj-condition").first
    expect(condition.get_by_label("Attribute", exact=True)).to_be_focused()
    expect(condition.locator(".dj-problem")).to_have_text(re.compile("Not finished"))
    builder.rows("3,000 of 3,000 rows")
    condition.get_by_label("Attribute", exact=True).select_option("session")
    condition.get_by_label("Test", exact=True).select_option(">=")
    condition.get_by_label("Value", exact=True).fill("90")
    builder.rows("300 of 3,000 rows")
    builder.python("Session & '`session` >= 90'")
    condition.get_by_label("Value", exact=True).fill("9x")
    expect(condition.locator(".dj-wrong")).to_have_text(re.compile("'9x' is no value of session"))
    expect(condition.get_by_label("Value", exact=True)).to_have_attribute("aria-invalid", "true")
    expect(condition.get_by_label("Value", exact=True)).to_have_value("9x")
    condition.get_by_label("Value", exact=True).fill("98")
    builder.rows("60 of 3,000 rows")
    condition.get_by_role("button", name="not", exact=True).click()
    builder.rows("2,940 of 3,000 rows")
    expect(condition.get_by_role("button", name="not", exact=True)).to_have_attribute("aria-pressed", "true")
    builder.python("Session & dj.Not('`session` >= 98')")

    # A range, from the histogram: a click, then a drag, then the keyboard.
    condition.get_by_role("button", name="not", exact=True).click()
    condition.get_by_label("Test", exact=True).select_option("between")
    bars = condition.locator(".dj-column")
    expect(bars).to_have_count(20)
    bars.nth(1).click()
    expect(condition.get_by_label("From", exact=True)).to_have_value("5")
    expect(condition.get_by_label("To", exact=True)).to_have_value("9")
    builder.rows("150 of 3,000 rows")
    bars.nth(2).hover()
    page.mouse.down()
    bars.nth(5).hover()
    page.mouse.up()
    expect(condition.get_by_label("To", exact=True)).to_have_value("29")
    builder.rows("600 of 3,000 rows")
    expect(condition.locator(".dj-column[aria-pressed=true]")).to_have_count(4)
    bars.nth(0).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+Enter")
    builder.rows("300 of 3,000 rows")
    builder.python("Session & '`session` >= 5 AND `session` <= 14'")

    # Text, missing, moments, several values.
    view.get_by_role("button", name="+ Condition").click()
    text = view.locator(".dj-condition").nth(1)
    text.get_by_label("Attribute", exact=True).select_option("comment")
    text.get_by_label("Test", exact=True).select_option("contains")
    text.get_by_label("Text", exact=True).fill("onerror")
    builder.rows("50 of 3,000 rows")
    text.get_by_label("Test", exact=True).select_option("missing")
    builder.rows("200 of 3,000 rows")
    text.get_by_label("Test", exact=True).select_option("one of")
    text.locator(".dj-choice").filter(has_text="null").click()
    builder.rows("50 of 3,000 rows")
    text.get_by_label("Another value").fill('it\'s "new"')
    text.get_by_role("button", name="Add this value").or_(text.get_by_role("button", name="Add", exact=True)).click()
    expect(text.locator(".dj-choice[aria-pressed=true]")).to_have_count(2)
    text.locator(".dj-choice").filter(has_text="null").click()
    builder.rows("0 of 3,000 rows")
    text.get_by_label("Attribute", exact=True).select_option("started")
    text.get_by_label("Test", exact=True).select_option(">=")
    expect(text.get_by_label("Value", exact=True)).to_have_attribute("type", "datetime-local")
    text.get_by_label("Value", exact=True).fill("2024-01-01T12:00:00")
    builder.python("Session & '`session` >= 5 AND `session` <= 14' & \"`started` >= '2024-01-01 12:00:00'\"")
    _code, rows, again, same = builder.told()
    assert rows == again == 140  # by hand: subjects 8 to 14 and 22 to 28
    assert same
    text.get_by_role("button", name="Remove this condition").click()
    expect(view.locator(".dj-condition")).to_have_count(1)
    expect(condition.get_by_role("button", name="not", exact=True)).to_be_focused()

    # Words.
    view.get_by_role("button", name="+ Words").click()
    words = view.get_by_role("textbox", name="Condition in words")
    words.fill("weight * 2 < ")
    expect(view.locator(".dj-wrong")).to_have_count(1)
    words.fill("weight * 2 < 10")
    expect(view.locator(".dj-wrong")).to_have_count(0)
    builder.python("Session & '`session` >= 5 AND `session` <= 14' & 'weight * 2 < 10'")
    _code, rows, again, same = builder.told()
    assert rows == again
    assert same


def test_groups_tables_and_keys(new_notebook, pictures, expect):
    line = "%dj restrict Session & 'session < 10' & {'subject_id': 3} -o builder"
    builder = opened(new_notebook, expect, "groups", line)
    view = builder.view
    builder.rows("10 of 3,000 rows")

    # Put a condition into a group, add an alternative, negate the group, take it apart again.
    view.get_by_role("button", name="Group this condition").nth(1).click()
    group = view.get_by_role("group", name="Group of conditions")
    group.get_by_role("button", name="+ Condition").click()
    second = group.locator(".dj-condition").nth(1)
    second.get_by_label("Attribute", exact=True).select_option("subject_id")
    second.get_by_label("Value", exact=True).fill("4")
    builder.rows("20 of 3,000 rows")
    builder.python("Session & '`session` < 10' & [{'subject_id': 3}, {'subject_id': 4}]")
    combine = group.get_by_label("How the conditions of this group combine")
    combine.select_option("not or")
    builder.rows("280 of 3,000 rows")
    combine.select_option("not and")
    builder.rows("300 of 3,000 rows")
    combine.select_option("and")
    builder.rows("0 of 3,000 rows")
    combine.select_option("or")
    group.get_by_role("button", name="Ungroup").click()
    expect(view.locator(".dj-group .dj-group")).to_have_count(0)
    builder.rows("0 of 3,000 rows")
    view.get_by_role("button", name="Remove this condition").nth(2).click()
    view.get_by_role("button", name="Remove this condition").nth(1).click()
    builder.rows("300 of 3,000 rows")
    view.get_by_role("button", name="+ Group").click()
    view.get_by_role("button", name="Remove this group").click()

    # A row of a related table, or none; with conditions of its own.
    view.get_by_role("button", name="+ Related table").click()
    related = view.locator(".dj-exists")
    expect(related.locator(".dj-problem").first).to_have_text(re.compile("Not finished"))
    related.get_by_label("Related table", exact=True).select_option("Subject")
    related.get_by_role("button", name="+ Condition").click()
    inner = related.locator(".dj-condition")
    inner.get_by_label("Attribute", exact=True).select_option("species")
    inner.locator(".dj-choice").filter(has_text="rat").click()
    expect(inner.locator(".dj-count")).to_have_text("15 rows")
    builder.rows("150 of 3,000 rows")
    builder.python("Session & '`session` < 10' & dj.Near(Subject & [{'species': 'rat'}])")
    related.get_by_label("Whether such a row exists").select_option("not")
    builder.rows("150 of 3,000 rows")
    builder.python("Session & '`session` < 10' & dj.Not(dj.Near(Subject & [{'species': 'rat'}]))")
    related.get_by_role("button", name="Remove this condition").last.click()
    related.get_by_role("button", name="Remove this condition").click()
    expect(related).to_have_count(0)

    # The key of a row of another table; the keyboard leaves the choice.
    view.get_by_role("button", name="+ Key").click()
    picker = view.locator(".dj-picker")
    expect(picker.get_by_label("Table of the key")).to_be_focused()
    builder.page.keyboard.press("Escape")
    expect(picker).to_have_count(0)
    expect(view.get_by_role("button", name="+ Key")).to_be_focused()
    view.get_by_role("button", name="+ Key").click()
    picker.get_by_label("Table of the key").select_option("Subject")
    expect(picker.locator(".dj-keys .dj-button")).to_have_count(20)
    picker.get_by_role("button", name="Later").click()
    expect(picker.locator(".dj-keys .dj-button")).to_have_count(10)
    picker.get_by_role("button", name="Earlier").click()
    expect(picker.locator(".dj-keys .dj-button")).to_have_count(20)
    picker.get_by_label("Find in the rows").fill("7")
    builder.page.keyboard.press("Tab")
    expect(picker.locator(".dj-keys .dj-button")).to_have_text(["subject_id: 7 · species: mouse"])
    picker.get_by_role("button", name="Cancel").click()
    view.get_by_role("button", name="+ Key").click()
    picker.get_by_label("Table of the key").select_option("Subject")
    picker.get_by_role("button", name="subject_id: 8 ").click()
    builder.rows("10 of 3,000 rows")
    builder.python("Session & '`session` < 10' & {'subject_id': 8}")

    # The rows, under the conditions as they are now; the query as a variable; the texts to be copied.
    view.get_by_role("button", name="Open in browser").click()
    browser = view.locator(".dj-browser")
    expect(browser.locator(".dj-status").first).to_have_text("10 rows")
    view.get_by_role("button", name="+ Words").click()
    view.get_by_role("textbox", name="Condition in words").fill("session % 2 = 0")
    builder.rows("5 of 3,000 rows")
    view.get_by_role("button", name="Show these rows").click()
    expect(browser.locator(".dj-status").first).to_have_text("5 rows")
    (pictures / "builder-browser.png").write_bytes(view.screenshot())
    view.get_by_role("button", name="Close browser").click()
    expect(browser).to_have_count(0)
    view.get_by_label("Name of the variable").fill("Subject")
    view.get_by_role("button", name="Keep", exact=True).click()
    expect(view.locator("> .dj-alert")).to_contain_text("Subject, which is something else already")
    view.get_by_label("Name of the variable").fill("chosen")
    builder.page.keyboard.press("Enter")
    expect(view.locator(".dj-said")).to_have_text("Kept as chosen")
    expect(view.locator("> .dj-alert")).to_be_hidden()
    builder.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    view.get_by_role("button", name="Copy Python").click()
    expect(view.locator(".dj-said")).to_have_text("Python copied")
    copied = builder.page.evaluate("() => navigator.clipboard.readText()")
    view.locator("summary", has_text="SQL").click()
    expect(view.get_by_label("SQL", exact=True)).to_contain_text("WHERE")
    view.get_by_role("button", name="Copy SQL").click()
    expect(view.locator(".dj-said")).to_have_text("SQL copied")
    view.get_by_role("button", name="Refresh").first.click()
    expect(view.locator(".dj-said")).to_have_text("Counted again")
    notebook = builder.notebook
    code, rows, again, same = builder.told()
    assert code == copied
    assert rows == again == 5
    assert same
    assert serious_findings(builder.page, ".dj-builder") == []
    assert notebook.faults == []


def test_by_keyboard_alone_in_two_views(new_notebook, pictures, expect):
    """A nested condition without a pointer, which a second view follows and goes on with."""
    notebook = new_notebook()
    lines = ("%dj restrict Session -o builder", TELL, "builder")
    notebook.write("keys.ipynb", set_up("keys") + PAIRS, EXTENSION, *lines)
    notebook.open("keys.ipynb")
    notebook.run_all()
    builder = Builder(notebook, expect)
    view, second, press = builder.view, notebook.cell(4).locator(".dj-builder"), notebook.page.keyboard.press
    builder.rows("3,000 rows")

    def tab(times=1):
        for _ in range(times):
            press("Tab")

    def at(name):
        found = view.locator(":focus")
        expect(found).to_have_accessible_name(name)
        return found

    # A condition, a group around it, an alternative.
    view.get_by_role("button", name="Refresh").first.focus()
    tab()
    at("+ Condition")
    press("Enter")
    at("Attribute")
    press("w")
    expect(at("Attribute")).to_have_value("weight")
    tab()
    for _ in range(5):
        press("ArrowDown")
    expect(at("Test")).to_have_value(">=")
    tab()
    at("Value")
    notebook.page.keyboard.type("40")
    builder.rows("595 of 3,000 rows")
    tab()
    at("Group this condition")
    press("Enter")
    at("Group this condition")  # which is now within the group
    tab(2)
    at("+ Condition")
    press("Enter")
    at("Attribute")
    press("c")
    expect(at("Attribute")).to_have_value("comment")
    tab()
    press("End")
    expect(at("Test")).to_have_value("missing")
    builder.rows("2,198 of 3,000 rows")
    press("Shift+Tab")
    press("Shift+Tab")
    at("not")
    press("Enter")
    expect(at("not")).to_have_attribute("aria-pressed", "true")
    builder.rows("1,397 of 3,000 rows")
    press(" ")
    builder.rows("2,198 of 3,000 rows")

    # Another table, to which two ways lead.
    tab(6)
    at("+ Related table")
    press("Enter")
    at("Whether such a row exists")
    press("ArrowDown")
    tab()
    at("Related table")
    expect(at("Related table").locator("option", has_text="Pair")).to_have_count(1)
    press("P")
    expect(view.locator(".dj-exists > .dj-problem")).to_have_text("Not finished: 2 ways lead to Pair. Choose one.")
    tab()
    at("Way to that table")
    (pictures / "builder-ways.png").write_bytes(view.screenshot())
    press("ArrowDown")
    expect(at("Way to that table")).to_have_value("one")
    builder.python("Session & ['`weight` >= 40.0', {'comment': None}, dj.Not(dj.Near(Pair, via='one'))]")
    expect(view.locator(".dj-exists > .dj-bar .dj-count")).to_have_text("2,000 rows")
    expect(view.locator(".dj-problem:visible")).to_have_count(0)

    # The other view shows the same, and goes on: a date, of that table.
    expect(second.get_by_label("Value", exact=True)).to_have_value("40")
    expect(second.get_by_label("Way to that table")).to_have_value("one")
    expect(second.get_by_label("Python", exact=True)).to_have_text(re.compile("via='one'"))
    related = second.locator(".dj-exists")
    related.get_by_role("button", name="+ Condition").click()
    related.get_by_label("Attribute", exact=True).select_option("met")
    related.get_by_label("Test", exact=True).select_option(">=")
    expect(related.get_by_label("Value", exact=True)).to_have_attribute("type", "date")
    related.get_by_label("Value", exact=True).fill("2024-02-06")
    expect(related.locator(".dj-condition .dj-count")).to_have_text("5 rows")
    expect(view.locator(".dj-exists").get_by_label("Value", exact=True)).to_have_value("2024-02-06")
    expect(view.locator(".dj-exists > .dj-bar .dj-count")).to_have_text("2,500 rows")
    (pictures / "builder-keyboard.png").write_bytes(view.screenshot())
    code, rows, again, same = builder.told()
    assert "dj.Not(dj.Near(Pair & \"`met` >= '2024-02-06'\", via='one'))" in code
    assert rows == again
    assert same
