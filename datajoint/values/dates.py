"""Texts of dates and times, read strictly and written with a fixed number of digits."""

from __future__ import annotations

import datetime as dt
import re
from operator import methodcaller

_MOMENT = re.compile(
    r"\s*(?P<year>\d{4})"
    r"(?:(?P<mark>[-/])(?P<month>\d{1,2})(?P=mark)(?P<day>\d{1,2})|(?P<month2>\d{2})(?P<day2>\d{2}))"
    r"(?:(?:[ T])?(?P<hour2>\d{2})(?P<minute2>\d{2})(?P<second2>\d{2})"
    r"|[ T](?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2}))?)?"
    r"(?:\.(?P<fraction>\d+))?(?P<zone>Z|\+00:?00)?\s*",
    re.ASCII | re.IGNORECASE,
)
_DURATION = re.compile(r"\s*(-?)(\d{1,4}):(\d{2})(?::(\d{2})(?:\.(\d+))?)?\s*", re.ASCII)
_MINUTES = 60

plain_moment_text = methodcaller("isoformat", " ")
"""What ``str`` says of a moment, by a fifth sooner."""


def read_moment(text: str) -> dt.datetime | None:
    """Return the moment that a text means, to the microsecond (further digits are cut), or None.

    Forms: ``YYYY-M-D``, ``YYYY/M/D`` or ``YYYYMMDD``, then optionally a blank or ``T`` and ``H:MM[:SS[.f]]``
    (``YYYYMMDDHHMMSS`` too), optionally ``Z`` or ``+00:00``.
    """
    match = _MOMENT.fullmatch(text)
    if not match:
        return None
    found = match.groupdict()
    hour = found["hour"] or found["hour2"]
    second = found["second"] or found["second2"]
    if (found["fraction"] and not second) or (found["zone"] and not hour) or (found["hour2"] and found["mark"]):
        return None
    try:
        return dt.datetime(
            int(found["year"]), int(found["month"] or found["month2"]), int(found["day"] or found["day2"]),
            int(hour or 0), int(found["minute"] or found["minute2"] or 0), int(second or 0),
            int((found["fraction"] or "0")[:6].ljust(6, "0")),
        )  # fmt: skip
    except ValueError:
        return None


def read_duration(text: str) -> dt.timedelta | None:
    """Return the duration that ``[-]H:MM[:SS[.f]]`` means, to the microsecond, or None."""
    match = _DURATION.fullmatch(text)
    if not match:
        return None
    sign, hours, minutes, seconds, fraction = match.groups()
    if int(minutes) >= _MINUTES or int(seconds or 0) >= _MINUTES:
        return None
    micro = int((fraction or "0")[:6].ljust(6, "0"))
    duration = dt.timedelta(hours=int(hours), minutes=int(minutes), seconds=int(seconds or 0), microseconds=micro)
    return -duration if sign else duration


def moment_text(value: dt.datetime, digits: int) -> str:
    """Return ``YYYY-MM-DD HH:MM:SS[.f]`` with `digits` digits, or six if there are more that are not zero."""
    text = value.isoformat(" ", "seconds")
    return text + _fraction(value.microsecond, digits)


def time_text(value: dt.timedelta, digits: int) -> str:
    """Return ``[-]HH:MM:SS[.f]`` with `digits` digits, or six if there are more that are not zero."""
    sign, value = ("-", -value) if value < dt.timedelta() else ("", value)
    minutes, seconds = divmod(value.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{sign}{hours + 24 * value.days:02d}:{minutes:02d}:{seconds:02d}" + _fraction(value.microseconds, digits)


def _fraction(microseconds: int, digits: int) -> str:
    if microseconds % 10 ** (6 - digits):
        return f".{microseconds:06d}"
    return f".{microseconds:06d}"[: digits + 1] if digits else ""
