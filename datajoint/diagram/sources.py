"""What a diagram can be made of, and for whom: connections, namespaces, and how to name what is neither."""

from __future__ import annotations

import inspect
from types import ModuleType
from typing import TYPE_CHECKING, Any

from datajoint.errors import DataJointError
from datajoint.naming import shorten

if TYPE_CHECKING:
    from datajoint.connection import Connection


def callers_namespace() -> dict[str, Any]:
    """Return the globals, overlaid with the locals, of the code that called into this package."""
    frame = inspect.currentframe()
    while frame is not None and str(frame.f_globals.get("__name__")).startswith(__package__):
        frame = frame.f_back
    return {} if frame is None else {**frame.f_globals, **frame.f_locals}


def connection_of(source: Any) -> Connection:
    """Return the connection of a table, a schema, or of what has a schema.

    Raises
    ------
    DataJointError
        If there is none.
    """
    holders = (
        [getattr(source, "schema", None), source]
        if isinstance(source, ModuleType)
        else [source, getattr(source, "schema", None)]
    )
    for holder in holders:
        connection: Connection | None = getattr(holder, "connection", None)
        if connection is not None and hasattr(connection, "dependencies"):
            return connection
    raise DataJointError(
        f"Could not find database connection in {spoken(source)}.",
        hint="Give a table, a schema, or a module with a `schema`; several go to Diagram.from_sequence().",
    )


def spoken(value: object) -> str:
    """Name a value for a message; not by its repr, because an expression's would ask the database."""
    return (
        shorten(value)
        if value is None or isinstance(value, str | int | float | type | ModuleType)
        else f"a {type(value).__name__}"
    )
