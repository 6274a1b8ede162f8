"""Bring tables that exist up to date with what newly declared ones have."""

from __future__ import annotations

from typing import Any

from datajoint.autopopulate import AutoPopulate
from datajoint.connection import Connection
from datajoint.declare.hidden import JOB_METADATA
from datajoint.definition import TableName
from datajoint.errors import DataJointError
from datajoint.schemas import _Schema
from datajoint.table import Table, TableMeta
from datajoint.tiers import tier_of


def add_job_metadata_columns(target: Any, dry_run: bool = True) -> dict[str, Any]:
    """Give imported and computed tables that exist the hidden columns in which `populate` records how a row was made.

    Parameters
    ----------
    target : Schema, Table or table class
        A schema stands for all its imported and computed tables; other tables are left out.
    dry_run : bool
        Whether to tell only what would be done.

    Returns
    -------
    dict
        ``tables_analyzed``, ``tables_modified``, ``columns_added``, and ``details``: for each table ``table``, ``status``
        (``pending`` on a dry run, ``migrated``, or ``already_migrated``), ``columns_added`` and ``sql_statements``.
        Existing rows have NULL in the new columns. Running it again is harmless.

    Raises
    ------
    DataJointError
        For another target, or a schema that is not activated.
    """
    connection, names = _tables(target)
    details = [_add(connection, name, dry_run=dry_run) for name in names if _populates_itself(name)]
    modified = [detail for detail in details if detail["columns_added"]]
    return {
        "tables_analyzed": len(names),
        "tables_modified": len(modified),
        "columns_added": sum(detail["columns_added"] for detail in modified),
        "details": details,
    }


def _tables(target: Any) -> tuple[Connection, list[TableName]]:
    if isinstance(target, _Schema):
        names = [TableName(target._name, name) for name in target.list_tables()]
        return target._link, [name for name in names if _populates_itself(name)]
    if isinstance(target, TableMeta):
        target = target()
    if isinstance(target, Table):
        return target.connection, [target.name]
    raise DataJointError(
        f"target must be a Table class, Table instance, or Schema, got {type(target)}.",
        hint="Name the class of the table, or the schema.",
    )


def _populates_itself(name: TableName) -> bool:
    tier = tier_of(name.name)
    return tier is not None and issubclass(tier, AutoPopulate)


def _add(connection: Connection, name: TableName, *, dry_run: bool) -> dict[str, Any]:
    """Add the columns that a table lacks, together where the engine can."""
    connection.forget_catalog(name.schema)
    catalog = connection.catalog(name.schema)
    info = catalog.tables.get(name.name) if catalog else None
    if info is None:
        raise DataJointError(f"There is no table {name}.", table=str(name), hint="Declare it first.")
    present = {column.name for column in info.columns}
    missing = [attribute for attribute in JOB_METADATA if attribute.name not in present]
    detail: dict[str, Any] = {
        "table": str(name),
        "status": "already_migrated",
        "columns_added": 0,
        "sql_statements": [],
    }
    if not missing:
        return detail
    statements = [statement for attribute in missing for statement in connection.backend.add_column(name, attribute)]
    if not dry_run:
        if connection.dialect.transactional_ddl:
            with connection.transaction:
                for statement in statements:
                    connection.execute(statement)
        else:
            for statement in statements:
                connection.execute(statement)
        connection.forget_catalog(name.schema)
    texts = [statement.inlined(connection.dialect) for statement in statements]
    return {
        **detail, "status": "pending" if dry_run else "migrated", "columns_added": len(missing), "sql_statements": texts,
    }  # fmt: skip
