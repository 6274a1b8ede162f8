"""Tables that a table is connected with by foreign keys."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datajoint.table.table import Table

_Linked = list[tuple[str, dict[str, Any]]]


def parents(table: Table, primary: bool | None, *, as_objects: bool, foreign_key_info: bool) -> list[Any]:
    """See `Table.parents`."""
    found = table.connection.dependencies.parents(table.full_table_name, primary)
    return _linked(table, found, as_objects=as_objects, foreign_key_info=foreign_key_info)


def children(table: Table, primary: bool | None, *, as_objects: bool, foreign_key_info: bool) -> list[Any]:
    """See `Table.children`."""
    found = table.connection.dependencies.children(table.full_table_name, primary)
    return _linked(table, found, as_objects=as_objects, foreign_key_info=foreign_key_info)


def ancestors(table: Table, *, as_objects: bool) -> list[Any]:
    """See `Table.ancestors`."""
    return _named(table, table.connection.dependencies.ancestors(table.full_table_name), as_objects=as_objects)


def descendants(table: Table, *, as_objects: bool) -> list[Any]:
    """See `Table.descendants`."""
    return _named(table, table.connection.dependencies.descendants(table.full_table_name), as_objects=as_objects)


def parts(table: Table, *, as_objects: bool) -> list[Any]:
    """See `Table.parts`; parts are told by their names."""
    dependencies = table.connection.dependencies
    sorted_names = dependencies.topo_sort()
    prefix = f"{table.table_name}__"
    found = [
        full_name
        for full_name in sorted_names
        if (name := dependencies.table_names[full_name]).schema == table.database and name.name.startswith(prefix)
    ]
    return _named(table, found, as_objects=as_objects)


def _named(table: Table, names: Iterable[str], *, as_objects: bool) -> list[Any]:
    if not as_objects:
        return list(names)
    from datajoint.table.free import FreeTable  # noqa: PLC0415 - a free table is a table, and tables know their relatives

    return [FreeTable(table.connection, str(table.connection.dependencies.table_names[name])) for name in names]


def _linked(table: Table, found: _Linked, *, as_objects: bool, foreign_key_info: bool) -> list[Any]:
    names = _named(table, (name for name, _ in found), as_objects=as_objects)
    if not foreign_key_info:
        return names
    return [(name, properties) for name, (_, properties) in zip(names, found, strict=True)]
