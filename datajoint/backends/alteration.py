"""The change of one table, as data: what alter found out, and what an engine makes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from datajoint.backends.catalog import ForeignKeyInfo, IndexInfo, SchemaCatalog, TableInfo
from datajoint.definition import (
    AttributeDefinition,
    ForeignKeyDefinition,
    IndexDefinition,
    TableDefinition,
    TableName,
)
from datajoint.errors import DataJointError
from datajoint.sql.fragment import Sql

Aspect = Literal["name", "type", "default", "nullable", "comment", "place"]


@dataclass(frozen=True, slots=True)
class AttributeChange:
    """What becomes of one attribute.

    Attributes
    ----------
    old, new : AttributeDefinition or None
        As stored, and as it shall be; None on the side where it does not exist.
    aspects : frozenset of str
        In what they differ, where both exist.
    after : str or None
        The attribute that it shall follow, where it is added or moved; None for the first place.
    """

    old: AttributeDefinition | None
    new: AttributeDefinition | None
    aspects: frozenset[Aspect] = frozenset()
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Alteration:
    """All that shall change of one table.

    Attributes
    ----------
    stored : TableInfo
        The table as it is.
    target : TableDefinition
        The table as it shall be, with its hidden columns.
    attributes : tuple of AttributeChange
        Dropped ones first, then in the order of the definition.
    added_indexes, dropped_indexes, added_keys, dropped_keys
        Secondary indexes and foreign keys.
    comment : str or None
        The new comment of the table; None where it stays.
    """

    stored: TableInfo
    target: TableDefinition
    attributes: tuple[AttributeChange, ...] = ()
    added_indexes: tuple[IndexDefinition, ...] = ()
    dropped_indexes: tuple[IndexInfo, ...] = ()
    added_keys: tuple[ForeignKeyDefinition, ...] = ()
    dropped_keys: tuple[ForeignKeyInfo, ...] = ()
    comment: str | None = None

    @property
    def name(self) -> TableName:
        """The table's name."""
        return self.stored.name

    def __bool__(self) -> bool:
        return bool(
            self.attributes
            or self.added_indexes
            or self.dropped_indexes
            or self.added_keys
            or self.dropped_keys
            or self.comment is not None
        )

    @property
    def sources(self) -> dict[str, AttributeDefinition]:
        """Where the values of each remaining column come from: its name in the target, and what is stored now."""
        old_names = {c.new.name: c.old for c in self.attributes if c.old is not None and c.new is not None}
        changed = {c.old.name for c in self.attributes if c.old is not None}
        untouched = {c.name for c in self.stored.columns} - changed
        return {
            a.name: old_names.get(a.name, a)
            for a in self.target.attributes
            if a.name in old_names or a.name in untouched
        }

    def unserved_keys(self) -> list[ForeignKeyDefinition]:
        """Return the foreign keys that lose the index by which they are looked up."""
        dropped = set(self.dropped_indexes)
        serving: list[tuple[str | Sql, ...]] = [
            tuple(self.stored.primary_key),
            *(i.columns for i in self.stored.indexes if i not in dropped),
            *(i.columns for i in self.added_indexes),
        ]
        served = [tuple(i.columns) for i in dropped]
        return [
            key
            for key in self.target.foreign_keys
            if key not in self.added_keys
            and any(columns[: len(key.attributes)] == key.attributes for columns in served)
            and not any(columns[: len(key.attributes)] == key.attributes for columns in serving)
        ]


@dataclass(frozen=True, slots=True)
class Conversion:
    """How the values of a column are carried over to another type: a function of the driver's value, by name."""

    name: str
    function: Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class AlterScript:
    """The statements that an engine needs for an alteration.

    Attributes
    ----------
    first : tuple of Sql
        Statements that must be committed, one by one, before the others may run.
    lock : Sql or None
        What keeps the table's rows as they are until the transaction ends, where the engine has such.
    main : tuple of Sql
        The alteration itself; all or nothing, together, where the engine can.
    rebuild : bool
        Whether `main` copies the table into a new one, and so needs a session of its own without foreign keys.
    conversions : tuple of Conversion
        Functions that `main` calls.
    checked : tuple of TableName
        Tables whose foreign keys are to be verified after a rebuild.
    """

    first: tuple[Sql, ...] = ()
    lock: Sql | None = None
    main: tuple[Sql, ...] = ()
    rebuild: bool = False
    conversions: tuple[Conversion, ...] = ()
    checked: tuple[TableName, ...] = ()


def children(alteration: Alteration, catalog: SchemaCatalog) -> list[TableName]:
    """Return the tables that refer to the altered one."""
    name = alteration.name
    inside = [key for info in catalog.tables.values() for key in info.foreign_keys]
    return sorted({key.child for key in (*inside, *catalog.incoming) if key.parent == name and key.child != name})


def refuse_other(planned: TableInfo, found: TableInfo | None) -> None:
    """Raise if a table is no longer as it was when its alteration was planned.

    Raises
    ------
    DataJointError
    """
    if found != planned:
        raise DataJointError(
            f"Cannot alter {planned.name}: another program has changed the table since this was planned.",
            hint="Nothing was done; alter again.",
            table=str(planned.name),
        )
