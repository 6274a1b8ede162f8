"""How far the tables of a schema are."""

from __future__ import annotations

from dataclasses import dataclass

from datajoint.autopopulate.autopopulate import AutoPopulate
from datajoint.errors import DataJointError
from datajoint.jobs.job import free_jobs
from datajoint.logging import logger
from datajoint.shown import html_table, html_text
from datajoint.table.table import Table

_HEAD = ("table", "rows", "keys made", "queue")


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

    @property
    def keys(self) -> str:
        """How many keys are made, in words; empty where that is not known."""
        if self.total is None or self.remaining is None:
            return ""
        return f"{self.total - self.remaining:,} of {self.total:,}"

    @property
    def queue(self) -> str:
        """The numbers of jobs that are in the queue, in words; empty where there is no queue."""
        if self.jobs is None:
            return ""
        found = [f"{count:,} {status}" for status, count in self.jobs.items() if count and status != "total"]
        return ", ".join(found) or "no jobs"


class SchemaProgress(list[TableProgress]):
    """How far the tables of a schema are: a list that shows itself as a table, as text and in a notebook."""

    def _cells(self) -> list[tuple[str, str, str, str]]:
        return [(p.table, f"{p.rows:,}", p.keys, p.queue) for p in self]

    def __repr__(self) -> str:
        if not self:
            return "No table here populates itself."
        lines = [_HEAD, *self._cells()]
        widths = [max(len(line[n]) for line in lines) for n in range(len(_HEAD))]
        aligned = (
            f"{table:<{widths[0]}}  {rows:>{widths[1]}}  {keys:<{widths[2]}}  {queue}".rstrip()
            for table, rows, keys, queue in lines
        )
        return "\n".join(aligned)

    def _repr_html_(self) -> str:
        rows = [(table, p.rows, keys, queue) for p, (table, _, keys, queue) in zip(self, self._cells(), strict=True)]
        return html_table(_HEAD, rows, kind="progress") or html_text(repr(self))


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
