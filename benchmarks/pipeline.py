"""The tables that are read: five columns, one of them a datetime, under two levels of parents."""

from __future__ import annotations

import datetime as dt
from typing import Any

import datajoint as dj

DEFINITIONS = {
    "Subject": "subject : int32\n---\nname : varchar(20)\nsex : enum('M', 'F')",
    "Session": "-> Subject\nsession : int16\n---\nday : date",
    "Trial": "-> Session\n---\nat : datetime\nresponse : float64\nnote : varchar(40)",
}
NAMES = ("subject", "session", "at", "response", "note")
SESSIONS = 10  # of a subject


def declare(schema: dj.Schema) -> dict[str, type[dj.Manual]]:
    """Declare the tables; return their classes."""
    classes: dict[str, type[dj.Manual]] = {}
    for name, definition in DEFINITIONS.items():
        classes[name] = schema(type(name, (dj.Manual,), {"definition": definition}), context=classes)
    return classes


def trials(size: int) -> list[dict[str, Any]]:
    """Return `size` rows of ``Trial``."""
    start = dt.datetime(2020, 1, 1)
    return [
        {
            "subject": n // SESSIONS,
            "session": n % SESSIONS,
            "at": start + dt.timedelta(seconds=n),
            "response": n / 7,
            "note": f"note {n % 100}",
        }
        for n in range(size)
    ]


def fill(tables: dict[str, type[dj.Manual]], size: int) -> None:
    """Fill the tables with `size` trials and their parents."""
    for name in reversed(DEFINITIONS):
        tables[name].delete_quick()
    subjects = range((size + SESSIONS - 1) // SESSIONS)
    tables["Subject"].insert([{"subject": n, "name": f"s{n}", "sex": "MF"[n % 2]} for n in subjects])
    day = dt.date(2020, 1, 1)
    rows = trials(size)
    tables["Session"].insert(
        [
            {"subject": r["subject"], "session": r["session"], "day": day + dt.timedelta(r["subject"] % 999)}
            for r in rows
        ]
    )
    tables["Trial"].insert(rows)


def some_keys(size: int) -> list[dict[str, int]]:
    """Return up to 5,000 keys of trials."""
    return [{"subject": n, "session": 3} for n in range(min(5000, size // SESSIONS))]


def expression(tables: dict[str, Any]) -> Any:
    """Build a join of three tables with restrictions and a projection."""
    joined = tables["Subject"] * tables["Session"] * tables["Trial"]
    return (joined & {"sex": "M"} & "response > 3" & {"session": 2}).proj("name", "response", moment="at")
