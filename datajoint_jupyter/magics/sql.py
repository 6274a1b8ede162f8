"""``%dj sql``: the statement behind an expression."""

from __future__ import annotations

from dataclasses import dataclass

from datajoint_jupyter.display.code import static_code
from datajoint_jupyter.magics.arguments import connection_option, option, rest
from datajoint_jupyter.magics.command import Command, Context
from datajoint_jupyter.magics.evaluate import evaluate_query
from datajoint_jupyter.magics.show import show_static


@dataclass(frozen=True, slots=True)
class SqlArguments:
    """The line of ``%dj sql``."""

    expression: str = rest("EXPRESSION", "a table, or an expression over tables")
    plan: bool = option("--plan", default=False, help_text="also how the engine would run it")
    conn: str | None = connection_option()


def sql(context: Context, arguments: SqlArguments) -> None:
    """Show the SELECT, and with ``--plan`` the engine's plan of it."""
    found = evaluate_query(arguments.expression, context.on(arguments.conn).workspace, name="%dj sql")
    text = found.value.sql(indent=True)
    if arguments.plan:
        text += f"\n\n{found.value.explain()}"
    show_static(static_code(text))


COMMAND = Command(
    "sql",
    "the SQL of an expression, and the engine's plan",
    SqlArguments,
    sql,
    completes="expressions",
    examples=("%dj sql Session & 'subject_id > 3'", "%dj sql Session * Subject --plan"),
)
