"""One stream of typed events; progress bars, panels, logs and tests are its subscribers.

A connection owns one `EventStream`. Whoever does work emits; nobody who emits knows who listens.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from datajoint.forking import reopened

Key = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to `table`, at `time` (seconds since the epoch)."""

    table: str
    time: float = field(default_factory=time.time)


@dataclass(frozen=True, slots=True, kw_only=True)
class PopulateStarted(Event):
    """`populate` found `total` keys to compute."""

    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyStarted(Event):
    """`make` was called for `key`."""

    key: Key


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyProgress(Event):
    """`make` reported that `fraction` (0 to 1) of `key` is done."""

    key: Key
    fraction: float
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyLive(Event):
    """The first write of `make` for `key` began its transaction, and what was read before was verified in it."""

    key: Key


@dataclass(frozen=True, slots=True, kw_only=True)
class InputsChanged(Event):
    """What `make` for `key` had read from `inputs` was changed meanwhile; it runs again."""

    key: Key
    inputs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LongTransaction(Event):
    """The write transaction of `key` stayed open for `duration` seconds; its first write is at `line` of `file`."""

    key: Key
    duration: float
    file: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySucceeded(Event):
    """`make` for `key` was committed after `duration` seconds; it read `unverified` tables in ways nobody can verify."""

    key: Key
    duration: float
    unverified: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySkipped(Event):
    """`key` was there already, or not ours any more, when its turn came; `reason` says which."""

    key: Key
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFailed(Event):
    """`make` for `key` raised; everything it wrote was rolled back."""

    key: Key
    message: str
    traceback: str
    duration: float


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyReserved(Event):
    """`worker` took `key` from the queue; it will be made when its turn comes."""

    key: Key
    worker: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyInterrupted(Event):
    """`make` for `key` was broken off; nothing of it was kept, and it is `requeued` or an error."""

    key: Key
    worker: str
    requeued: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyTakenOver(Event):
    """The worker that had `key` is dead, for the `deaths`-th time; it is `requeued` or an error."""

    key: Key
    worker: str
    deaths: int
    requeued: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class JobsRefreshed(Event):
    """The queue of `table` was brought up to date."""

    added: int
    removed: int
    orphaned: int
    re_pended: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PopulateFinished(Event):
    """`populate` ended; `stopped` tells that it did so before all keys were tried."""

    succeeded: int
    failed: int
    skipped: int
    duration: float
    stopped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsInserted(Event):
    """`count` rows were sent to `table`."""

    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsFound(Event):
    """`count` rows of `table` were found to depend on rows that are to be deleted."""

    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsDeleted(Event):
    """`count` rows of `table` were deleted (within a transaction that is still open)."""

    count: int


class Subscription:
    """What `EventStream.subscribe` returns: ends by `close()` or by leaving its ``with`` block."""

    def __init__(self, stream: EventStream, callback: Callable[[Event], None]) -> None:
        self._stream, self.callback = stream, callback

    def close(self) -> None:
        """Stop delivery; calling it again does nothing."""
        self._stream._drop(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class EventStream:
    """Deliver each event to every subscriber, in the thread that emits it."""

    def __init__(self) -> None:
        self._lock = reopened(threading.Lock())
        self._subscriptions: tuple[Subscription, ...] = ()

    def subscribe(self, callback: Callable[[Event], None]) -> Subscription:
        """Call `callback(event)` for every event from now on.

        It runs in the emitting thread, so it must be quick. What it raises is logged, never passed on:
        a broken progress bar must not fail a computation.
        """
        subscription = Subscription(self, callback)
        with self._lock:
            self._subscriptions = (*self._subscriptions, subscription)
        return subscription

    @property
    def has_subscribers(self) -> bool:
        """Whether anybody listens; where events are frequent, none need be made otherwise."""
        return bool(self._subscriptions)

    def clear(self) -> None:
        """End all subscriptions, as in a forked process, where they are its parent's."""
        self._lock, self._subscriptions = threading.Lock(), ()

    def emit(self, event: Event) -> None:
        """Deliver `event`; a no-op without subscribers."""
        for subscription in self._subscriptions:
            try:
                subscription.callback(event)
            except Exception:  # a subscriber's fault is not the emitter's
                logging.getLogger("datajoint").exception("A subscriber failed on %s", type(event).__name__)

    def _drop(self, subscription: Subscription) -> None:
        with self._lock:
            self._subscriptions = tuple(s for s in self._subscriptions if s is not subscription)
