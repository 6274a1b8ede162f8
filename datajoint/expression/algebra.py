"""Build relational nodes: every rule about what is legal, and what heading comes out, is here."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from datajoint.backends.json_paths import read_cast
from datajoint.errors import DataJointError, UnknownAttributeError
from datajoint.expression.conditions import JSON_KEY
from datajoint.expression.matching import check_lineage, check_types, namesakes, warn_of_lineage
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
    Union,
)
from datajoint.expression.predicates import Constant, Predicate
from datajoint.expression.top import Top
from datajoint.heading import Attribute, Heading
from datajoint.naming import did_you_mean, shorten
from datajoint.sql.fragment import Sql
from datajoint.usertext import UserFragment, compile_expression, compile_order, split_order
from datajoint.values.accept import first_unstorable
from datajoint.values.model import TEXT, UNKNOWN, ValueType

if TYPE_CHECKING:
    from datajoint.backends.base import Backend

_NAME = re.compile(r"^\s*([A-Za-z_]\w*)\s*$")
_DUPLICATE = re.compile(r"^\s*\(\s*([A-Za-z_]\w*)\s*\)\s*$")
_EXCLUDED = re.compile(r"^\s*-\s*(.*\S)\s*$")
_CONSTANTS = {"null", "true", "false", "current_timestamp", "current_date", "curdate", "now"}
_KEY = re.compile(r"^\s*KEY(?:\s+(?P<direction>asc|desc))?\s*$", re.IGNORECASE)


def unknown_attribute(name: str, heading: Heading) -> UnknownAttributeError:
    """Return the error for a name that is not in `heading`."""
    return UnknownAttributeError(
        f"Attribute `{name}` not found.",
        attribute=name,
        hint=did_you_mean(name, heading.names) or f"The attributes are {', '.join(heading.names)}.",
    )


def restrict(source: Node, predicate: Predicate) -> Node:
    """Keep the rows for which `predicate` is true."""
    if isinstance(predicate, Constant) and predicate.value:
        return source
    return Restrict(source, predicate, source.heading)


# --- projection
def project(source: Node, attributes: Sequence[Any], named: Mapping[str, Any], backend: Backend) -> Project:
    """Choose, rename and compute attributes; see `QueryExpression.proj`.

    Raises
    ------
    DataJointError
        For an attribute that does not exist, a name used twice, or an excluded key attribute.
    TypeError
        For a named attribute that is not text.
    """
    heading = source.heading
    try:
        key = ("proj", tuple(attributes), tuple(named.items()), backend)
        columns, projected = heading.derived(key, lambda: _projection(heading, attributes, named, backend))
    except TypeError:  # something that cannot be hashed, which the checks will name
        columns, projected = _projection(heading, attributes, named, backend)
    return Project(source, columns, projected)


def _projection(
    heading: Heading, attributes: Sequence[Any], named: Mapping[str, Any], backend: Backend
) -> tuple[tuple[Column, ...], Heading]:
    kept = _kept(heading, attributes)
    origins, computed = _named(heading, named, backend, heading._attributes, aggregates=False)
    renamed = {o for n, o in origins.items() if not _DUPLICATE.match(str(named[n]))}
    selected = set(attributes_by_name(attributes))
    kept = [n for n in kept if n not in renamed or n in selected]
    return _columns(heading, kept, origins, computed, keep_hidden=True)


def attributes_by_name(attributes: Sequence[Any]) -> list[str]:
    """Return the positional arguments that name an attribute to keep."""
    return [a.strip() for a in attributes if isinstance(a, str) and not _EXCLUDED.match(a)]


def _kept(heading: Heading, attributes: Sequence[Any]) -> list[str]:
    """Return the names that the positional arguments of a projection keep, in heading order."""
    kept = set(heading.primary_key)
    excluded: set[str] = set()
    for item in attributes:
        if item is Ellipsis:
            kept.update(heading.secondary_attributes)
        elif not isinstance(item, str):
            raise DataJointError(f"{item!r} is not a valid data type for an attribute in .proj")
        elif match := _EXCLUDED.match(item):
            excluded.add(match[1])
        elif item.strip() in heading:
            kept.add(item.strip())
        else:
            raise unknown_attribute(item.strip(), heading)
    if clash := [name for name in heading.primary_key if name in excluded]:
        raise DataJointError(f"Cannot exclude primary key attribute {', '.join(clash)}.")
    return [name for name in heading.names if name in kept - excluded]


def _named(
    heading: Heading,
    named: Mapping[str, Any],
    backend: Backend,
    scope: Mapping[str, Attribute],
    *,
    aggregates: bool,
    own: Container[str] = (),
) -> tuple[dict[str, str], dict[str, tuple[Column, Attribute]]]:
    """Split named attributes into renames (new name -> old name) and computed columns.

    In summaries, `own` are the attributes that have one value in each group.
    """
    origins: dict[str, str] = {}
    computed: dict[str, tuple[Column, Attribute]] = {}
    for new, value in named.items():
        _check_name(new, backend)
        if isinstance(value, Sql):
            computed[new] = _computed(new, value, UNKNOWN, str(value), nullable=True)
            continue
        if not isinstance(value, str):
            raise TypeError(f"Attribute {new}={value!r}: expected text, an SQL expression or an attribute's name.")
        match = _NAME.match(value) or _DUPLICATE.match(value)
        if value.strip() in heading:  # whatever characters another program gave it
            origins[new] = value.strip()
        elif match and (match[1] in heading or match[1].lower() not in _CONSTANTS):
            if match[1] not in heading:
                raise _not_determined(match[1], heading, scope)
            origins[new] = match[1]
        elif (path := JSON_KEY.match(value)) and path["attribute"] in scope and scope[path["attribute"]].json:
            computed[new] = _json_column(new, path, value)
        else:
            fragment = compile_expression(value, scope, backend, aggregates=aggregates)
            if aggregates and (loose := [n for n in scope if n in fragment.loose and n not in own]):
                raise _not_determined(loose[0], heading, scope)
            computed[new] = _computed(new, fragment, fragment.value_type, value, nullable=fragment.nullable)
    return origins, computed


def _check_name(name: str, backend: Backend) -> None:
    """Refuse a new name that some engine could not hold, or would cut."""
    longest = backend.dialect.max_identifier_length
    if not name or first_unstorable(name) >= 0 or len(name.encode()) > longest:
        raise DataJointError(
            f"{shorten(name)} cannot be the name of an attribute.", hint=f"Names have 1 to {longest} characters."
        )


def _not_determined(name: str, heading: Heading, scope: Mapping[str, Attribute]) -> UnknownAttributeError:
    """Return the error for a name that is no attribute here, or one that has many values in each group."""
    if name not in scope or scope[name].is_hidden:
        return unknown_attribute(name, heading)
    return UnknownAttributeError(
        f"Attribute `{name}` has many values in each group.",
        attribute=name,
        hint=f"Summarise it, as in min({name}) or count({name}).",
    )


def _json_column(new: str, path: re.Match[str], text: str) -> tuple[Column, Attribute]:
    value = JsonPathValue(path["attribute"], path["path"], path["cast"])
    value_type = TEXT if path["cast"] is None else read_cast(path["cast"]).value_type
    return _computed(new, value, value_type, text, nullable=True)


def _computed(
    name: str, value: UserFragment | Sql | JsonPathValue, value_type: ValueType, text: str, *, nullable: bool
) -> tuple[Column, Attribute]:
    attribute = Attribute(
        name, comment="calculated attribute", nullable=nullable, attribute_expression=text, value_type=value_type
    )
    return Column(name, computed=value), attribute


def refuse_case_twins(names: Iterable[str]) -> None:
    """Refuse attributes that differ by case only: to most engines they are one, and each would have the other's values.

    Raises
    ------
    DataJointError
    """
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.lower(), name)
        if other != name:
            raise DataJointError(
                f"The attributes `{other}` and `{name}` differ by case only.",
                attribute=name,
                hint="Rename one of them with .proj().",
            )


def _columns(
    heading: Heading,
    kept: Sequence[str],
    origins: Mapping[str, str],
    computed: Mapping[str, tuple[Column, Attribute]],
    *,
    keep_hidden: bool = False,
) -> tuple[tuple[Column, ...], Heading]:
    """Order the columns: each attribute, then its other names, computed ones last."""
    columns: list[Column] = []
    attributes: dict[str, Attribute] = {}

    def add(column: Column, attribute: Attribute) -> None:
        if column.name in attributes:
            raise DataJointError(
                f"Attribute `{column.name}` already exists.",
                attribute=column.name,
                hint="Choose another name, or exclude it.",
            )
        attributes[column.name] = attribute
        columns.append(column)

    for old in heading.names:
        if old in kept:
            add(Column(old, old), heading[old])
        for new, origin in origins.items():
            if origin == old:
                add(Column(new, old), heading[old]._replace(name=new, attribute_expression=f"`{old}`"))
    for column, attribute in computed.values():
        add(column, attribute)
    if origins or computed:
        refuse_case_twins(attributes)
    hidden = [a for a in heading._attributes.values() if keep_hidden and a.is_hidden and a.name not in attributes]
    columns.extend(Column(a.name, a.name) for a in hidden)
    return tuple(columns), heading.replaced([*attributes.values(), *hidden])


# --- join
def join(left: Node, right: Node, *, semantic_check: bool, outer: bool, allow_nullable_pk: bool) -> Join:
    """Pair the rows that agree on all namesakes; see `QueryExpression.join`.

    Raises
    ------
    DataJointError
        If namesakes have different origins, or if a left join's operand does not determine the other.
    """
    a, b = left.heading, right.heading
    if semantic_check:
        check_lineage(a, b)
    check_types(a, b)
    if outer and not a.determines(b) and not allow_nullable_pk:
        missing = [n for n in b.primary_key if n not in a.attributes]
        raise DataJointError(
            "Left join requires the left operand to determine the right operand (A → B). "
            f"Key attributes of the right operand that are not in the left operand: {', '.join(missing)}."
        )
    # `b` is kept with the heading, so that no other object can get its id.
    _, heading = a.derived(("join", id(b), outer), lambda: (b, _joined_heading(a, b, outer=outer)))
    return Join(left, right, namesakes(a, b), outer, heading)


def _joined_heading(a: Heading, b: Heading, *, outer: bool) -> Heading:
    """Order of attributes and choice of the key follow which operand determines the other."""
    if outer or a.determines(b) or not b.determines(a):
        first, second = a, b
    else:
        first, second = b, a
    key = list(first.primary_key)
    if not first.determines(second):
        key += [n for n in second.primary_key if n not in key]

    def pick(name: str) -> Attribute:
        from_first = name in first.attributes
        attribute = first[name] if from_first else second[name]
        can_be_null = outer and name not in a.attributes
        return attribute._replace(in_key=name in key, nullable=attribute.nullable or can_be_null)

    order = [
        *key,
        *(n for n in first.names if n not in key),
        *(n for n in second.names if n not in key and n not in first),
    ]
    refuse_case_twins(order)
    return Heading(map(pick, order), lineage_available=a.lineage_available and b.lineage_available)


# --- aggregation
def aggregate(
    source: Node, group: Node, attributes: Sequence[Any], named: Mapping[str, Any], *, inner: bool, backend: Backend
) -> Aggregate:
    """Summarise `group` per row of `source`; see `QueryExpression.aggr`.

    Raises
    ------
    DataJointError
        If `group` lacks key attributes of `source`, namesakes have different origins, or an attribute is unknown.
    """
    a, b = source.heading, group.heading
    missing = [n for n in a.primary_key if n not in b.attributes]
    if missing:
        raise DataJointError(
            "Aggregation requires the group expression to contain all primary key attributes of the grouping expression. "
            f"Missing attributes: {missing}."
        )
    check_lineage(a, b)
    check_types(a, b)
    kept = _kept(a, attributes)
    scope = {**_scope(b, a, outer=not inner), **a._attributes}
    origins, computed = _named(a, named, backend, scope, aggregates=True, own=a._attributes)
    renamed = {o for n, o in origins.items() if not _DUPLICATE.match(str(named[n]))}
    kept = [n for n in kept if n not in renamed or n in attributes_by_name(attributes)]
    columns, heading = _columns(a, kept, origins, computed)
    return Aggregate(source, group, namesakes(a, b), columns, inner, heading)


def _scope(group: Heading, source: Heading, *, outer: bool) -> dict[str, Attribute]:
    """Return the group's attributes as an aggregate sees them: NULL where nothing matched."""
    own = {n: x for n, x in group._attributes.items() if n not in source.attributes}
    return {n: x._replace(nullable=True) for n, x in own.items()} if outer else own


def group_by(source: Node, names: Sequence[str], named: Mapping[str, Any], backend: Backend) -> Group:
    """Summarise the rows of `source` per distinct combination of `names`.

    Raises
    ------
    DataJointError
        If an attribute is unknown.
    """
    heading = source.heading
    missing = [n for n in names if n not in heading.attributes]
    if missing:
        raise DataJointError(f"Attributes {missing} not found in the group expression.")
    names = tuple(dict.fromkeys(names))
    _check_equality(heading, names)
    origins, computed = _named(heading, named, backend, heading._attributes, aggregates=True, own=names)
    if loose := [origin for origin in origins.values() if origin not in names]:
        raise _not_determined(loose[0], Heading(), heading._attributes)
    computed |= {new: (Column(new, old), heading[old]._replace(name=new, in_key=False)) for new, old in origins.items()}
    columns: list[Column] = [Column(n, n) for n in names]
    attributes: list[Attribute] = [heading[n]._replace(in_key=True) for n in names]
    for column, attribute in computed.values():
        if column.name in names:
            raise DataJointError(f"Attribute `{column.name}` already exists.", attribute=column.name)
        columns.append(column)
        attributes.append(attribute._replace(nullable=attribute.nullable or not names))
    return Group(source, tuple(names), tuple(columns), heading.replaced(attributes))


def distinct(source: Node, names: Sequence[str]) -> Distinct:
    """Take the distinct combinations of attributes.

    Raises
    ------
    DataJointError
        If an attribute is unknown, or is JSON or binary and so has no order.
    """
    heading = source.heading
    names = tuple(dict.fromkeys(names))
    _check_equality(heading, names)
    return Distinct(source, tuple(names), heading.replaced(heading[n]._replace(in_key=True) for n in names))


def _check_equality(heading: Heading, names: Iterable[str]) -> None:
    """Refuse attributes that are unknown, or whose values engines cannot tell apart."""
    for name in names:
        if name not in heading:
            raise unknown_attribute(name, heading)
        if heading[name].json or heading[name].is_blob:
            raise DataJointError(
                f"Attribute `{name}` of type {heading[name].type} has no equality.",
                attribute=name,
                hint="Use a JSON path.",
            )


# --- union
def union(left: Node, right: Node) -> Union:
    """Take the keys of both operands; see `QueryExpression.__add__`.

    Raises
    ------
    DataJointError
        If the keys differ, a secondary attribute is in both, or key attributes have different origins while there
        are secondary attributes.
    """
    a, b = left.heading, right.heading
    if set(a.primary_key) != set(b.primary_key):
        raise DataJointError("The operands of a union must share the same primary key.")
    if set(a.secondary_attributes) & set(b.secondary_attributes):
        raise DataJointError("The operands of a union must not share any secondary attributes.")
    if a.secondary_attributes or b.secondary_attributes:
        check_lineage(a, b, verb="unite")
    else:
        warn_of_lineage(a, b, verb="unite")
    check_types(a, b, verb="unite")
    others = [x._replace(nullable=True) for h in (a, b) for x in h.attributes.values() if not x.in_key]
    refuse_case_twins([*a.names, *(x.name for x in others)])
    heading = Heading(
        [*(a[n] for n in a.primary_key), *others], lineage_available=a.lineage_available and b.lineage_available
    )
    return Union(left, right, heading)


# --- order and limit
def limit(source: Node, top: Top, backend: Backend) -> Limit | Project:
    """Sort and cut the rows; a second limit in the same order is merged with the first.

    Raises
    ------
    DataJointError
        If an attribute to sort by is unknown or has no order.
    """
    heading = source.heading
    if isinstance(source, Project) and top.order_by is None and is_ordered(source):
        # The inherited order may use attributes that the projection dropped.
        return Project(limit(source.source, top, backend), source.columns, heading)
    if isinstance(source, Limit):
        order = source.order if top.order_by is None else order_items(top.order_by, heading, backend)
        if order == source.order:
            merged = Top(source.limit, None, source.offset).merge(Top(top.limit, None, top.offset))
            return Limit(source.source, order, merged.limit, merged.offset, heading)
    else:
        order = order_items("KEY" if top.order_by is None else top.order_by, heading, backend)
    return Limit(source, order, top.limit, top.offset, heading)


def is_ordered(node: Node) -> bool:
    """Tell whether the rows come in the order of a `Top`."""
    while isinstance(node, Project):
        node = node.source
    return isinstance(node, Limit)


def key_order(heading: Heading) -> tuple[OrderItem, ...]:
    """Return the order by key."""
    return tuple(OrderItem(name) for name in heading.primary_key)


def order_items(order_by: str | Iterable[str], heading: Heading, backend: Backend) -> tuple[OrderItem, ...]:
    """Read an order: ``KEY``, names and expressions with a direction, several in one text.

    Raises
    ------
    DataJointError
        If an attribute is unknown, or is JSON or binary and so has no order.
    """
    items: list[OrderItem] = []
    for text in [order_by] if isinstance(order_by, str) else order_by:
        for piece in split_order(text):
            key = _KEY.match(piece) if "KEY" in piece else None
            if key:
                descending = (key["direction"] or "").lower() == "desc"
                items += [OrderItem(n, descending) for n in heading.primary_key]
            else:
                items.append(_plain_item(piece, heading) or _order_item(piece, heading, backend))
    for item in items:
        kind = item.computed.value_type.kind if item.computed else None
        attribute = None if item.computed else heading._attributes[item.name]
        if kind in {"json", "bytes"} or (attribute is not None and (attribute.json or attribute.is_blob)):
            what = f"Attribute `{item.name}` of type {attribute.type}" if attribute else f"{item.name!r}"
            raise DataJointError(f"{what} has no order.", hint="Order by a JSON path.")
    first: dict[str, OrderItem] = {}
    for item in items:
        first.setdefault(item.name, item)  # a repeated attribute decides nothing
    return tuple(first.values())


def _order_item(piece: str, heading: Heading, backend: Backend) -> OrderItem:
    (term,) = compile_order(piece, heading._attributes, backend)
    if isinstance(term.name, str):
        return OrderItem(term.name, term.descending, nulls_first=term.nulls_first)
    return OrderItem(piece.strip(), term.descending, term.name, term.nulls_first)


def _plain_item(piece: str, heading: Heading) -> OrderItem | None:
    """Read ``name``, ``name asc``, ``name desc`` without the SQL parser."""
    words = piece.split()
    if not words or words[0] not in heading._attributes or len(words) > 2:  # noqa: PLR2004 - a name and a direction
        return None
    direction = words[1].lower() if len(words) == 2 else "asc"  # noqa: PLR2004
    return OrderItem(words[0], direction == "desc") if direction in {"asc", "desc"} else None
