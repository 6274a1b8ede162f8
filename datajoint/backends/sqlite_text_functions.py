"""SQL functions that translated users' text needs on SQLite and that have no spelling there.

They are registered with those of `sqlite_functions` and, as these, serve queries only.
"""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Callable
from functools import cmp_to_key
from typing import Any

from datajoint.backends.convert import shortest_float32
from datajoint.values.dates import moment_text, read_moment

_DATE_LENGTH, _SECONDS_LENGTH = 10, 19
_STEPS = {
    "SECOND": dt.timedelta(seconds=1), "MINUTE": dt.timedelta(minutes=1), "HOUR": dt.timedelta(hours=1),
    "DAY": dt.timedelta(days=1), "WEEK": dt.timedelta(weeks=1),
}  # fmt: skip
_MONTHS = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}
_DAY_UNITS = frozenset({"DAY", "WEEK", *_MONTHS})

# Not the calendar's names: those follow the locale.
_MONTH_NAMES = ("", "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
                "November", "December")  # fmt: skip
_DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def _half(moment: dt.datetime) -> str:
    return "AM" if moment.hour < 12 else "PM"  # noqa: PLR2004 - noon


# MySQL's codes of formats as those of Python, in so far as the letters differ or the result does.
_CODES: dict[str, Callable[[dt.datetime], str]] = {
    "Y": lambda t: f"{t.year:04}", "c": lambda t: str(t.month), "e": lambda t: str(t.day), "k": lambda t: str(t.hour),
    "h": lambda t: f"{t:%I}", "l": lambda t: str((t.hour - 1) % 12 + 1), "i": lambda t: f"{t:%M}",
    "s": lambda t: f"{t:%S}", "M": lambda t: _MONTH_NAMES[t.month], "b": lambda t: _MONTH_NAMES[t.month][:3],
    "W": lambda t: _DAY_NAMES[t.weekday()], "a": lambda t: _DAY_NAMES[t.weekday()][:3], "T": lambda t: f"{t:%H:%M:%S}",
    "r": lambda t: f"{t:%I:%M:%S} {_half(t)}", "p": _half, "%": lambda _t: "%",
}  # fmt: skip


def _read(text: str) -> dt.datetime:
    found = read_moment(text)
    if found is None:
        raise ValueError(text)
    return found


def _moved(text: Any, count: Any, unit: str) -> str | None:
    """Return a date or datetime moved by `count` units; a date moved by whole days stays one; NULL past year 9999."""
    if text is None or count is None:
        return None
    try:
        moment = _read(text)
        moment = _by_months(moment, count * _MONTHS[unit]) if unit in _MONTHS else moment + count * _STEPS[unit]
    except (ValueError, OverflowError):
        return None
    if len(text) == _DATE_LENGTH and unit in _DAY_UNITS:
        return moment.date().isoformat()
    return moment_text(moment, max(len(text) - _SECONDS_LENGTH - 1, 0))


def _by_months(moment: dt.datetime, months: int) -> dt.datetime:
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    if not dt.MINYEAR <= year <= dt.MAXYEAR:
        raise OverflowError
    last = calendar.monthrange(year, month + 1)[1]
    return moment.replace(year=year, month=month + 1, day=min(moment.day, last))


def _date_format(text: Any, form: str) -> str | None:
    if text is None:
        return None
    moment = _read(text)
    written: list[str] = []
    characters = iter(form)
    for character in characters:
        code = next(characters, "") if character == "%" else ""
        if not code:
            written.append(character)
        else:
            written.append(_CODES[code](moment) if code in _CODES else moment.strftime(f"%{code}"))
    return "".join(written)


def _float_text(value: float | None) -> str | None:
    """Return the shortest text of a double, without a point where it is whole, as the servers write it."""
    return None if value is None else repr(value).removesuffix(".0")


def _float32_text(value: float | None) -> str | None:
    return None if value is None else _float_text(shortest_float32(value))


class GroupConcat:
    """``dj_group_concat(text, separator, distinct, key, descending, …)``: joined in the order of the keys."""

    def __init__(self) -> None:
        self._rows: list[tuple[str, tuple[Any, ...]]] = []
        self._separator = ""
        self._distinct = False
        self._descending: tuple[Any, ...] = ()

    def step(self, text: Any, separator: str, distinct: int, *keys: Any) -> None:
        """Take one row; NULL is passed over."""
        if text is not None:
            self._separator, self._distinct, self._descending = separator, bool(distinct), keys[1::2]
            self._rows.append((text, keys[::2]))

    def finalize(self) -> str | None:
        """Return the joined text, NULL for no rows."""
        rows = self._rows
        if self._descending:
            order = cmp_to_key(self._order)
            rows = sorted(rows, key=lambda row: order(row[1]))
        texts = [text for text, _ in rows]
        if self._distinct:
            texts = list(dict.fromkeys(texts))
        return self._separator.join(texts) if texts else None

    def _order(self, left: tuple[Any, ...], right: tuple[Any, ...]) -> int:
        for a, b, descending in zip(left, right, self._descending, strict=True):
            if a == b:
                continue
            # NULL comes first, or last if descending.
            before = a is None or (b is not None and a < b)
            return -1 if before != bool(descending) else 1
        return 0


TEXT_FUNCTIONS: list[tuple[str, int, Callable[..., Any]]] = [
    ("dj_moved", 3, _moved),
    ("dj_date_format", 2, _date_format),
    ("dj_float_text", 1, _float_text),
    ("dj_float32_text", 1, _float32_text),
]
TEXT_AGGREGATES: dict[str, type[GroupConcat]] = {"dj_group_concat": GroupConcat}
