"""``%dj find``: tables and attributes by words in their names, comments and labels."""

from __future__ import annotations

from dataclasses import dataclass

import datajoint as dj
from datajoint_jupyter.display.listing import static_listing
from datajoint_jupyter.display.table import Column
from datajoint_jupyter.magics.arguments import connection_option, option, positive, rest
from datajoint_jupyter.magics.command import Command, Context
from datajoint_jupyter.magics.errors import CommandError
from datajoint_jupyter.magics.show import show_static

_COLUMNS = (Column("name"), Column("type"), Column("comment"))
_SHOWN = 30


@dataclass(frozen=True, slots=True)
class FindArguments:
    """The line of ``%dj find``."""

    words: str = rest("WORDS", "words of names, comments and enum labels, in all schemas")
    limit: int = option("--limit", default=_SHOWN, metavar="N", parse=positive, help_text="how many to show")
    conn: str | None = connection_option()


def find(context: Context, arguments: FindArguments) -> None:
    """Search all schemas and list what was found, the best first."""
    if not arguments.words:
        raise CommandError("%dj find was given no words.", "Write, for example, %dj find licks.")
    hits = dj.search(arguments.words, connection=context.on(arguments.conn).workspace.connection)
    rows = [[hit.name, hit.type or "table", hit.comment] for hit in hits[: arguments.limit]]
    more = f" ({len(rows)} of {len(hits)})" if len(hits) > len(rows) else ""
    title = f"Found for “{arguments.words}”{more}"
    show_static(static_listing(title, _COLUMNS, rows, "Nothing: no name, comment or label has these words."))


COMMAND = Command(
    "find",
    "search names, comments and labels of all schemas",
    FindArguments,
    find,
    examples=("%dj find licks", "%dj find reward volume --limit 5"),
)
