"""A table browser over any expression: the database pages and sorts, the page shows what it asked for."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import traitlets

import datajoint as dj
from datajoint.expression import QueryExpression
from datajoint_jupyter.display.browse import static_rows
from datajoint_jupyter.display.twin import Static
from datajoint_jupyter.protocol import Request
from datajoint_jupyter.widgets.base import LiveView, page_files
from datajoint_jupyter.widgets.browser.columns import column_state, columns_of, table_name
from datajoint_jupyter.widgets.browser.messages import (
    READERS,
    CountRequest,
    PageRequest,
    SortItem,
    SortRequest,
)
from datajoint_jupyter.widgets.browser.rows import COUNTED, RowSource
from datajoint_jupyter.worker import Worker

PAGE_ROWS = 100

_TWIN_COUNTED = 100_000


class TableBrowser(LiveView):
    """Scroll and sort the rows of an expression of any size.

    Parameters
    ----------
    expression : QueryExpression
        What to show. Its first rows are read at once, in the thread that makes the browser; all others when they
        come into view, in a thread of the browser with a session of its own.
    title : str, optional
        Above the rows; by default the table's name.
    shown : int
        How many rows the static twin keeps.

    Attributes
    ----------
    query : QueryExpression
        The expression as ordered now.
    order_by : list of str
        Such as ``["session_date DESC", "subject_id"]``; may be set, and follows what the user clicks.

    Raises
    ------
    DataJointError
        If the first rows cannot be read.
    """

    readers = READERS
    _esm, _css = page_files(Path(__file__).parent)

    title = traitlets.Unicode().tag(sync=True)
    columns = traitlets.List(traitlets.Dict()).tag(sync=True)
    page_rows = traitlets.Int(PAGE_ROWS).tag(sync=True)
    # Rows and their order belong to a revision: an answer to a question about an older one is dropped.
    revision = traitlets.Int(0).tag(sync=True)
    sort = traitlets.List(traitlets.Dict()).tag(sync=True)
    row_count = traitlets.Int(None, allow_none=True).tag(sync=True)
    count_is_exact = traitlets.Bool(False).tag(sync=True)
    first_page: traitlets.List[Any] = traitlets.List().tag(sync=True)
    top_row = traitlets.Float(0.0).tag(sync=True)

    def __init__(self, expression: QueryExpression, *, title: str = "", shown: int = 12) -> None:
        name = title or table_name(expression) or "query"
        # The worker comes first: a browser whose first page fails is closed like any other.
        self._worker = Worker(f"dj browse {name}", expression.connection.close_thread)
        self._lock = threading.RLock()
        self._shown = shown
        self._sort: tuple[SortItem, ...] = ()
        self._columns = columns = columns_of(expression)
        self._source = RowSource(expression, columns)
        first = self._source.page((), 0, PAGE_ROWS)
        complete = len(first) < PAGE_ROWS
        super().__init__(
            title=name,
            columns=[column_state(column) for column in columns],
            first_page=first,
            row_count=len(first) if complete else None,
            count_is_exact=complete,
        )
        if not complete:
            self._worker.submit(self._count_some, urgent=False)

    # --- from Python
    @property
    def query(self) -> QueryExpression:
        """The expression as ordered now."""
        order = self.order_by
        return self._source.expression & dj.Top(None, order) if order else self._source.expression

    @property
    def order_by(self) -> list[str]:
        """The order as `dj.Top` takes it; empty for the expression's own."""
        with self._lock:
            return [f"{item.name} DESC" if item.descending else item.name for item in self._sort]

    @order_by.setter
    def order_by(self, order: str | Sequence[str]) -> None:
        items = [part for item in ([order] if isinstance(order, str) else order) for part in item.split(",")]
        self._set_sort(tuple(_sort_item(item) for item in items))

    def refresh(self) -> None:
        """Read the rows again."""
        with self._lock:
            self._source = RowSource(self._source.expression, self._columns)
            self._next_revision()
        self._worker.submit(self._count_some, urgent=False)

    def close(self) -> None:
        """Close the browser, its channel to the page, its thread and its database session."""
        if not self.closed:
            self._worker.close()
        super().close()

    def static(self) -> Static:
        """Return the first rows as they are now known, and how many there are."""
        total, exact = self.row_count, self.count_is_exact
        if total is None:
            total = self._source.count(_TWIN_COUNTED + 1)
            exact = total <= _TWIN_COUNTED
            total = min(total, _TWIN_COUNTED)
        return static_rows(self.title, self._columns, self.first_page[: self._shown], total, at_least=not exact)

    # --- from the page
    def receive(self, request: Request) -> dict[str, Any] | None:
        """Order at once; hand questions to the database to the browser's own thread."""
        payload = request.payload
        if isinstance(payload, PageRequest):
            self._worker.submit(lambda: self._answer_page(request.id, payload))
            return None
        if isinstance(payload, CountRequest):
            self._worker.submit(lambda: self._count_all(request.id), urgent=False)
            return None
        if isinstance(payload, SortRequest):
            self._set_sort(payload.sort)
        else:
            self.refresh()
        return {}

    def _set_sort(self, sort: tuple[SortItem, ...]) -> None:
        sortable = {column.name for column in self._columns if column.placeholder is None}
        for item in sort:
            if item.name not in sortable:
                raise dj.DataJointError(
                    f"Rows cannot be ordered by {item.name!r}.", hint=f"Use one of {', '.join(sortable)}."
                )
        with self._lock:
            self._sort = sort
            self._next_revision()

    def _next_revision(self) -> None:
        """Tell the page, in one message, that all rows it holds are of the past."""
        with self.hold_sync():
            self.sort = [{"name": item.name, "descending": item.descending} for item in self._sort]
            self.revision += 1

    # --- in the browser's thread
    def _answer_page(self, identifier: str, request: PageRequest) -> None:
        with self._lock:
            revision, sort, source = self.revision, self._sort, self._source
        if request.revision != revision:
            self.answer(identifier, "stale", {"revision": revision})
            return
        try:
            rows = source.page(sort, request.offset, request.limit)
        except Exception as error:  # noqa: BLE001 - shown in the widget
            self.answer_error(identifier, error)
            return
        self.answer(identifier, "page", {"revision": revision, "offset": request.offset, "rows": rows})
        self._compare_count(request, len(rows))

    def _compare_count(self, request: PageRequest, got: int) -> None:
        """Correct the number of rows when a page shows that some came or went."""
        end = request.offset + got
        if got < request.limit and (got or not request.offset):
            with self._lock, self.hold_sync():
                self.row_count, self.count_is_exact = end, True
        elif self.count_is_exact and (not got or end > (self.row_count or 0)):
            self._worker.submit(self._count_some, urgent=False)

    def _count_some(self) -> None:
        self._count("", COUNTED)

    def _count_all(self, identifier: str) -> None:
        self._count(identifier, None)

    def _count(self, identifier: str, limit: int | None) -> None:
        try:
            total = self._source.count(None if limit is None else limit + 1)
        except Exception as error:  # noqa: BLE001 - shown in the widget
            self.answer_error(identifier, error)
            return
        exact = limit is None or total <= limit
        with self._lock, self.hold_sync():
            self.row_count, self.count_is_exact = total if exact else limit, exact
        if identifier:
            self.answer(identifier, "done", {})


def _sort_item(text: str) -> SortItem:
    name, _, direction = text.strip().rpartition(" ")
    if name and direction.upper() in {"ASC", "DESC"}:
        return SortItem(name.strip(), direction.upper() == "DESC")
    return SortItem(text.strip())
