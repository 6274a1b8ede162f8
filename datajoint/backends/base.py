"""The verbs that an engine implements in code. Everything else is ordinary code above."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Literal, NamedTuple
from urllib.parse import quote

from datajoint.backends.alteration import Alteration, AlterScript
from datajoint.backends.catalog import SchemaCatalog, TableInfo
from datajoint.backends.dialect import Dialect
from datajoint.backends.findings import Finding
from datajoint.definition import AttributeDefinition, TableDefinition, TableName
from datajoint.errors import DataJointError
from datajoint.sql.fragment import Identifier, Parameter, Sql, Statement
from datajoint.values.model import ValueType

if TYPE_CHECKING:
    from datajoint.backends.catalog.reader import CatalogReader
    from datajoint.backends.coordination import Coordination

Converter = Callable[[Any], Any]
Duplicates = Literal["error", "skip", "replace"]
Privilege = Literal["SELECT", "DELETE"]
BeginKind = Literal["write", "snapshot", "read_only", "latest", "late", "guarded"]


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
    lock_timeout: float = 60.0
    unix_socket: str | None = None


class RawResult(NamedTuple):
    """What a statement returned, wholly read: column names, rows of driver values, affected rows, generated id."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    rowcount: int
    lastrowid: int | None = None


class Request(NamedTuple):
    """A statement that can be run again.

    Attributes
    ----------
    text : str
    values : sequence
        In the driver's form.
    types : sequence of ValueType, optional
        Of the columns, for a query whose rows are for the decoders of these types.
    columns : bool
        Whether it is answered by columns; see `Backend.fetch_columns`.
    row : (TableName, tuple of str), optional
        For a plain INSERT of one row: into which table, and the attributes to which `values` belong.
    """

    text: str
    values: Sequence[Any] = ()
    types: Sequence[ValueType] | None = None
    columns: bool = False
    row: tuple[TableName, tuple[str, ...]] | None = None


class ExternalQuery(NamedTuple):
    """What another program needs to run a query by itself: an address, secrets included, and a statement as it stands."""

    url: str
    text: str


class DuplicateClauses(NamedTuple):
    """How an INSERT treats rows whose key exists: the verb before INTO and the text after the rows."""

    verb: str
    suffix: Sql


@dataclass(frozen=True, slots=True)
class Process:
    """Somebody at work on the database: the engine's number for it, who, from where, with which statement."""

    number: int
    user: str | None = None
    place: str | None = None
    statement: str | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class LockWait:
    """One waits for a lock that another holds.

    Attributes
    ----------
    waiting : Process or None
        None where the engine cannot tell who waits.
    blocking : Process
        Who holds the lock; `seconds` since its transaction began.
    table : TableName or None
        What is locked; None for the whole database.
    seconds : float or None
        How long the waiting has lasted.
    """

    waiting: Process | None
    blocking: Process
    table: TableName | None = None
    seconds: float | None = None


Execute = Callable[[Sql], RawResult]


def transposed(rows: list[tuple[Any, ...]], width: int) -> list[Any]:
    """Return the columns of `rows`."""
    # Four times as fast as zip(*rows), which makes an iterator for each row.
    return [list(map(itemgetter(n), rows)) for n in range(width)]


def external_url(scheme: str, target: Target, port: int) -> str | None:
    """Return the address of a server with its user and password; None if it takes more than these to connect."""
    if target.unix_socket is not None or target.use_tls or target.time_zone is not None:
        return None
    account = f"{quote(target.user or '', safe='')}:{quote(target.password or '', safe='')}"
    return f"{scheme}://{account}@{target.host or 'localhost'}:{target.port or port}/{quote(target.database or '', safe='')}"


class Backend(ABC):
    """One engine. Instances hold no connection: a raw driver connection is passed in."""

    dialect: Dialect
    _reader: CatalogReader
    """Runs the engine's catalogue queries."""
    coordination: Coordination

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

    def is_stale(self, raw: Any) -> bool:  # noqa: ARG002 - for engines with a link that can break
        """Tell, without asking the server, whether an idle link looks as if the other side had ended it."""
        return False

    @abstractmethod
    def in_transaction(self, raw: Any, *, after_error: bool = False) -> bool:
        """Tell whether the engine has a transaction open; `after_error`: also where the driver was not told."""

    @abstractmethod
    def is_settled(self, raw: Any) -> bool:
        """Tell, after an exception broke off a statement, whether its exchange is over and the next one can begin."""

    @abstractmethod
    def cancel(self, raw: Any, target: Target) -> None:
        """End the statement that another thread runs, or that this one has abandoned; driver errors pass."""

    def sever(self, raw: Any) -> None:  # noqa: ARG002 - as above
        """Break the link from another thread, so that a statement on it that waits for the server fails."""
        return

    @abstractmethod
    def close(self, raw: Any) -> None:
        """Close the raw connection; never raises."""

    @abstractmethod
    def execute(self, raw: Any, text: str, values: Sequence[Any]) -> RawResult:
        """Run one statement and read its result to the end; driver errors pass."""

    def fetch(self, raw: Any, text: str, values: Sequence[Any], types: Sequence[ValueType]) -> list[tuple[Any, ...]]:  # noqa: ARG002 - for engines with several forms of a result
        """Run one query whose columns have the given types and return its rows, read to the end.

        Values come in a form that `decoder` takes.
        """
        return self.execute(raw, text, values).rows

    def fetch_columns(self, raw: Any, text: str, values: Sequence[Any], types: Sequence[ValueType]) -> list[Any]:
        """Run one query as `fetch` does and return its columns.

        Each is a list of what `decoder` takes, or a numpy array ``datetime64[us]`` where the driver can deliver
        moments as numbers.
        """
        return transposed(self.fetch(raw, text, values, types), len(types))

    def answer(self, raw: Any, request: Request) -> RawResult:
        """Run a statement in the way that it asks for."""
        if request.types is None:
            return self.execute(raw, request.text, request.values)
        if request.columns:
            columns = self.fetch_columns(raw, request.text, request.values, request.types)
            return RawResult((), columns, len(columns[0]) if columns else 0)
        rows = self.fetch(raw, request.text, request.values, request.types)
        return RawResult((), rows, len(rows))

    def together(self, raw: Any, requests: Sequence[Request]) -> list[RawResult]:
        """Run several statements; with the dialect's `pipelines`, in one exchange. After an error none is run."""
        return [self.answer(raw, request) for request in requests]

    def commit_after(self, raw: Any, request: Request) -> bool:
        """Run a statement and commit if it changed one row; with the dialect's `pipelines`, in one exchange.

        Returns
        -------
        bool
            False if it changed none: nothing was committed, and the transaction goes on.
        """
        if self.execute(raw, request.text, request.values).rowcount != 1:
            return False
        self.execute(raw, "COMMIT", ())
        return True

    def digested(self, expression: Sql, most: int) -> Sql | None:  # noqa: ARG002 - for engines with a server
        """Return a binary column with the SHA-256 of each value of more than `most` bytes in its place.

        None where values need not travel.
        """
        return None

    def external_query(self, raw: Any, target: Target, statement: Statement) -> ExternalQuery | None:  # noqa: ARG002 - for engines with a server
        """Return the query for another program, its values written in by the driver; None where none can connect so."""
        return None

    @abstractmethod
    def execute_many(self, raw: Any, text: str, rows: Iterable[Sequence[Any]]) -> int:
        """Run one data statement for many rows as fast as the driver can; return the affected rows."""

    @abstractmethod
    def cursor(self, raw: Any, text: str, values: Sequence[Any], *, as_dict: bool) -> Any:
        """Run one statement and return a DB-API cursor on it (the raw door)."""

    @abstractmethod
    def begin(self, kind: BeginKind) -> tuple[str, ...]:
        """Return the statements that begin a transaction.

        ``write`` may read and write and, where the engine has one writer, waits its turn; ``snapshot`` is the
        reference's consistent snapshot; ``read_only`` sees one snapshot and a write in it is an error; ``latest`` sees in
        every statement what is committed by then, and locks no more than it changes; ``late`` begins to write what was
        computed without a transaction; ``guarded`` sees one snapshot, of the moment after its first statement, which is
        that of `bar_inserts`.
        """

    def bar_inserts(self, table: TableName, condition: Sql) -> Sql | None:  # noqa: ARG002 - for engines with several writers
        """Return what keeps others from adding rows of a table, at least those that meet `condition`.

        It comes first in a ``guarded`` transaction, waits for those that are being added, and holds until the end.
        None where a transaction alone does so.
        """
        return None

    @abstractmethod
    def explain(self, error: BaseException, text: str = "") -> DataJointError:
        """Translate a driver's error; unknown ones become `QueryError`. The caller chains the original."""

    @abstractmethod
    def lock_waits(self, execute: Execute, target: Target) -> list[LockWait]:
        """Return who waits for whom at this moment, as far as the user may see it."""

    @abstractmethod
    def working(self, execute: Execute, target: Target) -> list[Process]:
        """Return who else runs a statement at this moment, as far as the user may see it, the longest first."""

    def end_statement(self, number: int) -> Sql | None:  # noqa: ARG002 - for servers
        """Return what ends the statement that the session of that number runs; None where there is none to end."""
        return None

    def end_session(self, number: int) -> Sql | None:  # noqa: ARG002 - for servers
        """Return what ends the session of that number, its transaction undone; None where there are none to end."""
        return None

    def user(self, execute: Execute) -> str:
        """Return the name of the user as the engine knows it."""
        return str(execute(Sql("SELECT current_user")).rows[0][0])

    def backup(self, target: Target, path: str) -> None:  # noqa: ARG002 - as above
        """Copy the whole database to a new file.

        Raises
        ------
        DataJointError
            If the engine has no such thing, or the file exists or cannot be written.
        """
        raise DataJointError(
            f"A {self.dialect.name} server is not backed up through a connection.",
            hint="Use the server's own tools, such as mysqldump or pg_dump.",
        )

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
            f"set_replica_identity is PostgreSQL-only; {self.dialect.name} has no replica identity.",
            hint="Leave this step out.",
        )

    @abstractmethod
    def rename_tables(self, names: Mapping[TableName, TableName], catalog: SchemaCatalog) -> list[Sql]:
        """Return the statements that give tables of one schema new names; foreign keys that refer to them follow.

        Where the engine cannot do so in a transaction, it is one statement, carried out wholly or not at all.
        """

    @abstractmethod
    def drop_table(self, name: TableName, catalog: SchemaCatalog) -> list[Sql]:
        """Return the statements that drop a table, and enum types that nothing else uses."""

    def schema_names(self, execute: Execute) -> list[str]:
        """Return the names of all user schemas, sorted."""
        return self._reader.schema_names(execute)

    def load_catalog(self, execute: Execute, schemas: Iterable[str]) -> dict[str, SchemaCatalog]:
        """Read the structure of schemas in a handful of queries; a schema that does not exist is absent."""
        return self._reader.load(execute, schemas)

    def catalog_versions(self, execute: Execute, schemas: Iterable[str]) -> dict[str, str]:
        """Return, by one light query, a text for each schema that exists; it changes with the structure."""
        return self._reader.versions(execute, schemas)

    def related_schemas(self, execute: Execute, schemas: Iterable[str], *, downstream: bool) -> set[str]:
        """Return the schemas that refer to `schemas` by foreign keys (or that these refer to)."""
        return self._reader.related(execute, schemas, downstream=downstream)

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

    def stream_insert(self, table: TableName, columns: Sequence[str]) -> Sql | None:  # noqa: ARG002 - for engines with a stream
        """Return the statement for `execute_many` that takes rows as one stream; None where INSERT is the fastest."""
        return None

    def table_stream(self, table: TableName, columns: Sequence[str]) -> Sql | None:  # noqa: ARG002 - as above
        """Return the statement for `execute_many` that takes texts in CSV form, as Arrow writes it, in place of rows.

        None where there is none.
        """
        return None

    def rows_source(
        self,
        columns: Sequence[tuple[str, ValueType]],  # noqa: ARG002 - for engines with arrays
        values: Sequence[Sequence[Any]],  # noqa: ARG002
    ) -> Sql | None:
        """Return a SELECT that yields rows, each column of driver values in one parameter; NULL is None.

        None where `execute_many` is as fast.
        """
        return None

    def lacking(self, execute: Execute, tables: Sequence[TableName], privilege: Privilege) -> list[TableName]:  # noqa: ARG002 - an embedded engine has no users
        """Return those of `tables` on which the user lacks a privilege; nothing is changed by asking."""
        return []

    def converted(self, source: ValueType, target: ValueType, expression: Sql) -> Sql:  # noqa: ARG002 - for engines that convert otherwise
        """Return the value of one type as a column of another type holds it, for INSERT … SELECT."""
        return expression

    def default_value(self, table: TableName, column: str, catalog: SchemaCatalog) -> Sql:  # noqa: ARG002 - for engines without the keyword
        """Return what assigns a column its declared default in an UPDATE."""
        return Sql("DEFAULT")

    def delete_rows(self, table: TableName, key: Sequence[str], chosen: Sql) -> Sql:
        """Return the DELETE of the rows of `table` whose `key` columns are a row of the SELECT `chosen`.

        `chosen` yields columns called as in `key`, and may read from `table` itself.
        """
        columns = Sql.join(", ", (Identifier((name,)) for name in key))
        return Sql("DELETE FROM ", table.identifier, " WHERE (", columns, ") IN (", chosen, ")")

    def delete_keys(
        self,
        table: TableName,
        columns: Sequence[tuple[str, ValueType]],
        keys: Sequence[Sequence[Any]],
        filled: Sequence[str] = (),
    ) -> Iterator[Sql]:
        """Yield the statements that delete the rows of `table` whose `columns` have the values of one of `keys`.

        Values are canonical and not NULL. Rows with NULL in one of the columns `filled` stay.
        """
        yield self._where_keys(table, columns, self.key_table(columns, keys), filled)

    def _where_keys(
        self, table: TableName, columns: Sequence[tuple[str, ValueType]], keys: Sql, filled: Sequence[str]
    ) -> Sql:
        names = Sql.join(", ", (Identifier((name,)) for name, _ in columns))
        present = (Sql(" AND ", Identifier((name,)), " IS NOT NULL") for name in filled)
        return Sql("DELETE FROM ", table.identifier, " WHERE (", names, ") IN (", keys, ")", *present)

    def advance_sequence(self, table: TableName, column: str) -> Sql | None:  # noqa: ARG002 - for engines that do not do so themselves
        """Return what moves a generated column past values that were given explicitly, None where nothing is to do."""
        return None

    def empty_insert(self, table: TableName) -> Sql:
        """Return the statement that inserts one row of defaults."""
        return Sql("INSERT INTO ", table.identifier, " DEFAULT VALUES")
