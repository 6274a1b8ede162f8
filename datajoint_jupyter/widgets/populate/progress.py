"""How far a table is populated: a value, and how each event changes it. No threads, no clock, no database."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from datajoint.events import (
    Event,
    KeyFailed,
    KeyProgress,
    KeySkipped,
    KeyStarted,
    KeySucceeded,
    PopulateFinished,
    PopulateStarted,
)
from datajoint_jupyter.display.values import key_text

State = Literal["waiting", "running", "stopping", "finished", "stopped", "failed"]


@dataclass(frozen=True, slots=True)
class FailedKey:
    """A key whose `make` raised: the key as Python writes it, the message, the traceback."""

    key: str
    message: str
    traceback: str


@dataclass(frozen=True, slots=True)
class Progress:
    """What is known of a run.

    Attributes
    ----------
    table : str
    state : str
        ``waiting`` for an earlier run of the same table to end, ``running``, ``stopping`` after the current key,
        ``finished``, ``stopped`` before all keys were tried, ``failed`` as a whole.
    total : int or None
        Keys to compute; None before they were counted.
    succeeded, failed, skipped : int
        Keys done; skipped ones were there already.
    key : str
        The key computed now; empty between keys.
    fraction : float or None
        How much of that key is done, from 0 to 1, where its `make` tells.
    note : str
        What that `make` says of itself.
    began, ended : float or None
        Seconds since the epoch.
    errors : tuple of FailedKey
    """

    table: str
    state: State = "waiting"
    total: int | None = None
    succeeded: int = 0
    failed: int = 0
    skipped: int = 0
    key: str = ""
    fraction: float | None = None
    note: str = ""
    began: float | None = None
    ended: float | None = None
    errors: tuple[FailedKey, ...] = ()

    @property
    def done(self) -> int:
        """Keys that need no more work in this run."""
        return self.succeeded + self.failed + self.skipped

    @property
    def over(self) -> bool:
        """Whether nothing will change any more."""
        return self.state in {"finished", "stopped", "failed"}

    def elapsed(self, now: float) -> float:
        """Return the seconds from the beginning to the end, or to `now`."""
        return 0.0 if self.began is None else max(0.0, (self.ended or now) - self.began)

    def rate(self, now: float) -> float | None:
        """Return computed keys a second; None before the first."""
        computed, elapsed = self.succeeded + self.failed, self.elapsed(now)
        return computed / elapsed if computed and elapsed > 0 else None

    def remaining(self, now: float) -> float | None:
        """Return the seconds that are left if the other keys take as long as those computed so far."""
        rate = self.rate(now)
        if rate is None or self.total is None or self.over:
            return None
        return max(0, self.total - self.done) / rate

    def after(self, event: Event) -> Progress:
        """Return what is known after `event`."""
        match event:
            case PopulateStarted():
                state: State = "stopping" if self.state == "stopping" else "running"
                return replace(self, state=state, total=event.total, began=event.time)
            case KeyStarted():
                return replace(self, key=key_text(event.key), fraction=None, note="")
            case KeyProgress():
                return replace(self, fraction=min(1.0, max(0.0, event.fraction)), note=event.text)
            case KeySucceeded():
                return replace(self._between(), succeeded=self.succeeded + 1)
            case KeySkipped():
                return replace(self._between(), skipped=self.skipped + 1)
            case KeyFailed():
                error = FailedKey(key_text(event.key), event.message, event.traceback)
                return replace(self._between(), failed=self.failed + 1, errors=(*self.errors, error))
            case PopulateFinished():
                return replace(self._between(), state="stopped" if event.stopped else "finished", ended=event.time)
        return self

    def _between(self) -> Progress:
        return replace(self, key="", fraction=None, note="")
