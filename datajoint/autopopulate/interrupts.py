"""Ctrl-C during a commit: wait for the answer, so that it is known what was kept."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, Self


class Interrupts:
    """While entered in the main thread, SIGINT can be held back for a moment; elsewhere it does nothing.

    A second interrupt is passed on at once.
    """

    def __init__(self) -> None:
        self._previous: Any = None
        self._installed = self._holding = self._noted = False

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._previous = signal.getsignal(signal.SIGINT)
            if callable(self._previous):
                signal.signal(signal.SIGINT, self._handle)
                self._installed = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._installed:
            signal.signal(signal.SIGINT, self._previous)
            self._installed = False

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._holding and not self._noted:
            self._noted = True
        else:
            self._previous(number, frame)

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Hold an interrupt back until the end of the block."""
        self._holding = True
        try:
            yield
        finally:
            self._holding = False
            if self._noted:
                self._noted = False
                self._previous(signal.SIGINT, None)
