"""What a builder begins with: which part of an expression stays as it is, and which conditions can be worked on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import datajoint as dj
from datajoint.expression import QueryExpression
from datajoint_jupyter.conditions import Condition, Group, condition_of, taken_apart
from datajoint_jupyter.conditions.opening import is_whole
from datajoint_jupyter.widgets.builder.tables import Tables

UNNAMED = "query"
"""Stands in code for an expression that has no name."""


@dataclass(frozen=True, slots=True)
class Given:
    """An object, and the text that code has for it; empty if that is not known."""

    value: Any
    text: str = ""


@dataclass(frozen=True, slots=True)
class Opened:
    """What to begin with: ``base & tree`` is what was given."""

    base: Given
    tree: Condition


def open_expression(given: Given, conditions: Sequence[Given], tables: Tables, namespace: Mapping[str, Any]) -> Opened:
    """Part an expression and conditions into what stays as it is and a tree.

    Parameters
    ----------
    given : Given
        An expression.
    conditions : sequence of Given
        What else restricts it, in order.
    tables : Tables
    namespace : mapping
        The variables of the notebook.
    """
    base, members = _own_conditions(given, tables, namespace)
    # A `Top` chooses among the rows that are left: what stands before it stays there.
    fixed = max((number for number, each in enumerate(conditions, 1) if isinstance(each.value, dj.Top)), default=0)
    if fixed:
        base, members = _named(given, namespace), []
    for number, condition in enumerate(conditions):
        found = None if number < fixed else condition_of(condition.value, base.value, tables.name_of)
        if found is not None:
            members.append(found)
        else:
            text = f"{base.text} & {condition.text}" if condition.text else UNNAMED
            base = Given(base.value & condition.value, text)
    parts = [part for m in members for part in (m.items if isinstance(m, Group) and m.how == "and" else (m,))]
    return Opened(base, parts[0] if len(parts) == 1 else Group("and", tuple(parts)))


def _own_conditions(given: Given, tables: Tables, namespace: Mapping[str, Any]) -> tuple[Given, list[Condition]]:
    """Return an expression without its conditions, and these; whole if one of them has to stay."""
    base, conditions = taken_apart(given.value)
    named = _named(Given(base, given.text if not conditions else ""), namespace, tables)
    found = [condition_of(condition, base, tables.name_of) for condition in conditions]
    members = [condition for condition in found if condition is not None]
    if len(members) == len(found) and named.text != UNNAMED:
        return named, members
    whole = _named(given, namespace, tables)
    if whole.text != UNNAMED or not members:
        return whole, []
    for condition, said in zip(conditions, found, strict=True):
        base = base if said is not None else base & condition
    return Given(base, UNNAMED), members


def _named(given: Given, namespace: Mapping[str, Any], tables: Tables | None = None) -> Given:
    """Return an expression with the text that code has for it: as given, a variable, a table's name."""
    if given.text:
        return given
    return Given(given.value, _variable(given.value, namespace) or _table(given.value, tables) or UNNAMED)


def _variable(expression: QueryExpression, namespace: Mapping[str, Any]) -> str:
    known = (name for name, value in list(namespace.items()) if value is expression and not name.startswith("_"))
    return next(known, "")


def _table(expression: QueryExpression, tables: Tables | None) -> str:
    """Return the name of a whole table."""
    if tables is None or not isinstance(expression, dj.Table) or not is_whole(expression):
        return ""
    return tables.name_of(expression) or ""
