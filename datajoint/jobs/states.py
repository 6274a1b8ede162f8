"""What can become of a job: a pure function of its state and of what happens to it.

``claimed`` and ``running`` are both ``reserved`` in the queue's table; ``foreign`` is a job that a worker without a lease
has reserved. None stands for a job that has no row.
"""

from __future__ import annotations

from typing import Literal

from datajoint.errors import DataJointError

Status = Literal["pending", "reserved", "success", "error", "ignore"]
"""What the table of the queue says of a job."""

State = Literal["pending", "claimed", "running", "foreign", "success", "error", "ignore"]
Event = Literal[
    "refresh", "claim", "reserve", "start", "stop", "finish", "fail", "give up", "interrupt", "retry", "die", "die often",
    "revoke", "ignore", "delete",
]  # fmt: skip

STATUSES: tuple[Status, ...] = ("pending", "reserved", "success", "error", "ignore")

_TRANSITIONS: dict[tuple[State | None, Event], tuple[State | None, ...]] = {
    (None, "refresh"): ("pending",),
    (None, "ignore"): ("ignore",),
    ("success", "refresh"): ("pending", None),
    ("error", "refresh"): (None,),
    ("error", "retry"): ("pending",),
    ("pending", "refresh"): (None,),
    ("pending", "claim"): ("claimed",),
    ("pending", "reserve"): ("foreign",),
    ("pending", "finish"): (None, "success"),
    ("claimed", "start"): ("running",),
    ("claimed", "stop"): ("pending",),
    ("claimed", "interrupt"): ("pending",),
    ("claimed", "finish"): (None, "success"),
    ("running", "finish"): (None, "success"),
    ("running", "retry"): ("running",),
    ("running", "fail"): ("pending",),
    ("running", "give up"): ("error",),
    ("running", "interrupt"): ("pending", "error"),
    ("foreign", "finish"): (None, "success"),
    ("foreign", "give up"): ("error",),
    **{(state, "die"): ("pending",) for state in ("claimed", "running", "foreign")},
    **{(state, "die often"): ("error",) for state in ("claimed", "running")},
    **{(state, "revoke"): ("pending",) for state in ("claimed", "running", "foreign")},
    **{(state, "ignore"): ("ignore",) for state in ("pending", "claimed", "running", "foreign", "success", "error", "ignore")},
    **{(state, "delete"): (None,) for state in ("pending", "claimed", "running", "foreign", "success", "error", "ignore")},
}  # fmt: skip


def after(state: State | None, event: Event, *, keep: bool = False, as_error: bool = False) -> State | None:
    """Return the state of a job after something happened to it.

    Parameters
    ----------
    state : str or None
        Before; None for a job without a row.
    event : str
        ``retry`` means that `make` runs again, and of a failed job that it is queued again; ``fail`` that attempts are
        left, ``give up`` that none is; ``die often`` that too many workers died.
    keep : bool
        Whether completed jobs keep their rows.
    as_error : bool
        Whether an interrupted key counts as an error.

    Raises
    ------
    DataJointError
        If it cannot happen to a job in this state.
    """
    allowed = _TRANSITIONS.get((state, event))
    if allowed is None:
        raise DataJointError(
            f"A job that is {state or 'not in the queue'} was to {event}.", hint="That cannot happen to it."
        )
    if len(allowed) == 1:
        return allowed[0]
    if event == "interrupt":
        return "error" if as_error else "pending"
    if event == "finish":
        return "success" if keep else None
    return allowed[0] if keep else allowed[1]
