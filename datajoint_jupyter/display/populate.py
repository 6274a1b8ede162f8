"""A run of `populate` in words, HTML and numbers for the page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from datajoint_jupyter.display.markup import Markup, element, join
from datajoint_jupyter.display.twin import Static

if TYPE_CHECKING:
    from datajoint_jupyter.widgets.populate.progress import FailedKey, Progress

_LISTED = 20
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def progress_texts(progress: Progress, now: float) -> dict[str, Any]:
    """Return what the page draws; every number that is read is spelled here."""
    return {
        "table": progress.table,
        "state": progress.state,
        "over": progress.over,
        "total": progress.total,
        "done": progress.done,
        "failed": progress.failed,
        "headline": headline(progress),
        "detail": detail(progress, now),
        "key": progress.key,
        "fraction": progress.fraction,
        "note": progress.note,
    }


def headline(progress: Progress) -> str:
    """Return the state in a few words: ``12 of 30 keys``."""
    total = progress.total
    if progress.state == "waiting":
        return "waiting for the earlier run to stop"
    if progress.state == "failed":
        return f"failed after {progress.done:,} key{'' if progress.done == 1 else 's'}"
    if total is None:
        return "looking for keys to compute"
    if total == 0:
        return "nothing to compute"
    count = f"{progress.done:,} of {total:,} key{'' if total == 1 else 's'}"
    suffix = {"stopping": ", stopping after this key", "stopped": ", stopped"}.get(progress.state, "")
    return count + suffix


def detail(progress: Progress, now: float) -> str:
    """Return failures, time, rate and the time left."""
    parts = []
    if progress.failed:
        parts.append(f"{progress.failed:,} failed")
    if progress.skipped:
        parts.append(f"{progress.skipped:,} were there already")
    if progress.began is not None and progress.total != 0:
        parts.append(duration_text(progress.elapsed(now)))
    if (rate := progress.rate(now)) is not None:
        parts.append(rate_text(rate))
    if (left := progress.remaining(now)) is not None:
        parts.append(f"about {duration_text(left)} left")
    return " · ".join(parts)


def duration_text(seconds: float) -> str:
    """Return a duration in the two units that matter.

    Examples
    --------
    >>> duration_text(0.42), duration_text(75), duration_text(7300)
    ('0.4 s', '1 min 15 s', '2 h 1 min')
    """
    if seconds < 10:  # noqa: PLR2004 - tenths matter only for short times
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE} s"
    if whole < _DAY:
        return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"
    return f"{whole // _DAY} d {whole % _DAY // _HOUR} h"


def rate_text(rate: float) -> str:
    """Return a rate in keys a second, or how long one takes."""
    if rate >= 1:
        return f"{rate:,.1f} keys/s"
    return f"{duration_text(1 / rate)} a key"


def static_progress(progress: Progress, now: float) -> Static:
    """Return the state for a page without a kernel: one line, and what failed."""
    line = " · ".join(part for part in (headline(progress), detail(progress, now)) if part)
    failed = progress.errors[:_LISTED]
    more = len(progress.errors) - len(failed)
    text = [f"Populate {progress.table}: {line}"]
    text += [f"  {error.key or progress.table}: {error.message}" for error in failed]
    text += [f"  and {more:,} more"] if more else []
    return Static(
        html=join(
            [
                element("p", f"Populate {progress.table}", class_="dj-caption"),
                element("p", line, class_="dj-note"),
                element("ul", (_failed_item(error) for error in failed)) if failed else None,
                element("p", f"and {more:,} more", class_="dj-note") if more else None,
            ]
        ),
        text="\n".join(text),
    )


def _failed_item(error: FailedKey) -> Markup:
    summary = element(
        "summary", element("code", error.key), " " if error.key else "", element("span", error.message, class_="dj-bad")
    )
    return element("li", element("details", summary, element("pre", error.traceback)))
