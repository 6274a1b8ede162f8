"""PostgreSQL's SQL text."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from datajoint.compat.adapter import Columns, DatabaseAdapter
from datajoint.errors import DataJointError
from datajoint.values.parse import read_labels

_CORE = {
    "int8": "smallint", "int16": "smallint", "int32": "integer", "int64": "bigint", "float32": "real",
    "float64": "double precision", "bool": "boolean", "uuid": "uuid", "bytes": "bytea", "json": "jsonb", "date": "date",
    "datetime": "timestamp",
}  # fmt: skip
_STORED = {sql: core for core, sql in _CORE.items() if core != "int8"} | {"json": "json"}
_TEXT = re.compile(r"(char|varchar)\(\d+\)\Z")
_DATETIME = re.compile(r"datetime(\(\d+\))\Z")
_DECIMAL = re.compile(r"decimal(\(\d+,\s*\d+\))\Z")
_ENUM = re.compile(r"enum\((.+)\)\Z", re.DOTALL)
_NATIVE = frozenset(
    [
        "int",
        "integer",
        "smallint",
        "bigint",
        "int2",
        "int4",
        "int8",
        "serial",
        "smallserial",
        "bigserial",
        "real",
        "float",
        "float4",
        "float8",
        "double",
        "decimal",
        "numeric",
        "char",
        "varchar",
        "text",
        "bytea",
        "date",
        "time",
        "timetz",
        "timestamp",
        "timestamptz",
        "interval",
        "boolean",
        "bool",
        "uuid",
        "json",
        "jsonb",
        "money",
    ]
)
_FUNCTIONS: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (
        re.compile(r"GROUP_CONCAT\s*\(\s*(.+?)(?:\s+SEPARATOR\s+'((?:[^']|'')*)')?\s*\)", re.IGNORECASE),
        lambda m: f"STRING_AGG({m[1]}::text, '{',' if m[2] is None else m[2]}')",
    ),
    (re.compile(r"\bCURDATE\s*\(\s*\)", re.IGNORECASE), "CURRENT_DATE"),
    (re.compile(r"\bNOW\s*\(\s*\)", re.IGNORECASE), "CURRENT_TIMESTAMP"),
    (
        re.compile(r"\b(YEAR|MONTH|DAY)\s*\(\s*([^()]+)\s*\)", re.IGNORECASE),
        lambda m: f"EXTRACT({m[1].upper()} FROM {m[2]})::int",
    ),
    (
        re.compile(r"\bTIMESTAMPDIFF\s*\(\s*(\w+)\s*,\s*([^,]+?)\s*,\s*([^()]+?)\s*\)", re.IGNORECASE),
        lambda m: _span(m[1].upper(), m[2], m[3]),
    ),
    (re.compile(r"\bSUM\s*\(\s*([^()]*[=<>][^()]*)\)", re.IGNORECASE), lambda m: f"SUM(({m[1].strip()})::int)"),
)
_FOREIGN_KEY = re.compile(
    r'update or delete on table "(?P<parent>[^"]+)" violates foreign key constraint "(?P<name>[^"]+)" '
    r'on table "(?P<child>[^"]+)"'
)
_KEYS = (
    "FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
    "JOIN pg_class pc ON pc.oid = k.confrelid JOIN pg_namespace pn ON pn.oid = pc.relnamespace "
)
_KEY_COLUMNS = (
    "CROSS JOIN LATERAL unnest(k.conkey, k.confkey) WITH ORDINALITY AS u(attnum, parent_attnum, position) "
    "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = u.attnum "
    "JOIN pg_attribute pa ON pa.attrelid = pc.oid AND pa.attnum = u.parent_attnum "
)
_CHILD, _PARENT = (f"""'"' || {n}.nspname || '"."' || {c}.relname || '"'""" for n, c in (("n", "c"), ("pn", "pc")))


def _span(unit: str, start: str, end: str) -> str:
    """Return the whole units between two moments."""
    age = f"AGE({end}, {start})"
    if unit == "MONTH":
        return f"(EXTRACT(YEAR FROM {age}) * 12 + EXTRACT(MONTH FROM {age}))::int"
    return f"({end}::date - {start}::date)" if unit == "DAY" else f"EXTRACT({unit} FROM {age})::int"


class PostgreSQLAdapter(DatabaseAdapter):
    """PostgreSQL."""

    backend = "postgresql"
    default_port = 5432
    max_table_name_length = 63
    _core_types: ClassVar[dict[str, str]] = _CORE
    _quote = '"'

    def __init__(self) -> None:
        self._pending: dict[str, tuple[str, ...]] = {}

    def get_cursor(self, connection: Any, as_dict: bool = False) -> Any:
        """Return a cursor of psycopg."""
        from psycopg.rows import dict_row, tuple_row  # noqa: PLC0415 - the driver is there when this is called

        return connection.cursor(row_factory=dict_row if as_dict else tuple_row)

    # --- types
    def _parametrised(self, core_type: str) -> str | None:
        if _TEXT.match(core_type):
            return core_type
        if match := _DATETIME.match(core_type):
            return f"timestamp{match[1]}"
        if match := _DECIMAL.match(core_type):
            return f"numeric{match[1]}"
        if match := _ENUM.match(core_type):
            labels = read_labels(core_type, match[1])
            digest = hashlib.md5("_".join(sorted(labels)).encode(), usedforsecurity=False).hexdigest()
            self._pending[f"enum_{digest[:8]}"] = labels
            return f'"{{database}}"."enum_{digest[:8]}"'
        return None

    def get_pending_enum_ddl(self, schema_name: str) -> list[str]:
        """Return what creates the enum types that `core_type_to_sql` named since the last call."""
        pending, self._pending = self._pending, {}
        schema = self.quote_identifier(schema_name)
        return [
            f"CREATE TYPE {schema}.{self.quote_identifier(name)} AS ENUM ({', '.join(map(self.quote_string, labels))})"
            for name, labels in pending.items()
        ]

    def sql_type_to_core(self, sql_type: str) -> str | None:
        """Return the core type."""
        if match := re.fullmatch(r"timestamp(\(\d+\))", sql_type):
            return f"datetime{match[1]}"
        if match := re.fullmatch(r"numeric(\(.+\))", sql_type):
            return f"decimal{match[1]}"
        return sql_type if _TEXT.match(sql_type) else _STORED.get(sql_type)

    def validate_native_type(self, type_str: str) -> bool:
        """Tell whether PostgreSQL has the type."""
        return type_str.split("(", maxsplit=1)[0].strip().lower() in _NATIVE

    # --- data
    def _on_duplicate(self, on_duplicate: str | None, columns: Sequence[str]) -> tuple[str, str]:
        if on_duplicate == "update":
            settings = ", ".join(f"{q}=EXCLUDED.{q}" for q in map(self.quote_identifier, columns))
            return "INSERT", f" ON CONFLICT DO UPDATE SET {settings}"
        return "INSERT", " ON CONFLICT DO NOTHING" if on_duplicate == "ignore" else ""

    # --- transactions and functions
    def start_transaction_sql(self, isolation_level: str | None = None) -> str:
        """Return BEGIN."""
        return f"BEGIN ISOLATION LEVEL {isolation_level}" if isolation_level else "BEGIN"

    def interval_expr(self, value: int, unit: str) -> str:
        """Return ``INTERVAL '5 seconds'``."""
        return f"INTERVAL '{value} {unit.lower()}s'"

    def current_user_expr(self) -> str:
        """Return ``current_user``."""
        return "current_user"

    def json_path_expr(self, column: str, path: str, return_type: str | None = None) -> str:
        """Return ``jsonb_extract_path_text``."""
        steps = ", ".join(self.quote_string(step) for step in re.split(r"[.\[\]]+", path) if step)
        text = f"jsonb_extract_path_text({self.quote_identifier(column)}, {steps})"
        if return_type is None:
            return text
        return f"({text})::{ {'unsigned': 'integer', 'signed': 'integer'}.get(return_type, return_type) }"

    def translate_expression(self, expr: str) -> str:
        """Turn functions of MySQL into PostgreSQL's."""
        for pattern, replacement in _FUNCTIONS:
            expr = pattern.sub(replacement, expr)
        return expr

    # --- structure
    def create_schema_sql(self, schema_name: str) -> str:
        """Return CREATE SCHEMA."""
        return f"CREATE SCHEMA {self.quote_identifier(schema_name)}"

    def drop_schema_sql(self, schema_name: str, if_exists: bool = True) -> str:
        """Return DROP SCHEMA."""
        return f"DROP SCHEMA {'IF EXISTS ' if if_exists else ''}{self.quote_identifier(schema_name)} CASCADE"

    def drop_table_sql(self, table_name: str, if_exists: bool = True) -> str:
        """Return DROP TABLE."""
        return f"DROP TABLE {'IF EXISTS ' if if_exists else ''}{table_name} CASCADE"

    def alter_table_sql(
        self,
        table_name: str,
        add_columns: Columns | None = None,
        drop_columns: list[str] | None = None,
        modify_columns: Columns | None = None,
    ) -> str:
        """Return ALTER TABLE."""
        changes = [f"ADD COLUMN {self._table_column(column)}" for column in add_columns or ()]
        changes += [f"DROP COLUMN {self.quote_identifier(name)}" for name in drop_columns or ()]
        for column in modify_columns or ():
            which = f"ALTER COLUMN {self.quote_identifier(column['name'])}"
            changes += [
                f"{which} TYPE {column['type']}",
                f"{which} {'DROP' if column.get('nullable') else 'SET'} NOT NULL",
            ]
        return f"ALTER TABLE {table_name} {', '.join(changes)}"

    def add_comment_sql(self, object_type: str, object_name: str, comment: str) -> str | None:
        """Return COMMENT ON."""
        return f"COMMENT ON {object_type.upper()} {object_name} IS {self.quote_string(comment)}"

    def enum_type_ddl(self, type_name: str, values: list[str]) -> str | None:
        """Return CREATE TYPE."""
        return f"CREATE TYPE {self.quote_identifier(type_name)} AS ENUM ({', '.join(map(self.quote_string, values))})"

    def create_enum_type_sql(self, schema: str, table: str, column: str, values: list[str]) -> str:
        """Return CREATE TYPE for the enum of one column, under a name of its own."""
        created = self.enum_type_ddl(f"{schema}_{table}_{column}_enum", values)
        assert created is not None  # this engine has enum types
        return created

    def drop_enum_type_sql(self, schema: str, table: str, column: str) -> str:
        """Return DROP TYPE for what `create_enum_type_sql` creates."""
        return f"DROP TYPE IF EXISTS {self.quote_identifier(f'{schema}_{table}_{column}_enum')} CASCADE"

    def drop_enum_type_ddl(self, enum_type_name: str) -> str:
        """Return DROP TYPE for ``schema.name`` without quotes."""
        return f"DROP TYPE IF EXISTS {'.'.join(map(self.quote_identifier, enum_type_name.split('.')))}"

    def get_table_enum_types_sql(self, schema_name: str, table_name: str) -> str:
        """Return the query for ``enum_type``, the enum types of a table's columns."""
        return (
            "SELECT DISTINCT tn.nspname || '.' || t.typname AS enum_type FROM pg_attribute a "
            "JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
            "JOIN pg_type t ON t.oid = a.atttypid JOIN pg_namespace tn ON tn.oid = t.typnamespace "
            f"WHERE t.typtype = 'e' AND n.nspname = {self.quote_string(schema_name)} "
            f"AND c.relname = {self.quote_string(table_name)}"
        )

    def enum_type_in_use_sql(self, enum_type_name: str) -> str:
        """Return the query that yields a row if a column has the type, given as ``schema.name``."""
        quoted = ".".join(map(self.quote_identifier, enum_type_name.split(".")))
        return (
            f"SELECT 1 FROM pg_attribute WHERE atttypid = {self.quote_string(quoted)}::regtype "
            "AND attnum > 0 AND NOT attisdropped LIMIT 1"
        )

    def replica_identity_ddl(self, full_table_name: str, mode: str) -> str:
        """Return ALTER TABLE … REPLICA IDENTITY.

        Raises
        ------
        DataJointError
            For a mode other than ``default`` and ``full``.
        """
        if mode.lower() not in {"default", "full"}:
            raise DataJointError(f"Unsupported replica_identity mode: {mode!r}. Expected 'default' or 'full'.")
        return f"ALTER TABLE {full_table_name} REPLICA IDENTITY {mode.upper()}"

    # --- questions
    def list_schemas_sql(self) -> str:
        """Return the query."""
        return "SELECT schema_name FROM information_schema.schemata WHERE schema_name NOT IN ('pg_catalog', 'information_schema')"

    def list_tables_sql(self, schema_name: str, pattern: str | None = None) -> str:
        """Return the query."""
        like = f" AND table_name LIKE {self.quote_string(pattern)}" if pattern else ""
        return (
            f"SELECT table_name FROM information_schema.tables WHERE table_schema = {self.quote_string(schema_name)} "
            f"AND table_type = 'BASE TABLE'{like}"
        )

    def _table(self, schema_name: str, table_name: str) -> str:
        name = f"{self.quote_identifier(schema_name)}.{self.quote_identifier(table_name)}"
        return f"{self.quote_string(name)}::regclass"

    def get_table_info_sql(self, schema_name: str, table_name: str) -> str:
        """Return the query for a table's row of the information schema, with ``table_comment``."""
        return (
            f"SELECT t.*, obj_description({self._table(schema_name, table_name)}, 'pg_class') AS table_comment "
            f"FROM information_schema.tables t WHERE t.table_schema = {self.quote_string(schema_name)} "
            f"AND t.table_name = {self.quote_string(table_name)}"
        )

    def get_columns_sql(self, schema_name: str, table_name: str) -> str:
        """Return the query for the columns, in order, with ``column_comment``."""
        return (
            "SELECT c.column_name, c.data_type, c.udt_name, c.is_nullable, c.column_default, c.character_maximum_length, "
            "c.numeric_precision, c.numeric_scale, "
            f"col_description({self._table(schema_name, table_name)}, c.ordinal_position) AS column_comment "
            f"FROM information_schema.columns c WHERE c.table_schema = {self.quote_string(schema_name)} "
            f"AND c.table_name = {self.quote_string(table_name)} ORDER BY c.ordinal_position"
        )

    def get_primary_key_sql(self, schema_name: str, table_name: str) -> str:
        """Return the query for ``column_name`` of the key, in order."""
        return (
            "SELECT a.attname AS column_name FROM pg_constraint k "
            "CROSS JOIN LATERAL unnest(k.conkey) WITH ORDINALITY AS u(attnum, position) "
            "JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.attnum "
            f"WHERE k.contype = 'p' AND k.conrelid = {self._table(schema_name, table_name)} ORDER BY u.position"
        )

    def get_foreign_keys_sql(self, schema_name: str, table_name: str) -> str:
        """Return the query for the columns of the foreign keys."""
        return (
            "SELECT k.conname AS constraint_name, a.attname AS column_name, pc.relname AS foreign_table_name, "
            f"pa.attname AS foreign_column_name {_KEYS}{_KEY_COLUMNS}"
            f"WHERE k.contype = 'f' AND k.conrelid = {self._table(schema_name, table_name)} ORDER BY k.conname, u.position"
        )

    def get_indexes_sql(self, schema_name: str, table_name: str) -> str:
        """Return the query for ``indexname, indexdef``."""
        return (
            f"SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = {self.quote_string(schema_name)} "
            f"AND tablename = {self.quote_string(table_name)}"
        )

    def load_primary_keys_sql(self, schemas_list: str, like_pattern: str) -> str:
        """Return the query for ``tab, column_name`` of all keys of schemas, given as a list of literals."""
        return (
            f"SELECT {_CHILD} AS tab, a.attname AS column_name FROM pg_constraint k "
            "JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
            "CROSS JOIN LATERAL unnest(k.conkey) AS u(attnum) "
            "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = u.attnum "
            f"WHERE k.contype = 'p' AND c.relname NOT LIKE {like_pattern} AND n.nspname IN ({schemas_list})"
        )

    def load_foreign_keys_sql(self, schemas_list: str, like_pattern: str) -> str:
        """Return the query for all foreign keys that touch schemas."""
        return (
            f"SELECT k.conname AS constraint_name, {_CHILD} AS referencing_table, {_PARENT} AS referenced_table, "
            f"a.attname AS column_name, pa.attname AS referenced_column_name {_KEYS}{_KEY_COLUMNS}"
            f"WHERE k.contype = 'f' AND pc.relname NOT LIKE {like_pattern} "
            f"AND (n.nspname IN ({schemas_list}) OR pn.nspname IN ({schemas_list})) ORDER BY k.conname, u.position"
        )

    def find_downstream_schemas_sql(self, schemas_list: str) -> str:
        """Return the query for the schemas that refer to schemas."""
        return (
            f"SELECT DISTINCT n.nspname AS schema_name {_KEYS}WHERE k.contype = 'f' "
            f"AND pn.nspname IN ({schemas_list}) AND n.nspname NOT IN ({schemas_list})"
        )

    def find_upstream_schemas_sql(self, schemas_list: str) -> str:
        """Return the query for the schemas that schemas refer to."""
        return (
            f"SELECT DISTINCT pn.nspname AS schema_name {_KEYS}WHERE k.contype = 'f' "
            f"AND n.nspname IN ({schemas_list}) AND pn.nspname NOT IN ({schemas_list})"
        )

    def get_constraint_info_sql(self, constraint_name: str, schema_name: str, table_name: str) -> str:  # noqa: ARG002
        """Return the query for ``fk_attrs, parent, pk_attrs``; its parameters are constraint, schema and table."""
        return (
            f"SELECT a.attname AS fk_attrs, {_PARENT} AS parent, pa.attname AS pk_attrs {_KEYS}{_KEY_COLUMNS}"
            "WHERE k.conname = %s AND n.nspname = %s AND c.relname = %s ORDER BY u.position"
        )

    def parse_column_info(self, row: dict[str, Any]) -> dict[str, Any]:
        """Read a row of `get_columns_sql`."""
        return {
            "name": row["column_name"],
            "type": row["data_type"],
            "nullable": row["is_nullable"] == "YES",
            "default": row["column_default"],
            "comment": row.get("column_comment"),
            "key": "",
            "extra": "",
        }

    def parse_foreign_key_error(self, error_message: str) -> dict[str, str | list[str] | None] | None:
        """Read PostgreSQL's message, which names no columns."""
        match = _FOREIGN_KEY.search(error_message)
        if match is None:
            return None
        quoted = {name: self.quote_identifier(value) for name, value in match.groupdict().items()}
        return {**quoted, "fk_attrs": None, "pk_attrs": None}
