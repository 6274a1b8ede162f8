"""What the page of a restriction builder may say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from datajoint_jupyter.protocol import Payload, Reader, integer, mapping, text

_MAX_NAME = 400
_MAX_OFFSET = 10**9


@dataclass(frozen=True, slots=True)
class SetRequest:
    """The tree is now `content`; it is read with the headings."""

    content: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RelatedRequest:
    """The tables near `table` are wanted; an empty name is the expression itself."""

    table: str


@dataclass(frozen=True, slots=True)
class TableRequest:
    """The attributes of `table` are wanted, and the ways to it from `origin`."""

    origin: str
    table: str


@dataclass(frozen=True, slots=True)
class ValuesRequest:
    """A summary of the values of an attribute is wanted."""

    table: str
    name: str


@dataclass(frozen=True, slots=True)
class KeysRequest:
    """Rows of `table`, whose key is among the attributes of `origin`, are wanted: those that `search` is found in."""

    origin: str
    table: str
    search: str
    offset: int


@dataclass(frozen=True, slots=True)
class KeepRequest:
    """The query is to be a variable of the notebook."""

    name: str


@dataclass(frozen=True, slots=True)
class BrowseRequest:
    """The rows are to be shown in a browser."""


@dataclass(frozen=True, slots=True)
class CloseBrowserRequest:
    """The browser is to be closed."""


@dataclass(frozen=True, slots=True)
class RefreshRequest:
    """Rows are to be counted again, tables looked up again."""


@dataclass(frozen=True, slots=True)
class LookRequest:
    """What the page should know by now is wanted."""


def _read_keys(payload: Payload) -> KeysRequest:
    return KeysRequest(
        text(payload, "origin", _MAX_NAME),
        text(payload, "table", _MAX_NAME),
        text(payload, "search"),
        integer(payload, "offset", 0, _MAX_OFFSET),
    )


READERS: dict[str, Reader] = {
    "set": lambda payload: SetRequest(mapping(payload.get("tree"), "a tree")),
    "related": lambda payload: RelatedRequest(text(payload, "table", _MAX_NAME)),
    "table": lambda payload: TableRequest(text(payload, "origin", _MAX_NAME), text(payload, "table", _MAX_NAME)),
    "values": lambda payload: ValuesRequest(text(payload, "table", _MAX_NAME), text(payload, "name")),
    "keys": _read_keys,
    "keep": lambda payload: KeepRequest(text(payload, "name")),
    "browse": lambda _: BrowseRequest(),
    "close browser": lambda _: CloseBrowserRequest(),
    "look": lambda _: LookRequest(),
    "refresh": lambda _: RefreshRequest(),
}
