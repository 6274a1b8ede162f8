"""What is the matter with one row in one table: a pure function of a few numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

State = Literal["done", "running", "error", "pending", "blocked", "ignored", "excluded", "empty"]
STATES: tuple[State, ...] = get_args(State)

_OPEN: frozenset[State] = frozenset({"running", "error", "pending", "blocked", "ignored", "empty"})


@dataclass(frozen=True, slots=True)
class Counts:
    """Keys of one row in one table.

    Attributes
    ----------
    total, done : int
        Keys to compute, and those of them that are computed; of a table that is not computed, its rows, twice.
    running, errors, ignored : int
        Jobs of the queue.
    """

    total: int = 0
    done: int = 0
    running: int = 0
    errors: int = 0
    ignored: int = 0


@dataclass(frozen=True, slots=True)
class Cell:
    """What is the matter with one row in one table.

    Attributes
    ----------
    state : str
        ``done``; ``running``, ``error`` or ``pending``, the first that holds of any key that is not computed; ``blocked``,
        if it has no keys because a table above is not done; ``excluded``, if it has none although all above is done;
        ``ignored``, if the queue says so of all that is left; ``empty``, if nobody has entered anything into a table
        that is not computed.
    counts : Counts
    """

    state: State
    counts: Counts

    @property
    def text(self) -> str:
        """How many keys are computed, of how many; of one key nothing, since its state says it."""
        counts = self.counts
        if counts.total <= 1:
            return ""
        return f"{counts.done:,}" if counts.done == counts.total else f"{counts.done:,}/{counts.total:,}"

    @property
    def is_open(self) -> bool:
        """Whether tables below wait for it."""
        return self.state in _OPEN


def judge(counts: Counts, *, computed: bool, waiting: bool) -> Cell:
    """Return the cell of some counts.

    Parameters
    ----------
    computed : bool
        Whether `make` fills the table.
    waiting : bool
        Whether a table above it is not done.
    """
    return Cell(_state(counts, computed=computed, waiting=waiting), counts)


def _state(counts: Counts, *, computed: bool, waiting: bool) -> State:
    left = counts.total - counts.done
    if counts.total and left <= 0:
        return "done"
    if not counts.total:
        if not computed:
            return "empty"
        return "blocked" if waiting else "excluded"
    if counts.running:
        return "running"
    if counts.errors:
        return "error"
    return "ignored" if counts.ignored >= left else "pending"
