"""What a status matrix computes when told to: one cell after the other, in a thread, through the tables' queues."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import datajoint as dj
from datajoint.autopopulate import AutoPopulate
from datajoint.status import Column
from datajoint_jupyter.protocol import describe_error
from datajoint_jupyter.work.quiet import quiet_thread
from datajoint_jupyter.worker import Worker
from datajoint_jupyter.workspace import computes


@dataclass(frozen=True, slots=True)
class Task:
    """Keys of a table that are to be computed."""

    title: str
    table: AutoPopulate
    restriction: Any


def obstacle(column: Column) -> str:
    """Return why a column cannot be computed from here; empty if it can."""
    if not column.computed:
        return f"{column.title} is not computed: its rows are entered."
    if not isinstance(column.table, AutoPopulate) or not computes(type(column.table)):
        return f"{column.title} has no make() in this notebook: define its class here, or import the module that does."
    return ""


class Runs:
    """Compute cells one after the other.

    Parameters
    ----------
    connection : Connection
    changed : callable
        Told whenever something begins, ends or fails.
    """

    def __init__(self, connection: dj.Connection, changed: Callable[[], None]) -> None:
        self._worker = Worker("dj matrix run", connection.close_thread, idle=1.0)
        self._changed = changed
        self._lock = threading.Condition()
        self._stop = threading.Event()  # of the task that runs; those that begin later have another
        self._stopping = False
        self._waiting: list[Task] = []
        self._now: Task | None = None
        self._failed = ""

    @property
    def text(self) -> str:
        """What is going on here, in words; empty if nothing is."""
        with self._lock:
            if self._now is None:
                return self._failed
            more = len(self._waiting)
            suffix = " · stopping after this key" if self._stopping else f" · {more} more" if more else ""
            return f"Computing {self._now.title}{suffix}"

    @property
    def busy(self) -> bool:
        """Whether anything is computed here, or waits for its turn."""
        with self._lock:
            return self._now is not None or bool(self._waiting)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until nothing is computed here, at most `timeout` seconds; tell whether that is so."""
        with self._lock:
            return self._lock.wait_for(lambda: self._now is None and not self._waiting, timeout)

    def begin(self, task: Task) -> None:
        """Compute keys when those before are done; return at once."""
        with self._lock:
            self._failed = ""
            self._waiting.append(task)
        self._worker.submit(self._next)
        self._changed()

    def stop(self) -> None:
        """End after the key that is being computed, and forget the rest."""
        with self._lock:
            self._stop.set()
            self._stop = threading.Event()
            self._stopping = self._now is not None
            self._waiting.clear()
        self._changed()

    def close(self) -> None:
        """Stop for good, after the key that is being computed."""
        with self._lock:
            self._stop.set()
            self._waiting.clear()
        self._worker.close()

    def _next(self) -> None:
        with self._lock:
            if not self._waiting:
                return
            self._now = task = self._waiting.pop(0)
            stop = self._stop
        self._changed()
        try:
            with quiet_thread():
                task.table.populate(task.restriction, reserve_jobs=True, suppress_errors=True, stop=stop)
        except Exception as error:  # noqa: BLE001 - shown in the widget
            with self._lock:
                self._failed = f"{task.title}: {describe_error(error)['message']}"
        finally:
            with self._lock:
                self._now, self._stopping = None, False
                self._lock.notify_all()
            self._changed()
