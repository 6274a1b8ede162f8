"""From rows to the rows of other tables that belong to them, one foreign key away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import datajoint as dj
from datajoint.expression import QueryExpression

Kind = Literal["parent", "master", "part", "computed", "child", "origin"]

COUNTED = 10_000
"""Related rows that are counted; of more it is only said that there are more."""

_AUTO = ("_", "__")
_ORDER: dict[Kind, int] = {"master": 0, "parent": 1, "origin": 2, "part": 3, "computed": 4, "child": 5}


@dataclass(frozen=True, slots=True)
class Relation:
    """A way to another table.

    Attributes
    ----------
    kind : str
        What the other table is to this one; ``computed`` are children that are populated, ``origin`` the tables that
        the attributes of a composed expression come from.
    table : Table
        The other table.
    attributes : mapping
        The other table's attributes to the names that they have here.
    """

    kind: Kind
    table: dj.Table
    attributes: Mapping[str, str]

    @property
    def name(self) -> str:
        """``schema.table`` of the other table."""
        return f"{self.table.database}.{self.table.table_name}"

    @property
    def _renames(self) -> dict[str, str]:
        return {there: here for there, here in self.attributes.items() if there != here}

    def rows(self, source: QueryExpression) -> QueryExpression:
        """Return the other table's rows that belong to rows of `source`."""
        values = dj.U(*self.attributes.values()) & source
        related: QueryExpression = self.table & (values.proj(**self._renames) if self._renames else values)
        return related

    def code(self, table: str, source: str) -> str:
        """Return Python text for `rows`, given the texts of the table and of the source."""
        values = f"(dj.U({', '.join(map(repr, self.attributes.values()))}) & {grouped(source)})"
        renames = ", ".join(f"{there}={here!r}" for there, here in self._renames.items())
        return f"{table} & {values}.proj({renames})" if renames else f"{table} & {values}"


def grouped(code: str) -> str:
    """Return Python text in parentheses unless it is a name or a call."""
    return code if code.replace(".", "").isidentifier() else f"({code})"


def relations(expression: QueryExpression) -> list[Relation]:
    """Return the ways from the rows of an expression to other tables: what they depend on first."""
    found = _of_table(expression) if isinstance(expression, dj.Table) else _origins(expression)
    return sorted(found, key=lambda relation: _ORDER[relation.kind])


def _of_table(table: dj.Table) -> list[Relation]:
    own = table.table_name
    found = []
    for parent, info in table.parents(as_objects=True, foreign_key_info=True):
        kind: Kind = "master" if _is_part(own, parent.table_name) and parent.database == table.database else "parent"
        found.append(Relation(kind, parent, {there: here for here, there in info["attr_map"].items()}))
    for child, info in table.children(as_objects=True, foreign_key_info=True):
        found.append(Relation(_kind_of_child(table, child), child, dict(info["attr_map"])))
    return found


def _kind_of_child(table: dj.Table, child: dj.Table) -> Kind:
    if child.database == table.database and _is_part(child.table_name, table.table_name):
        return "part"
    return "computed" if child.table_name.startswith(_AUTO) and "__" not in child.table_name.lstrip("_") else "child"


def _is_part(name: str, master: str) -> bool:
    return name.startswith(f"{master}__")


def _origins(expression: QueryExpression) -> list[Relation]:
    """Return the tables whose whole key is among the attributes of a composed expression."""
    here = {a.lineage: name for name, a in expression.heading.attributes.items() if a.lineage}
    names = dict.fromkeys(lineage.rsplit(".", 1)[0] for lineage in here)
    found = []
    for name in names:
        table = dj.FreeTable(expression.connection, name)
        if not table.is_declared:
            continue
        key: dict[str, Any] = {
            attribute: here.get(table.heading[attribute].lineage or "") for attribute in table.primary_key
        }
        if key and all(key.values()):
            found.append(Relation("origin", table, key))
    return found


def count_rows(rows: QueryExpression, seconds: float) -> int | None:
    """Return how many rows there are, ``COUNTED + 1`` for more than `COUNTED`, None if it takes too long."""
    try:
        with rows.connection.time_limit(seconds):
            return len(rows & dj.Top(COUNTED + 1, []))
    except dj.errors.TimeLimitError:
        return None
