"""Write the definition of a table that exists."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from datajoint.heading import Attribute, Heading

if TYPE_CHECKING:
    from datajoint.backends.catalog import ForeignKeyInfo, IndexInfo, TableInfo
    from datajoint.definition import TableName


def describe(info: TableInfo, heading: Heading, spell: Callable[[TableName], str]) -> str:
    """Return a definition that declares the same table again.

    Parameters
    ----------
    info : TableInfo
        The table as stored.
    heading : Heading
        Its heading.
    spell : callable
        Tells how a foreign key names a table: a class's path, or the quoted full name.

    Returns
    -------
    str
        One line for the comment and for each attribute, foreign key and index.
    """
    lines = [f"# {info.comment}"] if info.comment else []
    unique = {frozenset(index.columns): index for index in info.indexes if index.unique}
    waiting = [key for key in info.foreign_keys if not any(c.startswith("_") for c in key.columns)]
    covered = {name for key in waiting for name in key.columns}
    consumed: list[IndexInfo] = []
    appeared: set[str] = set()
    brought: set[str] = set()
    in_key = True
    for name, attribute in heading.attributes.items():
        if in_key and not attribute.in_key:
            lines.append("---")
            in_key = False
        appeared.add(name)
        if name not in covered:
            lines.append(_attribute_line(attribute))
        for key in [key for key in waiting if appeared.issuperset(key.columns)]:
            waiting.remove(key)
            index = unique.pop(frozenset(key.columns), None)
            if index is not None:
                consumed.append(index)
            # Of columns that an earlier foreign key brought, that one's options are told.
            nullable = any(heading[column].nullable for column in key.columns if column not in brought)
            brought.update(key.columns)
            lines.append(_foreign_key_line(key, spell, nullable=nullable, unique=index is not None))
    lines.extend(_index_line(index) for index in info.indexes if index not in consumed and not _is_support(index, info))
    return "".join(f"{line}\n" for line in lines)


def _attribute_line(attribute: Attribute) -> str:
    name = attribute.name if attribute.default is None else f"{attribute.name}={attribute.default}"
    declared = attribute.declared_type
    if attribute.autoincrement and "auto_increment" not in declared and declared.lower() != "serial":
        declared += " auto_increment"
    comment = re.sub(r"\s*\n\s*", " ", attribute.comment)
    return f"{name:<20} : {declared:<28} {'# ' + comment if comment else ''}".rstrip()


def _foreign_key_line(key: ForeignKeyInfo, spell: Callable[[TableName], str], *, nullable: bool, unique: bool) -> str:
    options = ["nullable"] * nullable + ["unique"] * unique
    target = "self" if key.parent == key.child else spell(key.parent)
    renames = ", ".join(
        f'{new}="{old}"' for new, old in zip(key.columns, key.parent_columns, strict=True) if new != old
    )
    return (
        f"->{' [' + ', '.join(options) + ']' if options else ''} {target}{'.proj(' + renames + ')' if renames else ''}"
    )


def _index_line(index: IndexInfo) -> str:
    return f"{'UNIQUE ' if index.unique else ''}INDEX ({', '.join(index.columns)})"


def _is_support(index: IndexInfo, info: TableInfo) -> bool:
    """Tell whether an index serves a foreign key only; it comes back with the foreign key."""
    return not index.unique and any(index.columns == key.columns for key in info.foreign_keys)
