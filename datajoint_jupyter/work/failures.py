"""What failed, sorted by kind: by the class of the error and the place that raised it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from datajoint.jobs.keys import item_of
from datajoint_jupyter.display.values import key_text

_CLASS = re.compile(r"([A-Za-z_][\w.]*)(?::|$)")
_PLACE = re.compile(r'File "(?P<file>[^"]*)", line (?P<line>\d+), in (?P<name>.+)')


@dataclass(frozen=True, slots=True)
class Failure:
    """A key that failed.

    Attributes
    ----------
    id : str
        Tells it apart from all others.
    table : str
        Its name as ``schema.table``.
    code : str
        How its class is written.
    key : dict
    message, traceback : str
    time : object
        On the server's clock.
    """

    id: str
    table: str
    code: str
    key: dict[str, Any]
    message: str
    traceback: str
    time: Any = None

    @property
    def expression(self) -> str:
        """The key as one would write it in Python."""
        return f"{self.code} & {key_text(self.key)}"


@dataclass(frozen=True, slots=True)
class FailureKind:
    """Failures of one table that have the same cause, as far as one can tell.

    Attributes
    ----------
    id : str
    table, error : str
        `error` is the name of the class.
    place : str
        Function and line that raised it; empty if unknown.
    failures : tuple of Failure
    """

    id: str
    table: str
    error: str
    place: str
    failures: tuple[Failure, ...]


def failure_id(table: str, key: dict[str, Any]) -> str:
    """Return what tells a failed key apart."""
    return item_of(f"{table} {key!r}")


def error_class(message: str) -> str:
    """Return the class of an error by its message.

    Examples
    --------
    >>> error_class("ValueError: too short"), error_class("worker gone away")
    ('ValueError', 'Error')
    """
    found = _CLASS.match(message)
    return found[1] if found else "Error"


def place_of(traceback: str) -> str:
    """Return the function and line where an error was raised, by its traceback."""
    found = list(_PLACE.finditer(traceback))
    if not found:
        return ""
    last = found[-1]
    return f"{last['name'].strip()}, line {last['line']}"


def by_kind(failures: Iterable[Failure]) -> list[FailureKind]:
    """Return failures sorted by kind, the most frequent first."""
    kinds: dict[tuple[str, str, str], list[Failure]] = {}
    for failure in failures:
        kinds.setdefault((failure.table, error_class(failure.message), place_of(failure.traceback)), []).append(failure)
    found = [FailureKind(item_of(" ".join(kind)), *kind, tuple(members)) for kind, members in kinds.items()]
    return sorted(found, key=lambda kind: -len(kind.failures))
