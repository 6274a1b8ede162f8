"""Execute notebooks alone, each on an embedded database of its own, and store what they show.

``python notebooks/execution.py [NAME …]`` executes the notebooks of this folder, or those named, and stores them with
their outputs, as a reader without a kernel sees them: on GitHub, say.
"""

from __future__ import annotations

import base64
import io
import json
import os
import platform
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
VOLATILE = "volatile"
"""Tag of cells whose output differs from run to run by nature, such as a duration."""

_WIDGET = "application/vnd.jupyter.widget-view+json"
_DURATION = re.compile(r"\b\d+(\.\d+)? ?(ms|s|seconds)\b|[\d,.]+ keys/s|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?")
_PASSING = re.compile(rf"{_DURATION.pattern}|[\d.]+ [GMT]iB free|\bprocess \d+|_[\w-]{{8}}(?=\.\w)")
_LOGGED = re.compile(r"^\[[\d-]{10} [\d:]{8}\]", re.MULTILINE)
_HOST = re.compile(rf"\bon {re.escape(platform.node())}\b")
_STATIC_KEY = re.compile(r'data-dj-static="?(\w+)')
_LARGE_PICTURE = 60_000  # characters


def environment(folder: Path) -> dict[str, str]:
    """Return a kernel's environment: nothing of the person's settings, and this project before any other."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DJ_")}
    paths = [str(HERE.parent), str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])]
    return kept | {
        "DJ_IGNORE_CONFIG_FILE": "true",
        "DJ_LOG_LEVEL": "WARNING",  # times and paths of this machine are nobody's business
        "IPYTHONDIR": str(folder / ".ipython"),
        "JUPYTER_PREFER_ENV_PATH": "1",
        "MPLCONFIGDIR": str(folder / ".matplotlib"),
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "PYTHONPATH": os.pathsep.join(paths),
    }


@contextmanager
def kernel(notebook: Any, folder: Path) -> Iterator[Any]:
    """Give a client whose kernel works in `folder`; cells are executed by ``client.execute_cell(cell, number)``."""
    # Loaded here: the tests read this module's constants without it.
    from nbclient import NotebookClient  # noqa: PLC0415

    quiet = ["--log-level=ERROR"]  # of the kernel itself
    resources = {"metadata": {"path": str(folder)}}
    client = NotebookClient(notebook, timeout=120, resources=resources, extra_arguments=quiet)
    with client.setup_kernel(env=environment(folder)):
        yield client


def execute(client: Any, notebook: Any) -> float:
    """Execute all cells; return the seconds that they took."""
    start = time.monotonic()
    for number, cell in enumerate(notebook.cells):
        client.execute_cell(cell, number)
    return time.monotonic() - start


def tidy(notebook: Any, folder: Path) -> None:
    """Leave what reads well without a kernel: no widget views, paths and name of the machine, times of execution."""
    notebook.metadata.pop("widgets", None)
    for number, cell in enumerate(notebook.cells):
        cell.metadata.pop("execution", None)
        if cell.cell_type != "code":
            continue
        outputs = [output for output in cell.outputs if _WIDGET not in output.get("data", {})]
        cell.outputs = [_tidied(output, folder, f"c{number}") for output in _joined(outputs)]


def said(cell: Any) -> list[str]:
    """Return a cell's outputs as text, durations left out: what a fresh run must show again."""
    texts = [output.get("text") or output.get("data", {}).get("text/plain", "") for output in cell.get("outputs", [])]
    return [_DURATION.sub("some time", text) for text in texts]


def settle(notebook: Any, stored: Any) -> None:
    """Keep the stored outputs of cells that show nothing new but durations, moments, processes and names of objects."""
    before = {cell.id: cell for cell in stored.cells if cell.cell_type == "code"}
    for cell in notebook.cells:
        old = before.get(cell.id)
        if cell.cell_type == "code" and old is not None and _lasting(old) == _lasting(cell):
            cell.outputs = old.outputs


def _lasting(cell: Any) -> tuple[str, str]:
    return cell.source, _PASSING.sub("", json.dumps(cell.outputs, sort_keys=True))


def _joined(outputs: list[Any]) -> list[Any]:
    """Join pieces of one stream, which arrive as they please."""
    joined: list[Any] = []
    for output in outputs:
        last = joined[-1] if joined else None
        if last is not None and output.output_type == last.output_type == "stream" and output.name == last.name:
            last.text += output.text
        else:
            joined.append(output)
    return joined


def _tidied(output: Any, folder: Path, key: str) -> Any:
    if "text" in output:
        output.text = _without(output.text, folder)
    data = output.get("data", {})
    for kind, value in data.items():
        if kind == "image/png":
            data[kind] = _smaller(value)
        elif isinstance(value, str):
            data[kind] = _steady(_without(value, folder), key)
    return output


def _without(text: str, folder: Path) -> str:
    text = text.replace(f"{folder}{os.sep}", "").replace(str(folder), ".")
    # A narrow column may have cut the path.
    beginnings = (re.escape(str(folder)[:length]) for length in range(len(str(folder)), 1, -1))
    text = re.sub(f"(?:{'|'.join(beginnings)})…", "…", text)
    return _HOST.sub("on laptop", _LOGGED.sub("", text))


def _steady(text: str, key: str) -> str:
    """Give static twins the same key in every run."""
    for number, found in enumerate(dict.fromkeys(_STATIC_KEY.findall(text))):
        text = text.replace(found, f"{key}-{number}")
    return text


def _smaller(picture: str) -> str:
    """Return a PNG with fewer colours if it is large."""
    if len(picture) < _LARGE_PICTURE:
        return picture
    from PIL import Image  # noqa: PLC0415 - comes with matplotlib, and is needed for stored pictures only

    image = Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGB").quantize(64)
    written = io.BytesIO()
    image.save(written, "PNG", optimize=True)
    return base64.b64encode(written.getvalue()).decode() + "\n"


def store(path: Path) -> float:
    """Execute a notebook and store it with its outputs; return the seconds that it took."""
    import nbformat  # noqa: PLC0415 - see `kernel`

    notebook, stored = (nbformat.read(path, as_version=4) for _ in range(2))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        with kernel(notebook, folder) as client:
            seconds = execute(client, notebook)
        tidy(notebook, folder)
    settle(notebook, stored)
    nbformat.write(notebook, path)
    return seconds


def solution(cell: Any) -> Mapping[str, str] | None:
    """Return what an exercise's cell keeps in its metadata: a right answer, `solution`, and a `wrong` one."""
    found: Mapping[str, str] | None = cell.metadata.get("exercise")
    return found


if __name__ == "__main__":
    names = sys.argv[1:] or sorted(path.stem for path in HERE.glob("*.ipynb"))
    for each in names:
        print(f"{each}: {store(HERE / f'{each}.ipynb'):.1f} s", flush=True)
