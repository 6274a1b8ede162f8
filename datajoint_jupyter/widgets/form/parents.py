"""Rows of a parent to choose from: searched and paged by the database, never all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import datajoint as dj
from datajoint_jupyter.conditions.words import literal, quoted_name
from datajoint_jupyter.display.table import Column
from datajoint_jupyter.display.values import text_of
from datajoint_jupyter.widgets.browser.columns import columns_of
from datajoint_jupyter.widgets.form.fields import Reference

PAGE_ROWS = 8

_SHOWN_COLUMNS = 6
_WHOLE_TEXT = 100_000  # a key's text is given back to the form and must be all of it


@dataclass(frozen=True, slots=True)
class ParentPage:
    """A page of a parent's rows.

    Attributes
    ----------
    columns : tuple of str
    rows : tuple
        Texts of each row.
    values : tuple of dict
        What the attributes of the foreign key become if the row is chosen.
    offset : int
    more : bool
        Whether rows follow.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]
    values: tuple[dict[str, str | None], ...]
    offset: int
    more: bool

    def state(self) -> dict[str, Any]:
        """Return what the page shows."""
        return {
            "columns": list(self.columns),
            "rows": [list(row) for row in self.rows],
            "values": list(self.values),
            "offset": self.offset,
            "more": self.more,
        }


def parent_page(reference: Reference, search: str, offset: int) -> ParentPage:
    """Read a page of rows, those in which each word of `search` is found.

    Raises
    ------
    DataJointError
        If they cannot be read.
    """
    parent = reference.parent
    columns = [column for column in columns_of(parent) if column.placeholder is None]
    needed = [theirs for _, theirs in reference.attributes]
    shown = [c for c in columns if c.in_key or c.name in needed]
    shown += [c for c in columns if c not in shown][: max(0, _SHOWN_COLUMNS - len(shown))]
    conditions = dj.AndList([_word(columns, word, parent) for word in search.split()])
    source = parent & conditions if conditions else parent
    rows = (source & dj.Top(PAGE_ROWS + 1, "KEY", offset)).proj(*(c.name for c in shown)).to_dicts()
    page = rows[:PAGE_ROWS]
    return ParentPage(
        tuple(column.name for column in shown),
        tuple(tuple(text_of(row[column.name]) for column in shown) for row in page),
        tuple({own: text_of(row[theirs], _WHOLE_TEXT) for own, theirs in reference.attributes} for row in page),
        offset,
        len(rows) > PAGE_ROWS,
    )


def _word(columns: list[Column], word: str, parent: dj.Table) -> Any:
    """Return the condition that a row has a word: texts that contain it, other values that it spells."""
    found: list[Any] = []
    pattern = word.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    for column in columns:
        attribute = parent.heading[column.name]
        if attribute.value_type.is_text and attribute.value_type.kind != "enum":
            found.append(f"lower({quoted_name(column.name)}) LIKE {literal(f'%{pattern}%')}")
        elif attribute.value_type.kind == "enum":
            found += [{column.name: label} for label in attribute.value_type.labels if word.lower() in label.lower()]
        elif _spells(parent, column.name, word):
            found.append({column.name: word})
    return found or False


def _spells(parent: dj.Table, name: str, word: str) -> bool:
    """Tell whether the attribute can hold what the word spells."""
    return not any(about == name for _, about, _ in parent.validate([{name: word}]).errors)
