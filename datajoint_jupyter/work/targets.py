"""Which tables are meant, parents before children."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import SimpleNamespace
from typing import Any

import datajoint as dj
from datajoint.autopopulate import AutoPopulate
from datajoint.naming import to_camel_case
from datajoint.table.base_table import base_table
from datajoint.tiers import tier_of
from datajoint_jupyter.workspace import Workspace, computes


def tables_of(value: Any, workspace: Workspace) -> list[dj.Table]:
    """Return the imported and computed tables that `value` means: a table, its class, a schema, or several of these.

    Raises
    ------
    DataJointError
        If it means none.
    """
    found: dict[str, dj.Table] = {}
    for table in _tables(value, workspace):
        if base_table(table).restricted:
            raise dj.DataJointError(
                f"{table.class_name} is restricted, and work is done on whole tables.",
                hint="Give conditions on the key source of one table: %dj populate TABLE & CONDITION.",
            )
        known = workspace.implementation(table)
        if _populates_itself(known):
            found.setdefault(known.full_table_name, known)
    if not found:
        raise dj.DataJointError(
            f"{_told(value)} has no imported or computed table.",
            hint="Name such tables, or a schema that has some; rows of others are inserted.",
        )
    return in_order(found.values())


def in_order(tables: Iterable[dj.Table]) -> list[dj.Table]:
    """Return tables, parents before children."""
    listed = list(tables)
    if len(listed) < 2:  # noqa: PLR2004 - one is in order
        return listed
    order = {name: number for number, name in enumerate(listed[0].connection.dependencies.topo_sort())}
    return sorted(listed, key=lambda table: order.get(table.full_table_name, len(order)))


def can_compute(table: dj.Table) -> bool:
    """Tell whether the class of a table is known here, and says how a key is computed."""
    return isinstance(table, AutoPopulate) and computes(type(table))


def title_of(table: dj.Table) -> str:
    """Return the name of a table as ``schema.table``."""
    return f"{table.database}.{table.table_name}"


def code_of(table: dj.Table) -> str:
    """Return how the class of a table is written."""
    return ".".join(to_camel_case(part) for part in table.table_name.strip("_#").split("__"))


def _tables(value: Any, workspace: Workspace) -> Iterator[dj.Table]:
    if isinstance(value, type) and issubclass(value, dj.Table):
        yield value()
    elif isinstance(value, dj.Table):
        yield value
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _tables(item, workspace)
    elif isinstance(value, SimpleNamespace):
        yield from _tables(list(vars(value).values()), workspace)
    elif isinstance(value, dj.Schema):
        for name in value.list_tables():
            yield value[name]
    else:
        raise dj.DataJointError(
            f"{type(value).__name__} is neither a table nor a schema.", hint="Give tables, or the name of a schema."
        )


def _populates_itself(table: dj.Table) -> bool:
    tier = tier_of(table.table_name)
    return tier is not None and issubclass(tier, AutoPopulate)


def _told(value: Any) -> str:
    if isinstance(value, list | tuple) and len(value) == 1:
        return _told(value[0])
    if isinstance(value, dj.Schema):
        return f"The schema {value.database}"
    if isinstance(value, type):
        return value.__name__
    return value.class_name if isinstance(value, dj.Table) else "This"
