"""``%dj use``: find the tables of schemas by their bare names."""

from __future__ import annotations

from dataclasses import dataclass

import datajoint as dj
from datajoint_jupyter.magics.arguments import connection_option, option, rest
from datajoint_jupyter.magics.command import Command, Context
from datajoint_jupyter.magics.errors import unknown
from datajoint_jupyter.magics.tables import TablesArguments, tables


@dataclass(frozen=True, slots=True)
class UseArguments:
    """The line of ``%dj use``."""

    schemas: str = rest("SCHEMA …", "names of schemas")
    create: bool = option("--create", default=False, help_text="make those that do not exist")
    conn: str | None = connection_option()


def use(context: Context, arguments: UseArguments) -> None:
    """Activate schemas, so that expressions find their tables; then list their tables."""
    connection = context.on(arguments.conn).workspace.connection
    names = arguments.schemas.replace(",", " ").split()
    existing = dj.list_schemas(connection)
    for name in names:
        if name not in existing and not arguments.create:
            raise unknown("schema", name, existing, otherwise="Add --create to make it.")
    for name in names:
        context.workspace.use(dj.Schema(name, connection=connection, create_schema=arguments.create))
    tables(context.on(arguments.conn), TablesArguments(schemas=" ".join(names)))


COMMAND = Command(
    "use",
    "find the tables of a schema by their bare names",
    UseArguments,
    use,
    completes="schemas",
    examples=("%dj use lab", "%dj use lab rig", "%dj use lab --create"),
)
