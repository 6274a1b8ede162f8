"""The Python that inserts what a form inserts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]

SHOWN_ROWS = 200
"""Rows that are written out."""


def insert_code(name: str, rows: Sequence[Row], parts: Mapping[str, Sequence[Row]], *, many: str | None = None) -> str:
    """Return code that inserts rows into a table and, in the same transaction, rows into its parts.

    Parameters
    ----------
    name : str
        Of the table, as the notebook calls it.
    rows : sequence of dict
        Of the table itself; attributes without a value are left out.
    parts : mapping
        Rows by the part's name; empty ones are passed over.
    many : str, optional
        What to write for `rows` if they are more than `SHOWN_ROWS`.
    """
    filled = {part: rows_ for part, rows_ in parts.items() if rows_}
    if many is not None and len(rows) > SHOWN_ROWS:
        return f"{name}.insert({many})  # the {len(rows):,} rows as pasted"
    lines = [_statement(name, rows)] if rows else []
    lines += [_statement(part, rows_) for part, rows_ in filled.items()]
    if len(lines) < 2:  # noqa: PLR2004 - a single statement is a transaction by itself
        return "\n".join(lines)
    body = "\n".join(lines).replace("\n", "\n    ")
    return f"with {name}.connection.transaction:\n    {body}"


def _statement(name: str, rows: Sequence[Row]) -> str:
    if len(rows) == 1:
        return f"{name}.insert1({given(rows[0])!r})"
    # Rows of one call have the same attributes.
    names = [n for n in rows[0] if any(row[n] is not None for row in rows)] if rows else []
    listed = "".join(f"    { {n: row[n] for n in names}!r},\n" for row in rows)
    return f"{name}.insert([\n{listed}])"


def given(row: Row) -> dict[str, Any]:
    """Return the attributes of a row that have a value."""
    return {name: value for name, value in row.items() if value is not None}
