"""Conditions as frozen data: a tree over attribute names, with literals already converted by their attribute's type."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from datajoint.sql.fragment import Sql
from datajoint.usertext import UserFragment
from datajoint.values.compare import Comparison
from datajoint.values.model import ValueType

if TYPE_CHECKING:
    from datajoint.expression.nodes import Node
    from datajoint.graph.paths import JoinPath


@dataclass(frozen=True, slots=True)
class Constant:
    """True for every row, or for none."""

    value: bool


@dataclass(frozen=True, slots=True)
class All:
    """Every one of at least two items."""

    items: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one of at least two items."""

    items: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True)
class Negation:
    """What SQL's NOT makes of the item: NULL stays NULL, so such rows are in neither."""

    item: Predicate


@dataclass(frozen=True, slots=True)
class Compare:
    """An attribute against a literal."""

    name: str
    value_type: ValueType
    comparison: Comparison


@dataclass(frozen=True, slots=True)
class Beyond:
    """The attributes together are greater than the literals together; the first that differs decides. None is NULL."""

    bounds: tuple[Compare, ...]


@dataclass(frozen=True, slots=True)
class IsNull:
    """The attribute is NULL."""

    name: str


@dataclass(frozen=True, slots=True)
class Document:
    """A JSON value, as text."""

    text: str


@dataclass(frozen=True, slots=True)
class JsonPath:
    """The value at `path` of a JSON attribute, or without a path the whole of it, is `wanted`.

    None: it is missing, JSON's null or NULL. A `Document`: the same JSON value. A `Comparison`: read as the type
    `cast`, or as text without one, it compares so.
    """

    name: str
    path: str
    cast: str | None
    wanted: Document | Comparison | None


@dataclass(frozen=True, slots=True)
class OneOf:
    """The attributes `names` together equal one of many rows of canonical values, none of them NULL."""

    names: tuple[str, ...]
    value_types: tuple[ValueType, ...]
    rows: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True, slots=True)
class Exists:
    """A row of `node` has the same values of `names`; NULL equals nothing. Without names: `node` has any row.

    `path` tells along which foreign keys `node` was found.
    """

    names: tuple[str, ...]
    node: Node
    path: JoinPath | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """A user's condition, read and translated, or verbatim `Sql`."""

    fragment: UserFragment | Sql


Predicate = Constant | All | AnyOf | Negation | Compare | Beyond | IsNull | JsonPath | OneOf | Exists | Text


def negate(predicate: Predicate) -> Predicate:
    """Return the negation; constants and double negations fold."""
    if isinstance(predicate, Constant):
        return Constant(not predicate.value)
    if isinstance(predicate, Negation):
        return predicate.item
    return Negation(predicate)


def conjunction(items: list[Predicate]) -> Predicate:
    """Return the AND of the items; constants fold."""
    kept = items
    if Constant in map(type, items):
        kept = [p for p in items if not (isinstance(p, Constant) and p.value)]
        if any(isinstance(p, Constant) for p in kept):
            return Constant(value=False)
    if not kept:
        return Constant(value=True)
    return kept[0] if len(kept) == 1 else All(tuple(kept))


def disjunction(items: list[Predicate]) -> Predicate:
    """Return the OR of the items; constants fold."""
    kept = [p for p in items if not (isinstance(p, Constant) and not p.value)]
    if any(isinstance(p, Constant) for p in kept):
        return Constant(value=True)
    if not kept:
        return Constant(value=False)
    return kept[0] if len(kept) == 1 else AnyOf(tuple(kept))


def attribute_names(predicate: Predicate) -> Iterator[str]:
    """Yield the names of the attributes that a condition reads, with repetitions."""
    match predicate:
        case All(items) | AnyOf(items):
            for item in items:
                yield from attribute_names(item)
        case Negation(item):
            yield from attribute_names(item)
        case Compare(name=name) | IsNull(name=name) | JsonPath(name=name):
            yield name
        case Beyond(bounds):
            yield from (bound.name for bound in bounds)
        case OneOf(names=names) | Exists(names=names):
            yield from names
        case Text(UserFragment() as fragment):
            yield from fragment.names
        case _:
            pass


def join_paths(predicate: Predicate) -> Iterator[JoinPath]:
    """Yield the foreign-key paths that a condition follows."""
    match predicate:
        case All(items) | AnyOf(items):
            for item in items:
                yield from join_paths(item)
        case Negation(item):
            yield from join_paths(item)
        case Exists(path=path) if path is not None:
            yield path
        case _:
            pass
