"""What MySQL and MariaDB have in common: the driver, the statements, the values."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import math
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import pymysql
from pymysql.cursors import DictCursor

from datajoint.backends import conversions, ddl, mysql_alter, mysql_ddl, mysql_doctor, mysql_errors, mysql_session
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
    Target,
    external_url,
)
from datajoint.backends.catalog import SchemaCatalog
from datajoint.backends.catalog.reader import CatalogReader
from datajoint.backends.convert import Expected, read_uuid, shortest_float32, whole_number
from datajoint.backends.coordination import MySQLCoordination
from datajoint.backends.findings import Finding
from datajoint.backends.json_paths import MOMENT, CastType
from datajoint.backends.link import CANCEL_SECONDS
from datajoint.definition import AttributeDefinition, TableDefinition, TableName
from datajoint.errors import AccessError, DataJointError, InvalidValueError
from datajoint.sql.fragment import Identifier, Parameter, Sql, Statement, column
from datajoint.values.dates import moment_text, time_text
from datajoint.values.documents import from_json
from datajoint.values.model import ValueType

_BEGIN: dict[BeginKind, tuple[str, ...]] = {
    "write": ("START TRANSACTION",),
    "late": ("START TRANSACTION",),
    "snapshot": ("START TRANSACTION WITH CONSISTENT SNAPSHOT",),
    "read_only": ("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",),
    "latest": ("SET TRANSACTION ISOLATION LEVEL READ COMMITTED", "START TRANSACTION"),
    "guarded": ("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", "START TRANSACTION"),
}
_LONGEST_TIME = dt.timedelta(hours=838, minutes=59, seconds=59, microseconds=999_999)
_STATEMENT_BYTES = 1_000_000  # of a statement of many rows; longer ones are not faster
_PACKET_MARGIN = 1024
_LISTED_KEYS = 500  # of a list in a condition; the servers turn longer ones into joins, or forget their ranges
_VARCHAR_CHARACTERS = 16_000  # what a column of utf8mb4 may have
_CHARSET = "utf8mb4"

_DATE, _MOMENT = Expected(dt.date, "date"), Expected(dt.datetime, "datetime")


class MySQLProtocol(Backend):
    """A server that speaks MySQL's protocol.

    Parameters
    ----------
    collation : str
        The collation that compares by code point.
    engine : str
        Whose catalogue queries to run.
    """

    coordination = MySQLCoordination()

    def __init__(self, collation: str, engine: str) -> None:
        self.collation = collation
        self._reader = CatalogReader(engine)

    # --- sessions
    def connect(self, target: Target) -> Any:
        """Connect; see `datajoint.backends.mysql_session`."""
        return mysql_session.connect(target)

    def session_id(self, raw: Any) -> int:
        """Return the server's number of the connection."""
        return int(raw.thread_id())

    def is_alive(self, raw: Any) -> bool:
        """Ask the server for a sign of life."""
        try:
            raw.ping(reconnect=False)
        except (pymysql.MySQLError, OSError):
            return False
        return True

    def is_stale(self, raw: Any) -> bool:
        """Look whether the server has said something unasked, such as goodbye."""
        return bool(raw.is_stale)

    def in_transaction(self, raw: Any, *, after_error: bool = False) -> bool:
        """Return what the server said last; errors do not say it."""
        if after_error:
            try:
                with raw.cursor() as cursor:
                    cursor.execute("DO 0")
            except (pymysql.MySQLError, OSError):
                return False
        return bool(raw.is_in_transaction)

    def is_settled(self, raw: Any) -> bool:  # noqa: ARG002 - the driver does not tell how far it had read
        """Never trust a link on which an answer may still come."""
        return False

    def cancel(self, raw: Any, target: Target) -> None:
        """End the statement through a session of its own."""
        other = mysql_session.open_link(replace(target, connect_timeout=CANCEL_SECONDS))
        try:
            with other.cursor() as cursor:
                cursor.execute(f"KILL QUERY {int(raw.thread_id())}")
        finally:
            self.close(other)

    def sever(self, raw: Any) -> None:
        """Shut the socket."""
        raw.sever()

    @abstractmethod
    def lock_waits(self, execute: Execute, target: Target) -> list[LockWait]:
        """Read the server's lock tables."""

    @abstractmethod
    def working(self, execute: Execute, target: Target) -> list[Process]:
        """Read the server's list of sessions."""

    def end_statement(self, number: int) -> Sql:
        """Return the statement that ends what a session runs."""
        return Sql(f"KILL QUERY {int(number)}")

    def end_session(self, number: int) -> Sql:
        """Return the statement that ends a session."""
        return Sql(f"KILL CONNECTION {int(number)}")

    def user(self, execute: Execute) -> str:
        """Return the user with the machine from which the server sees it come."""
        return str(execute(Sql("SELECT user()")).rows[0][0])

    def close(self, raw: Any) -> None:
        """Say goodbye, if anybody listens."""
        with contextlib.suppress(pymysql.MySQLError, OSError):
            raw.close()

    def execute(self, raw: Any, text: str, values: Sequence[Any]) -> RawResult:
        """Run one statement and read its result to the end."""
        result = raw.run(text, values)
        if result.description is None:
            return RawResult((), [], result.affected_rows, result.insert_id)
        names = tuple(d[0] for d in result.description)
        return RawResult(names, list(result.rows), result.affected_rows, result.insert_id)

    def fetch(
        self,
        raw: Any,
        text: str,
        values: Sequence[Any],
        types: Sequence[ValueType],  # noqa: ARG002 - there is one form of a result
    ) -> list[tuple[Any, ...]]:
        """Run one query and read its result to the end."""
        return list(raw.run(text, values).rows)

    def digested(self, expression: Sql, most: int) -> Sql:
        """Digest large values where they are."""
        return Sql(
            "IF(OCTET_LENGTH(", expression, f") > {most:d}, UNHEX(SHA2(", expression, ", 256)), ", expression, ")"
        )  # fmt: skip

    def external_query(self, raw: Any, target: Target, statement: Statement) -> ExternalQuery | None:
        """Let the driver write the values in, as it does for every statement."""
        url = external_url("mysql", target, mysql_session.PORT)
        return url and ExternalQuery(url, raw.cursor().mogrify(statement.text, statement.values or None))  # type: ignore[return-value]

    def execute_many(self, raw: Any, text: str, rows: Iterable[Sequence[Any]]) -> int:
        """Run one data statement for many rows: an INSERT of as many rows as a packet takes."""
        return int(raw.insert(text, rows, min(_STATEMENT_BYTES, raw.packet_bytes() - _PACKET_MARGIN)))

    def cursor(self, raw: Any, text: str, values: Any, *, as_dict: bool) -> Any:
        """Run a user's statement; the driver's cursor is buffered."""
        cursor = raw.cursor(DictCursor) if as_dict else raw.cursor()
        cursor.execute(text, values or ())
        return cursor

    def begin(self, kind: BeginKind) -> tuple[str, ...]:
        """Begin a transaction."""
        return _BEGIN[kind]

    def bar_inserts(self, table: TableName, condition: Sql) -> Sql:
        """Lock the rows that there are and the gaps between them."""
        return Sql("SELECT COUNT(*) FROM ", Identifier(tuple(table)), condition, " FOR UPDATE")

    def explain(self, error: BaseException, text: str = "") -> DataJointError:
        """Translate an error of PyMySQL."""
        return mysql_errors.explain(error, text)

    def diagnose(self, execute: Execute, target: Target, catalogs: Mapping[str, SchemaCatalog]) -> list[Finding]:
        """Examine the server; see `datajoint.backends.mysql_doctor`."""
        return mysql_doctor.examine(execute, target, catalogs, name=self.dialect.name, collation=self.collation)

    # --- values
    def encoder(self, value_type: ValueType) -> Converter | None:
        """Return the converter to the driver."""
        match value_type.kind:
            case "float32" | "float64":
                return _finite
            case "time":
                return lambda value: _time(value, value_type.digits)
            case "uuid":
                return _uuid_bytes
            case "unknown":
                return lambda value: value.bytes if isinstance(value, UUID) else value
        return None

    def decoder(self, value_type: ValueType) -> Converter | None:
        """Return the converter from the driver."""
        match value_type.kind:
            case "int" if value_type.low is None:
                return whole_number
            case "float32":
                return shortest_float32
            case "float64" if not value_type.core:
                return float
            case "bool":
                return bool
            case "date":
                return _DATE
            case "datetime" | "timestamp":
                return _MOMENT
            case "uuid":
                return read_uuid
            case "json":
                return from_json
        return None

    def placeholder(self, value_type: ValueType) -> tuple[str, str]:  # noqa: ARG002 - literals carry their type
        """Return no casts."""
        return "", ""

    def selected(self, value_type: ValueType, expression: Sql) -> Sql:
        """Select a float32 as double: the server prints only six digits of it."""
        return Sql("CAST(", expression, " AS DOUBLE)") if value_type.kind == "float32" else expression

    def ordered(self, value_type: ValueType, expression: Sql, *, nullable: bool, descending: bool) -> Sql:  # noqa: ARG002
        """Return the column itself: enums sort by position, NULLs come first."""
        return expression + " DESC" if descending else expression

    def compared(self, value_type: ValueType, expression: Sql) -> Sql:  # noqa: ARG002 - enums compare as text
        """Return the column itself."""
        return expression

    def key_table(self, columns: Sequence[tuple[str, ValueType]], rows: Sequence[Sequence[Any]]) -> Sql:
        """Send all rows as one JSON text."""
        converters = [_to_json(value_type) for _, value_type in columns]
        items = [[c(v) if c else v for c, v in zip(converters, row, strict=True)] for row in rows]
        text = json.dumps(items, ensure_ascii=False, separators=(",", ":"))
        declared, selected = [], []
        for n, (name, value_type) in enumerate(columns):
            width = max((len(row[n]) for row in items if isinstance(row[n], str)), default=1)
            declared.append(f"c{n} {self._json_type(value_type, width)} PATH '$[{n}]'")
            binary = value_type.kind in {"uuid", "bytes"}
            selected.append(Sql(f"UNHEX(k.c{n})" if binary else f"k.c{n}", " AS ", column(name)))
        return Sql(
            "SELECT ", Sql.join(", ", selected), " FROM JSON_TABLE(", Parameter(text), f", '$[*]' COLUMNS ({', '.join(declared)})) AS k"
        )  # fmt: skip

    def _json_type(self, value_type: ValueType, width: int) -> str:
        """Return the column type in which a key travels."""
        match value_type.kind:
            case "int" | "year":
                return "BIGINT UNSIGNED" if (value_type.high or 0) >= 2**63 else "BIGINT"
            case "bool":
                return "TINYINT"
            case "float32" | "float64":
                return "DOUBLE"
            case "decimal":
                return f"DECIMAL({value_type.precision or 65},{value_type.scale or 0})"
            case "date":
                return "DATE"
            case "datetime" | "timestamp":
                return "DATETIME(6)"
            case "time":
                return "TIME(6)"
        characters = "LONGTEXT" if width > _VARCHAR_CHARACTERS else f"VARCHAR({max(width, 1)})"
        # Two columns with different collations by code point cannot be compared; and an index serves only its own.
        own = value_type.collation or ""
        same_charset = own.startswith(f"CHARACTER SET {_CHARSET} ")
        return f"{characters} {own if same_charset else f'CHARACTER SET {_CHARSET} COLLATE {self.collation}'}"

    def is_true(self, expression: Sql, *, value: bool) -> Sql:
        """Compare with zero: other programs may have stored any number for true."""
        return Sql(expression, " <> 0" if value else " = 0")

    def truth_key(self, expression: Sql) -> Sql:
        """Return 1 for every number but zero."""
        return Sql("(", expression, " <> 0)")

    @abstractmethod
    def json_equals(self, expression: Sql, document: str) -> Sql:
        """Compare JSON as values."""

    # --- structure
    def create_schema(self, schema: str, target: Target) -> list[Sql]:
        """Create a database in which text compares by code point, unless the settings say otherwise."""
        options = {"binary": f" CHARACTER SET {_CHARSET} COLLATE {self.collation}", "server": ""}
        chosen = options.get(target.schema_collation, f" COLLATE {target.schema_collation}")
        return [Sql("CREATE DATABASE IF NOT EXISTS ", Identifier((schema,)), chosen)]

    def drop_schema(self, schema: str, catalog: SchemaCatalog) -> list[Sql]:
        """Drop a database."""
        ddl.refuse_incoming(schema, catalog)
        return [Sql("DROP DATABASE ", Identifier((schema,)))]

    def create_table(self, name: TableName, definition: TableDefinition, catalog: SchemaCatalog | None) -> list[Sql]:
        """Create a table, comments and indexes in one statement."""
        return mysql_ddl.create_table(name, definition, catalog.collation if catalog else None)

    def alter_table(self, alteration: Alteration, catalog: SchemaCatalog) -> AlterScript:
        """Change a table in one statement."""
        return mysql_alter.alter_table(alteration, catalog.collation)

    def add_column(self, name: TableName, attribute: AttributeDefinition) -> list[Sql]:
        """Add a column."""
        return [mysql_ddl.add_column(name, attribute)]

    def rename_tables(self, names: Mapping[TableName, TableName], catalog: SchemaCatalog) -> list[Sql]:  # noqa: ARG002 - names of indexes are the tables' own
        """Rename tables in one statement."""
        pairs = (Sql(old.identifier, " TO ", new.identifier) for old, new in names.items())
        return [Sql("RENAME TABLE ", Sql.join(", ", pairs))]

    def drop_table(self, name: TableName, catalog: SchemaCatalog) -> list[Sql]:  # noqa: ARG002 - no types to drop
        """Drop a table."""
        return [Sql("DROP TABLE ", name.identifier)]

    # --- data
    def duplicate_clauses(
        self,
        duplicates: Duplicates,
        table: TableName,
        columns: Sequence[str],  # noqa: ARG002 - for other engines
        all_columns: Sequence[str],  # noqa: ARG002 - for other engines
        key: Sequence[str],
    ) -> DuplicateClauses:
        """Skip rows by updating nothing; replace with the engine's own verb."""
        if duplicates == "skip":
            first = Identifier((key[0],))
            return DuplicateClauses(
                "INSERT", Sql(" ON DUPLICATE KEY UPDATE ", first, "=", Identifier((*table, key[0])))
            )  # fmt: skip
        return DuplicateClauses("REPLACE" if duplicates == "replace" else "INSERT", Sql())

    def delete_rows(self, table: TableName, key: Sequence[str], chosen: Sql) -> Sql:
        """Join the chosen keys, materialised: the engine refuses to read in a subquery what it deletes from."""
        # Without an alias for the table: with one, the servers ask for a current database.
        same = Sql.join(" AND ", (Sql(Identifier((*table, n)), " = k.", Identifier((n,))) for n in key))
        name = table.identifier
        return Sql("DELETE ", name, " FROM ", name, " JOIN (SELECT DISTINCT * FROM (", chosen, ") AS c) AS k ON ", same)

    def delete_keys(
        self,
        table: TableName,
        columns: Sequence[tuple[str, ValueType]],
        keys: Sequence[Sequence[Any]],
        filled: Sequence[str] = (),
    ) -> Iterator[Sql]:
        """List the keys, some hundred at a time: rows of ranges go half as fast again as rows that a join finds."""
        types = [value_type for _, value_type in columns]
        for start in range(0, len(keys), _LISTED_KEYS):
            listed = (
                Sql("(", Sql.join(", ", map(self.bind, types, key)), ")") for key in keys[start : start + _LISTED_KEYS]
            )
            yield self._where_keys(table, columns, Sql.join(", ", listed), filled)

    def converted(self, source: ValueType, target: ValueType, expression: Sql) -> Sql:
        """Convert as an insert from Python would."""
        return conversions.mysql(source, target, expression)

    def lacking(self, execute: Execute, tables: Sequence[TableName], privilege: Privilege) -> list[TableName]:
        """Let the server explain a statement, for which it asks for the same privileges as for the deed."""
        verb = "SELECT 1" if privilege == "SELECT" else "DELETE"
        refused = []
        for name in tables:
            try:
                execute(Sql(f"EXPLAIN {verb} FROM ", name.identifier, " WHERE 1 = 0"))
            except AccessError:
                refused.append(name)
        return refused

    def empty_insert(self, table: TableName) -> Sql:
        """Return the statement that inserts one row of defaults."""
        return Sql("INSERT INTO ", table.identifier, " () VALUES ()")


def moment_of_text(text: Sql, found: CastType) -> Sql:
    """Return the date or datetime that a text inside JSON spells, NULL where it spells none."""
    length = 10 if found.family == "date" else 19  # fractions are cut, not rounded
    return Sql("CASE WHEN ", text, f" REGEXP '{MOMENT}' THEN CAST(LEFT(", text, f", {length}) AS {found.text}) END")


def _finite(value: float) -> float:
    if math.isfinite(value):
        return value
    raise InvalidValueError(f"{value} cannot be stored: floats of this engine are finite.", value=value)


def _time(value: dt.timedelta, digits: int) -> str:
    if abs(value) > _LONGEST_TIME:
        raise InvalidValueError(f"{value} is out of range; time takes -838:59:59 to 838:59:59.", value=value)
    return time_text(value, digits)


def _uuid_bytes(value: UUID) -> bytes:
    return value.bytes


def _to_json(value_type: ValueType) -> Converter | None:
    """Return what turns a canonical value into one that survives a JSON text unchanged."""
    match value_type.kind:
        case "decimal":
            return str
        case "date":
            return dt.date.isoformat
        case "datetime" | "timestamp":
            return lambda value: moment_text(value, 6)
        case "time":
            return lambda value: _time(value, 6)
        case "uuid":
            return lambda value: value.hex
        case "bytes":
            return bytes.hex
        case "unknown":
            return lambda value: value if isinstance(value, (int, float, str)) else str(value)
    return None
