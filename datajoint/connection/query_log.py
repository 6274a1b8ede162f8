"""What is recorded of statements that ran."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from datajoint.forking import reopened

logger = logging.getLogger("datajoint")

_LOGGED_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class QueryRecord:
    """One executed statement.

    Attributes
    ----------
    text : str
        The statement; values are never kept.
    duration : float
        Seconds until its whole result was there.
    rows : int
        Number of rows returned, or affected.
    error : str or None
        The class of the error with which it failed.
    """

    text: str
    duration: float
    rows: int
    error: str | None = None


class QueryLog:
    """Passes records to the log and to whoever collects them."""

    def __init__(self) -> None:
        self._lock = reopened(threading.Lock())
        self._observers: tuple[Callable[[QueryRecord], None], ...] = ()

    @property
    def is_wanted(self) -> bool:
        """Whether anybody listens."""
        return bool(self._observers) or logger.isEnabledFor(logging.DEBUG)

    def add(self, record: QueryRecord) -> None:
        """Tell everybody of a statement."""
        failed = f" failed: {record.error}" if record.error else ""
        logger.debug("%.1f ms %s%s", 1e3 * record.duration, record.text[:_LOGGED_CHARACTERS], failed)
        for observer in self._observers:
            observer(record)

    @contextmanager
    def collected(self) -> Iterator[list[QueryRecord]]:
        """Collect the records of all threads while the block lasts."""
        records: list[QueryRecord] = []
        observer = records.append
        with self._lock:
            self._observers = (*self._observers, observer)
        try:
            yield records
        finally:
            with self._lock:
                self._observers = tuple(o for o in self._observers if o is not observer)
