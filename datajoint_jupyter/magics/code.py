"""``%dj code``: what was clicked in a view, as Python in the next cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from datajoint_jupyter.display.code import static_code
from datajoint_jupyter.magics.arguments import option, rest, variable_name
from datajoint_jupyter.magics.command import Command, Context
from datajoint_jupyter.magics.errors import CommandError, unknown
from datajoint_jupyter.magics.evaluate import evaluate
from datajoint_jupyter.magics.show import show_static
from datajoint_jupyter.registry import open_widgets

_NAME = "%dj code"
_VALUES = ("query", "diagram")  # what code of a view may give
_OPEN_ONE = "Keep one by %dj browse Session -o NAME; without a name, %dj code takes the view that was opened last."


@dataclass(frozen=True, slots=True)
class CodeArguments:
    """The line of ``%dj code``."""

    view: str = rest(
        "NAME", "a browser, builder, diagram, form or delete view of the notebook; the one that was opened last by default"
    )  # fmt: skip
    selected: bool = option("--selected", default=False, help_text="of a browser, the selected rows alone")
    assign: str | None = option(
        "--as", default=None, metavar="NAME", parse=variable_name, help_text="let the cell keep its value as NAME"
    )


def code(context: Context, arguments: CodeArguments) -> None:
    """Put the code of a view, as it is now, into the next cell."""
    variable, view = _view(context, arguments.view)
    name = variable or f"the {type(view).__name__} that was opened last"
    text = _code_of(name, view, selected=arguments.selected)
    if hasattr(view, "code_as") and text != (named := view.code_as(variable)):
        if not variable:
            raise CommandError(
                f"Too many rows are pasted into {name} to be written into a cell.",
                "Keep the form by %dj insert Session -o NAME; its rows are NAME.pasted_rows.",
            )
        text = named
    if arguments.assign is not None:
        if not any(hasattr(type(view), value) for value in _VALUES):
            raise CommandError(
                f"The code of {name} does something, and --as {arguments.assign} keeps the value of an expression.",
                "Leave --as out.",
            )
        text = f"{arguments.assign} = {text}"
    show_static(static_code(text, f"The next cell, from {name}"))
    context.shell.set_next_input(text)


def view_names(context: Context) -> list[str]:
    """Return the names of the notebook's variables that are open views with code."""
    views = {id(view) for view in open_widgets if _has_code(view)}
    known = context.workspace.namespace
    return [name for name, value in list(known.items()) if id(value) in views and not name.startswith("_")]


def _has_code(view: Any) -> bool:
    return hasattr(type(view), "code")


def _view(context: Context, text: str) -> tuple[str, Any]:
    """Return the view that is meant, and what the notebook calls it; an empty text if it has no name there."""
    known = context.workspace.namespace
    if not text:
        found = next((view for view in reversed(list(open_widgets)) if _has_code(view)), None)
        if found is None:
            raise CommandError(
                "No view is open that could tell its code.",
                "Open one with %dj browse, restrict, diagram, insert or delete.",
            )
        return next((name for name in view_names(context) if known[name] is found), ""), found
    if text.isidentifier() and text not in known:
        raise unknown("view", text, view_names(context), otherwise=_OPEN_ONE)
    value = evaluate(text, context.workspace, name=_NAME).value
    if not _has_code(value):
        raise CommandError(f"{text} is {type(value).__name__}, which has no code to tell.", f"Name a view. {_OPEN_ONE}")
    return text, value


def _code_of(name: str, view: Any, *, selected: bool) -> str:
    if selected and not hasattr(type(view), "selection_code"):
        raise CommandError(f"In {name} no rows can be selected.", "Leave --selected out, or name a browser.")
    text: str = view.selection_code if selected else view.code
    if not text:
        what = "No row is selected in" if selected else "There is no code yet for"
        raise CommandError(f"{what} {name}.", "Choose something there, and ask again.")
    return text


COMMAND = Command(
    "code",
    "what you clicked in a view, as Python in the next cell",
    CodeArguments,
    code,
    completes="views",
    examples=("%dj code", "%dj code builder", "%dj code browser --selected --as chosen"),
)
