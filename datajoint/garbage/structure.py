"""Which tables of a database may refer to objects, and by which columns; always as of now, also within a transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from datajoint.backends.catalog import SchemaCatalog, TableInfo
from datajoint.codecs import Codec, CodecChain, MissingCodec
from datajoint.connection import Connection
from datajoint.declare.stored import read_heading
from datajoint.definition import TableName
from datajoint.errors import DataJointError
from datajoint.heading import Attribute, Heading
from datajoint.values.parse import parse_stored_type

# How often schemas may vanish while they are listed.
_ATTEMPTS = 20

Section = Literal["hash", "schema", "other"]


@dataclass(frozen=True, slots=True)
class ReferenceColumn:
    """A column that may hold references.

    Attributes
    ----------
    codecs : tuple of Codec
        Those whose `referenced_paths` tell the references; without any, every text in the value may be one.
    section : str
        Which objects the codecs write: addressed by ``hash``, by ``schema``, or ``other``.
    """

    name: str
    codecs: tuple[Codec, ...]
    section: Section


@dataclass(frozen=True, slots=True)
class ReferenceTable:
    """A table with columns that may hold references, and its heading with nothing but these and the key, undecoded."""

    name: TableName
    columns: tuple[ReferenceColumn, ...]
    heading: Heading


@dataclass(frozen=True, slots=True)
class SchemaTables:
    """The tables of a schema that may hold references, and what cannot be known of the others."""

    tables: tuple[ReferenceTable, ...]
    problems: tuple[str, ...]


class Structure:
    """The tables with references of all schemas that a connection sees.

    Parameters
    ----------
    connection : Connection
    own : iterable of str
        Schemas whose objects are collected: all in them must be understood.
    unrelated : iterable of str
        Schemas that are not looked at.
    """

    def __init__(self, connection: Connection, own: Iterable[str], unrelated: Iterable[str]) -> None:
        self.connection, self.own = connection, frozenset(own)
        self._unrelated = frozenset(unrelated) - self.own
        self._catalogs: dict[str, SchemaCatalog] = {}
        self._versions: dict[str, str | None] = {}
        self._tables: dict[str, SchemaTables] = {}

    def refresh(self) -> list[str]:
        """Ask again what there is, and return the schemas that are new or changed, or gone."""
        for _ in range(_ATTEMPTS):
            names = self._names()
            try:
                return self._refresh(names)
            except DataJointError:
                # Some engines let schemas vanish between two questions, also within a transaction.
                if names == self._names():
                    raise
        raise DataJointError(
            f"Schemas appear and vanish so often that their tables cannot be listed ({len(names)} schemas).",
            hint="Try again later, or name the schemas that are made all the time as unrelated.",
        )

    def _names(self) -> list[str]:
        found = self.connection.backend.schema_names(self.connection._execute)
        return [name for name in found if name not in self._unrelated]

    def _refresh(self, names: list[str]) -> list[str]:
        backend, execute = self.connection.backend, self.connection._execute
        versions = backend.catalog_versions(execute, names)
        stale = [name for name in names if self._versions.get(name, "?") != versions.get(name)]
        gone = [name for name in self._versions if name not in names]
        loaded = backend.load_catalog(execute, stale) if stale else {}
        if stale or gone:
            # Columns of foreign keys may have their type told by a parent in another schema.
            self._tables.clear()
        for name in (*stale, *gone):
            self._catalogs.pop(name, None)
            self._versions.pop(name, None)
        for name in stale:
            if name in loaded:
                self._catalogs[name] = loaded[name]
            self._versions[name] = versions.get(name)
        return stale + gone

    @property
    def catalogs(self) -> Mapping[str, SchemaCatalog]:
        """The structure of each schema."""
        return self._catalogs

    def tables(self, schema: str) -> SchemaTables:
        """Return the tables of a schema that may hold references."""
        if schema not in self._tables:
            catalog = self._catalogs.get(schema)
            self._tables[schema] = self._read(catalog) if catalog else SchemaTables((), ())
        return self._tables[schema]

    def _read(self, catalog: SchemaCatalog) -> SchemaTables:
        tables, problems = [], []
        for info in catalog.tables.values():
            if info.name.name.startswith("~"):
                continue
            try:
                heading = read_heading(info, catalog, self._catalogs.get)
                columns, unknown = _columns(heading)
            except Exception as error:  # noqa: BLE001 - whatever hides a table, it must not be passed over
                heading, columns, unknown = _plain_heading(info), [], [str(error)]
            if unknown:
                columns += [_searched(a) for a in heading._attributes.values() if _may_be_searched(a)]
            if catalog.schema in self.own:
                problems += [f"{info.name}: {reason}" for reason in unknown]
            unique = {column.name: column for column in reversed(columns)}
            if unique:
                tables.append(ReferenceTable(info.name, tuple(unique.values()), _undecoded(heading, unique)))
        return SchemaTables(tuple(tables), tuple(problems))


def _columns(heading: Heading) -> tuple[list[ReferenceColumn], list[str]]:
    found, unknown = [], []
    for attribute in heading._attributes.values():
        if isinstance(attribute.codec, MissingCodec):
            unknown.append(f"the codec {attribute.type} of `{attribute.name}` is not registered")
        elif attribute.codec is not None:
            chain = CodecChain.resolve(attribute.type)
            if chain.dtype == "json" or any(_tells_paths(codec) for codec in chain.codecs):
                found.append(ReferenceColumn(attribute.name, chain.codecs, _section(chain.codecs)))
        elif attribute.json:
            # A copied table may have lost what told of the codec.
            found.append(_searched(attribute))
    return found, unknown


def _section(codecs: Iterable[Codec]) -> Section:
    kinds = {"hash" if codec.name == "hash" else "schema" if _is_schema_codec(codec) else "other" for codec in codecs}
    return "hash" if "hash" in kinds else "schema" if "schema" in kinds else "other"


def _is_schema_codec(codec: Codec) -> bool:
    return any(base.__name__ == "SchemaCodec" for base in type(codec).__mro__)


def _tells_paths(codec: Codec) -> bool:
    return type(codec).referenced_paths is not Codec.referenced_paths


def _searched(attribute: Attribute) -> ReferenceColumn:
    return ReferenceColumn(attribute.name, (), "other")


def _may_be_searched(attribute: Attribute) -> bool:
    is_unknown = attribute.codec is None or isinstance(attribute.codec, MissingCodec)
    return is_unknown and attribute.value_type.kind in {"json", "text", "varchar", "char", "bytes", "unknown"}


def _plain_heading(info: TableInfo) -> Heading:
    """Return the heading by the database's types alone."""
    return Heading(
        Attribute(
            column.name,
            column.type,
            in_key=column.name in info.primary_key,
            nullable=column.nullable,
            json=column.type in {"json", "jsonb"},
            value_type=parse_stored_type(column.type),
        )
        for column in info.columns
    )


def _undecoded(heading: Heading, columns: Mapping[str, Any]) -> Heading:
    return Heading(
        attribute._replace(codec=None, is_hidden=False)
        for attribute in heading._attributes.values()
        if attribute.in_key or attribute.name in columns
    )


def refuse_unseen(structure: Structure) -> None:
    """Refuse schemas to collect that the connection does not see.

    Raises
    ------
    DataJointError
        Since their rows, which may exist, cannot be read. An empty schema is seen.
    """
    unseen = sorted(structure.own - structure.catalogs.keys())
    if unseen:
        raise DataJointError(
            f"There is no schema {', '.join(unseen)} on this connection.", hint="Collect with the right connection."
        )
