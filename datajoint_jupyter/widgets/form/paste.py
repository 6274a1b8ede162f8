"""What a spreadsheet puts on the clipboard, as rows of texts by attribute."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

import datajoint as dj
from datajoint.naming import did_you_mean
from datajoint_jupyter.widgets.form.fields import Field

TextRow = dict[str, str | None]

MAX_ROWS = 20_000
_QUOTED = re.compile(r'"((?:[^"]|"")*[\t\n](?:[^"]|"")*)"(?=[\t\n]|\Z)')
_PLAIN = re.compile(r"([^\t\n]*)")
_CELL = 2**24  # characters; beyond what any front end sends


@dataclass(frozen=True, slots=True)
class Pasted:
    """Rows as texts; None for empty cells.

    Attributes
    ----------
    names : tuple of str
        Attributes that the columns stand for, in their order.
    rows : tuple of dict
    has_header : bool
        Whether the first line names the attributes.
    """

    names: tuple[str, ...]
    rows: tuple[TextRow, ...]
    has_header: bool


def read_pasted(text: str, fields: Sequence[Field]) -> Pasted:
    """Read lines of cells, parted by tabs, or by commas or semicolons where no line has a tab.

    A first line that names attributes gives their order; without it, columns are the attributes in theirs.

    Raises
    ------
    DataJointError
        If there are no rows or too many, a named attribute does not exist or comes twice, or lines have too many cells.
    """
    lines = [line for line in _cells(text) if any(cell.strip() for cell in line)]
    if not lines:
        raise dj.DataJointError("There are no rows in the pasted text.", hint="Copy cells of a spreadsheet.")
    if len(lines) > MAX_ROWS + 1:
        raise dj.DataJointError(
            f"{len(lines):,} rows were pasted, and the form takes {MAX_ROWS:,}.",
            hint="Save them as a CSV file and insert its path: Table.insert(pathlib.Path('rows.csv')).",
        )
    names, has_header = _names(lines[0], fields)
    body = lines[has_header:]
    if not body:
        raise dj.DataJointError("There is a line of names and no row below it.", hint="Copy the rows as well.")
    for number, line in enumerate(body, 1):
        if any(cell.strip() for cell in line[len(names) :]):
            raise dj.DataJointError(
                f"Row {number} has {len(line)} cells, and there are {len(names)} columns.",
                hint="Copy the line with the attributes' names too.",
            )
    return Pasted(names, tuple(_row(names, line) for line in body), has_header)


def _cells(text: str) -> list[list[str]]:
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")
    if "\t" in text:
        return _tabbed(text)
    first = text.lstrip("\n").partition("\n")[0]
    delimiter = ";" if first.count(";") > first.count(",") else ","
    before = csv.field_size_limit(_CELL)
    try:
        return list(csv.reader(io.StringIO(text), delimiter=delimiter))
    finally:
        csv.field_size_limit(before)


def _tabbed(text: str) -> list[list[str]]:
    """Return the cells of text from a spreadsheet, which puts quotes around those with a tab or a new line only."""
    lines: list[list[str]] = [[]]
    place = 0
    while True:
        match = _QUOTED.match(text, place) or _PLAIN.match(text, place)
        assert match is not None  # nothing at all is a cell, too
        quoted = match.re is _QUOTED
        lines[-1].append(match[1].replace('""', '"') if quoted else match[1])
        place = match.end() + 1
        if match.end() == len(text):
            return lines
        if text[match.end()] == "\n":
            lines.append([])


def _names(line: Sequence[str], fields: Sequence[Field]) -> tuple[tuple[str, ...], bool]:
    """Return the attributes of the columns, and whether the line names them."""
    known = {field.name.lower(): field.name for field in fields}
    given = [cell.strip() for cell in line]
    while given and not given[-1]:
        given.pop()
    found = [known.get(cell.lower()) for cell in given]
    hits = sum(name is not None for name in found)
    # One attribute's name may be a value; half of the line is a header, perhaps with a mistake in it.
    if hits * 2 < max(2, len(given)) and not (hits == len(given) == 1):
        return tuple(field.name for field in fields), False
    for cell, name in zip(given, found, strict=True):
        if name is None:
            hint = did_you_mean(cell, list(known.values())) or f"There is {', '.join(known.values())}."
            raise dj.DataJointError(f"The first line names {cell!r}, and the table has no such attribute.", hint=hint)
        if found.count(name) > 1:
            raise dj.DataJointError(f"The first line names {name!r} twice.", hint="Leave one of the columns out.")
    return tuple(name for name in found if name is not None), True


def _row(names: Sequence[str], line: Sequence[str]) -> TextRow:
    padded = [*line, *[""] * len(names)]
    return {name: cell if cell != "" else None for name, cell in zip(names, padded, strict=False)}
