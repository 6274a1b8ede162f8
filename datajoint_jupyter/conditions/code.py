"""A tree as Python text that gives the object which restricts an expression."""

from __future__ import annotations

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


def code_of(condition: Condition) -> str:
    """Return Python text for a condition; ``dj`` is the package, tables stand by their names."""
    match condition:
        case Compare(name=name, operator="=", value=value):
            return f"{{{name!r}: {value!r}}}"
        case OneOf(name=name, values=values):
            return f"[{', '.join(f'{{{name!r}: {value!r}}}' for value in values)}]"
        case Missing(name=name):
            return f"{{{name!r}: None}}"
        case Compare() | Between() | TextMatch():
            return repr(words_of(condition))
        case Verbatim(text=text):
            return repr(text)
        case Exists(table=table, condition=inner):
            return f"dj.Near({table})" if inner is None else f"dj.Near({restricted_code(table, inner)})"
        case Not(item=item):
            return f"dj.Not({code_of(item)})"
        case Group(how="or", items=items) if items:
            return f"[{', '.join(map(code_of, items))}]"
        case Group(items=items):
            return f"dj.AndList([{', '.join(map(code_of, items))}])"


def restricted_code(source: str, condition: Condition) -> str:
    """Return Python text for an expression that is restricted by a condition.

    Parameters
    ----------
    source : str
        The text of the expression; in parentheses unless it is a name.
    """
    items = condition.items if isinstance(condition, Group) and condition.how == "and" else (condition,)
    return " & ".join([source, *map(code_of, items)])
