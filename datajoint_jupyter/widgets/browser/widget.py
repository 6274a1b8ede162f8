"""A table browser over any expression: the database pages, sorts and filters, the page shows what it asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import traitlets

import datajoint as dj
from datajoint.errors import TimeLimitError
from datajoint.expression import QueryExpression
from datajoint_jupyter.display.browse import static_rows
from datajoint_jupyter.display.twin import Static
from datajoint_jupyter.protocol import Request
from datajoint_jupyter.source_text import text_of_expression, text_of_table
from datajoint_jupyter.widgets.base import page_files
from datajoint_jupyter.widgets.browser import messages as said
from datajoint_jupyter.widgets.browser.columns import column_state, table_name
from datajoint_jupyter.widgets.browser.details import Details
from datajoint_jupyter.widgets.browser.filters import clicked, given
from datajoint_jupyter.widgets.browser.learning import Learning
from datajoint_jupyter.widgets.browser.related import Relation
from datajoint_jupyter.widgets.browser.rows import COUNTED, STRETCH, Page, RowSource, row_id
from datajoint_jupyter.widgets.browser.step import Step, keys_code, sort_item
from datajoint_jupyter.widgets.changing import ChangingView
from datajoint_jupyter.worker import Worker

PAGE_ROWS = 100

PAGE_SECONDS = 30.0
"""How long the statement of a page may take."""

COUNT_SECONDS = 5.0
"""How long rows are counted without being asked for an exact number."""

COUNT_ALL_SECONDS = 300.0

_TWIN_COUNTED = 10_000
_TWIN_SECONDS = 1.0


class TableBrowser(ChangingView):
    """Scroll, sort, filter and follow the rows of an expression of any size.

    Parameters
    ----------
    expression : QueryExpression
        What to show. Its first rows are read at once, in the thread that makes the browser; all others when they
        come into view, in a thread of the browser with a session of its own. Counts, summaries and files are made in
        another, so that rows never wait for them.
    title : str, optional
        Above the rows; by default the table's name.
    shown : int
        How many rows the static twin keeps.
    source : str, optional
        Python text of the expression; by default its variable or class in the notebook.

    Attributes
    ----------
    query : QueryExpression
        The expression as filtered and ordered now; may be set, which begins anew.
    restriction : AndList
        The filters, as ``&`` takes them; may be set to anything that ``&`` takes, and to None.
    order_by : list of str
        Such as ``["session_date DESC", "subject_id"]``; may be set, and follows what the user clicks.
    selection : list of dict
        Keys of the selected rows; may be set to keys or to an expression.
    shown_columns : list of str
        May be set.
    code : str
        Python text that gives `query`; ``%dj code`` puts it into the next cell.
    selection_code : str
        Python text that gives the selected rows; empty while there are none.

    Raises
    ------
    DataJointError
        If the first rows cannot be read.
    """

    readers = said.READERS
    _esm, _css = page_files(Path(__file__).parent)

    title = traitlets.Unicode().tag(sync=True)
    columns = traitlets.List(traitlets.Dict()).tag(sync=True)
    hidden = traitlets.List(traitlets.Unicode()).tag(sync=True)
    page_rows = traitlets.Int(PAGE_ROWS).tag(sync=True)
    # Rows and their order belong to a revision: an answer to a question about an older one is dropped.
    revision = traitlets.Int(0).tag(sync=True)
    sort = traitlets.List(traitlets.Dict()).tag(sync=True)
    filters = traitlets.List(traitlets.Unicode()).tag(sync=True)
    trail = traitlets.List(traitlets.Unicode()).tag(sync=True)
    row_count = traitlets.Int(None, allow_none=True).tag(sync=True)
    count_is_exact = traitlets.Bool(False).tag(sync=True)
    count_given_up = traitlets.Bool(False).tag(sync=True)
    first_page: traitlets.List[Any] = traitlets.List().tag(sync=True)
    first_ids: traitlets.List[Any] = traitlets.List().tag(sync=True)
    first_revision = traitlets.Int(0).tag(sync=True)
    selectable = traitlets.Bool(False).tag(sync=True)
    selected = traitlets.List(traitlets.Unicode()).tag(sync=True)
    top_row = traitlets.Float(0.0).tag(sync=True)

    def __init__(self, expression: QueryExpression, *, title: str = "", shown: int = 12, source: str = "") -> None:
        name = title or table_name(expression) or "query"
        # The workers come first: a browser whose first page fails is closed like any other.
        self._worker = Worker(f"dj browse {name}", expression.connection.close_thread)
        self._slow = Worker(f"dj browse {name} (counts)", expression.connection.close_thread)
        self._lock = threading.RLock()
        self._shown = shown
        self._selection: dict[str, dict[str, Any]] = {}
        self._trail: list[Step] = []
        self._step = Step.of(expression, source or text_of_expression(expression), name)
        self._source = RowSource(expression, self._step.shown)
        self._details = Details(self)
        first = self._read(self._source, 0, PAGE_ROWS)
        super().__init__(**self._state_of_step(first))
        self._later()

    # --- from Python
    @property
    def query(self) -> QueryExpression:
        """The expression as filtered and ordered now."""
        return self._step.query

    @query.setter
    def query(self, expression: QueryExpression | type[dj.Table]) -> None:
        rows = expression() if isinstance(expression, type) else expression
        self._show(Step.of(rows, text_of_expression(rows), table_name(rows) or "query"), trail=[])

    @property
    def restriction(self) -> dj.AndList:
        """The filters, as ``&`` takes them."""
        return dj.AndList([each.restriction for each in self._step.filters])

    @restriction.setter
    def restriction(self, restriction: Any) -> None:
        filters = tuple(given(restriction, self._step.expression))
        self._change(replace(self._step, filters=filters))

    @property
    def order_by(self) -> list[str]:
        """The order as `dj.Top` takes it; empty for the expression's own."""
        return self._step.order_by

    @order_by.setter
    def order_by(self, order: str | Sequence[str]) -> None:
        items = [part for item in ([order] if isinstance(order, str) else order) for part in item.split(",")]
        self._set_sort(tuple(sort_item(item) for item in items))

    @property
    def selection(self) -> list[dict[str, Any]]:
        """Keys of the selected rows."""
        with self._lock:
            return [dict(key) for key in self._selection.values()]

    @selection.setter
    def selection(self, rows: Any) -> None:
        if rows is None or (isinstance(rows, list) and not rows):
            self._select({})
            return
        if isinstance(rows, (type, QueryExpression)):  # a class, or rows: by their keys alone
            rows = (rows() if isinstance(rows, type) else rows).proj()
        chosen = self._step.filtered & ([rows] if isinstance(rows, Mapping) else rows)
        keys = chosen.keys(limit=said.MAX_SELECTED + 1)
        if len(keys) > said.MAX_SELECTED:
            raise dj.DataJointError(
                f"More than {said.MAX_SELECTED:,} rows are to be selected.", hint="Filter by a condition instead."
            )
        self._select({row_id(key): key for key in keys})

    @property
    def shown_columns(self) -> list[str]:
        """Names of the columns that are shown."""
        return [column.name for column in self._step.shown]

    @shown_columns.setter
    def shown_columns(self, names: Sequence[str]) -> None:
        self._show(self._with_columns(names))

    @property
    def code(self) -> str:
        """Python text that gives `query`."""
        return self._step.query_code

    @property
    def selection_code(self) -> str:
        """Python text that gives the selected rows; empty while there are none."""
        keys = self.selection
        return keys_code(self._step.code, keys) if keys else ""

    def refresh(self) -> None:
        """Read the rows again."""
        self._change(self._step)

    def close(self) -> None:
        """Close the browser, its channel to the page, its threads and their database sessions."""
        if not self.closed:
            self._worker.close()
            self._slow.close()
        super().close()

    def static(self) -> Static:
        """Return the first rows as they are now known, how many there are, and the code for what was chosen."""
        with self._lock:
            step, rows, chosen = self._step, self.first_page[: self._shown], bool(self._trail)
            known = self.first_revision == self.revision
        if not known:  # the page asked for them by itself
            rows = self._read(RowSource(step.filtered, step.shown, step.sort), 0, self._shown).rows
        total, exact = self.row_count, self.count_is_exact
        if total is None:
            total = self._quick_count(self._source)
            exact = total is not None and total <= _TWIN_COUNTED
            total = total if total is None else min(total, _TWIN_COUNTED)
        code = step.query_code if chosen or step.filters or step.sort else ""
        return static_rows(step.title, step.shown, rows, total, at_least=not exact, code=code)

    # --- from the page
    def receive(self, request: Request) -> dict[str, Any] | None:
        """Answer what asks nothing of the database at once; hand everything else to a thread of the browser."""
        payload = request.payload
        if isinstance(payload, said.PageRequest):
            self._worker.submit(lambda: self._answer_page(request.id, payload))
        elif isinstance(payload, said.CountRequest):
            self._in_background(request.id, lambda: self._count(None, COUNT_ALL_SECONDS))
        elif isinstance(payload, said.SortRequest):
            self._set_sort(payload.sort)
            return {}
        elif isinstance(payload, said.AddFilter):
            added = clicked(payload.condition, self._step.expression.heading)
            self._change(replace(self._step, filters=(*self._step.filters, added)))
            return {}
        elif isinstance(payload, said.RemoveFilter):
            kept = [each for place, each in enumerate(self._step.filters) if payload.place not in (None, place)]
            self._change(replace(self._step, filters=tuple(kept)))
            return {}
        elif isinstance(payload, said.CodeRequest):
            return {"code": self.code, "selection": self.selection_code}
        elif isinstance(payload, said.RefreshRequest):
            self.refresh()
            return {}
        else:
            self._in_thread(request.id, payload)
        return None

    def _in_thread(self, identifier: str, payload: Any) -> None:
        details = self._details
        if isinstance(payload, said.ColumnsRequest):
            self._in_worker(identifier, lambda: self._show(self._with_columns(payload.names)))
        elif isinstance(payload, said.SelectRequest):
            self._in_worker(identifier, lambda: self._select_places(payload))
        elif isinstance(payload, said.CellRequest):
            self._in_worker(identifier, lambda: details.cell(payload))
        elif isinstance(payload, said.FollowRequest):
            self._in_worker(identifier, lambda: self._follow(*details.followed(payload)))
        elif isinstance(payload, said.ReturnRequest):
            self._in_worker(identifier, lambda: self._return(payload.step))
        elif isinstance(payload, said.SummaryRequest):
            self._in_background(identifier, lambda: details.summary(payload.name))
        elif isinstance(payload, said.RelatedRequest):
            self._in_background(identifier, lambda: details.related(payload.scope))
        else:
            self._in_background(identifier, lambda: details.export(payload))

    def _in_worker(self, identifier: str, work: Callable[[], dict[str, Any] | None]) -> None:
        """Do something soon, in the thread that reads pages."""
        self._worker.submit(lambda: self._answered(identifier, work))

    def _in_background(self, identifier: str, work: Callable[[], dict[str, Any] | None]) -> None:
        """Do something that may take long, in the other thread."""
        self._slow.submit(lambda: self._answered(identifier, work))

    def _answered(self, identifier: str, work: Callable[[], dict[str, Any] | None]) -> None:
        try:
            payload = work()
        except Exception as error:  # noqa: BLE001 - shown in the widget
            self.answer_error(identifier, error)
        else:
            if identifier:
                self.answer(identifier, "done", payload or {})

    # --- changes
    def _set_sort(self, sort: tuple[said.SortItem, ...]) -> None:
        sortable = {column.name for column in self._step.columns if column.placeholder is None}
        for item in sort:
            if item.name not in sortable:
                raise dj.DataJointError(
                    f"Rows cannot be ordered by {item.name!r}.", hint=f"Use one of {', '.join(sortable)}."
                )
        self._change(replace(self._step, sort=sort), recount=False)

    def _change(self, step: Step, *, recount: bool = True) -> None:
        """Show other rows of the same columns; the page asks for them."""
        with self._lock:
            self._step, self._source = step, RowSource(step.filtered, step.shown, step.sort)
            with self.hold_sync():  # one message tells the page that all rows it holds are of the past
                self.sort = [{"name": item.name, "descending": item.descending} for item in step.sort]
                self.filters = [each.label for each in step.filters]
                if recount:
                    self.row_count, self.count_is_exact, self.count_given_up = None, False, False
                self.revision += 1
        self._later()
        self.renew_twin(self._slow)

    def _show(self, step: Step, trail: list[Step] | None = None) -> None:
        """Show other columns, or the rows of something else; the first rows are read before anything is changed."""
        source = RowSource(step.filtered, step.shown, step.sort)
        first = self._read(source, 0, PAGE_ROWS)
        with self._lock:
            elsewhere = step.expression is not self._step.expression
            self._step, self._source = step, source
            self._trail = self._trail if trail is None else trail
            if elsewhere:
                self._selection = {}
            with self.hold_sync():
                for name, value in self._state_of_step(first).items():
                    setattr(self, name, value)
                if elsewhere:
                    self.top_row = 0.0
                self.revision += 1
                self.first_revision = self.revision
        self._later()
        self.renew_twin(self._slow)

    def _state_of_step(self, first: Page) -> dict[str, Any]:
        """Return all that the page knows of what is shown."""
        step, complete = self._step, len(first.rows) < PAGE_ROWS
        return {
            "title": step.title,
            "columns": [column_state(column) for column in step.columns],
            "hidden": sorted(step.hidden),
            "first_page": first.rows,
            "first_ids": first.ids,
            "row_count": len(first.rows) if complete else None,
            "count_is_exact": complete,
            "count_given_up": False,
            "sort": [{"name": item.name, "descending": item.descending} for item in step.sort],
            "filters": [each.label for each in step.filters],
            "trail": [each.title for each in self._trail],
            "selectable": bool(self._source.key),
            "selected": list(self._selection),
        }

    def _with_columns(self, names: Sequence[str]) -> Step:
        known = {column.name for column in self._step.columns}
        if strange := [name for name in names if name not in known]:
            raise dj.DataJointError(f"There is no column {strange[0]!r}.", hint=f"Use some of {', '.join(known)}.")
        if not names:
            raise dj.DataJointError("No column is to be shown.", hint="Choose at least one.")
        return replace(self._step, hidden=frozenset(known.difference(names)))

    def _follow(self, relation: Relation, source: QueryExpression, code: str) -> None:
        rows = relation.rows(source)
        step = Step.of(rows, relation.code(text_of_table(relation.table), code), relation.name)
        self._show(step, trail=[*self._trail, self._step])

    def _return(self, place: int) -> None:
        if place >= len(self._trail):
            raise dj.DataJointError("This step is gone.", hint="Choose another one.")
        self._show(self._trail[place], trail=self._trail[:place])

    # --- selection
    def _select(self, keys: dict[str, dict[str, Any]]) -> None:
        with self._lock:
            self._selection = keys
            self.selected = list(keys)

    def _select_places(self, request: said.SelectRequest) -> None:
        source = self.source_at(request.revision)
        chosen = {row_id(key): key for key in source.keys_at(request.rows)}
        with self._lock:
            before = {} if request.how == "only" else dict(self._selection)
        if request.how == "remove":
            self._select({name: key for name, key in before.items() if name not in chosen})
        elif len(before | chosen) > said.MAX_SELECTED:
            raise dj.DataJointError(f"At most {said.MAX_SELECTED:,} rows can be selected.", hint="Use a filter.")
        else:
            self._select(before | chosen)

    def source_at(self, revision: int) -> RowSource:
        """Return the rows by number.

        Raises
        ------
        DataJointError
            If the page speaks of others than those that are shown.
        """
        with self._lock:
            if revision != self.revision:
                raise dj.DataJointError("The rows have changed meanwhile.", hint="Try again.")
            return self._source

    @property
    def step(self) -> Step:
        """What is shown."""
        return self._step

    # --- in the browser's threads
    def _read(self, source: RowSource, offset: int, limit: int, total: int | None = None) -> Page:
        with source.expression.connection.time_limit(PAGE_SECONDS):
            return source.page(offset, limit, total)

    def _answer_page(self, identifier: str, request: said.PageRequest) -> None:
        with self._lock:
            revision, source = self.revision, self._source
            total = self.row_count if self.count_is_exact else None
        if request.revision != revision:
            self.answer(identifier, "stale", {"revision": revision})
            return
        try:
            page = self._read(source, request.offset, request.limit, total)
        except Exception as error:  # noqa: BLE001 - shown in the widget
            self.answer_error(identifier, error)
            return
        answer = {"revision": revision, "offset": request.offset, "rows": page.rows, "ids": page.ids}
        self.answer(identifier, "page", answer)
        self._compare_count(request, len(page.rows))

    def _compare_count(self, request: said.PageRequest, got: int) -> None:
        """Correct the number of rows when a page shows that some came or went."""
        end = request.offset + got
        if got < request.limit and (got or not request.offset):
            with self._lock, self.hold_sync():
                if request.revision == self.revision:
                    self.row_count, self.count_is_exact, self.count_given_up = end, True, False
        elif self.count_is_exact and (not got or end > (self.row_count or 0)):
            self._later()

    def _later(self) -> None:
        """Do what can wait: count the rows, and get ready for the next page and for those far away."""
        if not self.count_is_exact:
            self._slow.submit(lambda: self._answered("", lambda: self._count(COUNTED, COUNT_SECONDS)), urgent=False)
            self._worker.submit(self._source.prepare, urgent=False)
        self._learn()

    def _learn(self) -> None:
        source = self._source
        Learning(source, self._worker, lambda: self._places_wanted(source)).go_on()

    def _places_wanted(self, source: RowSource) -> int:
        """Return among how many rows places are to be known."""
        with self._lock:
            if self.closed or source is not self._source or (self.count_is_exact and (self.row_count or 0) <= STRETCH):
                return 0
            return max(COUNTED, self.row_count or 0)

    def _count(self, limit: int | None, seconds: float) -> None:
        with self._lock:
            revision, source = self.revision, self._source
        try:
            with source.expression.connection.time_limit(seconds):
                total = source.count(None if limit is None else limit + 1)
        except Exception as error:
            with self._lock:
                self.count_given_up = revision == self.revision
            if limit is None or not isinstance(error, TimeLimitError):
                raise
            total = None
        with self._lock, self.hold_sync():
            if revision == self.revision and total is not None:
                exact = limit is None or total <= limit
                self.row_count, self.count_is_exact, self.count_given_up = total if exact else limit, exact, False
        if limit is None and total is not None and total > COUNTED:
            self._learn()  # someone is about to look at rows still further away

    @staticmethod
    def _quick_count(source: RowSource) -> int | None:
        try:
            with source.expression.connection.time_limit(_TWIN_SECONDS):
                return source.count(_TWIN_COUNTED + 1)
        except TimeLimitError:
            return None
