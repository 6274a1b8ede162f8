"""``%dj tables``: the tables of schemas, with their tiers, keys and comments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import datajoint as dj
from datajoint.naming import to_camel_case
from datajoint.tiers import tier_of
from datajoint_jupyter.display.listing import static_listing, together
from datajoint_jupyter.display.table import Column
from datajoint_jupyter.display.twin import Static
from datajoint_jupyter.magics.arguments import option, rest
from datajoint_jupyter.magics.command import Command, Context
from datajoint_jupyter.magics.errors import CommandError, unknown
from datajoint_jupyter.magics.show import show_static

_COLUMNS = (Column("table"), Column("tier"), Column("primary key"), Column("comment"))
_ROWS = Column("rows", kind="number")


@dataclass(frozen=True, slots=True)
class TablesArguments:
    """The line of ``%dj tables``."""

    schemas: str = rest("SCHEMA …", "names of schemas; by default those in use")
    counts: bool = option("--counts", default=False, help_text="count the rows of each table")


def tables(context: Context, arguments: TablesArguments) -> None:
    """List the tables of the given schemas, or of those in use."""
    connection = context.workspace.connection
    names = arguments.schemas.replace(",", " ").split() or list(context.workspace.schemas)
    if not names:
        raise CommandError("No schema is in use.", "Name one, see %dj schemas, or make one with dj.Schema.")
    catalogs = connection.catalogs(names)
    for name in names:
        if name not in catalogs:
            raise unknown("schema", name, dj.list_schemas(connection))
    listings = [_listing(connection, name, _ordered(context, name, catalogs[name].tables), arguments) for name in names]
    show_static(together(listings))


def _ordered(context: Context, schema: str, found: Any) -> list[Any]:
    """Return the tables, parents first where the schema is active and so knows their order."""
    visible = {name: info for name, info in found.items() if not name.startswith("~")}
    active = context.workspace.schemas.get(schema)
    order = active.list_tables() if active is not None else []
    return [visible.pop(name) for name in order if name in visible] + list(visible.values())


def _listing(connection: dj.Connection, schema: str, infos: Sequence[Any], arguments: TablesArguments) -> Static:
    rows: list[list[str | None]] = []
    for info in infos:
        tier = tier_of(info.name.name)
        row: list[str | None] = [
            class_path(info.name.name),
            tier.__name__ if tier is not None else "",
            ", ".join(info.primary_key),
            info.comment,
        ]
        if arguments.counts:
            row.insert(2, f"{len(dj.FreeTable(connection, str(info.name))):,}")
        rows.append(row)
    columns = (*_COLUMNS[:2], _ROWS, *_COLUMNS[2:]) if arguments.counts else _COLUMNS
    return static_listing(f"Tables of {schema}", columns, rows, "It has no tables yet.")


def class_path(table_name: str) -> str:
    """Return how a table's class is written, parts as ``Master.Part``."""
    return ".".join(to_camel_case(part) for part in table_name.strip("_#").split("__"))


COMMAND = Command(
    "tables",
    "the tables of schemas, with tiers, keys and comments",
    TablesArguments,
    tables,
    completes="schemas",
    examples=("%dj tables", "%dj tables lab --counts"),
)
