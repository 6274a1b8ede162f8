"""What the page of a delete view may say."""

from __future__ import annotations

from dataclasses import dataclass

from datajoint_jupyter.protocol import Reader, choice, integer, text

WAYS = ("enforce", "cascade", "ignore", "strict")
"""What may happen to masters whose part rows go."""


@dataclass(frozen=True, slots=True)
class DeleteRequest:
    """What the plan of that revision shows is to be deleted; `name` was typed to confirm it."""

    revision: int
    name: str


@dataclass(frozen=True, slots=True)
class CancelRequest:
    """Nothing is to be deleted; what is under way is given up."""


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """The plan is to be made again, masters treated as told."""

    part_integrity: str


READERS: dict[str, Reader] = {
    "delete": lambda payload: DeleteRequest(integer(payload, "revision", 0, 10**9), text(payload, "name", 400)),
    "cancel": lambda _: CancelRequest(),
    "plan": lambda payload: PlanRequest(choice(payload, "part_integrity", WAYS)),
}
