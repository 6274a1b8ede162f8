"""Run the catalogue queries of an engine and put their rows together.

Every engine's queries yield the same columns in the same order; what still differs (spellings of types and
defaults) is handed to the functions that an engine gives.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, partial
from importlib import resources
from itertools import groupby
from operator import itemgetter
from types import MappingProxyType
from typing import Any

from datajoint.backends.base import Execute
from datajoint.backends.catalog import ColumnInfo, ForeignKeyInfo, IndexInfo, SchemaCatalog, TableInfo
from datajoint.definition import TableName
from datajoint.sql.fragment import Parameter, Sql
from datajoint.values.model import ValueType
from datajoint.values.parse import parse_stored_type

LINEAGE = "~lineage"
_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)
_NOW = re.compile(r"(?:current_timestamp|now)\s*(?:\(\s*(\d?)\s*\))?", re.IGNORECASE)

Row = Sequence[Any]
ColumnMaker = Callable[[Row], ColumnInfo]


@cache
def queries(engine: str) -> dict[str, str]:
    """Return the named queries of an engine's file."""
    text = resources.files("datajoint.backends.catalog").joinpath(f"{engine}.sql").read_text(encoding="utf-8")
    pieces = _NAME.split(text)
    return {name: body.strip().rstrip(";") for name, body in zip(pieces[1::2], pieces[2::2], strict=True)}


def default_sql(value_type: ValueType, text: str | None) -> str | None:
    """Return a default in one spelling: bare numbers, everything else quoted, ``CURRENT_TIMESTAMP(n)``.

    Parameters
    ----------
    text : str or None
        The literal in single quotes, or the bare text.
    """
    if text is None or text.strip().upper() == "NULL":
        return None
    text = text.strip()
    if match := _NOW.fullmatch(text):
        return f"CURRENT_TIMESTAMP({match[1]})" if match[1] and match[1] != "0" else "CURRENT_TIMESTAMP"
    quoted = len(text) > 1 and text[0] == text[-1] == "'"
    bare = text[1:-1].replace("''", "'") if quoted else text
    if value_type.is_number or value_type.kind == "bool":
        return {"true": "1", "false": "0"}.get(bare.lower(), bare)
    return "'" + bare.replace("'", "''") + "'"


def plain_column(row: Row) -> ColumnInfo:
    """Make a column of a row whose type and default need no further reading."""
    name, type_text, nullable, default, comment, extra, collation, enum_type = row
    value_type = parse_stored_type(type_text)
    spelled = re.sub(r"\s+auto_increment\b", "", value_type.text) if value_type.kind != "unknown" else type_text
    return ColumnInfo(
        name, spelled, bool(nullable), default_sql(value_type, default), comment or "",
        auto_increment=bool(extra) or value_type.auto_increment, collation=collation, enum_type=enum_type,
    )  # fmt: skip


class CatalogReader:
    """Read the structure of schemas.

    Parameters
    ----------
    engine : str
        Whose queries to run.
    make_column : callable
        Makes a `ColumnInfo` of a row ``(name, type, nullable, default, comment, auto_increment, collation, enum_type)``.
    """

    def __init__(self, engine: str, make_column: ColumnMaker = plain_column) -> None:
        self._engine, self._make_column = engine, make_column

    def _run(self, execute: Execute, query: str, schemas: Sequence[str]) -> list[tuple[Any, ...]]:
        """Run a named query, with the schemas' names in the place of ``:schemas``."""
        names = Sql("(", Sql.join(", ", map(Parameter, schemas)), ")")
        return execute(Sql.join("", _between(queries(self._engine)[query].split(":schemas"), names))).rows

    def schema_names(self, execute: Execute) -> list[str]:
        """Return the names of all schemas of users."""
        return sorted(row[0] for row in execute(Sql(queries(self._engine)["all_schemas"])).rows)

    def related(self, execute: Execute, schemas: Iterable[str], *, downstream: bool) -> set[str]:
        """Return the schemas that refer to `schemas`, or that these refer to."""
        names = sorted(set(schemas))
        if not names:
            return set()
        found = self._run(execute, "downstream" if downstream else "upstream", names)
        return {row[0] for row in found} - set(names)

    def versions(self, execute: Execute, schemas: Iterable[str]) -> dict[str, str]:
        """Return a text for each of those of `schemas` that exist; it changes with the structure."""
        found: dict[str, str] = {}
        for schema, version in self._run(execute, "versions", sorted(set(schemas))):
            found[schema] = max(found.get(schema, ""), str(version))  # of an empty schema there is no digest
        return found

    def load(self, execute: Execute, schemas: Iterable[str]) -> dict[str, SchemaCatalog]:
        """Return the catalogs of those of `schemas` that exist."""
        wanted = sorted(set(schemas))
        existing = dict(self._run(execute, "schemas", wanted)) if wanted else {}
        if not existing:
            return {}
        names = sorted(existing)
        # The list of tables comes first: whatever another process declares meanwhile is then absent, never half there.
        listed = self._run(execute, "tables", names)
        columns, children = self._columns(execute, names), self._foreign_keys(execute, names)
        incoming = cache(lambda: self._incoming(execute, names))  # once for all that are read together
        keys, indexes, expressions = self._indexes(execute, names)
        tables: dict[str, dict[str, TableInfo]] = {name: {} for name in names}
        for schema, table, comment in listed:
            name = TableName(schema, table)
            if name not in columns:  # dropped since
                continue
            tables[schema][table] = TableInfo(
                name, comment or "", tuple(columns[name]), keys.get(name, ()), tuple(children[name]), tuple(indexes[name]),
                tuple(expressions[name]),
            )  # fmt: skip
        recorded = self._lineage(execute, [name for name in names if LINEAGE in tables[name]])
        return {
            name: SchemaCatalog(
                name, MappingProxyType(tables[name]), partial(_get, incoming, name),
                MappingProxyType(recorded[name]) if LINEAGE in tables[name] else None, existing[name],
            )
            for name in names
        }  # fmt: skip

    def _columns(self, execute: Execute, names: Sequence[str]) -> dict[TableName, list[ColumnInfo]]:
        columns: dict[TableName, list[ColumnInfo]] = defaultdict(list)
        for schema, table, *row in self._run(execute, "columns", names):
            columns[TableName(schema, table)].append(self._make_column(row))
        return columns

    def _foreign_keys(self, execute: Execute, names: Sequence[str]) -> dict[TableName, list[ForeignKeyInfo]]:
        """Return the foreign keys of each table."""
        children: dict[TableName, list[ForeignKeyInfo]] = defaultdict(list)
        for info in _keys_of(self._run(execute, "foreign_keys", names)):
            children[info.child].append(info)
        return children

    def _incoming(self, execute: Execute, names: Sequence[str]) -> dict[str, tuple[ForeignKeyInfo, ...]]:
        """Return the foreign keys of other schemas' tables by the schema that they refer to."""
        incoming: dict[str, tuple[ForeignKeyInfo, ...]] = dict.fromkeys(names, ())
        for info in _keys_of(self._run(execute, "incoming", names)):
            if info.child.schema != info.parent.schema:
                incoming[info.parent.schema] += (info,)
        return incoming

    def _indexes(
        self, execute: Execute, names: Sequence[str]
    ) -> tuple[dict[TableName, tuple[str, ...]], dict[TableName, list[IndexInfo]], dict[TableName, list[IndexInfo]]]:
        """Return primary keys, the other indexes over plain columns, and those that have expressions, which have no name."""
        keys: dict[TableName, tuple[str, ...]] = {}
        plain: dict[TableName, list[IndexInfo]] = defaultdict(list)
        expressions: dict[TableName, list[IndexInfo]] = defaultdict(list)
        for key, group in groupby(self._run(execute, "indexes", names), itemgetter(0, 1, 2, 3, 5)):
            columns = [row[4] for row in group]
            if key[4]:
                keys[TableName(key[0], key[1])] = tuple(columns)
                continue
            found = expressions if None in columns else plain
            index = IndexInfo(key[2], tuple(c for c in columns if c is not None), bool(key[3]))
            found[TableName(key[0], key[1])].append(index)
        return keys, plain, expressions

    def _lineage(self, execute: Execute, names: Sequence[str]) -> dict[str, dict[tuple[str, str], str]]:
        recorded: dict[str, dict[tuple[str, str], str]] = {name: {} for name in names}
        if names:
            selects = (
                Sql(
                    "SELECT ",
                    Parameter(name),
                    self._cast,
                    ", table_name, attribute_name, lineage FROM ",
                    TableName(name, LINEAGE).identifier,
                )
                for name in names
            )
            for schema, table, attribute, origin in execute(Sql.join(" UNION ALL ", selects)).rows:
                recorded[schema][table, attribute] = origin
        return recorded

    @property
    def _cast(self) -> str:
        return queries(self._engine).get("text_cast", "")


def _between(pieces: Sequence[str], middle: Sql) -> list[Sql]:
    items = [Sql(pieces[0])]
    for piece in pieces[1:]:
        items += [middle, Sql(piece)]
    return items


def _keys_of(rows: Iterable[Row]) -> Iterator[ForeignKeyInfo]:
    """Put together the rows of each foreign key, one a column."""
    for key, group in groupby(rows, itemgetter(0, 1, 2, 3, 4)):
        child, parent = TableName(key[0], key[1]), TableName(key[3], key[4])
        pairs = [(row[5], row[6]) for row in group]
        yield ForeignKeyInfo(child, tuple(p[0] for p in pairs), parent, tuple(p[1] for p in pairs), str(key[2]))


def _get(find: Callable[[], dict[str, tuple[ForeignKeyInfo, ...]]], name: str) -> tuple[ForeignKeyInfo, ...]:
    return find()[name]
