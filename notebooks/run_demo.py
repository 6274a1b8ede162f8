"""Execute a notebook of this folder on a fresh embedded database and show what it computed.

``python notebooks/run_demo.py 01_first_pipeline`` runs it from top to bottom in ``build/demo``, prints its results, and
writes the notebook with its outputs and a page that any browser opens.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import time
from pathlib import Path

# Set before Jupyter is imported: this environment's, whatever kernels and settings the person has elsewhere.
HERE = Path(__file__).resolve().parent
WORK = HERE.parent / "build" / "demo"
os.environ |= {
    "DJ_IGNORE_CONFIG_FILE": "true",
    "JUPYTER_PREFER_ENV_PATH": "1",
    "JUPYTER_CONFIG_DIR": str(WORK / "jupyter"),
    "JUPYTER_PLATFORM_DIRS": "1",
    "IPYTHONDIR": str(WORK / "ipython"),
}
for variable in [name for name in os.environ if name.startswith("DJ_") and name != "DJ_IGNORE_CONFIG_FILE"]:
    del os.environ[variable]

import execution  # noqa: E402
import nbformat  # noqa: E402
from nbclient.exceptions import CellExecutionError  # noqa: E402
from nbconvert import HTMLExporter  # noqa: E402

SHOWN_LINES = 14
_TERMINAL_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def run(name: str) -> int:
    """Execute the notebook `name` and return 0, or 1 if a cell failed."""
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    notebook = nbformat.read(HERE / f"{name}.ipynb", as_version=4)
    start = time.monotonic()
    print(f"Running {name}.ipynb on an embedded database in {_shown(WORK)} ...", flush=True)
    try:
        with execution.kernel(notebook, WORK) as client:
            execution.execute(client, notebook)
    except CellExecutionError as error:
        print(error, file=sys.stderr)
        return 1
    nbformat.write(notebook, WORK / f"{name}.ipynb")
    page = WORK / f"{name}.html"
    page.write_text(HTMLExporter().from_notebook_node(notebook)[0], encoding="utf-8")
    for cell in notebook.cells:
        show(cell)
    print(f"\nDone in {time.monotonic() - start:.0f} s. The notebook with its figures: {_shown(page)}")
    print("Open it live with: make lab")
    return 0


def show(cell: nbformat.NotebookNode) -> None:
    """Print a cell's heading, or the text of its results, cut to a few lines."""
    if cell.cell_type == "markdown":
        headings = [line.lstrip("# ") for line in cell.source.splitlines() if line.startswith("#")]
        if headings:
            print("\n" + "\n".join(f"== {heading}" for heading in headings))
        return
    for output in cell.get("outputs", []):
        text = output.get("text") or output.get("data", {}).get("text/plain", "")
        lines = _TERMINAL_COLOURS.sub("", text).rstrip().splitlines()
        # The text form of a figure or a widget says nothing.
        if lines and not lines[0].startswith("<"):
            print("\n".join(lines[:SHOWN_LINES]))
            if len(lines) > SHOWN_LINES:
                print(f"   ... {len(lines) - SHOWN_LINES} more lines")


def _shown(path: Path) -> str:
    return os.path.relpath(path)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1]))
