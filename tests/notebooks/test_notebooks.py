"""Every notebook runs from top to bottom on an embedded database, and is stored clean."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
FIRST = ROOT / "notebooks" / "01_first_pipeline.ipynb"
pytestmark = pytest.mark.xdist_group("notebooks")  # they share what was executed

SECONDS = 60
"""Twenty on an idle machine; tests share theirs."""


def read(path):
    return nbformat.read(path, as_version=4)


def texts(notebook):
    """Return the text of every output, in order."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return [output.get("text") or output.get("data", {}).get("text/plain", "") for output in outputs]


def execute(notebook, folder):
    """Execute a notebook in `folder`, with none of the person's settings; return the seconds that it took."""
    # Loaded here, because it takes long.
    from nbclient import NotebookClient

    environment = {name: value for name, value in os.environ.items() if not name.startswith("DJ_")}
    environment |= {
        "DJ_IGNORE_CONFIG_FILE": "true",
        "IPYTHONDIR": str(folder / "ipython"),
        "JUPYTER_PREFER_ENV_PATH": "1",
        "MPLCONFIGDIR": str(folder / "matplotlib"),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
    }
    client = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}})
    start = time.monotonic()
    client.execute(env=environment)
    return time.monotonic() - start


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """Execute notebooks, each once, in folders of their own."""
    done = {}

    def once(path):
        if path not in done:
            notebook, folder = read(path), tmp_path_factory.mktemp(path.stem)
            done[path] = notebook, folder, execute(notebook, folder)
        return done[path]

    return once


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(path, executed):
    notebook, folder, seconds = executed(path)
    assert (folder / "datajoint.db").exists()
    assert seconds < SECONDS
    errors = [o for cell in notebook.cells for o in cell.get("outputs", []) if o.get("name") == "stderr"]
    assert errors == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_stored_clean(path):
    notebook = read(path)
    nbformat.validate(notebook)
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"(?<![\w:/.])/(home|root|tmp|work|usr|opt|Users|private)/|[A-Z]:\\\\", text)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.execution_count is None
            assert cell.outputs == []


def test_first_pipeline_finds_the_blobs(executed):
    notebook, _, _ = executed(FIRST)
    outputs = texts(notebook)
    assert any("12 detections" in text for text in outputs)
    summary = outputs[-1]
    assert "3 pictures, 9 detections" in summary
    assert "24 in coins (coarse)" in summary
    assert "1 in cell (coarse)" in summary
    assert re.search(r"3\d\d in hubble \(fine\)", summary)
    # The exercises wait for the reader.
    assert sum(text.startswith("Not yet") for text in outputs) == 2


SOLUTIONS = {
    "# DetectionParams.insert1": """
DetectionParams.insert1({"params": "huge", "min_sigma": 16, "max_sigma": 32, "threshold": 0.1})
Detection.populate()
""",
    "galaxies = ": """
galaxies = Detection.Blob & {"image": "hubble", "params": "fine"}
brightest = galaxies & "contrast > 5"
""",
}


def test_first_pipeline_can_be_run_again_with_its_exercises_solved(executed):
    _, folder, _ = executed(FIRST)
    notebook = read(FIRST)
    solved = 0
    for cell in notebook.cells:
        for start, solution in SOLUTIONS.items():
            if cell.source.startswith(start):
                cell.source, solved = solution, solved + 1
    assert solved == len(SOLUTIONS)
    execute(notebook, folder)
    outputs = texts(notebook)
    assert [text.split(":")[0] for text in outputs if text.startswith(("Right", "Not yet"))] == ["Right", "Right"]
    assert "3 pictures, 12 detections" in outputs[-1]
    # Only the detections of the picture that was deleted are computed again.
    assert any("3 of 3 keys" in text for text in outputs)
