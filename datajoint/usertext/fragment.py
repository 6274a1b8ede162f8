"""What a user's text becomes: SQL with holes where attributes go."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from datajoint.sql.fragment import Identifier, Parameter, Sql
from datajoint.values.model import ValueType

# A first part that no name of a database can have (names never contain NUL).
_HOLE = "\0"
# How the templates spell the functions that tell the time.
_CLOCK = re.compile(r"\bNOW\(|\bCURDATE\(|\bUTC_(?:TIMESTAMP|DATE)\(|'now'|\bstatement_timestamp\(")


class Column(NamedTuple):
    """A hole for an attribute of the operand."""

    name: str


@dataclass(frozen=True, slots=True)
class UserFragment:
    """A compiled expression.

    Attributes
    ----------
    parts : tuple of str, Parameter or Column
    names : frozenset of str
        The attributes it reads.
    value_type : ValueType
        What it yields.
    nullable : bool
        Whether it can yield NULL.
    aggregate : bool
        Whether it summarises many rows.
    constant : bool or None
        The truth value of a condition that is the same for every row.
    loose : frozenset of str
        The attributes that it reads outside of summaries.
    atomic : bool
        Whether it is a name, a call or the like, and needs no parentheses as an operand.
    """

    parts: tuple[str | Parameter | Column, ...]
    names: frozenset[str]
    value_type: ValueType
    nullable: bool
    aggregate: bool
    constant: bool | None = None
    atomic: bool = True
    loose: frozenset[str] = frozenset()

    @property
    def volatile(self) -> bool:
        """Whether it tells the time, so that it may yield something else the next time."""
        return any(isinstance(part, str) and _CLOCK.search(part) for part in self.parts)

    def resolve(self, columns: Mapping[str, Sql]) -> Sql:
        """Put the SQL of each attribute into its holes, in parentheses where it needs them.

        The result is one expression; unless `atomic`, it needs parentheses of its own as an operand of another.
        """
        parts: list[str | Parameter | Sql] = []
        for index, part in enumerate(self.parts):
            if isinstance(part, Column):
                sql = columns[part.name]
                parts.append(sql if _is_simple(sql) or self._is_delimited(index) else Sql("(", sql, ")"))
            else:
                parts.append(part)
        return Sql(*parts)

    def _is_delimited(self, index: int) -> bool:
        before = self.parts[index - 1] if index else "("
        after = self.parts[index + 1] if index + 1 < len(self.parts) else ")"
        return isinstance(before, str) and isinstance(after, str) and is_delimited(before, after)


class OrderTerm(NamedTuple):
    """One item of an order: an attribute's name or an expression, its direction, and where NULLs are asked to go."""

    name: str | UserFragment
    descending: bool
    nulls_first: bool | None = None


def hole(name: str) -> Identifier:
    """Return the stand-in of an attribute inside `Sql` that is still being composed."""
    return Identifier((_HOLE, name))


def parts_with_holes(sql: Sql) -> tuple[str | Parameter | Column, ...]:
    """Return the parts of composed SQL with a `Column` for each stand-in; adjacent texts are joined."""
    parts: list[str | Parameter | Column] = []
    for part in sql.parts:
        if isinstance(part, Identifier):
            parts.append(Column(part.parts[1]))
        elif isinstance(part, str) and parts and isinstance(parts[-1], str):
            parts[-1] += part
        else:
            parts.append(part)
    return tuple(parts)


def is_delimited(before: str, after: str) -> bool:
    """Tell whether what stands between two texts is a whole argument, so that it needs no parentheses."""
    return before.rstrip().endswith(("(", ",")) and after.lstrip().startswith((")", ","))


def _is_simple(sql: Sql) -> bool:
    """Tell whether SQL needs no parentheses: a column, a parameter, or what stands in parentheses already."""
    if all(isinstance(part, Identifier) or part == "." for part in sql.parts):
        return True
    if len(sql.parts) == 1 and isinstance(sql.parts[0], Parameter):
        return True
    text = "".join(part if isinstance(part, str) else "x" for part in sql.parts)
    if not text.startswith("(") or "'" in text or '"' in text:
        return False
    depth = 0
    for position, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth == 0:
            return position == len(text) - 1
    return False
