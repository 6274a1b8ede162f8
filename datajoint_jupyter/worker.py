"""A thread for a widget's queries, with a database session of its own.

The thread starts with the first job and ends when nothing was asked for a while, so that a notebook left open holds
neither a thread nor a session.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable

Job = Callable[[], None]

logger = logging.getLogger("datajoint")

_IDLE_SECONDS = 30.0


class Worker:
    """Run jobs one after the other in a thread that comes and goes.

    Parameters
    ----------
    name : str
        Of the thread.
    release : callable
        Called in the thread before it ends; closes its database session.
    idle : float
        Seconds without a job after which the thread ends.
    """

    def __init__(self, name: str, release: Callable[[], None], *, idle: float = _IDLE_SECONDS) -> None:
        self._name, self._release, self._idle = name, release, idle
        self._condition = threading.Condition()
        self._jobs: deque[Job] = deque()
        self._later: deque[Job] = deque()
        self._thread: threading.Thread | None = None
        self._closed = False

    def submit(self, job: Job, *, urgent: bool = True) -> None:
        """Run `job` soon; those that are not urgent wait until nothing else is to be done. Ignored after `close`."""
        with self._condition:
            if self._closed:
                return
            (self._jobs if urgent else self._later).append(job)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
            self._condition.notify_all()

    def close(self, timeout: float = 0.0) -> None:
        """Take no more jobs; the thread ends after its current one. Wait for it up to `timeout` seconds."""
        with self._condition:
            self._closed = True
            self._jobs.clear()
            self._later.clear()
            thread = self._thread
            self._condition.notify_all()
        if thread is not None and timeout > 0 and thread is not threading.current_thread():
            thread.join(timeout)

    @property
    def running(self) -> bool:
        """Whether the thread exists."""
        with self._condition:
            return self._thread is not None

    def _run(self) -> None:
        try:
            while (job := self._next()) is not None:
                try:
                    job()
                except Exception:  # a job reports its own faults; one that did not must not end the thread
                    logger.exception("A job of %s failed", self._name)
        finally:
            try:
                self._release()
            except Exception:  # the session may be gone already
                logger.debug("Closing the session of %s failed", self._name, exc_info=True)

    def _next(self) -> Job | None:
        """Return the next job, or None when the thread is to end; then no one else believes that it runs."""
        with self._condition:
            self._condition.wait_for(lambda: self._closed or self._jobs or self._later, self._idle)
            if self._jobs:
                return self._jobs.popleft()
            if self._later:
                return self._later.popleft()
            self._thread = None
            return None
