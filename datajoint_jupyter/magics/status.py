"""``%dj status``: where one is connected to, and what is in use."""

from __future__ import annotations

from dataclasses import dataclass

import datajoint as dj
from datajoint_jupyter.display.facts import static_facts
from datajoint_jupyter.magics.command import Command, Context
from datajoint_jupyter.magics.show import place, show_static


@dataclass(frozen=True, slots=True)
class StatusArguments:
    """The line of ``%dj status``: nothing."""


def status(context: Context, arguments: StatusArguments) -> None:  # noqa: ARG001 - all commands are called alike
    """Show the connection, the active schemas and the version."""
    connection = context.workspace.connection
    tables = context.workspace.tables()
    schemas = [f"{name} ({len(members)} table{'' if len(members) == 1 else 's'})" for name, members in tables.items()]
    facts = {
        "Connection": place(connection),
        "State": _state(connection),
        "Schemas in use": ", ".join(schemas) or "none",
        "DataJoint": dj.__version__,
    }
    show_static(static_facts("DataJoint", facts))


def _state(connection: dj.Connection) -> str:
    if not connection.is_connected:
        return "not connected; the next query connects again"
    return "connected, inside a transaction" if connection.in_transaction else "connected"


COMMAND = Command("status", "the connection and the schemas in use", StatusArguments, status, examples=("%dj status",))
