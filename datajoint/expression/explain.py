"""A statement for people: over several lines, and how the engine would run it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datajoint.connection import Connection
    from datajoint.sql.fragment import Sql

_TOKEN = re.compile(
    r"""(?P<quoted>'(?:[^'\\]|\\.)*'|`[^`]*`|"[^"]*")|(?P<sub>\((?=SELECT\b))|(?P<open>\()|(?P<close>\))"""
    r"""|(?P<clause>\b(?:FROM|WHERE|GROUP\ BY|ORDER\ BY|LIMIT|(?:LEFT\ |CROSS\ )?JOIN|UNION)\b)|(?P<and>\bAND\b)"""
    r"""|(?P<other>\w+|.)""",
    re.DOTALL,
)
_STEP = "  "


def indented(text: str) -> str:
    """Return a SELECT with each clause on a line of its own and subqueries indented; what is quoted stays as it is."""
    pieces: list[str] = []
    subqueries: list[bool] = []  # of each open parenthesis, whether a subquery is inside
    for match in _TOKEN.finditer(text):
        token, level = match.group(), sum(subqueries)
        inside = not subqueries or subqueries[-1]
        match match.lastgroup:
            case "sub":
                pieces.append("(\n" + _STEP * (level + 1))
                subqueries.append(True)
            case "open":
                pieces.append("(")
                subqueries.append(False)
            case "close":
                pieces.append("\n" + _STEP * (level - 1) + ")" if subqueries.pop() else ")")
            case "clause" if inside:
                _break(pieces, level, token)
            case "and" if inside:
                _break(pieces, level + 1, token)
            case _:
                pieces.append(token)
    return "".join(pieces)


def _break(pieces: list[str], level: int, token: str) -> None:
    while pieces and pieces[-1] == " ":
        pieces.pop()
    pieces.append("\n" + _STEP * level + token)


def explain(connection: Connection, statement: Sql) -> str:
    """Return the engine's plan for a statement, one step a line."""
    return connection.backend.plan(connection.execute, statement)
