"""One value of one row, read when someone asks to see it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import datajoint as dj
from datajoint.expression import QueryExpression
from datajoint_jupyter.display.content import Content, bytes_text, content_of

LARGEST = 20_000_000
"""Bytes of a value that are read without being asked twice."""

_FILES = {"attach", "filepath"}  # codecs that write a file and return where it is


class TooLargeError(Exception):
    """A value larger than is read without being asked twice."""

    def __init__(self, size: int) -> None:
        super().__init__(f"This value has {bytes_text(size)}.")
        self.size = size


def read_value(expression: QueryExpression, key: dict[str, Any], name: str, *, whatever_size: bool = False) -> Content:
    """Return what is to be shown of an attribute of the row with `key`.

    Raises
    ------
    TooLargeError
        If it is larger than `LARGEST`, unless `whatever_size`.
    DataJointError
        If the row is gone, or its value cannot be read.
    """
    row = expression & key
    attribute = expression.heading[name]
    if not whatever_size and (size := _size(row, name)) is not None and size > LARGEST:
        raise TooLargeError(size)
    if not row:
        raise dj.DataJointError("This row is gone.", hint="Refresh the rows.")
    value = row.fetch1(name)
    if isinstance(value, str) and getattr(attribute.codec, "name", None) in _FILES:
        value = Path(value).resolve()
    content = content_of(value)
    return content if not attribute.json else Content(f"json, {content.title}", content.text)


def _size(row: QueryExpression, name: str) -> int | None:
    """Return how many bytes the database has of a value; None where it does not tell."""
    try:
        found = row.proj(dj_size=f"length(`{name}`)").to_dicts()
    except dj.DataJointError:  # documents have no length
        return None
    size = found[0]["dj_size"] if found else None
    return None if size is None else int(size)
