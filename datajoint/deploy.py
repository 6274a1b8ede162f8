"""Prepare schemas that are in use: what a deployment adds to tables that exist."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from datajoint.connection import Connection
from datajoint.declare.hidden import PROV_ATTRIBUTE, PROVENANCE
from datajoint.definition import TableName
from datajoint.errors import DataJointError
from datajoint.schemas import _Schema
from datajoint.sql.fragment import Sql
from datajoint.table import Table, TableMeta
from datajoint.tiers import Manual, tier_of

_IDENTITIES = ("default", "full")


def set_replica_identity(target: Any, mode: str = "full", dry_run: bool = True) -> dict[str, Any]:
    """Choose what PostgreSQL's change stream carries of updated and deleted rows.

    Parameters
    ----------
    target : Schema, Table or table class
        A schema stands for all its tables.
    mode : str
        ``full`` for whole rows, ``default`` for their keys.
    dry_run : bool
        Whether to tell the statements only.

    Returns
    -------
    dict
        ``tables_analyzed``, ``tables_modified`` (0 on a dry run) and ``ddl``, the statements. Running it again is
        harmless; each table is changed by itself.

    Raises
    ------
    DataJointError
        For another mode or target, a schema that is not activated, or an engine other than PostgreSQL.
    """
    if str(mode).lower() not in _IDENTITIES:
        raise DataJointError(f"mode must be 'default' or 'full'; got {mode!r}.")
    connection, names = _tables(target, lambda name: not name.startswith("~"))
    statements = [connection.backend.replica_identity(name, mode.lower()) for name in names]
    if not statements:  # an empty schema says as much of the engine as a full one
        connection.backend.replica_identity(TableName("", ""), mode.lower())
    if not dry_run:
        for statement in statements:
            connection.execute(statement)
    return {
        "tables_analyzed": len(names),
        "tables_modified": 0 if dry_run else len(names),
        "ddl": [_text(connection, statement) for statement in statements],
    }


def add_prov_column(target: Any, dry_run: bool = True) -> dict[str, Any]:
    """Give manual tables that exist the hidden column in which inserts record where a row comes from.

    Parameters
    ----------
    target : Schema, Table or table class
        A schema stands for all its manual tables; others are left out.
    dry_run : bool
        Whether to tell the statements only.

    Returns
    -------
    dict
        ``tables_analyzed``, ``tables_modified`` and ``columns_added`` (0 on a dry run), ``ddl``, and ``details``: a
        dict for each table with ``table`` and ``status``, which is ``pending``, ``added`` or ``already_present``.

    Raises
    ------
    DataJointError
        For another target, a schema that is not activated, or inside a transaction.
    """
    connection, names = _tables(target, lambda name: tier_of(name) is Manual)
    if connection.in_transaction and not dry_run:
        raise DataJointError("Columns cannot be added inside a transaction.", hint="Do so before it begins.")
    connection.forget_catalog(*{name.schema for name in names})
    ddl: list[str] = []
    details: list[dict[str, str]] = []
    for name in names:
        catalog = connection.catalog(name.schema)
        present = catalog is not None and any(c.name == PROV_ATTRIBUTE for c in catalog.tables[name.name].columns)
        if not present:
            statements = [s for attribute in PROVENANCE for s in connection.backend.add_column(name, attribute)]
            ddl += [_text(connection, statement) for statement in statements]
            if not dry_run:
                _execute(connection, statements)
        status = "already_present" if present else "pending" if dry_run else "added"
        details.append({"table": str(name), "status": status})
    added = sum(detail["status"] == "added" for detail in details)
    connection.forget_catalog(*{name.schema for name in names})
    return {
        "tables_analyzed": len(names),
        "tables_modified": added,
        "columns_added": added,
        "ddl": ddl,
        "details": details,
    }


def _tables(target: Any, wanted: Callable[[str], bool]) -> tuple[Connection, list[TableName]]:
    """Return the connection and the names of the wanted tables that `target` stands for."""
    if isinstance(target, _Schema):
        if target.connection is None or target.database is None:
            raise DataJointError("Schema is not activated.", hint="Call activate('name') first.")
        names = [TableName(target.database, name) for name in target.list_tables()]
        connection = target.connection
    elif isinstance(target, Table | TableMeta):
        table: Any = target() if isinstance(target, TableMeta) else target
        names, connection = [table.name], table.connection
    else:
        raise DataJointError(f"target must be a Schema or Table class/instance; got {type(target).__name__}.")
    return connection, [name for name in names if wanted(name.name)]


def _execute(connection: Connection, statements: list[Sql]) -> None:
    if connection.dialect.transactional_ddl:
        with connection.transaction:
            for statement in statements:
                connection.execute(statement)
        return
    for statement in statements:
        connection.execute(statement)


def _text(connection: Connection, statement: Sql) -> str:
    return statement.inlined(connection.dialect)
