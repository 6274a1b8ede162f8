"""Leave out keys that others have made meanwhile, at a small fraction of a statement a key."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datajoint.autopopulate.autopopulate import AutoPopulate
    from datajoint.autopopulate.task import Key

_MOST = 1000  # keys asked about at once


def still_absent(table: AutoPopulate, keys: Sequence[Key], asked: float, skip: Callable[[Key], None]) -> Iterator[Key]:
    """Yield those of `keys` for which `table` had no row at most ``jobs.claim_seconds`` before.

    One query asks about as many next keys as should be made in that time, going by how long those before took.

    Parameters
    ----------
    keys : sequence of dict
        None of them had a row at the moment `asked`, by the monotonic clock.
    skip : callable
        Told each key that has a row now.
    """
    seconds = table.connection.settings.jobs.claim_seconds
    begin, present, known_until = time.monotonic(), set[int](), len(keys)
    for number, key in enumerate(keys):
        now = time.monotonic()
        if now - asked > seconds or number >= known_until:
            rate = number / (now - begin) if number else 1.0
            known_until = number + max(1, min(round(seconds * rate), _MOST))
            present = _present(table, keys, range(number, min(known_until, len(keys))))
            asked = now
        if number in present:
            skip(key)
        else:
            yield key


def _present(table: AutoPopulate, keys: Sequence[Key], numbers: range) -> set[int]:
    """Return which of the keys have a row."""
    names = list(keys[numbers.start])
    secondary = [name for name in names if name not in table.primary_key]
    found = (table & [keys[n] for n in numbers]).proj(*secondary).to_dicts()
    rows = {repr([row[name] for name in names]) for row in found}
    return {n for n in numbers if repr([keys[n][name] for name in names]) in rows}
