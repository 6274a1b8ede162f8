"""What can become of a job: every change of its status that there is, as one table.

Whoever has to choose between two ends asks `after`, and statements on many jobs take from `before` which of them they are
about. What the others do is in their statements; a test does everything to jobs of every status, on every engine, and holds
it to this table. None stands for a job that has no row.
"""

from __future__ import annotations

from typing import Literal

from datajoint.errors import DataJointError

Status = Literal["pending", "reserved", "success", "error", "ignore"]
"""What the table of the queue says of a job."""

Event = Literal[
    "add", "repend", "vanish", "expire", "orphan",
    "claim", "return", "stop", "interrupt", "finish", "fail", "give up", "die", "die often",
    "reserve", "complete", "error", "ignore", "retry", "revoke", "delete",
]  # fmt: skip
"""What happens to a job: when a queue is refreshed, by workers, and by who calls the methods of `Job`."""

STATUSES: tuple[Status, ...] = ("pending", "reserved", "success", "error", "ignore")

TRANSITIONS: dict[tuple[Status | None, Event], tuple[Status | None, ...]] = {
    (None, "add"): ("pending",),
    (None, "ignore"): ("ignore",),
    ("pending", "claim"): ("reserved",),
    ("pending", "reserve"): ("reserved",),
    # Somebody without leases gave a job back that a worker still has: it goes back to that one, or is finished by it.
    ("pending", "return"): ("reserved",),
    ("pending", "finish"): (None, "success"),
    ("reserved", "finish"): (None, "success"),
    ("reserved", "stop"): ("pending",),
    ("reserved", "interrupt"): ("pending", "error"),
    ("reserved", "fail"): ("pending",),
    ("reserved", "give up"): ("error",),
    ("reserved", "die"): ("pending",),
    ("reserved", "die often"): ("error",),
    ("reserved", "orphan"): ("pending",),
    ("reserved", "revoke"): ("pending",),
    ("success", "repend"): ("pending",),
    ("error", "retry"): ("pending",),
    **{(status, "vanish"): (None,) for status in ("success", "error")},
    **{(status, "expire"): (None,) for status in ("pending", "reserved", "success", "error")},
    **{(status, "complete"): (None, "success") for status in STATUSES},
    **{(status, "error"): ("error",) for status in STATUSES},
    **{(status, "ignore"): ("ignore",) for status in STATUSES},
    **{(status, "delete"): (None,) for status in STATUSES},
}  # fmt: skip
"""The statuses that may follow; of two, the second where `keep` or `as_error` is asked for."""


def before(event: Event) -> tuple[Status, ...]:
    """Return the statuses of the jobs that have a row and to which something can happen."""
    return tuple(status for status in STATUSES if (status, event) in TRANSITIONS)


def after(status: Status | None, event: Event, *, keep: bool = False, as_error: bool = False) -> Status | None:
    """Return the status of a job after something happened to it.

    Parameters
    ----------
    status : str or None
        Before; None for a job without a row.
    event : str
        ``fail`` means that attempts are left, ``give up`` that none is; ``die often`` that too many workers died.
    keep : bool
        Whether completed jobs keep their rows.
    as_error : bool
        Whether an interrupted key counts as an error.

    Raises
    ------
    DataJointError
        If it cannot happen to a job with this status.
    """
    allowed = TRANSITIONS.get((status, event))
    if allowed is None:
        raise DataJointError(
            f"A job that is {status or 'not in the queue'} was to {event}.", hint="That cannot happen to it."
        )
    return allowed[-1] if keep or as_error else allowed[0]
