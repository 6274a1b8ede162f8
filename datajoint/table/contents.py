"""Insert the rows that a lookup table's class brings along."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from datajoint.errors import InvalidValueError
from datajoint.table.table import Table
from datajoint.values.accept import acceptor


def insert_contents(table: Any) -> None:
    """Insert those rows of ``table.contents`` whose keys the table does not have; existing rows stay as they are.

    Parameters
    ----------
    table : Lookup
        Its `contents` may be any iterable of rows and is consumed once.

    Raises
    ------
    DataJointError
        For rows that cannot be inserted.
    """
    rows = list(table.contents)
    key = table.primary_key
    if table.heading.has_autoincrement:
        if len(rows) > len(table):
            warnings.warn(
                f"The contents of {table.name} are not inserted: the database numbers its rows, so they cannot be compared.",
                stacklevel=4,
            )
        return
    if not key:
        missing = [] if table else rows[:1]
    else:
        present = {tuple(found[name] for name in key) for found in table.keys()}  # noqa: SIM118 - no dict
        missing = [row for row in rows if _key_of(table, row) not in present]
    if missing:
        table.insert(missing, skip_duplicates=True)


def _key_of(table: Table, row: Any) -> tuple[Any, ...] | None:
    """Return the key of a row as it would be fetched; None if the row must be judged by the insert itself."""
    heading = table.heading
    fields = row if isinstance(row, Mapping) else dict(zip(heading.names, row, strict=False))
    try:
        return tuple(acceptor(heading[name].value_type)(fields[name]) for name in heading.primary_key)
    except (KeyError, InvalidValueError):
        return None
