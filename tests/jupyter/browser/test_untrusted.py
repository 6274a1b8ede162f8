"""A notebook of someone else with every widget: it is not trusted, its kernel is gone, and yet all can be read."""

from __future__ import annotations

import json

import nbformat
import pytest

from tests.jupyter.browser.pipeline import EXTENSION, set_up

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

# What each cell makes, and what its static twin says.
WIDGETS = {
    "%dj browse Session": "12 of 3,000 rows",
    "%dj restrict Session & 'session < 50'": "session is below 50",
    "%dj diagram": "",
    "%dj populate Score --max-calls 2": "2 of 40 keys",
    "%dj watch Score": "of 40 keys",
    "%dj matrix Subject": "Score",
    "%dj insert Subject": "species",
    "%dj delete Subject & 'subject_id = 3'": "101 rows",
}
CANARY = "<script>window.djRan = true</script><img src='data:,' onerror='window.djRan = true'>canary"


@pytest.fixture
def expect():
    from playwright.sync_api import expect

    return expect


def test_a_notebook_that_is_not_trusted(new_notebook, lab, pictures, expect):
    notebook = new_notebook()
    notebook.page.set_viewport_size({"width": 1100, "height": 6000})  # no cell is left out of the page
    notebook.write("own.ipynb", set_up("own"), EXTENSION, *WIDGETS)
    notebook.open("own.ipynb")
    notebook.run_all()
    for index, said in enumerate(WIDGETS.values(), 2):
        expect(notebook.cell(index).locator(".dj-live")).to_be_visible()
        expect(notebook.cell(index).locator("[data-dj-static]")).to_be_hidden()
        expect(notebook.cell(index).locator("[data-dj-static]")).to_contain_text(said)
    notebook.save()
    saved = nbformat.read(lab.root / "own.ipynb", 4)
    assert len(json.dumps(saved.cells[2].outputs)) < 20_000
    lab.shut_kernels_down()

    # Given away, with a script slipped in: neither that nor anything of ours runs, and nothing complains. What ties a
    # twin to its view is no longer there either.
    saved.cells[1].outputs = [nbformat.v4.new_output("display_data", {"text/html": CANARY})]
    nbformat.write(saved, lab.root / "given.ipynb")
    given = new_notebook()
    given.page.set_viewport_size({"width": 1100, "height": 6000})
    given.open("given.ipynb")
    expect(given.cell(1)).to_contain_text("canary")
    for index, said in enumerate(WIDGETS.values(), 2):
        twin = given.cell(index).locator(".dj-static")
        expect(twin).to_be_visible()
        expect(twin).to_contain_text(said)
    expect(
        given.page.locator(".dj-live, .jp-OutputArea-child:visible:has-text('Error displaying widget')")
    ).to_have_count(0)
    assert given.page.evaluate("window.djRan") is None
    (pictures / "untrusted.png").write_bytes(given.page.locator(".jp-Notebook").screenshot())
