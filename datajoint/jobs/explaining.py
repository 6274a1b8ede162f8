"""Why a key is not computed: one sentence, and the next command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from datajoint.jobs.takeover import Judge
from datajoint.sql.fragment import Sql

if TYPE_CHECKING:
    from datajoint.jobs.job import Job
    from datajoint.jobs.keys import Key
    from datajoint.jobs.registry import Lease


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is the matter with a key.

    Attributes
    ----------
    state : str
        ``done``, ``not in key source``, ``not queued``, ``pending``, ``scheduled``, ``reserved``, ``abandoned``, ``error``,
        ``ignored`` or ``completed``.
    sentence : str
    command : str
        What to type next; empty if there is nothing to do.
    """

    state: str
    sentence: str
    command: str = ""

    def __str__(self) -> str:
        return f"{self.sentence} Next: {self.command}" if self.command else self.sentence

    __repr__ = __str__


def explain(jobs: Job, key: Mapping[str, Any]) -> Explanation:
    """Return why a key is not computed; see `Job.explain`."""
    queue = jobs._queue
    found = queue.keys.canonical(key)
    name, shown = jobs.target.class_name, dict(found)
    if queue.present([found]):
        return Explanation("done", f"{shown} is computed: {name} has it.", f"({name} & {shown}).to_dicts()")
    row = _row(jobs, found)
    if row is None:
        return _unqueued(jobs, found)
    status = row["status"]
    if status == "ignore":
        return Explanation("ignored", f"{shown} is marked to be ignored.", f"({name}.jobs & {shown}).delete()")
    if status == "error":
        text = (row.get("error_message") or "an error without a message").rstrip()
        end = "" if text.endswith((".", "!", "?")) else "."
        moment = str(row.get("completed_time")).partition(".")[0]
        return Explanation("error", f"{shown} failed at {moment}: {text}{end}", f"({name}.jobs & {shown}).delete()")
    if status == "success":
        return Explanation(
            "completed",
            f"{shown} was computed at {row.get('completed_time')}, and {name} has no row of it any more or never had one.",
            f"{name}.jobs.refresh()",
        )
    lease = jobs._registry.of_detail(queue.keys.detail(found))
    if status == "reserved":
        return _reserved(jobs, found, row, lease)
    due = jobs.connection.execute(
        Sql("SELECT 1 FROM ", queue.name.identifier, " WHERE ", queue.keys.equals(found), " AND ", queue.column("scheduled_time"),
            " <= ", queue.now)
    ).rows  # fmt: skip
    tried = f" It was tried {lease.attempts} times, last: {lease.message}." if lease and lease.attempts else ""
    if not due:
        return Explanation(
            "scheduled",
            f"{shown} is scheduled for {row.get('scheduled_time')} on the server's clock.{tried}",
            f"{name}.populate({shown})",
        )
    return Explanation(
        "pending",
        f"{shown} waits for a worker, with priority {row.get('priority')}.{tried}",
        f"{name}.populate({shown}, reserve_jobs=True)",
    )


def _row(jobs: Job, key: Key) -> dict[str, Any] | None:
    """Return the bookkeeping of a job under its own names."""
    queue = jobs._queue
    shown = {n: c for n, c in queue.columns.items() if n != "error_stack"}
    rows = jobs.connection.execute(
        Sql("SELECT ", Sql.join(", ", (queue.column(n) for n in shown)), " FROM ", queue.name.identifier, " WHERE ",
            queue.keys.equals(key))
    ).rows  # fmt: skip
    return dict(zip(shown, rows[0], strict=True)) if rows else None


def _unqueued(jobs: Job, key: Key) -> Explanation:
    name, shown = jobs.target.class_name, dict(key)
    keys_of = getattr(jobs.target, "_keys_to_compute", None)
    if keys_of is not None and not keys_of((key,)):
        return Explanation(
            "not in key source", f"{shown} is not among the keys that {name} computes.", f"{name}().key_source"
        )
    return Explanation("not queued", f"{shown} has no job yet.", f"{name}.jobs.refresh()")


def _reserved(jobs: Job, key: Key, row: dict[str, Any], lease: Lease | None) -> Explanation:
    name, shown = jobs.target.class_name, dict(key)
    who = f"process {row.get('pid')} on {row.get('host')} ({row.get('user')})"
    since = row.get("reserved_time")
    revoke = f"{name}.jobs.revoke({shown})"
    if lease is None or lease.worker is None:
        return Explanation(
            "reserved",
            f"{shown} has been reserved since {since} by {who}, an unknown worker that has no lease, so nobody can tell "
            "whether it lives.",
            f"{name}.jobs.refresh(orphan_timeout=3600)",
        )
    if Judge(jobs._registry).is_dead(lease.worker):
        return Explanation(
            "abandoned", f"{shown} was reserved at {since} by {who}, which is gone.", f"{name}.jobs.recover()"
        )
    if lease.started is None:
        return Explanation("reserved", f"{shown} was claimed at {since} by {who}; its turn has yet to come.", revoke)
    done = "" if lease.progress is None else f", {100 * lease.progress:.0f} % done"
    said = f": {lease.message}" if lease.message else ""
    return Explanation("reserved", f"{shown} has been computed since {lease.started} by {who}{done}{said}.", revoke)
