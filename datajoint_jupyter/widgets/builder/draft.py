"""The tree as a page edits it: each part has an id, and what is not finished yet, or wrong, restricts nothing.

A draft is plain data that comes from a page and goes back to all of them, and to those that are opened later. What of it
holds already is a condition.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from datajoint.errors import DataJointError
from datajoint_jupyter.conditions import (
    Condition,
    Exists,
    Group,
    Not,
    page_state,
    read_condition,
    restriction_of,
)
from datajoint_jupyter.conditions.model import EVERYTHING
from datajoint_jupyter.conditions.page import KINDS, MAX_DEPTH, MAX_ITEMS, MAX_TEXT
from datajoint_jupyter.protocol import ProtocolError, choice, items, mapping, refuse, text
from datajoint_jupyter.widgets.builder.tables import Tables

Content = dict[str, Any]

MAX_PARTS = 500
"""Most conditions and groups of one tree."""

UNFINISHED = "Not finished: it restricts nothing yet."

_TEXTS = {"name", "operator", "value", "low", "high", "place", "text", "table"}


@dataclass(frozen=True, slots=True)
class Part:
    """A condition of a draft that holds: what it is about, an empty name for the expression itself."""

    table: str
    condition: Condition


@dataclass(slots=True)
class Draft:
    """A draft as read.

    Attributes
    ----------
    content : dict
        As the page shows it.
    condition : Condition
        What of it is finished and right.
    problems : dict
        Why other parts are not, by their ids.
    parts : dict
        Those that are, by their ids.
    """

    content: Content
    condition: Condition = EVERYTHING
    problems: dict[str, str] = field(default_factory=dict)
    parts: dict[str, Part] = field(default_factory=dict)


def draft_of(condition: Condition) -> Content:
    """Return a condition as the content of a draft: a group of all that must hold, every part with an id."""
    root: Content = _numbered(page_state(_group_of(condition)), itertools.count())
    return root


def _group_of(condition: Condition | None) -> Group:
    if condition is None:
        return EVERYTHING
    return condition if isinstance(condition, Group) and condition.how == "and" else Group("and", (condition,))


def _alone(group: Condition | None) -> Condition | None:
    """Return the member of a group that has but one."""
    return group.items[0] if isinstance(group, Group) and group.how == "and" and len(group.items) == 1 else group


def _numbered(content: Content, numbers: Iterator[int]) -> Content:
    content = {"id": f"k{next(numbers)}", **content}
    match content["kind"]:
        case "group":
            content["items"] = [_numbered(item, numbers) for item in content["items"]]
        case "not":
            content["item"] = _numbered(content["item"], numbers)
        case "exists":
            inner = content["condition"]
            if inner is None or (inner["kind"], inner.get("how")) != ("group", "and"):
                inner = {"kind": "group", "how": "and", "items": [] if inner is None else [inner]}
            content["condition"] = _numbered(inner, numbers)
    return content


def clean(content: object) -> Content:
    """Return what a page sent, reduced to what a draft may hold.

    Raises
    ------
    ProtocolError
        If it does not have the agreed form, or is too large.
    """
    seen: set[str] = set()
    root = _clean(content, 0, seen)
    if root["kind"] != "group" or root["how"] != "and":
        refuse("a tree begins with a group of all that must hold")
    return root


def _clean(content: object, depth: int, seen: set[str]) -> Content:
    payload = mapping(content, "a condition")
    identifier = text(payload, "id", 40)
    if depth > MAX_DEPTH or len(seen) >= MAX_PARTS:
        refuse("there are too many conditions, or they are nested too deeply")
    if not identifier or identifier in seen:
        refuse("every condition has an id of its own")
    seen.add(identifier)
    kind = choice(payload, "kind", KINDS)
    kept: Content = {"id": identifier, "kind": kind}
    for name in _TEXTS & payload.keys():
        kept[name] = None if payload[name] is None else text(payload, name, MAX_TEXT)
    for name in {"values", "via"} & payload.keys():
        if payload[name] is None:
            kept[name] = None
            continue
        kept[name] = items(payload, name, MAX_ITEMS)
        if not all(isinstance(item, str) and len(item) <= MAX_TEXT for item in kept[name]):
            refuse(f"{name} is a list of texts")
    match kind:
        case "group":
            kept["how"] = choice(payload, "how", ("and", "or"))
            kept["items"] = [_clean(item, depth + 1, seen) for item in items(payload, "items", MAX_ITEMS)]
        case "not":
            kept["item"] = _clean(payload.get("item"), depth + 1, seen)
        case "exists":
            inner = payload.get("condition")
            kept["condition"] = None if inner is None else _clean(inner, depth + 1, seen)
    return kept


def read_draft(content: Content, tables: Tables) -> Draft:
    """Read a draft, part by part: one that is wrong does not spoil the others."""
    draft = Draft(content)
    found = _Reader(draft, tables).read(content, "") or EVERYTHING
    # The whole holds in any case, and is counted.
    draft.parts[content["id"]] = Part("", found)
    draft.problems.pop(content["id"], None)
    draft.condition = _alone(found) or EVERYTHING
    return draft


class _Reader:
    def __init__(self, draft: Draft, tables: Tables) -> None:
        self.draft, self.tables = draft, tables

    def read(self, content: Content, table: str) -> Condition | None:
        """Return the condition on rows of `table` that a part stands for, or None if it has a problem."""
        match content["kind"]:
            case "group":
                found = self._group(content, table)
            case "not":
                item = self.read(content["item"], table)
                found = None if item is None else item.item if isinstance(item, Not) else Not(item)
            case "exists":
                found = self._exists(content, table)
            case _:
                found = self._simple(content, table)
        if found is not None:
            self.draft.parts[content["id"]] = Part(table, found)
        return found

    def _group(self, content: Content, table: str) -> Condition | None:
        members = [self.read(item, table) for item in content["items"]]
        found = tuple(item for item in members if item is not None)
        # A group whose members are all unfinished is so itself; one without members lets every row pass.
        if members and not found:
            self.draft.problems[content["id"]] = UNFINISHED
            return None
        return Group(content["how"], found)

    def _exists(self, content: Content, table: str) -> Condition | None:
        name = content.get("table")
        if not name:
            self.draft.problems[content["id"]] = UNFINISHED
            return None
        if self._tried(content, table, {**content, "condition": None}) is None:
            ways = [] if content.get("via") else self.tables.ways(table, name)
            if len(ways) > 1:
                self.draft.problems[content["id"]] = f"Not finished: {len(ways)} ways lead to {name}. Choose one."
            return None
        inner = None if content["condition"] is None else _alone(self.read(content["condition"], name))
        empty = inner is None or inner == EVERYTHING
        return Exists(name, None if empty else inner, tuple(content.get("via") or ()))

    def _simple(self, content: Content, table: str) -> Condition | None:
        return self._tried(content, table, content)

    def _tried(self, content: Content, table: str, said: Content) -> Condition | None:
        if not _is_finished(content):
            self.draft.problems[content["id"]] = UNFINISHED
            return None
        try:
            heading = self.tables.expression(table).heading
            condition = read_condition(said, heading, self.tables.heading)
            self.tables.expression(table) & restriction_of(condition, self.tables.expression)
        except (ProtocolError, DataJointError, LookupError) as error:
            self.draft.problems[content["id"]] = str(error)
            return None
        return condition


def _is_finished(content: Content) -> bool:
    match content["kind"]:
        case "compare":
            return content.get("value") is not None
        case "between":
            return bool(content.get("low") or content.get("high"))
        case "one of":
            return content.get("values") is not None
        case "text":
            return content.get("text") is not None
        case "verbatim":
            return bool((content.get("text") or "").strip())
    return True
