"""Give a parsed definition its meaning: types, codecs, defaults, and the columns that foreign keys bring."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from datajoint.codecs import resolve_dtype
from datajoint.declare.defaults import NULL, default_sql, quoted_sql
from datajoint.declare.grammar import ParsedAttribute, ParsedDefinition, ParsedIndex, ParsedReference, Place
from datajoint.declare.reference import FindReferent, Referent, find_referent
from datajoint.declare.stored import read_heading
from datajoint.definition import AttributeDefinition, ForeignKeyDefinition, IndexDefinition, TableDefinition, TableName
from datajoint.errors import DataJointError, MissingTableError
from datajoint.naming import did_you_mean
from datajoint.sql.fragment import Sql, column
from datajoint.values.model import ValueType
from datajoint.values.parse import parse_type

if TYPE_CHECKING:
    from datajoint.backends.catalog import ColumnInfo, SchemaCatalog, TableInfo
    from datajoint.connection import Connection

SINGLETON = "_singleton"

_JSON_PATH = re.compile(r"(?P<attribute>\w+)\.(?P<path>[\w.*\[\]]+)(:(?P<cast>.+))?\Z")
_PLAIN_COLUMN = re.compile(r"(\w+)(\s*:\s*\w+)?\Z")
_LATE_COLON = re.compile(r":\s")
_AUTO_INCREMENT = re.compile(r"\s*\bauto_increment\b", re.IGNORECASE)


def table_info(connection: Connection, name: TableName) -> tuple[TableInfo, SchemaCatalog] | None:
    """Return a table and its schema as stored; asks the database once more before it says that there is none."""
    for _ in range(2):
        catalog = connection.catalog(name.schema)
        if catalog is not None and name.name in catalog.tables:
            return catalog.tables[name.name], catalog
        connection.forget_catalog(name.schema)
    return None


def resolve(
    parsed: ParsedDefinition, name: TableName, connection: Connection, context: Mapping[str, Any], find: FindReferent
) -> TableDefinition:
    """Turn a parsed definition into the table that it describes.

    Parameters
    ----------
    parsed : ParsedDefinition
    name : TableName
        The table to be declared.
    connection : Connection
        Tells the structure of the tables that foreign keys refer to, and the engine's limits.
    context : mapping
        Names that foreign keys may use.
    find : callable
        Tells which table a value of `context` stands for.

    Raises
    ------
    DefinitionError
        For a type, default, foreign key, index or name that cannot be; points to its place.
    """
    return _Resolver(name, connection, context, find).run(parsed)


class _Resolver:
    """Collects the parts of one definition."""

    def __init__(self, name: TableName, connection: Connection, context: Mapping[str, Any], find: FindReferent) -> None:
        self.name, self.connection, self.context, self.find = name, connection, context, find
        self.attributes: dict[str, AttributeDefinition] = {}
        self.foreign_keys: list[ForeignKeyDefinition] = []
        self.indexes: list[IndexDefinition] = []

    def run(self, parsed: ParsedDefinition) -> TableDefinition:
        indexes: list[ParsedIndex] = []
        for item in parsed.items:
            if isinstance(item, ParsedAttribute):
                self.add_attribute(item)
            elif isinstance(item, ParsedReference):
                self.add_foreign_key(item)
            else:
                indexes.append(item)
        for index in indexes:  # an index may stand above its columns
            self.add_index(index)
        if not any(a.in_key for a in self.attributes.values()):
            self.attributes[SINGLETON] = AttributeDefinition(
                SINGLETON,
                "bool",
                parse_type("bool"),
                default=quoted_sql("1"),
                comment="singleton primary key",
                in_key=True,
            )
        return TableDefinition(
            tuple(self.attributes.values()), parsed.comment, tuple(self.foreign_keys), tuple(self.indexes), parsed.text
        )

    # --- attributes
    def add_attribute(self, parsed: ParsedAttribute) -> None:
        place = parsed.name_place
        self.check_length(parsed.name, place)
        storage, codec = self.read_type(parsed)
        if parsed.in_key and storage.kind in {"bytes", "json"}:
            raise parsed.type_place.error(
                f"Blob or JSON attributes are not allowed in the primary key, but `{parsed.name}` is {parsed.type_text}.",
                "Move it below `---`, or identify the rows by something short.",
                attribute=parsed.name,
            )
        if parsed.name in self.attributes:
            self.check_redeclared(parsed, storage)
            return
        default = default_sql(parsed, storage)
        self.attributes[parsed.name] = AttributeDefinition(
            parsed.name,
            parsed.type_text,
            storage,
            codec=codec,
            nullable=default == NULL,
            default=default,
            comment=parsed.comment,
            in_key=parsed.in_key,
        )

    def check_length(self, name: str, place: Place) -> None:
        limit = self.connection.dialect.max_identifier_length
        if len(name) > limit:
            raise place.error(
                f"Attribute name `{name}` exceeds the max length of {limit}.", "Choose a shorter name.", attribute=name
            )

    def check_redeclared(self, parsed: ParsedAttribute, storage: ValueType) -> None:
        """Accept a repetition of what a foreign key brought, if the types agree."""
        known = self.attributes[parsed.name]
        if not known.inherited:
            raise parsed.name_place.error(
                f"The attribute `{parsed.name}` is declared twice.", "Remove one of the lines.", attribute=parsed.name
            )
        if not _same_column(known.storage, storage):
            raise parsed.type_place.error(
                f"`{parsed.name}` comes from a foreign key with the type {known.type_text}, not {parsed.type_text}.",
                "Remove this line; the foreign key declares the attribute.",
                attribute=parsed.name,
            )

    def read_type(self, parsed: ParsedAttribute) -> tuple[ValueType, str | None]:
        """Return what the column holds, and the codec's spelling if there is one."""
        text, place = parsed.type_text, parsed.type_place
        codec = text if text.startswith("<") else None
        try:
            final = resolve_dtype(text)[0] if codec else text
            return parse_type(final), codec
        except DataJointError as error:
            message = str(error.args[0]) if error.args else f"Unsupported attribute type `{text}`."
            hint = "Put quotes around a default that contains a colon." if _LATE_COLON.search(text) else error.hint
            raise place.error(message, hint, attribute=parsed.name) from error

    # --- foreign keys
    def add_foreign_key(self, parsed: ParsedReference) -> None:
        referent = find_referent(parsed, self.context, self.find)
        if referent.connection is not self.connection:
            raise parsed.place.error(
                f"`{parsed.expression}` belongs to a different connection.", "A foreign key cannot leave its database."
            )
        nullable = "nullable" in parsed.options
        if referent.name == self.name:
            parents = self.own_key(parsed, referent, nullable=nullable)
        else:
            parents = self.inherited(parsed, referent)
        if not parents:
            raise parsed.place.error(
                f"`{parsed.expression}` has no key attributes to refer to.",
                "A table without a key holds one row; nothing can refer to it.",
            )
        for new, (_, attribute) in parents.items():
            self.check_length(new, parsed.place)
            known = self.attributes.get(new)
            if known is None:
                self.attributes[new] = replace(attribute, name=new, in_key=parsed.in_key, nullable=nullable)
            elif not _same_column(known.storage, attribute.storage):
                raise parsed.place.error(
                    f"`{new}` is {known.type_text} here and {attribute.type_text} in {referent.name}.",
                    f"Give both one type, or rename with `.proj({new}_2='{new}')`.",
                    attribute=new,
                )
        old = tuple(name for name, _ in parents.values())
        unique = "unique" in parsed.options
        self.foreign_keys.append(ForeignKeyDefinition(tuple(parents), referent.name, old, nullable, unique))

    def inherited(self, parsed: ParsedReference, referent: Referent) -> dict[str, tuple[str, AttributeDefinition]]:
        """Return ``new name -> (parent's attribute, what the column will be)`` for the parent's key, in its order."""
        found = table_info(self.connection, referent.name)
        if found is None:
            raise parsed.place.error(
                f"`{parsed.expression}` is the table {referent.name}, which is not declared.",
                "Declare it before this one.",
            ) from MissingTableError(f"The table {referent.name} is not defined.", table=str(referent.name))
        info, catalog = found
        heading = read_heading(info, catalog, self.connection.catalog)
        self.check_renames(parsed, referent, heading.names)
        new_names = {old: new for new, old in referent.renames.items()}
        columns = {c.name: c for c in info.columns}
        own = self.connection.catalog(self.name.schema)
        parents = {}
        for old in heading.primary_key:
            attribute = heading[old]
            codec = attribute.type if attribute.codec is not None else None
            storage = attribute.value_type
            if storage.auto_increment:
                storage = replace(storage, auto_increment=False, text=_AUTO_INCREMENT.sub("", storage.text))
            parents[new_names.get(old, old)] = (
                old,
                AttributeDefinition(
                    old,
                    attribute.original_type or attribute.type,
                    storage,
                    codec=codec,
                    comment=attribute.comment,
                    inherited=True,
                    collation=_repeated_collation(columns[old], own),
                    enum_type=columns[old].enum_type,
                ),
            )
        return parents

    def own_key(
        self, parsed: ParsedReference, referent: Referent, *, nullable: bool
    ) -> dict[str, tuple[str, AttributeDefinition]]:
        """Return the columns of a reference of the table to itself."""
        key = {n: a for n, a in self.attributes.items() if a.in_key}
        new_names = {old: new for new, old in referent.renames.items()}
        self.check_renames(parsed, referent, list(key))
        if parsed.in_key or not nullable or not all(name in new_names for name in key):
            example = ", ".join(f"parent_{name}='{name}'" for name in key)
            raise parsed.place.error(
                "A table may refer to itself below `---` only, nullable and with every key attribute renamed.",
                f"Write `-> [nullable] self.proj({example})`.",
            )
        return {new_names[n]: (n, replace(a, name=new_names[n], default=None, inherited=True)) for n, a in key.items()}

    def check_renames(self, parsed: ParsedReference, referent: Referent, names: list[str]) -> None:
        for old in referent.renames.values():
            if old not in names:
                raise parsed.place.error(
                    f"Foreign key reference `{parsed.expression}` could not be resolved: {referent.name} has no attribute `{old}`.",
                    did_you_mean(old, names) or f"Its attributes are {', '.join(names)}.",
                    attribute=old,
                )

    # --- indexes
    def add_index(self, parsed: ParsedIndex) -> None:
        index = IndexDefinition(tuple(self.index_column(text, place) for text, place in parsed.columns), parsed.unique)
        if index not in self.indexes:
            self.indexes.append(index)

    def index_column(self, text: str, place: Place) -> str | Sql:
        if match := _PLAIN_COLUMN.match(text):
            return self.known(match[1], place)
        if match := _JSON_PATH.match(text):
            attribute = self.known(match["attribute"], place)
            if self.attributes[attribute].storage.kind != "json":
                raise place.error(
                    f"`{text}` is a path into `{attribute}`, which is {self.attributes[attribute].type_text}, not JSON.",
                    attribute=attribute,
                )
            value, _ = self.connection.backend.json_path(Sql(column(attribute)), match["path"], match["cast"])
            return Sql("(", value, ")")
        return Sql(text)

    def known(self, name: str, place: Place) -> str:
        if name not in self.attributes:
            hint = did_you_mean(name, self.attributes) or f"The attributes are {', '.join(self.attributes)}."
            raise place.error(f"The index column `{name}` is no attribute of this table.", hint, attribute=name)
        return name


def _same_column(a: ValueType, b: ValueType) -> bool:
    """Tell whether a foreign key may hold between columns of these types, however they are spelt."""
    return a.holds_same(b)


def _repeated_collation(parent: ColumnInfo, own: SchemaCatalog | None) -> str | None:
    """Return the parent's collation where the new table's default is another: the server asks for equal ones."""
    return parent.collation if own is None or parent.collation != own.collation else None
