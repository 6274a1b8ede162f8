"""What a page does when answers come late, out of turn, or not at all: in Chromium, the widget beside it, no notebook."""

from __future__ import annotations

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
    status = stage.page.get_by_role("status").filter(has_text=WAITING if view_of is not form_of else "waiting for the kernel")
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
