"""MariaDB 10.6 and later, where it differs from MySQL: JSON is text with a check."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from datajoint.backends import locks, mysql_session
from datajoint.backends.alteration import Alteration, AlterScript
from datajoint.backends.base import Execute, LockWait, Process, Target
from datajoint.backends.catalog import ColumnInfo, SchemaCatalog
from datajoint.backends.catalog.reader import CatalogReader, Row, plain_column
from datajoint.backends.coordination import MariaDBCoordination
from datajoint.backends.ddl import quote_text
from datajoint.backends.dialect import Dialect
from datajoint.backends.json_paths import NUMERIC, CastType, read_cast, read_path
from datajoint.backends.mysql_protocol import MySQLProtocol, moment_of_text
from datajoint.definition import IndexDefinition, TableDefinition, TableName
from datajoint.errors import DataJointError, DefinitionError
from datajoint.sql.fragment import Parameter, Sql
from datajoint.values.model import TEXT, ValueType

DIALECT = Dialect(
    name="mariadb", grammar="mysql", quote_character="`", placeholder="%s", default_port=mysql_session.PORT,
    transactional_ddl=False, inline_comments=True, inline_indexes=True, row_comparison=False, backslash_escapes=True, func_dep_group_by=False,
    conflict_codes=frozenset({1213, 1020}),
)  # fmt: skip
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"n": "\n", "r": "\r", "0": "\0"}
_JSON_EQUALS_SINCE = (10, 7, 0)


class MariaDB(MySQLProtocol):
    """MariaDB.

    Parameters
    ----------
    version : tuple of int
    """

    dialect = DIALECT
    coordination = MariaDBCoordination()

    def __init__(self, version: tuple[int, int, int]) -> None:
        super().__init__("utf8mb4_nopad_bin", "mariadb")
        self._reader = CatalogReader("mariadb", _make_column)
        self.dialect = replace(DIALECT, json_equality=version >= _JSON_EQUALS_SINCE)

    def lock_waits(self, execute: Execute, target: Target) -> list[LockWait]:  # noqa: ARG002 - for other engines
        """Read the server's lock tables."""
        return locks.read(execute, mysql_session.MARIADB_LOCKS)

    def working(self, execute: Execute, target: Target) -> list[Process]:  # noqa: ARG002 - for other engines
        """Read the server's list of sessions."""
        return locks.working(execute, mysql_session.MARIADB_WORKING)

    def plan(self, execute: Execute, statement: Sql) -> str:
        """Write a line for each table read, with what is known of it."""
        result = execute(Sql("EXPLAIN ", statement))
        return "\n".join(
            ", ".join(f"{name}: {value}" for name, value in zip(result.columns, row, strict=True) if value is not None)
            for row in result.rows
        )

    def json_equals(self, expression: Sql, document: str) -> Sql:
        """Compare by the server's function, which would take NULL for equal."""
        if not self.dialect.json_equality:
            return _scalar_equals(expression, json.loads(document))
        # It misreads a number with an exponent that ends where its text ends: a blank follows.
        stored = Sql("CONCAT(", expression, ", ' ')")
        equal = Sql("JSON_EQUALS(", stored, ", ", Parameter(document + " "), ")")
        return Sql("(CASE WHEN ", expression, " IS NULL THEN NULL ELSE ", equal, " END)")

    def create_table(self, name: TableName, definition: TableDefinition, catalog: SchemaCatalog | None) -> list[Sql]:
        """Create a table; an index over an expression is refused, because this server has none."""
        _refuse_expressions(definition.indexes)
        return super().create_table(name, definition, catalog)

    def alter_table(self, alteration: Alteration, catalog: SchemaCatalog) -> AlterScript:
        """Change a table in one statement; otherwise as `create_table`."""
        _refuse_expressions(alteration.added_indexes)
        return super().alter_table(alteration, catalog)

    def json_at(self, expression: Sql, path: str) -> Sql:
        """Extract as JSON text."""
        value = _at(expression, path)
        return Sql("(CASE JSON_TYPE(", value, ") WHEN 'NULL' THEN NULL ELSE ", value, " END)")

    def json_path(self, expression: Sql, path: str, cast: str | None) -> tuple[Sql, ValueType]:
        """Extract as text, and cast where a type is asked for; booleans count as 1 and 0."""
        value = _at(expression, path)
        # the cast gives it the session's collation; as it comes it cannot be compared with a literal
        text = Sql("CAST(JSON_UNQUOTE(", value, ") AS CHAR)")
        missing = Sql("CASE JSON_TYPE(", value, ") WHEN 'NULL' THEN NULL")
        if cast is None or (found := read_cast(cast)).family == "text":
            return Sql(missing, " ELSE ", text, " END"), TEXT
        if found.family in {"date", "datetime"}:
            return moment_of_text(text, found), found.value_type
        number = Sql("CASE WHEN ", text, f" REGEXP '{NUMERIC}' THEN ", _as_number(text, found), " END")
        truth = Sql("IF(", value, " = 'true', 1, 0)")
        return Sql(
            "CASE JSON_TYPE(", value, ") WHEN 'BOOLEAN' THEN ", truth, " ELSE ", number, " END"
        ), found.value_type


def _refuse_expressions(indexes: Iterable[IndexDefinition]) -> None:
    for index in indexes:
        if any(isinstance(part, Sql) for part in index.columns):
            raise DefinitionError(
                "An index of the definition is over an expression, or a path into JSON; MariaDB indexes columns only.",
                hint="Give what is looked up an attribute of its own, and index that.",
            )


def _as_number(text: Sql, found: CastType) -> Sql:
    """Return the number that a text spells, NULL where it does not fit the type."""
    if found.family == "float":
        return Sql("CAST(", text, " AS DOUBLE)")
    exact = Sql("CAST(", text, " AS DECIMAL(65, 20))")
    if found.family == "int":
        return Sql(
            "CASE WHEN ", exact, f" BETWEEN {found.low} AND {found.high} THEN CAST(", exact, f" AS {found.text}) END"
        )
    return Sql("CASE WHEN ABS(", exact, f") < {found.limit} THEN CAST(", text, f" AS {found.text}) END")


def _make_column(row: Row) -> ColumnInfo:
    """Make a column: the server tells a text default as a literal with escapes."""
    name, type_text, nullable, default, *rest = row
    if default is not None and default.startswith("'"):
        default = _ESCAPE.sub(lambda escape: _ESCAPED.get(escape[1], escape[1]), default)
    return plain_column((name, type_text, nullable, default, *rest))


def _at(expression: Sql, path: str) -> Sql:
    where = quote_text(read_path(path, escaped=True)).replace("\\", "\\\\")
    return Sql("JSON_EXTRACT(", expression, f", {where})")


def _scalar_equals(expression: Sql, value: Any) -> Sql:
    """Compare with text, a number or a truth value, where the server has no function for more."""
    if isinstance(value, (list, dict)) or value is None:
        raise DataJointError(
            "This version of MariaDB cannot compare whole JSON values.",
            hint="Compare a path to a text, number or truth value, as in {'attribute.path': value}.",
        )
    text = Sql("CAST(JSON_UNQUOTE(", expression, ") AS CHAR)")
    if isinstance(value, str):
        kinds, equal = "'STRING'", Sql(text, " = ", Parameter(value))
    elif isinstance(value, bool):
        kinds, equal = "'BOOLEAN'", Sql(text, " = ", Parameter(str(value).lower()))
    else:
        kinds, equal = "'INTEGER', 'DOUBLE'", Sql("CAST(", text, " AS DOUBLE) = ", Parameter(value))
    kind = Sql("JSON_TYPE(", expression, ")")
    return Sql(
        "(CASE WHEN ", expression, " IS NULL THEN NULL WHEN ", kind, f" IN ({kinds}) THEN ", equal, " ELSE 0 END)"
    )
