"""Read Arrow tables through an accelerator that makes its own connection, where the user asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from datajoint.errors import DataJointError
from datajoint.expression.arrow import arrow_schema
from datajoint.expression.columns import misfit
from datajoint.expression.nodes import Node
from datajoint.expression.plans import select

if TYPE_CHECKING:
    from datajoint.connection import Connection

# What the accelerator delivers exactly as the driver does.
_PLAIN = {"int", "year", "float64", "bool", "varchar", "text", "date", "datetime", "timestamp"}


def arrow_table(connection: Connection, node: Node, engine: str) -> Any:
    """Return a `pyarrow.Table` read by `engine`; see `QueryExpression.to_arrow`.

    Raises
    ------
    ImportError
        If the package, or pyarrow, is not installed.
    DataJointError
        For an unknown engine, inside a transaction, whose changes the other connection would not see, for an attribute
        that is not plain, or for a database that the engine cannot reach as this connection does.
    """
    if engine != "connectorx":
        raise DataJointError(f"Unknown engine {engine!r} for to_arrow().", hint="The only one is 'connectorx'.")
    if connection.in_transaction:
        raise DataJointError(
            "to_arrow(engine='connectorx') reads through a connection of its own, which does not see this transaction.",
            hint="Leave out `engine`, or call it outside of the transaction.",
        )
    for attribute in node.heading.attributes.values():
        if attribute.codec is not None or attribute.value_type.kind not in _PLAIN:
            raise DataJointError(
                f"connectorx does not read attribute `{attribute.name}` of type {attribute.declared_type} exactly.",
                attribute=attribute.name,
                hint="Leave it out with .proj(), or leave out `engine`.",
            )
    try:
        import connectorx  # noqa: PLC0415 - optional
        import pyarrow as pa  # noqa: PLC0415 - optional
    except ImportError as error:
        raise ImportError(
            "connectorx and pyarrow are required for to_arrow(engine='connectorx'). "
            "Install with: pip install datajoint[connectorx]"
        ) from error
    query = connection.external_query(select(node, connection.backend, node.heading.names))
    if query is None:
        raise DataJointError(
            f"connectorx cannot connect as this connection does: {connection.address}.",
            hint="It takes MySQL, MariaDB and PostgreSQL over TCP, without demanded TLS. Leave out `engine`.",
        )
    try:
        table: Any = connectorx.read_sql(query.url, query.text, return_type="arrow")
    except (RuntimeError, ValueError, BaseExceptionGroup) as error:
        raise DataJointError(
            f"connectorx could not run the query: {_without_secrets(str(error), query.url)}"
        ) from error
    schema = arrow_schema(node.heading, connection.dialect.time_class)
    arrays = []
    for attribute, column in zip(node.heading.attributes.values(), table.columns, strict=True):
        field = schema.field(attribute.name)
        try:
            arrays.append(column.cast(field.type))
        except pa.ArrowException as error:
            raise misfit(attribute, f"Arrow's {field.type}", error) from error
    return pa.table(arrays, schema=schema)


def _without_secrets(message: str, url: str) -> str:
    return message.replace(url, "its connection")[:500]
