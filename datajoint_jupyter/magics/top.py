"""``%dj top``: what the database is busy with."""

from __future__ import annotations

from dataclasses import dataclass

from datajoint.connection.running import Running
from datajoint.naming import shorten
from datajoint_jupyter.display.code import static_text
from datajoint_jupyter.display.listing import static_listing
from datajoint_jupyter.display.table import Column
from datajoint_jupyter.magics.arguments import connection_option, option, output_option, positive
from datajoint_jupyter.magics.command import Command, Context
from datajoint_jupyter.magics.errors import CommandError
from datajoint_jupyter.magics.show import show_static

_COLUMNS = (
    Column("seconds", kind="number"), Column("who"), Column("number", kind="number"), Column("tables"), Column("statement"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class TopArguments:
    """The line of ``%dj top``."""

    end: int | None = option(
        "--end", default=None, metavar="NUMBER", parse=positive, help_text="end the statement that a session of your own runs"
    )  # fmt: skip
    conn: str | None = connection_option()
    output: str | None = output_option()


def top(context: Context, arguments: TopArguments) -> None:
    """Show what others run at this moment, the longest first; keep the list if a name is given."""
    connection = context.on(arguments.conn).workspace.connection
    if connection is None:
        raise CommandError("No database is connected.", "Open one with %dj connect.")
    if arguments.end is not None:
        ended = connection.end_running(arguments.end)
        show_static(static_text(f"The statement of session {arguments.end} was ended.", [str(ended)]))
        return
    found = connection.running()
    context.keep(arguments.output, found)
    title = f"At work on {connection.address}"
    show_static(static_listing(title, _COLUMNS, [_row(running) for running in found], "No one else runs a statement."))


def _row(running: Running) -> list[str | None]:
    process = running.process
    return [
        "" if process.seconds is None else f"{process.seconds:.1f}",
        f"{process.user}@{process.place}" if process.user else "process",
        str(process.number),
        ", ".join(running.table_classes),
        shorten(process.statement) if process.statement else "not told",
    ]


COMMAND = Command(
    "top",
    "what others run now, the longest first, and ending a statement of your own",
    TopArguments,
    top,
    examples=("%dj top", "%dj top --end 4711"),
)
