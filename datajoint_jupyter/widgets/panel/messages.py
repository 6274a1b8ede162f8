"""What the page of a panel may say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, cast

from datajoint_jupyter.protocol import Payload, Reader, choice, integer, items, refuse
from datajoint_jupyter.work.conductor import MOST_WORKERS, Kind

_MOST, _ID = 1000, 64
Order = Literal["pause", "stop", "kill", "recover"]


@dataclass(frozen=True, slots=True)
class StartRequest:
    """Begin, or go on, with so many workers."""

    workers: int
    kind: Kind
    resume: bool


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """Do what one word says."""

    order: Order


@dataclass(frozen=True, slots=True)
class FailuresRequest:
    """Retry or ignore failures, or all of some kinds, told by their ids."""

    deed: Literal["retry", "ignore"]
    ids: frozenset[str]


def _start(resume: bool) -> Reader:
    def read(payload: Payload) -> StartRequest:
        kind = cast("Kind", choice(payload, "kind", ("threads", "processes")))
        return StartRequest(integer(payload, "workers", 1, MOST_WORKERS), kind, resume)

    return read


def _failures(deed: Literal["retry", "ignore"]) -> Reader:
    def read(payload: Payload) -> FailuresRequest:
        found = items(payload, "ids", _MOST)
        if not all(isinstance(one, str) and len(one) == _ID for one in found):
            refuse("ids are texts of 64 characters")
        return FailuresRequest(deed, frozenset(found))

    return read


def _order(order: Order) -> Callable[[Payload], OrderRequest]:
    return lambda _: OrderRequest(order)


READERS: dict[str, Reader] = {
    "start": _start(False),
    "resume": _start(True),
    "pause": _order("pause"),
    "stop": _order("stop"),
    "kill": _order("kill"),
    "recover": _order("recover"),
    "retry": _failures("retry"),
    "ignore": _failures("ignore"),
}
