"""``%dj locks``: who waits for whom."""

from __future__ import annotations

from dataclasses import dataclass

from datajoint.connection.locks import Lock
from datajoint.naming import shorten
from datajoint_jupyter.display.code import static_text
from datajoint_jupyter.display.listing import static_listing
from datajoint_jupyter.display.table import Column
from datajoint_jupyter.magics.arguments import connection_option, option, output_option, positive
from datajoint_jupyter.magics.command import Command, Context
from datajoint_jupyter.magics.errors import CommandError
from datajoint_jupyter.magics.show import show_static

_COLUMNS = (
    Column("who waits"), Column("for"), Column("seconds", kind="number"), Column("held by"),
    Column("number", kind="number"), Column("in transaction (s)", kind="number"), Column("its statement"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class LocksArguments:
    """The line of ``%dj locks``."""

    end: int | None = option(
        "--end", default=None, metavar="NUMBER", parse=positive,
        help_text="end a session of your own that others wait for; what it has not committed is undone",
    )  # fmt: skip
    conn: str | None = connection_option()
    output: str | None = output_option()


def locks(context: Context, arguments: LocksArguments) -> None:
    """Show who waits for whose locks, as far as the user may see it; keep the list if a name is given."""
    connection = context.on(arguments.conn).workspace.connection
    if connection is None:
        raise CommandError("No database is connected.", "Open one with %dj connect.")
    if arguments.end is not None:
        ended = connection.end_blocking(arguments.end)
        show_static(
            static_text(f"Session {arguments.end} was ended; what it had not committed is undone.", [str(ended)])
        )
        return
    found = connection.locks()
    context.keep(arguments.output, found)
    title = f"Locks on {connection.address}"
    show_static(static_listing(title, _COLUMNS, [_row(lock) for lock in found], "Nobody waits for anybody."))


def _row(lock: Lock) -> list[str | None]:
    waiting, blocking = lock.waiting, lock.blocking
    return [
        "not told by this engine" if waiting is None else f"{waiting.user}@{waiting.place} (number {waiting.number})",
        f"{lock.table_class} ({lock.table})" if lock.table else "the database",
        _seconds(lock.seconds),
        f"{blocking.user}@{blocking.place}" if blocking.user else "process",
        str(blocking.number),
        _seconds(blocking.seconds),
        shorten(blocking.statement) if blocking.statement else "",
    ]


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.0f}"


COMMAND = Command(
    "locks",
    "who waits for whom, and ending a session of your own that others wait for",
    LocksArguments,
    locks,
    examples=("%dj locks", "%dj locks --end 4711"),
)
