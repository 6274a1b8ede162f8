"""``%dj diagram``: how tables depend on each other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

from IPython.display import display

import datajoint as dj
from datajoint_jupyter.frontend import page_answers
from datajoint_jupyter.magics.arguments import option, output_option, positive, rest
from datajoint_jupyter.magics.command import Command, Context
from datajoint_jupyter.magics.errors import CommandError
from datajoint_jupyter.magics.evaluate import evaluate


@dataclass(frozen=True, slots=True)
class DiagramArguments:
    """The line of ``%dj diagram``."""

    expression: str = rest("TABLES", "tables, schemas or diagrams, with commas between; by default all schemas in use")
    up: int = option("--up", default=0, metavar="N", parse=positive, help_text="add N steps of parents")
    down: int = option("--down", default=0, metavar="N", parse=positive, help_text="add N steps of children")
    overview: bool = option("--overview", default=False, help_text="one box for each schema")
    status: bool = option(
        "--status", default=False, help_text="tell rows, progress, failed jobs and drift in the boxes, and follow them"
    )
    static: bool = option("--static", default=False, help_text="a plain picture instead of a live diagram")
    legend: bool = option("--legend", default=False, help_text="tell what shapes and lines mean")
    output: str | None = output_option()


def diagram(context: Context, arguments: DiagramArguments) -> None:
    """Draw the dependencies of tables; keep the diagram, or the view of it, if a name is given."""
    found = reduce(add, (_diagram_of(source, context) for source in _sources(context, arguments)))
    if arguments.up or arguments.down:
        found = (found - arguments.up) + (found + arguments.down)
    if arguments.status:
        found = found.overlay()
    if arguments.overview:
        found = found.overview()
    if arguments.legend:
        found = found.with_look(legend=True)
    shown = found if arguments.static or not page_answers() else _live(found, follow=arguments.status)
    context.keep(arguments.output, shown)
    display(shown)


def _live(found: dj.Diagram, *, follow: bool) -> Any:
    """Return a live view; where nothing is installed that draws, the diagram itself, which says so."""
    if found._repr_svg_() is None:
        return found
    from datajoint_jupyter.widgets.diagram import DiagramView  # noqa: PLC0415 - widgets are imported when used

    return DiagramView(found, live=follow)


def _sources(context: Context, arguments: DiagramArguments) -> list[Any]:
    if arguments.expression:
        value = evaluate(arguments.expression, context.workspace, name="%dj diagram").value
        return list(value) if isinstance(value, tuple | list) else [value]
    schemas = list(context.workspace.schemas.values())
    if not schemas:
        raise CommandError(
            "No schema is in use, so there is nothing to draw.", "Make one with dj.Schema, or import your pipeline."
        )
    return schemas


def _diagram_of(source: Any, context: Context) -> Any:
    return source if isinstance(source, dj.Diagram) else dj.Diagram(source, context=context.workspace.namespace)


COMMAND = Command(
    "diagram",
    "draw how tables depend on each other",
    DiagramArguments,
    diagram,
    completes="expressions",
    examples=(
        "%dj diagram",
        "%dj diagram Detection --up 2",
        "%dj diagram Image, Detection",
        "%dj diagram --status --legend",
    ),
)
