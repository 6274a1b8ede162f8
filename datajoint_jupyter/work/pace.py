"""How fast keys are finished, and how long the others will take. No clock, no database."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

_WINDOW = 60.0
_CHANGES = 20


@dataclass(slots=True)
class Pace:
    """The rate at which a table's keys are finished, from those that were finished lately.

    What counts is the last minute, or the last twenty changes if they took longer.
    """

    _seen: deque[tuple[float, int]] = field(default_factory=deque)
    _last: tuple[float, int] | None = None

    def saw(self, time: float, finished: int) -> None:
        """Note how many keys were finished at a moment, in seconds."""
        if self._last is not None and finished < self._last[1]:
            self.forget()  # rows were deleted: another count begins
        if not self._seen or finished != self._seen[-1][1]:
            self._seen.append((time, finished))
        self._last = (time, finished)
        while len(self._seen) > _CHANGES and time - self._seen[1][0] > _WINDOW:
            self._seen.popleft()

    def forget(self) -> None:
        """Begin anew, as after a pause."""
        self._seen.clear()
        self._last = None

    @property
    def rate(self) -> float | None:
        """Finished keys a second; None until two moments tell."""
        if len(self._seen) < 2:  # noqa: PLR2004 - a rate is between two
            return None
        (begin, first), (end, last) = self._seen[0], self._seen[-1]
        return (last - first) / (end - begin) if end > begin else None

    def left(self, keys: int) -> float | None:
        """Return the seconds that so many keys will take; None where nobody can tell."""
        rate = self.rate
        return keys / rate if rate and keys else None
