"""Work on tables in words, HTML and numbers for the page."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from datajoint.jobs.registry import as_moment
from datajoint_jupyter.display.markup import Markup, element, join
from datajoint_jupyter.display.populate import duration_text, rate_text
from datajoint_jupyter.display.table import Column, html_table, text_table
from datajoint_jupyter.display.twin import Static
from datajoint_jupyter.display.values import key_text

if TYPE_CHECKING:
    from datajoint.jobs.lookout import WorkerState
    from datajoint.jobs.watching import RunningKey
    from datajoint_jupyter.work.failures import Failure, FailureKind

LISTED = 100
"""Failures that the page is given with their tracebacks."""

_TRACEBACK = 20_000
_RUNNING, _KINDS = 30, 20
_COLUMNS = (
    Column("table"),
    *(Column(n, kind="number") for n in ("done", "of", "running", "waiting", "failed", "ignored")),
)
_PHASES = {
    "idle": "not working here",
    "running": "working",
    "pausing": "pausing after the current keys",
    "paused": "paused",
    "stopping": "stopping after the current keys",
    "killing": "ending at once",
    "finished": "finished",
    "stopped": "stopped",
    "killed": "ended; keys that were being made are back in the queue",
    "failed": "failed",
}


@dataclass(frozen=True, slots=True)
class TableLine:
    """A table of a panel.

    Attributes
    ----------
    name : str
    known : bool
        Whether its class is known here.
    done : int or None
        Keys that it has.
    counts : dict or None
        Jobs by status; None without a queue.
    missing : int
        Keys that are neither there nor queued, as far as that was counted.
    rate : float or None
        Finished keys a second.
    left : float or None
        Seconds that the waiting ones will take.
    running : tuple of RunningKey
    current : bool
        Whether this kernel computes it now.
    """

    name: str
    known: bool
    done: int | None
    counts: dict[str, int] | None
    missing: int
    rate: float | None
    left: float | None
    running: tuple[RunningKey, ...]
    current: bool

    def count(self, status: str) -> int:
        """Return how many jobs have a status."""
        return (self.counts or {}).get(status, 0)

    @property
    def waiting(self) -> int:
        """Keys that wait for a worker, queued or not."""
        return self.count("pending") + self.missing

    @property
    def total(self) -> int:
        """All keys, those to be ignored left out."""
        return (self.done or 0) + self.waiting + self.count("reserved") + self.count("error")


@dataclass(frozen=True, slots=True)
class PanelState:
    """All that a panel shows; see `WorkPanel`."""

    tables: tuple[TableLine, ...]
    phase: str
    chosen: tuple[int, str]
    can_compute: bool
    uncomputable: tuple[str, ...]
    workers: tuple[WorkerState, ...]
    now: Any
    seen: bool
    problem: str
    error: tuple[str, BaseException] | None
    began: float | None
    ended: float | None
    failures: tuple[Failure, ...]


# --- the page
def panel_texts(state: PanelState, most_processes: int) -> dict[str, Any]:
    """Return what the page draws; every number that is read is spelled here."""
    at_work = state.phase in {"running", "pausing", "paused", "stopping", "killing"}
    stale = sum(worker.gone for worker in state.workers)
    return {
        "phase": state.phase,
        "phase_text": _phase_text(state),
        "headline": headline(state),
        "detail": detail(state),
        "workers": state.chosen[0],
        "kind": state.chosen[1],
        "processes": most_processes,
        "can": {
            "start": state.can_compute and not at_work,
            "pause": state.phase == "running",
            "resume": state.phase in {"paused", "pausing"},
            "stop": state.phase in {"running", "pausing", "paused"},
            "kill": at_work and state.phase != "killing",
            "recover": stale > 0,
        },
        "computes": state.can_compute,
        "note": _note(state),
        "problem": state.problem,
        "error": None
        if state.error is None
        else f"{state.error[0]}: {type(state.error[1]).__name__}: {state.error[1]}",
        "tables": [_table_texts(line) for line in state.tables],
        "running": [_running_texts(line, key, state) for line in state.tables for key in line.running][:_RUNNING],
        "more_running": max(0, sum(len(line.running) for line in state.tables) - _RUNNING),
        "staff": [_worker_texts(worker, state) for worker in state.workers],
        "stale": stale,
    }


def failure_texts(kinds: list[FailureKind]) -> list[dict[str, Any]]:
    """Return what failed, as the page draws it: kinds, and of each some keys."""
    left = LISTED
    found = []
    for kind in kinds:
        shown = kind.failures[: max(0, left)]
        left -= len(shown)
        count = len(kind.failures)
        found.append(
            {
                "id": kind.id,
                "table": kind.table,
                "error": kind.error,
                "place": kind.place,
                "count": f"{count:,} key{'' if count == 1 else 's'}",
                "more": count - len(shown),
                "keys": [
                    {
                        "id": failure.id,
                        "key": key_text(failure.key),
                        "code": failure.expression,
                        "message": failure.message,
                        "traceback": failure.traceback[-_TRACEBACK:],
                        "time": str(failure.time)[:19] if failure.time is not None else "",
                    }
                    for failure in shown
                ],
            }
        )
    return found


def headline(state: PanelState) -> str:
    """Return how far all tables are together: ``12 of 30 keys · 1 failed``."""
    if not state.seen:
        return "looking"
    done, total = sum(line.done or 0 for line in state.tables), sum(line.total for line in state.tables)
    failed = sum(line.count("error") for line in state.tables)
    if total == 0:
        return "nothing to compute"
    text = f"{done:,} of {total:,} key{'' if total == 1 else 's'}"
    return text + (f" · {failed:,} failed" if failed else "")


def detail(state: PanelState) -> str:
    """Return the time that the work here has taken."""
    if state.began is None:
        return ""
    return duration_text(max(0.0, (state.ended or time.time()) - state.began))


def _phase_text(state: PanelState) -> str:
    text = _PHASES.get(state.phase, state.phase)
    others = sum(not worker.gone for worker in state.workers)
    if state.phase == "idle" and others:
        return f"{others} worker{'' if others == 1 else 's'} at work"
    return text


def _note(state: PanelState) -> str:
    if not state.uncomputable:
        return ""
    names = ", ".join(state.uncomputable[:5]) + (", …" if len(state.uncomputable) > 5 else "")  # noqa: PLR2004
    return f"Only watched here, since no class with a make is known in this notebook: {names}."


def _table_texts(line: TableLine) -> dict[str, Any]:
    failed = line.count("error")
    running = line.count("reserved")
    parts = []
    if line.done is not None:
        parts.append(f"{line.done:,} of {line.total:,}")
    parts += [f"{failed:,} failed"] if failed else []
    parts += [f"{running:,} with workers"] if running else []
    parts += [f"{line.waiting:,} waiting"] if line.waiting else []
    parts += [f"{line.count('ignore'):,} ignored"] if line.count("ignore") else []
    pace = [] if line.rate is None else [rate_text(line.rate)]
    pace += [] if line.left is None else [f"about {duration_text(line.left)} left"]
    if line.total == 0:
        state = "empty"
    elif failed:
        state = "failed"
    elif line.done == line.total:
        state = "done"
    else:
        state = "running" if running or line.current else "waiting"
    return {
        "name": line.name,
        "state": state,
        "text": " · ".join(parts) if line.total or line.count("ignore") else "no keys",
        "pace": " · ".join(pace) if running or line.current else "",
        "total": line.total,
        "done": line.done or 0,
        "failed": failed,
        "running": running,
    }


def _running_texts(line: TableLine, key: RunningKey, state: PanelState) -> dict[str, Any]:
    since = _ago(state.now, key.started)
    who = next((f"{w.row.host}, process {w.row.pid}" for w in state.workers if w.row.worker == key.worker), "")
    return {
        "table": line.name,
        "key": key_text(key.key),
        "fraction": None if key.progress is None else min(1.0, max(0.0, float(key.progress))),
        "note": key.message,
        "since": "" if since is None else duration_text(since),
        "who": who,
    }


def _worker_texts(worker: WorkerState, state: PanelState) -> dict[str, Any]:
    row = worker.row
    mark = "gone" if worker.gone else "silent" if worker.silent else "alive"
    age = _ago(state.now, row.started)
    claimed = f"{worker.claimed:,} key{'' if worker.claimed == 1 else 's'}"
    seen = f"last sign of life {duration_text(max(0.0, row.silent))} ago"
    return {
        "id": row.worker,
        "name": f"{row.host}, process {row.pid}",
        "user": row.db_user,
        "schema": worker.schema,
        "state": mark,
        "text": " · ".join(
            part for part in (claimed, "" if age is None else f"for {duration_text(age)}", seen) if part
        ),
    }


def _ago(now: Any, then: Any) -> float | None:
    if now is None or then is None:
        return None
    return max(0.0, (as_moment(now) - as_moment(then)).total_seconds())


# --- without a kernel
def static_panel(state: PanelState) -> Static:
    """Return the state for a page without a kernel: a line for each table, and what failed."""
    line = " · ".join(part for part in (headline(state), _phase_text(state), detail(state)) if part)
    if state.error is not None:
        line += f" · {state.error[0]}: {type(state.error[1]).__name__}: {state.error[1]}"
    rows = [[t.name, *(f"{n:,}" for n in _numbers(t))] for t in state.tables]
    kinds = Counter(_kind_of(failure) for failure in state.failures)
    listed = kinds.most_common(_KINDS)
    first = {_kind_of(failure): failure for failure in reversed(state.failures)}
    title = f"Populate {', '.join(t.name for t in state.tables[:3])}{' …' if len(state.tables) > 3 else ''}"  # noqa: PLR2004
    text = [f"{title}: {line}", text_table(_COLUMNS, rows)]
    text += [
        f"  {count:,} × {table} {message}, as {key_text(first[table, message].key)}"
        for (table, message), count in listed
    ]
    return Static(
        html=join(
            [
                element("p", title, class_="dj-caption"),
                element("p", line, class_="dj-note"),
                element("div", html_table(_COLUMNS, rows), class_="dj-wide"),
                element("ul", (_failed_item(first[kind], count) for kind, count in listed)) if listed else None,
            ]
        ),
        text="\n".join(text),
    )


def _numbers(line: TableLine) -> tuple[int, ...]:
    return (
        line.done or 0, line.total, line.count("reserved"), line.waiting, line.count("error"), line.count("ignore")
    )  # fmt: skip


def _kind_of(failure: Failure) -> tuple[str, str]:
    return failure.table, failure.message


def _failed_item(failure: Failure, count: int) -> Markup:
    summary = element(
        "summary", f"{count:,} × {failure.table} ", element("span", failure.message, class_="dj-bad"), " ",
        element("code", key_text(failure.key)),
    )  # fmt: skip
    return element("li", element("details", summary, element("pre", failure.traceback)))
