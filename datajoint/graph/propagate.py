"""What hangs on what: the tables below and above a table, and which rows go with the rows to be deleted.

Nothing here sends a statement. The structure is read through a function that loads schemas, rows through a `RowReader`,
so that the same algorithm runs on a database and on lists in a test.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from datajoint.backends.catalog import ForeignKeyInfo, SchemaCatalog, TableInfo
from datajoint.definition import TableName
from datajoint.errors import DataJointError

PartIntegrity = Literal["enforce", "ignore", "cascade", "strict"]
RowKey = tuple[Any, ...]
LoadSchemas = Callable[[Sequence[str]], Mapping[str, SchemaCatalog]]


class RowReader(Protocol):
    """Where rows come from; all keys are values of primary keys, in the order of their columns."""

    def children(self, link: ForeignKeyInfo, parents: Sequence[RowKey]) -> Iterable[RowKey]:
        """Return the keys of the child rows that refer by `link` to one of `parents`."""

    def parents(self, link: ForeignKeyInfo, children: Sequence[RowKey]) -> Iterable[RowKey]:
        """Return the keys of the parent rows to which one of `children` refers by `link`."""


def master_name(name: TableName, tables: Iterable[str]) -> TableName | None:
    """Return the master of a part, by its name, if it is among the `tables` of the schema; None for any other table."""
    master = name.name.rpartition("__")[0]
    return TableName(name.schema, master) if master and master in tables else None


@dataclass(frozen=True, slots=True)
class ForeignKeyGraph:
    """The part of the structure that a cascade can reach.

    Attributes
    ----------
    tables : mapping of TableName to TableInfo
        In topological order: parents first.
    children : mapping of TableName to tuple of ForeignKeyInfo
        The foreign keys that refer to a table.
    masters : mapping of TableName to TableName
        Of the parts among `tables`.
    """

    tables: Mapping[TableName, TableInfo]
    children: Mapping[TableName, tuple[ForeignKeyInfo, ...]]
    masters: Mapping[TableName, TableName]

    def own_links(self, name: TableName) -> list[ForeignKeyInfo]:
        """Return the foreign keys by which rows of the table refer to rows of the same table."""
        return [key for key in self.children.get(name, ()) if key.child == name]

    def master_links(self, part: TableName) -> list[ForeignKeyInfo]:
        """Return the foreign keys by which rows of a part belong to their master.

        Those within the primary key if there are any, else all that refer to the master; without such, those that refer
        to sibling parts, whose rows belong to the same master.
        """
        info, master = self.tables[part], self.masters[part]
        direct = [key for key in info.foreign_keys if key.parent == master]
        siblings = {p for p, m in self.masters.items() if m == master and p != part}
        links = direct or [key for key in info.foreign_keys if key.parent in siblings]
        return [key for key in links if set(key.columns) <= set(info.primary_key)] or links


def downstream(seed: TableName, load: LoadSchemas, *, with_masters: bool) -> ForeignKeyGraph:
    """Find all tables that depend on `seed`, in any schema, whether or not this program uses it.

    Parameters
    ----------
    load : callable
        Given names of schemas, returns their structure.
    with_masters : bool
        Whether the masters of parts that are met belong to the graph too, with all that depends on them.

    Raises
    ------
    DataJointError
        If the table does not exist, or the tables refer to each other in a circle.
    """
    catalogs: dict[str, SchemaCatalog] = {}
    tables: dict[TableName, TableInfo] = {}
    children: dict[TableName, tuple[ForeignKeyInfo, ...]] = {}
    masters: dict[TableName, TableName] = {}
    frontier = {seed}
    while frontier:
        catalogs.update(load(sorted({name.schema for name in frontier} - set(catalogs))))
        reached: set[TableName] = set()
        for name in frontier:
            tables[name] = _table_info(catalogs, name)
            catalog = catalogs[name.schema]
            children[name] = _referring(catalog, name)
            reached.update(key.child for key in children[name])
            if master := master_name(name, catalog.tables):
                masters[name] = master
                if with_masters:
                    # A part that refers to a sibling leads to the master through it.
                    reached.add(master)
        frontier = reached - set(tables)
    order = _sorted(tables, children, masters)
    return ForeignKeyGraph({n: tables[n] for n in order}, children, masters)


def upstream(seed: TableName, load: LoadSchemas) -> dict[TableName, TableInfo]:
    """Find `seed` and all tables that it depends on, in any schema; in topological order: parents first.

    Parameters
    ----------
    load : callable
        Given names of schemas, returns their structure.

    Raises
    ------
    DataJointError
        If the table does not exist, or the tables refer to each other in a circle.
    """
    catalogs: dict[str, SchemaCatalog] = {}
    tables: dict[TableName, TableInfo] = {}
    frontier = {seed}
    while frontier:
        catalogs.update(load(sorted({name.schema for name in frontier} - set(catalogs))))
        for name in frontier:
            tables[name] = _table_info(catalogs, name)
        frontier = {key.parent for name in frontier for key in tables[name].foreign_keys} - set(tables)
    children: dict[TableName, list[ForeignKeyInfo]] = defaultdict(list)
    for info in tables.values():
        for key in info.foreign_keys:
            if key.parent == info.name:
                raise DataJointError(
                    f"DataJoint can only work with acyclic dependencies; {info.name} refers to itself."
                )
            children[key.parent].append(key)
    return {name: tables[name] for name in _sorted(tables, children, {})}


def _table_info(catalogs: Mapping[str, SchemaCatalog], name: TableName) -> TableInfo:
    catalog = catalogs.get(name.schema)
    if catalog is None or name.name not in catalog.tables:
        raise DataJointError(f"Table {name} does not exist, or you may not see it.", table=str(name))
    return catalog.tables[name.name]


def _referring(catalog: SchemaCatalog, name: TableName) -> tuple[ForeignKeyInfo, ...]:
    own = (key for table in catalog.tables.values() for key in table.foreign_keys if key.parent == name)
    keys = [*own, *(key for key in catalog.incoming if key.parent == name)]
    return tuple(k for k in dict.fromkeys(keys) if not k.child.name.startswith("~"))


def _sorted(
    tables: Iterable[TableName],
    children: Mapping[TableName, Sequence[ForeignKeyInfo]],
    masters: Mapping[TableName, TableName],
) -> list[TableName]:
    """Sort parents first; where nothing decides, a part comes right after its master, then by name."""
    waiting: dict[TableName, set[TableName]] = {name: set() for name in tables}
    for parent, keys in children.items():
        for key in keys:
            if key.child != parent and key.child in waiting:
                waiting[key.child].add(parent)
    order: list[TableName] = []
    place: dict[TableName, int] = {}
    while waiting:
        ready = [name for name, parents in waiting.items() if not parents]
        if not ready:
            names = ", ".join(sorted(map(str, waiting)))
            raise DataJointError(
                f"DataJoint can only work with acyclic dependencies; these refer to each other: {names}."
            )
        chosen = min(ready, key=lambda n: (-place.get(masters.get(n, n), -1), n))
        place[chosen] = len(order)
        order.append(chosen)
        del waiting[chosen]
        for parents in waiting.values():
            parents.discard(chosen)
    return order


def affected_rows(
    graph: ForeignKeyGraph, seed: TableName, keys: Iterable[RowKey], rows: RowReader, part_integrity: PartIntegrity
) -> dict[TableName, list[RowKey]]:
    """Return, for each table of `graph`, the primary keys of the rows that go with the rows `keys` of `seed`.

    A row goes if any of its foreign keys, all of whose columns are filled, refers to a row that goes. With
    ``cascade``, the master row of a part row that goes does too, and with it whatever depends on it.
    """
    found: dict[TableName, dict[RowKey, None]] = {name: {} for name in graph.tables}
    pending: dict[TableName, dict[RowKey, None]] = defaultdict(dict)

    def add(name: TableName, new: Iterable[RowKey]) -> None:
        for key in new:
            if key not in found[name]:
                found[name][key] = None
                pending[name][key] = None

    add(seed, keys)
    while pending:
        # Parents first, so that a table is asked once for the rows of all its parents wherever possible.
        name = next(n for n in graph.tables if n in pending)
        fresh = list(pending.pop(name))
        for link in graph.children[name]:
            add(link.child, rows.children(link, fresh))
        if part_integrity == "cascade" and name in graph.masters:
            add(graph.masters[name], _master_rows(graph, name, fresh, rows))
    return {name: list(found[name]) for name in graph.tables}


def _master_rows(graph: ForeignKeyGraph, part: TableName, keys: Sequence[RowKey], rows: RowReader) -> set[RowKey]:
    """Return the masters' keys of the rows `keys` of `part`, along every path through sibling parts."""
    result: set[RowKey] = set()
    for link in graph.master_links(part):
        parents = list(rows.parents(link, keys))
        if link.parent == graph.masters[part]:
            result.update(parents)
        elif parents:
            result |= _master_rows(graph, link.parent, parents, rows)
    return result


def incomplete_masters(
    graph: ForeignKeyGraph, found: Mapping[TableName, Sequence[RowKey]], rows: RowReader
) -> dict[TableName, list[RowKey]]:
    """Return, by part, the keys of the masters that stay although rows of the part that belong to them go.

    Parameters
    ----------
    graph : ForeignKeyGraph
        With masters.
    found : mapping
        The rows that go.
    """
    result: dict[TableName, list[RowKey]] = {}
    for part, master in graph.masters.items():
        if keys := found.get(part):
            left = _master_rows(graph, part, keys, rows) - set(found.get(master, ()))
            if left:
                result[part] = sorted(left, key=repr)
    return result


def orphaning_parts(graph: ForeignKeyGraph, counts: Mapping[TableName, int]) -> list[TableName]:
    """Return the parts that lose rows while no row of their master's table goes."""
    return [part for part, master in graph.masters.items() if counts.get(part, 0) and not counts.get(master, 0)]


def waves(keys: Sequence[RowKey], parents_of: Mapping[RowKey, Iterable[RowKey]]) -> list[list[RowKey]]:
    """Group rows of a table that refers to itself so that each wave refers to rows of later waves only.

    Raises
    ------
    DataJointError
        If rows refer to each other in a circle.
    """
    referrers = dict.fromkeys(keys, 0)
    for child in keys:
        for parent in parents_of.get(child, ()):
            if parent != child and parent in referrers:
                referrers[parent] += 1
    result: list[list[RowKey]] = []
    wave = [key for key, count in referrers.items() if not count]
    left = len(referrers)
    while wave:
        result.append(wave)
        left -= len(wave)
        free: list[RowKey] = []
        for child in wave:
            for parent in parents_of.get(child, ()):
                if parent != child and parent in referrers:
                    referrers[parent] -= 1
                    if not referrers[parent]:
                        free.append(parent)
        wave = free
    if left:
        raise DataJointError(
            "The rows refer to each other in a circle.", hint="Set one of the references to NULL first."
        )
    return result
