"""Conditions as a tree of typed data: what filters and the restriction builder work on.

A tree becomes three things that mean the same: an object that restricts an expression, Python text that gives this
object, and the state that a page shows. What restricts an expression already can be read as a tree.
"""

from __future__ import annotations

from datajoint_jupyter.conditions.code import code_of, restricted_code
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
from datajoint_jupyter.conditions.opening import condition_of, taken_apart
from datajoint_jupyter.conditions.page import page_state, read_condition
from datajoint_jupyter.conditions.prose import prose_of
from datajoint_jupyter.conditions.restriction import restriction_of

__all__ = [
    "Between",
    "Compare",
    "Condition",
    "Exists",
    "Group",
    "Missing",
    "Not",
    "OneOf",
    "TextMatch",
    "Verbatim",
    "code_of",
    "condition_of",
    "page_state",
    "prose_of",
    "read_condition",
    "restricted_code",
    "restriction_of",
    "taken_apart",
]
