"""Finding places among rows before anyone asks for them, so that every page is near one.

Skipping half a million rows takes an engine up to some tenths of a second. Walking over ten thousand takes milliseconds;
done again and again while nothing else is asked for, it leaves a place to begin from every ten thousand rows.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from datajoint_jupyter.widgets.browser.rows import RowSource
from datajoint_jupyter.worker import Worker

logger = logging.getLogger("datajoint")

_LONGEST = 5.0  # seconds of walking for one order of rows
_STRETCH_SECONDS = 0.1  # a page that is asked for meanwhile waits no longer
_SLOW = 0.05  # seconds for a stretch that is not walked in an index, or not by a server that has time
_SLOW_ONES = 2  # after which it is given up


class Learning:
    """Learn places of one source, a stretch at a time, in a thread that has more urgent things to do.

    Parameters
    ----------
    source : RowSource
    worker : Worker
        Whose other jobs go first.
    wanted : callable
        Returns the number of rows among which to learn places; 0 to stop.
    """

    def __init__(self, source: RowSource, worker: Worker, wanted: Callable[[], int]) -> None:
        self._source, self._worker, self._wanted = source, worker, wanted
        self._spent = 0.0
        self._slow = 0

    def go_on(self) -> None:
        """Learn some more as soon as nothing else is to be done."""
        self._worker.submit(self._stretch, urgent=False)

    def _stretch(self) -> None:
        if not self._wanted():
            return
        begun = time.monotonic()
        try:
            with self._source.expression.connection.time_limit(_STRETCH_SECONDS):
                at = self._source.learn()
        except Exception:  # nobody asked for it; what is wrong with the rows is told with their pages
            logger.debug("No more places are learned", exc_info=True)
            return
        took = time.monotonic() - begun
        self._spent += took
        self._slow = self._slow + 1 if took > _SLOW else 0
        if at is not None and at < self._wanted() and self._spent < _LONGEST and self._slow < _SLOW_ONES:
            self.go_on()
