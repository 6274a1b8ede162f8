"""What the page of a populate view may say."""

from __future__ import annotations

from dataclasses import dataclass

from datajoint_jupyter.protocol import Reader


@dataclass(frozen=True, slots=True)
class StopRequest:
    """The work is to end after the current key."""


READERS: dict[str, Reader] = {"stop": lambda _: StopRequest()}
