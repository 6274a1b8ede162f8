"""Looking at the database again and again, no more often than once a second, in a thread with a session of its own."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

Look = Callable[[], None]

logger = logging.getLogger("datajoint")

INTERVAL = 1.0
"""Shortest time between the beginnings of two looks, in seconds."""
_SHARE = 0.1
"""Most of its time that the database works for us."""
_LONGEST = 60.0


class Poller:
    """Call a function about once a second; more rarely if it takes long, so that looking does not load the database.

    Parameters
    ----------
    name : str
        Of the thread.
    look : callable
        Reports its own faults.
    release : callable
        Called in the thread before it ends; closes its database session.
    interval : float, optional
        Seconds; `INTERVAL` by default.
    """

    def __init__(self, name: str, look: Look, release: Callable[[], None], *, interval: float | None = None) -> None:
        self._name, self._look, self._release = name, look, release
        self._interval = INTERVAL if interval is None else interval
        self._lock = threading.Lock()
        self._stopped: threading.Event | None = None

    @property
    def running(self) -> bool:
        """Whether it looks."""
        with self._lock:
            return self._stopped is not None

    def start(self) -> None:
        """Begin to look; nothing happens if it does already."""
        with self._lock:
            if self._stopped is not None:
                return
            self._stopped = stopped = threading.Event()
        threading.Thread(target=self._run, args=(stopped,), name=self._name, daemon=True).start()

    def stop(self) -> None:
        """Look no more; the thread ends after its current look."""
        with self._lock:
            stopped, self._stopped = self._stopped, None
        if stopped is not None:
            stopped.set()

    def _run(self, stopped: threading.Event) -> None:
        try:
            pause = 0.0
            while not stopped.wait(pause):
                began = time.monotonic()
                try:
                    self._look()
                except Exception:  # a look reports its own faults; one that did not must not end the thread
                    logger.exception("%s failed", self._name)
                spent = time.monotonic() - began
                pause = min(max(self._interval, spent / _SHARE), _LONGEST) - spent
        finally:
            try:
                self._release()
            except Exception:  # the session may be gone already
                logger.debug("Closing the session of %s failed", self._name, exc_info=True)
