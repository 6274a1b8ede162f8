"""Entry forms and delete views in a real JupyterLab: every control, and what the database then holds."""

from __future__ import annotations

import datetime
import re

import pytest

import datajoint as dj
from tests.jupyter.browser.axe import serious_findings
from tests.jupyter.browser.forms_pipeline import EXTENSION, set_up

# One server and one browser serve them all.
pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.fixture
def expect():
    from playwright.sync_api import expect

    return expect


@pytest.fixture
def stored(lab, settings):
    """Read tables of a notebook's database from here: what a click did is asked of the database itself."""
    connections = []

    def read(name, table):
        if not connections:
            connections.append(dj.Connection(f"sqlite:///{lab.root / name}.db", config_override=settings))
        return dj.FreeTable(connections[0], table)

    yield read
    for connection in connections:
        connection.close()


def opened(notebook, name, *cells):
    notebook.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    notebook.write(f"{name}.ipynb", set_up(name), EXTENSION, *cells)
    notebook.open(f"{name}.ipynb")
    notebook.run_cell(0)
    notebook.run_cell(1)


def paste(page, locator, text):
    """Paste as the keyboard does: the clipboard's text arrives with a paste event."""
    page.evaluate("text => navigator.clipboard.writeText(text)", text)
    locator.click()
    page.keyboard.press("Control+v")


def test_a_row_with_its_parts(new_notebook, pictures, stored, expect):
    name = "form-light"
    notebook = new_notebook()
    opened(notebook, name, "%dj insert Session -o form", "print('kernel', form.inserted, form.values)")
    notebook.run_cell(2)
    page = notebook.page
    form = notebook.cell(2).locator(".dj-form")
    expect(form.get_by_label("weight", exact=True)).to_be_visible()
    assert form.locator("img, script, b").count() == 0
    expect(form.locator(".dj-hint", has_text="before <b>anything</b>")).to_be_visible()
    expect(form.locator(".dj-unit")).to_have_text("g")

    # Inserting nothing marks what is needed, and moves there.
    form.get_by_role("button", name="Insert", exact=True).click()
    expect(form.get_by_label("subject_id", exact=True)).to_be_focused()
    expect(form.locator(".dj-fault").filter(has_text="needs a value")).to_have_count(3)
    (pictures / f"{name}-empty.png").write_bytes(form.screenshot())
    assert len(stored(name, "lab.session")) == 0

    # Choose the parent: search, page, choose.
    form.get_by_role("button", name="Choose a row of lab.subject").click()
    chooser = form.locator(".dj-chooser")
    expect(chooser.locator("tbody tr")).to_have_count(8)
    expect(chooser.get_by_role("button", name="Previous rows")).to_be_disabled()
    chooser.get_by_role("button", name="Next rows").click()
    expect(chooser.locator("tbody td").first).to_have_text("8")
    chooser.get_by_role("button", name="Previous rows").click()
    expect(chooser.locator("tbody td").first).to_have_text("0")
    chooser.get_by_role("searchbox").fill("SCRIPT")
    expect(chooser.locator("tbody tr")).to_have_count(1)
    assert chooser.locator("script").count() == 0
    (pictures / f"{name}-chooser.png").write_bytes(form.screenshot())
    assert serious_findings(page, ".dj-form") == []
    chooser.get_by_role("searchbox").fill("no such")
    expect(chooser.get_by_role("status")).to_have_text("no row found")
    page.keyboard.press("Escape")
    expect(chooser).to_have_count(0)
    form.get_by_role("button", name="Choose a row of lab.subject").click()
    chooser.get_by_role("searchbox").fill("m12")
    chooser.get_by_role("button", name=re.compile("Choose subject_id 12")).click()
    expect(chooser).to_have_count(0)
    expect(form.get_by_label("subject_id", exact=True)).to_have_value("12")

    # Every kind of input; what is wrong is told beside it.
    form.get_by_label("session", exact=True).fill("many")
    form.get_by_role("button", name="Set started to now").click()
    expect(form.get_by_label("started", exact=True)).to_have_value(re.compile(r"^\d{4}-\d\d-\d\d \d\d:"))
    expect(form.locator(".dj-field", has_text="session").filter(has_text="is not a number")).to_be_visible()
    form.get_by_label("session", exact=True).fill("7")
    form.get_by_label("started", exact=True).fill("2024-05-06 07:08:09")
    form.get_by_label("day", exact=True).fill("2024-02-29")
    form.get_by_label("good", exact=True).select_option("False")
    form.get_by_label("weight", exact=True).fill("21.5")
    form.get_by_label("note", exact=True).fill("it's <i>\nand \\ more")
    form.get_by_label("info", exact=True).fill("{")
    form.get_by_label("trace", exact=True).fill("[1, 2.5]")
    expect(form.locator(".dj-fault").filter(has_text="This is no JSON")).to_be_visible()
    form.get_by_role("button", name="Leave info out").click()
    expect(form.get_by_label("info", exact=True)).to_have_value("")
    form.get_by_label("info", exact=True).fill('{"a": [1]}')
    expect(form.locator('[aria-invalid="true"]')).to_have_count(0)

    # Parts: add, paste several cells, take one away.
    form.get_by_role("button", name="Add a row to Session.Trial").click()
    paste(page, form.get_by_label("trial, row 1"), "1\thit\n2\tmiss\n3\tbad")
    expect(form.get_by_label("trial, row 3")).to_have_value("3")
    expect(form.locator(".dj-verdict").filter(has_text="'bad' is no label")).to_be_visible()
    (pictures / f"{name}-filled.png").write_bytes(form.screenshot())
    form.get_by_role("button", name="Leave row 3 out").click()
    expect(form.locator(".dj-partbox tbody tr")).to_have_count(2)
    code = form.get_by_role("region", name="Python that inserts the same")
    expect(code).to_contain_text("Session.Trial.insert([")
    form.get_by_role("button", name="Copy the Python code").first.click()
    expect(form.get_by_text("copied")).to_be_visible()
    assert page.evaluate("() => navigator.clipboard.readText()") == code.text_content()
    written = code.text_content()

    form.get_by_role("button", name="Insert", exact=True).click()
    expect(form.locator(".dj-status").first).to_have_text("3 rows inserted into lab.session and its parts.")
    row = stored(name, "lab.session").fetch1()
    assert row["started"] == datetime.datetime(2024, 5, 6, 7, 8, 9)
    assert (row["subject_id"], row["session"], row["day"]) == (12, 7, datetime.date(2024, 2, 29))
    assert (row["good"], row["weight"], row["info"], row["trace"]) == (False, 21.5, {"a": [1]}, [1, 2.5])
    assert row["note"] == "it's <i>\nand \\ more"
    assert stored(name, "lab.session__trial").to_dicts() == [
        {"subject_id": 12, "session": 7, "trial": 1, "outcome": "hit"},
        {"subject_id": 12, "session": 7, "trial": 2, "outcome": "miss"},
    ]
    # The same key again is refused before anything is written; the kernel knows what is typed.
    expect(form.get_by_label("subject_id", exact=True)).to_have_value("12")
    expect(form.get_by_label("session", exact=True)).to_be_focused()
    form.get_by_label("session", exact=True).fill("7")
    form.get_by_label("started", exact=True).fill("2025-01-01")
    expect(form.locator(".dj-whole")).to_contain_text("exists already")
    notebook.run_cell(3)
    expect(notebook.cell(3).locator(".jp-OutputArea-output")).to_contain_text(
        "kernel 3 {'subject_id': '12', 'session': '7'"
    )
    form.get_by_role("button", name="Clear the form").click()
    expect(form.get_by_label("subject_id", exact=True)).to_have_value("")
    assert "Session.insert1(" in written


def test_by_keyboard_alone(new_notebook, stored, expect):
    notebook = new_notebook()
    opened(notebook, "keys", "%dj insert Subject", "%dj insert Subject")
    for index in (2, 3):
        notebook.run_cell(index)
    form = notebook.cell(2).locator(".dj-form")
    page = notebook.page
    # Two forms on one page have no label in common.
    expect(notebook.cell(3).locator(".dj-form").get_by_label("species", exact=True)).to_be_visible()
    assert (
        page.evaluate(
            "() => { const ids = [...document.querySelectorAll('.dj-live [id]')].map((node) => node.id);"
            " return ids.length - new Set(ids).size; }"
        )
        == 0
    )
    tab = form.get_by_role("tab", name="One row")
    tab.focus()
    page.keyboard.press("ArrowRight")
    expect(form.get_by_role("tab", name="From a spreadsheet")).to_be_focused()
    expect(form.get_by_label("Paste cells of a spreadsheet here")).to_be_visible()
    page.keyboard.press("ArrowLeft")
    expect(tab).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.type("77")
    page.keyboard.press("Tab")  # past the button that leaves it out
    page.keyboard.press("Tab")
    page.keyboard.type("r")  # the label that begins so
    expect(form.get_by_label("species", exact=True)).to_have_value("1")
    page.keyboard.press("Control+Enter")
    expect(form.locator(".dj-status").first).to_have_text("1 row inserted into lab.subject.")
    assert (stored("keys", "lab.subject") & "subject_id=77").fetch1("species") == "rat"
    assert page.locator(".jp-Notebook .jp-CodeCell").count() == 4  # no key reached the notebook


def test_rows_from_a_spreadsheet(new_notebook, pictures, stored, expect):
    name = "sheet-light"
    notebook = new_notebook()
    opened(
        notebook, name, "%dj insert Subject -o form", "print('kernel', form.inserted, len(form.pasted_rows), form.mode)"
    )
    notebook.run_cell(2)
    page = notebook.page
    form = notebook.cell(2).locator(".dj-form")
    form.get_by_role("tab", name="From a spreadsheet").click()
    area = form.get_by_label("Paste cells of a spreadsheet here")
    lines = ["species\tsubject_id\tnick"] + [f"rat\t{i}\t<u>{i}</u>" for i in range(100, 180)]
    lines[3], lines[70], lines[71], lines[80] = "cat\t102\t", "rat\t39\t", "rat\tx\t", "rat\t100\t"
    paste(page, area, "\n".join(lines))
    summary = form.locator(".dj-pane:not([hidden]) .dj-status").first
    expect(summary).to_have_text("80 rows, 4 with problems · rows 1 to 50")
    expect(form.get_by_role("button", name="Insert all rows")).to_be_disabled()
    expect(form.locator("tr[data-row='2'] .dj-verdict")).to_contain_text("'cat' is no label")
    assert form.locator("u").count() == 0
    assert serious_findings(page, ".dj-form") == []
    (pictures / f"{name}.png").write_bytes(form.screenshot())
    assert len(stored(name, "lab.subject")) == 40

    # Correct them where they are: by menu, by typing, by leaving a row out.
    form.get_by_role("button", name="Go to the first problem").click()
    species = form.get_by_label("species, row 3", exact=True)
    expect(species).to_be_focused()
    species.select_option("mouse")
    expect(summary).to_have_text("80 rows, 3 with problems · rows 1 to 50")
    expect(species).to_be_focused()
    form.get_by_role("button", name="Next rows").last.click()
    expect(summary).to_contain_text("rows 51 to 80")
    expect(form.locator("tr[data-row='69'] .dj-verdict")).to_contain_text("exists already")
    form.get_by_label("subject_id, row 70").fill("500")
    page.keyboard.press("Tab")
    form.get_by_label("subject_id, row 71").fill("501")
    page.keyboard.press("Tab")
    expect(summary).to_contain_text("1 with problems")
    form.get_by_role("button", name="Leave row 80 out").click()
    expect(summary).to_have_text("79 rows, all as the table takes them · rows 51 to 79")
    form.get_by_role("button", name="Previous rows").last.click()
    expect(summary).to_contain_text("rows 1 to 50")
    expect(form.get_by_role("region", name="Python that inserts the same").last).to_contain_text("Subject.insert([")
    notebook.run_cell(3)
    expect(notebook.cell(3).locator(".jp-OutputArea-output")).to_have_text(re.compile("kernel 0 79 many"))
    form.get_by_role("button", name="Insert all rows").click()
    expect(form.locator(".dj-status").first).to_have_text("79 rows inserted into lab.subject.")
    table = stored(name, "lab.subject")
    assert len(table) == 119
    assert (table & "subject_id=102").fetch1("species") == "mouse"
    assert (table & "subject_id=500").fetch1("nick") == ""
    assert (table & "subject_id=101").fetch1("nick") == "<u>101</u>"

    # What cannot be read is told, and rows can be taken away.
    area.fill("subject_id\tspecie\n1\trat")
    form.get_by_role("button", name="Read rows").click()
    expect(form.get_by_role("alert")).to_contain_text("no such attribute")
    form.get_by_role("button", name="Dismiss").click()
    expect(form.get_by_role("alert")).to_be_hidden()
    area.fill("700\trat\tx")
    form.get_by_role("button", name="Read rows").click()
    expect(summary).to_have_text("1 row, all as the table takes them")
    form.get_by_role("button", name="Take all pasted rows away").click()
    expect(form.get_by_role("button", name="Insert all rows")).to_be_hidden()
    assert len(stored(name, "lab.subject")) == 119


def test_two_views_and_a_reload(new_notebook, stored, expect):
    notebook = new_notebook()
    opened(
        notebook, "views", "%dj insert Subject -o form", "form", "form.values = {'subject_id': 321, 'species': 'rat'}"
    )
    for index in (2, 3):
        notebook.run_cell(index)
    first, second = (notebook.cell(index).locator(".dj-form") for index in (2, 3))
    first.get_by_label("nick", exact=True).press_sequentially("both", delay=150)  # the kernel answers in between
    expect(first.get_by_label("nick", exact=True)).to_have_value("both")
    expect(second.get_by_label("nick", exact=True)).to_have_value("both")
    notebook.run_cell(4)
    for form in (first, second):
        expect(form.get_by_label("subject_id", exact=True)).to_have_value("321")
    first.get_by_role("button", name="Insert", exact=True).click()
    for form in (first, second):
        expect(form.locator(".dj-status").first).to_have_text("1 row inserted into lab.subject.")
    assert (stored("views", "lab.subject") & "subject_id=321").fetch1("species") == "rat"
    first.get_by_label("subject_id", exact=True).fill("322")
    expect(second.get_by_label("subject_id", exact=True)).to_have_value("322")
    notebook.save()

    # What was typed survives a reload of the page.
    notebook.open("views.ipynb")
    expect(first.get_by_label("subject_id", exact=True)).to_have_value("322")
    expect(notebook.page.locator("[data-dj-static]").first).to_be_hidden()
    first.get_by_label("species", exact=True).select_option("mouse")
    first.get_by_role("button", name="Insert", exact=True).click()
    expect(first.locator(".dj-status").first).to_have_text("1 row inserted into lab.subject.")
    assert (stored("views", "lab.subject") & "subject_id=322").fetch1("species") == "mouse"

    # The front end itself complains in its console of a reload while it was asking.
    notebook.faults[:] = [f for f in notebook.faults if not re.search("debugger state", f, re.IGNORECASE)]


def test_a_locked_database_is_told(new_notebook, pictures, stored, expect):
    notebook = new_notebook()
    opened(
        notebook,
        "locked",
        "%dj insert Subject",
        "%dj delete Subject & 'subject_id = 7'",
        "import sqlite3\nother = sqlite3.connect('locked.db', isolation_level=None)\nother.execute('BEGIN IMMEDIATE')",
        "other.execute('ROLLBACK')\nprint('free')",
    )
    for index in (2, 3, 4):
        notebook.run_cell(index)
    form, view = notebook.cell(2).locator(".dj-form"), notebook.cell(3).locator(".dj-delete")
    form.get_by_label("subject_id", exact=True).fill("900")
    form.get_by_label("species", exact=True).select_option("rat")
    expect(notebook.cell(4).locator(".jp-OutputArea-output")).to_contain_text("Cursor")
    form.get_by_role("button", name="Insert", exact=True).click()
    view.get_by_role("button", name="Delete 1 row").click()
    expect(form.get_by_role("alert")).to_contain_text("lock")
    expect(view.get_by_role("alert")).to_contain_text("lock")
    expect(view.locator(".dj-headline")).to_have_text("Nothing was deleted.")
    (pictures / "locked.png").write_bytes(notebook.page.screenshot(full_page=True))
    assert len(stored("locked", "lab.subject")) == 40
    notebook.run_cell(5)
    expect(notebook.cell(5).locator(".jp-OutputArea-output")).to_have_text(re.compile("free"))
    form.get_by_role("button", name="Insert", exact=True).click()
    expect(form.locator(".dj-status").first).to_have_text("1 row inserted into lab.subject.")
    view.get_by_role("button", name="Delete 1 row").click()
    expect(view.locator(".dj-headline")).to_have_text("1 row deleted from 1 table.")
    assert len(stored("locked", "lab.subject")) == 40
    assert len(stored("locked", "lab.subject") & "subject_id=7") == 0


# --- deleting
ROWS = """
Session.insert({"subject_id": i, "session": k, "started": "2024-01-01"} for i in range(3) for k in range(4))
Session.Trial.insert({"subject_id": i, "session": k, "trial": t, "outcome": "hit"}
                     for i in range(3) for k in range(4) for t in range(5))
Score.populate()
"""


def test_delete(new_notebook, pictures, stored, expect):
    name = "delete-light"
    notebook = new_notebook()
    opened(
        notebook,
        name,
        ROWS,
        '%dj delete Subject & "subject_id = 1" -o view',
        'Session.insert1({"subject_id": 1, "session": 9, "started": "2024-01-01"})',
        "print('kernel', view.state, sum(view.deleted.values()))",
    )
    for index in (2, 3):
        notebook.run_cell(index)
    view = notebook.cell(3).locator(".dj-delete")
    headline = view.locator(".dj-headline")
    expect(headline).to_have_text("29 rows will be deleted from 4 tables")
    expect(view.locator(".dj-alert")).to_be_hidden()
    names = view.locator(".dj-table-name").all_text_contents()
    assert names[:2] == ["lab.subject", "lab.session"]
    assert set(names[2:]) == {"lab.session__trial", "lab.__score"}
    trial = view.locator(".dj-planned").filter(has_text="lab.session__trial").last
    expect(trial.locator(".dj-count")).to_have_text("20 rows")
    expect(trial.locator(".dj-keys li")).to_have_count(6)
    trial.locator("summary").click()
    expect(trial.locator(".dj-keys")).to_be_hidden()
    trial.locator("summary").click()
    expect(view.locator("code", has_text='(Subject & "subject_id = 1").delete()')).to_be_visible()
    assert serious_findings(notebook.page, ".dj-delete") == []
    (pictures / f"{name}.png").write_bytes(view.screenshot())

    # The name must be right; until then, the button does nothing.
    go = view.get_by_role("button", name="Delete 29 rows")
    confirm = view.get_by_label("To confirm, type")
    expect(go).to_be_disabled()
    confirm.fill("lab.sub")
    confirm.press("Enter")
    expect(go).to_be_disabled()
    assert len(stored(name, "lab.subject")) == 40

    # Cancel, and look again.
    view.get_by_role("button", name="Cancel").click()
    expect(headline).to_have_text("Cancelled; nothing was deleted.")
    expect(go).to_be_hidden()
    view.get_by_role("button", name="Look again").click()
    expect(headline).to_have_text("29 rows will be deleted from 4 tables")

    # Rows that came since are shown instead of being deleted.
    notebook.run_cell(4)
    expect(notebook.cell(4).locator(".jp-InputPrompt")).to_have_text(re.compile(r"\[\d+\]:"))
    confirm.fill("lab.subject")
    confirm.press("Enter")
    expect(headline).to_contain_text("more rows would go than were shown (1 of lab.session)")
    expect(view.locator(".dj-added")).to_have_text("1 more than shown before")
    expect(confirm).to_have_value("")
    (pictures / f"{name}-more.png").write_bytes(view.screenshot())
    assert len(stored(name, "lab.subject")) == 40

    confirm.fill("lab.subject")
    view.get_by_role("button", name="Delete 30 rows").click()
    expect(headline).to_have_text("30 rows deleted from 4 tables.")
    (pictures / f"{name}-done.png").write_bytes(view.screenshot())
    assert len(stored(name, "lab.subject")) == 39
    for table, left in [("lab.session", 8), ("lab.session__trial", 40), ("lab.__score", 8)]:
        assert len(stored(name, table)) == left
        assert len(stored(name, table) & "subject_id=1") == 0
    notebook.run_cell(5)
    expect(notebook.cell(5).locator(".jp-OutputArea-output")).to_have_text(re.compile("kernel done 30"))
    view.get_by_role("button", name="Look again").click()
    expect(headline).to_contain_text("there is nothing to delete")


def test_parts_and_masters(new_notebook, stored, expect):
    notebook = new_notebook()
    opened(notebook, "masters", ROWS, '%dj delete Session.Trial & "subject_id = 1 AND session = 2 AND trial = 3"')
    for index in (2, 3):
        notebook.run_cell(index)
    view = notebook.cell(3).locator(".dj-delete")
    expect(view.locator(".dj-refused")).to_contain_text("before its master")
    expect(view.get_by_role("button", name=re.compile("^Delete"))).to_be_hidden()
    way = view.get_by_label("Masters whose part rows go")
    way.select_option("cascade")
    expect(view.locator(".dj-headline")).to_have_text("7 rows will be deleted from 3 tables")
    way.select_option("strict")
    expect(view.locator(".dj-refused")).to_be_visible()
    way.select_option("ignore")
    expect(view.locator(".dj-notes")).to_contain_text("1 row of lab.session lose rows of lab.session__trial and stay.")
    view.get_by_role("button", name="Delete 1 row").click()
    expect(view.locator(".dj-headline")).to_have_text("1 row deleted from 1 table.")
    assert len(stored("masters", "lab.session__trial")) == 59
    assert len(stored("masters", "lab.session")) == 12


def test_a_delete_under_way_can_be_cancelled(new_notebook, stored, expect):
    notebook = new_notebook()
    opened(
        notebook,
        "midway",
        ROWS,
        '%dj delete Subject & "subject_id < 3" -o view',
        # The first rows go and the rest waits until the reader has clicked.
        "import threading, pathlib, time\nfrom datajoint.events import RowsDeleted\n"
        "def hold(event):\n"
        "    if isinstance(event, RowsDeleted):\n"
        "        while not view._stop.is_set(): time.sleep(0.05)\n"
        "subscription = connection.events.subscribe(hold)",
        "subscription.close()\nprint('kernel', view.wait(20), view.state, len(Subject()))",
    )
    for index in (2, 3, 4):
        notebook.run_cell(index)
    view = notebook.cell(3).locator(".dj-delete")
    expect(notebook.cell(4).locator(".jp-InputPrompt")).to_have_text(re.compile(r"\[\d+\]:"))
    view.get_by_label("To confirm, type").fill("lab.subject")
    view.get_by_role("button", name=re.compile("^Delete")).click()
    expect(view.get_by_role("progressbar")).to_be_visible()
    view.get_by_role("button", name="Cancel").click()
    expect(view.locator(".dj-headline")).to_have_text("Stopped; nothing was deleted.")
    notebook.run_cell(5)
    expect(notebook.cell(5).locator(".jp-OutputArea-output")).to_have_text(re.compile("kernel True asking 40"))
    assert len(stored("midway", "lab.session")) == 12


def test_looks_and_accessibility_in_the_dark(new_notebook, pictures, expect):
    notebook = new_notebook(dark=True)
    lines = ["%dj insert Session", "%dj insert Subject", '%dj delete Subject & "subject_id = 1"']
    opened(notebook, "dark", ROWS, *lines)
    for index in range(2, 6):
        notebook.run_cell(index)
    page = notebook.page
    form, sheet, view = (notebook.cell(index).locator(".dj-live") for index in (3, 4, 5))
    form.get_by_role("button", name="Choose a row of lab.subject").click()
    expect(form.locator(".dj-chooser tbody tr")).to_have_count(8)
    form.get_by_label("session", exact=True).fill("many")
    form.get_by_role("button", name="Add a row to Session.Trial").click()
    paste(page, form.get_by_label("trial, row 1"), "1\thit\n2\tbad")
    expect(form.locator(".dj-verdict").filter(has_text="'bad' is no label")).to_be_visible()
    sheet.get_by_role("tab", name="From a spreadsheet").click()
    paste(page, sheet.get_by_label("Paste cells of a spreadsheet here"), "100\tcat\n101\trat")
    expect(sheet.locator("tr[data-row='0'] .dj-verdict")).to_contain_text("'cat' is no label")
    expect(view.locator(".dj-headline")).to_have_text("29 rows will be deleted from 4 tables")
    for name, shown in (("form", form), ("sheet", sheet), ("delete", view)):
        (pictures / f"{name}-dark.png").write_bytes(shown.screenshot())
    assert serious_findings(page, ".jp-Notebook .dj-live") == []
