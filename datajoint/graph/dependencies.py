"""The graph of foreign keys: one node for each table, one edge for each foreign key, from parent to child."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import networkx as nx

from datajoint.errors import DataJointError
from datajoint.forking import reopened
from datajoint.naming import did_you_mean

if TYPE_CHECKING:
    from datajoint.backends.catalog import ForeignKeyInfo, SchemaCatalog, TableInfo
    from datajoint.connection import Connection
    from datajoint.definition import TableName

    _Graph = nx.MultiDiGraph[str]
else:
    _Graph = nx.MultiDiGraph

EdgeProperties = dict[str, Any]

# The table's own name is what follows the last quote character or dot: `s`.`t`, "s"."t" and, in one piece, `s.t`.
_PART = re.compile(
    r"(?P<master>(?:.*[`\".])?(?:#|__|_)?[^`\".#_~][^`\".]*)__(?P<part>[^`\"._][^`\".]*?)(?P<quote>[`\"]?)", re.DOTALL
)


def extract_master(name: str) -> str | None:
    """Return the full name of the master of the part table `name`, or None if it is no part.

    Parameters
    ----------
    name : str
        A full table name in any engine's quotes, or a bare table name.

    Examples
    --------
    >>> extract_master("`lab`.`__scan__frame`")
    '`lab`.`__scan`'
    >>> extract_master("`lab`.`__scan`") is None
    True
    """
    match = _PART.fullmatch(name)
    return match["master"] + match["quote"] if match else None


def topo_sort(graph: nx.DiGraph[str]) -> list[str]:
    """Return the nodes so that parents come before children and each master is followed at once by its parts.

    A part that depends on its own master through a table outside the group cannot follow its master at once; it
    then stands where the foreign keys allow.

    Parameters
    ----------
    graph : networkx.DiGraph
        Nodes are full table names; attributes are not needed.

    Raises
    ------
    DataJointError
        If foreign keys form a cycle.
    """
    plain = between_tables(graph)
    parts_of = _bind_parts(plain)
    bound = {part for parts in parts_of.values() for part in parts}
    return [member for node in _sorted(plain) if node not in bound for member in (node, *parts_of.get(node, ()))]


def between_tables(graph: nx.DiGraph[str]) -> nx.DiGraph[str]:
    """Return which table depends on which other one: rows that refer to rows of their own table order no tables."""
    plain: nx.DiGraph[str] = nx.DiGraph()
    plain.add_nodes_from(graph.nodes)
    plain.add_edges_from((parent, child) for parent, child in graph.edges() if parent != child)
    return plain


def _bind_parts(graph: nx.DiGraph[str]) -> dict[str, list[str]]:
    """Make masters come after all that their parts need; return, in order, the parts for which that is possible.

    A part stays out if one of its parents comes after its master, or would through an edge added before.
    """
    parts_of: dict[str, list[str]] = {}
    for part in _sorted(graph):
        master = extract_master(part)
        if master is None or master not in graph:
            continue
        bound = parts_of.setdefault(master, [])
        others = [p for p in graph.predecessors(part) if p != master and p not in bound]
        if others and not nx.descendants(graph, master).isdisjoint(others):
            continue
        bound.append(part)
        graph.add_edges_from((parent, master) for parent in others)
    return parts_of


def _sorted(graph: nx.DiGraph[str]) -> list[str]:
    try:
        return list(nx.topological_sort(graph))
    except nx.NetworkXUnfeasible as error:
        raise DataJointError(
            "DataJoint can only work with acyclic dependencies", hint=_describe_cycle(graph)
        ) from error


def _describe_cycle(graph: nx.DiGraph[str]) -> str:
    cycle = [edge[0] for edge in nx.find_cycle(graph)]
    return f"These tables refer to each other in a circle: {' → '.join([*cycle, cycle[0]])}."


class Dependencies(_Graph):
    """The foreign keys among the tables of a connection, read from its catalogs when first needed.

    A node is a full table name as the engine writes it, with the attribute ``primary_key`` (set of str). A table
    of a schema that is not loaded, at the other end of a loaded foreign key, is a node without attributes. An edge
    goes from parent to child; its key is the tuple of the child's attributes, and its data are

    ``attr_map`` : dict
        The child's attribute -> the parent's.
    ``primary`` : bool
        All of them are in the child's primary key.
    ``aliased`` : bool
        Some have another name in the child.
    ``multi`` : bool
        They are not exactly the child's primary key, so that a parent's row may have several children.

    Tables of the framework itself (``~…``) are left out.

    Parameters
    ----------
    connection : Connection, optional
        None makes a plain empty graph, as networkx does for copies.

    Attributes
    ----------
    table_names : dict
        Full name -> `TableName`, for every node.
    tables : dict
        Full name -> `TableInfo`, for nodes of loaded schemas.
    lock : RLock
        Held while the graph changes; hold it to read several things that must agree.
    """

    def __init__(self, connection: Connection | None = None) -> None:
        super().__init__()
        self._connection = connection
        self.lock = reopened(threading.RLock(), self.clear)
        self._loaded: frozenset[str] | None = None  # names of the schemas read, existing or not
        self._extent: frozenset[str] = frozenset()  # schemas asked for beyond the activated ones
        self.table_names: dict[str, TableName] = {}
        self.tables: dict[str, TableInfo] = {}

    # --- loading
    def load(self, force: bool = True, schema_names: Iterable[str] | None = None) -> None:
        """Read the graph of `schema_names`, or else of the activated schemas and those loaded before.

        Parameters
        ----------
        force : bool
            Read the structure again, also if it is known. False does nothing when the graph is loaded.
        schema_names : iterable of str, optional

        Raises
        ------
        DataJointError
            If foreign keys form a cycle.
        """
        with self.lock:
            if self._loaded is not None and not force:
                return
            connection = self._require_connection()
            if schema_names is None:
                wanted = self._extent | frozenset(connection.schemas)
            else:
                wanted = self._extent = frozenset(schema_names)
            if force and wanted:
                connection.forget_catalog(*wanted)
            self._fill(wanted)

    def cover(self, schema_names: Iterable[str]) -> None:
        """See to it that the graph covers `schema_names` too; does nothing if it does."""
        with self.lock:
            self.load(force=False)
            wanted = frozenset(schema_names)
            if not wanted <= (self._loaded or frozenset()):
                self._extent |= wanted
                self._fill(self._extent | frozenset(self._require_connection().schemas))

    def load_all_downstream(self) -> None:
        """Cover every schema whose tables depend, at any distance, on those covered now."""
        self._load_related(downstream=True)

    def load_all_upstream(self) -> None:
        """Cover every schema on whose tables those covered now depend, at any distance."""
        self._load_related(downstream=False)

    def _load_related(self, *, downstream: bool) -> None:
        with self.lock:
            self.load(force=False)
            connection = self._require_connection()
            known = set(self._loaded or ())
            frontier = set(known)
            while frontier:
                frontier = (
                    connection.backend.related_schemas(connection.execute, sorted(frontier), downstream=downstream)
                    - known
                )
                known |= frontier
            self.cover(known)

    def clear(self) -> None:
        """Forget what was read; the next question reads it again, with the same extent."""
        with self.lock:
            super().clear()
            self.table_names.clear()
            self.tables.clear()
            self._loaded = None

    def _require_connection(self) -> Connection:
        if self._connection is None:
            raise DataJointError("This graph has no connection.", hint="Use `connection.dependencies`.")
        return self._connection

    def _fill(self, schemas: frozenset[str]) -> None:
        catalogs = self._require_connection().catalogs(sorted(schemas))
        self.clear()
        for catalog in catalogs.values():
            for table in catalog.tables.values():
                if not table.name.name.startswith("~"):
                    node = self._add(table.name)
                    self.tables[node] = table
                    self.add_node(node, primary_key=set(table.primary_key))
        for catalog in catalogs.values():
            for key in _foreign_keys(catalog):
                self._add_edge(key)
        plain = between_tables(self)
        if not nx.is_directed_acyclic_graph(plain):
            hint = _describe_cycle(plain)
            self.clear()
            raise DataJointError("DataJoint can only work with acyclic dependencies", hint=hint)
        self._loaded = schemas

    def _add(self, name: TableName) -> str:
        node: str = self._require_connection().dialect.quote(name.identifier)
        self.table_names[node] = name
        self.add_node(node)
        return node

    def _add_edge(self, key: ForeignKeyInfo) -> None:
        child = self._add(key.child)
        primary_key = self.nodes[child].get("primary_key")
        columns = set(key.columns)
        self.add_edge(
            self._add(key.parent),
            child,
            key=key.columns,
            attr_map=dict(zip(key.columns, key.parent_columns, strict=True)),
            primary=primary_key is not None and columns <= primary_key,
            aliased=key.columns != key.parent_columns,
            multi=columns != primary_key,
        )

    # --- questions
    def topo_sort(self) -> list[str]:
        """Return all tables, parents before children and parts directly behind their masters."""
        with self.lock:
            self.load(force=False)
            return topo_sort(self)

    def parents(self, table_name: str, primary: bool | None = None) -> list[tuple[str, EdgeProperties]]:
        """Return the tables that `table_name` refers to, one entry for each foreign key.

        Parameters
        ----------
        table_name : str
            Full name.
        primary : bool, optional
            True for foreign keys wholly inside the primary key only, False for the others only.

        Returns
        -------
        list of (str, dict)
            Full name and properties of the edge.

        Raises
        ------
        DataJointError
            If the table is not in the graph.
        """
        with self.lock:
            self._require(table_name)
            return [
                (p, dict(data))
                for p, _, data in self.in_edges(table_name, data=True)
                if primary in (None, data["primary"])
            ]

    def children(self, table_name: str, primary: bool | None = None) -> list[tuple[str, EdgeProperties]]:
        """Return the tables that refer to `table_name`, one entry for each foreign key; as `parents`."""
        with self.lock:
            self._require(table_name)
            return [
                (c, dict(data))
                for _, c, data in self.out_edges(table_name, data=True)
                if primary in (None, data["primary"])
            ]

    def descendants(self, table_name: str) -> list[str]:
        """Return `table_name` and everything that depends on it, in topological order.

        Raises
        ------
        DataJointError
            If the table is not in the graph.
        """
        with self.lock:
            self._require(table_name)
            below = nx.descendants(self, table_name)
            return [table_name, *(node for node in topo_sort(self) if node in below)]

    def ancestors(self, table_name: str) -> Iterator[str]:
        """Iterate over `table_name` and everything that it depends on, nearest first.

        Raises
        ------
        DataJointError
            If the table is not in the graph.
        """
        with self.lock:
            self._require(table_name)
            above = nx.ancestors(self, table_name)
            return reversed([*(node for node in topo_sort(self) if node in above), table_name])

    def _require(self, table_name: str) -> None:
        self.load(force=False)
        if table_name not in self:
            raise DataJointError(
                f"The table {table_name} is not in the graph of foreign keys.",
                hint=did_you_mean(table_name, self.nodes) or "Activate its schema, or load it: dependencies.load().",
                table=table_name,
            )


def _foreign_keys(catalog: SchemaCatalog) -> Iterator[ForeignKeyInfo]:
    """Yield the foreign keys of a schema's tables and those from elsewhere into it, without tables of the framework."""
    own = (key for table in catalog.tables.values() for key in table.foreign_keys)
    for key in (*own, *catalog.incoming):
        if not (key.child.name.startswith("~") or key.parent.name.startswith("~")):
            yield key
