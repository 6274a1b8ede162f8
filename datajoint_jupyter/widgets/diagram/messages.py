"""What the page of a diagram may say."""

from __future__ import annotations

from dataclasses import dataclass

from datajoint_jupyter.protocol import Payload, Reader, flag, integer, items, refuse, text

MAX_STEPS = 100
_LONGEST = 300
_SCHEMAS = 1000


@dataclass(frozen=True, slots=True)
class ArrangeRequest:
    """The tables of some schemas are to be collapsed, and all others drawn one by one."""

    collapsed: tuple[str, ...]
    folded: bool
    overview: bool


@dataclass(frozen=True, slots=True)
class FocusRequest:
    """A table, and those within some steps of it, are to be shown alone."""

    table: str
    up: int
    down: int


@dataclass(frozen=True, slots=True)
class EverythingRequest:
    """All tables are to be shown again."""


@dataclass(frozen=True, slots=True)
class DetailsRequest:
    """What a table is, and what it has now."""

    table: str


@dataclass(frozen=True, slots=True)
class BrowseRequest:
    """A browser of a table's rows."""

    table: str


@dataclass(frozen=True, slots=True)
class LiveRequest:
    """Whether to follow how far the tables are."""

    on: bool


def _schema(value: object) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST:
        refuse("a schema is a short text")
    return value


def _read_arrange(payload: Payload) -> ArrangeRequest:
    schemas = tuple(_schema(value) for value in items(payload, "collapsed", _SCHEMAS))
    return ArrangeRequest(schemas, flag(payload, "folded"), flag(payload, "overview"))


def _read_focus(payload: Payload) -> FocusRequest:
    return FocusRequest(
        text(payload, "table", _LONGEST), integer(payload, "up", 0, MAX_STEPS), integer(payload, "down", 0, MAX_STEPS)
    )


READERS: dict[str, Reader] = {
    "arrange": _read_arrange,
    "focus": _read_focus,
    "everything": lambda _: EverythingRequest(),
    "details": lambda payload: DetailsRequest(text(payload, "table", _LONGEST)),
    "browse": lambda payload: BrowseRequest(text(payload, "table", _LONGEST)),
    "live": lambda payload: LiveRequest(flag(payload, "on")),
}
