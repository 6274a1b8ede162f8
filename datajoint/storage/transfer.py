"""Many transfers at the same time, their results in the order in which they were asked for."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

THREADS = 24
"""How many transfers run at the same time: latency is hidden, and no server is flooded."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(work: Callable[[Item], Result], items: Iterable[Item], threads: int = THREADS) -> Iterator[Result]:
    """Yield ``work(item)`` for each item in order, working ahead in threads.

    Not more than twice as many items as threads are at work or wait to be fetched, so that memory stays bounded.
    An error is raised in its place; what was not begun is then not begun.
    """
    remaining = iter(items)
    first = list(islice(remaining, 2))
    if len(first) < 2:  # noqa: PLR2004 - one item needs no threads
        yield from map(work, first)
        return
    with ThreadPoolExecutor(threads, thread_name_prefix="datajoint-store") as pool:
        waiting: deque[Future[Result]] = deque(pool.submit(work, item) for item in first)
        try:
            waiting.extend(pool.submit(work, item) for item in islice(remaining, 2 * threads - 2))
            while waiting:
                result = waiting.popleft().result()
                waiting.extend(pool.submit(work, item) for item in islice(remaining, 1))
                yield result
        finally:
            for future in waiting:
                future.cancel()
