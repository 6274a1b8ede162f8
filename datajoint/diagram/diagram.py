"""`Diagram`: a selection among the tables of the dependency graph, with operators to widen, narrow and draw it."""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, Self

import networkx as nx

from datajoint.diagram import subsets
from datajoint.diagram.class_names import full_name_of
from datajoint.diagram.overlay import OVERLAYS, Overlay, TableStatus, find_statuses
from datajoint.diagram.pictures import Pictures
from datajoint.diagram.scene import Scene, SceneBuilder
from datajoint.diagram.sources import callers_namespace, connection_of, spoken
from datajoint.errors import DataJointError, MissingTableError
from datajoint.graph.dependencies import extract_master, topo_sort
from datajoint.graph.propagate import PartIntegrity
from datajoint.logging import logger
from datajoint.naming import did_you_mean, shorten
from datajoint.table import FreeTable
from datajoint.table.reach import Mode
from datajoint.table.row_sets import RowSets
from datajoint.table.trace import Trace

if TYPE_CHECKING:
    from datajoint.backends.catalog import TableInfo
    from datajoint.connection import Connection
    from datajoint.definition import TableName
    from datajoint.graph.dependencies import Dependencies

    _Graph = nx.MultiDiGraph[str]
else:
    _Graph = nx.MultiDiGraph

_NOTHING: Any = object()


class Diagram(Pictures, _Graph):
    """The graph of foreign keys together with the set of tables to show of it.

    ``a + b`` shows the tables of both, ``a - b`` those of `a` without `b`'s, ``a * b`` those in both; ``a + 1`` adds
    the tables one foreign key downstream, ``a - 1`` those upstream. In place of `b` a single table may stand after
    ``+`` and ``-``. Operators return new diagrams, which keep the restrictions of the diagram on the left.

    `cascade`, `trace` and `restrict` make diagrams of rows too: iteration then yields restricted tables, and `counts`
    tells how many rows of each there are.

    Parameters
    ----------
    source : table, schema, module, Diagram or Trace
        A table's class or instance: that table. A schema, or a module that has one as ``schema``: all its tables.
        A diagram: a copy. What ``self.upstream`` is inside `make`: the diagram of it.
    context : mapping, optional
        Namespace in which the classes of the tables are looked for, to name them; by default that of the caller.
        With ``{}`` the names in the database are shown.

    Attributes
    ----------
    nodes_to_show : set of str
        Full names of the tables shown.
    context : dict
    statuses : dict
        Full table name -> `TableStatus`: what `overlay` found, told in the boxes.

    Raises
    ------
    DataJointError
        If `source` is none of these, or foreign keys form a cycle.
    MissingTableError
        If the table does not exist.

    Examples
    --------
    >>> dj.Diagram(schema)                   # doctest: +SKIP
    >>> dj.Diagram(Session) + 1 - 1          # doctest: +SKIP
    """

    def __init__(self, source: Any = _NOTHING, context: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        self.nodes_to_show: set[str] = set()
        self._expanded_nodes: set[str] = set()
        self._table_names: dict[str, TableName] = {}
        self._tables: dict[str, TableInfo] = {}
        self._connection: Connection | None = None
        self.context: dict[str, Any] = {}
        self.statuses: dict[str, TableStatus] = {}
        self._folded = False  # whether parts are told in the boxes of their masters
        self._overview = False  # whether collapsed tables are told by their tiers
        self._rows: RowSets | None = None  # of the tables with restrictions
        self._kind: subsets.Kind | None = None  # how these came about
        if source is _NOTHING:  # networkx makes empty graphs of the same class for subgraphs and reversed copies
            return
        if isinstance(source, Diagram):
            self._copy(source)
            if context is not None:
                self.context = dict(context)
            return
        self.context = callers_namespace() if context is None else dict(context)
        if isinstance(source, Trace):
            self._connection = source.connection
            subsets.take_trace(self, source)
            return
        self._connection = connection_of(source)
        self.nodes_to_show = self._select(source)
        self._expanded_nodes = set(self.nodes_to_show)

    @classmethod
    def from_sequence(cls, sequence: Iterable[Any], context: Mapping[str, Any] | None = None) -> Self:
        """Return the union of the diagrams of several sources.

        Parameters
        ----------
        sequence : iterable
            Whatever `Diagram` takes.
        context : mapping, optional
            As for `Diagram`; by default the caller's namespace.

        Raises
        ------
        TypeError
            If the sequence is empty.
        DataJointError
            As `Diagram`.
        """
        if context is None:
            context = callers_namespace()
        return functools.reduce(operator.add, (cls(source, context) for source in sequence))

    def _copy(self, other: Diagram) -> None:
        self._connection = other._connection
        self._join(other)
        self.nodes_to_show = set(other.nodes_to_show)
        self._expanded_nodes = set(other._expanded_nodes)
        self.context = dict(other.context)
        self.statuses = dict(other.statuses)
        self._look = other._look
        self._folded, self._overview = other._folded, other._overview
        self._rows, self._kind = other._rows, other._kind

    def copy(self, as_view: bool = False) -> Any:
        """Return a copy with the same selection; `as_view` as networkx has it."""
        return super().copy(as_view=True) if as_view else type(self)(self)

    # --- the graph behind
    def _select(self, source: Any) -> set[str]:
        """Load the graph with the schema of `source` and return the full names of the tables that it stands for."""
        table = full_name_of(source)
        schema = source if table is not None or not hasattr(source, "schema") else source.schema
        database = getattr(schema, "database", None)
        if not isinstance(database, str):
            raise DataJointError(
                f"Cannot plot Diagram for {spoken(source)}.",
                hint="Give a table, a schema, or a module with a `schema`.",
            )
        self._load(database)
        if table is None:
            return {node for node, name in self._table_names.items() if name.schema == database}
        if table not in self.nodes:
            raise MissingTableError(
                f"The table {table} is not in the database.", hint=did_you_mean(table, self.nodes) or None, table=table
            )
        return {table}

    def _load(self, *schemas: str) -> None:
        """Take over the connection's graph, after making sure that it covers `schemas`."""
        dependencies = self._require_connection().dependencies
        with dependencies.lock:
            dependencies.cover(schemas)
            self._join(dependencies)

    def _join(self, other: Diagram | Dependencies) -> None:
        """Add the nodes and edges of another graph; what is known of a table here is not replaced by less."""
        names, tables = (
            (other._table_names, other._tables) if isinstance(other, Diagram) else (other.table_names, other.tables)
        )
        self._table_names |= names
        self._tables |= tables
        known = {node for node, data in self.nodes(data=True) if data}
        self.add_nodes_from(other.nodes(data=True))
        for parent, child, key, data in other.edges(keys=True, data=True):
            if child not in known or other.nodes[child] or not self.has_edge(parent, child, key):
                self.add_edge(parent, child, key, **data)

    def _require_connection(self) -> Connection:
        if self._connection is None:
            raise DataJointError("This diagram has no connection.", hint="Make it of a schema or a table.")
        return self._connection

    # --- algebra
    def __add__(self, other: Any) -> Self:
        """Widen: by another diagram, by a table, or by `other` steps downstream."""
        result = type(self)(self)
        if isinstance(other, int):
            result._walk(other, downstream=True)
            return result
        if not isinstance(other, Diagram):
            if full_name_of(other) is None:
                return NotImplemented
            other = Diagram(other, context={})
        result._join(other)
        result.nodes_to_show |= other.nodes_to_show
        result._expanded_nodes |= other._expanded_nodes
        result.context |= other.context
        result.statuses = other.statuses | result.statuses
        if other._rows is not None and other._rows is not result._rows:
            logger.warning("The sum of two diagrams keeps the restrictions of the left one only.")
        return result

    def __sub__(self, other: Any) -> Self:
        """Narrow by another diagram or by a table; or widen by `other` steps upstream.

        Raises
        ------
        KeyError
            If the table is not shown.
        """
        result = type(self)(self)
        if isinstance(other, int):
            result._walk(other, downstream=False)
        elif isinstance(other, Diagram):
            result.nodes_to_show -= other.nodes_to_show
        else:
            table = full_name_of(other)
            if table is None:
                return NotImplemented
            result.nodes_to_show.remove(table)
        result._expanded_nodes &= result.nodes_to_show
        return result

    def __mul__(self, other: Diagram) -> Self:
        """Narrow to the tables that `other` shows too.

        Raises
        ------
        AttributeError
            If `other` is no diagram.
        """
        if not isinstance(other, Diagram):
            raise AttributeError(f"A diagram can be intersected with a diagram, not with {spoken(other)}.")  # noqa: TRY004 - the class is part of the interface
        result = type(self)(self)
        result.nodes_to_show &= other.nodes_to_show
        result._expanded_nodes &= result.nodes_to_show
        return result

    def _walk(self, steps: int, *, downstream: bool) -> None:
        """Show the tables `steps` foreign keys further."""
        if steps > 0 and downstream:
            self._expanded_nodes = set(self.nodes_to_show)
        for _ in range(steps):
            neighbors = self.successors if downstream else self.predecessors
            found = {n for node in self.nodes_to_show for n in neighbors(node)} - self.nodes_to_show
            if not found:
                return
            self.nodes_to_show |= found
            self._expanded_nodes |= found
            unknown = {self._table_names[node].schema for node in found if node not in self._tables}
            if unknown:
                self._load(*unknown)

    def add_parts(self) -> Self:
        """Return the diagram with the parts of every master that it shows."""
        result = type(self)(self)
        parts = {node for node in self.nodes if extract_master(node) in self.nodes_to_show} - self.nodes_to_show
        result.nodes_to_show |= parts
        result._expanded_nodes |= parts
        return result

    def collapse(self, by: Literal["schema", "master"] = "schema") -> Self:
        """Return the diagram with its tables collapsed into one box for each schema, or for each master and its parts.

        In a union with other diagrams, tables that these draw one by one stay so.

        Parameters
        ----------
        by : {"schema", "master"}

        Raises
        ------
        DataJointError
            For anything else.
        """
        result = type(self)(self)
        if by == "schema":
            result._expanded_nodes = set()
        elif by == "master":
            result._folded = True
        else:
            raise DataJointError(
                f"Tables cannot be collapsed by {shorten(by)}.", hint="Give 'schema', or 'master' for masters' parts."
            )
        return result

    def overview(self) -> Self:
        """Return the diagram of the schemas: each one box that tells how many tables of which tier it has.

        It can be read at a glance where hundreds of tables cannot.
        """
        result = self.collapse()
        result._overview = True
        return result

    # --- rows
    @classmethod
    def cascade(
        cls, table_expr: Any, part_integrity: PartIntegrity = "enforce", context: Mapping[str, Any] | None = None
    ) -> Self:
        """Return the diagram of all rows that a `delete` of the given rows would take along; nothing is deleted.

        It has the table and all that depend on it, in any schema.

        Parameters
        ----------
        table_expr : table class, table, or restricted or projected table
        part_integrity : {"enforce", "ignore", "cascade"}
            With ``cascade``, the masters of part rows that would go are taken along too, with all that depends on them.
        context : mapping, optional
            As for `Diagram`.

        Raises
        ------
        ValueError
            For another value of `part_integrity`.
        DataJointError
            If `table_expr` is no set of rows of one table, or foreign keys form a cycle.
        """
        context = callers_namespace() if context is None else context
        return subsets.cascade(cls, table_expr, part_integrity, context)

    @classmethod
    def trace(cls, table_expr: Any, context: Mapping[str, Any] | None = None) -> Self:
        """Return the diagram of all rows that the given rows come from: those that they refer to, and so on upwards.

        Of this diagram ``diagram[Session]`` is a table, restricted to these rows.

        Parameters
        ----------
        table_expr : table class, table, or restricted or projected table
        context : mapping, optional
            As for `Diagram`.

        Raises
        ------
        DataJointError
            If `table_expr` is no set of rows of one table, or foreign keys form a cycle.
        """
        return subsets.trace(cls, table_expr, callers_namespace() if context is None else context)

    def restrict(self, table_expr: Any, *, same_parent: Mode = "all") -> Self:
        """Return the diagram with the rows of a table restricted, and with them all that depends on them.

        A row of another table is kept if every foreign key of its that leads to restricted rows refers to one that is
        kept. May be called again to narrow further.

        Parameters
        ----------
        table_expr : table class, table, or restricted or projected table
        same_parent : {"all", "any"}
            What of several foreign keys to the same table: whether all must refer to a row that is kept, or any.

        Raises
        ------
        DataJointError
            If `table_expr` is no set of rows of one table of the diagram, or the diagram is one of a cascade or trace.
        """
        return subsets.restrict(self, table_expr, same_parent)

    def counts(self) -> dict[str, int]:
        """Count the rows of every restricted table that is shown, and log the numbers.

        Returns
        -------
        dict
            Full table name -> number of rows; parents first, zeros included.

        Raises
        ------
        DataJointError
            If nothing is restricted.
        """
        return subsets.counts(self)

    def prune(self) -> Self:
        """Return the diagram without tables that have no rows: none that are left, where restricted, or none at all.

        Raises
        ------
        DataJointError
            On a diagram of a cascade or trace.
        """
        return subsets.prune(self)

    def __getitem__(self, key: Any) -> Any:
        """Return the neighbors of a node, as networkx has it; of a trace, a table restricted to the rows traced."""
        return self._rows[key] if isinstance(self._rows, Trace) else super().__getitem__(key)

    # --- iteration
    @property
    def tables(self) -> list[FreeTable]:
        """The tables shown, restricted if the diagram is; parents before children."""
        return [self._free_table(node) for node in self.shown]

    def __iter__(self) -> Iterator[FreeTable]:  # type: ignore[override]
        """Iterate over the tables shown, parents before children; names of all nodes are in ``nodes``."""
        return iter(self.tables)

    def __reversed__(self) -> Iterator[FreeTable]:
        """Iterate over the tables shown, children before parents."""
        return reversed(self.tables)

    @property
    def shown(self) -> list[str]:
        """Full names of the tables shown, parents before children."""
        return [node for node in topo_sort(self) if node in self.nodes_to_show]

    def _free_table(self, node: str) -> FreeTable:
        name = self._table_names[node]
        if self._rows is not None and name in self._rows.conditions:
            return self._rows.table(name)
        return FreeTable(self._require_connection(), node)

    # --- what is told in the boxes
    def overlay(self, *kinds: Overlay, statuses: Mapping[Any, TableStatus] | None = None) -> Self:
        """Return the diagram with what is known of its tables now told in their boxes.

        Parameters
        ----------
        *kinds : {"rows", "progress", "errors", "drift"}
            What to ask for: how many rows there are (of those that the diagram is restricted to); how many keys are
            computed, of how many; what the jobs of computed tables are doing and how many failed; and whether a table
            still is what its class declares. By default all four. Progress and drift need the classes, which are looked
            for in the diagram's context.
        statuses : mapping, optional
            Table, or full name -> `TableStatus`: instead of asking, tell this.

        Raises
        ------
        DataJointError
            For another kind.
        """
        result = type(self)(self)
        if statuses is not None:
            result.statuses = {full_name_of(table) or str(table): status for table, status in statuses.items()}
            return result
        if wrong := [kind for kind in kinds if kind not in OVERLAYS]:
            raise DataJointError(
                f"A diagram cannot tell {shorten(wrong[0])} of its tables.", hint=f"Choose of {', '.join(OVERLAYS)}."
            )
        result.statuses = find_statuses(self, kinds or OVERLAYS)
        return result

    def _scene(self) -> Scene:
        return self._scene_builder().build()

    def _scene_builder(self) -> SceneBuilder:
        shown = self.nodes_to_show & self._table_names.keys()
        return SceneBuilder(
            self,
            self._table_names,
            self._tables,
            shown,
            shown & self._expanded_nodes,
            self.context,
            self._connection,
            self._folded,
            self._overview,
            self.statuses,
        )
