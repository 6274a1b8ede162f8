"""Which rows of related tables go with the rows of a first one, said by conditions that the database evaluates.

A condition travels along foreign keys, down to the rows that refer to a row, or up to the rows that it refers to. What
is said of columns that a foreign key carries along is said of the next table directly, so that a chain of tables does
not become a chain of subqueries, and what arrives by several paths as the same is kept once. Nothing here sends a
statement.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from datajoint.backends.catalog import ForeignKeyInfo, TableInfo
from datajoint.definition import TableName
from datajoint.expression import predicates as p
from datajoint.expression.predicates import Predicate
from datajoint.usertext import UserFragment

Mode = Literal["any", "all"]

_MAX_ITEMS = 8  # ways to reach a table that are followed one by one


@dataclass(frozen=True, slots=True)
class Own:
    """Rows for which `predicate`, on attributes of the table itself, is true.

    `names` are the attributes that it reads; None where it may read others than it shows.
    """

    predicate: Predicate
    names: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Filled:
    """Rows none of whose `columns` is NULL."""

    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Linked:
    """Rows whose `columns` have values that the columns `values` have in one of the rows `source`.

    Of these only rows count that have none of `filled` NULL.
    """

    columns: tuple[str, ...]
    source: Rows
    values: tuple[str, ...]
    filled: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that satisfy any, or all, of `items`."""

    mode: Mode
    items: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a table that satisfy a condition."""

    table: TableName
    condition: Condition


Condition = Own | Filled | Linked | Group
Conditions = Mapping[TableName, Condition]


def own(predicate: Predicate) -> Own:
    """Return the condition that `predicate` puts on its table."""
    return Own(predicate, frozenset(p.attribute_names(predicate)) if _is_plain(predicate) else None)


def _is_plain(predicate: Predicate) -> bool:
    """Tell whether a predicate reads nothing but the attributes that it names, whatever table has them."""
    match predicate:
        case p.All(items) | p.AnyOf(items):
            return all(map(_is_plain, items))
        case p.Negation(item):
            return _is_plain(item)
        case p.Text(fragment):
            return isinstance(fragment, UserFragment)
        case _:
            return isinstance(predicate, p.Compare | p.IsNull | p.Beyond | p.OneOf)


def reach_down(
    tables: Iterable[TableInfo],
    seeds: Mapping[TableName, Sequence[Condition]],
    mode: Mode,
    *,
    same_parent: Mode | None = None,
) -> dict[TableName, Condition]:
    """Carry conditions on some tables to all that depend on them.

    Parameters
    ----------
    tables : iterable of TableInfo
        Parents before children.
    seeds : mapping
        The conditions to begin with.
    mode : {"any", "all"}
        Whether a row is reached that refers to a reached row by any of its foreign keys, or by all those that refer to
        reached tables.
    same_parent : {"any", "all"}, optional
        The same for foreign keys that refer to the same table; by default as `mode`.

    Returns
    -------
    dict
        The conditions of the tables reached, parents first.
    """
    found: dict[TableName, list[Condition]] = {}
    for info in tables:
        items = list(seeds.get(info.name, ()))
        for links in _by_parent(info, found):
            steps = [_down(info, link, found[link.parent], mode) for link in links]
            if len(steps) > 1 and mode == "all" and same_parent == "any":
                steps = [[_group("any", [_group("all", step) for step in steps])]]
            _extend(items, (item for step in steps for item in step))
        if items:
            found[info.name] = items
    return {name: _group(mode, items) for name, items in found.items()}


def reach_up(tables: Sequence[TableInfo], seeds: Mapping[TableName, Sequence[Condition]]) -> dict[TableName, Condition]:
    """Carry conditions on some tables to all that they depend on: to the rows that a reached row refers to.

    Parameters
    ----------
    tables : sequence of TableInfo
        Parents before children.
    seeds : mapping
        The conditions to begin with.

    Returns
    -------
    dict
        The conditions of the tables reached, parents first.
    """
    infos = {info.name: info for info in tables}
    found: dict[TableName, list[Condition]] = {name: list(items) for name, items in seeds.items()}
    for info in reversed(tables):
        for link in info.foreign_keys if info.name in found else ():
            if link.parent in infos and link.parent != info.name:
                _extend(found.setdefault(link.parent, []), _up(infos, link, found[info.name]))
    return {name: _group("any", found[name]) for name in infos if name in found}


def _by_parent(info: TableInfo, found: Mapping[TableName, object]) -> Iterable[list[ForeignKeyInfo]]:
    links: dict[TableName, list[ForeignKeyInfo]] = {}
    for link in info.foreign_keys:
        if link.parent in found and link.parent != info.name:
            links.setdefault(link.parent, []).append(link)
    return links.values()


def _extend(items: list[Condition], new: Iterable[Condition]) -> None:
    items.extend(item for item in new if item not in items)


def _group(mode: Mode, items: Sequence[Condition]) -> Condition:
    return items[0] if len(items) == 1 else Group(mode, tuple(items))


# --- one step down
def _down(child: TableInfo, link: ForeignKeyInfo, items: Sequence[Condition], mode: Mode) -> list[Condition]:
    """Return the conditions on `child` of which one (any) or all must hold for its parent row to be reached."""
    mapped = dict(zip(link.parent_columns, link.columns, strict=True))
    carried = [_carried(item, mapped) for item in items]
    steps = [step for step in carried if step is not None]
    rest = [item for item, step in zip(items, carried, strict=True) if step is None]
    if len(items) > _MAX_ITEMS:
        steps, rest = [], list(items)
    if rest:
        steps.append(Linked(link.columns, Rows(link.parent, _group(mode, rest)), link.parent_columns))
    nullable = tuple(column.name for column in child.columns if column.nullable and column.name in link.columns)
    if not nullable:
        return steps
    # A reference with any column NULL refers to nothing; values compared with others are not NULL anyway.
    if mode == "all":
        return steps if rest else [*steps, Filled(nullable)]
    return [_filled(step, nullable) for step in steps]


def _filled(step: Condition, nullable: tuple[str, ...]) -> Condition:
    missing = tuple(c for c in nullable if not (isinstance(step, Linked) and c in step.columns))
    return Group("all", (step, Filled(missing))) if missing else step


def _carried(item: Condition, mapped: Mapping[str, str]) -> Condition | None:
    """Return what `item`, on the parent, says of the child's columns; None if the foreign key does not carry it."""
    match item:
        case Own(_, names):
            return item if names and all(mapped.get(name) == name for name in names) else None
        case Linked(columns) if mapped.keys() >= set(columns):
            return Linked(tuple(mapped[c] for c in columns), item.source, item.values, item.filled)
        case Filled(columns) if mapped.keys() >= set(columns):
            return Filled(tuple(mapped[c] for c in columns))
        case Group(mode, items):
            carried = [_carried(each, mapped) for each in items]
            kept = tuple(each for each in carried if each is not None)
            return Group(mode, kept) if len(kept) == len(items) else None
        case _:
            return None


# --- one step up
def _up(infos: Mapping[TableName, TableInfo], link: ForeignKeyInfo, items: Sequence[Condition]) -> Iterable[Condition]:
    """Yield the conditions on the parent: it is referred to by a row of the child that is reached by any of `items`.

    A row that was reached upwards exists, because the foreign keys say so. So its columns need not be looked up in it.
    """
    rest: list[Condition] = []
    for item in items:
        if isinstance(item, Linked) and set(link.columns) <= set(item.columns) and len(items) <= _MAX_ITEMS:
            origin = dict(zip(item.columns, item.values, strict=True))
            nullable = {column.name for column in infos[item.source.table].columns if column.nullable}
            filled = (*item.filled, *(c for c in item.values if c in nullable and c not in item.filled))
            yield Linked(link.parent_columns, item.source, tuple(origin[c] for c in link.columns), filled)
        else:
            rest.append(item)
    if rest:
        yield Linked(link.parent_columns, Rows(link.child, _group("any", rest)), link.columns)
