"""Locks of a process that forks: a child has but the forking thread, and waits for ever for a lock that another one held."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TypeVar

Lock = TypeVar("Lock")

_reopened: weakref.WeakKeyDictionary[Any, weakref.WeakMethod[Callable[[], None]] | None] = weakref.WeakKeyDictionary()
_adding = threading.Lock()


def reopened(lock: Lock, mend: Callable[[], None] | None = None) -> Lock:
    """Have a lock opened in forked children where a thread holds it that is not there.

    Parameters
    ----------
    lock : Lock or RLock
        Of `threading`.
    mend : method, optional
        Called then, with the lock held, because that thread may have been amid a change of what the lock guards.

    Returns
    -------
    Lock or RLock
        The same.
    """
    with _adding:
        _reopened[lock] = None if mend is None else weakref.WeakMethod(mend)
    return lock


def _reopen() -> None:
    _adding._at_fork_reinit()  # type: ignore[attr-defined]  # as the standard library does with its own
    for lock, method in list(_reopened.items()):
        # What the forking thread itself holds it will release.
        if lock.acquire(blocking=False):
            lock.release()
            continue
        lock._at_fork_reinit()
        mend = None if method is None else method()
        if mend is not None:
            with lock:
                mend()


class Gate:
    """What threads pass that begin something during which no process should fork."""

    def __init__(self) -> None:
        self._changed = threading.Condition(threading.RLock())
        self._inside: dict[int, int] = {}
        self._forking: int | None = None

    def __enter__(self) -> Self:
        mine = threading.get_ident()
        with self._changed:
            self._changed.wait_for(lambda: self._forking in {None, mine})
            self._inside[mine] = self._inside.get(mine, 0) + 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        mine = threading.get_ident()
        with self._changed:
            self._inside[mine] -= 1
            if not self._inside[mine]:
                del self._inside[mine]
            self._changed.notify_all()

    def shut(self, end: float) -> None:
        """Let nobody else in, and wait for those inside until the moment `end` of the monotonic clock."""
        mine = threading.get_ident()
        with self._changed:
            self._changed.wait_for(lambda: self._forking is None)
            self._forking = mine
            self._changed.wait_for(lambda: not self._inside.keys() - {mine}, max(0.0, end - time.monotonic()))

    def open(self) -> None:
        """Let others in again."""
        with self._changed:
            self._forking = None
            self._changed.notify_all()

    def renew(self) -> None:
        """Let everybody in, in a child where only this thread is."""
        self._changed, self._forking = threading.Condition(threading.RLock()), None
        mine = threading.get_ident()
        self._inside = {mine: self._inside[mine]} if mine in self._inside else {}


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reopen)
