"""A run of `populate`, in a thread of its own or here, whose state can be read, shown and stopped at any time."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Any, Literal

from IPython.display import display, update_display

import datajoint as dj
from datajoint.autopopulate import AutoPopulate
from datajoint.events import Event
from datajoint_jupyter.display.populate import static_progress
from datajoint_jupyter.display.twin import new_key, twin_bundle
from datajoint_jupyter.frontend import page_answers
from datajoint_jupyter.protocol import describe_error
from datajoint_jupyter.registry import open_widgets
from datajoint_jupyter.widgets.populate.progress import FailedKey, Progress
from datajoint_jupyter.work.quiet import quiet_thread

_runs: dict[tuple[int, str], PopulateRun] = {}
_runs_lock = threading.Lock()


class PopulateRun:
    """Compute the missing rows of a table, key by key; go on after a key that fails.

    Parameters
    ----------
    table : Table
        An instance of an imported or computed table.
    *restrictions
        As `populate` takes them.
    max_calls : int, optional
        At most this many keys.
    order : {"original", "reverse", "random"}
    time_limit : float, optional
        Seconds that a key may take.

    Attributes
    ----------
    progress : Progress
        How far it is.
    errors : tuple of FailedKey
        What failed so far.

    Raises
    ------
    DataJointError
        If the table is being populated from this notebook already, or is none that can be.
    """

    def __init__(
        self,
        table: AutoPopulate,
        *restrictions: Any,
        max_calls: int | None = None,
        order: Literal["original", "reverse", "random"] = "original",
        time_limit: float | None = None,
    ) -> None:
        if not isinstance(table, AutoPopulate):
            raise dj.DataJointError(
                f"{type(table).__name__} cannot be populated: it is no imported or computed table.",
                hint="Insert its rows instead.",
            )
        self._table, self._restrictions, self._max_calls = table, restrictions, max_calls
        self._order, self._time_limit = order, time_limit
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._over = threading.Event()
        self._thread = 0
        self._shown = False
        self._key = (id(table.connection), table.full_table_name)
        self.twin_key = new_key()
        self._progress = Progress(f"{table.database}.{table.table_name}")
        self._before = self._take_place()
        open_widgets.add(self)

    # --- to read
    @property
    def progress(self) -> Progress:
        """How far it is."""
        with self._lock:
            return self._progress

    @property
    def errors(self) -> tuple[FailedKey, ...]:
        """What failed so far."""
        return self.progress.errors

    def __repr__(self) -> str:
        return static_progress(self.progress, time.time()).text

    # --- to do
    def start(self) -> None:
        """Begin in a thread with a database session of its own; return at once."""
        threading.Thread(target=self._work, name=f"dj populate {self._progress.table}", daemon=True).start()

    def run(self) -> None:
        """Do it in this thread and return when it is over.

        Raises
        ------
        Exception
            Whatever ended the run as a whole; an interrupt passes too.
        """
        try:
            self._populate()
        finally:
            self._end()

    def stop(self) -> None:
        """End after the key that is being computed."""
        self._stop.set()
        with self._lock:
            if self._progress.state == "running":
                self._progress = replace(self._progress, state="stopping")

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is over, at most `timeout` seconds; tell whether it is."""
        return self._over.wait(timeout)

    def close(self) -> None:
        """Stop; the cell that started it runs again, or the kernel ends."""
        self.stop()
        open_widgets.discard(self)

    # --- the work
    def _take_place(self) -> PopulateRun | None:
        """Enter as the run of this table; return an earlier one that is still ending."""
        with _runs_lock:
            other = _runs.get(self._key)
            if other is not None and not other._stop.is_set():
                progress = other.progress
                raise dj.DataJointError(
                    f"{progress.table} is being populated: {progress.done} of {progress.total or '?'} keys are done.",
                    hint="Wait for it, or stop it in its cell.",
                )
            _runs[self._key] = self
            return other

    def _work(self) -> None:
        try:
            if self._before is not None:
                self._before.wait()
            with quiet_thread():
                self._populate()
        except Exception:  # noqa: BLE001, S110 - it is part of the state, and shown there
            pass
        finally:
            self._table.connection.close_thread()
            self._end()

    def _populate(self) -> None:
        self._thread = threading.get_ident()
        connection = self._table.connection
        with self._lock:
            self._progress = replace(
                self._progress, state="stopping" if self._stop.is_set() else "running", began=time.time()
            )
        try:
            with connection.events.subscribe(self._on_event):
                self._table.populate(
                    *self._restrictions,
                    suppress_errors=True,
                    max_calls=self._max_calls,
                    stop=self._stop.is_set,
                    order=self._order,
                    time_limit=self._time_limit,
                )
        except BaseException as error:
            self._fail(error)
            raise

    def _on_event(self, event: Event) -> None:
        # The stream carries what other threads do as well.
        if threading.get_ident() == self._thread:
            with self._lock:
                state = self._progress.state
                after = self._progress.after(event)
                self._progress = replace(after, state="stopping") if state == "stopping" and not after.over else after

    def _fail(self, error: BaseException) -> None:
        with self._lock:
            if isinstance(error, KeyboardInterrupt):
                self._progress = replace(self._progress, state="stopped", key="", ended=time.time())
                return
            text = describe_error(error)
            failure = FailedKey("", text["message"], text["traceback"])
            errors = (*self._progress.errors, failure)
            self._progress = replace(self._progress, state="failed", key="", ended=time.time(), errors=errors)

    def _end(self) -> None:
        with self._lock:
            if not self._progress.over:
                self._progress = replace(self._progress, state="finished", key="", ended=time.time())
        with _runs_lock:
            if _runs.get(self._key) is self:
                del _runs[self._key]
        open_widgets.discard(self)
        self._over.set()
        if self._shown:
            update_display(self._twin(), raw=True, display_id=self.twin_key)

    # --- to see
    def _twin(self) -> dict[str, Any]:
        return twin_bundle(self.twin_key, static_progress(self.progress, time.time()))

    def _ipython_display_(self) -> None:
        display(self._twin(), raw=True, display_id=self.twin_key)
        self._shown = True
        if page_answers():
            from datajoint_jupyter.widgets.populate.widget import PopulateView  # noqa: PLC0415 - only where widgets are

            PopulateView(self).show()
