"""What a condition may be. Values are plain Python: str, int, float, bool; dates, decimals and UUIDs as text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Value = str | int | float | bool
Operator = Literal["=", "<>", "<", "<=", ">", ">="]
Place = Literal["contains", "starts", "ends"]

OPERATORS: tuple[Operator, ...] = ("=", "<>", "<", "<=", ">", ">=")
PLACES: tuple[Place, ...] = ("contains", "starts", "ends")


@dataclass(frozen=True, slots=True)
class Compare:
    """The attribute against one value."""

    name: str
    operator: Operator
    value: Value


@dataclass(frozen=True, slots=True)
class Between:
    """The attribute from `low` to `high`, both included; None leaves a side open."""

    name: str
    low: Value | None
    high: Value | None


@dataclass(frozen=True, slots=True)
class OneOf:
    """The attribute is one of several values."""

    name: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class TextMatch:
    """The attribute, a text, contains, starts or ends with `text`; case counts."""

    name: str
    place: Place
    text: str


@dataclass(frozen=True, slots=True)
class Missing:
    """The attribute is NULL."""

    name: str


@dataclass(frozen=True, slots=True)
class Exists:
    """A row of another table belongs to it, any number of foreign keys away.

    Attributes
    ----------
    table : str
        As Python code names it, such as ``Subject`` or ``lab.Session.Trial``.
    condition : Condition or None
        What that row must meet.
    via : tuple of str
        What chooses the way, where there are several; see `datajoint.Near`.
    """

    table: str
    condition: Condition | None = None
    via: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verbatim:
    """A condition in words, as `QueryExpression.restrict` reads it."""

    text: str


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite; rows for which the item is neither true nor false, for a value is missing, are in neither."""

    item: Condition


@dataclass(frozen=True, slots=True)
class Group:
    """All of the items are met (``and``), or at least one (``or``). No items: every row."""

    how: Literal["and", "or"]
    items: tuple[Condition, ...]


Condition = Compare | Between | OneOf | TextMatch | Missing | Exists | Verbatim | Not | Group
EVERYTHING: Group = Group("and", ())
