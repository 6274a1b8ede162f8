"""Names: CamelCase and snake_case, the nearest known name, values cut for messages."""

from __future__ import annotations

import difflib
import re
import warnings
from collections.abc import Iterable
from typing import Any

from datajoint.errors import DataJointError

MAX_SHOWN = 80
"""Longest text of a value in a message, in characters."""

_CAMEL_CASE = re.compile(r"[A-Z][A-Za-z0-9]*")
_WORD_START = re.compile(r"(?:^|[_\W])+([A-Za-z])")
_SEPARATORS = re.compile(r"[_\W]+")
_CAPITAL_INSIDE = re.compile(r"(?<!^)(?=[A-Z])")


def is_camel_case(name: str) -> bool:
    """Tell whether `name` is a capital followed by ASCII letters and digits only."""
    return bool(_CAMEL_CASE.fullmatch(name))


def to_camel_case(name: str) -> str:
    """Turn a table name into a class name: ``#look_up`` gives ``LookUp``, ``m__p`` gives ``MP``."""
    return _SEPARATORS.sub("", _WORD_START.sub(lambda match: match[1].upper(), name))


def from_camel_case(name: str) -> str:
    """Turn a class name into a table name: ``SessionTrial`` gives ``session_trial``.

    Every capital begins a word, so ``EMGData`` gives ``e_m_g_data``: names of existing tables depend on it.
    Underscores are removed with a `UserWarning`.

    Raises
    ------
    DataJointError
        If `name` is not in CamelCase.
    """
    if "_" in name:
        warnings.warn(
            f"The class name {name} contains underscores; they are left out of the table's name.", stacklevel=2
        )
    joined = name.replace("_", "")
    if not is_camel_case(joined):
        raise DataJointError(
            f"The class name {name} is not in CamelCase.",
            hint="Begin it with a capital and use ASCII letters and digits only.",
        )
    return _CAPITAL_INSIDE.sub("_", joined).lower()


def did_you_mean(name: str, candidates: Iterable[str]) -> str:
    """Return ``Did you mean 'x'?`` for the nearest of `candidates`, or an empty string when none is near."""
    by_lower = {candidate.lower(): candidate for candidate in candidates}
    near = difflib.get_close_matches(name.lower(), by_lower, n=1)
    return f"Did you mean {by_lower[near[0]]!r}?" if near else ""


def shorten(value: Any, width: int = MAX_SHOWN) -> str:
    """Return ``repr(value)``, cut to `width` characters with an ellipsis."""
    # A huge value is cut before it is spelled out, which could take longer than the work it reports on.
    if isinstance(value, str | bytes | bytearray) and len(value) > width:
        value = value[:width]
        text = repr(value)
        return text[: width - 1] + "…"
    text = repr(value)
    return text if len(text) <= width else text[: width - 1] + "…"
