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
