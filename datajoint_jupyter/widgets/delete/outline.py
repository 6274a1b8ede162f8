"""A plan of a deletion as a tree of tables, and how one plan differs from another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from datajoint.table.delete_plan import DeletePlan
from datajoint_jupyter.display.values import key_text

BIG_ROWS = 1000
"""Rows beyond which the table's name is asked for."""


@dataclass(frozen=True, slots=True)
class PlannedTable:
    """A table that loses rows.

    Attributes
    ----------
    name : str
    depth : int
        How far below the first table, along foreign keys.
    rows : int
    added : int
        Rows that an earlier plan did not show.
    blocked : bool
        Whether the user may not delete from it.
    sample : tuple of str
        The first few keys.
    """

    name: str
    depth: int
    rows: int
    added: int
    blocked: bool
    sample: tuple[str, ...]

    def state(self) -> dict[str, Any]:
        """Return what the page shows."""
        return {
            "name": self.name,
            "depth": self.depth,
            "rows": self.rows,
            "added": self.added,
            "blocked": self.blocked,
            "sample": list(self.sample),
        }


@dataclass(frozen=True, slots=True)
class Outline:
    """What a plan takes from which tables.

    Attributes
    ----------
    table : str
        The table to delete from.
    rows : int
        Of all tables.
    tables : tuple of PlannedTable
        As a tree: each after the one that it depends on.
    untouched : tuple of str
        Tables that depend on it and lose no row.
    notes : tuple of str
        What else there is to know.
    refused : str
        Why the plan may not be executed; empty if it may.
    """

    table: str
    rows: int
    tables: tuple[PlannedTable, ...]
    untouched: tuple[str, ...]
    notes: tuple[str, ...]
    refused: str

    @property
    def is_big(self) -> bool:
        """Whether the table's name has to be typed: many rows go, or rows of several tables."""
        return self.rows > BIG_ROWS or len(self.tables) > 1

    @property
    def headline(self) -> str:
        """The plan in a few words."""
        if not self.rows:
            return f"No row of {self.table} is chosen: there is nothing to delete"
        return f"{rows_text(self.rows)} will be deleted from {tables_text(len(self.tables))}"

    def state(self) -> dict[str, Any]:
        """Return what the page shows."""
        return {
            "table": self.table,
            "rows": self.rows,
            "headline": self.headline,
            "tables": [table.state() for table in self.tables],
            "untouched": list(self.untouched),
            "notes": list(self.notes),
            "refused": self.refused,
            "big": self.is_big,
        }


def rows_text(count: int) -> str:
    """Return a number of rows in words."""
    return f"{count:,} row{'' if count == 1 else 's'}"


def tables_text(count: int) -> str:
    """Return a number of tables in words."""
    return f"{count} table{'' if count == 1 else 's'}"


def outline_of(plan: DeletePlan, added: Mapping[str, int]) -> Outline:
    """Return the outline of a plan; asks the database for privileges and for masters that would stay.

    Parameters
    ----------
    plan : DeletePlan
    added : mapping
        By table, the rows that an earlier plan did not show.
    """
    blocked = set(plan.lacking())
    found = {table.name: table for table in plan.tables}
    tables = tuple(
        PlannedTable(
            str(name),
            depth,
            found[name].count,
            added.get(str(name), 0),
            name in blocked,
            tuple(key_text(key) for key in found[name].sample),
        )
        for name, depth in _walk(plan)
    )
    return Outline(
        str(plan.seed.name),
        len(plan),
        tables,
        tuple(str(table.name) for table in plan.tables if not table.count),
        tuple(
            f"{rows_text(len(keys))} of {plan.graph.masters[part]} lose rows of {part} and stay."
            for part, keys in plan.incomplete().items()
        ),
        _refusal(plan),
    )


def _refusal(plan: DeletePlan) -> str:
    from datajoint import DataJointError  # noqa: PLC0415 - the root is imported where it is used

    try:
        plan.check()
    except DataJointError as error:
        return str(error)
    return ""


def _walk(plan: DeletePlan) -> Iterator[tuple[Any, int]]:
    """Yield tables that lose rows with their depth, each below one that it depends on, a part below its master."""
    losing = [table.name for table in plan.tables if table.count]
    above: dict[Any, Any] = {}
    for name in losing:  # parents come first
        master = plan.graph.masters.get(name)
        if master in losing:
            above[name] = master
        for key in plan.graph.children.get(name, ()):
            if key.child in losing and key.child != name:
                above.setdefault(key.child, name)

    def below(name: Any, depth: int, seen: frozenset[Any]) -> Iterator[tuple[Any, int]]:
        yield name, depth
        for child in losing:
            if above.get(child) == name and child not in seen:
                yield from below(child, depth + 1, seen | {child})

    for name in losing:
        if name not in above:
            yield from below(name, 0, frozenset({name}))


def rows_added(shown: DeletePlan, now: DeletePlan) -> dict[str, int]:
    """Return, by table, how many rows of the plan `now` the plan `shown` does not have."""
    before = {table.name: set(table.keys) for table in shown.tables}
    counts = {str(t.name): sum(key not in before.get(t.name, ()) for key in t.keys) for t in now.tables}
    return {name: count for name, count in counts.items() if count}
