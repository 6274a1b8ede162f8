"""``%dj why``: why an expression has no rows."""

from __future__ import annotations

from dataclasses import dataclass

from datajoint_jupyter.display.code import static_text
from datajoint_jupyter.magics.arguments import connection_option, rest
from datajoint_jupyter.magics.command import Command, Context
from datajoint_jupyter.magics.evaluate import evaluate_query
from datajoint_jupyter.magics.show import show_static


@dataclass(frozen=True, slots=True)
class WhyArguments:
    """The line of ``%dj why``."""

    expression: str = rest("EXPRESSION", "a table restricted to the key that is missed, or an expression that is empty")
    conn: str | None = connection_option()


def why(context: Context, arguments: WhyArguments) -> None:
    """Tell which condition, or which side of a join, removed the last rows."""
    found = evaluate_query(arguments.expression, context.on(arguments.conn).workspace, name="%dj why")
    show_static(static_text(found.source, found.value.why().sentences))


COMMAND = Command(
    "why",
    "why an expression has no rows",
    WhyArguments,
    why,
    completes="expressions",
    examples=("%dj why Session & {'subject_id': 7}", "%dj why Session * Scan"),
)
