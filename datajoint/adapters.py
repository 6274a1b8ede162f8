"""``connection.adapter``: SQL text for programs that compose their own, as DataJoint 2.3 has it."""

from __future__ import annotations

from functools import cache

from datajoint.compat.adapter import DatabaseAdapter
from datajoint.compat.mysql_adapter import MySQLAdapter
from datajoint.compat.postgres_adapter import PostgreSQLAdapter
from datajoint.compat.sqlite_adapter import SQLiteAdapter
from datajoint.errors import DataJointError
from datajoint.naming import did_you_mean

__all__ = ["DatabaseAdapter", "MySQLAdapter", "PostgreSQLAdapter", "SQLiteAdapter", "get_adapter"]

_ADAPTERS: dict[str, type[DatabaseAdapter]] = {
    "mysql": MySQLAdapter,
    "mariadb": MySQLAdapter,
    "postgresql": PostgreSQLAdapter,
    "postgres": PostgreSQLAdapter,
    "sqlite": SQLiteAdapter,
}


def get_adapter(backend: str) -> DatabaseAdapter:
    """Return the adapter of an engine; the same object on every call.

    Raises
    ------
    DataJointError
        For an engine that is not known.
    """
    name = str(backend).lower()
    if name not in _ADAPTERS:
        raise DataJointError(
            f"Unsupported database backend {backend!r}.",
            hint=did_you_mean(name, _ADAPTERS) or "Use mysql or postgresql.",
        )
    return _made(_ADAPTERS[name])


@cache
def _made(adapter: type[DatabaseAdapter]) -> DatabaseAdapter:
    return adapter()
