"""What a diagram can be made into: DOT, SVG, PNG, PDF, Mermaid, text, and what notebooks and terminals show."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, TypedDict, Unpack

from datajoint.diagram.dot import make_dot
from datajoint.diagram.layout import lay_out
from datajoint.diagram.mermaid import make_mermaid
from datajoint.diagram.palette import palette_for
from datajoint.diagram.render import INSTALL_SVG, Format, NoEngineError, convert, draw
from datajoint.diagram.scene import Scene
from datajoint.diagram.svg import as_document, finish_svg
from datajoint.diagram.text import make_text
from datajoint.errors import DataJointError
from datajoint.naming import shorten

if TYPE_CHECKING:
    from datajoint.connection import Connection
    from datajoint.diagram.dot_graph import Dot

FileFormat = Literal["png", "svg", "pdf", "mermaid", "dot"]
_FORMATS: dict[str, FileFormat] = {
    ".png": "png",
    ".svg": "svg",
    ".pdf": "pdf",
    ".mmd": "mermaid",
    ".mermaid": "mermaid",
    ".dot": "dot",
    ".gv": "dot",
}
_DPI = 144.0


class Look(TypedDict, total=False):
    """How to draw; what is left out, the settings of the connection decide.

    Attributes
    ----------
    theme : str
        ``light``, ``dark``, or ``auto``: light, in an SVG with a style sheet that follows the reader's preference.
    direction : str
        ``LR``, from left to right, or ``TB``, from top to bottom.
    legend : bool
        Whether to tell below the picture what shapes and lines mean; not in DOT. By default not.
    font : str
        Name of a font; by default Helvetica, or what the reader's machine has in its place.
    dpi : float
        Pixels per inch of a PNG; 144 by default.
    """

    theme: str
    direction: str
    legend: bool
    font: str
    dpi: float


class Pictures:
    """The drawing half of `Diagram`."""

    _look: Look = {}  # noqa: RUF012 - replaced, never changed

    if TYPE_CHECKING:

        def copy(self, as_view: bool = False) -> Any: ...

        def _scene(self) -> Scene: ...

        def _require_connection(self) -> Connection: ...

    def with_look(self, **look: Unpack[Look]) -> Self:
        """Return the diagram, to be drawn so wherever nothing else is said, as in a notebook.

        Parameters
        ----------
        **look
            As of `Look`.

        Examples
        --------
        >>> dj.Diagram(schema).with_look(legend=True, direction="TB")  # doctest: +SKIP
        """
        result: Self = self.copy()
        result._look = {**self._look, **look}
        return result

    def _direction(self, look: Look) -> str:
        direction = (
            look.get("direction", self._look.get("direction"))
            or self._require_connection().settings.display.diagram_direction
        )
        if direction not in {"LR", "TB"}:
            raise DataJointError(f"A diagram has no direction {shorten(direction)}.", hint="Give 'LR' or 'TB'.")
        return direction

    def _theme(self, look: Look) -> str:
        return look.get("theme", self._look.get("theme")) or self._require_connection().settings.display.diagram_theme

    def make_dot(
        self,
        theme: str | None = None,
        *,
        direction: str | None = None,
        font: str | None = None,
        dpi: float | None = None,
    ) -> Dot:
        """Return the diagram as a DOT graph.

        It is a graph of the ``graphviz`` package with the getters of pydot: ``get_nodes()``, ``get_edges()``,
        ``node.get_fillcolor()``; its text is ``.source``, and ``create_svg()`` draws it.

        Parameters
        ----------
        theme : {"light", "dark", "auto"}, optional
            By default the setting ``display.diagram_theme``; ``auto`` is drawn light.
        direction, font, dpi
            As of `Look`.

        Raises
        ------
        DataJointError
            For an unknown direction.
        """
        look: Look = {}
        if theme is not None:
            look["theme"] = theme
        if direction is not None:
            look["direction"] = direction
        font = font or self._look.get("font")
        return make_dot(self._scene(), self._direction(look), self._theme(look), font=font, dpi=dpi)

    def make_mermaid(self, **look: Unpack[Look]) -> str:
        """Return the diagram as the text of a Mermaid flowchart; of `Look`, the direction counts."""
        return make_mermaid(self._scene(), self._direction(look))

    def svg_string(self, **look: Unpack[Look]) -> str:
        """Return the diagram as an SVG document.

        With the theme ``auto`` it carries a style sheet by which it turns dark where the reader prefers dark. It needs
        nothing from elsewhere and runs nothing, so that it can be shown wherever pictures can.

        Parameters
        ----------
        **look
            As of `Look`.

        Raises
        ------
        DataJointError
            If no Graphviz engine is installed.
        """
        return as_document(self._svg_root(look))

    def _svg_root(self, look: Look) -> str:
        look = {**self._look, **look}
        scene, theme = self._scene(), self._theme(look)
        legend = palette_for(theme) if look.get("legend") else None
        drawn = lay_out(scene, self._direction(look), theme)
        return finish_svg(drawn, scene, adaptive=theme == "auto", font=look.get("font"), legend=legend)

    def make_svg(self, **look: Unpack[Look]) -> Any:
        """Return the diagram as an ``IPython.display.SVG``; parameters as of `svg_string`.

        Raises
        ------
        DataJointError
            If IPython or a Graphviz engine is missing.
        """
        try:
            from IPython.display import SVG  # noqa: PLC0415 - optional, and slow to import
        except ImportError as error:
            raise DataJointError(
                "make_svg() makes an IPython object, and IPython is not installed.",
                hint="Use svg_string() or save(), or: pip install ipython.",
            ) from error
        return SVG(self.svg_string(**look))

    def make_png(self, **look: Unpack[Look]) -> io.BytesIO:
        """Return the diagram as a PNG file in memory; the theme ``auto`` is drawn light. Parameters as of `svg_string`.

        Raises
        ------
        DataJointError
            If nothing is installed that makes PNG.
        """
        return io.BytesIO(self._file("png", look))

    def make_pdf(self, **look: Unpack[Look]) -> io.BytesIO:
        """Return the diagram as a PDF file in memory; the theme ``auto`` is drawn light. Parameters as of `svg_string`.

        Raises
        ------
        DataJointError
            If nothing is installed that makes PDF.
        """
        return io.BytesIO(self._file("pdf", look))

    def _file(self, form: Format, look: Look) -> bytes:
        """Return a file made of the SVG, which looks the same everywhere; else what a Graphviz engine makes."""
        look = {**self._look, **look}
        theme, dpi = "dark" if self._theme(look) == "dark" else "light", look.get("dpi", _DPI)
        fixed: Look = {**look, "theme": theme}
        try:
            return convert(self._svg_root(fixed), form, dpi)
        except NoEngineError as missing:
            try:
                dot = self.make_dot(theme, direction=look.get("direction"), font=look.get("font"), dpi=dpi)
                return draw(dot.source, form)
            except NoEngineError as error:
                raise NoEngineError(f"{missing.args[0]} {error.args[0]}", hint=missing.hint) from error

    def make_image(self, **look: Unpack[Look]) -> Any:
        """Return the diagram as an array of height x width x 4, float32 from 0 to 1: red, green, blue, opacity.

        Parameters as of `svg_string`.

        Raises
        ------
        DataJointError
            If matplotlib is missing, or nothing is installed that makes PNG.
        """
        return _pyplot().imread(self.make_png(**look))

    def draw(self, **look: Unpack[Look]) -> None:
        """Show the diagram in a figure of matplotlib, without axes. Parameters as of `svg_string`.

        Raises
        ------
        DataJointError
            As `make_image`.
        """
        pyplot = _pyplot()
        image = self.make_image(**look)
        dpi = look.get("dpi", self._look.get("dpi", _DPI))
        figure = pyplot.figure(figsize=(image.shape[1] / dpi, image.shape[0] / dpi), dpi=dpi)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.imshow(image)
        axes.axis("off")
        pyplot.show()

    def save(self, filename: str | Path, format: FileFormat | None = None, **look: Unpack[Look]) -> None:  # noqa: A002 - part of the interface
        """Write the diagram to a file.

        Parameters
        ----------
        filename : str or Path
        format : {"png", "svg", "pdf", "mermaid", "dot"}, optional
            By default from the file's extension: ``.png``, ``.svg``, ``.pdf``, ``.mmd``, ``.mermaid``, ``.dot`` or ``.gv``.
        **look
            As of `Look`.

        Raises
        ------
        DataJointError
            For another extension or format, or if nothing that is installed can draw it.
        """
        path = Path(filename)
        chosen = format or _FORMATS.get(path.suffix.lower())
        if chosen is None:
            raise DataJointError("Could not infer format from filename. Specify format explicitly.")
        if chosen not in _FORMATS.values():
            raise DataJointError("Unsupported file format", hint=f"{chosen!r} is none of png, svg, pdf, mermaid, dot.")
        if chosen == "svg":
            data = self.svg_string(**look).encode()
        elif chosen == "mermaid":
            data = self.make_mermaid(**look).encode()
        elif chosen == "dot":
            font = look.get("font")
            data = self.make_dot(look.get("theme"), direction=look.get("direction"), font=font).source.encode()
        else:
            data = self._file(chosen, look)
        path.write_bytes(data)

    # --- display
    def __repr__(self) -> str:
        return make_text(self._scene())

    def _repr_svg_(self) -> str | None:
        """Return the root element alone, for notebooks; None where no engine is installed."""
        try:
            return self._svg_root({})
        except NoEngineError:
            return None

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """Return text and SVG, or without an engine Mermaid and what to install."""
        bundle = {"text/plain": repr(self)}
        svg = self._repr_svg_()
        if svg is not None:
            bundle["image/svg+xml"] = svg
        else:
            mermaid = self.make_mermaid()
            bundle["text/vnd.mermaid"] = mermaid
            bundle["text/markdown"] = f"```mermaid\n{mermaid}\n```"
            bundle["text/plain"] += f"\n\nTo see it drawn: {INSTALL_SVG}"
        return {
            mime: data
            for mime, data in bundle.items()
            if (not include or mime in include) and mime not in (exclude or ())
        }


def _pyplot() -> Any:
    try:
        import matplotlib.pyplot as plt  # noqa: PLC0415 - optional, and slow to import
    except ImportError as error:
        raise DataJointError("pyplot was not imported", hint="Install matplotlib: pip install matplotlib.") from error
    return plt
