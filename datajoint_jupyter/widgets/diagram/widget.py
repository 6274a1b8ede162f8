"""A diagram to move about in: the picture that `Diagram` draws, arranged anew in the kernel, its status followed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import traitlets

import datajoint as dj
from datajoint.diagram import TableStatus
from datajoint.diagram.code import code_of
from datajoint.diagram.outline import (
    Shown,
    arranged,
    arrangement,
    connection_behind,
    names_of,
    neighbours,
    schemas_of,
    shown_boxes,
    table_name_of,
    theme_of,
    title_of,
)
from datajoint.diagram.palette import dark_rules
from datajoint.jobs.job import free_jobs
from datajoint.status import TableCounts
from datajoint.status.sources import tables_of
from datajoint_jupyter.display.diagram import badge, state_of, static_diagram, status_words, together
from datajoint_jupyter.display.twin import Static
from datajoint_jupyter.poller import Poller
from datajoint_jupyter.protocol import Request, describe_error
from datajoint_jupyter.widgets.base import page_files
from datajoint_jupyter.widgets.changing import ChangingView
from datajoint_jupyter.widgets.child import ChildBrowser
from datajoint_jupyter.widgets.diagram.messages import (
    READERS,
    ArrangeRequest,
    BrowseRequest,
    DetailsRequest,
    EverythingRequest,
    FocusRequest,
    LiveRequest,
)
from datajoint_jupyter.worker import Worker

_COUNTED = 1_000_000
_QUEUES_EVERY = 5
_module, _sheet = page_files(Path(__file__).parent)


class DiagramView(ChangingView):
    """Shows a diagram with zoom, search, collapse, focus, and what is behind each box.

    Parameters
    ----------
    diagram : Diagram
        What to show; drawn by Graphviz as `Diagram` itself is.
    live : bool
        Whether to follow how far computed tables are: one statement a second.

    Attributes
    ----------
    diagram : Diagram
        What is shown now.
    code : str
        Python that makes it, in the notebook's names.
    collapsed : list of str
        Schemas whose tables are collapsed; may be set.
    table : Table or None
        The table that is selected; None if none is.
    statuses : dict
        Full table name -> `TableStatus`, as last seen.

    Raises
    ------
    DataJointError
        If no Graphviz engine is installed.
    """

    readers = READERS
    _esm = _module
    _css = "\n".join([_sheet, *dark_rules('.dj-diagram-view[data-dark="true"] ')])

    svg = traitlets.Unicode().tag(sync=True)
    boxes = traitlets.List(traitlets.Dict()).tag(sync=True)
    layout_state = traitlets.Dict().tag(sync=True)
    code = traitlets.Unicode().tag(sync=True)
    status = traitlets.Dict().tag(sync=True)
    live = traitlets.Bool(False).tag(sync=True)
    selected = traitlets.Unicode().tag(sync=True)
    trouble = traitlets.Unicode().tag(sync=True)
    viewport = traitlets.List(traitlets.Float()).tag(sync=True)

    def __init__(self, diagram: dj.Diagram, *, live: bool = False) -> None:
        self._base = diagram
        self._connection = connection_behind(diagram)
        self._lock = threading.RLock()
        self._drawing = threading.Lock()
        self._focus: tuple[str, int, int] | None = None
        self._schemas, self._folded, self._overview = arrangement(diagram)
        self._shown = diagram
        self._boxes: list[Shown] = []
        self._known: dict[str, TableStatus] = {}
        self._counts: TableCounts | None = None
        self._looks = 0
        self._child = ChildBrowser()
        self._worker = Worker("dj diagram", self._connection.close_thread)
        self._poller = Poller("dj diagram status", self._look, self._connection.close_thread)
        super().__init__(**self._drawn(diagram, None), live=live)
        self.observe(self._follow, "live")
        if live:
            self._poller.start()

    # --- from Python
    @property
    def diagram(self) -> dj.Diagram:
        """What is shown now."""
        with self._lock:
            return self._shown

    @property
    def collapsed(self) -> list[str]:
        """Schemas whose tables are collapsed into one box."""
        with self._lock:
            return list(self._schemas)

    @collapsed.setter
    def collapsed(self, schemas: Collection[str]) -> None:
        self.arrange(collapsed=schemas)

    @property
    def table(self) -> dj.Table | None:
        """The table that is selected, of its class if the notebook has one; None if none is."""
        return self._table(self.selected) if self.selected else None

    @property
    def statuses(self) -> dict[str, TableStatus]:
        """Full table name -> what was last seen of it, where the status is followed."""
        with self._lock:
            return dict(self._known)

    def arrange(
        self, collapsed: Collection[str] | None = None, *, folded: bool | None = None, overview: bool | None = None
    ) -> None:
        """Collapse and expand.

        Parameters
        ----------
        collapsed : collection of str, optional
            Schemas whose tables become one box each; as it was by default.
        folded : bool, optional
            Whether parts are told in the boxes of their masters.
        overview : bool, optional
            Whether every schema becomes a box that tells its tiers.

        Raises
        ------
        DataJointError
            If the diagram shows no tables of a schema.
        """
        with self._lock:
            diagram = self._whole()
            schemas = self._schemas if collapsed is None else sorted(set(collapsed))
            folded = self._folded if folded is None else folded
            overview = self._overview if overview is None else overview
            focus = self._focus
        if wrong := [
            name for name in schemas if name not in schemas_of(self._base) and name not in schemas_of(diagram)
        ]:
            raise dj.DataJointError(
                f"The diagram shows no tables of {wrong[0]}.", hint=f"Choose of {', '.join(schemas_of(diagram))}."
            )
        self._draw(diagram, focus, schemas, folded, overview)

    def focus_on(self, table: Any, up: int = 1, down: int = 1) -> None:
        """Show a table and its neighbours alone.

        Parameters
        ----------
        table : table class, instance or full name
        up, down : int
            Foreign keys to follow to parents and to children.

        Raises
        ------
        DataJointError
            If the diagram does not know the table.
        """
        node = getattr(table, "full_table_name", None) or str(table)
        with self._lock:
            known = self._shown if node in self._shown.nodes_to_show else self._base
            schemas, folded = self._schemas, self._folded
        found = neighbours(known, node, up, down)
        # The table that one looks at is not to disappear in a box.
        schemas = [name for name in schemas if name != table_name_of(found, node).schema]
        self._draw(found, (node, up, down), schemas, folded, overview=False)
        self.selected = node

    def show_all(self) -> None:
        """Show all tables again."""
        with self._lock:
            schemas, folded, overview = self._schemas, self._folded, self._overview
        self._draw(self._base, None, schemas, folded, overview)

    def close(self) -> None:
        """Close the widget with its threads, sessions and the browser within."""
        if not self.closed:
            self._poller.stop()
            self._worker.close()
            self._child.close()
        super().close()

    def static(self) -> Static:
        """Return the picture as it is now."""
        diagram = self.diagram
        return static_diagram(diagram.svg_string(), title_of(diagram), repr(diagram))

    def twin(self) -> dict[str, Any]:
        """Return the picture, also as such for what shows no HTML."""
        return {**super().twin(), "image/svg+xml": self.diagram._repr_svg_() or ""}

    # --- drawing
    def _whole(self) -> dj.Diagram:
        """Return all tables that are to be seen, before they are arranged."""
        return self._base if self._focus is None else neighbours(self._shown, *self._focus)

    def _draw(
        self,
        diagram: dj.Diagram,
        focus: tuple[str, int, int] | None,
        schemas: Collection[str],
        folded: bool,
        overview: bool,
    ) -> None:
        with self._drawing:
            chosen = list(schemas)
            untouched = diagram is self._base and (chosen, folded, overview) == arrangement(self._base)
            shown = diagram if untouched else arranged(diagram, chosen, folded=folded, overview=overview)
            with self._lock:
                self._schemas, self._folded, self._overview, self._focus = chosen, folded, overview, focus
            traits = self._drawn(shown, focus)
            if self.closed:
                return
            with self.hold_sync():
                for name, value in traits.items():
                    setattr(self, name, value)
        self.renew_twin(self._worker)

    def _drawn(self, shown: dj.Diagram, focus: tuple[str, int, int] | None) -> dict[str, Any]:
        """Draw, and return what the page is to know of it."""
        # A picture drawn light is turned dark by the page, where that is.
        svg = _without_status(shown).svg_string(theme="dark" if theme_of(shown) == "dark" else "light")
        boxes = shown_boxes(shown)
        with self._lock:
            self._shown, self._boxes = shown, boxes
            self._counts = None
            return {
                "svg": svg,
                "boxes": [_box_state(box) for box in boxes],
                "layout_state": self._layout(shown, focus),
                "code": code_of(shown, focus),
                "status": self._status_state(),
            }

    def _layout(self, shown: dj.Diagram, focus: tuple[str, int, int] | None) -> dict[str, Any]:
        return {
            "schemas": sorted({*schemas_of(shown), *schemas_of(self._base)} if focus is None else schemas_of(shown)),
            "collapsed": list(self._schemas),
            "folded": self._folded,
            "overview": self._overview,
            "focus": None if focus is None else {"table": focus[0], "up": focus[1], "down": focus[2]},
            "theme": theme_of(shown),
        }

    # --- from the page
    def receive(self, request: Request) -> dict[str, Any] | None:
        """Hand what draws or needs the database to the widget's own thread."""
        payload = request.payload
        work: Callable[[], Any]
        match payload:
            case LiveRequest():
                self.live = payload.on
                return {}
            case ArrangeRequest():
                work = lambda: self.arrange(payload.collapsed, folded=payload.folded, overview=payload.overview)  # noqa: E731
            case FocusRequest():
                work = lambda: self.focus_on(payload.table, payload.up, payload.down)  # noqa: E731
            case EverythingRequest():
                work = self.show_all
            case DetailsRequest():
                work = lambda: self._details(payload.table)  # noqa: E731
            case BrowseRequest():
                work = lambda: self._browse(payload.table)  # noqa: E731
            case _:
                return {}
        self._later(request.id, work)
        return None

    def _later(self, identifier: str, work: Callable[[], Any]) -> None:
        def job() -> None:
            try:
                payload = work() or {}
            except Exception as error:  # noqa: BLE001 - shown in the widget
                self.answer_error(identifier, error)
            else:
                self.answer(identifier, "done", payload)

        self._worker.submit(job)

    # --- in the widget's thread
    def _table(self, node: str) -> dj.Table:
        name = table_name_of(self.diagram, node)
        return tables_of(self._connection, [name], self._context())[name]

    def _context(self) -> Mapping[str, Any]:
        return self._base.context

    def _details(self, node: str) -> dict[str, Any]:
        table = self._table(node)
        diagram = self.diagram
        rows = len(table & dj.Top(limit=_COUNTED + 1))
        jobs = free_jobs(table)
        counts = jobs.progress() if jobs is not None else {}
        self.selected = node
        return {
            "table": node,
            "definition": table.describe(self._context()).strip(),
            "rows": f"more than {_COUNTED:,} rows" if rows > _COUNTED else f"{rows:,} row{'' if rows == 1 else 's'}",
            "jobs": ", ".join(f"{n:,} {status}" for status, n in counts.items() if n and status != "total"),
            "parents": [_neighbour(diagram, parent) for parent in dict.fromkeys(diagram.predecessors(node))],
            "children": [_neighbour(diagram, child) for child in dict.fromkeys(diagram.successors(node))],
        }

    def _browse(self, node: str) -> dict[str, Any]:
        table = self._table(node)
        return {"model": self._child.open(table, "")}

    # --- following
    def _follow(self, change: Any) -> None:
        if change["new"] and not self.closed:
            self._poller.start()
        else:
            self._poller.stop()

    def _look(self) -> None:
        """Ask how far the tables are, in one statement, and tell the page what changed."""
        try:
            with self._lock:
                shown, counts = self._shown, self._counts
            if counts is None:
                names = names_of(shown).values()
                counts = TableCounts(self._connection, list(names), self._context())
                with self._lock:
                    if self._shown is shown:
                        self._counts = counts
            self._looks += 1
            if counts.lacks_queues and self._looks % _QUEUES_EVERY == 0:
                counts.look_again()
                return
            found = {table.full_table_name: status for table, status in _named(counts)}
            with self._lock:
                self._known |= found
                if not self.closed:
                    self.status = self._status_state()
        except Exception as error:  # noqa: BLE001 - shown in the widget; the next look may succeed
            self._say(describe_error(error)["message"])
            with self._lock:
                self._counts = None
        else:
            self._say("")

    def _say(self, trouble: str) -> None:
        if not self.closed and self.trouble != trouble:
            self.trouble = trouble

    def _status_state(self) -> dict[str, Any]:
        """Return what the page paints: for each box numbers, a sign and words."""
        found = {}
        for box in self._boxes:
            status = together(self._known[table] for table in box.tables if table in self._known)
            if status is not None and (words := status_words(status)):
                found[box.node] = {
                    "done": status.done,
                    "total": status.total,
                    "running": status.running,
                    "errors": status.errors,
                    "state": state_of(status),
                    "badge": badge(status),
                    "words": words,
                }
        return found


def _named(counts: TableCounts) -> list[tuple[dj.Table, TableStatus]]:
    read = counts.read()
    return [(counts.tables[name], status) for name, status in read.items()]


def _without_status(diagram: dj.Diagram) -> dj.Diagram:
    """Return the diagram without what an overlay found: the page paints what is so now."""
    return diagram.overlay(statuses={}) if diagram.statuses else diagram


def _neighbour(diagram: dj.Diagram, node: str) -> dict[str, Any]:
    name = table_name_of(diagram, node)
    return {"table": node, "title": str(name), "shown": node in diagram.nodes_to_show}


def _box_state(box: Shown) -> dict[str, Any]:
    return {
        "node": box.node,
        "title": box.title,
        "schema": box.schema,
        "tier": box.tier,
        "tables": list(box.tables),
        "labels": list(box.labels),
        "attributes": list(box.attributes),
        "collapsed": box.collapsed,
    }
