"""How and when a row was made, in the hidden columns that tables may have for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from datajoint.backends.base import Request
from datajoint.expression.compile import compile_condition
from datajoint.expression.nodes import Restrict
from datajoint.sql.fragment import Identifier, Sql

if TYPE_CHECKING:
    from datajoint.autopopulate.autopopulate import AutoPopulate
    from datajoint.autopopulate.task import Key

START, DURATION, VERSION = "_job_start_time", "_job_duration", "_job_version"
_VERSION_CHARACTERS = 64


def metadata_request(table: AutoPopulate, key: Key, duration: float, version: Callable[[], str]) -> Request | None:
    """Return the UPDATE that records how the rows of `key` were made, None where there are no columns for it.

    Parameters
    ----------
    duration : float
        Seconds that it took; it began so long before the server's now.
    version : callable
        Returns the version of the code.
    """
    attributes = table.heading._attributes
    if START not in attributes:
        return None
    connection = table.connection
    backend = connection.backend
    moment = backend.coordination.ago(connection.target, duration)
    assignments = [Sql(Identifier((START,)), " = ", moment)]
    for name, value in ((DURATION, duration), (VERSION, version()[:_VERSION_CHARACTERS])):
        if name in attributes:
            assignments.append(Sql(Identifier((name,)), " = ", backend.bind(attributes[name].value_type, value)))
    statement = Sql("UPDATE ", table.name.identifier, " SET ", Sql.join(", ", assignments), where_key(table, key))
    return Request(*statement.render(connection.dialect))


def where_key(table: AutoPopulate, key: Key) -> Sql:
    """Return the WHERE clause of the rows of `key`; nothing for an empty key, to which all rows belong."""
    node = (table & key)._node
    if not isinstance(node, Restrict):
        return Sql()
    return Sql(" WHERE ", compile_condition(node.condition, node.source.heading, table.connection.backend))
