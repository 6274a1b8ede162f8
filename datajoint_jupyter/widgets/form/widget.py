"""A form to enter rows into a table, one with its parts or many from a spreadsheet."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import traitlets

import datajoint as dj
from datajoint_jupyter.display.form import static_form
from datajoint_jupyter.display.twin import Static
from datajoint_jupyter.protocol import Request
from datajoint_jupyter.widgets.base import page_files
from datajoint_jupyter.widgets.changing import ChangingView
from datajoint_jupyter.widgets.form.convert import text_for
from datajoint_jupyter.widgets.form.entry import Entry, Judged, Problem, Row
from datajoint_jupyter.widgets.form.messages import (
    READERS,
    CellRequest,
    CheckRequest,
    DropRequest,
    InsertPastedRequest,
    InsertRequest,
    JudgeRequest,
    ParentsRequest,
    PasteRequest,
    RowsRequest,
)
from datajoint_jupyter.widgets.form.parents import parent_page
from datajoint_jupyter.widgets.form.sheet import PastedRows
from datajoint_jupyter.worker import Worker

_PAGE = 50
_SHOWN = 12_000  # characters of code that the page shows

Answer = dict[str, Any]


class EntryForm(ChangingView):
    """Enter rows into a table: a form for one row and rows of its parts, or rows pasted from a spreadsheet.

    Everything is judged by the rules of `Table.insert`, and by the keys and parents that are stored, before anything is
    written; then it is inserted in one transaction, all or nothing.

    Parameters
    ----------
    table : Table
        A manual or lookup table, or a part of one.
    name : str
        As the notebook calls it, for the code that is shown.
    values : mapping, optional
        What the form begins with.

    Attributes
    ----------
    values : dict
        What is typed, as texts by attribute; None stands for no value. May be set, with any values that the table takes.
    parts : dict
        Rows of parts by name, such as ``{"Session.Trial": [{"trial": "1"}]}``, in the same way. May be set.
    problems : tuple of Problem
        What is wrong with the entry, as last judged.
    pasted_rows : list of dict
        The pasted rows as `Table.insert` takes them.
    inserted : int
        Number of rows that were inserted so far, those of parts among them.

    Raises
    ------
    DataJointError
        If the table is filled by its `make`, is restricted, or does not exist.
    """

    readers = READERS
    _esm, _css = page_files(Path(__file__).parent)

    spec = traitlets.Dict().tag(sync=True)
    entry = traitlets.Dict().tag(sync=True)
    pasted = traitlets.Dict().tag(sync=True)
    revision = traitlets.Int(0).tag(sync=True)  # of the pasted rows: views read their page again
    mode = traitlets.Unicode("one").tag(sync=True)
    said = traitlets.Unicode().tag(sync=True)
    inserted = traitlets.Int(0).tag(sync=True)

    def __init__(self, table: dj.Table, *, name: str = "", values: Mapping[str, Any] | None = None) -> None:
        # The worker comes first: a form that cannot be made is closed like any other.
        self._worker = Worker(f"dj insert {table.database}.{table.table_name}", table.connection.close_thread)
        self._entry = Entry(table, name or table.class_name)
        self._lock = threading.RLock()
        self._rows = PastedRows(self._entry.sheet)
        self._code = ""
        self.problems: tuple[Problem, ...] = ()
        super().__init__(
            spec=self._entry.state(),
            entry={"values": self._texts("", values or {}), "parts": {}},
            pasted=self._rows.state(),
        )

    # --- from Python
    @property
    def values(self) -> dict[str, str | None]:
        """What is typed, by attribute."""
        return dict(self.entry["values"])

    @values.setter
    def values(self, values: Mapping[str, Any]) -> None:
        self.entry = {**self.entry, "values": self._texts("", values), "by": ""}

    @property
    def parts(self) -> dict[str, list[dict[str, str | None]]]:
        """What is typed for the parts, by their names."""
        return {name: [dict(row) for row in rows] for name, rows in self.entry["parts"].items()}

    @parts.setter
    def parts(self, parts: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        texts = {name: [self._texts(name, row) for row in rows] for name, rows in parts.items()}
        self.entry = {**self.entry, "parts": texts, "by": ""}

    @property
    def pasted_rows(self) -> list[Row]:
        """The pasted rows as `Table.insert` takes them."""
        with self._lock:
            return self._rows.rows

    @property
    def code(self) -> str:
        """Python that inserts the entry, or the pasted rows where those are in front."""
        return self.code_as("form")

    def code_as(self, name: str) -> str:
        """Return `code` for a notebook that calls the form `name`, where very many rows are pasted."""
        with self._lock:
            return self._rows.code(name) if self.mode == "many" else self._judge().code

    def paste(self, text: str) -> None:
        """Take the lines of a spreadsheet as rows; `problems` tells what is wrong with them.

        Raises
        ------
        DataJointError
            If they cannot be read as rows of the table.
        """
        with self._lock:
            self._rows.paste(text)
            self.mode = "many"
            self._show_pasted()

    def insert(self) -> int:
        """Insert the entry with its parts, or the pasted rows where those are in front; return how many rows.

        Raises
        ------
        DataJointError
            If anything is wrong with one; nothing was inserted.
        """
        with self._lock:
            done = self._insert_pasted() if self.mode == "many" else self._insert_entry()
            if not done:
                first = self.problems[0] if self.problems else None
                said = f"{first.name or 'row'} {first.message}" if first else "there is nothing to insert"
                raise dj.DataJointError(f"Nothing was inserted: {said}.", hint="See the form's problems.")
            return done

    def close(self) -> None:
        """Close the form, its channel to the page, its thread and its database session."""
        if not self.closed:
            self._worker.close()
        super().close()

    def static(self) -> Static:
        """Return what the table takes, and what was inserted last."""
        return static_form(self.spec, self.said, self._code)

    def _texts(self, part: str, values: Mapping[str, Any]) -> dict[str, str | None]:
        fields = {field.name: field for field in self._entry.sheet_of(part).asked}
        if unknown := [name for name in values if name not in fields]:
            raise dj.DataJointError(f"The form has no field {unknown[0]!r}.", hint=f"There is {', '.join(fields)}.")
        return {name: text_for(value, fields[name]) for name, value in values.items()}

    # --- from the page
    def receive(self, request: Request) -> None:
        """Hand everything to the form's own thread: each answer needs the database."""
        payload = request.payload
        handlers: dict[type, Callable[[Any], tuple[str, Answer]]] = {
            CheckRequest: self._check,
            JudgeRequest: lambda _: ("checked", self._judged(self._judge())),
            InsertRequest: self._insert,
            ParentsRequest: self._parents,
            PasteRequest: self._paste,
            RowsRequest: self._page,
            CellRequest: self._cell,
            DropRequest: self._drop,
            InsertPastedRequest: self._insert_all,
        }
        handle = handlers[type(payload)]
        self._worker.submit(lambda: self._handle(request.id, handle, payload))

    def _handle(self, identifier: str, handle: Callable[[Any], tuple[str, Answer]], payload: Any) -> None:
        try:
            with self._lock:
                kind, answer = handle(payload)
        except Exception as error:  # noqa: BLE001 - shown in the widget
            self.answer_error(identifier, error)
            return
        self.answer(identifier, kind, answer)

    # --- one entry
    def _check(self, request: CheckRequest) -> tuple[str, Answer]:
        self._take(request)
        return "checked", self._judged(self._judge())

    def _insert(self, request: InsertRequest) -> tuple[str, Answer]:
        self._take(request)
        count = self._insert_entry()
        return ("inserted", {"count": count}) if count else ("refused", self._judged(self._judge()))

    def _take(self, request: CheckRequest | InsertRequest) -> None:
        known = {sheet.name: {field.name for field in sheet.asked} for sheet in self._entry.parts}
        own = {field.name for field in self._entry.sheet.asked}
        rows = [("", own, [request.values]), *((n, known.get(n, set()), r) for n, r in request.parts.items())]
        for part, names, texts in rows:
            self._entry.sheet_of(part)
            if unknown := sorted({name for row in texts for name in row} - names):
                raise dj.DataJointError(f"The form has no field {unknown[0]!r}.")
        self.entry = {"values": request.values, "parts": request.parts, "by": request.by}

    def _judge(self) -> Judged:
        judged = self._entry.judge(self.entry["values"], self.entry["parts"])
        self.problems = judged.problems
        return judged

    def _judged(self, judged: Judged) -> Answer:
        return {"problems": [problem.state() for problem in judged.problems], "code": judged.code[:_SHOWN]}

    def _insert_entry(self) -> int:
        judged = self._judge()
        if judged.problems:
            return 0
        count = self._entry.insert([judged.row], judged.parts)
        # The next row often belongs to the same parent.
        kept = {f.name for f in self._entry.sheet.asked if f.foreign}
        self.entry = {"values": {n: t for n, t in self.values.items() if n in kept}, "parts": {}}
        self._tell_inserted(count, judged.code)
        return count

    def _tell_inserted(self, count: int, code: str) -> None:
        self.inserted += count
        self._code = code
        self.said = f"{count:,} row{'' if count == 1 else 's'} inserted into {self.spec['table']}{self._of_parts()}."
        self.update_twin()

    def _of_parts(self) -> str:
        return " and its parts" if self.spec["parts"] and self.mode == "one" else ""

    def _parents(self, request: ParentsRequest) -> tuple[str, Answer]:
        references = self._entry.sheet_of(request.part).references
        if request.reference >= len(references):
            raise dj.DataJointError(f"There is no foreign key number {request.reference}.")
        return "parents", parent_page(references[request.reference], request.search, request.offset).state()

    # --- pasted rows
    def _paste(self, request: PasteRequest) -> tuple[str, Answer]:
        self._rows.paste(request.text)
        return self._changed(0)

    def _page(self, request: RowsRequest) -> tuple[str, Answer]:
        return "rows", self._rows.page(request.offset, request.limit) | {"code": self._rows.code()[:_SHOWN]}

    def _cell(self, request: CellRequest) -> tuple[str, Answer]:
        self._rows.set_cell(request.row, request.name, request.value)
        return self._changed(request.row)

    def _drop(self, request: DropRequest) -> tuple[str, Answer]:
        self._rows.drop(request.row)
        return self._changed(request.row)

    def _insert_all(self, request: InsertPastedRequest) -> tuple[str, Answer]:  # noqa: ARG002 - all handlers are alike
        count = self._insert_pasted()
        if not count:
            return self._changed(self.problems[0].row if self.problems else 0)
        return "inserted", {"count": count}

    def _insert_pasted(self) -> int:
        self._rows.check()
        self._show_pasted()
        if self.problems or not self._rows.texts:
            return 0
        code = self._rows.code()
        count = self._entry.insert(self._rows.rows, {})
        self._rows.paste("")
        self._show_pasted()
        self._tell_inserted(count, code)
        return count

    def _changed(self, row: int) -> tuple[str, Answer]:
        self._show_pasted()
        page = min(row, max(0, len(self._rows.texts) - 1)) // _PAGE * _PAGE
        return "rows", self._rows.page(page, _PAGE) | {"code": self._rows.code()[:_SHOWN]}

    def _show_pasted(self) -> None:
        self.problems = self._rows.problems
        with self.hold_sync():
            self.pasted = self._rows.state()
            self.revision += 1
