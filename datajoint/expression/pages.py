"""Go through rows page by page: memory is that of one page, and between pages nothing is held open.

A page begins after the last row of the one before. That row is found again by what the rows are sorted by, which is
unique: the key, or the order of a `Top` with the key behind it. Expressions whose order cannot be compared exactly are
cut by number instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from datajoint.expression import predicates as p
from datajoint.expression.algebra import is_ordered, key_order
from datajoint.expression.decode import columns_of
from datajoint.expression.fetch import as_dicts, fetch_dicts, raw_rows
from datajoint.expression.nodes import Join, Limit, Node, OrderItem, Project, Restrict, TableNode
from datajoint.heading import Attribute, Heading
from datajoint.values.compare import Comparison, compare

if TYPE_CHECKING:
    from datajoint.connection import Connection

PAGE_ROWS = 2000
COSTLY_PAGE_ROWS = 20_000  # of summaries and the like, which are computed as a whole for every page

# Kinds whose fetched values come back as bounds of a range, to the last bit.
_EXACT = {
    "int", "year", "float32", "float64", "decimal", "bool", "char", "varchar", "text", "enum", "date", "datetime", "time",
    "uuid",
}  # fmt: skip


def iterate(connection: Connection, node: Node) -> Iterator[dict[str, Any]]:
    """Yield rows as dicts in the order in which `fetch_dicts` returns them, apart from ties in the order of a `Top`."""
    heading = node.heading
    size = PAGE_ROWS if _cheap(node) else COSTLY_PAGE_ROWS
    ordered = _totally_ordered(node)
    limit = _limit_of(ordered)
    if (limit is not None and limit <= size) or not heading.primary_key or not _sortable(heading):
        # One page at most; or no key, hence one row at most; or a key without an order, which nothing could continue.
        yield from fetch_dicts(connection, node, heading.names)
    elif isinstance(ordered, Limit) and all(_exact(heading, item) for item in ordered.order):
        yield from _by_order(connection, ordered, size)
    else:
        yield from _by_number(connection, ordered, size)


def _cheap(node: Node) -> bool:
    """Tell whether an index may find the rows of a page, so that a page does not cost the whole query."""
    if isinstance(node, TableNode):
        return True
    if isinstance(node, Join):
        return _cheap(node.left) and _cheap(node.right)
    return isinstance(node, Restrict | Project) and _cheap(node.source)


def _sortable(heading: Heading) -> bool:
    key = [heading[name] for name in heading.primary_key]
    return not any(a.json or a.is_blob or a.codec is not None for a in key)


def _exact(heading: Heading, item: OrderItem) -> bool:
    if item.computed is not None or item.nulls_first is not None:
        return False
    attribute = heading._attributes[item.name]
    computed = attribute.attribute_expression is not None and not attribute.value_type.core
    return attribute.codec is None and attribute.value_type.kind in _EXACT and not computed


def _totally_ordered(node: Node) -> Limit | Project:
    """Return the expression with an order that leaves no two rows equal, as a limit or a projection of one."""
    if isinstance(node, Project) and is_ordered(node):
        return Project(_totally_ordered(node.source), node.columns, node.heading)
    if not isinstance(node, Limit):
        return Limit(node, key_order(node.heading), None, 0, node.heading)
    named = {item.name for item in node.order if item.computed is None}
    rest = tuple(item for item in key_order(node.heading) if item.name not in named)
    return replace(node, order=node.order + rest)


def _limit_of(node: Node) -> int | None:
    while isinstance(node, Project):
        node = node.source
    return node.limit if isinstance(node, Limit) else None


def _cut(node: Node, limit: int, skip: int) -> Node:
    """Return at most `limit` rows of an ordered expression after `skip` of its rows."""
    if isinstance(node, Project):
        return Project(_cut(node.source, limit, skip), node.columns, node.heading)
    assert isinstance(node, Limit)
    left = limit if node.limit is None else max(0, min(limit, node.limit - skip))
    return replace(node, limit=left, offset=node.offset + skip)


def _by_order(connection: Connection, ordered: Limit, size: int) -> Iterator[dict[str, Any]]:
    """Page by the values that the rows are sorted by."""
    heading, names = ordered.heading, ordered.heading.names
    # Hidden attributes may be sorted by; they are fetched too and left out of the dicts.
    fetched = list(dict.fromkeys([*names, *(item.name for item in ordered.order)]))
    places = [fetched.index(item.name) for item in ordered.order]
    columns = columns_of(connection, heading, fetched)
    shown = columns_of(connection, heading, names)
    page: Node = _cut(ordered, size, 0)
    done = 0
    while True:
        rows = raw_rows(connection, page, fetched, columns)
        done += len(rows)
        last = [columns.readers[place].value(rows[-1][place]) for place in places] if rows else []
        full = len(rows) == _limit_of(page)
        if len(fetched) > len(names):
            rows = [row[: len(names)] for row in rows]
        yield from as_dicts(shown, names, rows)
        if not full or done == ordered.limit:
            return
        after = _after(connection, heading, ordered.order, last)
        if after is None:
            yield from _by_number(connection, ordered, COSTLY_PAGE_ROWS, done)
            return
        limit = size if ordered.limit is None else min(size, ordered.limit - done)
        page = Limit(Restrict(ordered.source, after, heading), ordered.order, limit, 0, heading)


def _by_number(connection: Connection, ordered: Limit | Project, size: int, done: int = 0) -> Iterator[dict[str, Any]]:
    """Page by counting. Each page costs what all before it do, and rows that others insert meanwhile shift the count."""
    names = ordered.heading.names
    while True:
        page = _cut(ordered, size, done)
        rows = fetch_dicts(connection, page, names)
        yield from rows
        done += len(rows)
        if len(rows) < size:
            return


# --- the condition that a row comes later
def _after(
    connection: Connection, heading: Heading, order: Sequence[OrderItem], last: Sequence[Any]
) -> p.Predicate | None:
    """Return the condition that a row comes after the one with the values `last`; None if it cannot be told exactly."""
    bounds = [_Bound.make(connection, heading._attributes[i.name], i, v) for i, v in zip(order, last, strict=True)]
    if any(bound is None for bound in bounds):
        return None
    known = [bound for bound in bounds if bound is not None]
    if connection.dialect.row_comparison and all(bound.plain is not None for bound in known):
        return p.Beyond(tuple(bound.plain for bound in known if bound.plain is not None))
    alternatives = [
        p.conjunction([*(before.equal for before in known[:n]), bound.beyond]) for n, bound in enumerate(known)
    ]
    return p.disjunction(alternatives)


@dataclass(frozen=True, slots=True)
class _Bound:
    """What comes after a value of one attribute, and what equals it; `plain` if that is simply what is greater."""

    beyond: p.Predicate
    equal: p.Predicate
    plain: p.Compare | None

    @classmethod
    def make(cls, connection: Connection, attribute: Attribute, item: OrderItem, value: Any) -> _Bound | None:
        name, value_type, missing = attribute.name, attribute.value_type, p.IsNull(attribute.name)
        if value is None:  # NULLs come first ascending and last descending
            beyond = p.Constant(value=False) if item.descending else p.negate(missing)
            return cls(beyond, missing, None)

        def asked(operator: str, value: Any) -> Comparison:
            return compare(value_type, operator, value, infinity=connection.dialect.float_infinity)

        equal = asked("=", value)
        if equal.outcome != "bound":
            return None
        if value_type.kind == "enum":  # sorted as declared, compared as text
            if value not in value_type.labels:
                return None
            position = value_type.labels.index(value)
            later = value_type.labels[:position] if item.descending else value_type.labels[position + 1 :]
            beyond = p.disjunction([p.Compare(name, value_type, asked("=", label)) for label in later])
            plain = None
        else:
            greater = asked("<" if item.descending else ">", value)
            found = p.Compare(name, value_type, greater)
            beyond = found if greater.outcome != "none" else p.Constant(value=False)
            whole = greater.outcome == "bound" and greater.operator == ">" and not attribute.nullable
            plain = found if whole else None
        if item.descending and attribute.nullable:
            beyond = p.disjunction([beyond, missing])
        return cls(beyond, p.Compare(name, value_type, equal), plain)
