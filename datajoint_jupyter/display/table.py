"""A few rows as a table, in HTML and in text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from datajoint_jupyter.display.markup import Markup, element
from datajoint_jupyter.display.values import Kind

Row = Sequence[str | None]

_TEXT_WIDTH = 24


@dataclass(frozen=True, slots=True)
class Column:
    """How an attribute is shown.

    Attributes
    ----------
    name, type, comment : str
    kind : str
        The family of its values.
    in_key, foreign, nullable : bool
        `foreign` tells that another table's attribute is meant.
    lineage : str
        Where a foreign attribute was first declared; empty if unknown.
    placeholder : str or None
        What stands for values that are not read.
    family : str
        The kind of type, finer than `kind`: ``date``, ``enum`` and the like.
    labels : tuple of str
        Of an enum, its values.
    """

    name: str
    type: str = ""
    comment: str = ""
    kind: Kind = "text"
    in_key: bool = False
    foreign: bool = False
    nullable: bool = False
    lineage: str = ""
    placeholder: str | None = None
    family: str = ""
    labels: tuple[str, ...] = ()

    @property
    def hint(self) -> str:
        """One line that says all of it."""
        marks = ["primary key"] if self.in_key else []
        if self.foreign:
            marks.append(f"refers to {self.lineage}" if self.lineage else "foreign key")
        if self.nullable:
            marks.append("may be missing")
        parts = [f"{self.name} : {self.type}", ", ".join(marks), self.comment]
        return " · ".join(part for part in parts if part)


def html_table(columns: Sequence[Column], rows: Sequence[Row]) -> Markup:
    """Return rows of texts as an HTML table; None is a missing value."""
    head = element("tr", (_head_cell(column) for column in columns))
    body = (element("tr", (_cell(column, value) for column, value in zip(columns, row, strict=True))) for row in rows)
    return element("table", element("thead", head), element("tbody", body), class_="dj-table")


def _head_cell(column: Column) -> Markup:
    name = element("span", column.name, class_="dj-key" if column.in_key else None)
    mark = element("span", " ", _mark(column), class_="dj-type") if _mark(column) else None
    type_line = [element("br"), element("span", column.type, class_="dj-type")] if column.type else None
    return element("th", name, mark, type_line, scope="col", title=column.hint, **_alignment(column))


def _mark(column: Column) -> str:
    return " ".join(mark for mark, set_ in (("PK", column.in_key), ("FK", column.foreign)) if set_)


def _cell(column: Column, value: str | None) -> Markup:
    if column.placeholder is not None:
        return element("td", column.placeholder, class_="dj-blob", style="text-align:left")
    if value is None:
        alignment = _alignment(column)["style"]
        return element("td", "NULL", class_="dj-null", title="missing value", style=alignment)
    return element("td", value, title=value if len(value) > _TEXT_WIDTH else None, **_alignment(column))


def _alignment(column: Column) -> dict[str, str]:
    """Align numbers by an inline style too: front ends that drop style sheets keep it."""
    return (
        {"class_": "dj-number", "style": "text-align:right"}
        if column.kind == "number"
        else {"style": "text-align:left"}
    )


def text_table(columns: Sequence[Column], rows: Sequence[Row]) -> str:
    """Return rows of texts as aligned text; key attributes carry an asterisk."""
    names = [f"*{column.name}" if column.in_key else column.name for column in columns]
    shown = [[_text_cell(column, value) for column, value in zip(columns, row, strict=True)] for row in rows]
    widths = [
        max([len(name), *(len(row[i]) for row in shown)]) if shown else len(name) for i, name in enumerate(names)
    ]  # fmt: skip

    def line(cells: Sequence[str]) -> str:
        aligned = (
            cell.rjust(width) if column.kind == "number" else cell.ljust(width)
            for cell, width, column in zip(cells, widths, columns, strict=True)
        )
        return "  ".join(aligned).rstrip()

    return "\n".join([line(names), line(["-" * width for width in widths]), *map(line, shown)])


def _text_cell(column: Column, value: str | None) -> str:
    text = (
        column.placeholder if column.placeholder is not None else "NULL" if value is None else " ".join(value.split())
    )
    return text if len(text) <= _TEXT_WIDTH else text[: _TEXT_WIDTH - 1] + "…"


def rows_note(shown: int, total: int | None, *, at_least: bool = False) -> str:
    """Return the line under a table that says how much of it is seen; `total` None means that it is not known."""
    if total is None:
        return f"the first {shown:,} rows"
    count = f"{'more than ' if at_least else ''}{total:,} row{'' if total == 1 else 's'}"
    return count if shown >= total and not at_least else f"{shown:,} of {count}"
