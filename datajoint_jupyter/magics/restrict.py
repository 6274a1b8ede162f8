"""``%dj restrict``: build a restriction by hand."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any

from IPython.display import display

import datajoint as dj
from datajoint_jupyter.magics.arguments import connection_option, option, output_option, positive, rest
from datajoint_jupyter.magics.command import Command, Context
from datajoint_jupyter.magics.evaluate import evaluate, evaluate_query, parse_expression
from datajoint_jupyter.magics.show import shown_rows
from datajoint_jupyter.workspace import Workspace

_NAME = "%dj restrict"


@dataclass(frozen=True, slots=True)
class RestrictArguments:
    """The line of ``%dj restrict``."""

    expression: str = rest("EXPRESSION", "a table, or an expression; its last conditions are taken over")
    limit: int | None = option(
        "--limit", default=None, metavar="N", parse=positive, help_text="rows kept in the notebook"
    )
    conn: str | None = connection_option()
    output: str | None = output_option()


def restrict(context: Context, arguments: RestrictArguments) -> None:
    """Open the builder; keep it if a name is given."""
    # Widgets are imported when the first one is made.
    from datajoint_jupyter.widgets.builder import RestrictionBuilder  # noqa: PLC0415
    from datajoint_jupyter.widgets.builder.opening import Given  # noqa: PLC0415

    workspace = context.on(arguments.conn).workspace
    source, conditions = _parted(arguments.expression, workspace)
    found = evaluate_query(source, workspace, name=_NAME)
    builder = RestrictionBuilder(
        found.value,
        [Given(value, text) for value, text in conditions],
        source=source,
        namespace=context.shell.user_ns,
        shown=arguments.limit or shown_rows(found.value),
    )
    context.keep(arguments.output, builder)
    display(builder)


def _parted(text: str, workspace: Workspace) -> tuple[str, list[tuple[Any, str]]]:
    """Return the source of ``source & condition - condition …``, and the conditions with their texts."""
    node = parse_expression(text, name=_NAME)
    conditions: list[tuple[Any, str]] = []
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitAnd | ast.Sub):
        source = ast.unparse(node.right)
        value = evaluate(source, workspace, name=_NAME).value
        negative = isinstance(node.op, ast.Sub)
        conditions.insert(0, (dj.Not(value), f"dj.Not({source})") if negative else (value, source))
        node = node.left
    return ast.unparse(node), conditions


COMMAND = Command(
    "restrict",
    "build a restriction by hand, with the number of rows that each condition lets pass",
    RestrictArguments,
    restrict,
    completes="expressions",
    examples=(
        "%dj restrict Session",
        "%dj restrict Session - Score & 'subject_id > 3' -o builder",
        "%dj code builder",
    ),
)
