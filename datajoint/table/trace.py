"""Follow foreign keys upwards: the rows of all tables that given rows come from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from datajoint.backends.catalog import TableInfo
from datajoint.definition import TableName
from datajoint.errors import DataJointError
from datajoint.expression import predicates as p
from datajoint.expression.nodes import Node, Restrict, TableNode
from datajoint.expression.operand import as_operand
from datajoint.graph.propagate import upstream
from datajoint.naming import did_you_mean, shorten, to_camel_case
from datajoint.table.base_table import BaseTable, base_table
from datajoint.table.delete_plan import seed_keys
from datajoint.table.free import FreeTable
from datajoint.table.reach import Condition, Conditions, Own, own, reach_up
from datajoint.table.row_sets import RowSets

if TYPE_CHECKING:
    from datajoint.connection import Connection
    from datajoint.table.table import Table


class Seed(NamedTuple):
    """The rows to begin with: their table and the condition that chooses them."""

    base: BaseTable
    condition: Own


class Trace(RowSets):
    """The tables that given rows come from, each restricted to the rows that they come from, by any path.

    ``trace[Session]`` is the table of a class, restricted; so is ``trace["Session"]``. Iteration yields all the tables,
    parents first, and `counts` the numbers of their rows. Every question asks the database anew.

    Parameters
    ----------
    connection : Connection
    conditions : mapping of TableName to Condition
        Of the seed and its ancestors, parents before children.
    seed : TableName
    undetermined : collection of TableName
        Ancestors of which nothing can be said because the seed's row is not there yet.
    """

    def __init__(
        self,
        connection: Connection,
        conditions: Conditions,
        seed: TableName,
        undetermined: Iterable[TableName] = (),
    ) -> None:
        super().__init__(connection, conditions)
        self.seed = seed
        self.undetermined = frozenset(undetermined)

    def __getitem__(self, key: Any) -> FreeTable:
        """Return a table of the trace, restricted to the rows of the trace.

        Parameters
        ----------
        key : table class, table or str
            A text may be the table's full name, ``Class``, ``Master.Part``, ``schema.Class``, or ``schema.table``; if it
            is none of these, the end of a table's full name.

        Raises
        ------
        DataJointError
            If `key` is none of these, if the table is no ancestor of the seed, or if a text fits several.
        """
        name = self._resolve(key)
        if name in self.undetermined:
            raise DataJointError(
                f"Table {name} cannot be traced: it is reachable only through a secondary foreign key of the row of "
                f"{self.seed} being made.",
                table=str(name),
                hint="Its value is not known before the row is inserted. Fetch it as your `make` decides on it.",
            )
        return self.table(name)

    def __contains__(self, key: object) -> bool:
        try:
            return self._resolve(key) in self.conditions
        except DataJointError:
            return False

    def _resolve(self, key: Any) -> TableName:
        tables = {self._full_name(name): name for name in (*self.conditions, *self.undetermined)}
        if isinstance(key, str):
            found = _by_text(key, tables)
        else:
            full_name = getattr(key, "full_table_name", None)
            if not isinstance(full_name, str):
                raise DataJointError(
                    f"trace[...] expects a Table class, Table instance, or string; got {shorten(key)}.",
                    hint="Give the class of an ancestor.",
                )
            key, found = full_name, [tables[full_name]] if full_name in tables else []
        if len(found) > 1:
            raise DataJointError(
                f"Ambiguous table reference {key!r}: it fits {', '.join(map(str, found))}.",
                hint="Give the class, or schema.table.",
            )
        if not found:
            raise DataJointError(
                f"Table {key} is not in this trace's subgraph (not an ancestor of the seed).",
                table=str(key),
                hint=did_you_mean(key, map(str, tables.values()))
                or f"Traced are {', '.join(map(str, tables.values()))}.",
            )
        return found[0]

    def _full_name(self, name: TableName) -> str:
        return str(self.connection.dialect.quote(name.identifier))

    def __repr__(self) -> str:
        names = ", ".join(map(str, reversed(list(self.conditions))))
        return f"Trace({names})"


def _by_text(key: str, tables: Mapping[str, TableName]) -> list[TableName]:
    """Return the tables that a text may mean: those so called, else those whose full names end so."""
    if "`" in key or '"' in key:
        return [tables[key]] if key in tables else []
    exact = [name for name in tables.values() if key in _spellings(name)]
    if exact:
        return exact
    return [name for full, name in tables.items() if full.rstrip('`"').lower().endswith(key.lower())]


def _spellings(name: TableName) -> set[str]:
    """Return how a table may be called: by its own name and its class's, with and without the schema."""
    master, part = name.name.rpartition("__")[::2]
    if not master.strip("_#"):
        master, part = "", name.name
    spelled = f"{to_camel_case(master)}.{to_camel_case(part)}" if master else to_camel_case(part)
    return {name.name, spelled, f"{name.schema}.{name.name}", f"{name.schema}.{spelled}"}


# --- where to begin
def seed_of(expression: Any, method: str, *, materialized: bool = False) -> Seed:
    """Return the rows of `expression` as rows of its table.

    Parameters
    ----------
    expression : table class, table, or restricted or projected table
    method : str
        What they are for, in messages.
    materialized : bool
        Whether to fetch the keys of rows that are chosen by other tables, or by an order, so that the choice stays what
        it was while rows of these tables go.

    Raises
    ------
    DataJointError
        If its rows are not those of one table.
    """
    operand = as_operand(expression)
    if operand is None:
        raise DataJointError(
            f"{method} needs a table, its class, or a restriction of it; got {shorten(expression)}.",
            hint="For example: Session & {'session_id': 1}.",
        )
    node: Node = operand._node
    try:
        base = base_table(operand)
    except DataJointError as error:
        raise DataJointError(
            f"{method} needs rows of one table; these are of a join or a summary.", hint="Restrict a table by them."
        ) from error
    conditions: list[p.Predicate] = []
    while isinstance(node, Restrict):
        conditions.append(node.condition)
        node = node.source
    condition = own(p.conjunction(conditions[::-1]))
    if isinstance(node, TableNode) and (condition.names is not None or not conditions):
        return Seed(base, condition)
    if not materialized:
        return Seed(base, Own(p.Exists(base.key, base.key_node), frozenset(base.key)))
    types = tuple(base.heading._attributes[name].value_type for name in base.key)
    keys = tuple(seed_keys(base, base.key))
    chosen: p.Predicate = p.OneOf(base.key, types, keys) if keys else p.Constant(value=False)
    return Seed(base, Own(chosen, frozenset(base.key)))


def trace(seed: Seed, tables: Iterable[TableInfo]) -> Trace:
    """Trace stored rows, by all their foreign keys.

    Parameters
    ----------
    seed : Seed
    tables : iterable of TableInfo
        The seed's table and its ancestors, parents before children.
    """
    name = seed.base.name
    return Trace(seed.base.connection, reach_up(list(tables), {name: [seed.condition]}), name)


# --- a row that is not there yet
def trace_key(table: Table, key: Mapping[str, Any]) -> Trace:
    """Trace the row that `table` will have for `key`, as if it were there: by the foreign keys in its primary key.

    Parameters
    ----------
    table : Table
    key : mapping
        Values of attributes of the primary key, all of those that come from the key source.

    Raises
    ------
    DataJointError
        If the tables refer to each other in a circle.
    """
    connection, name = table.connection, table.name
    tables = upstream(name, connection.catalogs)
    info = tables[name]
    seeds: dict[TableName, list[Condition]] = {}
    for link in info.foreign_keys:
        known = {
            theirs: key[ours] for ours, theirs in zip(link.columns, link.parent_columns, strict=True) if ours in key
        }
        if known and set(link.columns) <= set(info.primary_key):
            seeds.setdefault(link.parent, []).append(_chosen(connection, link.parent, known))
    own_row = {ours: value for ours, value in key.items() if ours in info.primary_key}
    above = reach_up([t for n, t in tables.items() if n != name], seeds)
    conditions = {**above, name: _chosen(connection, name, own_row)}
    return Trace(connection, conditions, name, undetermined=[n for n in tables if n not in conditions])


def _chosen(connection: Connection, name: TableName, values: Mapping[str, Any]) -> Own:
    """Return the condition that a row has the given values."""
    table = FreeTable(connection, connection.dialect.quote(name.identifier))
    node = (table & dict(values))._node
    return own(node.condition if isinstance(node, Restrict) else p.Constant(value=True))
