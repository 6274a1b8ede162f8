"""Pasted rows: kept in the kernel as texts, corrected cell by cell, inserted all or none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import datajoint as dj
from datajoint_jupyter.widgets.form.code import insert_code
from datajoint_jupyter.widgets.form.convert import Texts, read_row
from datajoint_jupyter.widgets.form.entry import Problem, Row, Sheet
from datajoint_jupyter.widgets.form.paste import TextRow, read_pasted


class PastedRows:
    """Rows of one table as texts, with what is wrong with each; used by one thread at a time.

    Parameters
    ----------
    sheet : Sheet

    Attributes
    ----------
    names : tuple of str
        Attributes that the columns stand for.
    texts : list of dict
    problems : tuple of Problem
    """

    def __init__(self, sheet: Sheet) -> None:
        self._sheet = sheet
        self.names: tuple[str, ...] = ()
        self.texts: list[TextRow] = []
        self.problems: tuple[Problem, ...] = ()

    def paste(self, text: str) -> None:
        """Take the rows of a text in place of those before; an empty text takes all away.

        Raises
        ------
        DataJointError
            If it cannot be read as rows of the table; the rows before stay.
        """
        if not text:
            self.names, self.texts, self.problems = (), [], ()
            return
        found = read_pasted(text, self._sheet.fields)
        self.names, self.texts = found.names, list(found.rows)
        self.check()

    def set_cell(self, row: int, name: str, value: str | None) -> None:
        """Change one cell.

        Raises
        ------
        DataJointError
            If there is no such cell.
        """
        if row >= len(self.texts) or name not in self.names:
            raise dj.DataJointError(f"There is no row {row + 1} with {name!r} among the pasted rows.")
        self.texts[row] = {**self.texts[row], name: value}
        self.check()

    def drop(self, row: int) -> None:
        """Leave a row out.

        Raises
        ------
        DataJointError
            If there is no such row.
        """
        if row >= len(self.texts):
            raise dj.DataJointError(f"There is no row {row + 1} among the pasted rows.")
        del self.texts[row]
        self.check()

    def check(self) -> list[Row]:
        """Judge all rows, by what is stored now too; return them as values."""
        rows, problems = self._sheet.judge(self.texts, {}, ())
        self.problems = tuple(problems)
        return rows

    @property
    def rows(self) -> list[Row]:
        """The rows as values, as `Table.insert` takes them; attributes without a column are left out."""
        return [{name: row[name] for name in self.names} for row in map(self._read, self.texts)]

    def _read(self, texts: Texts) -> Row:
        return read_row(self._sheet.fields, texts).row

    def code(self, form: str = "form") -> str:
        """Return Python that inserts them, if the notebook calls the form so."""
        return insert_code(self._sheet.name, self.rows, {}, many=f"{form}.pasted_rows") if self.texts else ""

    def page(self, offset: int, limit: int) -> dict[str, Any]:
        """Return some rows and their problems, for the page."""
        rows: Sequence[TextRow] = self.texts[offset : offset + limit]
        return {
            "offset": offset,
            "rows": [[row.get(name) for name in self.names] for row in rows],
            "problems": [p.state() for p in self.problems if offset <= p.row < offset + limit],
        }

    def state(self) -> dict[str, Any]:
        """Return how many there are, for the page."""
        wrong = sorted({problem.row for problem in self.problems})
        return {"names": list(self.names), "count": len(self.texts), "wrong": len(wrong), "first_wrong": wrong[:1]}
