"""A notebook executed by a program: the work is done when the cell ends, and what is saved needs no kernel."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
import pytest

_CHECKOUT = Path(__file__).parents[2]

CELLS = [
    """
import datajoint as dj
dj.conn("sqlite:///executed.db")
schema = dj.Schema("lab")

@schema
class Session(dj.Manual):
    definition = '''
    session : int32
    ---
    name : varchar(30)
    '''

@schema
class Score(dj.Computed):
    definition = '''
    -> Session
    ---
    score : float64
    '''

    def make(self, key):
        if key["session"] == 2:
            raise ValueError("<b>too short</b>")
        self.insert1({**key, "score": 0.5})

Session.insert([{"session": i, "name": f"<i>{i}</i>"} for i in range(40)])
""",
    "%load_ext datajoint_jupyter",
    "%dj browse Session -o browser",
    "%dj populate Score -o work",
    "len(Score()), work.progress.state",
    "%%dj --limit 3\nSession\n& 'session > 5'\n* Score",
    "%dj diagram",
    "%dj populate Score --workers 2",
    "%dj watch Score",
    "%dj restrict Session -o builder",
    "from datajoint_jupyter import diagram\nview = diagram(schema)\nview",
    """
browser.restriction = "session > 30"
browser.order_by = "session DESC"
builder.restriction = {"name": "<i>3</i>"}
view.collapsed = ["lab"]
""",
]


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    from nbclient import NotebookClient

    folder = tmp_path_factory.mktemp("executed")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell.strip()) for cell in CELLS])
    client = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}})
    client.execute(
        env=dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, [str(_CHECKOUT), os.environ.get("PYTHONPATH")])))
    )
    return notebook


def outputs(notebook, index):
    return [output for output in notebook.cells[index].outputs if "data" in output]


def test_a_browser_becomes_its_twin(executed):
    (output,) = outputs(executed, 2)
    assert set(output["data"]) == {"text/html", "text/plain"}
    assert "data-dj-static" in output["data"]["text/html"]
    assert "&lt;i&gt;39&lt;/i&gt;" in output["data"]["text/html"]


def test_a_twin_tells_what_a_later_cell_made_of_its_widget(executed):
    """Three outputs of former cells are written again."""
    browser, builder, diagram = (outputs(executed, index)[0]["data"] for index in (2, 9, 10))
    assert "\n      39  <i>39</i>\n      38  <i>38</i>\n" in browser["text/plain"]
    assert browser["text/plain"].endswith("(9 rows)\nSession & '`session` > 30' & dj.Top(None, ['session DESC'])")
    assert "Session &amp; {&#x27;name&#x27;: &#x27;&lt;i&gt;3&lt;/i&gt;&#x27;}" in builder["text/html"]
    assert "every row" not in builder["text/plain"]
    assert "(1 row)" in builder["text/plain"]
    assert set(diagram) == {"text/html", "text/plain", "image/svg+xml"}
    assert "lab.__score" not in diagram["image/svg+xml"]


def test_populate_is_over_when_its_cell_is(executed):
    (output,) = outputs(executed, 3)
    assert "40 of 40 keys" in output["data"]["text/plain"]
    assert "{'session': 2}: ValueError: <b>too short</b>" in output["data"]["text/plain"]
    assert "&lt;b&gt;too short" in output["data"]["text/html"]
    assert outputs(executed, 4)[0]["data"]["text/plain"] == "(39, 'finished')"


def test_expressions_and_diagrams_are_static(executed):
    (output,) = outputs(executed, 5)
    assert "(3 of 34 rows)" in output["data"]["text/plain"]
    (diagram,) = outputs(executed, 6)
    assert "image/svg+xml" in diagram["data"]


def test_a_panel_becomes_its_last_word(executed):
    for index, phase in ((7, "finished"), (8, "not working here")):
        (output,) = outputs(executed, index)
        assert set(output["data"]) == {"text/html", "text/plain"}
        assert f"39 of 40 keys · 1 failed · {phase}" in output["data"]["text/plain"]
        assert "1 × lab.__score ValueError: <b>too short</b>, as {'session': 2}" in output["data"]["text/plain"]
        assert "&lt;b&gt;too short" in output["data"]["text/html"]


def test_it_can_be_published(executed):
    from nbconvert import HTMLExporter, MarkdownExporter

    page, _ = HTMLExporter().from_notebook_node(executed)
    assert "9 rows" in page
    assert "<i>39</i>" not in page
    text, _ = MarkdownExporter().from_notebook_node(executed)
    assert "40 of 40 keys" in text


def test_pictures_follow_the_page_and_not_the_system():
    """A picture of its own is dark where the system is; on a page that is told by its theme, that decides."""
    from datajoint_jupyter.display.style import static_style

    dark = '[data-jp-theme-light="false"] :is(.dj-static,.jp-RenderedSVG) img{color-scheme:dark}'
    assert dark in static_style()
    assert dark.replace("false", "true").replace("dark}", "light}") in static_style()
