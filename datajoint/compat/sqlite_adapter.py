"""The embedded engine's SQL text: physical tables are called ``schema.table``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, ClassVar

from datajoint.backends.sqlite_values import column_type
from datajoint.compat.adapter import Columns, DatabaseAdapter
from datajoint.errors import DataJointError, DefinitionError
from datajoint.values.parse import parse_type


class SQLiteAdapter(DatabaseAdapter):
    """SQLite. Schemas are made and dropped through `dj.Schema` alone, which keeps the records beside the tables."""

    backend = "sqlite"
    max_table_name_length = 200
    _core_types: ClassVar[dict[str, str]] = {}

    def get_cursor(self, connection: Any, as_dict: bool = False) -> Any:  # noqa: ARG002 - rows are what the connection makes
        """Return a cursor of sqlite3."""
        return connection.cursor()

    def make_full_table_name(self, database: str, table_name: str) -> str:
        """Return the physical name, quoted."""
        return self.quote_identifier(f"{database}.{table_name}")

    def _parametrised(self, core_type: str) -> str | None:
        try:
            found = parse_type(core_type)
        except DefinitionError:
            return None
        return column_type(found) if found.core else None

    def sql_type_to_core(self, sql_type: str) -> str | None:
        """Return the core type, which a column of the file tells only where it is the widest of its kind."""
        return {"INT": "int64", "REAL": "float64", "BLOB": "bytes"}.get(sql_type.upper())

    def validate_native_type(self, type_str: str) -> bool:
        """Tell whether a definition may say the type."""
        try:
            return not parse_type(type_str).core
        except DefinitionError:
            return False

    def _on_duplicate(self, on_duplicate: str | None, columns: Sequence[str]) -> tuple[str, str]:
        if on_duplicate == "update":
            settings = ", ".join(f"{q}=excluded.{q}" for q in map(self.quote_identifier, columns))
            return "INSERT", f" ON CONFLICT DO UPDATE SET {settings}"
        return {"ignore": "INSERT OR IGNORE", "replace": "REPLACE"}.get(on_duplicate or "", "INSERT"), ""

    def start_transaction_sql(self, isolation_level: str | None = None) -> str:  # noqa: ARG002 - there is one
        """Return what begins a transaction that can write."""
        return "BEGIN IMMEDIATE"

    def interval_expr(self, value: int, unit: str) -> str:
        """Return a modifier of the date functions."""
        return f"'{value} {unit.lower()}s'"

    def current_user_expr(self) -> str:
        """Return an empty text: a file has no users."""
        return "''"

    def json_path_expr(self, column: str, path: str, return_type: str | None = None) -> str:
        """Return ``json_extract``."""
        text = f"json_extract({self.quote_identifier(column)}, {self.quote_string('$.' + path)})"
        return f"CAST({text} AS {return_type})" if return_type else text

    def translate_expression(self, expr: str) -> str:
        """Turn STRING_AGG and separators of GROUP_CONCAT into the file's own form."""
        expr = re.sub(r"STRING_AGG\s*\(", "GROUP_CONCAT(", expr, flags=re.IGNORECASE)
        return re.sub(r"\s+SEPARATOR\s+('(?:[^']|'')*')", r", \1", expr, flags=re.IGNORECASE)

    def create_schema_sql(self, schema_name: str) -> str:
        """Return what records a schema."""
        return f"INSERT INTO `~dj_schemas` VALUES ({self.quote_string(schema_name)})"

    def drop_schema_sql(self, schema_name: str, if_exists: bool = True) -> str:  # noqa: ARG002
        """Refuse: dropping a schema takes many statements here.

        Raises
        ------
        DataJointError
        """
        raise DataJointError("A schema of a file is not dropped by one statement.", hint="Use dj.Schema(...).drop().")

    def drop_table_sql(self, table_name: str, if_exists: bool = True) -> str:
        """Return DROP TABLE."""
        return f"DROP TABLE {'IF EXISTS ' if if_exists else ''}{table_name}"

    def alter_table_sql(
        self,
        table_name: str,
        add_columns: Columns | None = None,
        drop_columns: list[str] | None = None,
        modify_columns: Columns | None = None,
    ) -> str:
        """Return the statements, separated by semicolons.

        Raises
        ------
        DataJointError
            For a column to be changed, which SQLite cannot.
        """
        if modify_columns:
            raise DataJointError("SQLite cannot change a column.", hint="Change the definition and call Table.alter().")
        changes = [f"ADD COLUMN {self._table_column(column)}" for column in add_columns or ()]
        changes += [f"DROP COLUMN {self.quote_identifier(name)}" for name in drop_columns or ()]
        return "; ".join(f"ALTER TABLE {table_name} {change}" for change in changes)

    def list_schemas_sql(self) -> str:
        """Return the query on the records."""
        return "SELECT schema_name FROM `~dj_schemas`"

    def schema_exists_sql(self, schema_name: str) -> str:
        """Return the query on the records."""
        return f"SELECT schema_name FROM `~dj_schemas` WHERE schema_name = {self.quote_string(schema_name)}"

    def list_tables_sql(self, schema_name: str, pattern: str | None = None) -> str:
        """Return the query on the records."""
        like = f" AND table_name LIKE {self.quote_string(pattern)}" if pattern else ""
        return f"SELECT table_name FROM `~dj_tables` WHERE schema_name = {self.quote_string(schema_name)}{like}"

    def parse_column_info(self, row: dict[str, Any]) -> dict[str, Any]:
        """Read a row of ``pragma_table_info``."""
        return {
            "name": row["name"],
            "type": row["type"],
            "nullable": not row["notnull"],
            "default": row["dflt_value"],
            "comment": None,
            "key": "PRI" if row["pk"] else "",
            "extra": "",
        }

    def parse_foreign_key_error(self, error_message: str) -> dict[str, str | list[str] | None] | None:  # noqa: ARG002
        """Return None: SQLite's message names nothing."""
        return None
