"""Deleting in view: the plan first, then the question, then the deed, which can be stopped."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import traitlets

import datajoint as dj
from datajoint.errors import LostConnectionError
from datajoint.events import Event, RowsDeleted
from datajoint.table.delete_plan import DeletePlan
from datajoint_jupyter.display.delete import static_plan
from datajoint_jupyter.display.twin import Static
from datajoint_jupyter.protocol import Request, describe_error
from datajoint_jupyter.widgets.base import page_files
from datajoint_jupyter.widgets.changing import ChangingView
from datajoint_jupyter.widgets.delete.messages import READERS, WAYS, CancelRequest, DeleteRequest
from datajoint_jupyter.widgets.delete.outline import Outline, outline_of, rows_added, rows_text, tables_text
from datajoint_jupyter.worker import Worker

_INTERVAL = 0.15  # seconds between two messages of progress
_BUSY = ("planning", "deleting", "stopping")


class DeleteView(ChangingView):
    """Show what a deletion would take from which tables, ask, and delete exactly that or less.

    The plan is made without a lock and the question is asked outside any transaction. Whoever confirms gets the plan
    made again: if it has rows that were not shown, it is shown again and nothing is deleted.

    Parameters
    ----------
    table : Table
        A table, perhaps restricted.
    source : str
        How the notebook writes it, for the code that is shown.
    part_integrity : {"enforce", "cascade", "ignore", "strict"}
        As of `Table.delete`; may be chosen in the view.

    Attributes
    ----------
    plan : DeletePlan
        As shown.
    state : str
        ``asking``, ``planning``, ``deleting``, ``stopping``, ``done`` or ``cancelled``.
    deleted : dict
        Number of rows by table, once it is done; empty before.
    said : str
        What happened last, in words.

    Raises
    ------
    DataJointError
        If `table` is none, its plan cannot be made, or a transaction is open here.
    ValueError
        For another `part_integrity`.
    """

    readers = READERS
    _esm, _css = page_files(Path(__file__).parent)

    state = traitlets.Unicode("asking").tag(sync=True)
    outline = traitlets.Dict().tag(sync=True)
    revision = traitlets.Int(0).tag(sync=True)
    part_integrity = traitlets.Unicode("enforce").tag(sync=True)
    ways = traitlets.List(list(WAYS)).tag(sync=True)
    progress = traitlets.Dict().tag(sync=True)
    said = traitlets.Unicode().tag(sync=True)
    failure = traitlets.Dict().tag(sync=True)
    code = traitlets.Unicode().tag(sync=True)

    def __init__(self, table: dj.Table, *, source: str = "", part_integrity: str = "enforce") -> None:
        # The worker comes first: a view that cannot be made is closed like any other.
        self._stop = threading.Event()
        name = f"{getattr(table, 'database', None)}.{getattr(table, 'table_name', None)}"
        self._worker = Worker(f"dj delete {name}", lambda: table.connection.close_thread())  # noqa: PLW0108 - what is no table has none
        if not isinstance(table, dj.Table):
            raise dj.DataJointError(
                f"Rows are deleted from tables, and this is {type(table).__name__}.",
                hint="Restrict a table: Session & condition.",
            )
        if table.connection.in_transaction:
            raise dj.DataJointError(
                "A delete view asks before it deletes, and a transaction is open here.",
                hint="Leave the transaction, or use delete(prompt=False).",
            )
        self._table, self._source = table, source
        self._lock = threading.RLock()
        self._idle = threading.Event()
        self._idle.set()
        self.deleted: dict[str, int] = {}
        self.plan: DeletePlan = table.delete_plan(part_integrity)  # type: ignore[arg-type]  # checked there
        self._outline: Outline = outline_of(self.plan, {})
        super().__init__(
            outline=self._outline.state(), part_integrity=part_integrity, code=_code(source, part_integrity)
        )

    # --- from Python
    def refresh(self, part_integrity: str | None = None) -> None:
        """Make the plan again, in the view's thread, perhaps treating masters otherwise."""
        way = self.part_integrity if part_integrity is None else part_integrity
        self._begin("planning", lambda: self._plan_again(way))

    def confirm(self, name: str = "") -> None:
        """Delete what the plan shows, in the view's thread; `wait` for the end.

        Parameters
        ----------
        name : str
            Name of the table, ``schema.table``: asked for where many rows go, or rows of several tables.

        Raises
        ------
        DataJointError
            If the name is not right, the plan may not be executed, or something is under way already.
        """
        self._confirm(self.revision, name)

    def cancel(self) -> None:
        """Delete nothing; if rows are being deleted, give it up before the next statement, and undo it."""
        with self._lock:
            if self.state in ("deleting", "stopping"):
                self._stop.set()
                self.state = "stopping"
            elif self.state == "asking":
                self._end("cancelled", "Cancelled; nothing was deleted.")

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until nothing is under way, at most `timeout` seconds; tell whether nothing is."""
        return self._idle.wait(timeout)

    def close(self) -> None:
        """Close the view, its channel to the page, its thread and its session; what is being deleted is undone."""
        if not self.closed:
            self._stop.set()
            self._worker.close()
        super().close()

    def static(self) -> Static:
        """Return the plan and what became of it."""
        return static_plan(self.outline, self.said)

    # --- from the page
    def receive(self, request: Request) -> dict[str, Any]:
        """Begin what is asked for; the traits tell how it goes on."""
        payload = request.payload
        if isinstance(payload, DeleteRequest):
            self._confirm(payload.revision, payload.name)
        elif isinstance(payload, CancelRequest):
            self.cancel()
        else:
            self.refresh(payload.part_integrity)
        return {}

    def _confirm(self, revision: int, name: str) -> None:
        with self._lock:
            outline = self._outline
            if revision != self.revision or self.state != "asking":
                raise dj.DataJointError("The plan is no longer the one that was shown.", hint="Look at it again.")
            if outline.refused:
                raise dj.DataJointError(outline.refused)
            if not outline.rows:
                raise dj.DataJointError(f"{outline.headline}.")
            if outline.is_big and name.strip() != outline.table:
                raise dj.DataJointError(f"The name of the table is {outline.table}, and {name!r} was typed.")
            self._begin("deleting", self._delete)

    def _begin(self, state: str, act: Any) -> None:
        with self._lock:
            if self.state in _BUSY:
                raise dj.DataJointError("Something is under way already.", hint="Wait for it, or cancel it.")
            self._stop.clear()
            self._idle.clear()
            with self.hold_sync():
                self.state, self.failure, self.progress, self.said = state, {}, {}, ""
        self._worker.submit(lambda: self._run(act))

    # --- in the view's thread
    def _run(self, act: Any) -> None:
        try:
            act()
        except Exception as error:  # noqa: BLE001 - shown in the widget
            self._fail(error)
        finally:
            self._idle.set()

    def _fail(self, error: Exception) -> None:
        lost = isinstance(error, LostConnectionError)
        stopped = self._stop.is_set() and not lost
        said = "Stopped; nothing was deleted." if stopped else "Nothing was deleted."
        if lost and self.state != "planning":
            # A commit whose answer was lost may have happened.
            said = "The link to the database was lost; look again to see whether the rows are gone."
        with self._lock, self.hold_sync():
            self.failure = {} if stopped else describe_error(error)
            self._end("asking", said)

    def _end(self, state: str, said: str) -> None:
        with self._lock, self.hold_sync():
            self.state, self.said, self.progress = state, said, {}
        self.update_twin()

    def _plan_again(self, part_integrity: str) -> None:
        plan = self._table.delete_plan(part_integrity)  # type: ignore[arg-type]  # checked with the message, and there
        with self._lock, self.hold_sync():
            self.part_integrity = part_integrity
            self.code = _code(self._source, part_integrity)
            self._show(plan, {})
            self._end("asking", "")

    def _show(self, plan: DeletePlan, added: dict[str, int]) -> None:
        outline = outline_of(plan, added)
        with self._lock, self.hold_sync():
            self.plan, self._outline = plan, outline
            self.outline = outline.state()
            self.revision += 1

    def _delete(self) -> None:
        now = self._table.delete_plan(self.plan.part_integrity)
        if self._show_more(now):
            return
        try:
            counts = self._execute(now)
        except dj.DataJointError:
            # Rows that came between the last look and the locks are shown, too.
            if not self._stop.is_set() and self._show_more(self._table.delete_plan(self.plan.part_integrity)):
                return
            raise
        gone = sum(counts.values())
        fewer = len(self.plan) - gone
        self.deleted = counts
        self._end(
            "done",
            f"{rows_text(gone)} deleted from {tables_text(len(counts))}."
            + (f" {rows_text(fewer)} of those shown had gone before." if fewer > 0 else ""),
        )

    def _show_more(self, now: DeletePlan) -> bool:
        """Show a plan that has rows which the one shown has not; tell whether it has."""
        added = rows_added(self.plan, now)
        if not added:
            return False
        more = ", ".join(f"{count:,} of {name}" for name, count in added.items())
        self._show(now, added)
        self._end(
            "asking", f"Nothing was deleted: more rows would go than were shown ({more}). Look at the plan again."
        )
        return True

    def _execute(self, plan: DeletePlan) -> dict[str, int]:
        """Delete what a plan has; return the number of rows by table."""
        names = {table.full_name: str(table.name) for table in plan.tables}
        counts: dict[str, int] = {}
        thread, total = threading.get_ident(), len(plan)
        sent = 0.0

        def count(event: Event) -> None:
            nonlocal sent
            # The stream carries what other threads do as well.
            if not isinstance(event, RowsDeleted) or threading.get_ident() != thread:
                return
            name = names[event.table]
            counts[name] = counts.get(name, 0) + event.count
            if time.monotonic() - sent > _INTERVAL:
                sent = time.monotonic()
                self.progress = {"done": sum(counts.values()), "total": total, "table": name}

        with plan.seed.connection.events.subscribe(count):
            plan.execute(stop=self._stop.is_set)
        return {name: number for name, number in counts.items() if number}


def _code(source: str, part_integrity: str) -> str:
    """Return the Python that does the same."""
    if not source:
        return ""
    table = f"{source}()" if source.replace(".", "").isidentifier() else f"({source})"
    options = "" if part_integrity == "enforce" else f"part_integrity={part_integrity!r}"
    return f"{table}.delete({options})"
