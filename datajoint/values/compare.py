"""A literal meets an attribute: it takes the attribute's type, or the comparison is decided without asking the engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Outcome = Literal["bound", "none", "all"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What became of ``attribute operator literal``.

    Attributes
    ----------
    outcome : str
        ``bound``: send `operator` with the canonical `value`. ``none``: no row matches. ``all``: every row whose
        attribute is not NULL matches.
    operator : str
        One of ``=  <>  <  <=  >  >=``; may differ from the one written where the literal lies between values.
    """

    outcome: Outcome
    operator: str = "="
    value: Any = None
