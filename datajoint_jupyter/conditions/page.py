"""A tree as a page knows it, and back: values are text there, and are read by the type of their attribute."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from datajoint.heading import Attribute, Heading
from datajoint_jupyter.conditions.model import (
    OPERATORS,
    PLACES,
    Between,
    Compare,
    Condition,
    Exists,
    Group,
    Missing,
    Not,
    OneOf,
    Operator,
    Place,
    TextMatch,
    Value,
    Verbatim,
)
from datajoint_jupyter.display.values import placeholder
from datajoint_jupyter.protocol import ProtocolError, choice, items, mapping, refuse, text

MAX_ITEMS = 200
"""Most members of a list or a group."""

MAX_DEPTH = 12
MAX_TEXT = 10_000
_TRUTH = {"true": True, "1": True, "false": False, "0": False}

Headings = Callable[[str], Heading]
"""Finds the heading of a table by its name in Python code; raises `KeyError`."""


def read_condition(content: object, heading: Heading, headings: Headings, depth: int = 0) -> Condition:
    """Read a condition that a page sent.

    Parameters
    ----------
    content : object
        As it came: ``{"kind": …}``, see `page_state`.
    heading : Heading
        Of the expression that it is about.
    headings : callable
        Finds the headings of other tables.

    Raises
    ------
    ProtocolError
        If it does not have the agreed form, names what does not exist, or has a value that its attribute cannot have;
        the message is for people.
    """
    payload = mapping(content, "a condition")
    if depth > MAX_DEPTH:
        refuse("conditions are nested too deeply")
    match choice(payload, "kind", KINDS):
        case "group":
            how = choice(payload, "how", ("and", "or"))
            read = (read_condition(item, heading, headings, depth + 1) for item in items(payload, "items", MAX_ITEMS))
            return Group("and" if how == "and" else "or", tuple(read))
        case "not":
            return Not(read_condition(payload.get("item"), heading, headings, depth + 1))
        case "exists":
            return _read_exists(payload, headings, depth)
        case "verbatim":
            return Verbatim(text(payload, "text", MAX_TEXT))
        case kind:
            return _read_simple(kind, payload, heading)


def _read_exists(payload: Mapping[str, Any], headings: Headings, depth: int) -> Exists:
    table = text(payload, "table")
    try:
        other = headings(table)
    except KeyError:
        raise ProtocolError(f"There is no table {table!r}.") from None
    via = items({"via": payload.get("via", [])}, "via", MAX_ITEMS)
    if not all(isinstance(stop, str) and len(stop) <= MAX_TEXT for stop in via):
        refuse("via is a list of texts")
    inner = payload.get("condition")
    return Exists(table, None if inner is None else read_condition(inner, other, headings, depth + 1), tuple(via))


def _read_simple(kind: str, payload: Mapping[str, Any], heading: Heading) -> Condition:
    name = text(payload, "name")
    if name not in heading:
        raise ProtocolError(f"There is no attribute {name!r}.")
    attribute = heading[name]
    if kind == "missing":
        return Missing(name)
    if placeholder(attribute) is not None:
        raise ProtocolError(f"{name} can only be asked whether it is missing: it holds {placeholder(attribute)}.")
    match kind:
        case "compare":
            operator = choice(payload, "operator", OPERATORS)
            return Compare(name, cast("Operator", operator), read_value(attribute, payload.get("value")))
        case "between":
            ends = (payload.get("low"), payload.get("high"))
            low, high = (None if end in (None, "") else read_value(attribute, end) for end in ends)
            return Between(name, low, high)
        case "one of":
            return OneOf(name, tuple(read_value(attribute, value) for value in items(payload, "values", MAX_ITEMS)))
        case _:
            if not attribute.value_type.is_text:
                raise ProtocolError(f"{name} is no text.")
            place = choice(payload, "place", PLACES)
            return TextMatch(name, cast("Place", place), text(payload, "text", MAX_TEXT))


def read_value(attribute: Attribute, content: object) -> Value:
    """Return the value that a text of the page stands for.

    Raises
    ------
    ProtocolError
        If the attribute cannot have it; says what it can have.
    """
    if not isinstance(content, str) or len(content) > MAX_TEXT:
        refuse("a value is a text")
    kind = attribute.value_type
    said = content if kind.is_text else content.strip()
    try:
        match kind.kind:
            case "int" | "year":
                return int(said)
            case "float32" | "float64":
                return float(said)
            case "decimal":
                return str(Decimal(said))
            case "bool":
                return _TRUTH[said.lower()]
            case "uuid":
                return str(uuid.UUID(said))
    except (ValueError, KeyError, InvalidOperation):
        raise ProtocolError(f"{said!r} is no value of {attribute.name} ({attribute.declared_type}).") from None
    if kind.kind == "enum" and said not in kind.labels:
        raise ProtocolError(f"{said!r} is none of the values of {attribute.name}: {', '.join(kind.labels)}.")
    return said


def page_state(condition: Condition) -> dict[str, Any]:
    """Return a condition as `read_condition` reads it."""
    match condition:
        case Group(how=how, items=members):
            return {"kind": "group", "how": how, "items": [page_state(item) for item in members]}
        case Not(item=item):
            return {"kind": "not", "item": page_state(item)}
        case Exists(table=table, condition=inner, via=via):
            content = None if inner is None else page_state(inner)
            return {"kind": "exists", "table": table, "condition": content, "via": list(via)}
        case Verbatim(text=said):
            return {"kind": "verbatim", "text": said}
        case Missing(name=name):
            return {"kind": "missing", "name": name}
        case Compare(name=name, operator=operator, value=value):
            return {"kind": "compare", "name": name, "operator": operator, "value": shown_value(value)}
        case Between(name=name, low=low, high=high):
            return {"kind": "between", "name": name, "low": _end(low), "high": _end(high)}
        case OneOf(name=name, values=values):
            return {"kind": "one of", "name": name, "values": [shown_value(value) for value in values]}
        case TextMatch(name=name, place=place, text=said):
            return {"kind": "text", "name": name, "place": place, "text": said}


KINDS = ("group", "not", "exists", "verbatim", "missing", "compare", "between", "one of", "text")


def _end(value: Value | None) -> str | None:
    return None if value is None else shown_value(value)


def shown_value(value: Value) -> str:
    """Return a value as a page shows it and `read_value` reads it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
