"""The relational algebra as frozen data.

A node knows its operands and its heading, nothing else: no connection, no SQL. `algebra` builds nodes and refuses
illegal ones, `compile` turns a tree into one SELECT.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from datajoint.definition import TableName
from datajoint.heading import Heading
from datajoint.sql.fragment import Sql
from datajoint.usertext import UserFragment

if TYPE_CHECKING:
    from datajoint.expression.predicates import Predicate


@dataclass(frozen=True, eq=False, slots=True)
class TableNode:
    """All rows of a table."""

    name: TableName
    heading: Heading


@dataclass(frozen=True, eq=False, slots=True)
class Restrict:
    """The rows of `source` for which `condition` is true."""

    source: Node
    condition: Predicate
    heading: Heading


@dataclass(frozen=True, slots=True)
class Column:
    """An attribute of a projection: the operand's attribute `origin`, or what `computed` yields."""

    name: str
    origin: str | None = None
    computed: UserFragment | Sql | JsonPathValue | None = None


@dataclass(frozen=True, slots=True)
class JsonPathValue:
    """The value at `path` of the JSON attribute `attribute`, as text or as the SQL type `cast`."""

    attribute: str
    path: str
    cast: str | None


@dataclass(frozen=True, eq=False, slots=True)
class Project:
    """Every row of `source` with other attributes; the key is kept, so no row is lost."""

    source: Node
    columns: tuple[Column, ...]
    heading: Heading


@dataclass(frozen=True, eq=False, slots=True)
class Join:
    """Pairs of rows that agree on the attributes `on`; with `outer`, unmatched rows of `left` too."""

    left: Node
    right: Node
    on: tuple[str, ...]
    outer: bool
    heading: Heading


@dataclass(frozen=True, eq=False, slots=True)
class Aggregate:
    """One row per row of `source`, with summaries over the rows of `group` that agree on `on`.

    Without `inner`, rows of `source` that match nothing are kept and see one row of NULLs.
    """

    source: Node
    group: Node
    on: tuple[str, ...]
    columns: tuple[Column, ...]
    inner: bool
    heading: Heading


@dataclass(frozen=True, eq=False, slots=True)
class Group:
    """One row per distinct combination of the attributes `by` of `source`; without `by`, exactly one row."""

    source: Node
    by: tuple[str, ...]
    columns: tuple[Column, ...]
    heading: Heading


@dataclass(frozen=True, eq=False, slots=True)
class Distinct:
    """The distinct combinations of the attributes `names` of `source`; no names: one row if there is any."""

    source: Node
    names: tuple[str, ...]
    heading: Heading


@dataclass(frozen=True, eq=False, slots=True)
class Union:
    """One row per key of `left` or `right`, with the other attributes of both."""

    left: Node
    right: Node
    heading: Heading


@dataclass(frozen=True, slots=True)
class OrderItem:
    """One item of an order: an attribute of the operand (hidden ones included) or what `computed` yields.

    NULLs come first ascending and last descending, unless `nulls_first` says otherwise.
    """

    name: str
    descending: bool = False
    computed: UserFragment | None = None
    nulls_first: bool | None = None

    @property
    def names(self) -> frozenset[str]:
        """The attributes that it reads."""
        return frozenset([self.name]) if self.computed is None else self.computed.names


@dataclass(frozen=True, eq=False, slots=True)
class Limit:
    """The rows of `source` sorted by `order`; after skipping `offset`, at most `limit` of them (None: all)."""

    source: Node
    order: tuple[OrderItem, ...]
    limit: int | None
    offset: int
    heading: Heading


Node = TableNode | Restrict | Project | Join | Aggregate | Group | Distinct | Union | Limit
