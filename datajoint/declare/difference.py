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
from datajoint.declare.sameness import (
    SERIAL,
    as_read_by_mysql,
    default_value,
    holds_same,
    plain,
    squeezed,
    stored_attribute,
)
from datajoint.declare.stored import FindCatalog, read_heading
from datajoint.definition import AttributeDefinition, ForeignKeyDefinition, IndexDefinition, TableDefinition
from datajoint.naming import did_you_mean
from datajoint.sql.fragment import Sql

if TYPE_CHECKING:
    from datajoint.backends.catalog import ForeignKeyInfo, IndexInfo, SchemaCatalog, TableInfo
    from datajoint.backends.dialect import Dialect

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
        named = {"primary key": "primary key", "comment": "table comment", "attribute": f"attribute `{self.name}`"}
        what = named.get(self.kind, f"{self.kind} ({self.name})")
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


def compare(
    definition: TableDefinition,
    info: TableInfo,
    catalog: SchemaCatalog,
    dialect: Dialect,
    find_catalog: FindCatalog,
) -> Comparison:
    """Compare a definition with the table as stored.

    Parameters
    ----------
    definition : TableDefinition
    info, catalog : TableInfo, SchemaCatalog
        The table and its schema as stored.
    dialect : Dialect
        Of the engine that stores them.
    find_catalog : callable
        Gives the structure of another schema by its name, for parents in it.
    """
    return _Comparer(definition, info, catalog, dialect, find_catalog).run()


class _Comparer:
    def __init__(
        self,
        definition: TableDefinition,
        info: TableInfo,
        catalog: SchemaCatalog,
        dialect: Dialect,
        find_catalog: FindCatalog,
    ) -> None:
        self.definition, self.info, self.catalog, self.dialect = definition, info, catalog, dialect
        self.declared = {a.name: a for a in definition.attributes if not a.hidden}
        heading = read_heading(info, catalog, find_catalog)
        covered = {c for key in info.foreign_keys for c in key.columns}
        every = [
            stored_attribute(c, heading._attributes[c.name], info, covered=c.name in covered) for c in info.columns
        ]
        self.stored = {a.name: a for a in every if not a.hidden}
        self.hidden = [a for a in every if a.hidden]
        # What a column means, where its own comment does not tell: the parent's does.
        self.meanings = {name: attribute.value_type for name, attribute in heading._attributes.items()}
        self.differences: list[Difference] = []
        # Attributes of which something was said already that no alteration can mend.
        self.refusals: set[str] = set()
        self.renames = self.find_renames()

    def run(self) -> Comparison:
        self.compare_primary_key()
        added_keys, dropped_keys = self.compare_foreign_keys()
        changes = self.compare_attributes()
        added_indexes, dropped_indexes = self.compare_indexes(dropped_keys)
        comment = None
        if plain(self.definition.comment) != plain(self.info.comment):
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
                near = did_you_mean(old, self.stored) or f"The attributes are {', '.join(self.stored)}."
                self.refuse_rename(old, name, f"The table has no attribute `{old}` to rename. {near}")
            elif old in renames.values() or old in self.declared:
                hint = f"`{old}` has another use in the definition. Rename an attribute once, and declare its old name no more."
                self.refuse_rename(old, name, hint)
            else:
                renames[name] = old
        return renames

    def refuse_rename(self, old: str, name: str, hint: str) -> None:
        self.refusals.add(name)
        self.add("attribute", name, "name", f"`{old}`", f"`{name}`", hint)

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
        target = old if old.name == new.name else replace(old, name=new.name)
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
            if not new.inherited and plain(old.comment) != plain(new.comment):
                differs("comment", repr(old.comment), repr(new.comment))
                target = replace(target, comment=new.comment)
            if not self.same_default(old, new) and not (new.inherited and new.nullable):
                differs("default", _default(old), _default(new))
            if target.inherited != new.inherited:
                target = replace(target, inherited=new.inherited)
        if old.nullable != new.nullable:
            differs("nullable", _nullable(old), _nullable(new))
        if {"type", "default", "nullable"} & set(aspects):
            target = replace(target, nullable=new.nullable, default=new.default)
        if moved:
            names = list(self.stored)
            place = names.index(old.name)
            differs("place", _place(names[place - 1] if place else None), _place(after))
        return AttributeChange(old, target, frozenset(aspects), after)

    def is_covered(self, name: str) -> bool:
        return any(name in key.columns for key in self.info.foreign_keys)

    def is_referred_to(self, name: str) -> bool:
        # Only what is unique can be referred to; other schemas are asked about the rest of it last.
        unique = {*self.info.primary_key, *(c for index in self.info.indexes if index.unique for c in index.columns)}
        inside = (key for info in self.catalog.tables.values() for key in info.foreign_keys)
        return name in unique and any(
            key.parent == self.info.name and name in key.parent_columns
            for keys in (inside, self.catalog.incoming)
            for key in keys
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
            return (
                "Numbering by the database cannot be switched on or off. Declare a new table and copy the rows into it."
            )
        if (
            self.is_covered(old.name)
            and not new.inherited
            and any(old.name in key.attributes for key in self.definition.foreign_keys)
        ):
            return f"The type of `{new.name}` is that of the table which the foreign key refers to. Repeat that type."
        if self.is_referred_to(old.name) and not holds_same(self.meanings[old.name], new.storage):
            return (
                f"Other tables refer to `{old.name}` and have its type. "
                "Keep the type, or declare new tables and copy the rows into them."
            )
        return None

    def same_type(self, old: AttributeDefinition, new: AttributeDefinition) -> bool:
        if new.inherited:  # a column of its own until now, which the foreign key shall find as the parent has it
            return holds_same(self.meanings[old.name], new.storage) and old.codec == new.codec
        if old.codec or new.codec:
            return squeezed(old.codec) == squeezed(new.codec)
        stays_covered = self.is_covered(old.name) and any(
            new.name in k.attributes for k in self.definition.foreign_keys
        )
        if old.storage.core != new.storage.core and not stays_covered:
            return False  # the column itself must tell its type
        stored = self.meanings[old.name] if not old.storage.core else old.storage
        return holds_same(stored, new.storage)

    def same_default(self, old: AttributeDefinition, new: AttributeDefinition) -> bool:
        stored, declared = default_value(old.default, new.storage), default_value(new.default, new.storage)
        return stored == declared or (isinstance(declared, str) and stored == as_read_by_mysql(declared))

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
        numbered = {(name,) for name, a in self.declared.items() if a.storage.text == SERIAL}
        went = {key.columns for key in dropped_keys}
        dropped = []
        for left in stored:
            replaced = any(index.columns[: len(left.columns)] == left.columns for index in added)
            if left.columns in (numbered if left.unique else serving) and (left.unique or not replaced):
                continue
            dropped.append(left)
            if left.unique or left.columns not in went | serving:
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


# --- parts of definitions
def _pairs(columns: Iterable[str], parents: Iterable[str]) -> frozenset[tuple[str, str]]:
    return frozenset(zip(columns, parents, strict=True))


def _declared_indexes(definition: TableDefinition) -> list[IndexDefinition]:
    unique = [IndexDefinition(key.attributes, unique=True) for key in definition.foreign_keys if key.unique]
    return list(dict.fromkeys([*unique, *definition.indexes]))


def _longest_increasing(numbers: Sequence[int]) -> set[int]:
    """Return the positions of a longest increasing subsequence."""
    longest: list[list[int]] = []  # the longest that ends at each position
    for n, number in enumerate(numbers):
        before: list[int] = []
        for chain in longest:
            if numbers[chain[-1]] < number and len(chain) > len(before):
                before = chain
        longest.append([*before, n])
    longest.sort(key=len)
    return set(longest[-1]) if longest else set()


# --- for people
def _shown(attribute: AttributeDefinition) -> str:
    default = "" if attribute.nullable or attribute.default is None else f", default {_default(attribute)}"
    return f"{attribute.type_text}{', nullable' if attribute.nullable else ''}{default}"


def _default(attribute: AttributeDefinition) -> str:
    if attribute.default is None:
        return "no default"
    return "".join(part for part in attribute.default.parts if isinstance(part, str))


def _place(after: str | None) -> str:
    return "first" if after is None else f"after `{after}`"


def _nullable(attribute: AttributeDefinition) -> str:
    return "nullable" if attribute.nullable else "not null"


def _columns(index: IndexDefinition) -> str:
    return ", ".join(c if isinstance(c, str) else repr(c)[5:-2] for c in index.columns)
