"""Diagrams of rows: what goes with given rows, what they come from, and what is left when rows are left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import networkx as nx

from datajoint.definition import TableName
from datajoint.errors import DataJointError
from datajoint.expression import predicates as p
from datajoint.graph.dependencies import topo_sort
from datajoint.graph.propagate import PartIntegrity, RowKey, affected_rows, downstream, upstream
from datajoint.logging import logger
from datajoint.naming import did_you_mean
from datajoint.table import FreeTable
from datajoint.table.base_table import refuse_unmatched
from datajoint.table.delete_plan import check_part_integrity, seed_keys
from datajoint.table.reach import Condition, Group, Mode, own, reach_down
from datajoint.table.related_rows import RelatedRows
from datajoint.table.row_sets import RowSets
from datajoint.table.trace import Seed, Trace, seed_of
from datajoint.table.trace import trace as trace_rows

if TYPE_CHECKING:
    from datajoint.backends.catalog import TableInfo
    from datajoint.diagram.diagram import Diagram

Kind = Literal["cascade", "trace", "restrict"]
D = TypeVar("D", bound="Diagram")


def cascade(cls: type[D], expression: Any, part_integrity: PartIntegrity, context: Mapping[str, Any]) -> D:
    """See `Diagram.cascade`."""
    check_part_integrity(part_integrity)
    refuse_unmatched(expression, "cascade")
    seed = seed_of(expression, "Diagram.cascade()", materialized=True)
    connection, name = seed.base.connection, seed.base.name
    graph = downstream(name, connection.catalogs, with_masters=part_integrity == "cascade")
    diagram = _covering(cls, seed, graph.tables, context)
    if part_integrity == "cascade":
        conditions = _with_masters(seed)
    else:
        nodes = nx.descendants(diagram, seed.base.full_name) | {seed.base.full_name}
        conditions = reach_down(_infos(diagram, nodes), {name: [seed.condition]}, "any")
    return _shown_only(diagram, RowSets(connection, conditions), "cascade")


def _covering(cls: type[D], seed: Seed, tables: Iterable[TableName], context: Mapping[str, Any]) -> D:
    """Return the diagram of the seed's table, with all that is known of `tables`."""
    connection = seed.base.connection
    with connection.dependencies.lock:
        connection.dependencies.cover({name.schema for name in tables})
        return cls(FreeTable(connection, seed.base.full_name), context)


def _with_masters(seed: Seed) -> dict[TableName, Condition]:
    """Find the rows one by one: a master that goes takes parts along, whose rows may lead to further masters."""
    reader = RelatedRows(seed.base.connection)
    graph = downstream(seed.base.name, reader.load, with_masters=True)
    keys = seed_keys(seed.base, graph.tables[seed.base.name].primary_key)
    found = affected_rows(graph, seed.base.name, keys, reader, "cascade")
    return {name: _keys_of(reader, name, keys) for name, keys in found.items()}


def _keys_of(reader: RelatedRows, name: TableName, keys: Sequence[RowKey]) -> Condition:
    if not keys:
        return own(p.Constant(value=False))
    names, types = zip(*reader.key_columns(name), strict=True)
    return own(p.OneOf(names, types, tuple(keys)))


def trace(cls: type[D], expression: Any, context: Mapping[str, Any]) -> D:
    """See `Diagram.trace`."""
    seed = seed_of(expression, "Diagram.trace()")
    connection = seed.base.connection
    diagram = _covering(cls, seed, upstream(seed.base.name, connection.catalogs), context)
    nodes = nx.ancestors(diagram, seed.base.full_name) | {seed.base.full_name}
    return _shown_only(diagram, trace_rows(seed, _infos(diagram, nodes)), "trace")


def take_trace(diagram: Diagram, found: Trace) -> None:
    """Make an empty diagram that of a trace."""
    diagram._load(*{name.schema for name in found.conditions})
    _shown_only(diagram, found, "trace")


def _shown_only(diagram: D, rows: RowSets, kind: Kind) -> D:
    """Take all tables but those of `rows` out of a diagram, and show these."""
    quote = rows.connection.dialect.quote
    nodes = {str(quote(name.identifier)) for name in rows.conditions}
    diagram.remove_nodes_from(set(diagram.nodes) - nodes)
    diagram.nodes_to_show, diagram._expanded_nodes = nodes, set(nodes)
    diagram._rows, diagram._kind = rows, kind
    return diagram


def restrict(diagram: D, expression: Any, same_parent: Mode) -> D:
    """See `Diagram.restrict`."""
    if diagram._kind in {"cascade", "trace"}:
        raise DataJointError(
            f"A diagram made by Diagram.{diagram._kind}() cannot be restricted: {diagram._kind} and restrict are "
            "mutually exclusive modes.",
            hint="Restrict a diagram of the schema or its tables.",
        )
    if same_parent not in {"all", "any"}:
        raise DataJointError(f"same_parent cannot be {same_parent!r}.", hint="Give 'all' or 'any'.")
    seed = seed_of(expression, "restrict()")
    node = seed.base.full_name
    if node not in diagram.nodes:
        raise DataJointError(
            f"Table {node} is not in the diagram.", hint=did_you_mean(node, diagram.nodes) or None, table=node
        )
    result = type(diagram)(diagram)
    _load_below(result, node)
    infos = _infos(result, nx.descendants(result, node) | {node})
    found = reach_down(infos, {seed.base.name: [seed.condition]}, "all", same_parent=same_parent)
    before = diagram._rows.conditions if diagram._rows is not None else {}
    merged = {name: _both(before.get(name), found.get(name)) for name in result._table_names.values()}
    result._rows = RowSets(seed.base.connection, {name: c for name, c in merged.items() if c is not None})
    result._kind = "restrict"
    return result


def _both(one: Condition | None, other: Condition | None) -> Condition | None:
    if one is None or other is None:
        return one or other
    items = list(one.items if isinstance(one, Group) and one.mode == "all" else (one,))
    items += [
        i for i in (other.items if isinstance(other, Group) and other.mode == "all" else (other,)) if i not in items
    ]
    return items[0] if len(items) == 1 else Group("all", tuple(items))


def _load_below(diagram: Diagram, node: str) -> None:
    """See to it that all is known of the tables that depend on `node`."""
    while True:
        below = nx.descendants(diagram, node) | {node}
        unknown = {diagram._table_names[each].schema for each in below if each not in diagram._tables}
        if not unknown:
            return
        diagram._load(*unknown)
        if unknown <= {diagram._table_names[each].schema for each in below if each not in diagram._tables}:
            return  # tables that may not be seen


def _infos(diagram: Diagram, nodes: set[str]) -> list[TableInfo]:
    """Return the structure of tables, parents before children."""
    return [diagram._tables[node] for node in topo_sort(diagram) if node in nodes and node in diagram._tables]


def counts(diagram: Diagram) -> dict[str, int]:
    """See `Diagram.counts`."""
    if diagram._rows is None:
        raise DataJointError(
            "No restrictions applied. Use Diagram.cascade(table_expr) or diag.restrict(table_expr) first."
        )
    names = (diagram._table_names[node] for node in diagram.shown)
    return diagram._rows.counts([name for name in names if name in diagram._rows.conditions])


def prune(diagram: D) -> D:
    """See `Diagram.prune`."""
    if diagram._kind in {"cascade", "trace"}:
        raise DataJointError(
            f"prune() cannot be used on a Diagram produced by Diagram.{diagram._kind}(). It shows what belongs to the rows "
            "given, with or without rows.",
            hint="Prune a diagram of the schema or its tables.",
        )
    result = type(diagram)(diagram)
    for node in sorted(diagram.nodes_to_show & diagram._table_names.keys()):
        restricted = diagram._rows is not None and diagram._table_names[node] in diagram._rows.conditions
        if (restricted or diagram._rows is None) and not diagram._free_table(node):
            result.nodes_to_show.discard(node)
    result._expanded_nodes &= result.nodes_to_show
    logger.debug("Pruned %d tables", len(diagram.nodes_to_show) - len(result.nodes_to_show))
    return result
