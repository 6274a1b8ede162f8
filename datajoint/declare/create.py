"""Create a declared table and record its lineage, wholly or not at all."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from datajoint import lineage
from datajoint.declare.notes import native_note
from datajoint.declare.resolve import table_info
from datajoint.definition import TableDefinition, TableName
from datajoint.errors import AccessError, DataJointError, DuplicateError, LockError, QueryError

if TYPE_CHECKING:
    from datajoint.connection import Connection

logger = logging.getLogger("datajoint")

# Another process that declares tables of the same schema can get in the way; each time, one of the two is through.
_ATTEMPTS = 5


def create_table(connection: Connection, name: TableName, definition: TableDefinition) -> None:
    """Create a table, unless another process has done so meanwhile.

    Parameters
    ----------
    connection : Connection
    name : TableName
    definition : TableDefinition

    Raises
    ------
    DataJointError
        Inside a transaction, or for a name that is too long for the engine.
    AccessError
        If the user may not create tables in the schema.
    QueryError
        If the database refuses the table; nothing is left behind.
    """
    _check(connection, name)
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            _create(connection, name, definition)
        except QueryError as error:
            connection.forget_catalog(name.schema)
            if table_info(connection, name) is not None:
                logger.debug("%s was declared by another process: %s", name, error)
                break
            if isinstance(error, AccessError):
                raise _refused(name, error) from error
            if attempt == _ATTEMPTS or not isinstance(error, DuplicateError | LockError):
                raise
        else:
            break
    connection.forget_catalog(name.schema)
    logger.info("Declared table %s", name)
    for attribute in definition.attributes:
        if not (attribute.storage.core or attribute.codec or attribute.inherited):
            logger.warning("%s", native_note(name, attribute))


def _check(connection: Connection, name: TableName) -> None:
    if connection.in_transaction:
        raise DataJointError(
            f"Cannot declare {name} inside a transaction.",
            hint="Declare tables before the transaction begins.",
            table=str(name),
        )
    limit = connection.dialect.max_identifier_length
    if len(name.name) > limit:
        raise DataJointError(
            f"Table name `{name.name}` exceeds the max length of {limit}.",
            hint="Give the class a shorter name.",
            table=str(name),
        )


def _create(connection: Connection, name: TableName, definition: TableDefinition) -> None:
    statements = connection.backend.create_table(name, definition, connection.catalog(name.schema))
    preparation = lineage.lineage_table_statements(connection, name.schema)
    rows = lineage.declared_lineages(connection, name, definition)
    if connection.dialect.transactional_ddl:
        with connection.transaction:
            for statement in (*preparation, *statements):
                connection.execute(statement)
            lineage.insert_lineages(connection, name.schema, rows)
        return
    for statement in preparation:
        connection.execute(statement)
    # Lineage goes first: rows without a table harm nobody, a table without its rows does, and dropping a table
    # that another process may just have made would be worse than either.
    lineage.insert_lineages(connection, name.schema, rows)
    try:
        for statement in statements:
            connection.execute(statement)
    except QueryError:
        connection.forget_catalog(name.schema)
        if table_info(connection, name) is None:
            lineage.delete_lineages(connection, name.schema, [row[:2] for row in rows])
        raise


def _refused(name: TableName, error: AccessError) -> AccessError:
    return AccessError(
        f"Cannot declare {name}: the user lacks a privilege. {error}",
        hint="Declaring needs the CREATE privilege in this schema, and REFERENCES on the tables of its foreign keys.",
        table=str(name),
        query=error.query,
        code=error.code,
    )
