"""``%dj watch``: how far tables are, whoever works on them and wherever."""

from __future__ import annotations

from dataclasses import dataclass

from datajoint_jupyter.magics.arguments import connection_option, output_option, rest
from datajoint_jupyter.magics.command import Command, Context
from datajoint_jupyter.magics.work_targets import named_tables
from datajoint_jupyter.work import WorkPanel


@dataclass(frozen=True, slots=True)
class WatchArguments:
    """The line of ``%dj watch``."""

    tables: str = rest("TABLES | SCHEMA", "imported or computed tables, or a schema; by default the schemas in use")
    conn: str | None = connection_option()
    output: str | None = output_option()


def watch(context: Context, arguments: WatchArguments) -> None:
    """Show how far tables are, as the database tells it; keep the panel if a name is given."""
    tables = named_tables(arguments.tables, context.on(arguments.conn), name="%dj watch")
    panel = WorkPanel(tables)
    context.keep(arguments.output, panel)
    panel.show()


COMMAND = Command(
    "watch",
    "how far tables are, whoever works on them, on this machine or others",
    WatchArguments,
    watch,
    completes="expressions",
    examples=("%dj watch", "%dj watch Detection, Summary", "%dj watch lab"),
)
