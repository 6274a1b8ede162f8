"""Turn a tree of relational nodes into one SELECT: the only writer of SELECT.

Each node is lowered to a `Query`, a SELECT under construction, which the next operator extends where that is right
and wraps as a derived table where it is not. Every operator acts on its operand's actual rows, so the rules below
say when extending would change them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from datajoint.backends.base import Backend
from datajoint.expression import predicates as p
from datajoint.expression.algebra import is_ordered, key_order
from datajoint.expression.nodes import (
    Aggregate,
    Column,
    Distinct,
    Group,
    Join,
    JsonPathValue,
    Limit,
    Node,
    OrderItem,
    Project,
    Restrict,
    TableNode,
    Union,
)
from datajoint.heading import Heading
from datajoint.sql.fragment import Identifier, Sql
from datajoint.usertext import as_one_type
from datajoint.values.compare import Comparison
from datajoint.values.model import ValueType

Names = frozenset[str]
_MANY_CONDITIONS = 100


@dataclass(slots=True)
class Source:
    """One item of FROM: a table or derived table, and how it is attached to those before it."""

    table: Sql
    join: str = "JOIN"
    on: Sql | None = None


@dataclass(slots=True)
class Query:
    """A SELECT under construction.

    `columns` maps each attribute that may be asked for to the SQL that yields it here; `distinct` lists the output of
    a DISTINCT; `grouped` tells that rows are groups.
    """

    heading: Heading
    columns: dict[str, Sql]
    sources: list[Source]
    where: list[Sql] = field(default_factory=list)
    group: list[Sql] = field(default_factory=list)
    grouped: bool = False
    distinct: tuple[str, ...] | None = None
    order: list[Sql] = field(default_factory=list)
    limit: int | None = None
    offset: int = 0
    cut: bool = False  # a Limit node was lowered into this query
    base_key: frozenset[Sql] | None = None  # the key columns of the table, if the rows are those of one table

    @property
    def flat(self) -> bool:
        """Whether only FROM and WHERE are in use."""
        return not (self.grouped or self.cut or self.distinct is not None)

    def plain(self, names: Iterable[str]) -> bool:
        """Whether the attributes are bare columns, which may be repeated in GROUP BY and moved across outer joins."""
        return all(_is_column(self.columns[n]) for n in names)


def _is_column(sql: Sql) -> bool:
    return len(sql.parts) == 3 and isinstance(sql.parts[0], Identifier) and isinstance(sql.parts[2], Identifier)  # noqa: PLR2004


def compile_select(
    node: Node,
    backend: Backend,
    names: Sequence[str] | None = None,
    order: Sequence[OrderItem] | None = None,
    bound: list[tuple[Comparison, Sql]] | None = None,
    *,
    digested: int | None = None,
) -> Sql:
    """Return the SELECT for the attributes `names` (all visible ones by default), as fetched by the driver.

    Rows come in the order of the node's `Top`, else by `order`, else by key. Each comparison with a value is added to
    `bound` with the SQL that carries its value. In place of binary values of more than `digested` bytes come their
    SHA-256, where the engine can compute them.
    """
    compiler = _Compiler(backend, bound)
    query = compiler.output(node, names, order)
    names = node.heading.names if names is None else names
    if digested is not None:
        for name in names:
            if node.heading._attributes[name].value_type.kind == "bytes":
                query.columns[name] = backend.digested(query.columns[name], digested) or query.columns[name]
    return compiler.render(query, names, fetched=True)


def compile_raw(node: Node, backend: Backend, names: Sequence[str]) -> Sql:
    """Return the SELECT whose columns are stored values, without an order, for ``INSERT … SELECT``."""
    compiler = _Compiler(backend)
    return compiler.render(compiler.output(node, names, order=()), names)


def compile_count(node: Node, backend: Backend, most: int | None = None) -> Sql:
    """Return the statement that counts rows, up to `most` of them, after which the engine stops looking."""
    compiler = _Compiler(backend)
    query = compiler.lower(_without_output(node), frozenset())
    if not query.flat:
        query = compiler.wrap(query, _some_names(query))
    if most is None:
        return Sql("SELECT count(*)", *compiler.tail(query))
    rows = Sql("SELECT 1 AS ", Identifier(("_",)), *compiler.tail(replace(query, limit=most)))
    return Sql("SELECT count(*) FROM (", rows, ") AS ", compiler.alias())


def compile_exists(node: Node, backend: Backend) -> Sql:
    """Return the statement that yields one row if there is any."""
    compiler = _Compiler(backend)
    query = compiler.lower(_without_output(node), frozenset())
    if query.cut or (query.grouped and not query.group):
        query = compiler.wrap(query, _some_names(query))
    return Sql("SELECT 1", *compiler.tail(replace(query, distinct=None)), " LIMIT 1")


def compile_condition(predicate: p.Predicate, heading: Heading, backend: Backend) -> Sql:
    """Return a condition over the attributes of `heading` by their own names, for people."""
    columns = {n: Sql(Identifier((n,))) for n in heading._attributes}
    return _Compiler(backend).condition(predicate, Query(heading, columns, []))


def _without_output(node: Node) -> Node:
    """Drop projections at the top: they neither add nor remove rows."""
    while isinstance(node, Project):
        node = node.source
    return node


def _some_names(query: Query) -> tuple[str, ...]:
    return query.distinct if query.distinct is not None else tuple(query.heading.primary_key)


class _Compiler:
    """Holds what one statement shares: the engine and the numbering of aliases."""

    def __init__(self, backend: Backend, bound: list[tuple[Comparison, Sql]] | None = None) -> None:
        self.backend = backend
        self.bound = bound
        self._aliases = 0

    def alias(self) -> Identifier:
        self._aliases += 1
        return Identifier((f"t{self._aliases}",))

    # --- the outermost SELECT
    def output(self, node: Node, names: Sequence[str] | None, order: Sequence[OrderItem] | None) -> Query:
        wanted = frozenset(node.heading.names if names is None else names)
        items = tuple(order) if order is not None else () if is_ordered(node) else key_order(node.heading)
        items = tuple(
            i for i in items if not (node.heading._attributes[i.name].json or node.heading._attributes[i.name].is_blob)
        )
        query = self.lower(node, wanted | {i.name for i in items})
        # DISTINCT acts on the select list: other columns, or an order, must come after it.
        if query.distinct is not None and (items or wanted != set(query.distinct)):
            query = self.wrap(query, query.distinct)
        if items:
            if query.cut:
                query = self.wrap(query, wanted | {i.name for i in items})
            query.order = [self.order_item(i, query) for i in items]
        return query

    def render(self, query: Query, names: Sequence[str], *, fetched: bool = False) -> Sql:
        """Write the SELECT; `fetched` wraps columns so that the driver delivers exact values."""
        items = []
        for name in names:
            expression = query.columns[name]
            if fetched:
                expression = self.backend.selected(query.heading._attributes[name].value_type, expression)
            items.append(Sql(expression, " AS ", Identifier((name,))))
        if not items and query.grouped and not query.group:  # only an aggregate makes one row of all
            items = [Sql("count(*) AS ", Identifier(("_",)))]
        head = "SELECT DISTINCT " if query.distinct is not None and names else "SELECT "
        return Sql(head, Sql.join(", ", items) if items else Sql("1 AS ", Identifier(("_",))), *self.tail(query))

    def tail(self, query: Query) -> list[Sql | str]:
        """Write everything after the select list."""
        parts: list[Sql | str] = [" FROM "]
        for number, source in enumerate(query.sources):
            if number:
                parts.append(f" {source.join} ")
            parts.append(source.table)
            if number and source.on is not None:
                parts += [" ON ", source.on]
        if query.where:
            parts += [" WHERE ", Sql.join(" AND ", query.where)]
        if query.group:
            parts += [" GROUP BY ", Sql.join(", ", query.group)]
        if query.order:
            parts += [" ORDER BY ", Sql.join(", ", query.order)]
        if query.limit is not None or query.offset:
            parts.append(f" LIMIT {int(query.limit if query.limit is not None else 2**62)}")
            if query.offset:
                parts.append(f" OFFSET {int(query.offset)}")
        return parts

    def wrap(self, query: Query, names: Iterable[str]) -> Query:
        """Make the query a derived table that carries only `names`."""
        carried = tuple(n for n in query.heading._attributes if n in set(names) and n in query.columns)
        if query.distinct is not None:
            carried = query.distinct  # leaving one out would merge rows
        alias = self.alias()
        columns = {n: Sql(alias, ".", Identifier((n,))) for n in carried}
        return Query(query.heading, columns, [Source(Sql("(", self.render(query, carried), ") AS ", alias))])

    def order_item(self, item: OrderItem, query: Query) -> Sql:
        if item.computed is not None:
            value_type, nullable = item.computed.value_type, item.computed.nullable
            column = item.computed.resolve(query.columns)
            # in parentheses, so that a number is a value and no position in the select list
            column = column if item.computed.atomic and item.computed.names else Sql("(", column, ")")
        else:
            attribute = query.heading._attributes[item.name]
            value_type, nullable, column = attribute.value_type, attribute.nullable, query.columns[item.name]
        ordered = self.backend.ordered(value_type, column, nullable=nullable, descending=item.descending)
        if not nullable or item.nulls_first is None or item.nulls_first is not item.descending:
            return ordered
        return Sql("(", column, " IS NULL)", " DESC" if item.nulls_first else "", ", ", ordered)

    # --- lowering, one method a node
    def lower(self, node: Node, needed: Names) -> Query:
        """Lower a node; `needed` are the attributes that will be asked for."""
        match node:
            case TableNode():
                return self._table(node)
            case Restrict():
                return self._restrict(node, needed)
            case Project():
                return self._project(node, needed)
            case Join():
                return self._join(node, needed)
            case Aggregate():
                return self._aggregate(node, needed)
            case Group():
                return self._group(node, needed)
            case Distinct():
                return self._distinct(node)
            case Union():
                return self._union(node, needed)
            case Limit():
                return self._limit(node, needed)

    def _table(self, node: TableNode) -> Query:
        alias = self.alias()
        columns = {n: Sql(alias, ".", Identifier((n,))) for n in node.heading._attributes}
        source = Source(Sql(node.name.identifier, " AS ", alias))
        key = frozenset(columns[n] for n, a in node.heading._attributes.items() if a.in_key)
        return Query(node.heading, columns, [source], base_key=key)

    def _restrict(self, node: Restrict, needed: Names) -> Query:
        wanted = needed | frozenset(p.attribute_names(node.condition))
        query = self.lower(node.source, wanted)
        # A condition after a limit or on groups must see the finished rows.
        if query.cut or query.grouped:
            query = self.wrap(query, wanted)
        query.where.append(self.condition(node.condition, query))
        return query

    def _project(self, node: Project, needed: Names) -> Query:
        columns = [c for c in node.columns if c.name in needed]
        query = self.lower(node.source, frozenset(n for c in columns for n in _reads(c)))
        if query.distinct is not None:  # other columns would make other rows distinct
            query = self.wrap(query, query.distinct)
        made = {c.name: self._column(c, query) for c in columns}
        query.columns, query.heading = made, node.heading
        return query

    def _column(self, column: Column, query: Query) -> Sql:
        if column.origin is not None:
            return query.columns[column.origin]
        computed = column.computed
        if isinstance(computed, JsonPathValue):
            return self.backend.json_path(query.columns[computed.attribute], computed.path, computed.cast)[0]
        if isinstance(computed, Sql):
            return Sql("(", computed, ")")
        assert computed is not None
        sql = computed.resolve(query.columns)
        return sql if computed.atomic else Sql("(", sql, ")")

    def _operand(self, node: Node, needed: Names, *, single: bool = False, plain: bool = False) -> Query:
        """Lower an operand of a join: FROM and WHERE at most; as asked, of one source and with bare columns."""
        query = self.lower(node, needed)
        if (
            not query.flat
            or (single and len(query.sources) > 1)
            or (plain and not query.plain(needed & set(query.columns)))
        ):
            query = self.wrap(query, needed)
        return query

    def _join(self, node: Join, needed: Names) -> Query:
        on = frozenset(node.on)
        left = self._operand(node.left, (needed & set(node.left.heading._attributes)) | on)
        right_names = (needed & set(node.right.heading._attributes)) | on
        # What the right side computes, and what restricts it, must be evaluated before rows are filled with NULL.
        right = self._operand(node.right, right_names, single=node.outer, plain=node.outer)
        matches = self._matches(node.on, left, right)
        sources = left.sources + right.sources
        first = sources[len(left.sources)]
        if node.outer:
            first.join, first.on = "LEFT JOIN", Sql.join(" AND ", matches + right.where or [Sql("1 = 1")])
            where = left.where
        elif matches and len(right.sources) == 1:
            first.join, first.on = "JOIN", Sql.join(" AND ", matches)
            where = left.where + right.where
        else:
            # The right side's own joins follow, so a condition on them could not stand here.
            first.join, first.on = "CROSS JOIN", None
            where = left.where + matches + right.where
        columns = {**right.columns, **left.columns}
        for name in node.on:  # where equal values are of different types, the heading tells of which they are
            if node.heading._attributes[name].value_type != left.heading._attributes[name].value_type:
                columns[name] = right.columns[name]
        return Query(node.heading, columns, sources, where)

    def _matches(self, names: Iterable[str], left: Query, right: Query) -> list[Sql]:
        """Write the equalities of namesakes."""
        return [Sql(a, " = ", b) for a, b in (self._as_one_type(name, left, right) for name in names)]

    def _as_one_type(self, name: str, left: Query, right: Query) -> tuple[Sql, Sql]:
        a, b = left.heading._attributes[name].value_type, right.heading._attributes[name].value_type
        return as_one_type(left.columns[name], a, right.columns[name], b, self.backend)

    def _aggregate(self, node: Aggregate, needed: Names) -> Query:
        on = frozenset(node.on)
        own = set(node.source.heading._attributes)
        columns = [c for c in node.columns if c.name in needed or node.heading._attributes[c.name].in_key]
        reads = frozenset(n for c in columns for n in _reads(c))
        key = frozenset(node.source.heading.primary_key)
        source = self._operand(node.source, (reads & own) | on | key, plain=True)
        determined = self.backend.dialect.func_dep_group_by and source.base_key == frozenset(
            source.columns[n] for n in key
        )
        group = self._operand(node.group, (reads - own) | on, single=not node.inner, plain=not node.inner)
        joined = self._attach(node, source, group)
        made = {c.name: self._column(c, joined) for c in columns}
        # Where the engine does not see that the key determines the other attributes, they must be grouped by too.
        grouped = key if determined else key | (reads & own)
        columns_of_key = [source.columns[n] for n in node.source.heading._attributes if n in grouped]
        # Without a key the one row, if it is there, is a group; no GROUP BY at all would make one of nothing.
        joined.group = columns_of_key or [Sql("(1 = 1)")]
        joined.grouped, joined.columns, joined.heading = True, made, node.heading
        return joined

    def _attach(self, node: Aggregate, source: Query, group: Query) -> Query:
        """Join the group to its source, keeping unmatched source rows unless the node is inner."""
        matches = self._matches(node.on, source, group)
        first = group.sources[0]
        if node.inner:
            first.join, first.on = "CROSS JOIN", None
            where = source.where + matches + group.where
        else:
            first.join, first.on = "LEFT JOIN", Sql.join(" AND ", matches + group.where or [Sql("1 = 1")])
            where = source.where
        return Query(node.heading, {**group.columns, **source.columns}, source.sources + group.sources, where)

    def _group(self, node: Group, needed: Names) -> Query:
        columns = [c for c in node.columns if c.name in needed or c.name in node.by]
        if not node.by and not columns:
            return self._total_row(node)
        reads = frozenset(n for c in columns for n in _reads(c)) | frozenset(node.by)
        query = self.lower(node.source, reads)
        # PostgreSQL takes two placeholders of one value for different expressions: group by bare columns only.
        if not query.flat or not query.plain(node.by):
            query = self.wrap(query, reads)
        made = {c.name: self._column(c, query) for c in columns}
        query.group = [query.columns[n] for n in node.by]
        query.grouped, query.columns, query.heading, query.base_key = True, made, node.heading, None
        return query

    def _total_row(self, node: Group) -> Query:
        """One row, whatever the operand holds, when none of the totals is asked for."""
        inner = self.lower(node.source, frozenset())
        if not inner.flat:
            inner = self.wrap(inner, _some_names(inner))
        counted = Sql("(SELECT count(*) AS ", Identifier(("_",)), *self.tail(inner), ") AS ", self.alias())
        return Query(node.heading, {}, [Source(counted)])

    def _distinct(self, node: Distinct) -> Query:
        query = self.lower(node.source, frozenset(node.names))
        if not node.names:
            return self._any_row(query, node)
        if not query.flat or not query.plain(node.names):
            query = self.wrap(query, node.names)
        query.columns = {n: query.columns[n] for n in node.names}
        query.distinct, query.heading, query.base_key = node.names, node.heading, None
        return query

    def _any_row(self, query: Query, node: Distinct) -> Query:
        """The set with no attributes: one row if the operand has any."""
        if query.cut or query.grouped:
            query = self.wrap(query, _some_names(query))
        return Query(node.heading, {}, query.sources, query.where, limit=1, cut=True)

    def _union(self, node: Union, needed: Names) -> Query:
        key = tuple(node.heading.primary_key)
        sides = [self._operand_select(side, key) for side in (node.left, node.right)]
        alias = self.alias()
        keys = Source(Sql("(", Sql.join(" UNION ", sides), ") AS ", alias))
        query = Query(node.heading, {n: Sql(alias, ".", Identifier((n,))) for n in key}, [keys])
        for side in (node.left, node.right):
            others = needed & set(side.heading.secondary_attributes)
            if not others:
                continue
            carried = self.wrap(self.lower(side, others | set(key)), others | set(key))
            matches = Sql.join(" AND ", (Sql(query.columns[n], " = ", carried.columns[n]) for n in key))
            query.sources.append(replace(carried.sources[0], join="LEFT JOIN", on=matches))
            query.columns.update({n: carried.columns[n] for n in others})
        return query

    def _operand_select(self, node: Node, names: tuple[str, ...]) -> Sql:
        query = self.lower(node, frozenset(names))
        if query.cut:  # some engines take no LIMIT inside a UNION
            query = self.wrap(query, names)
        return self.render(query, names)

    def _limit(self, node: Limit, needed: Names) -> Query:
        wanted = needed | frozenset(n for i in node.order for n in i.names)
        query = self.lower(node.source, wanted)
        if query.cut or query.distinct is not None:
            query = self.wrap(query, wanted)
        query.order = [self.order_item(i, query) for i in node.order]
        query.limit, query.offset, query.cut, query.base_key = node.limit, node.offset, True, None
        return query

    # --- conditions
    def condition(self, predicate: p.Predicate, query: Query, *, negated: bool = False) -> Sql:
        """Write a condition; `negated` tells that NULL must not be confused with false."""
        match predicate:
            case p.Constant(value):
                return Sql("1 = 1" if value else "1 = 0")
            case p.All(items):
                return Sql("(", Sql.join(" AND ", (self.condition(i, query, negated=negated) for i in items)), ")")
            case p.AnyOf(items):
                return _any_of([self.condition(i, query, negated=negated) for i in items])
            case p.Negation(item):
                return Sql("NOT (", self.condition(item, query, negated=True), ")")
            case p.IsNull(name):
                return Sql(query.columns[name], " IS NULL")
            case p.Compare(name, value_type, comparison):
                return self.comparison(query.columns[name], value_type, comparison)
            case p.Beyond(bounds):
                return self._beyond(bounds, query)
            case p.JsonPath():
                return self._json_condition(predicate, query)
            case p.OneOf():
                return self._one_of(predicate, query)
            case p.Exists():
                return self._exists(predicate, query, negated=negated)
            case p.Text(fragment):
                text = fragment if isinstance(fragment, Sql) else fragment.resolve(query.columns)
                return Sql("(", text, ")")

    def comparison(self, column: Sql, value_type: ValueType, comparison: Comparison) -> Sql:
        """Write ``column operator literal``; a decided one keeps NULL for NULL, so that its negation is right."""
        if comparison.outcome != "bound":
            constant = "1 = 1" if comparison.outcome == "all" else "1 = 0"
            return Sql("(CASE WHEN ", column, " IS NULL THEN NULL ELSE ", constant, " END)")
        if value_type.kind == "bool" and comparison.operator == "=":
            return self.backend.is_true(column, value=comparison.value)
        if comparison.operator not in {"=", "<>"}:
            column = self.backend.compared(value_type, column)
        value = self.backend.bind(value_type, comparison.value)
        if self.bound is not None:
            self.bound.append((comparison, value))
        return Sql(column, f" {comparison.operator} ", value)

    def _beyond(self, bounds: Sequence[p.Compare], query: Query) -> Sql:
        """Compare rows as a whole, which an index on the attributes serves."""
        columns = (self.backend.compared(b.value_type, query.columns[b.name]) for b in bounds)
        values = (self.backend.bind(b.value_type, b.comparison.value) for b in bounds)
        return Sql("(", Sql.join(", ", columns), ") > (", Sql.join(", ", values), ")")

    def _one_of(self, predicate: p.OneOf, query: Query) -> Sql:
        keys = self.backend.key_table(list(zip(predicate.names, predicate.value_types, strict=True)), predicate.rows)
        columns = (
            self.backend.truth_key(query.columns[n]) if value_type.kind == "bool" else query.columns[n]
            for n, value_type in zip(predicate.names, predicate.value_types, strict=True)
        )
        return Sql("(", Sql.join(", ", columns), ") IN (", keys, ")")

    def _exists(self, predicate: p.Exists, query: Query, *, negated: bool) -> Sql:
        names = predicate.names
        inner = self.lower(predicate.node, frozenset(names))
        if inner.cut or inner.grouped or not names:
            # A LIMIT directly inside IN is refused by some engines; groups must be finished rows.
            inner = self.wrap(inner, names or _some_names(inner))
        if not names:
            return Sql("EXISTS (SELECT 1", *self.tail(inner), ")")
        inner = replace(inner, distinct=None)
        if negated:  # IN is NULL, not false, when a NULL is about; under NOT that would lose rows
            where = inner.where + self._matches(names, inner, query)
            return Sql("EXISTS (SELECT 1", *self.tail(replace(inner, where=where)), ")")
        pairs = [self._as_one_type(n, query, inner) for n in names]
        inner.columns = dict(zip(names, (theirs for _, theirs in pairs), strict=True))
        columns = Sql.join(", ", (mine for mine, _ in pairs))
        return Sql("(", columns, ") IN (", self.render(inner, names), ")")

    def _json_condition(self, predicate: p.JsonPath, query: Query) -> Sql:
        column, wanted = query.columns[predicate.name], predicate.wanted
        if isinstance(wanted, p.Document):
            value = self.backend.json_at(column, predicate.path) if predicate.path else column
            return self.backend.json_equals(value, wanted.text)
        extracted, value_type = self.backend.json_path(column, predicate.path, predicate.cast)
        if wanted is None:
            return Sql("(", extracted, ") IS NULL")
        return self.comparison(Sql("(", extracted, ")"), value_type, wanted)


def _any_of(items: list[Sql]) -> Sql:
    """Join by OR; many in a balanced tree, since engines limit how deep an expression may be."""
    if len(items) <= _MANY_CONDITIONS:
        return Sql("(", Sql.join(" OR ", items), ")")
    half = len(items) // 2
    return Sql("(", _any_of(items[:half]), " OR ", _any_of(items[half:]), ")")


def _reads(column: Column) -> frozenset[str]:
    """Return the names of the operand's attributes that a column uses."""
    if column.origin is not None:
        return frozenset([column.origin])
    if isinstance(column.computed, JsonPathValue):
        return frozenset([column.computed.attribute])
    if isinstance(column.computed, Sql) or column.computed is None:
        return frozenset()
    return column.computed.names
