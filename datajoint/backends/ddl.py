"""Parts of DDL that engines share: text literals, keys, indexes and their names, defaults."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Container, Iterable, Sequence
from typing import NamedTuple

from datajoint.backends.catalog import IndexInfo, SchemaCatalog
from datajoint.definition import ForeignKeyDefinition, IndexDefinition, TableDefinition, TableName
from datajoint.errors import IntegrityError
from datajoint.sql.fragment import Sql, column

CURRENT_TIMESTAMP = re.compile(r"current_timestamp\s*(?:\(\s*(\d?)\s*\))?", re.IGNORECASE)

_NAME_CHARACTERS = 30


class NamedIndex(NamedTuple):
    """The name of an index, and the index."""

    name: str
    definition: IndexDefinition


def quote_text(text: str) -> str:
    """Return a text literal, for the places of DDL where no parameter can stand (not for MySQL's backslashes)."""
    return "'" + text.replace("'", "''") + "'"


def literal_text(default: Sql | None) -> str | None:
    """Return the SQL text of a default, None for none and for NULL."""
    text = "".join(part for part in default.parts if isinstance(part, str)) if default is not None else "NULL"
    return None if text.strip().upper() == "NULL" else text.strip()


def unquote(text: str) -> str:
    """Return what a literal means: the text between single quotes, or the bare text."""
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1].replace("''", "'")
    return text


def columns(names: Iterable[str | Sql]) -> Sql:
    """Return names separated by commas; expressions as they are."""
    return Sql.join(", ", (name if isinstance(name, Sql) else column(name) for name in names))


def primary_key(definition: TableDefinition) -> Sql:
    """Return the clause of the primary key."""
    return Sql("PRIMARY KEY (", columns(definition.primary_key), ")")


def foreign_key(key: ForeignKeyDefinition) -> Sql:
    """Return the clause of a foreign key; its constraint is named by the server."""
    return Sql(
        "FOREIGN KEY (", columns(key.attributes), ") REFERENCES ", key.parent.identifier, " (", columns(key.parent_attributes),
        ") ON UPDATE CASCADE ON DELETE RESTRICT",
    )  # fmt: skip


def declared_indexes(definition: TableDefinition) -> list[IndexDefinition]:
    """Return the indexes that a definition asks for: those of unique foreign keys, then its own, each once."""
    unique = [IndexDefinition(key.attributes, unique=True) for key in definition.foreign_keys if key.unique]
    return list(dict.fromkeys([*unique, *definition.indexes]))


def all_indexes(definition: TableDefinition) -> list[IndexDefinition]:
    """Return the declared indexes, and one for each foreign key that no key or index begins with.

    For engines that do not index foreign keys by themselves. Longer foreign keys come first, because their index
    also serves those that they begin with.
    """
    indexes = declared_indexes(definition)
    serving: list[Sequence[str | Sql]] = [definition.primary_key, *(index.columns for index in indexes)]
    for key in sorted(definition.foreign_keys, key=lambda k: -len(k.attributes)):
        if not any(tuple(names[: len(key.attributes)]) == key.attributes for names in serving):
            indexes.append(IndexDefinition(key.attributes))
            serving.append(key.attributes)
    return indexes


def named_indexes(
    table: str, definition: TableDefinition, max_bytes: int, taken: Container[str] = ()
) -> list[NamedIndex]:
    """Return all indexes with their names, ``idx_«table»_«columns»``; a digest tells apart what would be too long or equal.

    Parameters
    ----------
    taken : container of str
        Names that other indexes have.
    """
    named: dict[str, IndexDefinition] = {}
    for index in all_indexes(definition):
        words = "_".join(c if isinstance(c, str) else _words(c) for c in index.columns)
        name = f"idx_{table}_{words[:_NAME_CHARACTERS]}"
        if name in named or name in taken or len(name.encode()) > max_bytes:
            digest = hashlib.md5(repr((table, index)).encode(), usedforsecurity=False).hexdigest()[:8]
            name = name.encode()[: max_bytes - 9].decode(errors="ignore") + "_" + digest
        named[name] = index
    return [NamedIndex(name, index) for name, index in named.items()]


def renamed_indexes(
    old: TableName, new: TableName, indexes: Iterable[IndexInfo], max_bytes: int
) -> list[tuple[IndexInfo, str]]:
    """Return the indexes that are named after a table, each with the name that it has when the table is called `new`."""
    renamed = []
    for index in indexes:
        if index.name.startswith(f"idx_{old.name}_"):
            name = f"idx_{new.name}_{index.name.removeprefix(f'idx_{old.name}_')}"
            if len(name.encode()) > max_bytes:
                digest = hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()[:8]
                name = name.encode()[: max_bytes - 9].decode(errors="ignore") + "_" + digest
            renamed.append((index, name))
    return renamed


def _words(expression: Sql) -> str:
    return "_".join(re.findall(r"\w+", repr(expression)[4:]))


def refuse_incoming(schema: str, catalog: SchemaCatalog) -> None:
    """Raise if tables of other schemas refer to this one.

    Raises
    ------
    IntegrityError
    """
    if catalog.incoming:
        children = sorted({str(key.child) for key in catalog.incoming})
        raise IntegrityError(
            f"Cannot drop the schema {schema!r}: {', '.join(children[:10])} refer to tables in it.",
            hint="Drop those tables first.",
        )


def children_first(catalog: SchemaCatalog) -> list[TableName]:
    """Return the tables of a schema so that each comes before those that it refers to."""
    waiting = {info.name: {key.parent for key in info.foreign_keys} - {info.name} for info in catalog.tables.values()}
    ordered: list[TableName] = []
    while waiting:
        referred = set().union(*waiting.values())
        free = [name for name in waiting if name not in referred] or list(waiting)  # the latter only for cycles
        ordered += free
        for name in free:
            del waiting[name]
    return ordered
