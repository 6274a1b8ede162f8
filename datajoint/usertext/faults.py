"""How a text that cannot be read is refused: where, why, and the way out."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from datajoint.errors import QueryError, QuerySyntaxError, UnknownAttributeError

WAY_OUT = 'SQL for the engine in use can be given verbatim as dj.Sql("...").'
_SHOWN = 60


def unreadable(text: str, position: int, why: str, *, hint: str = "") -> QuerySyntaxError:
    """Return the error for a text that is wrong at `position` (from 0)."""
    return QuerySyntaxError(
        f"The SQL text cannot be read: {why} (character {position + 1}).",
        hint=f"{f'{hint} {WAY_OUT}'.strip()}\n{_pointed(text, position)}",
        query=text,
    )


def refused(text: str, why: str, hint: str = "") -> QuerySyntaxError:
    """Return the error for a text that can be read and means nothing, or not the same on every engine."""
    return QuerySyntaxError(
        f"The SQL text {cut(text)!r} is refused: {why}.", hint=f"{hint} {WAY_OUT}".strip(), query=text
    )


def point(error: QueryError, text: str, position: int) -> None:
    """Show where a text is at fault, unless the error shows that already."""
    if "\n" not in (error.hint or ""):
        error.hint = f"{error.hint or ''}\n{_pointed(text, position)}"


def unknown_attribute(text: str, position: int, name: str, names: Iterable[str]) -> UnknownAttributeError:
    """Return the error for a name that is no attribute."""
    known = [n for n in names if not n.startswith("_")]
    return UnknownAttributeError(
        f"Attribute `{name}` is not found in query.",
        attribute=name,
        hint=f"{did_you_mean(name, known)}\n{_pointed(text, position)}",
        query=text,
    )


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return the nearest of the known words as a question, else the words there are."""
    known = list(known)
    lowered = {k.lower(): k for k in known}
    near = difflib.get_close_matches(word.lower(), lowered, n=1)
    if near:
        return f"Did you mean `{lowered[near[0]]}`?"
    return f"It has {', '.join(known)}." if known else "It has no attributes."


def _pointed(text: str, position: int) -> str:
    start = text.rfind("\n", 0, position) + 1
    end = text.find("\n", position)
    line = text[start : end if end >= 0 else len(text)]
    offset = position - start
    skipped = max(0, offset - _SHOWN // 2)
    return f"    {line[skipped : skipped + _SHOWN]}\n    {' ' * (offset - skipped)}^"


def cut(text: str, length: int = 80) -> str:
    """Return the text, shortened to `length` characters."""
    return text if len(text) <= length else text[: length - 1] + "…"
