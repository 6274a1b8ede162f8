"""Build a restriction by hand: a tree of conditions, how many rows each lets pass, and the code for it."""

from __future__ import annotations

import threading
from collections.abc import MutableMapping, Sequence
from pathlib import Path
from typing import Any

import traitlets

import datajoint as dj
from datajoint.errors import TimeLimitError
from datajoint.expression import QueryExpression
from datajoint_jupyter.conditions import (
    Condition,
    condition_of,
    prose_of,
    restricted_code,
    restriction_of,
)
from datajoint_jupyter.conditions.model import EVERYTHING
from datajoint_jupyter.display.builder import static_conditions
from datajoint_jupyter.display.code import static_text
from datajoint_jupyter.display.listing import together
from datajoint_jupyter.display.twin import Static
from datajoint_jupyter.magics.show import static_table
from datajoint_jupyter.protocol import Request
from datajoint_jupyter.widgets.base import page_files
from datajoint_jupyter.widgets.browser import TableBrowser
from datajoint_jupyter.widgets.builder.answers import Answers
from datajoint_jupyter.widgets.builder.attributes import attribute_states
from datajoint_jupyter.widgets.builder.counts import Count, count_rows
from datajoint_jupyter.widgets.builder.draft import Draft, Part, clean, draft_of, read_draft
from datajoint_jupyter.widgets.builder.keeping import keep_variable
from datajoint_jupyter.widgets.builder.messages import (
    READERS,
    BrowseRequest,
    CloseBrowserRequest,
    KeepRequest,
    LookRequest,
    RefreshRequest,
    SetRequest,
)
from datajoint_jupyter.widgets.builder.opening import Given, open_expression
from datajoint_jupyter.widgets.builder.tables import Tables
from datajoint_jupyter.widgets.changing import ChangingView
from datajoint_jupyter.worker import Worker
from datajoint_jupyter.workspace import Workspace

_CACHED = 1000
_TWIN_SECONDS = 5.0
_RENEWED_SECONDS = 1.0  # the twin of what was changed is not to keep the builder from the next change
_LOOKED_AT = ("content", "problems", "texts", "total", "counts", "revision")


class RestrictionBuilder(ChangingView):
    """Restrict an expression by conditions that are chosen, not written.

    Parameters
    ----------
    expression : QueryExpression
        What to restrict. Conditions that restrict it already are taken over, as far as they can be said by a tree.
    conditions : sequence of Given, optional
        More of them, with the text that code has for them.
    source : str, optional
        How code names the expression without its conditions; by default by the name of its table, or as ``query``.
    namespace : mutable mapping, optional
        The variables of the notebook, where tables are looked up and the query is kept.
    shown : int
        How many rows the static twin keeps.

    Attributes
    ----------
    tree : Condition
        The conditions; may be set.
    restriction : object
        The same as an object that restricts an expression; may be set to anything that a tree can say.
    query : QueryExpression
        The expression restricted by them.
    code, sql : str
        Python and SQL text for `query`; ``%dj code`` puts the Python into the next cell.
    source : str
        How `code` names the expression; may be set.

    Raises
    ------
    DataJointError
        If the structure of the tables cannot be read.
    """

    readers = READERS
    _esm, _css = page_files(Path(__file__).parent)

    title = traitlets.Unicode().tag(sync=True)
    attributes = traitlets.List(traitlets.Dict()).tag(sync=True)
    content = traitlets.Dict().tag(sync=True)
    problems = traitlets.Dict().tag(sync=True)
    counts = traitlets.Dict().tag(sync=True)
    total = traitlets.Dict().tag(sync=True)
    texts = traitlets.Dict().tag(sync=True)
    # Counts belong to a revision of the tree; those of an older one are given up.
    revision = traitlets.Int(0).tag(sync=True)
    browser_id = traitlets.Unicode().tag(sync=True)
    browser_code = traitlets.Unicode().tag(sync=True)
    kept = traitlets.Unicode().tag(sync=True)

    def __init__(
        self,
        expression: QueryExpression,
        conditions: Sequence[Given] = (),
        *,
        source: str = "",
        namespace: MutableMapping[str, Any] | None = None,
        shown: int = 12,
    ) -> None:
        self._namespace = {} if namespace is None else namespace
        self._lock = threading.RLock()
        self._shown = shown
        self._cache: dict[tuple[str, Condition], Count] = {}
        tables = Tables(Workspace(self._namespace), expression)
        opened = open_expression(Given(expression, source), conditions, tables, self._namespace)
        base, self._source = opened.base.value, opened.base.text
        self._base, self._tables = base, tables.about(base)
        self._draft = read_draft(draft_of(opened.tree), self._tables)
        self._answers = Answers(self._tables)
        self._browser: TableBrowser | None = None
        self._worker = Worker(f"dj restrict {self._source}", base.connection.close_thread)
        # All of it goes along when the page first hears of the builder: what follows at once may be lost there.
        super().__init__(
            title=self._source, attributes=attribute_states(base.heading), revision=1, **self._draft_state()
        )
        self._count_soon()

    # --- from Python
    @property
    def tree(self) -> Condition:
        """The conditions; what is unfinished or wrong on the page is not among them."""
        with self._lock:
            return self._draft.condition

    @tree.setter
    def tree(self, tree: Condition) -> None:
        draft = read_draft(draft_of(tree), self._tables)
        if draft.problems:
            raise dj.DataJointError(
                f"These conditions cannot restrict {self._source}: {' '.join(draft.problems.values())}",
                hint="Set others.",
            )
        self._set(draft)

    @property
    def restriction(self) -> Any:
        """What restricts the expression: a dict, a text, a list, an `AndList`, a `Not` or a `Near`."""
        return restriction_of(self.tree, self._tables.expression)

    @restriction.setter
    def restriction(self, restriction: Any) -> None:
        tree = condition_of(restriction, self._base, self._tables.name_of)
        if tree is None:
            raise dj.DataJointError(
                f"A builder cannot take {type(restriction).__name__} apart into conditions.",
                hint="Restrict the expression by it, and build on that: restrict(expression & it).",
            )
        self.tree = tree

    @property
    def query(self) -> QueryExpression:
        """The expression restricted by the conditions."""
        query: QueryExpression = self._base & self.restriction
        return query

    @property
    def source(self) -> str:
        """How `code` names the expression."""
        return self._source

    @source.setter
    def source(self, source: str) -> None:
        with self._lock:
            self._source = source
        self.title = source
        self._show_draft()

    @property
    def code(self) -> str:
        """Python text for `query`."""
        tree = self.tree
        return self._source if tree == EVERYTHING else restricted_code(self._source, tree)

    @property
    def sql(self) -> str:
        """The SELECT of `query`, over several lines."""
        return self.query.sql(indent=True)

    @property
    def browser(self) -> TableBrowser | None:
        """The browser that was opened from here, if it is still open."""
        return self._browser

    def browse(self) -> TableBrowser:
        """Open a browser of the rows under the conditions, as the button does; replaces the last one.

        Raises
        ------
        DataJointError
            If the first rows cannot be read.
        """
        code, browser = self.code, TableBrowser(self.query, title=self.code, shown=self._shown, source=self.code)
        self.close_browser()
        with self._lock, self.hold_sync():
            self._browser, self.browser_id, self.browser_code = browser, browser.model_id or "", code
        return browser

    def close_browser(self) -> None:
        """Close the browser that was opened from here."""
        with self._lock:
            browser, self._browser = self._browser, None
        if browser is not None:
            self.browser_id = ""
            browser.close()

    def keep(self, name: str) -> None:
        """Make the query a variable of the notebook.

        Raises
        ------
        DataJointError
            If that is no name, or one that something else has.
        """
        keep_variable(self._namespace, name, self.query, again=name == self.kept)
        self.kept = name

    def refresh(self) -> None:
        """Look the tables up again, and count the rows again."""
        self._tables.forget()
        with self._lock:
            self._cache.clear()
            content = self._draft.content
        self._set(read_draft(content, self._tables))

    def close(self) -> None:
        """Close the builder, its browser, its channel to the page, its thread and its database session."""
        if not self.closed:
            self._worker.close()
            self.close_browser()
        super().close()

    def static(self) -> Static:
        """Return the conditions in words, the code and the first rows."""
        query = self.query
        said = static_conditions(self._source, prose_of(self.tree), self.code)
        try:
            with query.connection.time_limit(_RENEWED_SECONDS if self._displayed else _TWIN_SECONDS):
                rows = static_table(query, title="First rows", shown=self._shown)
        except TimeLimitError:
            rows = static_text("First rows", ["Finding them takes too long to be shown here."])
        return together([said, rows])

    # --- from the page
    def receive(self, request: Request) -> dict[str, Any] | None:
        """Hand everything to the builder's own thread: also to read a tree may take a look at the database."""
        if isinstance(request.payload, LookRequest):
            with self._lock:
                return {name: getattr(self, name) for name in _LOOKED_AT}
        self._worker.submit(lambda: self._handle(request))
        return None

    def _handle(self, request: Request) -> None:
        try:
            payload = self._done(request.payload)
        except Exception as error:  # noqa: BLE001 - shown in the widget
            self.answer_error(request.id, error)
        else:
            self.answer(request.id, "done", payload)

    def _done(self, asked: Any) -> dict[str, Any]:
        match asked:
            case SetRequest(content=content):
                self._set(read_draft(clean(content), self._tables))
            case BrowseRequest():
                self.browse()
            case CloseBrowserRequest():
                self.close_browser()
            case KeepRequest(name=name):
                self.keep(name)
            case RefreshRequest():
                self.refresh()
            case _:
                return self._answers.answer(asked)
        return {"revision": self.revision}

    # --- what the page shows
    def _set(self, draft: Draft) -> None:
        with self._lock:
            self._draft = draft
        self._show_draft()

    def _show_draft(self) -> None:
        """Tell the page, in one message, what the tree is now; counts follow."""
        with self._lock, self.hold_sync():
            for name, value in self._draft_state().items():
                setattr(self, name, value)
            self.revision += 1
        self._count_soon()
        self.renew_twin(self._worker)

    def _draft_state(self) -> dict[str, Any]:
        draft = self._draft
        counts = {key: count.state() for key, part in draft.parts.items() if (count := self._counted(part))}
        return {
            "content": draft.content,
            "problems": dict(draft.problems),
            "counts": counts,
            "texts": {"python": self.code, "sql": self.sql},
        }

    def _count_soon(self) -> None:
        with self._lock:
            draft, revision = self._draft, self.revision
        self._worker.submit(lambda: self._count(draft, revision), urgent=False)

    def _counted(self, part: Part) -> Count | None:
        return self._cache.get((part.table, part.condition))

    def _count(self, draft: Draft, revision: int) -> None:
        """Count what is not counted yet, the whole first, as long as nothing was changed meanwhile."""
        parts = {"": Part("", EVERYTHING), **draft.parts}
        for key, part in parts.items():
            if self.closed or self.revision != revision:
                return
            try:
                count = self._counted(part) or count_rows(
                    self._tables.expression(part.table) & restriction_of(part.condition, self._tables.expression)
                )
            except Exception as error:  # noqa: BLE001 - shown in the widget
                self.answer_error("", error)
                self._tell_count(key, {"text": "not counted"}, revision)
                continue
            with self._lock:
                if len(self._cache) >= _CACHED:
                    self._cache.clear()
                self._cache[part.table, part.condition] = count
            self._tell_count(key, count.state(), revision)

    def _tell_count(self, key: str, state: dict[str, Any], revision: int) -> None:
        with self._lock:
            if self.revision != revision:
                return
            if key:
                self.counts = {**self.counts, key: state}
            else:
                self.total = state
