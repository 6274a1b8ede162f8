"""MySQL's and MariaDB's SQL text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from datajoint.compat.adapter import Columns, DatabaseAdapter

_CORE = {
    "int8": "tinyint", "int16": "smallint", "int32": "int", "int64": "bigint", "float32": "float", "float64": "double",
    "bool": "tinyint", "uuid": "binary(16)", "bytes": "longblob", "json": "json", "date": "date",
}  # fmt: skip
_AS_WRITTEN = re.compile(r"(datetime(\(\d+\))?|char\(\d+\)|varchar\(\d+\)|decimal\(\d+,\s*\d+\)|enum\(.+\))\Z")
_STORED = {sql: core for core, sql in _CORE.items() if core != "bool"}
_NATIVE = frozenset(
    [
        "int",
        "integer",
        "tinyint",
        "smallint",
        "mediumint",
        "bigint",
        "float",
        "double",
        "real",
        "decimal",
        "numeric",
        "char",
        "varchar",
        "binary",
        "varbinary",
        "text",
        "tinytext",
        "mediumtext",
        "longtext",
        "blob",
        "tinyblob",
        "mediumblob",
        "longblob",
        "date",
        "time",
        "datetime",
        "timestamp",
        "year",
        "enum",
        "set",
        "json",
        "boolean",
        "bool",
        "bit",
        "geometry",
    ]
)
_STRING_AGG = re.compile(r"STRING_AGG\s*\(\s*(.+?)\s*,\s*'((?:[^']|'')*)'\s*\)", re.IGNORECASE)
_FOREIGN_KEY = re.compile(
    r"[\w\s:]*\((?P<child>`[^`]+`.`[^`]+`), CONSTRAINT (?P<name>`[^`]+`)"
    r"( FOREIGN KEY \((?P<fk_attrs>[^)]+)\) REFERENCES (?P<parent>`[^`]+`(\.`[^`]+`)?) \((?P<pk_attrs>[^)]+)\)[\s\w]+)?"
)
_USAGE = "information_schema.key_column_usage"


class MySQLAdapter(DatabaseAdapter):
    """MySQL and MariaDB."""

    backend = "mysql"
    default_port = 3306
    supports_inline_indexes = auto_indexes_foreign_keys = supports_column_position = True
    _core_types = _CORE

    def get_cursor(self, connection: Any, as_dict: bool = False) -> Any:
        """Return a cursor of PyMySQL."""
        from pymysql.cursors import Cursor, DictCursor  # noqa: PLC0415 - the driver is there when this is called

        return connection.cursor(DictCursor if as_dict else Cursor)

    def quote_string(self, value: str) -> str:
        """Return a text literal with backslash escapes."""
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"

    # --- types
    def _parametrised(self, core_type: str) -> str | None:
        return core_type if _AS_WRITTEN.match(core_type) else None

    def sql_type_to_core(self, sql_type: str) -> str | None:
        """Return the core type."""
        return _STORED.get(sql_type) or self._parametrised(sql_type)

    def validate_native_type(self, type_str: str) -> bool:
        """Tell whether MySQL has the type."""
        return type_str.split("(", maxsplit=1)[0].strip().lower() in _NATIVE

    # --- data
    def _on_duplicate(self, on_duplicate: str | None, columns: Sequence[str]) -> tuple[str, str]:
        if on_duplicate == "update":
            settings = ", ".join(f"{q}=VALUES({q})" for q in map(self.quote_identifier, columns))
            return "INSERT", f" ON DUPLICATE KEY UPDATE {settings}"
        return {"ignore": "INSERT IGNORE", "replace": "REPLACE"}.get(on_duplicate or "", "INSERT"), ""

    def _upsert(self, columns: Sequence[str], primary_key: Sequence[str]) -> str:  # noqa: ARG002 - the key too, harmlessly
        return "ON DUPLICATE KEY UPDATE " + ", ".join(f"{c} = VALUES({c})" for c in columns)

    def skip_duplicates_clause(self, full_table_name: str, primary_key: list[str]) -> str:
        """Return an update that changes nothing."""
        first = self.quote_identifier(primary_key[0])
        return f" ON DUPLICATE KEY UPDATE {first}={full_table_name}.{first}"

    # --- transactions and functions
    def start_transaction_sql(self, isolation_level: str | None = None) -> str:
        """Return the statement, with a consistent snapshot."""
        return "START TRANSACTION WITH CONSISTENT SNAPSHOT" + (f", {isolation_level}" if isolation_level else "")

    def interval_expr(self, value: int, unit: str) -> str:
        """Return ``INTERVAL 5 SECOND``."""
        return f"INTERVAL {value} {unit.upper()}"

    def current_user_expr(self) -> str:
        """Return ``user()``."""
        return "user()"

    def json_path_expr(self, column: str, path: str, return_type: str | None = None) -> str:
        """Return ``json_value``."""
        returning = f" returning {return_type}" if return_type else ""
        return f"json_value({self.quote_identifier(column)}, _utf8mb4'$.{path}'{returning})"

    def translate_expression(self, expr: str) -> str:
        """Turn STRING_AGG into GROUP_CONCAT."""

        def one(match: re.Match[str]) -> str:
            argument = re.sub(r"::text$", "", match[1])
            return (
                f"GROUP_CONCAT({argument})" if match[2] == "," else f"GROUP_CONCAT({argument} SEPARATOR '{match[2]}')"
            )

        return _STRING_AGG.sub(one, expr)

    # --- structure
    def create_schema_sql(self, schema_name: str) -> str:
        """Return CREATE DATABASE."""
        return f"CREATE DATABASE {self.quote_identifier(schema_name)}"

    def drop_schema_sql(self, schema_name: str, if_exists: bool = True) -> str:
        """Return DROP DATABASE."""
        return f"DROP DATABASE {'IF EXISTS ' if if_exists else ''}{self.quote_identifier(schema_name)}"

    def drop_table_sql(self, table_name: str, if_exists: bool = True) -> str:
        """Return DROP TABLE."""
        return f"DROP TABLE {'IF EXISTS ' if if_exists else ''}{table_name}"

    def _table_column(self, column: dict[str, Any]) -> str:
        text = super()._table_column(column)
        return f"{text} COMMENT {self.quote_string(column['comment'])}" if column.get("comment") else text

    def _created_with(self, comment: str | None) -> str:
        return " ENGINE=InnoDB" + (f" COMMENT={self.quote_string(comment)}" if comment else "")

    def alter_table_sql(
        self,
        table_name: str,
        add_columns: Columns | None = None,
        drop_columns: list[str] | None = None,
        modify_columns: Columns | None = None,
    ) -> str:
        """Return ALTER TABLE."""
        changes = [f"ADD {self._table_column(column)}" for column in add_columns or ()]
        changes += [f"DROP {self.quote_identifier(name)}" for name in drop_columns or ()]
        changes += [f"MODIFY {self._table_column(column)}" for column in modify_columns or ()]
        return f"ALTER TABLE {table_name} {', '.join(changes)}"

    def _inline_comment(self, comment: str | None) -> str:
        return f'COMMENT "{comment}"' if comment else ""

    def table_options_clause(self, comment: str | None = None) -> str:
        """Return engine and comment."""
        return f'ENGINE=InnoDB, COMMENT "{comment}"' if comment else "ENGINE=InnoDB"

    # --- questions
    def list_schemas_sql(self) -> str:
        """Return the query, which yields the server's own schemas too."""
        return "SELECT schema_name FROM information_schema.schemata"

    def list_tables_sql(self, schema_name: str, pattern: str | None = None) -> str:
        """Return SHOW TABLES."""
        like = f" LIKE {self.quote_string(pattern)}" if pattern else ""
        return f"SHOW TABLES IN {self.quote_identifier(schema_name)}{like}"

    def _of_table(self, schema_name: str, table_name: str) -> str:
        return f"table_schema = {self.quote_string(schema_name)} AND table_name = {self.quote_string(table_name)}"

    def get_table_info_sql(self, schema_name: str, table_name: str) -> str:
        """Return the query for a table's row of the information schema."""
        return f"SELECT * FROM information_schema.tables WHERE {self._of_table(schema_name, table_name)}"

    def get_columns_sql(self, schema_name: str, table_name: str) -> str:
        """Return SHOW FULL COLUMNS."""
        return f"SHOW FULL COLUMNS FROM {self.quote_identifier(table_name)} IN {self.quote_identifier(schema_name)}"

    def get_primary_key_sql(self, schema_name: str, table_name: str) -> str:
        """Return the query for ``column_name`` of the key, in order."""
        return (
            f"SELECT column_name AS column_name FROM {_USAGE} WHERE {self._of_table(schema_name, table_name)} "
            "AND constraint_name = 'PRIMARY' ORDER BY ordinal_position"
        )

    def get_foreign_keys_sql(self, schema_name: str, table_name: str) -> str:
        """Return the query for the columns of the foreign keys."""
        return (
            "SELECT constraint_name AS constraint_name, column_name AS column_name, "
            "referenced_table_name AS referenced_table_name, referenced_column_name AS referenced_column_name "
            f"FROM {_USAGE} WHERE {self._of_table(schema_name, table_name)} AND referenced_table_name IS NOT NULL "
            "ORDER BY constraint_name, ordinal_position"
        )

    def get_indexes_sql(self, schema_name: str, table_name: str) -> str:
        """Return the query for the columns of the secondary indexes."""
        return (
            "SELECT index_name AS index_name, column_name AS column_name, non_unique AS non_unique, "
            f"seq_in_index AS seq_in_index FROM information_schema.statistics WHERE {self._of_table(schema_name, table_name)} "
            "AND index_name <> 'PRIMARY' ORDER BY index_name, seq_in_index"
        )

    def load_primary_keys_sql(self, schemas_list: str, like_pattern: str) -> str:
        """Return the query for ``tab, column_name`` of all keys of schemas, given as a list of literals."""
        return (
            f"SELECT concat('`', table_schema, '`.`', table_name, '`') AS tab, column_name AS column_name FROM {_USAGE} "
            f"WHERE table_name NOT LIKE {like_pattern} AND table_schema IN ({schemas_list}) AND constraint_name = 'PRIMARY'"
        )

    def load_foreign_keys_sql(self, schemas_list: str, like_pattern: str) -> str:
        """Return the query for all foreign keys that touch schemas."""
        return (
            "SELECT constraint_name AS constraint_name, concat('`', table_schema, '`.`', table_name, '`') AS referencing_table, "
            "concat('`', referenced_table_schema, '`.`', referenced_table_name, '`') AS referenced_table, "
            "column_name AS column_name, referenced_column_name AS referenced_column_name "
            f"FROM {_USAGE} WHERE referenced_table_name NOT LIKE {like_pattern} AND (referenced_table_schema IN ({schemas_list}) "
            f"OR (referenced_table_schema IS NOT NULL AND table_schema IN ({schemas_list})))"
        )

    def find_downstream_schemas_sql(self, schemas_list: str) -> str:
        """Return the query for the schemas that refer to schemas."""
        return (
            f"SELECT DISTINCT table_schema AS schema_name FROM {_USAGE} "
            f"WHERE referenced_table_schema IN ({schemas_list}) AND table_schema NOT IN ({schemas_list})"
        )

    def find_upstream_schemas_sql(self, schemas_list: str) -> str:
        """Return the query for the schemas that schemas refer to."""
        return (
            f"SELECT DISTINCT referenced_table_schema AS schema_name FROM {_USAGE} "
            f"WHERE table_schema IN ({schemas_list}) AND referenced_table_schema IS NOT NULL "
            f"AND referenced_table_schema NOT IN ({schemas_list})"
        )

    def get_constraint_info_sql(self, constraint_name: str, schema_name: str, table_name: str) -> str:  # noqa: ARG002
        """Return the query for ``fk_attrs, parent, pk_attrs``; its parameters are constraint, schema and table."""
        return (
            "SELECT column_name AS fk_attrs, concat('`', referenced_table_schema, '`.`', referenced_table_name, '`') AS parent, "
            f"referenced_column_name AS pk_attrs FROM {_USAGE} "
            "WHERE constraint_name = %s AND table_schema = %s AND table_name = %s"
        )

    def parse_column_info(self, row: dict[str, Any]) -> dict[str, Any]:
        """Read a row of SHOW FULL COLUMNS."""
        return {
            "name": row["Field"],
            "type": row["Type"],
            "nullable": row["Null"] == "YES",
            "default": row["Default"],
            "comment": row["Comment"],
            "key": row["Key"],
            "extra": row["Extra"],
        }

    def parse_foreign_key_error(self, error_message: str) -> dict[str, str | list[str] | None] | None:
        """Read MySQL's message."""
        match = _FOREIGN_KEY.match(error_message)
        if match is None:
            return None
        found: dict[str, str | list[str] | None] = dict(match.groupdict())
        for name in ("fk_attrs", "pk_attrs"):
            if match[name] is not None:
                found[name] = [part.strip("` ") for part in match[name].split(",")]
        return found
