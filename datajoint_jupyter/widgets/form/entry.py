"""One entry: a row of a table and rows of its parts, judged together and inserted in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import datajoint as dj
from datajoint.naming import to_camel_case
from datajoint_jupyter.widgets.form.code import insert_code
from datajoint_jupyter.widgets.form.convert import Texts, read_row
from datajoint_jupyter.widgets.form.fields import Field, Reference, fields_of, references_of

Row = dict[str, Any]
TextRows = Sequence[Texts]

_SAID = 400  # characters of a message


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a value.

    Attributes
    ----------
    part : str
        Name of the part; empty for the table itself.
    row : int
    name : str
        Attribute; empty for the row as a whole.
    message : str
    """

    part: str
    row: int
    name: str
    message: str

    def state(self) -> dict[str, Any]:
        """Return what the page shows."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table with what a form needs to know of it.

    Attributes
    ----------
    name : str
        As the notebook's code calls the table.
    table : Table
    references, fields
    inherited : dict
        Of a part, the attributes that the master's row gives: attribute here -> attribute of the master.
    """

    name: str
    table: dj.Table
    references: tuple[Reference, ...]
    fields: tuple[Field, ...]
    inherited: Mapping[str, str]

    @classmethod
    def of(cls, table: dj.Table, name: str, master: dj.Table | None = None) -> Sheet:
        """Return the sheet of a table, or of a part of `master`."""
        references = references_of(table)
        inherited: dict[str, str] = {}
        for reference in references:
            if master is not None and reference.parent.full_table_name == master.full_table_name:
                inherited.update(reference.attributes)
        return cls(name, table, references, fields_of(table, references), inherited)

    @property
    def asked(self) -> tuple[Field, ...]:
        """The fields that a form asks for."""
        return tuple(field for field in self.fields if field.name not in self.inherited)

    def state(self) -> dict[str, Any]:
        """Return what the page needs to know."""
        offered = [
            {**reference.state(), "index": index}
            for index, reference in enumerate(self.references)
            if not {own for own, _ in reference.attributes} <= set(self.inherited)
        ]
        return {
            "name": self.name,
            "table": f"{self.table.database}.{self.table.table_name}",
            "comment": self.table.heading.table_comment,
            "fields": [field.state() for field in self.asked],
            "references": offered,
        }

    def judge(
        self, texts: TextRows, given: Mapping[str, Any], first_in: Sequence[dj.Table], part: str = ""
    ) -> tuple[list[Row], list[Problem]]:
        """Return rows as values, and what is wrong with them by the library's rules and by what is stored.

        Parameters
        ----------
        texts : sequence of dict
        given : mapping
            Values that all rows have.
        first_in : sequence of Table
            Tables that get rows before this one.
        """
        read = [read_row(self.asked, row) for row in texts]
        rows = [{**row.row, **given} for row in read]
        found = [
            Problem(part, index, name, said) for index, row in enumerate(read) for name, said in row.faults.items()
        ]
        faulty = {(problem.row, problem.name) for problem in found}
        checked = self.table.validate(rows, stored=True, together_with=[t.full_table_name for t in first_in])
        for index, name, said in checked.errors:
            # What could not be read is not missing, and one fault is told once; what the master gives is judged there.
            if name is None or ((index, name) not in faulty and name not in self.inherited):
                missing = name is not None and rows[index].get(name) in (None, "")
                found.append(Problem(part, index, name or "", "needs a value" if missing else said[:_SAID]))
                faulty.add((index, name or ""))
        return rows, sorted(found, key=lambda problem: problem.row)


@dataclass(frozen=True, slots=True)
class Judged:
    """An entry as values.

    Attributes
    ----------
    row : dict
    parts : dict
        Rows by the part's name.
    problems : tuple of Problem
    code : str
        Python that inserts it.
    """

    row: Row
    parts: dict[str, list[Row]]
    problems: tuple[Problem, ...]
    code: str


class Entry:
    """What a form inserts into.

    Parameters
    ----------
    table : Table
    name : str
        As the notebook calls it.

    Raises
    ------
    DataJointError
        If the table is filled by its `make`, is restricted, or does not exist.
    """

    def __init__(self, table: dj.Table, name: str) -> None:
        refuse_unfit(table)
        self.sheet = Sheet.of(table, name)
        parts = table.parts(as_objects=True)
        self.parts = tuple(Sheet.of(part, _part_name(name, table, part), table) for part in parts)

    def state(self) -> dict[str, Any]:
        """Return what the page needs to know."""
        return {**self.sheet.state(), "parts": [part.state() for part in self.parts]}

    def sheet_of(self, part: str) -> Sheet:
        """Return the sheet of a part, by name, or that of the table itself.

        Raises
        ------
        DataJointError
            If there is none of that name.
        """
        for sheet in self.parts:
            if sheet.name == part:
                return sheet
        if part:
            raise dj.DataJointError(f"{self.sheet.name} has no part {part!r}.")
        return self.sheet

    def judge(self, values: Texts, parts: Mapping[str, TextRows]) -> Judged:
        """Return an entry as values, and what is wrong with it; nothing is written."""
        rows, problems = self.sheet.judge([values], {}, ())
        row = rows[0]
        inserted: list[dj.Table] = [self.sheet.table]
        part_rows: dict[str, list[Row]] = {}
        for sheet in self.parts:
            given = {own: row[theirs] for own, theirs in sheet.inherited.items()}
            texts = parts.get(sheet.name, ())
            if texts:
                problems += self._uncounted(sheet)
                part_rows[sheet.name], found = sheet.judge(texts, given, inserted, sheet.name)
                problems += found
            inserted.append(sheet.table)
        return Judged(row, part_rows, tuple(problems), insert_code(self.sheet.name, [row], part_rows))

    def _uncounted(self, sheet: Sheet) -> list[Problem]:
        """Return the fault that a part needs a key which the database has yet to make."""
        return [
            Problem("", 0, name, f"Give {name}: the rows of {sheet.name} need it")
            for name in dict.fromkeys(sheet.inherited.values())
            if self.sheet.table.heading[name].autoincrement
        ]

    def insert(self, rows: Sequence[Row], parts: Mapping[str, Sequence[Row]]) -> int:
        """Insert rows, and rows of parts, all or none; return how many.

        Raises
        ------
        DataJointError
            As `Table.insert`.
        """
        table = self.sheet.table
        with table.connection.transaction:
            table.insert(rows)
            for sheet in self.parts:
                if parts.get(sheet.name):
                    sheet.table.insert(parts[sheet.name])
        return len(rows) + sum(map(len, parts.values()))


def refuse_unfit(table: dj.Table) -> None:
    """Refuse a table that nobody enters rows into by hand.

    Raises
    ------
    DataJointError
    """
    name = f"{table.database}.{table.table_name}"
    if table.restriction:
        raise dj.DataJointError(
            f"A form inserts into a whole table; {name} is restricted.", hint="Give the table alone."
        )
    # A name that begins with an underscore is that of an imported or computed table, or of a part of one.
    if table.table_name.startswith("_"):
        raise dj.DataJointError(
            f"The rows of {name} are made by its make(), not entered.",
            hint="Use %dj populate to compute what is missing.",
        )
    if table.table_name.startswith("~"):
        raise dj.DataJointError(f"{name} belongs to the library itself; no rows are entered into it.")


def _part_name(name: str, master: dj.Table, part: dj.Table) -> str:
    """Return how code calls a part: by its class where there is one, else by the name that a class would have."""
    for attribute, value in vars(type(master)).items():
        if isinstance(value, type) and issubclass(value, dj.Part) and value().table_name == part.table_name:
            return f"{name}.{attribute}"
    return f"{name}.{to_camel_case(part.table_name.rpartition('__')[2])}"
