"""The verbs that an engine implements in code. Everything else is ordinary code above."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from datajoint.backends.alteration import Alteration, AlterScript
from datajoint.backends.catalog import SchemaCatalog, TableInfo
from datajoint.backends.dialect import Dialect
from datajoint.backends.findings import Finding
from datajoint.definition import AttributeDefinition, TableDefinition, TableName
from datajoint.errors import DataJointError
from datajoint.sql.fragment import Identifier, Parameter, Sql
from datajoint.values.model import ValueType

Converter = Callable[[Any], Any]
Duplicates = Literal["error", "skip", "replace"]
BeginKind = Literal["write", "snapshot", "read_only"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where to connect to and as whom; the password is never shown."""

    backend: str
    host: str | None = None
    port: int | None = None
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    database: str | None = None
    path: str | None = None
    use_tls: bool | dict[str, Any] | None = field(default=None, repr=False)  # may hold a key's password
    charset: str = ""
    read_only: bool = False
    schema_collation: str = "binary"
    time_zone: str | None = None
    connect_timeout: float = 10.0
    busy_timeout: float = 60.0
    unix_socket: str | None = None


class RawResult(NamedTuple):
    """What a statement returned, wholly read: column names, rows of driver values, affected rows, generated id."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    rowcount: int
    lastrowid: int | None = None


class DuplicateClauses(NamedTuple):
    """How an INSERT treats rows whose key exists: the verb before INTO and the text after the rows."""

    verb: str
    suffix: Sql


Execute = Callable[[Sql], RawResult]


class Backend(ABC):
    """One engine. Instances hold no connection: a raw driver connection is passed in."""

    dialect: Dialect

    # --- sessions
    def resolved(self, target: Target) -> Target:
        """Return the target with whatever must be decided once for all sessions of a connection."""
        return target

    @abstractmethod
    def connect(self, target: Target) -> Any:
        """Open a raw driver connection in autocommit mode, with the session prepared.

        Raises
        ------
        DataJointError
            With what to do about it; the driver's error is chained.
        """

    def refined(self, raw: Any) -> Backend:  # noqa: ARG002 - for engines that share a protocol
        """Return the backend that fits the server behind `raw` best, such as MariaDB's for a MySQL address."""
        return self

    @abstractmethod
    def session_id(self, raw: Any) -> int:
        """Return the server's number of this session."""

    @abstractmethod
    def is_alive(self, raw: Any) -> bool:
        """Tell whether the link still stands, also inside an aborted transaction."""

    @abstractmethod
    def close(self, raw: Any) -> None:
        """Close the raw connection; never raises."""

    @abstractmethod
    def execute(self, raw: Any, text: str, values: Sequence[Any]) -> RawResult:
        """Run one statement and read its result to the end; driver errors pass."""

    @abstractmethod
    def execute_many(self, raw: Any, text: str, rows: Sequence[Sequence[Any]]) -> int:
        """Run one data statement for many rows as fast as the driver can; return the affected rows."""

    @abstractmethod
    def cursor(self, raw: Any, text: str, values: Sequence[Any], *, as_dict: bool) -> Any:
        """Run one statement and return a DB-API cursor on it (the raw door)."""

    @abstractmethod
    def begin(self, kind: BeginKind) -> tuple[str, ...]:
        """Return the statements that begin a transaction.

        ``write`` may read and write and, where the engine has one writer, waits its turn; ``snapshot`` is the
        reference's consistent snapshot; ``read_only`` sees one snapshot and a write in it is an error.
        """

    @abstractmethod
    def explain(self, error: BaseException, text: str = "") -> DataJointError:
        """Translate a driver's error; unknown ones become `QueryError`. The caller chains the original."""

    # --- values: `accept` of `datajoint.values` makes a canonical Python value, these carry it to and from the driver
    @abstractmethod
    def encoder(self, value_type: ValueType) -> Converter | None:
        """Return what turns a canonical, non-missing value into the driver's, or None if nothing needs doing."""

    @abstractmethod
    def decoder(self, value_type: ValueType) -> Converter | None:
        """Return what turns a driver's non-NULL value into the one promised for the type, or None."""

    @abstractmethod
    def placeholder(self, value_type: ValueType) -> tuple[str, str]:
        """Return text to put before and after a bound value of this type, such as ``("", "::real")``."""

    def bind(self, value_type: ValueType, value: Any) -> Sql:
        """Return a canonical, non-missing value as a bound parameter, with a cast where the engine needs one."""
        before, after = self.placeholder(value_type)
        encode = self.encoder(value_type)
        return Sql(before, Parameter(encode(value) if encode else value), after)

    def is_true(self, expression: Sql, *, value: bool) -> Sql:
        """Return the condition that a stored truth value is `value`."""
        return Sql(expression, " = ", Parameter(value))

    def truth_key(self, expression: Sql) -> Sql:
        """Return a stored truth value as it is compared with keys."""
        return expression

    @abstractmethod
    def json_equals(self, expression: Sql, document: str) -> Sql:
        """Return the condition that a JSON column equals the JSON text `document` as a value."""

    @abstractmethod
    def json_at(self, expression: Sql, path: str) -> Sql:
        """Return the JSON value at ``path`` (``a.b[0]``) of a JSON column; NULL if it is missing or JSON's null."""

    @abstractmethod
    def selected(self, value_type: ValueType, expression: Sql) -> Sql:
        """Wrap a column so that the driver delivers its exact value."""

    @abstractmethod
    def ordered(self, value_type: ValueType, expression: Sql, *, nullable: bool, descending: bool) -> Sql:
        """Return the ORDER BY item: numbers, code points, enum positions; NULLs first ascending, last descending."""

    @abstractmethod
    def compared(self, value_type: ValueType, expression: Sql) -> Sql:
        """Wrap a column for ``<``, ``>``, ``min``, ``max`` so that text goes by code point and enums by label."""

    @abstractmethod
    def key_table(self, columns: Sequence[tuple[str, ValueType]], rows: Sequence[Sequence[Any]]) -> Sql:
        """Return a ``SELECT`` that yields `rows` (canonical values) under the given column names.

        All rows travel in one parameter (or one per column). Values are not NULL.
        """

    @abstractmethod
    def json_path(self, expression: Sql, path: str, cast: str | None) -> tuple[Sql, ValueType]:
        """Return what extracts ``path`` (``a.b[0]``) of a JSON column, as text or as the type `cast`.

        What is absent, JSON null, or cannot be read as the type is NULL.
        """

    @abstractmethod
    def diagnose(self, execute: Execute, target: Target, catalogs: Mapping[str, SchemaCatalog]) -> list[Finding]:
        """Examine the database: version, time zone, encryption, privileges, collations, limits; nothing is changed."""

    def plan(self, execute: Execute, statement: Sql) -> str:
        """Return how the engine would run a SELECT, one step a line."""
        return "\n".join(str(row[0]) for row in execute(Sql("EXPLAIN ", statement)).rows)

    # --- structure
    @abstractmethod
    def create_schema(self, schema: str, target: Target) -> list[Sql]:
        """Return the statements that create a schema."""

    @abstractmethod
    def drop_schema(self, schema: str, catalog: SchemaCatalog) -> list[Sql]:
        """Return the statements that drop a schema and all in it."""

    @abstractmethod
    def create_table(self, name: TableName, definition: TableDefinition, catalog: SchemaCatalog | None) -> list[Sql]:
        """Return the statements that create a table with its types, indexes and comments."""

    @abstractmethod
    def alter_table(self, alteration: Alteration, catalog: SchemaCatalog) -> AlterScript:
        """Return the statements that change a table."""

    def run_rebuild(self, target: Target, script: AlterScript, after: tuple[Sql, ...], planned: TableInfo) -> None:  # noqa: ARG002
        """Carry out a script that rebuilds the table, and the statements `after` it, wholly or not at all.

        Raises
        ------
        DataJointError
            If the table is not as `planned` any more, if the database refuses, or on an engine whose scripts rebuild
            nothing.
        """
        raise DataJointError(f"{self.dialect.name} does not rebuild tables.")

    @abstractmethod
    def add_column(self, name: TableName, attribute: AttributeDefinition) -> list[Sql]:
        """Return the statements that add a column, neither key nor inherited, after the others of a table."""

    def replica_identity(self, name: TableName, mode: str) -> Sql:  # noqa: ARG002 - for engines that replicate logically
        """Return what makes the engine's change stream carry whole rows (``full``) or keys (``default``).

        Raises
        ------
        DataJointError
            On an engine that has no such choice.
        """
        raise DataJointError(
            f"A replica identity is PostgreSQL-only; {self.dialect.name} has none.", hint="Leave this step out."
        )

    @abstractmethod
    def drop_table(self, name: TableName, catalog: SchemaCatalog) -> list[Sql]:
        """Return the statements that drop a table, and enum types that nothing else uses."""

    @abstractmethod
    def schema_names(self, execute: Execute) -> list[str]:
        """Return the names of all user schemas, sorted."""

    @abstractmethod
    def load_catalog(self, execute: Execute, schemas: Iterable[str]) -> dict[str, SchemaCatalog]:
        """Read the structure of schemas in a handful of queries; a schema that does not exist is absent."""

    @abstractmethod
    def catalog_versions(self, execute: Execute, schemas: Iterable[str]) -> dict[str, str]:
        """Return, by one light query, a text for each schema that exists; it changes with the structure."""

    @abstractmethod
    def related_schemas(self, execute: Execute, schemas: Iterable[str], *, downstream: bool) -> set[str]:
        """Return the schemas that refer to `schemas` by foreign keys (or that these refer to)."""

    # --- data
    @abstractmethod
    def duplicate_clauses(
        self,
        duplicates: Duplicates,
        table: TableName,
        columns: Sequence[str],
        all_columns: Sequence[str],
        key: Sequence[str],
    ) -> DuplicateClauses:
        """Return how an INSERT spells `duplicates`; `columns` are supplied, `all_columns` the table's."""

    def default_value(self, table: TableName, column: str, catalog: SchemaCatalog) -> Sql:  # noqa: ARG002 - for engines without the keyword
        """Return what assigns a column its declared default in an UPDATE."""
        return Sql("DEFAULT")

    def delete_rows(self, table: TableName, key: Sequence[str], chosen: Sql) -> Sql:
        """Return the DELETE of the rows of `table` whose `key` columns are a row of the SELECT `chosen`.

        `chosen` yields columns called as in `key`, and may read from `table` itself.
        """
        columns = Sql.join(", ", (Identifier((name,)) for name in key))
        return Sql("DELETE FROM ", table.identifier, " WHERE (", columns, ") IN (", chosen, ")")

    def advance_sequence(self, table: TableName, column: str) -> Sql | None:  # noqa: ARG002 - for engines that do not do so themselves
        """Return what moves a generated column past values that were given explicitly, None where nothing is to do."""
        return None

    def empty_insert(self, table: TableName) -> Sql:
        """Return the statement that inserts one row of defaults."""
        return Sql("INSERT INTO ", table.identifier, " DEFAULT VALUES")
