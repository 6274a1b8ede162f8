"""The status matrix: a row for each row of an expression, a column for each table below it, followed while work runs."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import traitlets

import datajoint as dj
from datajoint.autopopulate import AutoPopulate
from datajoint.status import Cell, Column, Page, Reasons, State, StatusMatrix, TableCounts
from datajoint.status.matrix import frame
from datajoint.status.reasons import missing_keys, reasons_of, restriction_of
from datajoint_jupyter.display.matrix import MEANINGS, SIGNS, static_matrix, tally
from datajoint_jupyter.display.twin import Static
from datajoint_jupyter.display.values import key_text, text_of
from datajoint_jupyter.poller import Poller
from datajoint_jupyter.protocol import Request, describe_error
from datajoint_jupyter.widgets.base import page_files
from datajoint_jupyter.widgets.changing import ChangingView
from datajoint_jupyter.widgets.child import ChildBrowser
from datajoint_jupyter.widgets.matrix.messages import (
    READERS,
    BrowseRequest,
    CellRequest,
    Deed,
    DeedRequest,
    LiveRequest,
    PageRequest,
    RefreshRequest,
    StopRequest,
    WhyRequest,
)
from datajoint_jupyter.widgets.matrix.runs import Runs, Task, obstacle
from datajoint_jupyter.worker import Worker

if TYPE_CHECKING:
    import pandas

PAGE_ROWS = 1000
"""Rows that are read at a time."""

_LETTERS: dict[State, str] = {
    "done": "d", "running": "r", "error": "e", "pending": "p",
    "blocked": "b", "ignored": "i", "excluded": "x", "empty": "m",
}  # fmt: skip
_QUEUES_EVERY = 5


class MatrixView(ChangingView):
    """Shows where every row stands in every table below, why, and computes what is missing.

    Parameters
    ----------
    rows : QueryExpression or table class
        Its primary key is what each row stands for.
    tables : collection, optional
        Only these columns: table classes, instances, or titles.
    title : str, optional
        Above the matrix; by default what the rows are called.
    context : mapping, optional
        Namespace in which the classes are looked for.
    parts : bool
        Whether part tables have columns.
    live : bool
        Whether to follow what changes: a statement a second, and a new look when something did.

    Attributes
    ----------
    matrix : StatusMatrix
    status : pandas.DataFrame
        The states of the rows that are shown, with the key as its index.
    offset : int
        First row shown; may be set.
    selected : tuple or None
        Key and table of the cell whose reasons are shown.

    Raises
    ------
    DataJointError
        As `StatusMatrix`, and if the first rows cannot be read.
    """

    readers = READERS
    _esm, _css = page_files(Path(__file__).parent)

    title = traitlets.Unicode().tag(sync=True)
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    columns = traitlets.List(traitlets.Dict()).tag(sync=True)
    states = traitlets.Dict().tag(sync=True)
    # A page and what was asked about it belong to a revision.
    page = traitlets.Dict().tag(sync=True)
    live = traitlets.Bool(True).tag(sync=True)
    doing = traitlets.Dict().tag(sync=True)
    trouble = traitlets.Unicode().tag(sync=True)
    only = traitlets.List(traitlets.Unicode()).tag(sync=True)
    top_row = traitlets.Float(0.0).tag(sync=True)

    def __init__(
        self,
        rows: Any,
        tables: Collection[Any] | None = None,
        *,
        title: str = "",
        context: Mapping[str, Any] | None = None,
        parts: bool = False,
        live: bool = True,
    ) -> None:
        context = dict(context or {})
        self.matrix = matrix = StatusMatrix(rows, tables, context=context, parts=parts)
        connection = matrix.connection
        self._lock = threading.RLock()
        self._reading = threading.Lock()
        self._offset = self._shown = self._revision = 0
        self._total = len(matrix)
        self._selected: tuple[int, int] | None = None
        self._counts = TableCounts(connection, [column.table.name for column in matrix.columns], context)
        self._seen: Any = None
        self._looks = 0
        self._child = ChildBrowser()
        self._worker = Worker("dj matrix", connection.close_thread)
        self._runs = Runs(connection, self._tell_runs)
        self._poller = Poller("dj matrix status", self._look, connection.close_thread)
        self._read: Page = matrix.read(0, PAGE_ROWS)
        super().__init__(
            title=title or _default_title(matrix),
            names=list(matrix.rows.primary_key),
            columns=[_column_state(column) for column in matrix.columns],
            states={_LETTERS[state]: [state, SIGNS[state], MEANINGS[state]] for state in SIGNS},
            page=self._page_state(),
            live=live,
            doing={"text": "", "busy": False},
        )
        self.observe(self._follow, "live")
        if live:
            self._poller.start()

    # --- from Python
    @property
    def status(self) -> pandas.DataFrame:
        """The states of the rows that are shown: the key as the index, a column of words for each table."""
        with self._lock:
            return frame(self.matrix, self._read)

    @property
    def offset(self) -> int:
        """The first row that is shown, from 0."""
        with self._lock:
            return self._offset

    @offset.setter
    def offset(self, offset: int) -> None:
        self._turn_to(offset)

    @property
    def selected(self) -> tuple[dict[str, Any], dj.Table] | None:
        """Key and table of the cell whose reasons are shown; None if none is."""
        with self._lock:
            if self._selected is None or self._selected[0] >= len(self._read.keys):
                return None
            row, column = self._selected
            return dict(self._read.keys[row]), self.matrix.columns[column].table

    def cell(self, key: Mapping[str, Any], table: Any) -> Cell:
        """Return the state of one row in one table, as it was last read.

        Parameters
        ----------
        key : mapping
            Of a row that is shown.
        table : table class, instance or title

        Raises
        ------
        DataJointError
            If there is no such cell among those that are shown.
        """
        row, column = self._place_of(key), self._column_of(table)
        with self._lock:
            return self._read.cells[row][column]

    def why(self, key: Mapping[str, Any], table: Any) -> Reasons:
        """Return why a row is not done in a table; parameters and errors as of `cell`."""
        row, column = self._place_of(key), self._column_of(table)
        return self._reasons(row, column)

    def run(self, key: Mapping[str, Any], table: Any) -> None:
        """Compute what is missing of a row in a table, in the background; parameters and errors as of `cell`.

        Keys that failed are left alone.
        """
        self._do(self._place_of(key), self._column_of(table), "run")

    def refresh(self) -> None:
        """Read everything again, at once."""
        self._reread()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until nothing is computed from here, at most `timeout` seconds; tell whether that is so."""
        return self._runs.wait(timeout)

    def close(self) -> None:
        """Stop looking and computing, and close the widget with its threads and sessions."""
        if not self.closed:
            self._poller.stop()
            self._runs.close()
            self._worker.close()
            self._child.close()
        super().close()

    def static(self) -> Static:
        """Return the first rows in signs and words."""
        with self._lock:
            page, total = self._read, self._total
        tables = [column.title for column in self.matrix.columns]
        return static_matrix(self.title, self.names, tables, [_spelled(key) for key in page.keys], page.cells, total)

    def _place_of(self, key: Mapping[str, Any]) -> int:
        with self._lock:
            for place, known in enumerate(self._read.keys):
                if all(key.get(name) == value for name, value in known.items()):
                    return place
        raise dj.DataJointError(
            f"No row shown has the key {key_text(key)}.",
            hint=f"Give values of {', '.join(self.matrix.rows.primary_key)}; rows from {self.offset} on are shown.",
        )

    def _column_of(self, table: Any) -> int:
        wanted = getattr(table, "full_table_name", None) or str(table)
        for place, column in enumerate(self.matrix.columns):
            if wanted in (column.title, column.table.full_table_name):
                return place
        titles = ", ".join(column.title for column in self.matrix.columns)
        raise dj.DataJointError(f"The matrix has no column {wanted}.", hint=f"Choose of {titles}.")

    # --- from the page
    def receive(self, request: Request) -> dict[str, Any] | None:
        """Hand what needs the database to the widget's own thread."""
        payload = request.payload
        match payload:
            case LiveRequest():
                self.live = payload.on
            case StopRequest():
                self._runs.stop()
            case PageRequest():
                self._later(request.id, lambda: self._turn_to(payload.offset))
                return None
            case RefreshRequest():
                self._later(request.id, self._reread)
                return None
            case WhyRequest():
                self._later(request.id, lambda: self._why_payload(payload))
                return None
            case BrowseRequest():
                self._later(request.id, lambda: self._browse(payload))
                return None
            case DeedRequest():
                self._later(request.id, lambda: self._do_payload(payload))
                return None
        return {}

    def _later(self, identifier: str, work: Any) -> None:
        def job() -> None:
            try:
                payload = work() or {}
            except Exception as error:  # noqa: BLE001 - shown in the widget
                self.answer_error(identifier, error)
            else:
                self.answer(identifier, "done", payload)

        self._worker.submit(job)

    def _checked(self, request: CellRequest) -> tuple[int, int]:
        with self._lock:
            rows = len(self._read.keys)
            if request.revision != self._revision:
                raise dj.DataJointError("The rows have changed since.", hint="Click the cell again.")
        if request.row >= rows or request.column >= len(self.matrix.columns):
            raise dj.DataJointError("There is no such cell.", hint="Refresh the matrix.")
        return request.row, request.column

    # --- in the widget's thread
    def _why_payload(self, request: CellRequest) -> dict[str, Any]:
        row, column = self._checked(request)
        with self._lock:
            self._selected = row, column
            key, cell = self._read.keys[row], self._read.cells[row][column]
        reasons = self._reasons(row, column)
        told = self.matrix.columns[column]
        hindrance = obstacle(told)
        return {
            "row": row,
            "column": column,
            "title": told.title,
            "key": key_text(key),
            "state": cell.state,
            "sentences": list(reasons.sentences),
            "left": reasons.left,
            "keys": [
                {
                    "key": key_text(one.key),
                    "state": one.state,
                    "sentence": one.sentence,
                    "command": one.command,
                    "traceback": one.traceback,
                }
                for one in reasons.keys
            ],
            "obstacle": hindrance,
            "can": self._possible(told, cell) if not hindrance else [],
        }

    @staticmethod
    def _possible(column: Column, cell: Cell) -> list[str]:
        """Return what can be done with the keys of a cell."""
        counts = cell.counts
        left = counts.total - counts.done
        if not column.computed or left <= 0:
            return []
        can = ["run"] if left - counts.errors - counts.ignored - counts.running > 0 else []
        can += ["retry"] if counts.errors else []
        return [*can, "ignore"] if left > counts.ignored else can

    def _reasons(self, row: int, column: int) -> Reasons:
        with self._lock:
            key, cells = self._read.keys[row], self._read.cells[row]
        return reasons_of(self.matrix, self.matrix.columns[column], key, cells)

    def _browse(self, request: CellRequest) -> dict[str, Any]:
        row, place = self._checked(request)
        column = self.matrix.columns[place]
        with self._lock:
            key = self._read.keys[row]
        rows = column.table & restriction_of(column, key)
        return {"model": self._child.open(rows, f"{column.title} of {key_text(key)}")}

    def _do_payload(self, request: DeedRequest) -> dict[str, Any]:
        row, column = self._checked(request)
        self._do(row, column, request.deed)
        return {}

    def _do(self, row: int, place: int, deed: Deed) -> None:
        column = self.matrix.columns[place]
        if hindrance := obstacle(column):
            raise dj.DataJointError(hindrance)
        with self._lock:
            key = self._read.keys[row]
        restriction = restriction_of(column, key)
        table = cast("AutoPopulate", column.table)
        if deed == "run":
            self._runs.begin(Task(column.title, table, restriction))
            return
        jobs = table.jobs
        left = missing_keys(column, key)
        if deed == "ignore":
            for one in left:
                jobs.ignore(one)
            self._reread()
            return
        wanted = [{name: one[name] for name in jobs.primary_key} for one in left]
        (jobs.errors & wanted).delete_quick()
        self._runs.begin(Task(column.title, table, restriction))

    # --- reading
    def _turn_to(self, offset: int) -> None:
        with self._lock:
            if offset and not 0 <= offset < self._total:
                raise dj.DataJointError(
                    f"There is no row {offset}.", hint=f"Rows are counted from 0 to {max(0, self._total - 1)}."
                )
            self._offset = offset
            self.top_row = 0.0
        self._reread()

    def _reread(self) -> None:
        """Read the rows again, and tell the page if they are others."""
        with self._reading:
            with self._lock:
                offset = self._offset
            total, page = len(self.matrix), self.matrix.read(offset, PAGE_ROWS)
            with self._lock:
                if self.closed or (offset, total, page) == (self._shown, self._total, self._read):
                    return
                if page.keys != self._read.keys:
                    self._selected = None
                self._shown, self._total, self._read = offset, total, page
                self._revision += 1
                self.page = self._page_state()
                at_work = any(cell.state == "running" for row in page.cells for cell in row)
            if not at_work:  # what goes on need not be kept in the notebook, what came of it must
                self.update_twin()

    def _page_state(self) -> dict[str, Any]:
        cells = self._read.cells
        return {
            "revision": self._revision,
            "offset": self._offset,
            "total": self._total,
            "size": PAGE_ROWS,
            "keys": [_spelled(key) for key in self._read.keys],
            "cells": ["".join(_LETTERS[cell.state] for cell in row) for row in cells],
            "texts": [[cell.text for cell in row] for row in cells],
            "tally": {_LETTERS[state]: count for state, count in tally(cells).items()},
        }

    # --- following
    def _follow(self, change: Any) -> None:
        if change["new"] and not self.closed:
            self._poller.start()
        else:
            self._poller.stop()

    def _look(self) -> None:
        """Ask how far the tables are; read the rows again if that changed."""
        try:
            self._looks += 1
            if self._counts.lacks_queues and self._looks % _QUEUES_EVERY == 0:
                self._counts.look_again()
                return
            seen = self._counts.read()
            if seen != self._seen:
                self._reread()
                self._seen = seen
        except Exception as error:  # noqa: BLE001 - shown in the widget; the next look may succeed
            self._say(describe_error(error)["message"])
            self._counts.prepare()
        else:
            self._say("")

    def _say(self, trouble: str) -> None:
        if not self.closed and self.trouble != trouble:
            self.trouble = trouble

    def _tell_runs(self) -> None:
        if not self.closed:
            self.doing = {"text": self._runs.text, "busy": self._runs.busy}
            if not self._runs.busy:
                self._worker.submit(self._reread)


def _default_title(matrix: StatusMatrix) -> str:
    rows = matrix.rows
    name = rows.class_name if isinstance(rows, dj.Table) else ", ".join(rows.primary_key)
    return f"Status by {name}"


def _column_state(column: Column) -> dict[str, Any]:
    return {"title": column.title, "tier": column.tier, "computed": column.computed}


def _spelled(key: Mapping[str, Any]) -> list[str]:
    return [text_of(value, 80) or "" for value in key.values()]
