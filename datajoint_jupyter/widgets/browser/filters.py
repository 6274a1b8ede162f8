"""Filters: conditions that were clicked together, or a restriction of any kind that Python gave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import datajoint as dj
from datajoint.expression import QueryExpression
from datajoint.heading import Heading
from datajoint_jupyter.conditions import (
    Between,
    Compare,
    Condition,
    Exists,
    Group,
    Missing,
    Not,
    OneOf,
    TextMatch,
    Verbatim,
    code_of,
    condition_of,
    read_condition,
    restriction_of,
)
from datajoint_jupyter.protocol import Payload, refuse
from datajoint_jupyter.source_text import name_of_table, text_of_condition

_SIGNS = {"=": "=", "<>": "≠", "<": "<", "<=": "≤", ">": ">", ">=": "≥"}
_PLACES = {"contains": "contains", "starts": "starts with", "ends": "ends with"}
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Filter:
    """One restriction of the rows.

    Attributes
    ----------
    restriction : object
        As ``&`` takes it.
    label : str
        For people.
    code : str
        Python text for `restriction`.
    """

    restriction: Any
    label: str
    code: str


def clicked(payload: Payload, heading: Heading) -> Filter:
    """Return the filter that a page asked for.

    Raises
    ------
    ProtocolError
        If it does not fit the heading, or is none of those that can be clicked together.
    """
    condition = read_condition(payload, heading, _no_table)
    if _has_words(condition):
        refuse("filters are not written in words")
    return filter_of(condition)


def _has_words(condition: Condition) -> bool:
    match condition:
        case Verbatim():
            return True
        case Not(item=item):
            return _has_words(item)
        case Group(items=items):
            return any(map(_has_words, items))
        case _:
            return False


def filter_of(condition: Condition) -> Filter:
    """Return a filter of a condition on the rows themselves."""
    return Filter(restriction_of(condition, _no_table), label_of(condition), code_of(condition))


def given(restriction: Any, expression: QueryExpression) -> list[Filter]:
    """Return the filters that a restriction from Python is made of.

    Parameters
    ----------
    restriction : object
        As ``&`` takes it; None for no restriction.
    expression : QueryExpression
        What it restricts.

    Raises
    ------
    DataJointError
        If it does not restrict the expression.
    """
    if restriction is None or restriction is True:
        return []
    if isinstance(restriction, dj.AndList):
        return [found for item in restriction for found in given(item, expression)]
    _ = expression & restriction  # a fault shows itself here
    condition = condition_of(restriction, expression, name_of_table)
    if isinstance(restriction, Mapping) and isinstance(condition, Group):
        return [filter_of(item) for item in condition.items]
    text = text_of_condition(restriction, expression)
    return [Filter(restriction, _cut(text) if condition is None else label_of(condition), text)]


def _no_table(name: str) -> Any:
    raise KeyError(name)


# --- for people
def label_of(condition: Condition) -> str:
    """Return a condition in few words.

    Examples
    --------
    >>> label_of(Compare("weight", ">=", 3)), label_of(Missing("note"))
    ('weight ≥ 3', 'note is missing')
    """
    match condition:
        case Compare(name=name, operator=operator, value=value):
            return _cut(f"{name} {_SIGNS[operator]} {value}")
        case Between(name=name, low=low, high=high):
            if low is None or high is None:
                return _cut(f"{name} ≤ {high}" if low is None else f"{name} ≥ {low}")
            return _cut(f"{name} = {low}" if low == high else f"{name} from {low} to {high}")
        case OneOf(name=name, values=values):
            return _cut(f"{name} is {_listed(values)}")
        case TextMatch(name=name, place=place, text=text):
            return _cut(f"{name} {_PLACES[place]} “{text}”")
        case Missing(name=name):
            return f"{name} is missing"
        case Not(item=Missing(name=name)):
            return f"{name} is not missing"
        case Not(item=item):
            return _cut(f"not ({label_of(item)})")
        case Exists(table=table):
            return f"has {table}"
        case Verbatim(text=text):
            return _cut(text)
        case Group(how=how, items=items):
            return _cut(f" {how} ".join(label_of(item) for item in items) or "all rows")


def _listed(values: Sequence[Any]) -> str:
    return " or ".join(map(str, values)) or "nothing"


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
