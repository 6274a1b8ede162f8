"""Compare a table as declared with the table as stored: by structure, never by text.

Types are compared by what they hold, defaults by their value, indexes by their columns. How something is spelt, what
the engine calls it, and what it adds by itself makes no difference; nor do the comments of inherited columns, which
belong to their parents and which DataJoint 2.3 writes in another form.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from datajoint.backends.alteration import Alteration, Aspect, AttributeChange
from datajoint.declare.defaults import CURRENT_TIMESTAMP, NULL
from datajoint.declare.stored import read_heading, split_marker
from datajoint.definition import AttributeDefinition, ForeignKeyDefinition, IndexDefinition, TableDefinition
from datajoint.errors import DataJointError, InvalidValueError
from datajoint.naming import did_you_mean
from datajoint.sql.fragment import Sql
from datajoint.values.accept import acceptor
from datajoint.values.model import ValueType
from datajoint.values.parse import parse_stored_type

if TYPE_CHECKING:
    from datajoint.backends.catalog import ColumnInfo, ForeignKeyInfo, IndexInfo, SchemaCatalog, TableInfo
    from datajoint.backends.dialect import Dialect
    from datajoint.heading import Attribute

Kind = Literal["attribute", "primary key", "foreign key", "index", "comment"]

_RENAME = re.compile(r"\{\s*(\w+)\s*\}")


@dataclass(frozen=True, slots=True)
class Difference:
    """One point in which a definition and the stored table differ.

    Attributes
    ----------
    kind : str
        ``attribute``, ``primary key``, ``foreign key``, ``index`` or ``comment`` (that of the table).
    name : str
        Of the attribute, or the columns concerned.
    aspect : str
        Of an attribute that both have: ``name``, ``type``, ``default``, ``nullable``, ``comment`` or ``place``; else empty.
    stored, declared : str or None
        What the database has and what the definition says; None for nothing.
    hint : str or None
        Why `alter` cannot make this change, and what to do; None where it can.
    """

    kind: Kind
    name: str
    aspect: str
    stored: str | None
    declared: str | None
    hint: str | None = None

    def __str__(self) -> str:
        what = self.kind if self.kind == "primary key" else "table comment" if self.kind == "comment" else ""
        what = what or (f"attribute `{self.name}`" if self.kind == "attribute" else f"{self.kind} ({self.name})")
        if self.stored is None:
            return f"{what} is not in the table ({self.declared})"
        if self.declared is None:
            return f"{what} is not in the definition ({self.stored})"
        aspect = f" {self.aspect}" if self.aspect else ""
        return f"{what}:{aspect} {self.stored} in the table, {self.declared} in the definition"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a definition and a stored table differ in, and the alteration that would end it."""

    differences: tuple[Difference, ...]
    alteration: Alteration

    @property
    def refused(self) -> tuple[Difference, ...]:
        """The differences that no alteration can mend."""
        return tuple(d for d in self.differences if d.hint is not None)


def compare(definition: TableDefinition, info: TableInfo, catalog: SchemaCatalog, dialect: Dialect) -> Comparison:
    """Compare a definition with the table as stored.

    Parameters
    ----------
    definition : TableDefinition
    info, catalog : TableInfo, SchemaCatalog
        The table and its schema as stored.
    dialect : Dialect
        Of the engine that stores them.

    Raises
    ------
    DataJointError
        If an attribute is declared to be renamed from one that does not exist, or two from the same.
    """
    return _Comparer(definition, info, catalog, dialect).run()


class _Comparer:
    def __init__(self, definition: TableDefinition, info: TableInfo, catalog: SchemaCatalog, dialect: Dialect) -> None:
        self.definition, self.info, self.catalog, self.dialect = definition, info, catalog, dialect
        self.declared = {a.name: a for a in definition.attributes if not a.hidden}
        heading = read_heading(info, catalog)
        covered = {c for key in info.foreign_keys for c in key.columns}
        every = [stored_attribute(c, heading._attributes[c.name], info, covered=c.name in covered) for c in info.columns]
        self.stored = {a.name: a for a in every if not a.hidden}
        self.hidden = [a for a in every if a.hidden]
        # What a column means, where its own comment does not tell: the parent's does.
        self.meanings = {name: attribute.value_type for name, attribute in heading._attributes.items()}
        self.renames = self.find_renames()
        self.differences: list[Difference] = []
        self.refusals: set[str] = set()

    def run(self) -> Comparison:
        self.compare_primary_key()
        added_keys, dropped_keys = self.compare_foreign_keys()
        changes = self.compare_attributes()
        added_indexes, dropped_indexes = self.compare_indexes(dropped_keys)
        comment = None
        if _plain(self.definition.comment) != _plain(self.info.comment):
            comment = self.definition.comment
            self.add("comment", "", "", repr(self.info.comment), repr(comment))
        target = replace(self.definition, attributes=(*self.target.values(), *self.hidden))
        alteration = Alteration(
            self.info, target, changes, added_indexes, dropped_indexes, added_keys, dropped_keys, comment
        )
        return Comparison(tuple(self.differences), alteration)

    def add(
        self, kind: Kind, name: str, aspect: str, stored: str | None, declared: str | None, hint: str | None = None
    ) -> None:
        self.differences.append(Difference(kind, name, aspect, stored, declared, hint))

    # --- names
    def find_renames(self) -> dict[str, str]:
        """Return ``new name -> old name`` of the attributes that are declared to be renamed and are not yet so."""
        renames: dict[str, str] = {}
        for name, attribute in self.declared.items():
            match = _RENAME.match(attribute.comment)
            if match is None or name in self.stored:
                continue
            old = match[1]
            if old not in self.stored:
                raise DataJointError(
                    f"Cannot rename `{old}` to `{name}`: {self.info.name} has no attribute `{old}`.",
                    hint=did_you_mean(old, self.stored) or f"Its attributes are {', '.join(self.stored)}.",
                    table=str(self.info.name),
                    attribute=name,
                )
            if old in renames.values() or old in self.declared:
                raise DataJointError(
                    f"Cannot rename `{old}` to `{name}`: the definition has another use for `{old}`.",
                    hint="Rename an attribute once only, and do not declare its old name again.",
                    table=str(self.info.name),
                    attribute=name,
                )
            renames[name] = old
        return renames

    def now(self, name: str) -> str:
        """Return what a column as declared is called in the stored table."""
        return self.renames.get(name, name)

    # --- key
    def compare_primary_key(self) -> None:
        stored = [n for n in self.info.primary_key if not n.startswith("_")]
        declared = [n for n in self.definition.primary_key if not n.startswith("_")]
        if stored != declared:
            self.refusals.update(stored, declared, map(self.now, declared))
            self.add(
                "primary key", ", ".join(declared), "", f"({', '.join(stored)})", f"({', '.join(declared)})",
                "The primary key of a table that exists cannot be changed. Declare a new table and copy the rows into it.",
            )  # fmt: skip

    # --- foreign keys
    def compare_foreign_keys(self) -> tuple[tuple[ForeignKeyDefinition, ...], tuple[ForeignKeyInfo, ...]]:
        remaining = [key for key in self.info.foreign_keys if not any(c.startswith("_") for c in key.columns)]
        added: list[ForeignKeyDefinition] = []
        for key in self.definition.foreign_keys:
            wanted = key.parent, _pairs(map(self.now, key.attributes), key.parent_attributes)
            found = next((k for k in remaining if (k.parent, _pairs(k.columns, k.parent_columns)) == wanted), None)
            if found is not None:
                remaining.remove(found)
                continue
            added.append(key)
            self.add(
                "foreign key", ", ".join(key.attributes), "", None, f"-> {key.parent}", self.key_hint(key.attributes)
            )
        for stored in remaining:
            self.add(
                "foreign key", ", ".join(stored.columns), "", f"-> {stored.parent}", None, self.key_hint(stored.columns)
            )
        return tuple(added), tuple(remaining)

    def key_hint(self, columns: Iterable[str]) -> str | None:
        key = {*self.info.primary_key, *self.definition.primary_key}
        if key.isdisjoint(columns):
            return None
        return (
            "A foreign key of the primary key cannot be added to or taken from a table that exists. "
            "Declare a new table and copy the rows into it."
        )

    # --- attributes
    def compare_attributes(self) -> tuple[AttributeChange, ...]:
        self.target: dict[str, AttributeDefinition] = {}
        kept = {self.now(name) for name in self.declared}
        changes = []
        for name, old in self.stored.items():
            if name not in kept and name not in self.refusals:
                self.add("attribute", name, "", _shown(old), None)
                changes.append(AttributeChange(old, None))
        moved = self.moved()
        previous: str | None = None
        for name, new in self.declared.items():
            before = self.stored.get(self.now(name))
            if before is None:
                self.target[name] = new
                if name not in self.refusals:
                    self.add("attribute", name, "", None, _shown(new))
                    changes.append(AttributeChange(None, new, after=previous))
            else:
                change = self.changed(before, new, moved=name in moved, after=previous)
                self.target[name] = change.new or new
                if change.aspects:
                    changes.append(change)
            previous = name
        return tuple(changes)

    def changed(
        self, old: AttributeDefinition, new: AttributeDefinition, *, moved: bool, after: str | None
    ) -> AttributeChange:
        """Compare an attribute with itself; whatever is the same stays in the form that is stored."""
        target = replace(old, name=new.name)
        aspects: list[Aspect] = []
        name = new.name

        def differs(aspect: Aspect, stored: str, declared: str, hint: str | None = None) -> None:
            aspects.append(aspect)
            self.add("attribute", name, aspect, stored, declared, hint)

        if old.name != name:
            hint = self.rename_hint(old.name)
            differs("name", f"`{old.name}`", f"`{name}`", hint)
        is_inherited = new.inherited and self.is_covered(old.name)
        if not is_inherited:
            if not self.same_type(old, new):
                differs("type", old.type_text, new.type_text, self.type_hint(old, new))
                target = replace(
                    target, type_text=new.type_text, storage=new.storage, codec=new.codec, enum_type=new.enum_type,
                    collation=new.collation or (old.collation if old.storage.is_text else None),
                )  # fmt: skip
            elif new.inherited:
                # the foreign key's column from now on
                target = replace(target, enum_type=old.enum_type)
            if not new.inherited and _plain(old.comment) != _plain(new.comment):
                differs("comment", repr(old.comment), repr(new.comment))
                target = replace(target, comment=new.comment)
            if not self.same_default(old, new) and not (new.inherited and new.nullable):
                differs("default", _default(old), _default(new))
            target = replace(target, inherited=new.inherited)
        if old.nullable != new.nullable:
            differs("nullable", _nullable(old), _nullable(new))
        if {"default", "nullable"} & set(aspects):
            target = replace(target, nullable=new.nullable, default=new.default)
        if moved:
            differs("place", "elsewhere", f"after `{after}`" if after is not None else "first")
        return AttributeChange(old, target, frozenset(aspects), after)

    def is_covered(self, name: str) -> bool:
        return any(name in key.columns for key in self.info.foreign_keys)

    def is_referred_to(self, name: str) -> bool:
        inside = (key for info in self.catalog.tables.values() for key in info.foreign_keys)
        return any(
            key.parent == self.info.name and name in key.parent_columns for key in (*inside, *self.catalog.incoming)
        )

    def rename_hint(self, old: str) -> str | None:
        if old in self.info.primary_key or self.is_covered(old):
            return (
                f"`{old}` belongs to a key, by whose name other tables and programs find it. "
                "Keep the name, or rename where it is used: `.proj(new='old')`."
            )
        return None

    def type_hint(self, old: AttributeDefinition, new: AttributeDefinition) -> str | None:
        if old.storage.auto_increment != new.storage.auto_increment:
            return "Numbering by the database cannot be switched on or off. Declare a new table and copy the rows into it."
        if self.is_covered(old.name) and not new.inherited and any(
            old.name in key.attributes for key in self.definition.foreign_keys
        ):
            return f"The type of `{new.name}` is that of the table which the foreign key refers to. Repeat that type."
        if self.is_referred_to(old.name):
            return (
                f"Other tables refer to `{old.name}` and have its type. "
                "Keep the type, or declare new tables and copy the rows into them."
            )
        return None

    def same_type(self, old: AttributeDefinition, new: AttributeDefinition) -> bool:
        if new.inherited:  # a column of its own until now, which the foreign key shall find as the parent has it
            return _holds_same(self.meanings[old.name], new.storage) and old.codec == new.codec
        if old.codec or new.codec:
            return _squeezed(old.codec) == _squeezed(new.codec)
        stays_covered = self.is_covered(old.name) and any(new.name in k.attributes for k in self.definition.foreign_keys)
        if old.storage.core != new.storage.core and not stays_covered:
            return False  # the column itself must tell its type
        stored = self.meanings[old.name] if not old.storage.core else old.storage
        return _holds_same(stored, new.storage)

    def same_default(self, old: AttributeDefinition, new: AttributeDefinition) -> bool:
        return _default_value(old.default, new.storage) == _default_value(new.default, new.storage)

    def moved(self) -> set[str]:
        """Return the attributes that must move so that the others, as many as can, keep their places."""
        if not self.dialect.movable_columns:
            return set()
        places = {name: n for n, name in enumerate(self.stored)}
        common = [name for name in self.declared if self.now(name) in places]
        staying = _longest_increasing([places[self.now(name)] for name in common])
        return {name for n, name in enumerate(common) if n not in staying}

    # --- indexes
    def compare_indexes(
        self, dropped_keys: Sequence[ForeignKeyInfo]
    ) -> tuple[tuple[IndexDefinition, ...], tuple[IndexInfo, ...]]:
        declared = _declared_indexes(self.definition)
        stored = [i for i in self.info.indexes if not any(c.startswith("_") for c in i.columns)]
        added: list[IndexDefinition] = []
        expressions: list[IndexDefinition] = []
        for index in declared:
            if any(isinstance(c, Sql) for c in index.columns):
                expressions.append(index)
                continue
            columns = tuple(self.now(c) for c in index.columns if isinstance(c, str))
            found = next((i for i in stored if (i.columns, i.unique) == (columns, index.unique)), None)
            if found is not None:
                stored.remove(found)
                continue
            added.append(index)
            self.add("index", _columns(index), "", None, "unique index" if index.unique else "index")
        # What remains: indexes that serve foreign keys, whoever made them, and those that nobody asks for.
        serving = {tuple(map(self.now, key.attributes)) for key in self.definition.foreign_keys}
        went = {key.columns for key in dropped_keys}
        dropped = []
        for left in stored:
            if not left.unique and left.columns in serving:
                continue
            dropped.append(left)
            if left.unique or left.columns not in went:
                self.add("index", ", ".join(left.columns), "", "unique index" if left.unique else "index", None)
        added += self.compare_expressions(expressions, dropped)
        return tuple(added), tuple(dropped)

    def compare_expressions(self, declared: list[IndexDefinition], dropped: list[IndexInfo]) -> list[IndexDefinition]:
        """Compare indexes over expressions by their number: engines spell an expression in their own way."""
        stored = self.info.expression_indexes
        if len(stored) == len(declared):
            return []
        hint = None
        if stored and declared:
            hint = "Which of the indexes over expressions is which cannot be told. Remove all, alter, and declare them again."
        for index in declared:
            self.add("index", _columns(index), "", None, "index over an expression", hint)
        for info in stored:
            self.add("index", info.name, "", "index over an expression", None, hint)
        dropped.extend(stored)
        return declared


# --- a column as a declaration would have it
def stored_attribute(
    column: ColumnInfo, attribute: Attribute, info: TableInfo, *, covered: bool
) -> AttributeDefinition:
    """Return a stored column as a definition that makes exactly this column again.

    Parameters
    ----------
    attribute : Attribute
        The same column in the table's heading.
    covered : bool
        Whether a foreign key has the column.
    """
    marker, comment = split_marker(column.comment)
    codec = marker if marker is not None and marker.startswith("<") else None
    storage = attribute.value_type
    if codec is None and (marker is None or not storage.core):
        marker, comment = None, column.comment
        storage = replace(parse_stored_type(column.type) if storage.kind == "unknown" else storage, core=False)
    if column.auto_increment and "auto_increment" not in storage.text and storage.text != "serial":
        storage = replace(storage, text=f"{storage.text} auto_increment")
    default = None if column.default is None else Sql(column.default)
    return AttributeDefinition(
        column.name, marker or column.type, storage, codec=codec, nullable=column.nullable,
        default=NULL if default is None and column.nullable else default, comment=comment,
        in_key=column.name in info.primary_key, inherited=covered and default is None,
        collation=column.collation, enum_type=column.enum_type,
    )  # fmt: skip


# --- sameness
def _holds_same(a: ValueType, b: ValueType) -> bool:
    def bare(value_type: ValueType) -> ValueType:
        return replace(value_type, text="", core=True)

    return bare(a) == bare(b)


def _squeezed(codec: str | None) -> str | None:
    return codec and re.sub(r"\s+", "", codec)


def _plain(comment: str) -> str:
    """Return a comment as it was meant: DataJoint 2.3 leaves the backslash of an escaped quote on PostgreSQL."""
    return comment.replace('\\"', '"').strip()


def _default_value(default: Sql | None, storage: ValueType) -> object:
    """Return what a default means, so that equal ones are equal however they are spelt."""
    text = "".join(part for part in default.parts if isinstance(part, str)).strip() if default is not None else "NULL"
    if text.upper() == "NULL":
        return None
    if match := CURRENT_TIMESTAMP.match(text):
        return "CURRENT_TIMESTAMP", int(match["digits"] or 0)
    bare = text[1:-1].replace("''", "'") if len(text) > 1 and text[0] == text[-1] == "'" else text
    try:
        return acceptor(storage)(bare)
    except InvalidValueError:
        return bare


def _pairs(columns: Iterable[str], parents: Iterable[str]) -> frozenset[tuple[str, str]]:
    return frozenset(zip(columns, parents, strict=True))


def _declared_indexes(definition: TableDefinition) -> list[IndexDefinition]:
    unique = [IndexDefinition(key.attributes, unique=True) for key in definition.foreign_keys if key.unique]
    return list(dict.fromkeys([*unique, *definition.indexes]))


def _longest_increasing(numbers: Sequence[int]) -> set[int]:
    """Return the positions of a longest increasing subsequence."""
    best: list[tuple[int, ...]] = []
    for n, number in enumerate(numbers):
        before = max((chain for chain in best if numbers[chain[-1]] < number), key=len, default=())
        best.append((*before, n))
    return set(max(best, key=len, default=()))


# --- for people
def _shown(attribute: AttributeDefinition) -> str:
    default = "" if attribute.nullable or attribute.default is None else f", default {_default(attribute)}"
    return f"{attribute.type_text}{', nullable' if attribute.nullable else ''}{default}"


def _default(attribute: AttributeDefinition) -> str:
    if attribute.default is None:
        return "no default"
    return "".join(part for part in attribute.default.parts if isinstance(part, str))


def _nullable(attribute: AttributeDefinition) -> str:
    return "nullable" if attribute.nullable else "not null"


def _columns(index: IndexDefinition) -> str:
    return ", ".join(c if isinstance(c, str) else repr(c)[5:-2] for c in index.columns)
