"""The connection of sqlite3, made patient and interruptible.

SQLite waits for a lock and runs a statement inside one call in C, during which Python cannot react to Ctrl-C. So it
waits for nothing here, and `patiently` asks again; and while it runs a statement it calls back now and then.
"""

from __future__ import annotations

import contextlib
import random
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TypeVar

from datajoint.backends.signals import INTERRUPT, interrupt_handler, set_handler

Result = TypeVar("Result")

_STEPS = 100_000  # of SQLite's machine between two chances for Python to handle signals: a few milliseconds
_LARGE_LOG, _DOUBLING = 2**25, 2**22  # bytes: of a log that is called large, and in how many more the pause doubles
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.01, 0.5
_FIRST_WAIT, _LONGEST_WAIT = 0.0005, 0.01


class Link(sqlite3.Connection):
    """A connection that knows how long it may wait, and why a statement of it was broken off."""

    patience: float = 0.0
    """Seconds to wait for a lock."""
    log: Path | None = None
    """The write-ahead log, if there is one."""
    is_reading = False
    """Whether the transaction that is open is one for reading only."""
    _cancelled = False
    _interrupted = False

    def cancel(self) -> None:
        """End the statement that another thread runs, or its waiting."""
        self._cancelled = True
        self.interrupt()

    def give_way(self) -> None:
        """Before a write: wait a little while the write-ahead log is large, because somebody reads an old state.

        It can be emptied only when that reader has finished. The larger it is, the slower it grows.
        """
        if self.log is None:
            return
        try:
            size = self.log.stat().st_size
        except OSError:
            return
        if size <= _LARGE_LOG:
            return
        with contextlib.suppress(sqlite3.OperationalError):
            busy, *_ = self.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if not busy:
                return
        time.sleep(min(_SHORTEST_PAUSE * 2.0 ** ((size - _LARGE_LOG) / _DOUBLING), _LONGEST_PAUSE))

    def patiently(self, run: Callable[[], Result], *, may_wait: bool = True) -> Result:
        """Run a statement, again and again while another connection holds the lock that it needs.

        Parameters
        ----------
        run : callable
            Runs the statement; one that finds the file locked has done nothing.
        may_wait : bool
            False for a statement inside a transaction for whose end the other one may be waiting.

        Raises
        ------
        sqlite3.Error
            What the statement raised last.
        KeyboardInterrupt
            What the signal's handler raises.
        """
        previous = interrupt_handler()
        if previous is None:
            return self._ask(run, may_wait=may_wait)
        # An exception of a handler that is called during a callback would be swallowed by sqlite3; so it is called after.
        self._interrupted = False
        set_handler(INTERRUPT, self._note)
        self.set_progress_handler(_look_up, _STEPS)
        try:
            return self._ask(run, may_wait=may_wait)
        finally:
            set_handler(INTERRUPT, previous)
            if self._interrupted:
                previous(INTERRUPT, None)

    def _note(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - as handlers are called
        self._interrupted = True
        self.interrupt()

    def _ask(self, run: Callable[[], Result], *, may_wait: bool) -> Result:
        self._cancelled = False
        end, wait = 0.0, _FIRST_WAIT
        while True:
            try:
                return run()
            except sqlite3.OperationalError as error:
                if not may_wait or self._cancelled or self._interrupted or not _is_locked(error):
                    raise
                now = time.monotonic()
                end = end or now + self.patience
                if now > end:
                    raise
            # Short and random, so that whoever has waited longest asks as often as whoever comes.
            time.sleep(random.uniform(wait / 2, wait))  # noqa: S311 - no secret
            wait = min(2 * wait, _LONGEST_WAIT)


def _look_up() -> int:
    """Do nothing, in Python: on the way signals are handled."""
    return 0


def _is_locked(error: sqlite3.OperationalError) -> bool:
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF == sqlite3.SQLITE_BUSY and code != sqlite3.SQLITE_BUSY_SNAPSHOT
