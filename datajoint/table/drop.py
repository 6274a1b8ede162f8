"""Drop tables, with all that depend on them."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

from datajoint.definition import TableName
from datajoint.errors import DataJointError, MissingTableError
from datajoint.expression.nodes import TableNode
from datajoint.graph.propagate import ForeignKeyGraph, downstream
from datajoint.lineage import delete_table_lineages
from datajoint.logging import logger
from datajoint.sql.fragment import Sql
from datajoint.table.related_rows import RelatedRows
from datajoint.utils import user_choice

if TYPE_CHECKING:
    from datajoint.connection import Connection
    from datajoint.table.table import Table


def drop(table: Table, prompt: bool | None = None, part_integrity: str = "enforce") -> None:
    """Drop the table and, in all schemas, all tables that depend on it.

    Everything is checked before the first table is dropped.

    Parameters
    ----------
    prompt : bool, optional
        Whether to list the tables and ask; by default the setting ``safemode``.
    part_integrity : {"enforce", "ignore"}
        Whether to refuse if a part would be dropped without its master.

    Raises
    ------
    ValueError
        For another value of `part_integrity`.
    DataJointError
        If the table is restricted, a part would be dropped without its master, or a transaction is open that the
        engine could not roll back afterwards.
    """
    if part_integrity not in {"enforce", "ignore"}:
        raise ValueError(f"part_integrity must be 'enforce' or 'ignore' for drop, got {part_integrity!r}.")
    connection, name = table.connection, table.name
    _refuse_transaction(connection)
    rows = RelatedRows(connection)
    if not _exists(rows, name):
        _log_nothing(connection, name)
        return
    if not isinstance(table._node, TableNode):
        raise DataJointError(
            "A table with an applied restriction cannot be dropped.",
            table=str(name),
            hint="Call drop() on the table itself, or delete() to remove rows.",
        )
    graph = downstream(name, rows.load, with_masters=False)
    if part_integrity == "enforce":
        _check_masters(graph)
    if connection.settings.safemode if prompt is None else prompt:
        for found in graph.tables:
            count = connection.execute(Sql("SELECT count(*) FROM ", found.identifier)).rows[0][0]
            logger.info("%s (%d tuples)", connection.dialect.quote(found.identifier), count)
        if user_choice("Proceed?", default="no") != "yes":
            return
    for found in reversed(list(graph.tables)):
        _drop(connection, found)
    logger.info("Tables dropped. Restart kernel.")


def drop_quick(table: Table) -> None:
    """Drop the table alone, without a question.

    Raises
    ------
    IntegrityError
        If another table refers to it.
    DataJointError
        If a transaction is open that the engine could not roll back afterwards.
    """
    connection, name = table.connection, table.name
    _refuse_transaction(connection)
    if _exists(RelatedRows(connection), name):
        _drop(connection, name)
    else:
        _log_nothing(connection, name)


def _refuse_transaction(connection: Connection) -> None:
    if connection.in_transaction and not connection.dialect.transactional_ddl:
        raise DataJointError(
            "Tables cannot be dropped inside a transaction: this engine would commit what was done before.",
            hint="Leave the transaction first.",
        )


def _exists(rows: RelatedRows, name: TableName) -> bool:
    catalog = rows.load([name.schema]).get(name.schema)
    return catalog is not None and name.name in catalog.tables


def _log_nothing(connection: Connection, name: TableName) -> None:
    logger.info("Nothing to drop: table %s is not declared", connection.dialect.quote(name.identifier))


def _check_masters(graph: ForeignKeyGraph) -> None:
    for part, master in graph.masters.items():
        if master not in graph.tables:
            raise DataJointError(
                f"Attempt to drop part table {part} before its master {master}. Drop the master first.",
                table=str(part),
                hint="Or pass part_integrity='ignore'.",
            )


def _drop(connection: Connection, name: TableName) -> None:
    """Drop one table with its lineage and its jobs, together where the engine can."""
    connection.forget_catalog(name.schema)
    catalog = connection.catalog(name.schema)
    if catalog is None or name.name not in catalog.tables:
        raise MissingTableError(f"Table {name} vanished while tables were being dropped.", table=str(name))
    jobs = TableName(name.schema, f"~~{name.name.lstrip('_')}")
    tables = [name] + ([jobs] if name.name.startswith("_") and jobs.name in catalog.tables else [])
    with connection.transaction if connection.dialect.transactional_ddl else nullcontext():
        for table in tables:
            for statement in connection.backend.drop_table(table, catalog):
                connection.execute(statement)
            delete_table_lineages(connection, name.schema, table.name)
    connection.forget_catalog(name.schema)
    for table in tables:
        logger.info("Dropped table %s", connection.dialect.quote(table.identifier))
