"""``%dj code``: what was clicked in a view is Python in the next cell, and that gives what the view shows."""

from __future__ import annotations

import pytest

from tests.jupyter.test_magics import completions

pytestmark = [pytest.mark.usefixtures("close_widgets")]

PIPELINE = """
import datajoint as dj
from datajoint_jupyter import browse, delete_view, diagram, insert_form, restrict
schema = dj.Schema("lab", connection=connection)

@schema
class Subject(dj.Manual):
    definition = '''
    subject : int32
    ---
    species : enum('mouse', 'rat')
    '''

@schema
class Session(dj.Manual):
    definition = '''
    -> Subject
    session : int32
    '''

Subject.insert([{"subject": i, "species": "rat" if i % 2 else "mouse"} for i in range(9)])
Session.insert([{"subject": i, "session": j} for i in range(9) for j in range(2)])
"""


@pytest.fixture
def lab(run, shell, lab_connection):
    shell.user_ns["connection"] = lab_connection
    run(PIPELINE)
    return shell


@pytest.fixture
def next_cell(lab, run, monkeypatch):
    """Run a line; return the cell that it leaves to be run."""

    def next_cell(line):
        cells = []
        monkeypatch.setattr(type(lab), "set_next_input", lambda self, text, replace=False: cells.append(text))
        shown = run(line)
        (cell,) = cells
        assert cell in shown
        return cell

    return next_cell


def test_a_browser(next_cell, lab, run):
    run("browser = browse(Subject)\nbrowser.restriction = {'species': 'rat'}\nbrowser.order_by = 'subject DESC'")
    browser = lab.user_ns["browser"]
    cell = next_cell("%dj code browser")
    assert cell == browser.code
    run(f"found = {cell}")
    assert [row["subject"] for row in lab.user_ns["found"].to_dicts()] == [7, 5, 3, 1]
    run("browser.selection = Subject & 'subject in (3, 5)'")
    cell = next_cell("%dj code browser --selected --as chosen")
    assert cell.startswith("chosen = ")
    run(cell)
    assert set(lab.user_ns["chosen"].to_arrays("subject")) == {3, 5}


def test_a_builder_and_the_rows_opened_from_it(next_cell, lab, run):
    run("builder = restrict(Subject & {'species': 'rat'})\nbuilder.restriction = 'subject > 4'\nbuilder.browse()")
    run(next_cell("%dj code builder --as found"))
    assert set(lab.user_ns["found"].to_arrays("subject")) == set(lab.user_ns["builder"].query.to_arrays("subject"))
    assert next_cell("%dj code builder.browser") == lab.user_ns["builder"].code


def test_a_diagram_a_form_and_a_deletion(next_cell, lab, run):
    run("view = diagram(schema)\nview.focus_on(Session, 1, 0)")
    run(next_cell("%dj code view --as seen"))
    assert lab.user_ns["seen"].nodes_to_show == lab.user_ns["view"].diagram.nodes_to_show
    run("form = insert_form(Subject)\nform.values = {'subject': 20, 'species': 'rat'}")
    run(next_cell("%dj code form"))
    run("rows = len(Subject & {'subject': 20, 'species': 'rat'})")
    assert lab.user_ns["rows"] == 1
    run(
        "sheet = insert_form(Subject)\nsheet.paste('subject\\tspecies\\n' + ''.join(f'{n}\\trat\\n' for n in range(100, 400)))"
    )
    assert next_cell("%dj code sheet") == "Subject.insert(sheet.pasted_rows)  # the 300 rows as pasted"
    assert next_cell("%dj code") == next_cell("%dj code sheet")
    run(next_cell("%dj code sheet"))
    run("rows = len(Subject & 'subject >= 100')")
    assert lab.user_ns["rows"] == 300
    lab.user_ns.pop("sheet")
    assert "Too many rows are pasted into the EntryForm that was opened last" in run("%dj code", fails="CommandError")
    run("gone = delete_view(Subject & 'subject = 20', source='Subject & \"subject = 20\"')")
    assert next_cell("%dj code gone") == '(Subject & "subject = 20").delete()'


def test_without_a_name_the_view_that_was_opened_last_is_meant(next_cell, run, lab):
    assert "No view is open that could tell its code. Open one" in run("%dj code", fails="CommandError")
    run("browse(Session)\nbrowse(Subject & 'subject = 1')")
    assert next_cell("%dj code") == "Subject & {'subject': 1}"
    run("kept = browse(Session)")
    assert next_cell("%dj code") == "Session"


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("%dj code brwser", "There is no view 'brwser'. Did you mean 'browser'?"),
        ("%dj code Subject", "Subject is Subject, which has no code to tell."),
        ("%dj code builder.nothing", "nothing"),
        ("%dj code browser --selected", "No row is selected in browser."),
        ("%dj code builder --selected", "In builder no rows can be selected."),
        ("%dj code browser --sel", "Did you mean '--selected'?"),
        ("%dj code form --as x", "The code of form does something, and --as x keeps the value of an expression."),
        ("%dj code browser --as 3", "no name of a variable"),
        ("%dj code gone", "There is no code yet for gone."),
    ],
)
def test_wrong_use_is_answered_in_a_line(run, lab, line, answer):
    run("browser, builder = browse(Subject), restrict(Subject)")
    run(
        "form = insert_form(Subject, values={'subject': 4})\nform.values = {**form.values, 'species': 'rat', 'subject': 4}"
    )
    run("gone = delete_view(Subject & 'subject = 1')")
    shown = run(line, fails="AttributeError" if "nothing" in line else "CommandError")
    assert answer in shown
    assert "Traceback" not in shown


def test_help_and_completion(run, lab):
    shown = run("%dj code --help")
    assert "--selected" in shown
    assert "%dj code builder" in shown
    assert "%dj code browser" in run("%dj browse --help")
    assert "%dj code builder" in run("%dj restrict --help")
    run("browser, builder = browse(Subject), restrict(Subject)\nother = 3")
    assert {"browser", "builder", "--selected", "--as"} <= completions(lab, "%dj code ")
    assert completions(lab, "%dj code bu") == {"builder"}
    assert completions(lab, "%dj code builder --s") == {"--selected"}
    assert "other" not in completions(lab, "%dj code o")
    run("builder.close()")
    assert completions(lab, "%dj code bu") == set()
