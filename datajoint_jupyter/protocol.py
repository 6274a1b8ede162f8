"""What a widget's page and the kernel say to each other.

Every message is ``{"id": str, "kind": str, "payload": {...}}``. The page asks, the kernel answers with the same id; a
fault is answered with the kind ``error``. The page never sends SQL: only numbers and names of attributes, which are
checked here and against the heading before they reach an expression.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

MAX_PAGE = 500
"""Most rows of one answer."""

_MAX_ID = 80
_MAX_OFFSET = 10**12
_MAX_SORT = 16


class ProtocolError(Exception):
    """A message from the page that does not have the agreed form."""


@dataclass(frozen=True, slots=True)
class SortItem:
    """Rows are ordered by the attribute `name`."""

    name: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Rows `offset` to ``offset + limit - 1`` of what the page knows as `revision` are wanted."""

    offset: int
    limit: int
    revision: int


@dataclass(frozen=True, slots=True)
class SortRequest:
    """The rows are to be ordered otherwise."""

    sort: tuple[SortItem, ...]


@dataclass(frozen=True, slots=True)
class RefreshRequest:
    """The rows are to be read again."""


@dataclass(frozen=True, slots=True)
class CountRequest:
    """The exact number of rows is wanted, whatever it costs."""


@dataclass(frozen=True, slots=True)
class StopRequest:
    """The work is to end after the current key."""


Payload = PageRequest | SortRequest | RefreshRequest | CountRequest | StopRequest


@dataclass(frozen=True, slots=True)
class Request:
    """A checked message from the page."""

    id: str
    payload: Payload


def read_request(content: object) -> Request:
    """Check a message from the page.

    Raises
    ------
    ProtocolError
        If it does not have the agreed form.
    """
    if not isinstance(content, Mapping):
        _refuse("a message is an object")
    identifier, kind, payload = content.get("id"), content.get("kind"), content.get("payload", {})
    if not isinstance(identifier, str) or not 0 < len(identifier) <= _MAX_ID:
        _refuse("id must be a short text")
    reader = _READERS.get(kind) if isinstance(kind, str) else None
    if reader is None:
        _refuse(f"unknown kind {str(kind)[:_MAX_ID]!r}")
    if not isinstance(payload, Mapping):
        _refuse("payload must be an object")
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
    text = str(error).strip()
    name = type(error).__name__
    return {
        "message": f"{name}: {text}" if text else name,
        "traceback": "".join(traceback.format_exception(error)),
    }


def _read_page(payload: Mapping[str, Any]) -> PageRequest:
    return PageRequest(
        _integer(payload, "offset", 0, _MAX_OFFSET),
        _integer(payload, "limit", 1, MAX_PAGE),
        _integer(payload, "revision", 0, _MAX_OFFSET),
    )


def _read_sort(payload: Mapping[str, Any]) -> SortRequest:
    items = payload.get("sort")
    if not isinstance(items, list) or len(items) > _MAX_SORT:
        _refuse("sort must be a short list")
    return SortRequest(tuple(_read_sort_item(item) for item in items))


def _read_sort_item(item: object) -> SortItem:
    if not isinstance(item, Mapping):
        _refuse("an item of sort is an object")
    name, descending = item.get("name"), item.get("descending", False)
    if not isinstance(name, str) or not isinstance(descending, bool):
        _refuse("an item of sort has a name and a direction")
    return SortItem(name, descending)


def _integer(payload: Mapping[str, Any], name: str, low: int, high: int) -> int:
    value = payload.get(name)
    # bool is an int to Python, not to the page
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        _refuse(f"{name} must be an integer from {low} to {high}")
    return value


def _refuse(why: str) -> NoReturn:
    raise ProtocolError(f"The page sent a message that cannot be read: {why}.")


_READERS: Mapping[str, Callable[[Mapping[str, Any]], Payload]] = {
    "page": _read_page,
    "sort": _read_sort,
    "refresh": lambda _: RefreshRequest(),
    "count": lambda _: CountRequest(),
    "stop": lambda _: StopRequest(),
}
