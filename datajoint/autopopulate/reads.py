"""What a `make` has read: digests of results, and which of them can be verified."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from datajoint.backends.base import RawResult, Request
from datajoint.declare.resolve import table_info
from datajoint.definition import TableName
from datajoint.expression import predicates as p
from datajoint.expression.compile import compile_select
from datajoint.expression.nodes import (
    Aggregate,
    Distinct,
    Group,
    Join,
    Limit,
    Node,
    Project,
    Restrict,
    TableNode,
    Union,
)
from datajoint.sql.fragment import Sql
from datajoint.usertext import UserFragment

if TYPE_CHECKING:
    from datajoint.connection import Connection
    from datajoint.table.table import Table

LARGE = 2**16
"""Bytes beyond which a binary value enters a digest by its own."""

Source = tuple[Node, Sequence[str] | None]
"""Whose rows were asked for: an expression, and the names of the attributes (None: only whether, or how many)."""

_FLOATS = ("float32", "float64")
# Kinds whose values no driver delivers as bytes.
_NEVER_BYTES = {
    "int", "float32", "float64", "decimal", "bool", "char", "varchar", "text", "enum", "date", "datetime", "timestamp", "time", "year",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Read:
    """A query of a `make` and what it answered.

    Attributes
    ----------
    request : Request
    source : tuple or None
        The expression and the names; None for a statement of which no more is known than its text.
    rows : int
    digest : bytes
        SHA-256 of the driver's values.
    has_large : bool
        Whether one of them was so large that its own digest stands for it.
    """

    request: Request
    source: Source | None
    rows: int
    digest: bytes
    has_large: bool

    @classmethod
    def of(cls, request: Request, source: Source | None, result: RawResult) -> Read:
        """Note what a query answered."""
        digest = Digest(request, ordered=source is not None and _is_ordered(source[0]))
        return cls(request, source, digest.count(result), digest.of(result), digest.has_large)

    def holds(self, result: RawResult) -> bool:
        """Tell whether a repetition answered the same."""
        again = Read.of(self.request, self.source, result)
        return again.rows == self.rows and again.digest == self.digest

    def repeated(self, connection: Connection) -> Request:
        """Return what asks the same again; large values stay where they are, where the engine can digest them."""
        if not self.has_large or self.source is None or self.request.types is None:
            return self.request
        node, names = self.source
        text, values = compile_select(node, connection.backend, names, digested=LARGE).render(connection.dialect)
        return self.request._replace(text=text, values=values)


# --- digests
class Digest:
    """Makes the digest of results of one query.

    Parameters
    ----------
    request : Request
    ordered : bool
        Whether the order of rows counts.
    """

    def __init__(self, request: Request, *, ordered: bool) -> None:
        self._ordered, self._columns = ordered, request.columns
        types = request.types
        self._binary = None if types is None else [n for n, t in enumerate(types) if t.kind not in _NEVER_BYTES]
        # Sums of floats depend on the order in which the engine meets the rows.
        self._rounded = [] if types is None else [n for n, t in enumerate(types) if t.kind in _FLOATS and not t.core]
        self.has_large = False

    def count(self, result: RawResult) -> int:
        """Return the number of rows."""
        return result.rowcount if self._columns else len(result.rows)

    def of(self, result: RawResult) -> bytes:
        """Return the digest."""
        rows: Sequence[Sequence[Any]] = result.rows
        if self._columns:
            rows = list(zip(*(getattr(c, "tolist", lambda c=c: c)() for c in result.rows), strict=True))
        plain = not self._rounded and self._binary == []
        texts = list(map(repr, rows)) if plain else [repr(self._told(row)) for row in rows]
        if not self._ordered:
            texts.sort()
        return hashlib.sha256("\n".join(texts).encode("utf-8", "surrogatepass")).digest()

    def _told(self, row: Sequence[Any]) -> list[Any]:
        """Return a row with short forms of what is long or not exact."""
        told = list(row)
        for n in range(len(told)) if self._binary is None else self._binary:
            value = told[n]
            if isinstance(value, (bytes, bytearray, memoryview)) and len(value) > LARGE:
                self.has_large = True
                told[n] = hashlib.sha256(value).digest()
        for n in self._rounded:
            if isinstance(told[n], float):
                told[n] = f"{told[n]:.11e}"
        return told


# --- what can be verified
def verifiable_tables(table: Table) -> frozenset[TableName]:
    """Return the tables whose rows may be read again to see whether they changed: declared ancestors and their parts."""
    heading = table.heading
    found: frozenset[TableName] = heading.derived(
        "verifiable tables", lambda: _with_parts(table.connection, table.name)
    )
    return found


def _with_parts(connection: Connection, name: TableName) -> frozenset[TableName]:
    ancestors: set[TableName] = set()
    left = [name]
    while left:
        found = table_info(connection, left.pop())
        for key in found[0].foreign_keys if found else ():
            if key.parent not in ancestors and key.parent != name:
                ancestors.add(key.parent)
                left.append(key.parent)
    parts = {
        TableName(ancestor.schema, part)
        for ancestor in ancestors
        if (catalog := connection.catalog(ancestor.schema)) is not None
        for part in catalog.tables
        if part.startswith(ancestor.name + "__")
    }
    return frozenset(ancestors | parts)


def tables_of(source: Source | None) -> tuple[TableName, ...]:
    """Return the tables that an expression reads; none for an unknown one."""
    if source is None:
        return ()
    return tuple(dict.fromkeys(n.name for n in _nodes(source[0]) if isinstance(n, TableNode)))


def can_be_verified(read: Read, tables: frozenset[TableName]) -> bool:
    """Tell whether a repetition of a query must answer the same unless rows of `tables` changed, and asks no others."""
    if read.source is None:
        return False
    for node in _nodes(read.source[0]):
        if isinstance(node, TableNode):
            if node.name not in tables:
                return False
        elif isinstance(node, Limit):
            if not (_is_total(node) or _took_all(read, node)):
                return False
            if any(item.computed is not None and item.computed.volatile for item in node.order):
                return False
        elif any(map(_is_volatile, _said(node))):
            return False
    return True


def _is_ordered(node: Node) -> bool:
    while isinstance(node, Project):
        node = node.source
    return isinstance(node, Limit)


def _is_total(node: Limit) -> bool:
    """Tell whether it is certain which rows a limit takes."""
    if node.limit is None and not node.offset:
        return True
    named = {item.name for item in node.order if item.computed is None}
    return named >= set(node.heading.primary_key)


def _took_all(read: Read, node: Limit) -> bool:
    """Tell whether a limit at the top left out no row."""
    assert read.source is not None
    top, names = read.source
    while isinstance(top, Project):
        top = top.source
    return top is node and names is not None and not node.offset and node.limit is not None and read.rows < node.limit


def _is_volatile(computed: object) -> bool:
    return isinstance(computed, Sql) or (isinstance(computed, UserFragment) and computed.volatile)


def _said(node: Node) -> Iterator[object]:
    """Yield what the user wrote into one node."""
    if isinstance(node, Project | Aggregate | Group):
        return (column.computed for column in node.columns)
    return _texts(node.condition) if isinstance(node, Restrict) else iter(())


def _texts(condition: p.Predicate) -> Iterator[object]:
    match condition:
        case p.All(items) | p.AnyOf(items):
            for item in items:
                yield from _texts(item)
        case p.Negation(item):
            yield from _texts(item)
        case p.Text(fragment):
            yield fragment


def _nodes(node: Node) -> Iterator[Node]:
    """Yield an expression and all that it is made of, conditions included."""
    yield node
    match node:
        case Restrict(source, condition):
            yield from _nodes(source)
            yield from _asked(condition)
        case Project(source) | Distinct(source) | Group(source) | Limit(source):
            yield from _nodes(source)
        case Join(left, right) | Union(left, right):
            yield from _nodes(left)
            yield from _nodes(right)
        case Aggregate(source, group):
            yield from _nodes(source)
            yield from _nodes(group)
        case _:
            pass


def _asked(condition: p.Predicate) -> Iterator[Node]:
    match condition:
        case p.All(items) | p.AnyOf(items):
            for item in items:
                yield from _asked(item)
        case p.Negation(item):
            yield from _asked(item)
        case p.Exists(node=node):
            yield from _nodes(node)
        case _:
            pass
