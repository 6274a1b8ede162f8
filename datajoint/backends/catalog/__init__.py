"""The structure of schemas as the engines report it, in the same form on every engine.

The queries are in the ``.sql`` files beside this module, one file an engine, each query after a ``-- name:`` line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from datajoint.definition import TableName


@dataclass(frozen=True, slots=True)
class ColumnInfo:
    """A column as stored.

    Attributes
    ----------
    type : str
        The database's type as a definition could say it: ``int``, ``varchar(20)``, ``enum('a','b')``, ``timestamp(3)``.
    default : str or None
        SQL text of the default, without casts; None for none.
    comment : str
        As stored, type marker included.
    collation : str or None
        ``CHARACTER SET x COLLATE y`` where the engine keeps one per column.
    """

    name: str
    type: str
    nullable: bool
    default: str | None
    comment: str
    auto_increment: bool = False
    collation: str | None = None
    enum_type: str | None = None


@dataclass(frozen=True, slots=True)
class ForeignKeyInfo:
    """A foreign key: `columns` of `child` refer to `parent_columns` of `parent`, position by position."""

    child: TableName
    columns: tuple[str, ...]
    parent: TableName
    parent_columns: tuple[str, ...]
    name: str = ""


@dataclass(frozen=True, slots=True)
class IndexInfo:
    """A secondary index over plain columns."""

    name: str
    columns: tuple[str, ...]
    unique: bool


@dataclass(frozen=True, slots=True)
class TableInfo:
    """A table as stored; columns in order."""

    name: TableName
    comment: str
    columns: tuple[ColumnInfo, ...]
    primary_key: tuple[str, ...]
    foreign_keys: tuple[ForeignKeyInfo, ...] = ()
    indexes: tuple[IndexInfo, ...] = ()
    # Those over expressions, which no catalog spells as they were declared: their plain columns only.
    expression_indexes: tuple[IndexInfo, ...] = ()


@dataclass(frozen=True, slots=True)
class SchemaCatalog:
    """A schema as stored: its tables by name (``~`` tables included) and its lineage.

    Attributes
    ----------
    find_incoming : callable
        Asks for `incoming`, which few need and on some servers costs more than all the rest.
    lineage : mapping or None
        ``(table, attribute) -> "schema.table.attribute"``; None where the schema has no ``~lineage`` table.
    derived : dict
        What was made of a table, by the table's name; lives as long as the catalog.
    """

    schema: str
    tables: Mapping[str, TableInfo] = field(default_factory=lambda: MappingProxyType({}))
    find_incoming: Callable[[], tuple[ForeignKeyInfo, ...]] = tuple
    lineage: Mapping[tuple[str, str], str] | None = None
    collation: str | None = None
    derived: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def incoming(self) -> tuple[ForeignKeyInfo, ...]:
        """Foreign keys of other schemas' tables that refer to tables of this one."""
        return self.find_incoming()
