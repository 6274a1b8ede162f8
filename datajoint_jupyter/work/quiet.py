"""Threads whose log records no cell is to show."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet_thread() -> Iterator[None]:
    """Keep this thread's log records off the screen: a front end would show them below whichever cell ran last.

    What failed is in the view. Handlers that write elsewhere get every record.
    """
    thread = threading.get_ident()

    def of_others(record: logging.LogRecord) -> bool:
        return record.thread != thread

    screens = [
        handler
        for handler in logging.getLogger("datajoint").handlers
        if isinstance(handler, logging.StreamHandler) and not isinstance(handler, logging.FileHandler)
    ]
    for handler in screens:
        handler.addFilter(of_others)
    try:
        yield
    finally:
        for handler in screens:
            handler.removeFilter(of_others)
