"""Every widget in one notebook: in Notebook 7, and by ipykernel 6, which hears no click while a cell runs."""

from __future__ import annotations

import json
import re
import sqlite3

import pytest

from tests.jupyter.browser.axe import serious_findings
from tests.jupyter.browser.lab import fetched
from tests.jupyter.browser.pipeline import EXTENSION
from tests.jupyter.browser.work_pipeline import set_up
from tests.provision.fetched import OLD_KERNEL, old_ipykernel, register

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

TELLING = """
import ipykernel, json
print(json.dumps([ipykernel.version_info[0], browser.order_by, builder.code, diagram.table.class_name,
    matrix.selected[1].class_name, panel.phase, form.inserted, deletion.state]))
"""
CELLS = [
    "%dj browse Session -o browser",
    "%dj restrict Session -o builder",
    "%dj diagram -o diagram",
    "%dj matrix Session -o matrix",
    "%dj watch Scan -o panel",
    "%dj insert Subject -o form",
    "%dj delete Params & 'params = 2' -o deletion",
    "panel",
    "deletion",
    TELLING,
    "import pathlib, time\nwhile not pathlib.Path('free').exists(): time.sleep(0.05)",
]
BROWSER, BUILDER, DIAGRAM, MATRIX, PANEL, FORM, DELETE, PANEL_AGAIN, DELETE_AGAIN, TELL, BUSY = range(2, 2 + len(CELLS))


@pytest.fixture
def expect():
    from playwright.sync_api import expect

    return expect


@pytest.fixture
def held(lab):
    """Ask a notebook's database how many rows a table has."""
    (lab.root / "hold").unlink(missing_ok=True)
    (lab.root / "free").unlink(missing_ok=True)

    def count(name, table, condition="1"):
        link = sqlite3.connect(f"file:{lab.root / name}.db?mode=ro", uri=True, timeout=20)
        try:
            return link.execute(f'SELECT COUNT(*) FROM "{table}" WHERE {condition}').fetchone()[0]
        finally:
            link.close()

    yield count
    (lab.root / "free").touch()


@pytest.mark.parametrize(
    ("front", "kernel", "version"),
    [("notebooks", "python3", 7), ("lab/tree", OLD_KERNEL, 6)],
    ids=["notebook", "ipykernel6"],
)
def test_every_widget(new_notebook, lab, held, pictures, expect, front, kernel, version):
    if kernel == OLD_KERNEL:
        register(lab.data, fetched(old_ipykernel))
    name = f"every-{version}"
    notebook = new_notebook()
    page = notebook.page
    page.set_viewport_size({"width": 1100, "height": 7000})  # no cell is left out of the page
    notebook.write(f"{name}.ipynb", set_up(name), EXTENSION, *CELLS, kernel=kernel)
    notebook.open(f"{name}.ipynb", front=front)
    for index in range(TELL):
        notebook.run_cell(index)

    def cell(index):
        return notebook.cell(index)

    # One control of each, and what the database then holds.
    expect(cell(BROWSER).locator(".dj-status").first).to_have_text("8 rows")
    cell(BROWSER).locator(".dj-header", has_text="session").locator(".dj-sort").click()
    expect(cell(BROWSER).locator(".dj-header", has_text="session")).to_have_attribute("aria-sort", "ascending")
    builder = cell(BUILDER).locator(".dj-builder")
    builder.get_by_role("button", name="+ Condition").click()
    condition = builder.locator(".dj-condition").first
    condition.get_by_label("Attribute", exact=True).select_option("session")
    condition.get_by_label("Test", exact=True).select_option(">=")
    condition.get_by_label("Value", exact=True).fill("2")
    expect(builder.locator("> .dj-bar .dj-status")).to_have_text("4 of 8 rows")
    cell(DIAGRAM).locator('[data-node][aria-label^="Session,"]').click()
    expect(cell(DIAGRAM).get_by_role("region", name="Session")).to_contain_text("8 rows")
    cell(MATRIX).locator('.dj-body .dj-cell[data-row="0"][data-column="2"]').click()
    expect(cell(MATRIX).get_by_role("region", name=re.compile("Scan of"))).to_be_visible()
    form = cell(FORM).locator(".dj-form")
    form.get_by_label("subject_id", exact=True).fill("7")
    form.get_by_label("species", exact=True).select_option("rat")
    form.get_by_role("button", name="Insert", exact=True).click()
    expect(form.locator(".dj-status").first).to_have_text("1 row inserted into lab.subject.")
    assert held(name, "lab.subject", "subject_id = 7") == 1
    deletion = cell(DELETE).locator(".dj-delete")
    deletion.get_by_role("button", name="Delete 1 row").click()
    for index in (DELETE, DELETE_AGAIN):
        expect(cell(index).locator(".dj-headline")).to_have_text("1 row deleted from 1 table.")
    assert held(name, "analysis.#params") == 1
    cell(PANEL).get_by_role("button", name="Start").click()
    for index in (PANEL, PANEL_AGAIN):
        expect(cell(index).locator(".dj-phase")).to_have_text("finished")
        expect(cell(index).locator(".dj-text")).to_have_text("6 of 8 · 2 failed")
    assert held(name, "lab._scan") == 6
    expect(cell(MATRIX).locator('.dj-body .dj-cell[data-state="error"]')).to_have_count(2)
    notebook.run_cell(TELL)
    output = cell(TELL).locator(".jp-OutputArea-output")
    expect(output).to_contain_text("]")
    assert json.loads(output.inner_text()) == [
        version, ["session"], "Session & '`session` >= 2'", "Session", "Scan", "finished", 1, "done",
    ]  # fmt: skip
    (pictures / f"every-{version}.png").write_bytes(page.screenshot(full_page=True))
    assert serious_findings(page, ".jp-Notebook .dj-live") == []

    if version == 6:
        notebook.run_cell(BUSY)
        expect(cell(BUSY).locator(".jp-InputPrompt")).to_have_text("[*]:")
        cell(DIAGRAM).locator('[data-node][aria-label^="Subject,"]').click()
        late = cell(DIAGRAM).get_by_role("status").filter(has_text="No answer yet: the kernel is running a cell")
        expect(late).to_be_visible()
        (lab.root / "free").touch()
        expect(cell(DIAGRAM).get_by_role("region", name="Subject")).to_contain_text("3 rows")
        expect(late).to_have_count(0)

    # Read again while the kernel lives: all are back as they were, their twins hidden.
    notebook.save()
    page.reload()
    expect(cell(PANEL).locator(".dj-text")).to_have_text("6 of 8 · 2 failed")
    expect(cell(DELETE).locator(".dj-headline")).to_have_text("1 row deleted from 1 table.")
    expect(cell(MATRIX).locator('.dj-body .dj-cell[data-state="error"]')).to_have_count(2)
    expect(cell(FORM).locator(".dj-status").first).to_have_text("1 row inserted into lab.subject.")
    expect(cell(BUILDER).locator(".dj-condition").first.get_by_label("Value", exact=True)).to_have_value("2")
    expect(cell(BROWSER).locator(".dj-header", has_text="session")).to_have_attribute("aria-sort", "ascending")
    expect(cell(DIAGRAM).locator("[data-node]").first).to_be_visible()
    for twin in page.locator("[data-dj-static]").all():
        expect(twin).to_be_hidden()
    cell(PANEL_AGAIN).get_by_role("button", name="Start").click()
    cell(DELETE_AGAIN).get_by_role("button", name="Look again").click()
    expect(cell(DELETE).locator(".dj-headline")).to_contain_text("there is nothing to delete")
    expect(cell(PANEL).locator(".dj-phase")).to_have_text("finished")

    # Another kernel knows nothing of them: the twins stand in, and no complaint is seen.
    lab.shut_kernels_down()
    page.reload()
    for index, told in [
        (BROWSER, "8 rows"), (BUILDER, "Session"), (MATRIX, "2 error"), (PANEL, "6 of 8 keys · 2 failed"), (PANEL, "ValueError"),
        (FORM, "Subject.insert1({'subject_id': 7"), (DELETE, "1 row deleted from 1 table."),
    ]:  # fmt: skip
        expect(cell(index).locator("[data-dj-static]")).to_be_visible()
        expect(cell(index).locator("[data-dj-static]")).to_contain_text(told)
    expect(cell(DIAGRAM).locator("[data-dj-static] img")).to_be_visible()
    expect(page.locator(".dj-live")).to_have_count(0)
    for complaint in page.locator(".jp-OutputArea-child").filter(has_text="Error displaying widget").all():
        expect(complaint).to_be_hidden()
    (pictures / f"every-{version}-twins.png").write_bytes(page.screenshot(full_page=True))
    # The front end itself complains in its console: of models it does not find, of a reload while it was asking; Notebook
    # of its own settings.
    own = r"widget|model|debugger state|comm|^pageerror: Cannot read properties of undefined \(reading 'schema'\)$"
    notebook.faults[:] = [fault for fault in notebook.faults if not re.search(own, fault, re.IGNORECASE)]
