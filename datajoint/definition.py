"""A table as declared: frozen data, no text to parse and no database to ask.

`declare` makes a `TableDefinition` from a user's text, `backends` turn it into DDL. Nothing here knows either.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from datajoint.sql.fragment import Identifier, Sql
from datajoint.values.model import ValueType


class TableName(NamedTuple):
    """The name of a table in the database: ``TableName("lab", "#params")``, never quoted."""

    schema: str
    name: str

    @property
    def identifier(self) -> Identifier:
        """The name as a piece of SQL."""
        return Identifier((self.schema, self.name))

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True, slots=True)
class AttributeDefinition:
    """One attribute.

    Attributes
    ----------
    name : str
    type_text : str
        The type as the user wrote it, such as ``varchar(20)`` or ``<blob@cold>``; kept in the column's comment.
    storage : ValueType
        What the column holds; for codec types the end of the codec's chain.
    codec : str or None
        ``<blob@cold>`` for codec types, else None.
    nullable : bool
    default : Sql or None
        The text after ``DEFAULT``; None for none. A nullable attribute has ``NULL``.
    comment : str
        The user's comment, without the type marker.
    in_key : bool
    inherited : bool
        Whether a foreign key brought it in.
    collation : str or None
        ``CHARACTER SET … COLLATE …`` repeated from a parent column where the engine asks for it.
    enum_type : str or None
        The parent column's own type, as `ColumnInfo.enum_type` has it, which an inherited enum must share.
    enum_name : str or None
        What to call the type of an enum, where it is one of its own and other programs expect a name.
    """

    name: str
    type_text: str
    storage: ValueType
    codec: str | None = None
    nullable: bool = False
    default: Sql | None = None
    comment: str = ""
    in_key: bool = False
    inherited: bool = False
    collation: str | None = None
    enum_type: str | None = None
    enum_name: str | None = None

    @property
    def hidden(self) -> bool:
        """Whether the attribute belongs to the framework and is left out of headings."""
        return self.name.startswith("_")

    @property
    def marked_comment(self) -> str:
        """The comment as stored: ``:type:comment`` for core and codec types, plain for native ones."""
        if self.codec or self.storage.core:
            return f":{self.type_text}:{self.comment}"
        return self.comment


@dataclass(frozen=True, slots=True)
class ForeignKeyDefinition:
    """A reference from `attributes` of this table to `parent_attributes` of `parent`, position by position."""

    attributes: tuple[str, ...]
    parent: TableName
    parent_attributes: tuple[str, ...]
    nullable: bool = False
    unique: bool = False


@dataclass(frozen=True, slots=True)
class IndexDefinition:
    """An index; each column is an attribute's name or an expression in its own parentheses."""

    columns: tuple[str | Sql, ...]
    unique: bool = False


@dataclass(frozen=True)
class TableDefinition:
    """All that a declaration says of one table."""

    attributes: tuple[AttributeDefinition, ...]
    comment: str = ""
    foreign_keys: tuple[ForeignKeyDefinition, ...] = ()
    indexes: tuple[IndexDefinition, ...] = ()
    text: str = field(default="", compare=False)

    @cached_property
    def primary_key(self) -> tuple[str, ...]:
        """Names of the key attributes in order."""
        return tuple(a.name for a in self.attributes if a.in_key)

    def __getitem__(self, name: str) -> AttributeDefinition:
        for attribute in self.attributes:
            if attribute.name == name:
                return attribute
        raise KeyError(name)
