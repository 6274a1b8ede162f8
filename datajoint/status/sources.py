"""The tables whose status is asked for: by their classes where these are known, and what they are to compute."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from datajoint.autopopulate import AutoPopulate
from datajoint.autopopulate.key_source import default_key_source
from datajoint.diagram.class_names import find_classes
from datajoint.errors import DataJointError
from datajoint.jobs.layout import queue_name
from datajoint.logging import logger
from datajoint.table import FreeTable, Table
from datajoint.tiers import tier_of

if TYPE_CHECKING:
    from datajoint.connection import Connection
    from datajoint.definition import TableName
    from datajoint.expression import QueryExpression


def tables_of(
    connection: Connection, names: Collection[TableName], context: Mapping[str, Any]
) -> dict[TableName, Table]:
    """Return tables by name, each of its class if a namespace or a schema of this process knows it."""
    classes = find_classes(context, connection, names)
    found: dict[TableName, Table] = {}
    for name in names:
        cls = classes.get(name) or _declared_class(connection, name)
        found[name] = FreeTable(connection, str(name)) if cls is None else cls()
    return found


def _declared_class(connection: Connection, name: TableName) -> type[Table] | None:
    schema = connection.schemas.get(name.schema)
    cls: type[Table] | None = None if schema is None else schema._bound.get(name)
    return cls


def is_computed(name: TableName) -> bool:
    """Tell whether `make` fills the table of that name."""
    tier = tier_of(name.name)
    return tier is not None and issubclass(tier, AutoPopulate)


def keys_of(table: Table) -> QueryExpression | None:
    """Return all keys that a table is to compute; by its foreign keys where its class is not known.

    None if it is not computed, or its key source cannot be used.
    """
    if not is_computed(table.name):
        return None
    try:
        return table._keys_to_compute(()) if isinstance(table, AutoPopulate) else default_key_source(table).proj()
    except DataJointError as error:  # one table that cannot be populated must not hide the others
        logger.debug("The keys of %s are unknown: %s", table.name, error)
        return None


def has_queue(table: Table) -> bool:
    """Tell whether a table has a queue, as the catalogue has it."""
    queue = queue_name(table.name)
    catalog = table.connection.catalog(queue.schema)
    return catalog is not None and queue.name in catalog.tables
