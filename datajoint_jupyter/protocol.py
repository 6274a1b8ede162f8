"""What a widget's page and the kernel say to each other.

Every message is ``{"id": str, "kind": str, "payload": {...}}``. The page asks, the kernel answers with the same id; a
fault is answered with the kind ``error``. The page never sends SQL: only numbers, values and names of attributes, which
are checked here and against the heading before they reach an expression. Each widget says in its own ``messages`` module
which kinds of messages it takes and how their payloads are read, with the functions of this one.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

_MAX_ID = 80

Payload = Mapping[str, Any]
Reader = Callable[[Payload], Any]
"""Makes a checked dataclass of a payload, or raises `ProtocolError`."""


class ProtocolError(Exception):
    """A message from the page that does not have the agreed form."""


@dataclass(frozen=True, slots=True)
class Request:
    """A checked message from the page."""

    id: str
    payload: Any


def read_request(content: object, readers: Mapping[str, Reader]) -> Request:
    """Check a message from the page.

    Parameters
    ----------
    content : object
        As it came.
    readers : mapping
        The kinds of messages that the widget takes.

    Raises
    ------
    ProtocolError
        If it does not have the agreed form.
    """
    if not isinstance(content, Mapping):
        refuse("a message is an object")
    identifier, kind, payload = content.get("id"), content.get("kind"), content.get("payload", {})
    if not isinstance(identifier, str) or not 0 < len(identifier) <= _MAX_ID:
        refuse("id must be a short text")
    reader = readers.get(kind) if isinstance(kind, str) else None
    if reader is None:
        refuse(f"unknown kind {str(kind)[:_MAX_ID]!r}")
    if not isinstance(payload, Mapping):
        refuse("payload must be an object")
    return Request(identifier, reader(payload))


def request_id(content: object) -> str:
    """Return the id of a message, also of a malformed one; an empty string if it has none."""
    identifier = content.get("id") if isinstance(content, Mapping) else None
    return identifier[:_MAX_ID] if isinstance(identifier, str) else ""


def reply(identifier: str, kind: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return an answer to the request `identifier`."""
    return {"id": identifier, "kind": kind, "payload": dict(payload)}


def error_reply(identifier: str, error: BaseException) -> dict[str, Any]:
    """Return the answer that tells the page what went wrong: a sentence, and the traceback to unfold."""
    return reply(identifier, "error", describe_error(error))


def describe_error(error: BaseException) -> dict[str, str]:
    """Return `message` and `traceback` of an error."""
    said = str(error).strip()
    name = type(error).__name__
    return {
        "message": f"{name}: {said}" if said else name,
        "traceback": "".join(traceback.format_exception(error)),
    }


# --- what payloads are made of
def integer(payload: Payload, name: str, low: int, high: int) -> int:
    """Return a whole number within bounds."""
    value = payload.get(name)
    # bool is an int to Python, not to the page
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        refuse(f"{name} must be an integer from {low} to {high}")
    return value


def text(payload: Payload, name: str, longest: int = 200) -> str:
    """Return a text."""
    value = payload.get(name)
    if not isinstance(value, str) or len(value) > longest:
        refuse(f"{name} must be a text of at most {longest} characters")
    return value


def flag(payload: Payload, name: str, default: bool | None = None) -> bool:
    """Return a truth value."""
    value = payload.get(name, default)
    if not isinstance(value, bool):
        refuse(f"{name} must be true or false")
    return value


def choice(payload: Payload, name: str, choices: Collection[str]) -> str:
    """Return one of several words."""
    value = payload.get(name)
    if not isinstance(value, str) or value not in choices:
        refuse(f"{name} must be one of {', '.join(sorted(choices))}")
    return value


def items(payload: Payload, name: str, most: int) -> list[Any]:
    """Return a list."""
    value = payload.get(name)
    if not isinstance(value, list) or len(value) > most:
        refuse(f"{name} must be a list of at most {most} items")
    return value


def mapping(value: object, what: str) -> Payload:
    """Return an object of the page."""
    if not isinstance(value, Mapping):
        refuse(f"{what} is an object")
    return value


def refuse(why: str) -> NoReturn:
    """Say that a message does not have the agreed form."""
    raise ProtocolError(f"The page sent a message that cannot be read: {why}.")
