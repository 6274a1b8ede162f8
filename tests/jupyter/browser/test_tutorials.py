"""The tutorials as a newcomer works through them: opened in JupyterLab, run, and their exercises done."""

from __future__ import annotations

import os
import re
import shutil
import time
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[3]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SAMPLED = ROOT / "notebooks" / "07_working_from_the_notebook.ipynb"
pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

# A reader sees a notebook piece by piece; a picture of it is taken in pieces of so many pixels.
WIDTH, HEIGHT, PIECES = 1000, 2400, 12


@pytest.fixture(scope="module")
def folder(lab):
    """The folder of the notebooks, as a fresh clone has it."""
    made = lab.root / "tutorials"
    made.mkdir()
    for path in (ROOT / "notebooks").iterdir():
        if path.suffix in {".py", ".json"}:
            shutil.copy(path, made)
    return made


def wait_for(path, seconds=180):
    deadline = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < deadline, "the last cell was not reached"
        time.sleep(0.2)


def failed(cell):
    return [output for output in cell.get("outputs", []) if output.output_type == "error"]


def is_meant_to_fail(cell):
    return "raises-exception" in cell.metadata.get("tags", [])


def test_all_cells_run_from_the_menu(folder, new_notebook, pictures):
    notebook = nbformat.read(SAMPLED, as_version=4)
    mark = folder / f"{SAMPLED.stem}.reached"
    notebook.cells.append(nbformat.v4.new_code_cell(f"open({mark.name!r}, 'w').close()"))
    nbformat.write(notebook, folder / SAMPLED.name)
    page = new_notebook()
    page.open(f"tutorials/{SAMPLED.name}")
    page.run_all()
    wait_for(mark)
    page.save()
    (pictures / f"tutorial-{SAMPLED.stem}.png").write_bytes(page.page.screenshot())
    for cell in nbformat.read(folder / SAMPLED.name, as_version=4).cells:
        assert bool(failed(cell)) == is_meant_to_fail(cell), cell.source


class Reader:
    """Somebody at the keyboard. Of the page's own model only what a screen shows is read: cells, prompts, outputs."""

    def __init__(self, page):
        self.page = page

    def _ask(self, script, *given):
        content = "const content = window.jupyterapp.shell.currentWidget.content;"
        return self.page.evaluate(f"(given) => {{ {content} {script} }}", list(given))

    def go_to(self, number):
        """Make a cell the active one, as a click on it does."""
        self._ask("content.activeCellIndex = given[0]; content.mode = 'command'; content.node.focus();", number)

    def run(self, number):
        """Run the active cell with Shift+Enter; wait for its prompt's number, and return its outputs."""
        counted = """
            const model = content.widgets[given[0]].model;
            window.ran = 0;
            model.stateChanged.connect((_, change) => {
                if (change.name === 'executionCount' && change.newValue) window.ran = change.newValue;
            });
        """
        self._ask(counted, number)
        self.page.keyboard.press("Shift+Enter")
        self.page.wait_for_function("() => window.ran > 0", timeout=120_000)
        return nbformat.from_dict(self._ask("return content.widgets[given[0]].model.outputs.toJSON();", number))

    def type(self, number, text):
        """Replace what stands in a cell."""
        self.go_to(number)
        self.page.keyboard.press("Enter")
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(text)
        assert self._ask("return content.widgets[given[0]].model.sharedModel.getSource();", number) == text
        self.page.keyboard.press("Escape")

    def photograph(self, pictures, name):
        """Keep what the notebook looks like, in light and in dark."""
        self.page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
        for theme in ("Light", "Dark"):
            self.page.evaluate(
                "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", f"JupyterLab {theme}"
            )
            self.page.wait_for_function(
                "dark => (document.body.dataset.jpThemeLight === 'false') === dark", arg=theme == "Dark"
            )
            scrolled = self.page.locator(".jp-WindowedPanel-outer").first
            for piece in range(PIECES):
                scrolled.evaluate("(node, top) => { node.scrollTop = top; }", piece * (HEIGHT - 150))
                self.page.wait_for_timeout(150)
                (pictures / f"{name}-{theme.lower()}-{piece:02d}.png").write_bytes(self.page.screenshot())
                if scrolled.evaluate("node => node.scrollTop + node.clientHeight >= node.scrollHeight - 2"):
                    break


def answered(source, answer):
    """Return a cell with the answer where the reader is asked for it: at the dots, or in the place of the comment."""
    lines = source.splitlines()
    asked = [n for n, line in enumerate(lines) if re.match(r"\w+ = \.\.\.$", line)]
    if not asked:
        while lines and (not lines[-1] or lines[-1].startswith("#")):
            lines.pop()
        asked = [len(lines)]
    kept = lines[: asked[0]]
    # An answer may repeat lines that are there, or be a magic, which comes first.
    return answer if answer.startswith("%%") or (kept and kept[0] in answer) else "\n".join([*kept, answer])


def said(outputs):
    return "".join(output.get("text", "") for output in outputs)


@pytest.mark.slow
@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in NOTEBOOKS])
def test_a_newcomer_comes_through(path, folder, new_notebook, pictures):
    """Every cell by Shift+Enter; then each exercise, first wrongly, then rightly."""
    shutil.copy(path, folder)
    notebook = nbformat.read(path, as_version=4)
    page = new_notebook()
    page.open(f"tutorials/{path.name}")
    reader = Reader(page.page)
    begun = time.monotonic()
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "code" and cell.source:
            reader.go_to(number)
            outputs = reader.run(number)
            assert bool(failed({"outputs": outputs})) == is_meant_to_fail(cell), cell.source
    seconds = time.monotonic() - begun
    checked = exercises(reader, notebook)
    page.save()
    (pictures / f"{path.stem}.txt").write_text("\n".join([f"{seconds:.1f} s", *checked]) + "\n", encoding="utf-8")
    if os.environ.get("DJ_TEST_PICTURES"):
        reader.photograph(pictures, path.stem)


def exercises(reader, notebook):
    """Do each exercise by typing into the cell that asks for it; return what the checks said."""
    checked, asking = [], None
    for number, cell in enumerate(notebook.cells):
        if "exercise" in cell.metadata:
            asking = number
        if "check" not in cell.metadata.get("tags", []):
            continue
        asked = notebook.cells[asking]
        for kind, beginning in (("wrong", "Not yet"), ("solution", "Right")):
            reader.type(asking, answered(asked.source, asked.metadata.exercise[kind]))
            assert failed({"outputs": reader.run(asking)}) == []
            reader.go_to(number)
            answer = said(reader.run(number))
            assert answer.startswith(beginning), (cell.source, answer)
            checked.append(answer.strip())
    assert len(checked) >= 4
    return checked
