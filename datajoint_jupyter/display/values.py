"""Values as text.

A number, a date or a UUID is written in Python and travels as text: JSON would round large integers, shift dates by
the time zone and know neither decimals nor NaN.
"""

from __future__ import annotations

import datetime
import decimal
import json
import uuid
from collections.abc import Mapping
from typing import Any, Literal

from datajoint.heading import Attribute

Kind = Literal["number", "text", "bool", "time", "uuid", "json", "blob"]

MAX_TEXT = 300
"""Longest text of a cell in a page, in characters."""

_NUMBER = {"int", "float32", "float64", "decimal", "year"}
_TIME = {"date", "datetime", "timestamp", "time"}


def placeholder(attribute: Attribute) -> str | None:
    """Return what stands for the values of an attribute that is not read for a table, or None if it is read.

    Binary values, JSON documents and whatever needs a codec are never selected for a page.
    """
    if attribute.codec is not None:
        return f"<{getattr(attribute.codec, 'name', None) or 'codec'}>"
    if attribute.json:
        return "json"
    if attribute.is_blob:
        return "bytes"
    return None


def kind_of(attribute: Attribute) -> Kind:
    """Return the family of an attribute's values, which decides how the page lays them out."""
    if placeholder(attribute) is not None:
        return "json" if attribute.json and attribute.codec is None else "blob"
    kind = attribute.value_type.kind
    if kind in _NUMBER or attribute.numeric:
        return "number"
    if kind in _TIME:
        return "time"
    if kind == "bool":
        return "bool"
    if kind == "uuid" or attribute.uuid:
        return "uuid"
    return "text"


def text_of(value: Any, limit: int = MAX_TEXT) -> str | None:
    """Return a value as text of at most `limit` characters; None for a missing value.

    Examples
    --------
    >>> text_of(9007199254740993), text_of(datetime.timedelta(hours=-30)), text_of(None)
    ('9007199254740993', '-30:00:00', None)
    """
    if value is None:
        return None
    text = _spell(value, limit)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _spell(value: Any, limit: int) -> str:
    if isinstance(value, str):
        return str(value)
    if isinstance(value, datetime.datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return _spell_duration(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return f"{len(value):,} bytes"
    if isinstance(value, bool | int | float | decimal.Decimal | uuid.UUID):
        return str(value)
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(value, default=str, ensure_ascii=False)[: limit + 1]
    return str(value)


def _spell_duration(value: datetime.timedelta) -> str:
    """Return a duration as SQL writes it: hours beyond a day, one sign in front."""
    microseconds = value // datetime.timedelta(microseconds=1)
    sign, microseconds = ("-", -microseconds) if microseconds < 0 else ("", microseconds)
    seconds, fraction = divmod(microseconds, 10**6)
    text = f"{sign}{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{text}.{fraction:06d}".rstrip("0") if fraction else text


def key_text(key: Mapping[str, Any]) -> str:
    """Return a key as Python would write it, each value cut."""
    return "{" + ", ".join(f"{name!r}: {_short(value)}" for name, value in key.items()) + "}"


def _short(value: Any, limit: int = 80) -> str:
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"
