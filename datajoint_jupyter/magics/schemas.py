"""``%dj schemas``: the schemas on the server, or in the file."""

from __future__ import annotations

from dataclasses import dataclass

import datajoint as dj
from datajoint_jupyter.display.listing import static_listing
from datajoint_jupyter.display.table import Column
from datajoint_jupyter.magics.command import Command, Context
from datajoint_jupyter.magics.show import place, show_static

_COLUMNS = (Column("schema"), Column("tables", kind="number"), Column("in use"))


@dataclass(frozen=True, slots=True)
class SchemasArguments:
    """The line of ``%dj schemas``: nothing."""


def schemas(context: Context, arguments: SchemasArguments) -> None:  # noqa: ARG001 - all commands are called alike
    """List the schemas, how many tables each has, and whether the notebook uses it."""
    connection = context.workspace.connection
    active = context.workspace.schemas
    names = dj.list_schemas(connection)
    catalogs = connection.catalogs(names)
    rows = [
        [name, str(_table_count(catalogs[name].tables) if name in catalogs else 0), "yes" if name in active else ""]
        for name in names
    ]
    nothing = "There is none yet: make one with dj.Schema."
    show_static(static_listing(f"Schemas of {place(connection)}", _COLUMNS, rows, nothing))


def _table_count(names: object) -> int:
    return sum(not str(name).startswith("~") for name in names)  # type: ignore[attr-defined]  # a mapping's keys


COMMAND = Command("schemas", "the schemas that exist", SchemasArguments, schemas, examples=("%dj schemas",))
