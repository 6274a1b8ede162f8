"""What a page must know of an attribute to offer tests that suit it."""

from __future__ import annotations

from typing import Any

from datajoint.heading import Attribute, Heading
from datajoint_jupyter.display.values import placeholder

_ORDERED = ["=", "<>", "<", "<=", ">", ">=", "between", "one of"]
_TEXTS = ["=", "<>", "contains", "starts", "ends", "one of", "<", ">", "between"]
_TESTS: dict[str, list[str]] = {
    "enum": ["one of", "=", "<>"],
    "bool": ["=", "<>"],
    "uuid": ["=", "<>", "one of"],
    "char": _TEXTS,
    "varchar": _TEXTS,
    "text": _TEXTS,
}
_INPUTS = {"date": "date", "datetime": "datetime", "timestamp": "datetime", "bool": "bool", "enum": "enum"}


def attribute_states(heading: Heading) -> list[dict[str, Any]]:
    """Return the attributes of a heading in order."""
    return [_state(attribute) for attribute in heading.attributes.values()]


def _state(attribute: Attribute) -> dict[str, Any]:
    kind = attribute.value_type
    tests = [] if placeholder(attribute) is not None else _TESTS.get(kind.kind, _ORDERED)
    may_miss = attribute.nullable or not tests
    return {
        "name": attribute.name,
        "type": attribute.declared_type,
        "comment": attribute.comment,
        "key": attribute.in_key,
        "tests": [*tests, *(["missing"] if may_miss else [])],
        "input": _INPUTS.get(kind.kind, "number" if kind.is_number else "text"),
        "labels": list(kind.labels),
    }
