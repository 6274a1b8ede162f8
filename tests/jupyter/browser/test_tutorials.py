"""The tutorials as a newcomer runs them: opened in JupyterLab, all cells, and saved."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[3]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SAMPLED = "07_working_from_the_notebook"
pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


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


@pytest.mark.parametrize(
    "path",
    [pytest.param(p, id=p.stem, marks=() if p.stem == SAMPLED else pytest.mark.slow) for p in NOTEBOOKS],
)
def test_tutorial_runs_in_jupyterlab(path, folder, new_notebook, pictures):
    notebook = nbformat.read(path, as_version=4)
    mark = folder / f"{path.stem}.reached"
    notebook.cells.append(nbformat.v4.new_code_cell(f"open({mark.name!r}, 'w').close()"))
    nbformat.write(notebook, folder / path.name)
    page = new_notebook()
    page.open(f"tutorials/{path.name}")
    page.run_all()
    wait_for(mark)
    page.save()
    (pictures / f"tutorial-{path.stem}.png").write_bytes(page.page.screenshot())
    for cell in nbformat.read(folder / path.name, as_version=4).cells:
        failed = [output for output in cell.get("outputs", []) if output.output_type == "error"]
        assert bool(failed) == ("raises-exception" in cell.metadata.get("tags", [])), cell.source
