"""End a statement that takes too long."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from datajoint.backends.base import RawResult, Target
from datajoint.connection.session import Session

logger = logging.getLogger("datajoint")

_PATIENCE = 2.0  # seconds after which a statement that does not end is asked again
_ATTEMPTS = 2  # after which the link is broken


class TimeLimit:
    """Ends a statement that runs on `session` for more than `seconds`, from another thread.

    Attributes
    ----------
    exceeded : bool
        Whether the order to end it was given.
    """

    def __init__(self, session: Session, target: Target, seconds: float) -> None:
        self._session, self._target, self.seconds = session, target, seconds
        self._over = threading.Event()
        # Held while the order is given: the next statement must not begin before it has reached its aim.
        self._ordering = threading.Lock()
        self._thread = threading.Thread(target=self._watch, name="dj time limit", daemon=True)
        self.exceeded = False

    def run(self, call: Callable[[Session], RawResult]) -> RawResult:
        """Run a statement under the limit."""
        self._thread.start()
        try:
            return call(self._session)
        finally:
            self._over.set()
            with self._ordering:
                pass

    def _watch(self) -> None:
        wait = self.seconds
        for _ in range(_ATTEMPTS):
            if self._over.wait(wait):
                return
            with self._ordering:
                if self._over.is_set():
                    return
                self.exceeded = True
                self._cancel()
            wait = _PATIENCE
        if not self._over.wait(wait):
            self._session.backend.sever(self._session.raw)

    def _cancel(self) -> None:
        try:
            self._session.backend.cancel(self._session.raw, self._target)
        except Exception as error:  # noqa: BLE001 - whatever the driver says, breaking the link is left
            logger.warning("The statement that takes too long could not be ended: %s", error)
