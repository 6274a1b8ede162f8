"""What an examination of a database finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "note", "wrong"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact about a set-up.

    Attributes
    ----------
    topic : str
        What it is about, such as ``time zone``.
    text : str
        What is so.
    level : str
        ``ok``; ``note``: works, but may surprise; ``wrong``: does not work, or data may suffer.
    remedy : str
        What to do about it.
    """

    topic: str
    text: str
    level: Level = "ok"
    remedy: str = ""


def counted(number: int, noun: str) -> str:
    """Return ``1 table`` or ``3 tables``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def size(number: float) -> str:
    """Return a number of bytes as a person would say it."""
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if number < 1024:  # noqa: PLR2004 - the next unit
            return f"{number:.0f} {unit}" if number == int(number) else f"{number:.1f} {unit}"
        number /= 1024
    return f"{number:.1f} TiB"


def clock(seconds: int, zone: str) -> Finding:
    """Judge a server whose clock is `seconds` ahead of UTC."""
    if seconds == 0:
        return Finding("time zone", f"{zone}, the clock shows UTC")
    sign, minutes = "-" if seconds < 0 else "+", abs(seconds) // 60
    return Finding(
        "time zone",
        f"{zone}: the session's clock is {sign}{minutes // 60:02}:{minutes % 60:02} from UTC, and so are times that it fills in",
        "note",
        "Let the server run in UTC. If nobody else uses it, database.time_zone sets it for these sessions.",
    )
