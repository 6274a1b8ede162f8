"""Paths of foreign keys between two tables: how rows of one belong to rows of the other, many tables away.

Two tables are related through a common ancestor, of which either may be that ancestor itself. Of several ancestors
only the nearest count, and paths that match the same attributes are one. What is then still ambiguous is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from datajoint.definition import TableName
from datajoint.errors import DataJointError
from datajoint.naming import to_camel_case

if TYPE_CHECKING:
    from datajoint.connection import Connection
    from datajoint.graph.dependencies import Dependencies

Pairs = tuple[tuple[str, str], ...]
_MOST_PATHS = 200
_MOST_SHOWN = 5
_PREFIXES = "#_"


@dataclass(frozen=True, slots=True)
class Step:
    """One foreign key on a path, walked from child to parent (`up`) or from parent to child.

    Attributes
    ----------
    child, parent : TableName
    columns : tuple of (str, str)
        Attributes of the child with those of the parent that they refer to.
    up : bool
    """

    child: TableName
    parent: TableName
    columns: Pairs
    up: bool

    @property
    def target(self) -> TableName:
        """The table that it leads to."""
        return self.parent if self.up else self.child

    def __str__(self) -> str:
        renamed = ", ".join(child for child, parent in self.columns if child != parent)
        label = f"({renamed})" if renamed else ""
        return f" →{label} {self.parent}" if self.up else f" ←{label} {self.child}"


@dataclass(frozen=True, slots=True)
class Leg:
    """A way between two tables through at most one common ancestor.

    Attributes
    ----------
    start : TableName
    steps : tuple of Step
    matched : tuple of (str, str) or None
        Attributes of the start with those of the end that must be equal, if that alone decides; else None.
    """

    start: TableName
    steps: tuple[Step, ...]
    matched: Pairs | None

    @property
    def end(self) -> TableName:
        """The table that it leads to."""
        return self.steps[-1].target if self.steps else self.start

    @property
    def tables(self) -> list[TableName]:
        """All tables on the way, both ends included."""
        return [self.start, *(step.target for step in self.steps)]


@dataclass(frozen=True, slots=True)
class JoinPath:
    """The way from one table to another along foreign keys.

    ``a → b`` tells that `a` refers to `b`, ``a ← b`` that `b` refers to `a`; renamed attributes stand in parentheses.
    """

    legs: tuple[Leg, ...]

    @property
    def tables(self) -> list[TableName]:
        """All tables on the way, both ends included."""
        return [self.legs[0].start, *(step.target for leg in self.legs for step in leg.steps)]

    def __str__(self) -> str:
        return str(self.legs[0].start) + "".join(str(step) for leg in self.legs for step in leg.steps)


@dataclass(frozen=True, slots=True)
class Way:
    """One of the ways between two tables.

    Attributes
    ----------
    text : str
        As a `JoinPath` prints; of a way through a table that depends on both, the name of that table.
    via : str
        What chooses it among the others; empty if it needs no choice.
    """

    text: str
    via: str


def find_ways(connection: Connection, start: TableName, end: TableName) -> list[Way]:
    """Return the ways between two tables: those that `find_path` chooses from, else those that it must be told of."""
    graph = connection.dependencies
    with graph.lock:
        _cover(graph, {start.schema, end.schema})
        names = {name: node for node, name in graph.table_names.items()}
        if start not in names or end not in names:
            return []
        legs = _legs(graph, names, start, end, ())
        if len(legs) == 1:
            return [Way(leg_text(legs[0]), "")]
        if legs:
            return [Way(leg_text(leg), _selector(leg, legs)) for leg in legs]
        return [Way(meeting, meeting) for meeting in _meeting_points(graph, names, start, end)]


def find_path(connection: Connection, start: TableName, end: TableName, via: Sequence[Any] = ()) -> JoinPath:
    """Find the one way between two tables.

    Parameters
    ----------
    connection : Connection
    start, end : TableName
    via : sequence of TableName or str
        What the way must pass: tables, also by their bare or class name; attributes of a foreign key; or the text of
        a whole path. Tables that no common ancestor leads to are visited in this order.

    Returns
    -------
    JoinPath

    Raises
    ------
    DataJointError
        If there is no way, or several, which are then listed.
    """
    graph = connection.dependencies
    with graph.lock:
        extra = {item.schema for item in via if isinstance(item, TableName)}
        _cover(graph, {start.schema, end.schema, *extra})
        names = {name: node for node, name in graph.table_names.items()}
        for name in (start, end):
            if name not in names:
                raise DataJointError(f"The table {name} is not in the graph of foreign keys.", table=str(name))
        legs = _legs(graph, names, start, end, via)
        if not legs and via and (tables := [_table(item, names) for item in via]) and all(tables):
            stops = [start, *(t for t in tables if t is not None), end]
            return JoinPath(
                tuple(_single(graph, names, a, b, _legs(graph, names, a, b, ()), ()) for a, b in pairwise(stops))
            )
        return JoinPath((_single(graph, names, start, end, legs, via),))


def _cover(graph: Dependencies, schemas: set[str]) -> None:
    """See to it that all ancestors of the tables of `schemas` are in the graph."""
    graph.cover(schemas)
    if any(node not in graph.tables for node in graph.table_names):
        graph.load_all_upstream()


def _single(
    graph: Dependencies,
    names: dict[TableName, str],
    start: TableName,
    end: TableName,
    legs: list[Leg],
    via: Sequence[Any],
) -> Leg:
    if len(legs) == 1:
        return legs[0]
    if legs:
        listed = "\n".join(f"  {leg_text(leg)}   via={_selector(leg, legs)!r}" for leg in legs)
        raise DataJointError(
            f"{start} and {end} are related in {len(legs)} ways:\n{listed}\n", hint="Choose one with via=."
        )
    if via and (all_legs := _legs(graph, names, start, end, ())):
        listed = "".join(f"\n  {leg_text(leg)}" for leg in all_legs)
        raise DataJointError(
            f"No way from {start} to {end} passes {', '.join(map(str, via))}.", hint=f"There is:{listed}"
        )
    meeting = _meeting_points(graph, names, start, end)
    hint = f"There is a way through {' or '.join(meeting)}, if you name it with via=." if meeting else ""
    raise DataJointError(f"{start} and {end} are not related by foreign keys.", hint=hint or "Restrict by attributes.")


def leg_text(leg: Leg) -> str:
    """Return a leg as a path is printed."""
    return str(JoinPath((leg,)))


def _meeting_points(graph: Dependencies, names: dict[TableName, str], start: TableName, end: TableName) -> list[str]:
    """Return the names of the nearest tables below one of two that are related to both."""
    import networkx as nx  # noqa: PLC0415 - the graph has loaded it by now

    graph.load_all_downstream()
    above = [nx.ancestors(graph, names[table]) | {names[table]} for table in (start, end)]
    below = nx.descendants(graph, names[start]) | nx.descendants(graph, names[end])
    meeting = {t for t in below if all(not nx.ancestors(graph, t).isdisjoint(one) for one in above)}
    nearest = [table for table in meeting if nx.ancestors(graph, table).isdisjoint(meeting)]
    return sorted(str(graph.table_names[table]) for table in nearest)[:_MOST_SHOWN]


# --- the search
@dataclass(frozen=True, slots=True)
class _Climb:
    """A way up: its steps, which of the table's key attributes are which of the start's, and what of `via` it passes."""

    steps: tuple[Step, ...]
    traced: Pairs | None
    passed: frozenset[int]

    @property
    def signature(self) -> Any:
        """What it matches: two ways of one signature are the same relation."""
        return (self.steps if self.traced is None else frozenset(self.traced), self.passed)


def _legs(
    graph: Dependencies, names: dict[TableName, str], start: TableName, end: TableName, via: Sequence[Any]
) -> list[Leg]:
    import networkx as nx  # noqa: PLC0415

    wanted = [str(item) for item in via]
    up, down = _climbs(graph, names[start], via), _climbs(graph, names[end], via)
    common = up.keys() & down.keys()
    if not via:
        common = {node for node in common if nx.descendants(graph, node).isdisjoint(common)}
    by_apex: dict[str, list[Leg]] = {}
    for node in common:
        for a in up[node]:
            for b in down[node]:
                leg = _joined(start, a, b)
                chosen = len(a.passed | b.passed) == len(via) or wanted == [leg_text(leg)]
                if chosen and len(set(leg.tables)) == len(leg.tables):
                    by_apex.setdefault(node, []).append(leg)
    found: dict[Any, Leg] = {}
    for node, legs in by_apex.items():
        if not nx.descendants(graph, node).isdisjoint(by_apex):
            continue  # a nearer ancestor says more
        for leg in sorted(legs, key=_by_length, reverse=True):
            found[frozenset(leg.matched) if leg.matched is not None else leg.steps] = leg
    return sorted(found.values(), key=_by_length)


def _by_length(leg: Leg) -> tuple[int, str]:
    return len(leg.steps), leg_text(leg)


def _joined(start: TableName, a: _Climb, b: _Climb) -> Leg:
    down = tuple(Step(s.child, s.parent, s.columns, up=False) for s in reversed(b.steps))
    matched = None
    if a.traced is not None and b.traced is not None:
        other = dict(b.traced)
        if other.keys() == dict(a.traced).keys():  # else they refer to it by different unique attributes
            matched = tuple((mine, other[column]) for column, mine in a.traced)
    return Leg(start, a.steps + down, matched)


def _climbs(graph: Dependencies, start: str, via: Sequence[Any]) -> dict[str, list[_Climb]]:
    """Return the different ways from a table to itself and each of its ancestors."""
    import networkx as nx  # noqa: PLC0415

    from datajoint.graph.dependencies import between_tables  # noqa: PLC0415 - which loads networkx

    above = nx.ancestors(graph, start) | {start}
    key = sorted(graph.tables[start].primary_key) if start in graph.tables else []
    own = _Climb((), tuple((column, column) for column in key), _passed(graph.table_names[start], (), via))
    ways: dict[str, dict[Any, _Climb]] = {start: {own.signature: own}}
    for node in reversed(list(nx.topological_sort(between_tables(graph.subgraph(above))))):
        for parent, _, data in sorted(graph.in_edges(node, data=True), key=lambda edge: (edge[0], str(edge[2]))):
            if parent == node:
                continue
            for way in list(ways[node].values()):
                longer = _longer(graph, way, node, parent, data, via)
                known = ways.setdefault(parent, {})
                best = known.get(longer.signature)
                if best is None or len(longer.steps) < len(best.steps):
                    known[longer.signature] = longer
                if len(known) > _MOST_PATHS:
                    raise DataJointError(
                        f"There are more than {_MOST_PATHS} ways from {graph.table_names[start]} to "
                        f"{graph.table_names[parent]}.",
                        hint="Go step by step, or join the tables.",
                    )
    return {node: list(found.values()) for node, found in ways.items()}


def _longer(
    graph: Dependencies, way: _Climb, node: str, parent: str, data: dict[str, Any], via: Sequence[Any]
) -> _Climb:
    columns: Pairs = tuple(data["attr_map"].items())
    step = Step(graph.table_names[node], graph.table_names[parent], columns, up=True)
    traced = None
    if not way.steps:  # all attributes of the start are at hand, not only its key
        traced = tuple(sorted((theirs, mine) for mine, theirs in columns))
    elif way.traced is not None:
        origin = dict(way.traced)
        if all(mine in origin for mine, _ in columns):
            traced = tuple(sorted((theirs, origin[mine]) for mine, theirs in columns))
    passed = way.passed | _passed(graph.table_names[parent], columns, via)
    return _Climb((*way.steps, step), traced, passed)


# --- via
def _passed(table: TableName, columns: Pairs, via: Sequence[Any]) -> frozenset[int]:
    """Return which items of `via` a table, reached by a foreign key, satisfies."""
    mine = {child for child, _ in columns}
    return frozenset(n for n, item in enumerate(via) if _is_called(table, item) or item in mine)


def _is_called(table: TableName, item: Any) -> bool:
    if isinstance(item, TableName):
        return item == table
    return item in {str(table), table.name, table.name.lstrip(_PREFIXES), to_camel_case(table.name)}


def _table(item: Any, names: Iterable[TableName]) -> TableName | None:
    found = [name for name in names if _is_called(name, item)]
    return found[0] if len(found) == 1 else None


def _selector(leg: Leg, legs: list[Leg]) -> str:
    """Return the shortest value of `via` that chooses this way among the others."""
    others = [other for other in legs if other is not leg]
    candidates = [str(table) for table in leg.tables[1:-1]]
    candidates += [child for step in leg.steps for child, parent in step.columns if child != parent]
    for candidate in candidates:
        if not any(_leads_by(other, candidate) for other in others):
            return candidate
    return leg_text(leg)


def _leads_by(leg: Leg, item: str) -> bool:
    return any(_is_called(t, item) for t in leg.tables) or any(item in dict(s.columns) for s in leg.steps)
