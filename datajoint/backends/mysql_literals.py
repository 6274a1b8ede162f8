"""Have the driver write many values at once: columns of literals, from which statements of many rows are joined.

What the driver makes of a text it makes of each character by itself, so that it can be handed a column of texts as one.
The literal of a number or a moment is what Python prints. All else goes through the driver value by value.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from datajoint.values.dates import plain_moment_text

Escape = Callable[[Any], str]

_ROWS = 1000  # of which columns are made at a time
_CHARACTERS = 2**20  # of texts that are handed over as one
_SEPARATOR = "\x1f"  # between texts; the driver leaves it as it is
_VALUES = re.compile(r"(.*\bVALUES )\(%s(?:, %s)*\)(.*)", re.DOTALL)


def insert_parts(text: str) -> tuple[str, str] | None:
    """Return what stands before and after the row of placeholders of an INSERT; None for other statements."""
    found = _VALUES.fullmatch(text)
    if found is None or "%s" in found[1] or "%s" in found[2]:
        return None
    return found[1].replace("%%", "%"), found[2].replace("%%", "%")


def literal_rows(rows: Iterable[Sequence[Any]], escape: Escape) -> Iterator[str]:
    """Yield the literals of each row, separated by commas."""
    left = iter(rows)
    while lot := list(islice(left, _ROWS)):
        columns = (_literals(column, escape) for column in zip(*lot, strict=True))
        yield from map(",".join, zip(*columns, strict=True))


def _literals(column: Sequence[Any], escape: Escape) -> Iterable[str]:
    kinds = set(map(type, column))
    make = _MAKERS.get(kinds.pop()) if len(kinds) == 1 else None
    found = make(column, escape) if make else None
    return map(escape, column) if found is None else found


def _integers(column: Sequence[int], escape: Escape) -> Iterable[str]:  # noqa: ARG001 - all makers have one form
    return map(str, column)


def _floats(column: Sequence[float], escape: Escape) -> Iterable[str] | None:  # noqa: ARG001 - as above
    written = list(map(repr, column))
    if any("n" in text for text in written):  # what is no number has no literal, which the driver says
        return None
    return [text if "e" in text else f"{text}e0" for text in written]  # the exponent makes it a double


def _texts(column: Sequence[str], escape: Escape) -> Iterable[str] | None:
    if sum(map(len, column)) > _CHARACTERS:
        return None
    together = _SEPARATOR.join(column)
    if together.count(_SEPARATOR) >= len(column):
        return None
    return [f"'{text}'" for text in escape(together)[1:-1].split(_SEPARATOR)]


def _moments(column: Sequence[dt.datetime], escape: Escape) -> Iterable[str] | None:  # noqa: ARG001 - as above
    return None if any(value.tzinfo for value in column) else [f"'{text}'" for text in map(plain_moment_text, column)]


_MAKERS: dict[type, Callable[[Sequence[Any], Escape], Iterable[str] | None]] = {
    int: _integers, float: _floats, str: _texts, dt.datetime: _moments,
}  # fmt: skip
