"""MySQL 8.0 and later."""

from __future__ import annotations

from typing import Any

from datajoint.backends import locks, mysql_session
from datajoint.backends.base import Backend, Execute, LockWait, Process, Target
from datajoint.backends.ddl import quote_text
from datajoint.backends.dialect import Dialect
from datajoint.backends.json_paths import read_cast, read_path
from datajoint.backends.mariadb import MariaDB
from datajoint.backends.mysql_protocol import MySQLProtocol, moment_of_text
from datajoint.sql.fragment import Parameter, Sql
from datajoint.values.model import TEXT, ValueType

DIALECT = Dialect(
    name="mysql", grammar="mysql", quote_character="`", placeholder="%s", default_port=mysql_session.PORT,
    transactional_ddl=False, inline_comments=True, inline_indexes=True, row_comparison=False, backslash_escapes=True, returning=False,
    conflict_codes=frozenset({1213}),
)  # fmt: skip


class MySQL(MySQLProtocol):
    """MySQL."""

    dialect = DIALECT

    def __init__(self, collation: str = "utf8mb4_0900_bin") -> None:
        super().__init__(collation, "mysql")

    def refined(self, raw: Any) -> Backend:
        """Return the backend for what in fact serves the connection."""
        found = mysql_session.server(raw)
        if found.mariadb:
            return MariaDB(found.version)
        return self if found.collation == self.collation else MySQL(found.collation)

    def lock_waits(self, execute: Execute, target: Target) -> list[LockWait]:  # noqa: ARG002 - for other engines
        """Read the server's lock tables."""
        return locks.read(execute, mysql_session.MYSQL_LOCKS)

    def working(self, execute: Execute, target: Target) -> list[Process]:  # noqa: ARG002 - for other engines
        """Read the server's list of sessions."""
        return locks.working(execute, mysql_session.MYSQL_WORKING)

    def plan(self, execute: Execute, statement: Sql) -> str:
        """Have the steps written as a tree."""
        return str(execute(Sql("EXPLAIN FORMAT=TREE ", statement)).rows[0][0]).rstrip()

    def json_equals(self, expression: Sql, document: str) -> Sql:
        """Compare in the server's JSON type."""
        return Sql(expression, " = CAST(", Parameter(document), " AS JSON)")

    def json_at(self, expression: Sql, path: str) -> Sql:
        """Extract as JSON."""
        value = Sql("JSON_EXTRACT(", expression, f", {quote_text(read_path(path))})")
        kind = Sql("CAST(JSON_TYPE(", value, ") AS CHAR)")
        return Sql("IF(", kind, " = 'NULL', NULL, ", value, ")")

    def json_path(self, expression: Sql, path: str, cast: str | None) -> tuple[Sql, ValueType]:
        """Extract as text, or as a type that the server converts to."""
        where = quote_text(read_path(path))
        if cast is not None and (found := read_cast(cast)).family != "text":
            if found.family not in {"date", "datetime"}:
                return Sql("JSON_VALUE(", expression, f", {where} RETURNING {found.text})"), found.value_type
            text = Sql("CAST(JSON_UNQUOTE(JSON_EXTRACT(", expression, f", {where})) AS CHAR)")
            return moment_of_text(text, found), found.value_type
        value = Sql("JSON_EXTRACT(", expression, f", {where})")
        # the casts give text the session's collation; as it comes it cannot be compared with a literal
        kind, text = Sql("CAST(JSON_TYPE(", value, ") AS CHAR)"), Sql("CAST(JSON_UNQUOTE(", value, ") AS CHAR)")
        return Sql("IF(", kind, " = 'NULL', NULL, ", text, ")"), TEXT


def backend() -> MySQL:
    """Return the backend; which server it meets is found out when connecting."""
    return MySQL()
