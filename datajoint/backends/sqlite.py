"""The embedded engine: one file, all schemas in it, the physical table of ``lab.session`` called just so."""

from __future__ import annotations

import contextlib
import datetime as dt
import getpass
import json
import re
import sqlite3
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from datajoint.backends import (
    conversions,
    ddl,
    sqlite_alter,
    sqlite_backup,
    sqlite_ddl,
    sqlite_doctor,
    sqlite_errors,
    sqlite_file,
    sqlite_locks,
    sqlite_values,
)
from datajoint.backends.alteration import Alteration, AlterScript, refuse_other
from datajoint.backends.base import (
    Backend,
    BeginKind,
    Converter,
    DuplicateClauses,
    Duplicates,
    Execute,
    LockWait,
    Process,
    RawResult,
    Target,
)
from datajoint.backends.catalog import SchemaCatalog, TableInfo
from datajoint.backends.catalog.reader import CatalogReader
from datajoint.backends.coordination import Coordination
from datajoint.backends.cursor import BufferedCursor
from datajoint.backends.dialect import Dialect
from datajoint.backends.findings import Finding
from datajoint.backends.json_paths import read_cast, read_path
from datajoint.backends.sqlite_link import Link
from datajoint.definition import AttributeDefinition, TableDefinition, TableName
from datajoint.errors import DataJointError
from datajoint.sql.fragment import Parameter, Sql, column
from datajoint.values.model import TEXT, ValueType
from datajoint.values.parse import parse_stored_type

DIALECT = Dialect(
    name="sqlite", grammar="sqlite", quote_character="`", placeholder="?", joined_names=True, float_infinity=True,
    exact_decimal_digits=sqlite_values.EXACT_DIGITS, unsigned64=False, generated_key_alone=True,
    embedded=True,
    thread_bound=True,
)  # fmt: skip

_WRITES = ("BEGIN IMMEDIATE", "INSERT", "UPDATE", "DELETE", "REPLACE")
_READ_ONLY = "PRAGMA query_only = ON"
_FIRST_READ = "SELECT format FROM `~dj_format`"

# Strings, quoted names and comments, in which a placeholder is no placeholder; then the placeholders themselves.
_RAW_TEXT = re.compile(
    r"""(?P<opaque>'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|--[^\n]*|/\*.*?\*/)|%\((?P<name>\w+)\)s|(?P<percent>%%)|(?P<value>%s)""",
    re.DOTALL,
)


class SQLite(Backend):
    """The embedded engine."""

    dialect = DIALECT
    coordination = Coordination()

    def __init__(self) -> None:
        self._reader = CatalogReader("sqlite")

    # --- sessions
    def resolved(self, target: Target) -> Target:
        """Give ``:memory:`` a private temporary file, which all threads and workers can open."""
        return replace(target, path=sqlite_file.private_file()) if target.path in {None, ":memory:"} else target

    def connect(self, target: Target) -> Link:
        """Open the file; see `datajoint.backends.sqlite_file`."""
        try:
            return sqlite_file.open_file(target)
        except sqlite3.Error as error:
            raise DataJointError(
                f"Cannot open the database {target.path}: {error}.",
                hint="Check database.path, the disk and its permissions.",
            ) from error

    def session_id(self, raw: sqlite3.Connection) -> int:  # noqa: ARG002 - there is no server to number sessions
        """Return the number of the thread, which is the session's only user."""
        return threading.get_native_id()

    def is_alive(self, raw: sqlite3.Connection) -> bool:
        """Tell whether the file is open."""
        try:
            raw.total_changes  # noqa: B018 - raises when closed
        except sqlite3.ProgrammingError:
            return False
        return True

    def is_stale(self, raw: Link) -> bool:
        """Tell whether the file was closed."""
        return not self.is_alive(raw)

    def in_transaction(self, raw: Link, *, after_error: bool = False) -> bool:  # noqa: ARG002 - SQLite tells always
        """Return what SQLite says."""
        try:
            return raw.in_transaction
        except sqlite3.ProgrammingError:
            return False

    def is_settled(self, raw: Link) -> bool:
        """Tell whether the file is open: a statement that was broken off is over."""
        return self.is_alive(raw)

    def cancel(self, raw: Link, target: Target) -> None:  # noqa: ARG002 - for servers
        """Interrupt the statement."""
        raw.cancel()

    def lock_waits(self, execute: Execute, target: Target) -> list[LockWait]:  # noqa: ARG002 - nobody to ask
        """Return who is writing, where the system tells; who waits is not written anywhere."""
        return sqlite_locks.holders(Path(target.path or ""))

    def working(self, execute: Execute, target: Target) -> list[Process]:
        """Return who is writing, where the system tells; who reads is not written anywhere."""
        return [wait.blocking for wait in self.lock_waits(execute, target)]

    def user(self, execute: Execute) -> str:  # noqa: ARG002 - nobody to ask
        """Return the name of the operating system's user."""
        return getpass.getuser()

    def backup(self, target: Target, path: str) -> None:
        """Copy the file by SQLite's own means; see `datajoint.backends.sqlite_backup`."""
        sqlite_backup.backup(target, Path(path))

    def close(self, raw: sqlite3.Connection) -> None:
        """Close the file."""
        with contextlib.suppress(sqlite3.Error):
            raw.close()

    def execute(self, raw: Link, text: str, values: Sequence[Any]) -> RawResult:
        """Run one statement and read its result to the end, so that no snapshot stays open."""
        return raw.patiently(lambda: self._execute(raw, text, values), may_wait=_prepared(raw, text))

    def _execute(self, raw: Link, text: str, values: Sequence[Any]) -> RawResult:
        cursor = raw.execute(text, values)
        if cursor.description is None:
            if text == _READ_ONLY:
                raw.is_reading = True
            elif raw.is_reading and text in {"COMMIT", "ROLLBACK"}:
                # Only then: the order makes SQLite prepare every statement anew.
                raw.execute("PRAGMA query_only = OFF")
                raw.is_reading = False
            return RawResult((), [], cursor.rowcount, cursor.lastrowid)
        rows = cursor.fetchall()
        affected = cursor.rowcount if cursor.rowcount >= 0 else len(rows)
        return RawResult(tuple(d[0] for d in cursor.description), rows, affected, cursor.lastrowid)

    def fetch(
        self,
        raw: Link,
        text: str,
        values: Sequence[Any],
        types: Sequence[ValueType],  # noqa: ARG002 - there is one form of a result
    ) -> list[tuple[Any, ...]]:
        """Run one query and read its result to the end, so that no snapshot stays open."""
        return raw.patiently(lambda: raw.execute(text, values).fetchall(), may_wait=_prepared(raw, text))

    def execute_many(self, raw: Link, text: str, rows: Iterable[Sequence[Any]]) -> int:
        """Run one data statement for many rows."""
        return raw.patiently(lambda: raw.executemany(text, rows).rowcount, may_wait=_prepared(raw, text))

    def cursor(self, raw: Link, text: str, values: Any, *, as_dict: bool) -> BufferedCursor:
        """Run a user's statement with ``%s`` and ``%%``."""
        run = partial(self._cursor, raw, text, values, as_dict=as_dict)
        return raw.patiently(run, may_wait=_prepared(raw, text))

    def _cursor(self, raw: Link, text: str, values: Any, *, as_dict: bool) -> BufferedCursor:
        cursor = raw.execute(_translated(text), dict(values) if isinstance(values, Mapping) else tuple(values))
        rows: list[Any] = cursor.fetchall() if cursor.description else []
        if as_dict and rows:
            names = [d[0] for d in cursor.description]
            rows = [dict(zip(names, row, strict=True)) for row in rows]
        count = len(rows) if cursor.description and cursor.rowcount < 0 else cursor.rowcount
        return BufferedCursor(cursor.description, rows, count, cursor.lastrowid)

    def begin(self, kind: BeginKind) -> tuple[str, ...]:
        """Begin at once as the one writer: a reader that turned writer later could only fail."""
        if kind == "read_only":
            # the first read fixes the snapshot
            return ("BEGIN", _READ_ONLY, _FIRST_READ)
        return ("BEGIN IMMEDIATE",)

    def explain(self, error: BaseException, text: str = "") -> DataJointError:
        """Translate an error of sqlite3."""
        return sqlite_errors.explain(error, text)

    def diagnose(self, execute: Execute, target: Target, catalogs: Mapping[str, SchemaCatalog]) -> list[Finding]:  # noqa: ARG002 - a file has one collation
        """Examine the file; see `datajoint.backends.sqlite_doctor`."""
        return sqlite_doctor.examine(execute, target)

    # --- values
    def encoder(self, value_type: ValueType) -> Converter | None:
        """Return the converter to the driver."""
        return sqlite_values.encoder(value_type)

    def decoder(self, value_type: ValueType) -> Converter | None:
        """Return the converter from the driver."""
        return sqlite_values.decoder(value_type)

    def placeholder(self, value_type: ValueType) -> tuple[str, str]:  # noqa: ARG002 - SQLite's values carry their type
        """Return no casts."""
        return "", ""

    def is_true(self, expression: Sql, *, value: bool) -> Sql:
        """Compare with 1 or 0."""
        return Sql(expression, " = 1" if value else " = 0")

    def json_equals(self, expression: Sql, document: str) -> Sql:
        """Compare as values, by a function of ours."""
        return Sql("dj_json_equals(", expression, ", ", Parameter(document), ")")

    def json_at(self, expression: Sql, path: str) -> Sql:
        """Cut the value out as JSON text."""
        where = ddl.quote_text(read_path(path, escaped=True))
        kind = Sql("json_type(", expression, ", ", where, ")")
        return Sql("CASE ", kind, " WHEN 'null' THEN NULL ELSE ", expression, " -> ", where, " END")

    def selected(self, value_type: ValueType, expression: Sql) -> Sql:  # noqa: ARG002 - values arrive exactly
        """Return the column itself."""
        return expression

    def ordered(self, value_type: ValueType, expression: Sql, *, nullable: bool, descending: bool) -> Sql:  # noqa: ARG002
        """Order enums by position; NULLs come first ascending by themselves."""
        self._has_order(value_type)
        if value_type.kind == "enum":
            whens = Sql.join(
                " ", (Sql("WHEN ", Parameter(label), f" THEN {n}") for n, label in enumerate(value_type.labels))
            )
            expression = Sql("CASE ", expression, " ", whens, " END")
        return expression + " DESC" if descending else expression

    def compared(self, value_type: ValueType, expression: Sql) -> Sql:
        """Return the column itself: text compares by code point."""
        self._has_order(value_type)
        return expression

    def _has_order(self, value_type: ValueType) -> None:
        if value_type.kind == "decimal" and not sqlite_values.exact_in_double(value_type):
            raise DataJointError(
                f"Values of {value_type.text} have no order on SQLite, which computes with {sqlite_values.EXACT_DIGITS} digits.",
                hint="Fetch them and sort in Python, or declare the attribute with fewer digits.",
            )

    def key_table(self, columns: Sequence[tuple[str, ValueType]], rows: Sequence[Sequence[Any]]) -> Sql:
        """Send all rows as one JSON text."""
        if len(columns) == 1:
            ((name, value_type),) = columns
            one = _to_json(value_type)
            items: list[Any] = [one(row[0]) if one else row[0] for row in rows]
            selected = Sql(_from_json(value_type, "value"), " AS ", column(name))
        else:
            converters = [_to_json(value_type) for _, value_type in columns]
            items = [[c(v) if c else v for c, v in zip(converters, row, strict=True)] for row in rows]
            selected = Sql.join(
                ", ",
                (
                    Sql(_from_json(value_type, f"json_extract(value, '$[{n}]')"), " AS ", column(name))
                    for n, (name, value_type) in enumerate(columns)
                ),
            )
        text = json.dumps(items, ensure_ascii=False, separators=(",", ":"))
        return Sql("SELECT ", selected, " FROM json_each(", Parameter(text), ")")

    def json_path(self, expression: Sql, path: str, cast: str | None) -> tuple[Sql, ValueType]:
        """Extract by SQLite's own JSON functions."""
        where = ddl.quote_text(read_path(path, escaped=True))
        if cast is None or read_cast(cast).family == "text":
            text = Sql(
                "CASE json_type(", expression, ", ", where, ") WHEN 'text' THEN json_extract(", expression, ", ", where,
                ") WHEN 'null' THEN NULL WHEN 'array' THEN dj_json_text(", expression, " -> ", where,
                ") WHEN 'object' THEN dj_json_text(", expression, " -> ", where, ") ELSE ", expression, " -> ", where, " END",
            )  # fmt: skip
            return text, TEXT
        found = read_cast(cast)
        value = Sql("json_extract(", expression, ", ", where, ")")
        high = min(found.high, 2**63 - 1)
        bounds = (
            f"{found.low}, {high}" if found.family == "int" else f"{found.value_type.scale or 0}, {found.limit or 0}"
        )
        return Sql("dj_json_as(", value, f", '{found.family}', {bounds})"), found.value_type

    def plan(self, execute: Execute, statement: Sql) -> str:
        """Write the steps, each below and inside the one that it belongs to."""
        depths = {0: -1}
        lines = []
        for number, parent, _, detail in execute(Sql("EXPLAIN QUERY PLAN ", statement)).rows:
            depths[number] = depths.get(parent, -1) + 1
            lines.append("  " * depths[number] + detail)
        return "\n".join(lines)

    # --- structure
    def create_schema(self, schema: str, target: Target) -> list[Sql]:  # noqa: ARG002 - no collation to choose
        """Record the schema."""
        return [Sql("INSERT OR IGNORE INTO `~dj_schemas` VALUES (", Parameter(schema), ")")]

    def drop_schema(self, schema: str, catalog: SchemaCatalog) -> list[Sql]:
        """Drop all tables, children first, and their records."""
        ddl.refuse_incoming(schema, catalog)
        drops = [statement for name in ddl.children_first(catalog) for statement in self.drop_table(name, catalog)]
        return [*drops, Sql("DELETE FROM `~dj_schemas` WHERE schema_name = ", Parameter(schema))]

    def create_table(self, name: TableName, definition: TableDefinition, catalog: SchemaCatalog | None) -> list[Sql]:  # noqa: ARG002
        """Create a STRICT table with its CHECKs and indexes, and record what SQLite does not keep."""
        return sqlite_ddl.create_table(name, definition)

    def alter_table(self, alteration: Alteration, catalog: SchemaCatalog) -> AlterScript:
        """Change a table by making it anew, where it is not about indexes and comments alone."""
        return sqlite_alter.alter_table(alteration, catalog)

    def run_rebuild(self, target: Target, script: AlterScript, after: tuple[Sql, ...], planned: TableInfo) -> None:
        """Make the table anew on a session of its own, without foreign keys."""
        raw = self.connect(target)

        def verify() -> None:
            name = planned.name
            found = self._reader.load(lambda sql: self.execute(raw, *sql.render(self.dialect)), [name.schema])
            refuse_other(planned, found[name.schema].tables.get(name.name) if name.schema in found else None)

        try:
            sqlite_alter.run_rebuild(raw, script, after, self.dialect, verify)
        except sqlite3.Error as error:
            raise self.explain(error) from error
        finally:
            self.close(raw)

    def add_column(self, name: TableName, attribute: AttributeDefinition) -> list[Sql]:
        """Add a column with its CHECK, and its record."""
        return sqlite_ddl.add_column(name, attribute)

    def rename_tables(self, names: Mapping[TableName, TableName], catalog: SchemaCatalog) -> list[Sql]:
        """Rename tables with their records, and make the indexes that are named after them anew."""
        return sqlite_ddl.rename_tables(names, catalog)

    def drop_table(self, name: TableName, catalog: SchemaCatalog) -> list[Sql]:  # noqa: ARG002 - no types to drop
        """Drop a table and its records."""
        which = Sql(" WHERE schema_name = ", Parameter(name.schema), " AND table_name = ", Parameter(name.name))
        return [
            Sql("DROP TABLE ", name.identifier),
            Sql("DELETE FROM `~dj_columns`", which),
            Sql("DELETE FROM `~dj_tables`", which),
        ]

    # --- data
    def duplicate_clauses(
        self,
        duplicates: Duplicates,
        table: TableName,  # noqa: ARG002 - for other engines
        columns: Sequence[str],  # noqa: ARG002 - for other engines
        all_columns: Sequence[str],  # noqa: ARG002 - for other engines
        key: Sequence[str],  # noqa: ARG002 - for other engines
    ) -> DuplicateClauses:
        """Skip rows that the table has by any unique key; replace as MySQL does."""
        if duplicates == "skip":
            return DuplicateClauses("INSERT", Sql(" ON CONFLICT DO NOTHING"))
        return DuplicateClauses("REPLACE" if duplicates == "replace" else "INSERT", Sql())

    def converted(self, source: ValueType, target: ValueType, expression: Sql) -> Sql:
        """Convert as an insert from Python would."""
        return conversions.sqlite(source, target, expression)

    def default_value(self, table: TableName, column: str, catalog: SchemaCatalog) -> Sql:
        """Write the default itself: SQLite's UPDATE has no keyword for it."""
        info = catalog.tables.get(table.name)
        for stored in info.columns if info else ():
            if stored.name == column:
                return Sql(sqlite_ddl.default_text(parse_stored_type(stored.type), stored.default, column) or "NULL")
        return Sql("NULL")


def _prepared(raw: Link, text: str) -> bool:
    """Get ready for a statement; tell whether it can be repeated until its lock is free.

    Inside a transaction only the first and the last can: others may be what somebody else waits for.
    """
    if raw.in_transaction:
        return text in {_FIRST_READ, "COMMIT"}
    if text.startswith(_WRITES):
        raw.give_way()
    return True


def _translated(text: str) -> str:
    """Turn ``%s`` outside strings and comments into SQLite's placeholders, and ``%%`` everywhere into a percent sign."""

    def one(match: re.Match[str]) -> str:
        if match["opaque"] is not None:
            return match["opaque"].replace("%%", "%")
        if match["name"] is not None:
            return ":" + match["name"]
        return "%" if match["percent"] else "?"

    return _RAW_TEXT.sub(one, text)


# --- keys as JSON
def _to_json(value_type: ValueType) -> Converter | None:
    """Return what turns a canonical value into one that survives a JSON text unchanged."""
    encode = sqlite_values.encoder(value_type)
    match value_type.kind:
        case "float32" | "float64":
            return repr
        case "decimal" if sqlite_values.exact_in_double(value_type):
            return lambda value: repr(float(value))
        case "uuid":
            return lambda value: value.hex
        case "bytes":
            return bytes.hex
        case "unknown":
            return lambda value: value.isoformat() if isinstance(value, dt.date) else encode(value) if encode else value
    return encode


def _from_json(value_type: ValueType, extracted: str) -> str:
    match value_type.kind:
        case "uuid" | "bytes":
            return f"dj_bytes({extracted})"
        case "float32" | "float64":
            return f"dj_float({extracted})"  # SQLite's own reading of decimals may be off in the last bit
        case "decimal" if sqlite_values.exact_in_double(value_type):
            return f"dj_float({extracted})"
    return extracted


def backend() -> SQLite:
    """Return the backend."""
    return SQLite()
