"""A tree as the object that restricts an expression."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import datajoint as dj
from datajoint_jupyter.conditions.model import (
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
)
from datajoint_jupyter.conditions.words import words_of

Lookup = Callable[[str], Any]
"""Finds a table by the name that Python code gives it."""


def restriction_of(condition: Condition, lookup: Lookup) -> Any:
    """Return what restricts an expression to the rows that meet a condition.

    Parameters
    ----------
    condition : Condition
    lookup : callable
        Finds the tables of `Exists` by name.

    Raises
    ------
    DataJointError
        For a value that no condition can hold.
    KeyError
        For a table that `lookup` does not find.
    """
    match condition:
        case Compare(name=name, operator="=", value=value):
            return {name: value}
        case OneOf(name=name, values=values):
            return [{name: value} for value in values]
        case Missing(name=name):
            return {name: None}
        case Compare() | Between() | TextMatch():
            return words_of(condition)
        case Verbatim(text=text):
            return text
        case Exists(table=table, condition=inner, via=via):
            other = lookup(table)
            other = other() if isinstance(other, type) else other
            return dj.Near(other if inner is None else other & restriction_of(inner, lookup), via=list(via) or None)
        case Not(item=item):
            return dj.Not(restriction_of(item, lookup))
        case Group(how="or", items=items) if items:
            return [restriction_of(item, lookup) for item in items]
        case Group(items=items):
            return dj.AndList([restriction_of(item, lookup) for item in items])
