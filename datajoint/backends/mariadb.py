"""MariaDB 10.6 and later, where it differs from MySQL: JSON is text with a check."""

from __future__ import annotations

from dataclasses import replace

from datajoint.backends import mysql_session
from datajoint.backends.ddl import quote_text
from datajoint.backends.dialect import Dialect
from datajoint.backends.json_paths import read_cast, read_path
from datajoint.backends.mysql_protocol import MySQLProtocol
from datajoint.errors import DataJointError
from datajoint.sql.fragment import Parameter, Sql
from datajoint.values.model import TEXT, ValueType

DIALECT = Dialect(
    name="mariadb", grammar="mysql", quote_character="`", placeholder="%s", default_port=mysql_session.PORT,
    transactional_ddl=False, inline_comments=True, inline_indexes=True, row_comparison=False, func_dep_group_by=False,
)  # fmt: skip
_JSON_EQUALS_SINCE = (10, 7, 0)


class MariaDB(MySQLProtocol):
    """MariaDB.

    Parameters
    ----------
    version : tuple of int
    """

    dialect = DIALECT

    def __init__(self, version: tuple[int, int, int]) -> None:
        super().__init__("utf8mb4_nopad_bin", "mariadb")
        self.dialect = replace(DIALECT, json_equality=version >= _JSON_EQUALS_SINCE)

    def json_equals(self, expression: Sql, document: str) -> Sql:
        """Compare by the server's function, which would take NULL for equal."""
        if not self.dialect.json_equality:
            raise DataJointError(
                "This version of MariaDB cannot compare whole JSON values.",
                hint="Compare a path, as in {'attribute.path': value}.",
            )
        # It misreads a number with an exponent that ends where its text ends: a blank follows.
        stored = Sql("CONCAT(", expression, ", ' ')")
        equal = Sql("JSON_EQUALS(", stored, ", ", Parameter(document + " "), ")")
        return Sql("(CASE WHEN ", expression, " IS NULL THEN NULL ELSE ", equal, " END)")

    def json_path(self, expression: Sql, path: str, cast: str | None) -> tuple[Sql, ValueType]:
        """Extract as text, and cast where a type is asked for; booleans count as 1 and 0."""
        value = Sql("JSON_EXTRACT(", expression, f", {quote_text(read_path(path))})")
        # the cast gives it the session's collation; as it comes it cannot be compared with a literal
        text = Sql("CAST(JSON_UNQUOTE(", value, ") AS CHAR)")
        missing = Sql("CASE JSON_TYPE(", value, ") WHEN 'NULL' THEN NULL")
        if cast is None:
            return Sql(missing, " ELSE ", text, " END"), TEXT
        found = read_cast(cast)
        return Sql(
            missing, " WHEN 'BOOLEAN' THEN CAST(", value, f" = 'true' AS {found.text}) ELSE CAST(", text, f" AS {found.text}) END"
        ), found.value_type  # fmt: skip
