"""A tree as Python text that gives the object which restricts an expression."""

from __future__ import annotations

from collections.abc import Iterable

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
    Value,
    Verbatim,
)
from datajoint_jupyter.conditions.words import words_of


def code_of(condition: Condition) -> str:
    """Return Python text for a condition; ``dj`` is the package, tables stand by their names."""
    match condition:
        case Compare(name=name, operator="=", value=value):
            return _mapping({name: value})
        case OneOf(name=name, values=values):
            return f"[{', '.join(_mapping({name: value}) for value in values)}]"
        case Missing(name=name):
            return _mapping({name: None})
        case Compare() | Between() | TextMatch():
            return repr(words_of(condition))
        case Verbatim(text=text):
            return repr(text)
        case Exists(table=table, condition=inner, via=via):
            other = table if inner is None else restricted_code(table, inner)
            chosen = f", via={via[0]!r}" if len(via) == 1 else f", via={list(via)!r}" if via else ""
            return f"dj.Near({other}{chosen})"
        case Not(item=item):
            return f"dj.Not({code_of(item)})"
        case Group(how="or", items=items) if items:
            return f"[{', '.join(map(code_of, items))}]"
        case Group(items=items):
            parts = _parts(items)
            # A mapping alone says that all of it must hold.
            return parts[0] if len(parts) == 1 else f"dj.AndList([{', '.join(parts)}])"


def _parts(items: Iterable[Condition]) -> list[str]:
    """Return the texts of conditions that must all hold; neighbours that a mapping can say together are one."""
    parts: list[str] = []
    together: dict[str, Value | None] = {}
    for item in items:
        said = _equality(item)
        if together and (said is None or said[0] in together):
            parts.append(_mapping(together))
            together = {}
        if said is None:
            parts.append(code_of(item))
        else:
            together[said[0]] = said[1]
    return [*parts, _mapping(together)] if together else parts


def _equality(condition: Condition) -> tuple[str, Value | None] | None:
    match condition:
        case Compare(name=name, operator="=", value=value):
            return name, value
        case Missing(name=name):
            return name, None
    return None


def _mapping(values: dict[str, Value | None]) -> str:
    return f"{{{', '.join(f'{name!r}: {value!r}' for name, value in values.items())}}}"


def restricted_code(source: str, condition: Condition) -> str:
    """Return Python text for an expression that is restricted by a condition.

    Parameters
    ----------
    source : str
        The text of the expression; in parentheses unless it is a name.
    """
    items = condition.items if isinstance(condition, Group) and condition.how == "and" else (condition,)
    return " & ".join([source, *_parts(items)])
