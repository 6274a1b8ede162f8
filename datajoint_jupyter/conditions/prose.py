"""A tree in words, for people."""

from __future__ import annotations

from datajoint_jupyter.conditions.model import (
    EVERYTHING,
    Between,
    Compare,
    Condition,
    Exists,
    Group,
    Missing,
    Not,
    OneOf,
    Operator,
    TextMatch,
    Value,
    Verbatim,
)

Line = tuple[int, str]

_OPERATORS: dict[Operator, str] = {
    "=": "is",
    "<>": "is not",
    "<": "is below",
    "<=": "is at most",
    ">": "is above",
    ">=": "is at least",
}
_PLACES = {"contains": "contains", "starts": "starts with", "ends": "ends with"}


def prose_of(condition: Condition) -> list[Line]:
    """Return a condition as lines, each with its depth.

    Examples
    --------
    >>> prose_of(Group("or", (Compare("a", ">", 5), Not(Missing("b")))))
    [(0, 'at least one of these holds:'), (1, 'a is above 5'), (1, 'not: b is missing')]
    """
    if isinstance(condition, Group) and condition.how == "and" and condition.items:
        return [line for item in condition.items for line in _lines(item, 0)]
    return _lines(condition, 0)


def _lines(condition: Condition, depth: int) -> list[Line]:
    match condition:
        case Group(items=()):
            return [(depth, "every row")]
        case Group(how=how, items=items):
            head = "all of these hold:" if how == "and" else "at least one of these holds:"
            return [(depth, head), *(line for item in items for line in _lines(item, depth + 1))]
        case Not(item=Exists() as item):
            return _exists(item, depth, "no row of")
        case Not(item=item):
            (_, first), *rest = _lines(item, depth)
            return [(depth, f"not: {first}"), *rest]
        case Exists():
            return _exists(condition, depth, "a row of")
        case Verbatim(text=text):
            return [(depth, text)]
        case Compare(name=name, operator=operator, value=value):
            return [(depth, f"{name} {_OPERATORS[operator]} {_spelled(value)}")]
        case Between(name=name, low=low, high=high):
            ends = [f"from {_spelled(low)}"] if low is not None else []
            ends += [f"to {_spelled(high)}"] if high is not None else []
            return [(depth, f"{name} is {' '.join(ends)}" if ends else "every row")]
        case OneOf(name=name, values=values):
            return [(depth, f"{name} is one of {', '.join(map(_spelled, values)) or 'no values'}")]
        case TextMatch(name=name, place=place, text=text):
            return [(depth, f"{name} {_PLACES[place]} {_spelled(text)}")]
        case Missing(name=name):
            return [(depth, f"{name} is missing")]


def _exists(condition: Exists, depth: int, which: str) -> list[Line]:
    way = f" by way of {', '.join(condition.via)}" if condition.via else ""
    inner = condition.condition
    if inner is None or inner == EVERYTHING:
        return [(depth, f"{which} {condition.table} belongs to it{way}")]
    return [
        (depth, f"{which} {condition.table} belongs to it{way} in which"),
        *((level + depth + 1, text) for level, text in prose_of(inner)),
    ]


def _spelled(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, str) else str(value)
