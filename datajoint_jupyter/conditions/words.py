"""Conditions as the text that a restriction takes: one language on all engines, values as its literals.

The text is parsed by the library, which binds each literal as a value; nothing here reaches a statement as it is.
"""

from __future__ import annotations

import math

from datajoint.errors import DataJointError
from datajoint_jupyter.conditions.model import Between, Compare, TextMatch, Value


def words_of(condition: Compare | Between | TextMatch) -> str:
    """Return a condition on one attribute in words."""
    name = quoted_name(condition.name)
    match condition:
        case Compare(operator=operator, value=value):
            return f"{name} {operator} {literal(value)}"
        case Between(low=low, high=high):
            sides = [f"{name} >= {literal(low)}"] if low is not None else []
            sides += [f"{name} <= {literal(high)}"] if high is not None else []
            return " AND ".join(sides) or "TRUE"
        case TextMatch(place=place, text=text):
            pattern = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
            pattern = f"{'' if place == 'starts' else '%'}{pattern}{'' if place == 'ends' else '%'}"
            return f"{name} LIKE {literal(pattern)}"


def quoted_name(name: str) -> str:
    """Return an attribute's name as it stands in a condition."""
    return "`" + name.replace("`", "``") + "`"


def literal(value: Value) -> str:
    """Return a value as it stands in a condition.

    Raises
    ------
    DataJointError
        For a number that is none.
    """
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float) and not math.isfinite(value):
        raise DataJointError(f"A condition cannot say {value}.", hint="Give a finite number.")
    if isinstance(value, int | float):
        return repr(value)
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
