"""By what names a program knows its tables: class names found in its namespace."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from datajoint.errors import DataJointError
from datajoint.table.context import classes_in

if TYPE_CHECKING:
    from datajoint.connection import Connection
    from datajoint.definition import TableName
    from datajoint.table.table import Table


class ClassName(NamedTuple):
    """How a table's class is reached, such as ``mod.Session.Note``, and the module that defines it."""

    path: str
    module: str


def full_name_of(value: object) -> str | None:
    """Return the full table name of a table's class or instance, or None for anything else."""
    try:
        name = getattr(value, "full_table_name", None)
    except DataJointError:  # a table that is not bound to a schema
        return None
    return name if isinstance(name, str) else None


def find_class_names(
    context: Mapping[str, Any], connection: Connection | None, tables: Collection[TableName]
) -> dict[TableName, ClassName]:
    """Find the classes of tables in a namespace.

    A class bound in the namespace itself wins over the same class reached through a module. Names that begin with
    an underscore are passed over.

    Parameters
    ----------
    context : mapping
        A namespace: name -> object.
    connection : Connection or None
        That of the tables.
    tables : collection of TableName
        The tables wanted.

    Returns
    -------
    dict
        The names of those that were found.
    """
    return {name: ClassName(path, cls.__module__) for name, (path, cls) in _find(context, connection, tables).items()}


def find_classes(
    context: Mapping[str, Any], connection: Connection | None, tables: Collection[TableName]
) -> dict[TableName, type[Table]]:
    """Return the classes of tables in a namespace; parameters as of `find_class_names`."""
    return {name: cls for name, (_, cls) in _find(context, connection, tables).items()}


def _find(
    context: Mapping[str, Any], connection: Connection | None, tables: Collection[TableName]
) -> dict[TableName, tuple[str, type[Table]]]:
    found: dict[TableName, tuple[str, type[Table]]] = {}
    missing = set(tables)
    for path, cls in classes_in(context):
        if not missing:
            break
        name = cls.name if cls.connection is connection else None
        if name in missing:
            missing.remove(name)
            found[name] = path, cls
    return found
