"""How far the tables of a schema are."""

from __future__ import annotations

from dataclasses import dataclass

from datajoint.autopopulate.autopopulate import AutoPopulate
from datajoint.errors import DataJointError
from datajoint.jobs.job import free_jobs
from datajoint.logging import logger
from datajoint.table.table import Table


@dataclass(frozen=True, slots=True)
class TableProgress:
    """How far a table is.

    Attributes
    ----------
    table : str
        Its SQL name.
    rows : int
    total, remaining : int or None
        Keys in all, and those without a row; None where the class, and so the key source, is not known.
    jobs : dict or None
        Numbers of jobs by status, and ``total``; None where there is no queue.
    """

    table: str
    rows: int
    total: int | None
    remaining: int | None
    jobs: dict[str, int] | None


def progress_of(table: Table) -> TableProgress:
    """Return how far a table is."""
    total = remaining = None
    if isinstance(table, AutoPopulate):
        try:
            remaining, total = table.progress()
        except DataJointError as error:  # one table that cannot be populated must not hide the others
            logger.debug("The progress of %s is unknown: %s", table.name, error)
    queue = free_jobs(table)
    return TableProgress(
        table.table_name, len(table), total, remaining, None if queue is None else queue.progress()
    )  # fmt: skip
