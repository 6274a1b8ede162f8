"""Completion of values: the labels of an enum, and those values of key attributes that occur."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import datajoint as dj
from datajoint.heading import Attribute
from datajoint_jupyter.conditions import TextMatch, restriction_of
from datajoint_jupyter.workspace import Workspace

_IN_MAPPING = re.compile(r"""(["'])(?P<name>\w+)\1\s*:\s*(?:[\[(][^\])]*)?["'](?P<begun>[^"']*)$""")
_IN_WORDS = re.compile(
    r"""\b(?P<name>\w+)`?\s*(?:=|<>|!=|\blike\b|\bin\s*\([^)]*?)\s*["'](?P<begun>[^"']*)$""", re.IGNORECASE
)
_MOST = 50
_SECONDS = 0.3


def begun_value(text: str) -> tuple[str, str] | None:
    """Return the attribute for which a value is being written at the end of `text`, and what is written of it.

    Examples
    --------
    >>> begun_value("Subject & {'species': 'mo")
    ('species', 'mo')
    >>> begun_value("Subject & {'spe")
    """
    match = _IN_MAPPING.search(text) or _IN_WORDS.search(text)
    return None if match is None else (match["name"], match["begun"])


def values_of(tables: Iterable[Any], name: str, begun: str, workspace: Workspace) -> list[str]:
    """Return values that an attribute of some tables may have and that begin with `begun`.

    Labels are known; those of a text in a key are read, a few of them, for as long as a key press may take, and kept
    until the next cell has run.
    """
    found: dict[str, None] = {}
    for cls in tables:
        table = cls()
        attribute = table.heading.attributes.get(name)
        if attribute is not None:
            found.update(dict.fromkeys(_labels(attribute) or _stored(table, attribute, begun, workspace)))
    return [value for value in found if value.startswith(begun) and not set(value) & set("\"'\\\n")]


def _labels(attribute: Attribute) -> list[str]:
    return list(attribute.value_type.labels)


def _stored(table: dj.Table, attribute: Attribute, begun: str, workspace: Workspace) -> list[str]:
    if not attribute.in_key or not attribute.value_type.is_text:
        return []
    place = (table.full_table_name, attribute.name, begun)
    if place not in workspace.values:
        condition = restriction_of(TextMatch(attribute.name, "starts", begun), workspace.lookup)
        rows = dj.U(attribute.name) & (table & condition)
        try:
            with table.connection.time_limit(_SECONDS):
                values = (rows & dj.Top(_MOST, attribute.name)).to_arrays(attribute.name)
        except dj.DataJointError:
            values = []
        workspace.values[place] = [str(value) for value in values]
    return workspace.values[place]
