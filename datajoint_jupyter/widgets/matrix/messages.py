"""What the page of a status matrix may say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

from datajoint_jupyter.protocol import Payload, Reader, choice, flag, integer

_MOST = 10**9

Deed = Literal["run", "retry", "ignore"]


@dataclass(frozen=True, slots=True)
class CellRequest:
    """Something about one cell of what the page knows as `revision`."""

    row: int
    column: int
    revision: int


@dataclass(frozen=True, slots=True)
class WhyRequest(CellRequest):
    """Why the cell is as it is."""


@dataclass(frozen=True, slots=True)
class BrowseRequest(CellRequest):
    """A browser of the cell's rows."""


@dataclass(frozen=True, slots=True)
class DeedRequest(CellRequest):
    """Something is to be done with the cell's keys."""

    deed: Deed


@dataclass(frozen=True, slots=True)
class StopRequest:
    """What runs here is to end after its current key."""


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Rows from `offset` on are wanted."""

    offset: int


@dataclass(frozen=True, slots=True)
class RefreshRequest:
    """Everything is to be read again."""


@dataclass(frozen=True, slots=True)
class LiveRequest:
    """Whether to follow what changes."""

    on: bool


def _cell(payload: Payload) -> tuple[int, int, int]:
    return (
        integer(payload, "row", 0, _MOST),
        integer(payload, "column", 0, _MOST),
        integer(payload, "revision", 0, _MOST),
    )


READERS: dict[str, Reader] = {
    "why": lambda payload: WhyRequest(*_cell(payload)),
    "browse": lambda payload: BrowseRequest(*_cell(payload)),
    "do": lambda payload: DeedRequest(
        *_cell(payload), cast("Deed", choice(payload, "deed", ("run", "retry", "ignore")))
    ),
    "stop": lambda _: StopRequest(),
    "page": lambda payload: PageRequest(integer(payload, "offset", 0, _MOST)),
    "refresh": lambda _: RefreshRequest(),
    "live": lambda payload: LiveRequest(flag(payload, "on")),
}
