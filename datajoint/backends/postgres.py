"""PostgreSQL 15 and later."""

from __future__ import annotations

import contextlib
import os
import re
import socket
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

try:
    import psycopg
    from psycopg.rows import dict_row
except ImportError as error:
    raise ImportError(
        "PostgreSQL needs the driver psycopg, which is not installed. Install it with: pip install 'datajoint[postgres]'"
    ) from error

from datajoint.backends import (
    conversions,
    ddl,
    locks,
    postgres_alter,
    postgres_ddl,
    postgres_doctor,
    postgres_errors,
    postgres_link,
    postgres_session,
    postgres_values,
)
from datajoint.backends.alteration import Alteration, AlterScript
from datajoint.backends.base import (
    Backend,
    BeginKind,
    Converter,
    DuplicateClauses,
    Duplicates,
    Execute,
    ExternalQuery,
    LockWait,
    Privilege,
    Process,
    RawResult,
    Request,
    Target,
    external_url,
)
from datajoint.backends.catalog import ColumnInfo, SchemaCatalog
from datajoint.backends.catalog.reader import CatalogReader, Row, plain_column
from datajoint.backends.coordination import PostgresCoordination
from datajoint.backends.dialect import Dialect
from datajoint.backends.findings import Finding
from datajoint.backends.json_paths import path_steps, read_cast
from datajoint.backends.link import CANCEL_SECONDS, has_news
from datajoint.backends.postgres_pipeline import FORGOTTEN, can_exchange, exchange
from datajoint.definition import AttributeDefinition, TableDefinition, TableName
from datajoint.errors import DataJointError
from datajoint.sql.fragment import Identifier, Parameter, Sql, Statement, column
from datajoint.values.model import TEXT, ValueType

DIALECT = Dialect(
    name="postgresql", grammar="postgres", quote_character='"', placeholder="%s", default_port=postgres_session.PORT,
    max_identifier_length=postgres_ddl.MAX_BYTES, enum_types=True, movable_columns=False, nulls_first=False, float_infinity=True,
    exact_decimal_digits=1000, time_class="time", error_ends_transaction=True,
    pipelines=True, conflict_codes=frozenset({"40001", "40P01"}),
)  # fmt: skip

_BEGIN: dict[BeginKind, str] = {
    "write": "BEGIN", "snapshot": "BEGIN", "read_only": "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    "guarded": "BEGIN ISOLATION LEVEL REPEATABLE READ",
    "late": "BEGIN ISOLATION LEVEL READ COMMITTED",
    "latest": "BEGIN ISOLATION LEVEL READ COMMITTED",
}  # fmt: skip
_STATUS = psycopg.pq.TransactionStatus
_IN_TRANSACTION = {_STATUS.INTRANS, _STATUS.INERROR, _STATUS.ACTIVE}
_BEFORE_CLOSING, _UNDO_CLOSING = Request("SAVEPOINT dj_closing"), "ROLLBACK TO SAVEPOINT dj_closing"
_COMMIT = Request("COMMIT")
_COPY, _CSV = "COPY ", " (FORMAT csv)"
_CASTS = {"int": "bigint", "float": "double precision", "text": "text", "date": "date", "datetime": "timestamp"}
_DEFAULT_CAST = re.compile(r"^(.*)::[\w\s\".()]+(\[\])?$", re.DOTALL)


class PostgreSQL(Backend):
    """PostgreSQL.

    Parameters
    ----------
    by_code_point : bool
        Whether the database's own order of text is that of code points.
    """

    dialect = DIALECT
    coordination = PostgresCoordination()

    def __init__(self, *, by_code_point: bool = False) -> None:
        self._by_code_point = by_code_point
        self._reader = CatalogReader("postgres", _make_column)

    # --- sessions
    def connect(self, target: Target) -> Any:
        """Connect; see `datajoint.backends.postgres_session`."""
        return postgres_session.connect(target)

    def refined(self, raw: Any) -> Backend:
        """Return the backend that knows how the database sorts text."""
        found = postgres_session.sorts_by_code_point(raw)
        return self if found == self._by_code_point else PostgreSQL(by_code_point=found)

    def session_id(self, raw: Any) -> int:
        """Return the number of the server's process."""
        return int(raw.info.backend_pid)

    def is_alive(self, raw: Any) -> bool:
        """Ask the server for a sign of life; inside a failed transaction no statement would do."""
        if raw.closed or raw.broken:
            return False
        if raw.info.transaction_status == psycopg.pq.TransactionStatus.INERROR:
            return True
        try:
            raw.execute("SELECT 1")
        except psycopg.Error:
            return False
        return True

    def is_stale(self, raw: Any) -> bool:
        """Look whether the server has said something unasked, such as goodbye."""
        return bool(raw.closed) or has_news(raw.fileno())

    def in_transaction(self, raw: Any, *, after_error: bool = False) -> bool:  # noqa: ARG002 - the protocol tells always
        """Return what the server said last."""
        return raw.pgconn.transaction_status in _IN_TRANSACTION

    def is_settled(self, raw: Any) -> bool:
        """Tell whether the driver has read the answer to the end; on Ctrl-C it cancels and does."""
        settled = {_STATUS.IDLE, _STATUS.INTRANS, _STATUS.INERROR}
        return not raw.closed and raw.pgconn.transaction_status in settled

    def cancel(self, raw: Any, target: Target) -> None:  # noqa: ARG002 - the driver knows where it is connected
        """Ask the server to end the statement."""
        raw.cancel_safe(timeout=CANCEL_SECONDS)

    def sever(self, raw: Any) -> None:
        """Shut the socket."""
        with contextlib.suppress(psycopg.Error, OSError), socket.socket(fileno=os.dup(raw.fileno())) as link:
            link.shutdown(socket.SHUT_RDWR)

    def lock_waits(self, execute: Execute, target: Target) -> list[LockWait]:  # noqa: ARG002 - for other engines
        """Read the server's lock table."""
        return locks.read(execute, postgres_session.LOCKS)

    def working(self, execute: Execute, target: Target) -> list[Process]:  # noqa: ARG002 - for other engines
        """Read the server's list of sessions."""
        return locks.working(execute, postgres_session.WORKING)

    def end_statement(self, number: int) -> Sql:
        """Return the call that ends what a session runs."""
        return Sql("SELECT pg_cancel_backend(", Parameter(number), ")")

    def end_session(self, number: int) -> Sql:
        """Return the call that ends a session."""
        return Sql("SELECT pg_terminate_backend(", Parameter(number), ")")

    def close(self, raw: Any) -> None:
        """Say goodbye, if anybody listens."""
        with contextlib.suppress(psycopg.Error):
            raw.close()

    def execute(self, raw: Any, text: str, values: Sequence[Any]) -> RawResult:
        """Run one statement and read its result to the end."""
        cursor = raw.run(text, values)
        described = cursor.description
        if described is None:
            return RawResult((), [], cursor.rowcount)
        return RawResult(tuple(d.name for d in described), cursor.fetchall(), cursor.rowcount)

    def fetch(self, raw: Any, text: str, values: Sequence[Any], types: Sequence[ValueType]) -> list[tuple[Any, ...]]:
        """Run one query; the server's binary form is read a third faster than text, where it is sure to be understood."""
        rows: list[tuple[Any, ...]] = raw.rows(text, values, binary=postgres_values.binary(types))
        return rows

    def fetch_columns(self, raw: Any, text: str, values: Sequence[Any], types: Sequence[ValueType]) -> list[Any]:
        """Run one query; moments come as numbers, from which columns are made ten times as fast as from objects."""
        binary = postgres_values.binary(types)
        # All rows in one list, of which columns are cut: half as fast again as by way of tuples.
        flat: list[Any] = []
        cursor = raw.cursor(binary=binary, row_factory=lambda _: flat.extend)
        if binary:
            cursor.adapters.register_loader("timestamp", postgres_link.MICROSECONDS)
        cursor.execute(text, values or None).fetchall()
        return _columns(flat, types)

    def digested(self, expression: Sql, most: int) -> Sql:
        """Digest large values where they are."""
        return Sql(
            "CASE WHEN octet_length(",
            expression,
            f") > {most:d} THEN sha256(",
            expression,
            ") ELSE ",
            expression,
            " END",
        )

    def together(self, raw: Any, requests: Sequence[Request]) -> list[RawResult]:
        """Send all statements, then read all answers."""
        if can_exchange(requests):
            fresh = raw.pgconn.transaction_status == _STATUS.IDLE
            try:
                return exchange(raw, requests, named=fresh)
            except FORGOTTEN:
                if not fresh or not raw.names or raw.closed:
                    raise
                raw.names.clear()
                if self.in_transaction(raw):
                    raw.execute("ROLLBACK")
                return exchange(raw, requests, named=True)
        with raw.pipeline():
            cursors = [raw.cursor(binary=bool(r.types and postgres_values.binary(r.types))) for r in requests]
            for cursor, request in zip(cursors, requests, strict=True):
                if request.columns and request.types and postgres_values.binary(request.types):
                    cursor.adapters.register_loader("timestamp", postgres_link.MICROSECONDS)
                cursor.execute(request.text, request.values or None)
        return [_answer(cursor, request) for cursor, request in zip(cursors, requests, strict=True)]

    def commit_after(self, raw: Any, request: Request) -> bool:
        """Let what changes no row be an error, after which the server carries out nothing that was sent with it."""
        counted = f"WITH changed AS ({request.text} RETURNING 1) SELECT 1 / count(*) FROM changed"
        try:
            self._close(raw, Request(counted, request.values))
        except psycopg.errors.DivisionByZero:
            if raw.pgconn.transaction_status != _STATUS.INERROR:
                raise  # the commit's own
            raw.execute(_UNDO_CLOSING)
            return False
        return True

    @staticmethod
    def _close(raw: Any, last: Request) -> None:
        closing = [_BEFORE_CLOSING, last, _COMMIT]
        try:
            exchange(raw, closing, named=True)
        except FORGOTTEN:
            if not raw.names or raw.pgconn.transaction_status != _STATUS.INERROR:
                raise
            raw.names.clear()
            raw.execute(_UNDO_CLOSING)
            exchange(raw, closing, named=True)

    def external_query(self, raw: Any, target: Target, statement: Statement) -> ExternalQuery | None:
        """Let the driver write the values in."""
        database = target.database or postgres_session.DATABASE
        url = external_url("postgresql", replace(target, database=database), postgres_session.PORT)
        if url is None:
            return None
        return ExternalQuery(url, psycopg.ClientCursor(raw).mogrify(statement.text, statement.values or None))

    def execute_many(self, raw: Any, text: str, rows: Iterable[Sequence[Any]]) -> int:
        """Run one data statement for many rows: COPY takes them as a stream, others are sent in a pipeline."""
        with raw.cursor() as cursor:
            if text.startswith(_COPY):
                with cursor.copy(text) as stream:
                    write = stream.write if text.endswith(_CSV) else stream.write_row
                    for row in rows:
                        write(row)
                return int(cursor.rowcount)
            cursor.executemany(text, rows)
            return int(cursor.rowcount)

    def cursor(self, raw: Any, text: str, values: Any, *, as_dict: bool) -> Any:
        """Run a user's statement; the driver's cursor holds all rows."""
        cursor = raw.cursor(row_factory=dict_row) if as_dict else raw.cursor()
        cursor.execute(text, values if isinstance(values, Mapping) else tuple(values))
        return cursor

    def begin(self, kind: BeginKind) -> tuple[str, ...]:
        """Begin a transaction."""
        return (_BEGIN[kind],)

    def bar_inserts(self, table: TableName, condition: Sql) -> Sql:  # noqa: ARG002 - the table is locked as a whole
        """Lock the table against changes; reading goes on."""
        return Sql("LOCK TABLE ", Identifier(tuple(table)), " IN SHARE ROW EXCLUSIVE MODE")

    def explain(self, error: BaseException, text: str = "") -> DataJointError:
        """Translate an error of psycopg."""
        return postgres_errors.explain(error, text)

    def diagnose(self, execute: Execute, target: Target, catalogs: Mapping[str, SchemaCatalog]) -> list[Finding]:
        """Examine the server; see `datajoint.backends.postgres_doctor`."""
        return postgres_doctor.examine(execute, target, catalogs, by_code_point=self._by_code_point)

    # --- values
    def encoder(self, value_type: ValueType) -> Converter | None:
        """Return the converter to the driver."""
        return postgres_values.encoder(value_type)

    def decoder(self, value_type: ValueType) -> Converter | None:
        """Return the converter from the driver."""
        return postgres_values.decoder(value_type)

    def placeholder(self, value_type: ValueType) -> tuple[str, str]:
        """Return the cast where the server could infer another type."""
        return postgres_values.placeholder(value_type)

    def json_equals(self, expression: Sql, document: str) -> Sql:
        """Compare in the server's JSON type."""
        return Sql(expression, " = ", Parameter(postgres_values.written_in_full(document)), "::jsonb")

    def json_at(self, expression: Sql, path: str) -> Sql:
        """Extract as JSON."""
        return Sql("NULLIF(jsonb_extract_path(", expression, f", {_steps(path)}), 'null'::jsonb)")

    def selected(self, value_type: ValueType, expression: Sql) -> Sql:  # noqa: ARG002 - values arrive exactly
        """Return the column itself."""
        return expression

    def ordered(self, value_type: ValueType, expression: Sql, *, nullable: bool, descending: bool) -> Sql:
        """Say where NULLs go only if there can be any: an index could not serve otherwise."""
        if value_type.kind != "enum":
            expression = self._collated(value_type, expression)
        nulls = (" NULLS LAST" if descending else " NULLS FIRST") if nullable else ""
        return expression + (" DESC" if descending else "") + nulls

    def compared(self, value_type: ValueType, expression: Sql) -> Sql:
        """Compare text by code point, and enums by label."""
        if value_type.kind == "enum":
            expression = Sql("(", expression, ")::text")
        return self._collated(value_type, expression)

    def _collated(self, value_type: ValueType, expression: Sql) -> Sql:
        if self._by_code_point or not value_type.is_text:
            return expression
        return Sql("(", expression, ') COLLATE "C"')

    def key_table(self, columns: Sequence[tuple[str, ValueType]], rows: Sequence[Sequence[Any]]) -> Sql:
        """Send one array for each column."""
        arrays = []
        for n, (_, value_type) in enumerate(columns):
            encode = self.encoder(value_type)
            values = [encode(row[n]) if encode else row[n] for row in rows]
            arrays.append(Sql(Parameter(values), postgres_values.array_cast(value_type)))
        names = Sql.join(", ", (column(name) for name, _ in columns))
        return Sql("SELECT ", names, " FROM unnest(", Sql.join(", ", arrays), ") AS k(", names, ")")

    def json_path(self, expression: Sql, path: str, cast: str | None) -> tuple[Sql, ValueType]:
        """Extract as text, which JSON null is not, and cast where a type is asked for; booleans count as 1 and 0."""
        text = Sql("jsonb_extract_path_text(", expression, f", {_steps(path)})")
        if cast is None or (found := read_cast(cast)).family == "text":
            return text, TEXT
        if found.family in {"date", "datetime"}:
            return postgres_values.moment_of_text(text, found), found.value_type
        truth = Sql("CASE ", text, f" WHEN 'true' THEN 1 ELSE 0 END::{postgres_values.number_type(found)}")
        number = postgres_values.number_of_text(text, found)
        kind = Sql("jsonb_typeof(", self.json_at(expression, path), ")")
        return Sql("CASE ", kind, " WHEN 'boolean' THEN ", truth, " ELSE ", number, " END"), found.value_type

    # --- structure
    def create_schema(self, schema: str, target: Target) -> list[Sql]:  # noqa: ARG002 - no collation to choose
        """Create a schema."""
        return [Sql("CREATE SCHEMA IF NOT EXISTS ", Identifier((schema,)))]

    def drop_schema(self, schema: str, catalog: SchemaCatalog) -> list[Sql]:
        """Drop a schema and all in it."""
        ddl.refuse_incoming(schema, catalog)
        return [Sql("DROP SCHEMA ", Identifier((schema,)), " CASCADE")]

    def create_table(self, name: TableName, definition: TableDefinition, catalog: SchemaCatalog | None) -> list[Sql]:
        """Create a table with its types, indexes and comments."""
        return postgres_ddl.create_table(name, definition, catalog)

    def alter_table(self, alteration: Alteration, catalog: SchemaCatalog) -> AlterScript:
        """Change a table in one transaction."""
        return postgres_alter.alter_table(alteration, catalog)

    def add_column(self, name: TableName, attribute: AttributeDefinition) -> list[Sql]:
        """Add a column and its comment."""
        return postgres_ddl.add_column(name, attribute)

    def replica_identity(self, name: TableName, mode: str) -> Sql:
        """Choose what the change stream carries of old rows."""
        return Sql("ALTER TABLE ", name.identifier, f" REPLICA IDENTITY {'FULL' if mode == 'full' else 'DEFAULT'}")

    def rename_tables(self, names: Mapping[TableName, TableName], catalog: SchemaCatalog) -> list[Sql]:
        """Rename tables, and the indexes that are named after them."""
        return postgres_ddl.rename_tables(names, catalog)

    def drop_table(self, name: TableName, catalog: SchemaCatalog) -> list[Sql]:
        """Drop a table, and enum types that nothing else uses."""
        return postgres_ddl.drop_table(name, catalog)

    # --- data
    def duplicate_clauses(
        self,
        duplicates: Duplicates,
        table: TableName,  # noqa: ARG002 - for other engines
        columns: Sequence[str],  # noqa: ARG002 - for other engines
        all_columns: Sequence[str],
        key: Sequence[str],
    ) -> DuplicateClauses:
        """Skip rows that the table has by any unique key, or overwrite those with the same primary key."""
        if duplicates == "skip":
            return DuplicateClauses("INSERT", Sql(" ON CONFLICT DO NOTHING"))
        conflict = Sql(" ON CONFLICT (", ddl.columns(key), ") DO ")
        others = [c for c in all_columns if c not in key]
        if duplicates == "replace" and not others:
            return DuplicateClauses("INSERT", Sql(conflict, "NOTHING"))
        if duplicates == "replace":
            # the row proposed for insertion holds the defaults of what was not supplied
            settings = Sql.join(", ", (Sql(column(c), " = EXCLUDED.", column(c)) for c in others))
            return DuplicateClauses("INSERT", Sql(conflict, "UPDATE SET ", settings))
        return DuplicateClauses("INSERT", Sql())

    def stream_insert(self, table: TableName, columns: Sequence[str]) -> Sql:
        """Copy from the client, which knows the columns' types by itself."""
        return Sql(_COPY, table.identifier, " (", ddl.columns(columns), ") FROM STDIN")

    def table_stream(self, table: TableName, columns: Sequence[str]) -> Sql:
        """Copy texts from the client."""
        return self.stream_insert(table, columns) + _CSV

    def rows_source(self, columns: Sequence[tuple[str, ValueType]], values: Sequence[Sequence[Any]]) -> Sql | None:
        """Send one array for each column."""
        if any(value_type.kind == "unknown" for _, value_type in columns):
            return None
        arrays = (
            Sql(Parameter(list(column)), postgres_values.array_cast(value_type))
            for (_, value_type), column in zip(columns, values, strict=True)
        )
        return Sql("SELECT * FROM unnest(", Sql.join(", ", arrays), ")")

    def lacking(self, execute: Execute, tables: Sequence[TableName], privilege: Privilege) -> list[TableName]:
        """Ask the server what it would refuse."""
        if not tables:
            return []
        names = [self.dialect.quote(name.identifier) for name in tables]
        asked = Sql(
            "SELECT has_schema_privilege(s, 'USAGE') AND has_table_privilege(t, ", Parameter(privilege), ") ",
            "FROM unnest(", Parameter([name.schema for name in tables]), "::text[], ", Parameter(names), "::text[]) ",
            "WITH ORDINALITY AS a(s, t, n) ORDER BY n",
        )  # fmt: skip
        return [name for name, (allowed,) in zip(tables, execute(asked).rows, strict=True) if not allowed]

    def converted(self, source: ValueType, target: ValueType, expression: Sql) -> Sql:
        """Convert as an insert from Python would."""
        return conversions.postgres(source, target, expression)

    def advance_sequence(self, table: TableName, column: str) -> Sql:
        """Move the sequence of a generated column past the greatest value."""
        name = Parameter(self.dialect.quote(table.identifier))
        greatest = Sql("(SELECT max(", Identifier((column,)), ") FROM ", table.identifier, ")")
        sequence = Sql("pg_get_serial_sequence(", name, ", ", Parameter(column), ")")
        return Sql("SELECT setval(", sequence, ", greatest(", greatest, ", nextval(", sequence, ")))")


def _columns(flat: list[Any], types: Sequence[ValueType]) -> list[Any]:
    """Cut columns from the values of all rows, one after the other."""
    columns: list[Any] = [flat[n :: len(types)] for n in range(len(types))]
    if postgres_values.binary(types):
        for n, value_type in enumerate(types):
            if value_type.kind in {"datetime", "timestamp"}:
                columns[n] = postgres_values.moments(columns[n])
    return columns


def _answer(cursor: Any, request: Request) -> RawResult:
    """Return what a statement that was run before has to say."""
    if request.types is not None and request.columns:
        columns = _columns([value for row in cursor.fetchall() for value in row], request.types)
        return RawResult((), columns, len(columns[0]) if columns else 0)
    if cursor.description is None:
        return RawResult((), [], cursor.rowcount)
    return RawResult(tuple(d.name for d in cursor.description), cursor.fetchall(), cursor.rowcount)


def _steps(path: str) -> str:
    return ", ".join(map(ddl.quote_text, path_steps(path)))


def _make_column(row: Row) -> ColumnInfo:
    """Make a column: the default loses its casts, ``nextval`` is a generated number."""
    name, type_text, nullable, default, *rest = row
    comment, extra, collation, enum_type = rest
    generated = bool(extra) or (default or "").startswith("nextval(")
    while default and (match := _DEFAULT_CAST.match(default)) and not generated:
        default = match[1]
        if default.startswith("(") and default.endswith(")"):
            default = default[1:-1]
    return plain_column(
        (name, type_text, nullable, None if generated else default, comment, generated, collation, enum_type)
    )


def backend() -> PostgreSQL:
    """Return the backend; how the database sorts is found out when connecting."""
    return PostgreSQL()
