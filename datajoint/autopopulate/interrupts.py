"""Signals while keys are made: which of them came from outside, and none between a commit and its answer."""

from __future__ import annotations

import ctypes
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, Self

from datajoint.errors import TimeLimitError
from datajoint.logging import logger

_LONGEST_COMMIT = 5.0
"""Seconds after which an interrupt is raised although the answer to a commit has not come."""


class KeyTimeLimitError(TimeLimitError):
    """A key took longer than it may."""

    def __init__(self, message: str = "The key took longer than it may.", **context: Any) -> None:
        super().__init__(message, **context)


class Interrupts:
    """While entered in the main thread, tells what interrupted it; in other threads no signals arrive.

    Parameters
    ----------
    terminate : bool
        Whether SIGTERM ends the run too, by `SystemExit`.
    finish_current : bool
        Whether the first signal lets the key that is being made be finished.
    quiet : bool
        Whether nothing is logged of the end, because it was asked for by whoever began this.

    Attributes
    ----------
    received : str or None
        The signal that broke the run off; None if nothing from outside did.
    stopping : bool
        Whether no further key is to be begun.
    """

    def __init__(self, *, terminate: bool = False, finish_current: bool = False, quiet: bool = False) -> None:
        self._numbers = [signal.SIGINT, *([signal.SIGTERM] if terminate else [])]
        self._finish_current, self._quiet = finish_current, quiet
        self._previous: dict[int, Any] = {}
        self._holding = False
        self._noted: int | None = None
        self._firing = threading.RLock()
        self._thread = threading.get_ident()
        self.received: str | None = None
        self.stopping = False

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in self._numbers:
                previous = signal.getsignal(number)
                # SIGINT that is ignored, as in the background of a shell, stays ignored.
                if callable(previous) or (number != signal.SIGINT and previous == signal.SIG_DFL):
                    self._previous[number] = previous
                    signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._previous:
            number, previous = self._previous.popitem()
            signal.signal(number, previous)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._finish_current and not self.stopping:
            self.stopping = True
            logger.info("Stopping after the key that is being made; another signal stops at once.")
            return
        if self._holding and self._noted is None:
            self._noted = number
            timer = threading.Timer(_LONGEST_COMMIT, self._insist, (number,))
            timer.daemon = True
            timer.start()
            return
        self._raise(number, frame)

    def _insist(self, number: int) -> None:
        if self._holding and hasattr(signal, "pthread_kill"):
            signal.pthread_kill(self._thread, number)

    def _raise(self, number: int, frame: FrameType | None) -> None:
        self.stopping = True
        self.received = signal.Signals(number).name
        if number == signal.SIGTERM:
            if not self._quiet:
                logger.warning("Populate terminated by SIGTERM")
            raise SystemExit("SIGTERM received")
        self._previous[number](number, frame)

    @property
    def is_holding(self) -> bool:
        """Whether an interrupt is held back at this moment."""
        return self._holding

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Hold an interrupt, and the end of a key's time, back until the end of the block; a second one is not."""
        with self._firing:
            self._thread = threading.get_ident()
            self._holding = True
        try:
            yield
        finally:
            with self._firing:
                self._holding = False
            noted, self._noted = self._noted, None
            if noted is not None:
                self._raise(noted, None)

    @contextmanager
    def time_limit(self, seconds: float | None) -> Iterator[None]:
        """Break the block off after so many seconds.

        In the main thread a call that waits is broken off too, elsewhere not before it returns.

        Raises
        ------
        KeyTimeLimitError
            Out of whatever runs then.
        """
        if seconds is None:
            yield
            return
        over, ident = threading.Event(), threading.get_ident()
        is_main = threading.current_thread() is threading.main_thread() and hasattr(signal, "pthread_kill")
        previous = signal.signal(signal.SIGALRM, _out_of_time) if is_main else None

        def fire() -> None:
            if over.wait(seconds):
                return
            with self._firing:
                if over.is_set() or self._holding:
                    return
                if is_main:
                    signal.pthread_kill(ident, signal.SIGALRM)
                else:
                    ctypes.pythonapi.PyThreadState_SetAsyncExc(
                        ctypes.c_ulong(ident), ctypes.py_object(KeyTimeLimitError)
                    )

        watch = threading.Thread(target=fire, name="dj key time", daemon=True)
        watch.start()
        try:
            yield
        finally:
            over.set()
            watch.join()
            if is_main:
                signal.signal(signal.SIGALRM, previous)


def _out_of_time(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - as handlers are called
    raise KeyTimeLimitError
