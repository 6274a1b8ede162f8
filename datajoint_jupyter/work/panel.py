"""Work on several tables as one thing: what goes on, what failed, and what to do about it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from IPython.display import display, update_display

import datajoint as dj
from datajoint.autopopulate import AutoPopulate
from datajoint.jobs import Job
from datajoint_jupyter.display.twin import new_key, twin_bundle
from datajoint_jupyter.display.work import PanelState, TableLine, static_panel
from datajoint_jupyter.frontend import page_answers
from datajoint_jupyter.registry import open_widgets
from datajoint_jupyter.work.conductor import AT_WORK, Conductor, Kind, Wishes
from datajoint_jupyter.work.failures import Failure, FailureKind, by_kind
from datajoint_jupyter.work.targets import can_compute, title_of
from datajoint_jupyter.work.watcher import Watcher

logger = logging.getLogger("datajoint")


class WorkPanel:
    """Shows how far tables are, whoever works on them, and has them computed here if told to.

    All that is shown is read from the database, so that any kernel shows the same, also one that was just started.

    Parameters
    ----------
    tables : sequence of Table
        Imported and computed tables of one connection, parents before children.
    wishes : Wishes, optional
        What is to be computed here.
    workers : int
        How many workers of this kernel there are to be.
    kind : {"threads", "processes"}

    Raises
    ------
    DataJointError
        If the tables belong to several connections.
    """

    def __init__(
        self, tables: Sequence[dj.Table], wishes: Wishes | None = None, *, workers: int = 1, kind: Kind = "threads"
    ) -> None:
        self.tables = list(tables)
        computable = [table for table in self.tables if isinstance(table, AutoPopulate) and can_compute(table)]
        self.uncomputable = [title_of(table) for table in self.tables if not can_compute(table)]
        self.chosen: tuple[int, Kind] = (workers, kind)
        self.twin_key = new_key()
        self._listeners: list[Callable[[], None]] = []
        self._listening = threading.Lock()
        self._shown = self._closed = False
        # What happened since the static twin was written: turns of the work here, work that was seen, a first count.
        self._turns = self._written_turns = 0
        self._was_active = self._was_counted = False
        self._watcher = Watcher(self.tables, self._saw)
        self._conductor = Conductor(computable, wishes or Wishes(), self._turned) if computable else None
        open_widgets.add(self)

    # --- to read
    @property
    def phase(self) -> str:
        """What the workers of this panel do: ``idle``, ``running``, ``paused``, ``finished``, ``stopped`` and so on."""
        return "idle" if self._conductor is None else self._conductor.phase

    @property
    def failures(self) -> list[Failure]:
        """The keys that failed, of each table the latest first."""
        return [failure for listed in self._watcher.seen.failures.values() for failure in listed]

    @property
    def failure_kinds(self) -> list[FailureKind]:
        """The keys that failed, by table, class of the error, and place."""
        return by_kind(self.failures)

    @property
    def can_compute(self) -> bool:
        """Whether the class of any table is known here, so that it can be computed."""
        return self._conductor is not None

    @property
    def state(self) -> PanelState:
        """All that is shown, as numbers and names."""
        seen, conductor = self._watcher.seen, self._conductor
        lines: list[TableLine] = []
        for table in self.tables:
            name = str(table.name)
            state = seen.sight.tables.get(name) if seen.sight is not None else None
            pace = self._watcher.paces[name]
            counts = state.counts if state is not None else None
            waiting = sum((counts or {}).get(n, 0) for n in ("pending", "reserved"))
            lines.append(
                TableLine(
                    title_of(table), can_compute(table), seen.done.get(name), counts,
                    seen.missing(name),
                    pace.rate, pace.left(waiting), () if state is None else state.running,
                    self._now_computed(table),
                )
            )  # fmt: skip
        return PanelState(
            tables=tuple(lines),
            phase=self.phase,
            chosen=self.chosen,
            can_compute=self.can_compute,
            uncomputable=tuple(self.uncomputable),
            workers=seen.sight.workers if seen.sight is not None else (),
            now=seen.sight.now if seen.sight is not None else None,
            seen=seen.sight is not None,
            problem=seen.problem,
            error=None if conductor is None else conductor.error,
            began=None if conductor is None else conductor.began,
            ended=None if conductor is None else conductor.ended,
            failures=tuple(self.failures),
        )

    def _now_computed(self, table: dj.Table) -> bool:
        current = None if self._conductor is None else self._conductor.table
        return current is not None and current.name == table.name

    def __repr__(self) -> str:
        return static_panel(self.state).text

    # --- to do
    def start(self, workers: int | None = None, kind: Kind | None = None) -> None:
        """Compute what is missing, here.

        Parameters
        ----------
        workers : int, optional
        kind : {"threads", "processes"}, optional

        Raises
        ------
        DataJointError
            If no class of these tables is known here, or they are being computed already.
        """
        self.chosen = (workers or self.chosen[0], kind or self.chosen[1])
        self._watcher.forget_paces()
        self._working().start(*self.chosen)

    def pause(self) -> None:
        """Take no new keys."""
        self._working().pause()

    def resume(self, workers: int | None = None, kind: Kind | None = None) -> None:
        """Go on after a pause."""
        self.chosen = (workers or self.chosen[0], kind or self.chosen[1])
        self._watcher.forget_paces()
        self._working().resume(*self.chosen)

    def stop(self) -> None:
        """End after the keys that are being made."""
        self._working().stop()

    def kill(self) -> None:
        """End at once; nothing is kept of keys that are being made, and others may make them."""
        self._working().kill()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the workers of this panel have ended, at most `timeout` seconds; tell whether they have."""
        return self._conductor is None or self._conductor.wait(timeout)

    def run(self) -> None:
        """Compute what is missing and return when it is over; an interrupt ends it at once.

        Raises
        ------
        Exception
            What ended the work as a whole.
        """
        self.start()
        try:
            self.wait()
        except KeyboardInterrupt:
            self.kill()
            self.wait()
            raise
        finally:
            self.refresh()
        if self._conductor is not None and self._conductor.error is not None:
            raise self._conductor.error[1]

    def retry(self, failures: Iterable[Failure]) -> int:
        """Put keys that failed back into their queues, and have them computed if this panel computes; return how many."""
        listed = list(failures)
        count = sum(jobs.retry(failure.key) for failure, jobs in self._jobs_of(listed))
        if count and self._conductor is not None:
            if self._conductor.phase in AT_WORK:
                self._conductor.again()
            elif self._conductor.began is not None:
                self.start()
        self._watcher.poke(failures=True)
        return count

    def ignore(self, failures: Iterable[Failure]) -> int:
        """Mark keys as not to be computed; return how many."""
        listed = list(failures)
        for failure, jobs in self._jobs_of(listed):
            jobs.ignore(failure.key)
        self._watcher.poke(failures=True)
        return len(listed)

    def recover(self) -> int:
        """Give the keys of workers that are gone back to the queues; return how many."""
        count = sum(Job(table).recover() for table in self.tables if Job(table).is_declared)
        self._watcher.poke()
        return count

    def refresh(self) -> None:
        """Look at the database now."""
        self._watcher.look(count=self.phase not in AT_WORK)
        self._tell()

    def close(self) -> None:
        """Look no more, and stop after the keys that are being made."""
        if not self._closed:
            self._closed = True
            if self._conductor is not None:
                self._conductor.stop()
            self._watcher.close()
            open_widgets.discard(self)

    def _working(self) -> Conductor:
        if self._conductor is None:
            raise dj.DataJointError(
                f"Nothing can be computed here: no class with a make is known of {', '.join(self.uncomputable)}.",
                hint="Define the classes in this notebook, or import the module that does.",
            )
        return self._conductor

    def _jobs_of(self, failures: Iterable[Failure]) -> Iterable[tuple[Failure, Job]]:
        queues = {title_of(table): Job(table) for table in self.tables}
        return [(failure, queues[failure.table]) for failure in failures]

    # --- news
    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener` after each change, in whatever thread it happened."""
        with self._listening:
            self._listeners.append(listener)

    def _turned(self) -> None:
        phase = self.phase
        self._watcher.poke(structure=phase == "running", count=phase not in AT_WORK)
        self._turns += phase in AT_WORK  # also if it ends before the next look
        if phase == "paused":
            self._watcher.forget_paces()
        self._tell()

    def _saw(self) -> None:
        self._tell()
        sight, turns = self._watcher.seen.sight, self._turns
        ended = None if self._conductor is None else self._conductor.ended
        if sight is None or (ended is not None and sight.time <= ended) or self._watcher.owes_errors:
            return  # seen before the end, or not in full; the next look tells the last word
        if self.phase in AT_WORK or any(not worker.gone for worker in sight.workers):
            self._was_active = True
            return
        # What a live panel showed first was not counted, so that its cell need not wait.
        is_first = self._watcher.counted and not self._was_counted
        if self._shown and (self._was_active or is_first or turns != self._written_turns):
            self._was_active, self._written_turns = False, turns
            self._was_counted = self._was_counted or is_first
            update_display(self._twin(), raw=True, display_id=self.twin_key)

    def _tell(self) -> None:
        with self._listening:
            listeners = list(self._listeners)
        for listener in listeners:
            listener()

    # --- to see
    def show(self, *, work: bool = False, wait: bool = False) -> None:
        """Show it; begin to work if told to, here if `wait` or nobody could see it go on behind the prompt."""
        is_live = page_answers() and not self._closed
        self._watcher.look(count=not (is_live or work))
        display(self._twin(), raw=True, display_id=self.twin_key)
        self._shown = True
        if is_live:
            from datajoint_jupyter.widgets.panel.widget import PanelView  # noqa: PLC0415 - only where widgets are

            self._watcher.start()
            PanelView(self).show()
        if work and (wait or not is_live):
            try:
                self.run()
            finally:
                update_display(self._twin(), raw=True, display_id=self.twin_key)
        elif work:
            self.start()
        if not is_live:
            self.close()

    def _twin(self) -> dict[str, Any]:
        return twin_bundle(self.twin_key, static_panel(self.state))

    def _ipython_display_(self) -> None:
        self.show()
