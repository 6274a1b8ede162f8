"""The tables that conditions can speak of: by the names that Python code gives them, and how they are related."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import datajoint as dj
from datajoint.errors import DataJointError
from datajoint.expression import QueryExpression
from datajoint.heading import Heading
from datajoint_jupyter.conditions import Compare, Condition, Group, TextMatch, restriction_of
from datajoint_jupyter.conditions.page import read_value
from datajoint_jupyter.display.values import kind_of, placeholder, text_of
from datajoint_jupyter.protocol import ProtocolError
from datajoint_jupyter.workspace import Workspace

KEYS = 20
"""Rows of a table of keys that are shown together."""

_SHOWN = 3  # attributes beside the key
_LONGEST = 60


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A row to choose: the key under the names that it has here, as a page's values, and what else tells it apart."""

    key: dict[str, str]
    label: str


class Tables:
    """What a builder knows of tables.

    Parameters
    ----------
    workspace : Workspace
    expression : QueryExpression
        What is restricted; stands under the empty name.
    """

    def __init__(self, workspace: Workspace, expression: QueryExpression) -> None:
        self._workspace, self._expression = workspace.on(expression.connection), expression
        self._known: dict[str, dj.Table] | None = None

    def about(self, expression: QueryExpression) -> Tables:
        """Return the same tables, with another expression to restrict."""
        other = Tables(self._workspace, expression)
        other._known = self._known
        return other

    def forget(self) -> None:
        """Look the tables up again when they are next asked for."""
        self._workspace.forget()
        self._known = None

    # --- names
    @property
    def names(self) -> dict[str, dj.Table]:
        """The tables of the notebook and its schemas, by the names of their classes, parts as ``Master.Part``."""
        if self._known is None:
            self._known = dict(sorted(self._all()))
        return self._known

    def _all(self) -> Iterator[tuple[str, dj.Table]]:
        seen = set()
        for name in self._workspace.table_names():
            table = self._lookup(name)
            if table is not None:
                seen.add(table.full_table_name)
                yield name, table
        # Tables whose bare names are taken go by their schema's name too.
        for schema, classes in self._workspace.tables().items():
            for name, cls in classes.items():
                for path, table in _with_parts(f"{schema}.{name}", cls):
                    if table.full_table_name not in seen and self._lookup(path) is not None:
                        yield path, table

    def _lookup(self, path: str) -> dj.Table | None:
        first, *rest = path.split(".")
        try:
            found = self._workspace.lookup(first)
            for name in rest:
                found = getattr(found, name)
        except (LookupError, AttributeError):
            return None
        table = found() if isinstance(found, type) else found
        return table if isinstance(table, dj.Table) else None

    def expression(self, name: str) -> QueryExpression:
        """Return a table by name.

        Raises
        ------
        KeyError
            If there is none.
        """
        return self._expression if not name else self.names[name]

    def heading(self, name: str) -> Heading:
        """Return the heading of a table; raises `KeyError` as `expression` does."""
        return self.expression(name).heading

    def name_of(self, table: QueryExpression) -> str | None:
        """Return how code names a table; None for one that has no name, and for other expressions."""
        if not isinstance(table, dj.Table):
            return None
        wanted = table.full_table_name
        return next((name for name, known in self.names.items() if known.full_table_name == wanted), None)

    # --- relations
    def related(self, name: str) -> list[dict[str, Any]]:
        """Return the tables that foreign keys lead to, however far, those near first."""
        origin = self.expression(name)
        found = []
        for other, table in self.names.items():
            ways = self.ways(name, other) if other != name and not _is_same(origin, table) else []
            if ways:
                steps = min(way["text"].count("→") + way["text"].count("←") for way in ways) or len(self.names)
                found.append((steps, other, table.heading.table_comment))
        return [{"name": other, "hint": comment} for _, other, comment in sorted(found, key=lambda item: item[:2])]

    def ways(self, origin: str, name: str) -> list[dict[str, str]]:
        """Return the ways between two tables, each with its text and what chooses it."""
        try:
            found = dj.Near(self.expression(name)).ways(self.expression(origin))
        except DataJointError:
            return []  # rows that belong to no single table are near none
        return [{"text": way.text, "via": way.via} for way in found]

    # --- keys
    def key_tables(self, origin: str) -> dict[str, dict[str, str]]:
        """Return the tables whose whole key is here, each with the names that its key has here."""
        here = {a.lineage: name for name, a in self.heading(origin).attributes.items() if a.lineage}
        own = self.expression(origin)
        found = {}
        for name, table in self.names.items():
            key = {attribute: here.get(table.heading[attribute].lineage or "") for attribute in table.primary_key}
            is_here = bool(key) and all(key.values()) and len(set(key.values())) == len(key)
            if is_here and not _is_same(own, table):
                found[name] = {attribute: str(mine) for attribute, mine in key.items()}
        return found

    def keys(self, origin: str, name: str, search: str, offset: int) -> list[KeyRow]:
        """Return rows of a table to choose a key from, up to one more than `KEYS`.

        Raises
        ------
        KeyError
            If its key is not here.
        """
        names = self.key_tables(origin)[name]
        table = self.expression(name)
        shown = [a.name for a in table.heading.attributes.values() if placeholder(a) is None and not a.in_key][:_SHOWN]
        if search.strip():
            table = table & restriction_of(_found_in(search.strip(), table.heading, [*names, *shown]), self.expression)
        rows = (table & dj.Top(KEYS + 1, "KEY", offset)).proj(*shown).to_dicts()
        return [
            KeyRow(
                {mine: text_of(row[attribute], 10_000) or "" for attribute, mine in names.items()},
                " · ".join(f"{a}: {text_of(row[a], _LONGEST) or 'missing'}" for a in (*names, *shown)),
            )
            for row in rows
        ]


def _with_parts(path: str, cls: Any) -> Iterator[tuple[str, dj.Table]]:
    yield path, cls()
    for name, part in vars(cls).items():
        if isinstance(part, type) and issubclass(part, dj.Part):
            yield f"{path}.{name}", part()


def _is_same(expression: QueryExpression, table: dj.Table) -> bool:
    return isinstance(expression, dj.Table) and expression.full_table_name == table.full_table_name


def _found_in(search: str, heading: Heading, names: list[str]) -> Condition:
    """Return that a text is part of a text, or is a value, of one of some attributes."""
    found: list[Condition] = []
    for name in names:
        attribute = heading[name]
        if kind_of(attribute) == "text" and attribute.value_type.kind != "enum":
            found.append(TextMatch(name, "contains", search))
            continue
        try:
            value = read_value(attribute, search)
        except ProtocolError:
            continue
        if attribute.value_type.is_number or attribute.value_type.kind in {"enum", "uuid"} or search[:4].isdigit():
            found.append(Compare(name, "=", value))
    return Group("or", tuple(found)) if found else Group("and", (Compare(names[0], "=", ""),))
