"""SQL text for programs that compose their own: what ``connection.adapter`` of DataJoint 2.3 answers.

Nothing in this library writes SQL this way. Names are quoted, values are not bound: pass what you trust.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from datajoint.backends.base import Target
from datajoint.backends.registry import get_backend
from datajoint.graph.dependencies import extract_master

Columns = Sequence[dict[str, Any]]


class DatabaseAdapter(ABC):
    """What the engines have in common.

    Attributes
    ----------
    backend : str
        Name of the engine.
    default_port : int or None
    parameter_placeholder : str
    max_table_name_length : int
    supports_inline_indexes, auto_indexes_foreign_keys, supports_column_position : bool
        Whether CREATE TABLE takes indexes, foreign keys are indexed by themselves, and columns can be placed.
    """

    backend: ClassVar[str]
    default_port: ClassVar[int | None] = None
    parameter_placeholder: ClassVar[str] = "%s"
    max_table_name_length: ClassVar[int] = 64
    supports_inline_indexes: ClassVar[bool] = False
    auto_indexes_foreign_keys: ClassVar[bool] = False
    supports_column_position: ClassVar[bool] = False
    _core_types: ClassVar[dict[str, str]]
    _quote: ClassVar[str] = "`"

    # --- the driver's connection
    @property
    def _backend(self) -> Any:
        return get_backend(self.backend)

    def connect(self, host: str, port: int, user: str, password: str, **kwargs: Any) -> Any:
        """Return a connection of the driver; further arguments are fields of the target, such as ``database``."""
        return self._backend.connect(
            Target(backend=self.backend, host=host, port=port, user=user, password=password, **kwargs)
        )

    def close(self, connection: Any) -> None:
        """Close a connection of the driver."""
        self._backend.close(connection)

    def ping(self, connection: Any) -> bool:
        """Tell whether a connection of the driver answers."""
        return bool(self._backend.is_alive(connection))

    def get_connection_id(self, connection: Any) -> int:
        """Return the server's number of the session."""
        return int(self._backend.session_id(connection))

    @abstractmethod
    def get_cursor(self, connection: Any, as_dict: bool = False) -> Any:
        """Return a cursor of the driver."""

    def translate_error(self, error: Exception, query: str = "") -> Exception:
        """Return the library's exception for one of the driver."""
        translated: Exception = self._backend.explain(error, query)
        return translated

    # --- names and literals
    def quote_identifier(self, name: str) -> str:
        """Quote one name."""
        return f"{self._quote}{name}{self._quote}"

    def quote_string(self, value: str) -> str:
        """Return a text literal."""
        return "'" + value.replace("'", "''") + "'"

    def make_full_table_name(self, database: str, table_name: str) -> str:
        """Return schema and table, quoted."""
        return f"{self.quote_identifier(database)}.{self.quote_identifier(table_name)}"

    def split_full_table_name(self, full_table_name: str) -> tuple[str, str]:
        """Return schema and table without quotes.

        Raises
        ------
        ValueError
            If there are not two parts.
        """
        schema, table = full_table_name.replace("`", "").replace('"', "").split(".")
        return schema, table

    def get_master_table_name(self, part_table: str) -> str | None:
        """Return the full name of a part's master; None for what is no part."""
        return extract_master(part_table)

    def _names(self, columns: Sequence[str]) -> str:
        return ", ".join(map(self.quote_identifier, columns))

    # --- types
    def core_type_to_sql(self, core_type: str) -> str:
        """Return the column type of a core type.

        Raises
        ------
        ValueError
            If there is no such core type.
        """
        found = self._core_types.get(core_type)
        if found is None:
            found = self._parametrised(core_type)
        if found is None:
            raise ValueError(f"Unknown core type: {core_type}")
        return found

    @abstractmethod
    def _parametrised(self, core_type: str) -> str | None:
        """Return the column type of a core type with arguments."""

    @abstractmethod
    def sql_type_to_core(self, sql_type: str) -> str | None:
        """Return the core type that a column type is that of; None for others."""

    @abstractmethod
    def validate_native_type(self, type_str: str) -> bool:
        """Tell whether the engine has a type of this name."""

    # --- data
    def insert_sql(self, table_name: str, columns: list[str], on_duplicate: str | None = None) -> str:
        """Return an INSERT; `on_duplicate` is ``ignore``, ``replace`` or ``update``."""
        values = ", ".join([self.parameter_placeholder] * len(columns))
        verb, suffix = self._on_duplicate(on_duplicate, columns)
        return f"{verb} INTO {table_name} ({self._names(columns)}) VALUES ({values}){suffix}"

    @abstractmethod
    def _on_duplicate(self, on_duplicate: str | None, columns: Sequence[str]) -> tuple[str, str]:
        """Return the verb and what follows the values."""

    def update_sql(self, table_name: str, set_columns: list[str], where_columns: list[str]) -> str:
        """Return an UPDATE of `set_columns` where `where_columns` are equal to parameters."""
        assign, where = (
            separator.join(f"{self.quote_identifier(c)} = {self.parameter_placeholder}" for c in columns)
            for separator, columns in ((", ", set_columns), (" AND ", where_columns))
        )
        return f"UPDATE {table_name} SET {assign} WHERE {where}"

    def delete_sql(self, table_name: str) -> str:
        """Return a DELETE of all rows, to be followed by a condition."""
        return f"DELETE FROM {table_name}"

    def upsert_on_duplicate_sql(
        self, table_name: str, columns: list[str], primary_key: list[str], num_rows: int
    ) -> str:
        """Return an INSERT of several rows that overwrites those whose key exists."""
        row = "(" + ", ".join([self.parameter_placeholder] * len(columns)) + ")"
        rows = ", ".join([row] * num_rows)
        return f"INSERT INTO {table_name} ({', '.join(columns)}) VALUES {rows} {self._upsert(columns, primary_key)}"

    def _upsert(self, columns: Sequence[str], primary_key: Sequence[str]) -> str:
        others = ", ".join(f"{c} = EXCLUDED.{c}" for c in columns if c not in primary_key)
        action = f"UPDATE SET {others}" if others else "NOTHING"
        return f"ON CONFLICT ({', '.join(primary_key)}) DO {action}"

    def skip_duplicates_clause(self, full_table_name: str, primary_key: list[str]) -> str:  # noqa: ARG002 - for others
        """Return what lets an INSERT pass over rows whose key exists."""
        return f" ON CONFLICT ({self._names(primary_key)}) DO NOTHING"

    # --- transactions and functions
    @abstractmethod
    def start_transaction_sql(self, isolation_level: str | None = None) -> str:
        """Return what begins a transaction."""

    def commit_sql(self) -> str:
        """Return what ends a transaction."""
        return "COMMIT"

    def rollback_sql(self) -> str:
        """Return what undoes a transaction."""
        return "ROLLBACK"

    def current_timestamp_expr(self, precision: int | None = None) -> str:
        """Return the present moment."""
        return "CURRENT_TIMESTAMP" if precision is None else f"CURRENT_TIMESTAMP({precision})"

    @abstractmethod
    def interval_expr(self, value: int, unit: str) -> str:
        """Return a span of time."""

    @abstractmethod
    def current_user_expr(self) -> str:
        """Return who is connected."""

    @abstractmethod
    def json_path_expr(self, column: str, path: str, return_type: str | None = None) -> str:
        """Return what extracts a path of a JSON column."""

    @abstractmethod
    def translate_expression(self, expr: str) -> str:
        """Rewrite functions of the other server in this one's."""

    # --- structure
    @abstractmethod
    def create_schema_sql(self, schema_name: str) -> str:
        """Return what creates a schema."""

    @abstractmethod
    def drop_schema_sql(self, schema_name: str, if_exists: bool = True) -> str:
        """Return what drops a schema and all in it."""

    @abstractmethod
    def drop_table_sql(self, table_name: str, if_exists: bool = True) -> str:
        """Return what drops a table."""

    def create_table_sql(
        self,
        table_name: str,
        columns: Columns,
        primary_key: list[str],
        foreign_keys: Columns,
        indexes: Columns,
        comment: str | None = None,
    ) -> str:
        """Return what creates a table.

        Parameters
        ----------
        table_name : str
            Quoted.
        columns : sequence of dict
            ``name``, ``type``, and optionally ``nullable``, ``default``, ``comment``.
        primary_key : list of str
        foreign_keys : sequence of dict
            ``columns``, ``ref_table`` (quoted), ``ref_columns``.
        indexes : sequence of dict
            ``columns`` and optionally ``unique``; where CREATE TABLE takes them.
        comment : str, optional
        """
        lines = [self._table_column(column) for column in columns]
        lines.append(f"PRIMARY KEY ({self._names(primary_key)})")
        lines += [
            f"FOREIGN KEY ({self._names(key['columns'])}) REFERENCES {key['ref_table']} ({self._names(key['ref_columns'])}) "
            "ON UPDATE CASCADE ON DELETE RESTRICT"
            for key in foreign_keys
        ]
        if self.supports_inline_indexes:
            lines += [f"{'UNIQUE ' if i.get('unique') else ''}INDEX ({self._names(i['columns'])})" for i in indexes]
        options = self._created_with(comment)
        return f"CREATE TABLE IF NOT EXISTS {table_name} (\n  " + ",\n  ".join(lines) + "\n)" + options

    def _table_column(self, column: dict[str, Any]) -> str:
        parts = [
            self.quote_identifier(column["name"]),
            column["type"],
            "NULL" if column.get("nullable") else "NOT NULL",
        ]
        if column.get("default") is not None:
            parts.append(f"DEFAULT {column['default']}")
        return " ".join(parts)

    def _created_with(self, comment: str | None) -> str:  # noqa: ARG002 - for engines with options
        return ""

    @abstractmethod
    def alter_table_sql(
        self,
        table_name: str,
        add_columns: Columns | None = None,
        drop_columns: list[str] | None = None,
        modify_columns: Columns | None = None,
    ) -> str:
        """Return what adds, drops and changes columns, given as for `create_table_sql`."""

    def create_index_ddl(
        self, full_table_name: str, columns: list[str], unique: bool = False, index_name: str | None = None
    ) -> str:
        """Return what creates an index."""
        _, table = self.split_full_table_name(full_table_name)
        name = self.quote_identifier(index_name or f"idx_{table}_{'_'.join(columns)[:30]}")
        return f"CREATE {'UNIQUE ' if unique else ''}INDEX {name} ON {full_table_name} ({self._names(columns)})"

    def format_column_definition(
        self, name: str, sql_type: str, nullable: bool = False, default: str | None = None, comment: str | None = None
    ) -> str:
        """Return a column clause; `default` is the whole text, ``DEFAULT 1``."""
        given = default or ("" if nullable else "NOT NULL")
        return " ".join(filter(None, (self.quote_identifier(name), sql_type, given, self._inline_comment(comment))))

    def _inline_comment(self, comment: str | None) -> str:  # noqa: ARG002 - for engines that have them
        return ""

    def table_options_clause(self, comment: str | None = None) -> str:  # noqa: ARG002 - for engines with options
        """Return what follows the columns in CREATE TABLE."""
        return ""

    def add_comment_sql(self, object_type: str, object_name: str, comment: str) -> str | None:  # noqa: ARG002
        """Return what comments an object; None where comments are part of CREATE TABLE."""
        return None

    def table_comment_ddl(self, full_table_name: str, comment: str) -> str | None:
        """Return what comments a table; None as for `add_comment_sql`."""
        return self.add_comment_sql("table", full_table_name, comment)

    def column_comment_ddl(self, full_table_name: str, column_name: str, comment: str) -> str | None:
        """Return what comments a column; None as for `add_comment_sql`."""
        return self.add_comment_sql("column", f"{full_table_name}.{self.quote_identifier(column_name)}", comment)

    def enum_type_ddl(self, type_name: str, values: list[str]) -> str | None:  # noqa: ARG002 - for engines that have them
        """Return what creates an enum type; None where enums are part of a column."""
        return None

    def get_pending_enum_ddl(self, schema_name: str) -> list[str]:  # noqa: ARG002 - as above
        """Return what creates the enum types that `core_type_to_sql` named since the last call."""
        return []

    # --- questions
    @abstractmethod
    def list_schemas_sql(self) -> str:
        """Return the query for the names of all schemas."""

    def schema_exists_sql(self, schema_name: str) -> str:
        """Return the query that yields a row if the schema exists."""
        name = self.quote_string(schema_name)
        return f"SELECT schema_name FROM information_schema.schemata WHERE schema_name = {name}"

    @abstractmethod
    def list_tables_sql(self, schema_name: str, pattern: str | None = None) -> str:
        """Return the query for the names of the tables of a schema."""

    @abstractmethod
    def parse_column_info(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return a row of `get_columns_sql` as ``name, type, nullable, default, comment, key, extra``."""

    @abstractmethod
    def parse_foreign_key_error(self, error_message: str) -> dict[str, str | list[str] | None] | None:
        """Return what a message on a foreign key names: ``child, name, fk_attrs, parent, pk_attrs``; None for others."""
