"""What a page does when answers come late, out of turn, or not at all: in Chromium, the widget beside it, no notebook."""

from __future__ import annotations

import threading
import time
from unittest.mock import Mock

import pytest

import datajoint as dj
from datajoint_jupyter.work import WorkPanel
from tests.jupyter.browser.stage import Stage

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.usefixtures("close_widgets")]


@pytest.fixture
def expect():
    from playwright.sync_api import expect

    expect.set_options(timeout=10_000)
    yield expect
    expect.set_options(timeout=60_000)


@pytest.fixture
def tables(lab_schema):
    @lab_schema
    class Subject(dj.Manual):
        definition = """
        subject_id : int32
        ---
        species : enum('mouse', 'rat')
        """

    @lab_schema
    class Score(dj.Computed):
        definition = """
        -> Subject
        """

        def make(self, key):
            raise ValueError("no trace")

    Subject.insert({"subject_id": i, "species": "rat"} for i in range(3))
    return Subject, Score


@pytest.fixture
def on_stage(chromium):
    """Put a widget on a page; what goes wrong in the page fails the test."""
    stages = []

    def put(widget):
        context = chromium.new_context(viewport={"width": 1000, "height": 900})
        stages.append(Stage(context.new_page(), widget))
        return stages[-1]

    yield put
    for stage in stages:
        stage.page.context.close()
        assert stage.faults == []


def form_of(tables):
    from datajoint_jupyter.widgets.form import EntryForm

    return EntryForm(tables[0](), name="Subject")


def matrix_of(tables):
    from datajoint_jupyter.widgets.matrix import MatrixView

    Subject, Score = tables
    return MatrixView(Subject(), context={"Subject": Subject, "Score": Score}, live=False)


def diagram_of(tables):
    from datajoint_jupyter.widgets.diagram import DiagramView

    return DiagramView(dj.Diagram(tables[0]) + 1)


def panel_of(tables):
    from datajoint_jupyter.widgets.panel.widget import PanelView

    return PanelView(WorkPanel([tables[1]()]))


def delete_of(tables):
    from datajoint_jupyter.widgets.delete import DeleteView

    return DeleteView(tables[0] & "subject_id = 1", source="Subject")


CLICKS = {
    form_of: lambda page: page.get_by_role("button", name="Insert", exact=True),
    matrix_of: lambda page: page.get_by_role("button", name="Refresh"),
    diagram_of: lambda page: page.locator("[data-node]").last,
    panel_of: lambda page: page.get_by_role("button", name="Start"),
    delete_of: lambda page: page.get_by_role("button", name="Look again"),
}
WAITING = "No answer yet: the kernel is running a cell"


@pytest.mark.parametrize("view_of", CLICKS, ids=lambda make: make.__name__)
def test_a_kernel_that_does_not_answer_is_told(tables, on_stage, expect, view_of):
    stage = on_stage(view_of(tables))
    stage.pass_time(400)
    stage.settle()
    status = stage.page.get_by_role("status").filter(
        has_text=WAITING if view_of is not form_of else "waiting for the kernel"
    )
    CLICKS[view_of](stage.page).click()
    stage.pass_time(1400)
    expect(status).to_have_count(0)
    stage.pass_time(800)
    expect(status).to_have_count(1)
    stage.settle()  # as when the cell has ended
    stage.pass_time(800)
    stage.settle()
    expect(status).to_have_count(0)


LINES = "subject_id\tspecies\n" + "\n".join(f"{i}\trat" for i in range(100, 170))


@pytest.fixture
def sheet(tables, on_stage):
    """A form with seventy pasted rows, two of them wrong."""
    form = form_of(tables)
    form.paste(LINES.replace("100\trat", "x\trat").replace("101\trat", "y\trat"))
    stage = on_stage(form)
    stage.settle()
    return stage


def test_an_answer_leaves_what_is_being_typed(sheet, expect):
    page, summary = sheet.page, sheet.page.locator(".dj-pane:not([hidden]) .dj-status").first
    first, second = (page.get_by_label(f"subject_id, row {row}", exact=True) for row in (1, 2))
    expect(summary).to_contain_text("2 with problems")
    first.fill("200")
    page.keyboard.press("Tab")
    second.fill("20")  # still being typed when the first is answered
    sheet.settle()
    expect(summary).to_contain_text("1 with problems")
    expect(first).to_have_attribute("aria-invalid", "false")
    expect(second).to_have_value("20")
    expect(second).to_be_focused()
    page.keyboard.type("1")
    page.keyboard.press("Tab")
    sheet.settle()
    expect(summary).to_contain_text("all as the table takes them")
    assert [row["subject_id"] for row in sheet.widget.pasted_rows[:2]] == [200, 201]


def test_only_the_last_answer_is_drawn(sheet, expect):
    page, summary = sheet.page, sheet.page.locator(".dj-pane:not([hidden]) .dj-status").first
    page.get_by_label("subject_id, row 1", exact=True).fill("200")
    page.keyboard.press("Tab")
    # The cell is judged while the reader goes on to the next page and corrects something there.
    page.get_by_role("button", name="Next rows").last.click()
    sheet.settle()
    expect(summary).to_contain_text("1 with problems · rows 51 to 70")
    page.get_by_label("subject_id, row 60", exact=True).fill("z")
    page.keyboard.press("Tab")
    page.get_by_label("subject_id, row 60", exact=True).fill("300")
    page.keyboard.press("Tab")
    sheet.to_kernel()
    sheet.to_page(1)
    expect(summary).to_contain_text("1 with problems")  # the answer to "z" is passed over
    sheet.settle()
    expect(page.locator("tr[data-row='59']")).not_to_have_class("dj-wrong")
    expect(summary).to_contain_text("1 with problems · rows 51 to 70")


def test_rows_left_out_by_keyboard(sheet, expect):
    page = sheet.page
    for _ in range(2):
        page.get_by_role("button", name="Leave row 1 out").press("Enter")
        sheet.settle()
    assert len(sheet.widget.pasted_rows) == 68
    expect(page.get_by_label("subject_id, row 1", exact=True)).to_have_value("102")
    expect(page.get_by_role("button", name="Leave row 1 out")).to_be_focused()


def test_an_error_stays_until_the_reader_goes_on(tables, on_stage, expect):
    """What the view asks by itself takes no error away."""
    stage = on_stage(matrix_of(tables))
    page = stage.page
    page.locator(".dj-state").first.click()
    stage.settle()
    expect(page.get_by_role("region", name="Score of")).to_be_visible()
    page.get_by_role("button", name="Refresh").click()
    tables[1].drop_quick()
    stage.settle()
    alert = page.get_by_role("alert").filter(has_text="Error")
    expect(alert).to_be_visible()
    stage.widget.page = {**stage.widget.page, "revision": 5}  # the open cell is asked about again
    stage.to_page()
    assert stage.settle() == ["why"]
    expect(alert).to_be_visible()
    page.get_by_role("button", name="Dismiss").click()
    expect(alert).to_have_count(0)


def test_no_click_is_lost_to_what_is_drawn_meanwhile(tables, on_stage, expect):
    """A field that is left without a value says so below it, which moves the button that the pointer is on."""
    stage = on_stage(form_of(tables))
    page = stage.page
    stage.pass_time(400)
    stage.settle()
    page.get_by_label("subject_id", exact=True).click()
    page.get_by_role("button", name="Insert", exact=True).click()
    assert "insert" in stage.settle()
    expect(page.locator(".dj-fault").filter(has_text="needs a value")).to_have_count(2)


def test_a_button_stays_under_the_pointer(tables, on_stage, expect):
    """Errors are listed anew each time that one is added or gone."""
    Score = tables[1]
    Score.populate(reserve_jobs=True, suppress_errors=True)
    view = panel_of(tables)
    view._panel.refresh()
    stage = on_stage(view)
    page = stage.page
    page.locator(".dj-kind-of-error > summary").click()
    press(page, page.get_by_role("button", name="Retry all"))
    view.state = {**view.state, "problem": "the disk is full"}  # a line above
    view.failures = [{**kind, "count": "9 keys"} for kind in view.failures]
    stage.to_page()
    expect(page.locator(".dj-tally")).to_have_text("3 keys")
    page.mouse.up()
    assert stage.to_kernel() == ["retry"]
    stage.pass_time(10)
    expect(page.locator(".dj-tally")).to_have_text("9 keys")
    expect(page.get_by_role("alert").filter(has_text="the disk is full")).to_be_visible()


def press(page, button):
    """Press a button near its edge, and hold it."""
    box = button.bounding_box()
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.mouse.down()


def test_a_browser_moves_nothing_from_under_the_pointer(tables, on_stage, expect):
    """Filters that are set elsewhere, and errors, are told in lines above the rows."""
    from datajoint_jupyter.widgets.browser import TableBrowser

    view = TableBrowser(tables[0]())
    stage = on_stage(view)
    page = stage.page
    stage.pass_time(200)
    stage.settle()
    filters = page.get_by_role("list", name="Filters")
    press(page, page.get_by_role("button", name="species").first)
    view.restriction = "subject_id > 0"
    stage.to_page()
    stage.pass_time(100)
    expect(filters).to_be_hidden()
    page.mouse.up()
    assert "sort" in stage.to_kernel()
    stage.pass_time(100)
    expect(filters).to_be_visible()
    assert view.order_by == ["species"]
    for _ in range(2):
        stage.settle()
        stage.pass_time(200)
    alert = page.get_by_role("alert")
    press(page, page.get_by_label("Select row 2"))
    view.answer_error("", dj.DataJointError("the disk is full"))
    stage.to_page()
    stage.pass_time(100)
    expect(alert).to_be_hidden()
    page.mouse.up()
    assert "select" in stage.to_kernel()
    stage.pass_time(100)
    expect(alert).to_contain_text("the disk is full")
    # What is not released for long, or never heard of, holds nothing up.
    page.mouse.down()
    view.restriction = None
    stage.to_page()
    stage.pass_time(1200)
    expect(filters).to_be_hidden()
    page.mouse.up()


def test_a_builder_moves_nothing_from_under_the_pointer(tables, on_stage, expect):
    """Counts arrive beside the buttons of their conditions."""
    from datajoint_jupyter.widgets.builder import RestrictionBuilder

    view = RestrictionBuilder(tables[0]() & {"species": "rat"})
    counted = threading.Event()
    view._worker.submit(counted.set, urgent=False)
    assert counted.wait(20)
    counts, view.counts = view.counts, {}
    stage = on_stage(view)
    page = stage.page
    count = page.locator(".dj-condition .dj-count")
    expect(count).to_have_text("counting…")
    press(page, page.get_by_role("button", name="Remove this condition"))
    view.counts = {key: {**state, "text": "about 1,000,000,000 rows"} for key, state in counts.items()}
    stage.to_page()
    expect(count).to_have_text("counting…")
    page.mouse.up()
    assert "set" in stage.settle()
    expect(page.locator(".dj-condition")).to_have_count(0)
    assert view.code == "Subject"


def test_deleting_by_keyboard_alone(tables, on_stage, expect):
    Subject, Score = tables
    Score.make = lambda self, key: self.insert1(key)
    Score.populate()
    from datajoint_jupyter.widgets.delete import DeleteView

    view = DeleteView(Subject & "subject_id = 1", source="Subject")
    stage = on_stage(view)
    page, keyboard = stage.page, stage.page.keyboard
    keyboard.press("Tab")
    expect(page.locator("summary", has_text="lab.subject")).to_be_focused()
    keyboard.press("Enter")  # its keys are folded away
    expect(page.locator(".dj-keys").first).to_be_hidden()
    for _ in range(2):
        keyboard.press("Tab")
    expect(page.get_by_label("Masters whose part rows go")).to_be_focused()
    keyboard.press("Tab")
    expect(page.get_by_label("To confirm, type")).to_be_focused()
    keyboard.press("Enter")  # nothing happens without the name
    assert stage.to_kernel() == []
    keyboard.type("lab.subject")
    keyboard.press("Tab")
    expect(page.get_by_role("button", name="Delete 2 rows")).to_be_focused()
    keyboard.press("Space")
    assert stage.settle() == ["delete"]
    assert view.wait(20)
    stage.to_page()
    expect(page.get_by_role("status").first).to_have_text("2 rows deleted from 2 tables.")
    assert (len(Subject()), len(Score())) == (2, 2)
    expect(page.get_by_role("button", name="Look again")).to_be_focused()


def test_what_a_diagram_cannot_tell_is_said(tables, on_stage, expect, monkeypatch):
    view = diagram_of(tables)
    stage = on_stage(view)
    page = stage.page
    tables[1].drop_quick()
    page.locator("[data-node]").last.click()
    stage.settle()
    alert = page.get_by_role("alert").filter(has_text="Error")
    expect(alert).to_contain_text("lab.__score")
    alert.locator("summary").click()
    expect(alert.locator("pre")).to_contain_text("Traceback")
    alert.get_by_role("button", name="Dismiss").click()
    expect(alert).to_have_count(0)
    # An answer to what was asked before takes no later error away.
    full = dj.DataJointError("the disk is full")
    monkeypatch.setattr("datajoint_jupyter.widgets.diagram.widget.TableCounts", Mock(side_effect=full))
    said = threading.Event()
    view.observe(lambda _: said.set(), "trouble")
    view.live = True
    assert said.wait(20)
    stage.to_page()
    expect(
        page.get_by_role("alert").filter(has_text="The status cannot be read: DataJointError: the disk is full")
    ).to_be_visible()


def test_a_panel_without_its_database(tables, on_stage, expect):
    view = panel_of(tables)
    view._panel.start()
    assert view._panel.wait(20)
    stage = on_stage(view)
    page = stage.page
    expect(page.locator(".dj-phase")).to_have_text("finished")
    tables[1].jobs.drop()
    tables[1].drop_quick()
    view._panel._watcher.start()
    deadline = time.monotonic() + 20
    while not view.state["problem"]:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    stage.to_page()
    expect(page.locator(".dj-problem")).to_contain_text("The database cannot be asked, and is tried again")
    page.get_by_role("button", name="Start").click()
    stage.settle()
    assert view._panel.wait(20)
    stage.to_page()
    expect(page.locator(".dj-phase")).to_have_text("failed")
    view._panel.close()


def test_a_status_that_cannot_be_read(tables, on_stage, expect):
    view = matrix_of(tables)
    stage = on_stage(view)
    tables[1].drop_quick()
    view._look()
    stage.to_page()
    expect(stage.page.get_by_role("alert").filter(has_text="The status cannot be read")).to_be_visible()
