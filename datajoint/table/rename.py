"""The tables whose class has been given another name: which they are, and what becomes of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from datajoint.declare.rename import RenamePlan, plan_rename
from datajoint.definition import TableName
from datajoint.logging import logger
from datajoint.naming import from_camel_case

if TYPE_CHECKING:
    from datajoint.table.table import Table

_PREFIXES = ("", "#", "_", "__")


def plan_table_rename(table: Table) -> RenamePlan | None:
    """Return what gives the table its class's name; None where the class has always had it, or nothing is to do."""
    master = _master_of(table)
    for former in _former_names(table, [master.table_name] if master is not None else []):
        plan = plan_rename(table.connection, former, table.name)
        if plan:
            return plan
    return None


def awaits_rename(table: Table) -> bool:
    """Tell whether a table that does not exist has rows under the name that its class had, and say so.

    A new empty table under the new name would hide them.
    """
    master = _master_of(table)
    if master is not None and awaits_rename(master):
        return True  # new parts are declared when their master has its name
    former = _existing_former(table)
    if former is None:
        return False
    logger.warning(
        "%s has no table yet: its rows are in %s. %s.alter() renames that, %s.alter_plan() shows how.",
        table.name, former, *[_spelled(table)] * 2,
    )  # fmt: skip
    return True


def renaming_hint(table: Table) -> str | None:
    """Return what to do about a table that is missing because it still has its former name."""
    former = _existing_former(table)
    return f"It is still called {former}: {_spelled(table)}.alter() renames it." if former is not None else None


def _existing_former(table: Table) -> TableName | None:
    catalog = table.connection.catalog(table.name.schema)
    tables = catalog.tables if catalog is not None else {}
    if table.name.name in tables:
        return None
    masters: list[str] = []
    master = _master_of(table)
    if master is not None:
        masters = [master.table_name, *(name.name for name in _former_names(master, []))]
    own = table.name.name.removeprefix(f"{masters[0]}__") if masters else ""
    names = [*(TableName(table.name.schema, f"{m}__{own}") for m in masters[1:]), *_former_names(table, masters)]
    return next((name for name in names if name.name in tables), None)


def _former_names(table: Table, masters: list[str]) -> Iterator[TableName]:
    """Yield the names that the table may have had, by the `renamed_from` of its class."""
    declared = table.renamed_from
    if declared is None:
        return
    snake = from_camel_case(declared) if declared[:1].isupper() else declared
    if masters:
        names = [*(f"{master}__{snake}" for master in masters), snake]
    elif snake != declared:
        names = [table._prefix + snake, *(prefix + snake for prefix in _PREFIXES if prefix != table._prefix)]
    else:
        names = [declared]
    yield from (TableName(table.name.schema, name) for name in names if name != table.name.name)


def _master_of(table: Any) -> Table | None:
    master = getattr(table, "_master", None)
    return master() if master is not None else None


def _spelled(table: Table) -> str:
    return type(table).__qualname__.rpartition("<locals>.")[2]
