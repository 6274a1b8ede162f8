"""Time calls that are to be compared: in turns, so that whatever else the machine does meets all of them."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping

Action = Callable[[], object]

_ROUNDS, _SECONDS = 3, 0.3


def fastest(
    actions: Mapping[str, Action],
    *,
    repeat: int = 1,
    before: Action = lambda: None,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, float]:
    """Return for each action the seconds of its fastest run, divided by `repeat` calls in a run.

    `before` is done before each run and not counted. There are three rounds, and more until 0.3 seconds are spent.
    With ``time.process_time`` as its `clock`, it counts what this process computes, which other processes slow less.
    """
    best = dict.fromkeys(actions, float("inf"))
    begin, rounds = time.perf_counter(), 0
    while rounds < _ROUNDS or time.perf_counter() - begin < _SECONDS:
        for name, action in actions.items():
            before()
            if repeat == 1:  # collecting leaves the processor's caches cold, which short calls would be blamed for
                gc.collect()
            start = clock()
            for _ in range(repeat):
                action()
            best[name] = min(best[name], (clock() - start) / repeat)
        rounds += 1
    return best
