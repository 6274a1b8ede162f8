"""What the tutorials share: a fresh schema to work in, and exercises that are checked without giving them away.

An exercise waits with ``answer = ...``. After it, ``check("04-1", answer)`` compares what the reader made with a *sealed*
answer, of which ``exercises.json`` holds only a digest.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import datajoint as dj

EXERCISES = Path(__file__).with_name("exercises.json")

DIGITS = 6
"""Numbers that agree to so many digits are the same answer."""


def begin(name: str) -> dj.Schema:
    """Return an empty schema: what an earlier run of the tutorial left in it is dropped.

    Parameters
    ----------
    name : str
        Of the schema; begins with ``tutorial_``, so that nobody's own schema is ever dropped.

    Raises
    ------
    ValueError
        If the name begins otherwise.
    """
    if not name.startswith("tutorial_"):
        raise ValueError(f"begin() drops what is in {name!r}. It only does so with names that begin with 'tutorial_'.")
    if name in dj.list_schemas():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dj.Schema(name).drop(prompt=False)
    return dj.Schema(name)


def check(exercise: str, answer: Any) -> None:
    """Say whether an answer is right; if it is not, give a hint.

    Parameters
    ----------
    exercise : str
        Which one, such as ``"04-1"``. ``exercises.json`` has the digest of its answer, and the hint.
    answer : object
        What the reader made: a number, a text, a list, an expression (then its rows count, in any order), or ``...``
        as long as there is none.

    Raises
    ------
    KeyError
        If there is no such exercise.
    """
    known = json.loads(EXERCISES.read_text(encoding="utf-8"))[exercise]
    if answer is ... or answer is None:
        print("Your turn: write your answer into the cell above, run that cell, then this one.")
    elif seal(answer) == known["sealed"]:
        print("Right!")
    else:
        print(f"Not yet.{_told(answer)} {known['hint']}")


def seal(answer: Any) -> str:
    """Return a short digest of an answer; equal answers have the same."""
    return hashlib.sha256(repr(_plain(answer)).encode()).hexdigest()[:12]


def _told(answer: Any) -> str:
    if isinstance(answer, dj.QueryExpression) or (isinstance(answer, type) and issubclass(answer, dj.QueryExpression)):
        rows = len(_expression(answer))
        return f" Yours has {rows} row{'s' * (rows != 1)} of {', '.join(_expression(answer).heading.names)}."
    return ""


def _expression(answer: Any) -> Any:
    return answer() if isinstance(answer, type) else answer


def _plain(answer: Any) -> Any:
    """Return a value whose text is the same for equal answers."""
    if isinstance(answer, type) and issubclass(answer, dj.QueryExpression):
        answer = answer()
    if isinstance(answer, dj.QueryExpression):
        rows = [sorted((name, _plain(value)) for name, value in row.items()) for row in answer.to_dicts()]
        return sorted(rows, key=repr)
    if hasattr(answer, "tolist"):  # numpy's arrays and numbers
        answer = answer.tolist()
    if isinstance(answer, Mapping):
        return sorted((str(name), _plain(value)) for name, value in answer.items())
    if isinstance(answer, set | frozenset):
        return sorted((_plain(value) for value in answer), key=repr)
    if isinstance(answer, str | bytes):
        return answer
    if isinstance(answer, Iterable):
        return [_plain(value) for value in answer]
    return _number(answer)


def _number(answer: Any) -> Any:
    """Return numbers as text of so many digits, so that 3, 3.0 and Decimal("3.0") are one; others as text."""
    try:
        return f"{float(answer):.{DIGITS}g}"
    except (TypeError, ValueError):
        return str(answer)
