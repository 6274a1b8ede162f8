"""What a diagram shows, as plain data: boxes in clusters, and links. Writers of DOT, Mermaid and text take it from here."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import networkx as nx

from datajoint.diagram.class_names import ClassName, find_class_names
from datajoint.diagram.overlay import TableStatus, total_of
from datajoint.graph.dependencies import extract_master, topo_sort

if TYPE_CHECKING:
    from datajoint.backends.catalog import TableInfo
    from datajoint.connection import Connection
    from datajoint.definition import TableName
    from datajoint.diagram.palette import Tier

_TABLE = re.compile(r"(?P<prefix>#|__|_|)[a-z][a-z0-9]*(?:_[a-z0-9]+)*(?P<part>__[a-z][a-z0-9]*(?:_[a-z0-9]+)*)?")
TIER_NAMES: dict[Tier, str] = {
    "manual": "manual",
    "lookup": "lookup",
    "imported": "imported",
    "computed": "computed",
    "part": "part",
    "other": "of unknown tier",
    "collapsed": "several tables",
}
_TIERS: dict[str, Tier] = {"": "manual", "#": "lookup", "_": "imported", "__": "computed"}


def tier_of(table: str) -> Tier:
    """Return the tier that a table's name tells; ``other`` for names that follow no convention."""
    match = _TABLE.fullmatch(table)
    if match is None:
        return "other"
    return "part" if match["part"] else _TIERS[match["prefix"]]


@dataclass(frozen=True, slots=True)
class Box:
    """A table, or all collapsed tables of a schema.

    Attributes
    ----------
    name : str
        Unique in the scene: the class's name, else the full table name; of collapsed tables, their cluster's.
    label : str
        What is written in the box.
    title : str
        The class's name, else ``schema.table``; of collapsed tables, the schema and their number.
    schema : str
    tier : str
    table : TableName or None
        None for collapsed tables.
    master : str or None
        Name of the box of the master, if this is a part whose master is drawn too.
    beside_master : bool
        Whether the part can stand in the same rank as its master.
    new_dimension : bool
        Whether the table has key attributes of its own beside inherited ones; such labels are underlined.
    definition : tuple of str
        The table's definition in short, a line each.
    count : int
        Number of tables in the box.
    notes : tuple of str
        What else is written in it: of an overview the tiers of its tables, of a master the number of parts not drawn.
    status : TableStatus or None
        What is known of its tables.
    """

    name: str
    label: str
    title: str
    schema: str
    tier: Tier
    table: TableName | None = None
    master: str | None = None
    beside_master: bool = False
    new_dimension: bool = False
    definition: tuple[str, ...] = ()
    count: int = 1
    notes: tuple[str, ...] = ()
    status: TableStatus | None = None

    @property
    def alerts(self) -> bool:
        """Whether the status asks for attention."""
        return self.status is not None and self.status.alerts

    @property
    def lines(self) -> tuple[str, ...]:
        """What is written below the label."""
        return self.notes if self.status is None else (*self.notes, *self.status.lines())


@dataclass(frozen=True, slots=True)
class Link:
    """A foreign key, or several between two boxes of which at least one is collapsed.

    Attributes
    ----------
    parent, child : str
        Names of boxes.
    primary, one_to_one : bool
    renamed : tuple of (str, str)
        The child's attribute and the parent's, where they differ.
    bundle : bool
        Whether both ends are collapsed.
    count : int
        Number of foreign keys.
    """

    parent: str
    child: str
    primary: bool
    one_to_one: bool
    renamed: tuple[tuple[str, str], ...] = ()
    bundle: bool = False
    count: int = 1

    @property
    def strong(self) -> bool:
        """Whether it is drawn thick."""
        return self.one_to_one or self.bundle


@dataclass(frozen=True, slots=True)
class Cluster:
    """The boxes of a schema, in topological order."""

    schema: str
    label: str
    boxes: tuple[Box, ...]

    def groups(self) -> dict[str, list[Box]]:
        """Return masters that have parts here, by name, each with its parts."""
        groups: dict[str, list[Box]] = {}
        for box in self.boxes:
            if box.master is not None:
                groups.setdefault(box.master, []).append(box)
        return groups


@dataclass(frozen=True)
class Scene:
    """Everything that a diagram shows."""

    clusters: tuple[Cluster, ...]
    links: tuple[Link, ...]

    @cached_property
    def boxes(self) -> dict[str, Box]:
        """All boxes by name."""
        return {box.name: box for cluster in self.clusters for box in cluster.boxes}

    @property
    def title(self) -> str:
        """What the picture shows, in one sentence."""
        tables = sum(box.count for box in self.boxes.values())
        schemas = ", ".join(cluster.schema for cluster in self.clusters)
        return f"Diagram of {counted(tables)} in {schemas}" if tables else "Diagram without tables"


def counted(tables: int) -> str:
    """Return ``1 table`` or ``n tables``."""
    return f"{tables} table" if tables == 1 else f"{tables} tables"


@dataclass(frozen=True)
class SceneBuilder:
    """Makes a scene of a graph of foreign keys.

    Parameters
    ----------
    graph : networkx.MultiDiGraph
        As `Dependencies` makes it.
    table_names, tables : mapping
        Full name -> `TableName` of every node, and `TableInfo` where known.
    shown : set of str
        Full names of the tables to show.
    expanded : set of str
        Those to draw one by one; the others are collapsed, schema by schema.
    context : mapping
        Namespace in which to look for the tables' classes.
    connection : Connection or None
        That of the tables.
    folded : bool
        Whether parts are told in the boxes of their masters instead of having their own.
    overview : bool
        Whether collapsed tables are told by their tiers.
    statuses : mapping
        Full name -> what is known of the table.
    """

    graph: nx.MultiDiGraph[str]
    table_names: Mapping[str, TableName]
    tables: Mapping[str, TableInfo]
    shown: AbstractSet[str]
    expanded: AbstractSet[str]
    context: Mapping[str, Any]
    connection: Connection | None
    folded: bool = False
    overview: bool = False
    statuses: Mapping[str, TableStatus] = field(default_factory=dict)

    def build(self) -> Scene:
        """Return the scene."""
        clusters = tuple(Cluster(schema, self._labels[schema], tuple(self._boxes(schema))) for schema in self._labels)
        return Scene(clusters, tuple(self._links()))

    def members(self) -> dict[str, list[str]]:
        """Return the full names of the tables that each box stands for, a master before its parts."""
        found: dict[str, list[str]] = {}
        for node in sorted(self._order, key=lambda node: node in self._folds):
            found.setdefault(self._box_name(node), []).append(node)
        return found

    @cached_property
    def _order(self) -> list[str]:
        return [node for node in topo_sort(self.graph) if node in self.shown]

    @cached_property
    def _classes(self) -> dict[TableName, ClassName]:
        return find_class_names(self.context, self.connection, [self.table_names[node] for node in self._order])

    def _schema(self, node: str) -> str:
        return self.table_names[node].schema

    @cached_property
    def _plain_labels(self) -> dict[str, str]:
        """Schema -> the module that all its classes come from, else the schema's name."""
        modules: dict[str, set[str]] = {self._schema(node): set() for node in self._order}
        for table, found in self._classes.items():
            modules[table.schema].add(found.module)
        labels: dict[str, str] = {}
        for schema, names in modules.items():
            module = names.pop().rpartition(".")[2] if len(names) == 1 else "__main__"
            labels[schema] = schema if module == "__main__" else module  # "__main__" would tell a reader nothing
        return labels

    @cached_property
    def _labels(self) -> dict[str, str]:
        """Schema -> the label of its cluster; unique."""
        uses = Counter(self._plain_labels.values())
        return {
            schema: label if uses[label] == 1 else f"{label} ({schema})" for schema, label in self._plain_labels.items()
        }

    @cached_property
    def _collapsed(self) -> dict[str, str]:
        """Schema that has collapsed tables -> name of the box that stands for them."""
        uses = Counter(self._plain_labels.values())
        taken = {self._name(node) for node in self.expanded if node in self.table_names}
        names: dict[str, str] = {}
        for schema in dict.fromkeys(self._schema(node) for node in self._order if node not in self.expanded):
            label = self._plain_labels[schema]
            name = label if uses[label] == 1 else schema
            while name in taken:
                name += " (collapsed)"
            taken.add(name)
            names[schema] = name
        return names

    def _name(self, node: str) -> str:
        found = self._classes.get(self.table_names[node])
        return found.path if found else node

    def _box_name(self, node: str) -> str:
        if node not in self.expanded:
            return self._collapsed[self._schema(node)]
        return self._name(self._folds.get(node, node))

    @cached_property
    def _folds(self) -> dict[str, str]:
        """Part that has no box of its own -> its master."""
        masters = {node: self._drawn_master(node) for node in self._order} if self.folded else {}
        return {part: master for part, master in masters.items() if part in self.expanded and master is not None}

    # --- boxes
    def _boxes(self, schema: str) -> Iterator[Box]:
        members = [node for node in self._order if self._schema(node) == schema]
        for node in members:
            if node in self.expanded and node not in self._folds:
                yield self._table_box(node)
        if schema in self._collapsed:
            collapsed = [node for node in members if node not in self.expanded]
            count = len(collapsed)
            yield Box(
                name=self._collapsed[schema],
                label=f"({counted(count)})",
                title=f"{schema} ({counted(count)})",
                schema=schema,
                tier="collapsed",
                definition=(f"Collapsed schema: {counted(count)}",),
                count=count,
                notes=tuple(self._tally(collapsed)) if self.overview else (),
                status=self._status(collapsed),
            )

    def _tally(self, nodes: Sequence[str]) -> Iterator[str]:
        """Yield how many tables of which tier there are."""
        tiers = Counter(tier_of(self.table_names[node].name) for node in nodes)
        for tier, name in TIER_NAMES.items():
            if tiers[tier]:
                yield f"{tiers[tier]} {name}{'s' if tier == 'part' and tiers[tier] > 1 else ''}"

    def _status(self, nodes: Sequence[str]) -> TableStatus | None:
        return total_of([self.statuses[node] for node in nodes if node in self.statuses])

    def _table_box(self, node: str) -> Box:
        table = self.table_names[node]
        master = self._drawn_master(node)
        found = self._classes.get(table)
        parts = [part for part, folded_into in self._folds.items() if folded_into == node]
        return Box(
            name=self._name(node),
            label=self._label(node, master),
            title=found.path if found else str(table),
            schema=table.schema,
            tier=tier_of(table.name),
            table=table,
            master=None if master is None else self._name(master),
            beside_master=master is not None and self._beside(node, master),
            new_dimension=self._adds_dimension(node),
            definition=tuple(self._definition(node)),
            count=1 + len(parts),
            notes=(f"+ {len(parts)} part{'s' if len(parts) > 1 else ''}",) if parts else (),
            status=self._status([node]),
        )

    def _drawn_master(self, node: str) -> str | None:
        master = extract_master(node)
        return master if master in self.expanded and master in self.shown else None

    def _label(self, node: str, master: str | None) -> str:
        """Return the class's name without a prefix that the surroundings tell already, or the table's name."""
        table = self.table_names[node]
        found = self._classes.get(table)
        if found is None:
            if master is not None:
                return table.name.rpartition("__")[2]
            return table.name if self._labels[table.schema] == table.schema else f"{table.schema}.{table.name}"
        if master is not None:
            return found.path.rpartition(".")[2]
        return found.path.removeprefix(self._plain_labels[table.schema] + ".")

    def _beside(self, part: str, master: str) -> bool:
        """Tell whether nothing that is drawn lies between a master and its part."""
        between = self._below(master)
        return not any(parent in between and parent in self.shown for parent in self.graph.predecessors(part))

    def _below(self, node: str) -> set[str]:
        below: set[str] = nx.descendants(self.graph, node)
        return below

    def _adds_dimension(self, node: str) -> bool:
        primary_key: set[str] = self.graph.nodes[node].get("primary_key", set())
        inherited: set[str] = set()
        for _, _, data in self.graph.in_edges(node, data=True):
            if data["primary"]:
                inherited.update(data["attr_map"])
        return inherited < primary_key

    def _definition(self, node: str) -> Iterator[str]:
        """Yield the table's definition without types and comments; ``→`` leads to a parent."""
        info = self.tables.get(node)
        if info is None:
            return
        pending = list(info.foreign_keys)
        inherited = {column for key in info.foreign_keys for column in key.columns}
        in_key = True
        for column in info.columns:
            if in_key and column.name not in info.primary_key:
                in_key = False
                yield "-" * 30
            for key in [key for key in pending if column.name in key.columns]:
                pending.remove(key)
                yield self._reference(key.parent, dict(zip(key.columns, key.parent_columns, strict=True)))
            if column.name not in inherited and not column.name.startswith("_"):
                default = "null" if column.default is None and column.nullable else column.default
                yield column.name if default is None else f"{column.name}={default}"

    def _reference(self, parent: TableName, attr_map: Mapping[str, str]) -> str:
        found = self._classes.get(parent)
        renamed = ", ".join(f"{child}={theirs!r}" for child, theirs in attr_map.items() if child != theirs)
        return f"→ {found.path if found else parent}" + (f".proj({renamed})" if renamed else "")

    # --- links
    def _links(self) -> list[Link]:
        position = {node: index for index, node in enumerate(self._order)}
        links: list[Link] = []
        merged: dict[tuple[str, str], int] = {}  # ends -> place of the link
        for parent in self._order:
            for child in sorted((c for c in self.graph.successors(parent) if c in position), key=position.__getitem__):
                ends = self._box_name(parent), self._box_name(child)
                drawn = (parent in self.expanded) + (child in self.expanded)
                single = drawn == 2 and self._folds.keys().isdisjoint((parent, child))  # noqa: PLR2004 - both
                for data in self.graph.adj[parent][child].values():
                    if not single and ends in merged:
                        known = links[merged[ends]]
                        links[merged[ends]] = replace(known, count=known.count + 1)
                    elif single or ends[0] != ends[1]:
                        merged.setdefault(ends, len(links))
                        links.append(self._link(ends, data) if drawn else Link(*ends, True, True, bundle=True))
        return links

    @staticmethod
    def _link(ends: tuple[str, str], data: Mapping[str, Any]) -> Link:
        renamed = tuple((child, parent) for child, parent in data["attr_map"].items() if child != parent)
        return Link(*ends, data["primary"], not data["multi"], renamed)
