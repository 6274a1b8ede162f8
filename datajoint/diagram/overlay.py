"""What is known of tables besides their structure: rows, progress, errors, drift. Plain data, for boxes and programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any, Literal, get_args

from datajoint.diagram.class_names import find_classes
from datajoint.errors import DataJointError
from datajoint.expression.universal import U
from datajoint.logging import logger
from datajoint.table import FreeTable
from datajoint.table.drift import find_drift

if TYPE_CHECKING:
    from datajoint.definition import TableName
    from datajoint.diagram.diagram import Diagram
    from datajoint.table.table import Table

Overlay = Literal["rows", "progress", "errors", "drift"]
OVERLAYS: tuple[Overlay, ...] = get_args(Overlay)


@dataclass(frozen=True, slots=True)
class TableStatus:
    """What is known of a table now; None for what was not asked, or does not apply.

    Attributes
    ----------
    rows : int or None
        Number of rows.
    done, total : int or None
        Keys that are computed, and all keys.
    running, errors : int or None
        Jobs that are being computed, and that failed.
    drift : str or None
        In what the table differs from its class's definition; empty if in nothing.
    """

    rows: int | None = None
    done: int | None = None
    total: int | None = None
    running: int | None = None
    errors: int | None = None
    drift: str | None = None

    def __add__(self, other: TableStatus) -> TableStatus:
        numbers = {
            name: one if two is None else two if one is None else one + two
            for name in ("rows", "done", "total", "running", "errors")
            for one, two in [(getattr(self, name), getattr(other, name))]
        }
        drifts = [status.drift for status in (self, other) if status.drift is not None]
        return TableStatus(**numbers, drift="; ".join(filter(None, drifts)) if drifts else None)

    @property
    def alerts(self) -> bool:
        """Whether somebody should look at the table: jobs failed, or it is not what its class says."""
        return bool(self.errors or self.drift)

    def lines(self) -> Iterator[str]:
        """Yield the status in words, shortest first things first."""
        if self.rows is not None:
            yield "1 row" if self.rows == 1 else f"{self.rows:,} rows"
        if self.total is not None:
            yield f"{self.done:,} of {self.total:,} keys"
        if self.running:
            yield f"▶ {self.running:,} running"
        if self.errors:
            yield f"✕ {self.errors:,} failed"
        if self.drift:
            yield "≠ definition"

    def as_dict(self) -> dict[str, Any]:
        """Return what is known, by name."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def total_of(statuses: Sequence[TableStatus]) -> TableStatus | None:
    """Return the sum of what is known of several tables."""
    return reduce(add, statuses) if statuses else None


def find_statuses(diagram: Diagram, kinds: Sequence[Overlay]) -> dict[str, TableStatus]:
    """Ask for the status of every table shown, all in one snapshot; see `Diagram.overlay`."""
    connection = diagram._require_connection()
    nodes = diagram.shown
    names = {node: diagram._table_names[node] for node in nodes}
    classes = find_classes(diagram.context, connection, list(names.values()))
    with nullcontext() if connection.in_transaction else connection.transaction(read_only=True):
        found = {}
        for node, name in names.items():
            status = TableStatus(rows=len(diagram._free_table(node))) if "rows" in kinds else TableStatus()
            if "errors" in kinds:
                status += _jobs(diagram, name)
            if (cls := classes.get(name)) is not None:
                status += _of_class(cls, kinds)
            found[node] = status
        return found


def _of_class(cls: type[Table], kinds: Sequence[Overlay]) -> TableStatus:
    table = cls()
    done = total = drift = None
    progress = getattr(table, "progress", None)
    if "progress" in kinds and progress is not None:
        try:
            remaining, total = progress(display=False)
            done = total - remaining
        except DataJointError as error:
            logger.debug("The progress of %s cannot be told: %s", table.full_table_name, error)
    if "drift" in kinds:
        differences = find_drift(table)
        drift = "; ".join(map(str, differences.differences)) if differences else ""
    return TableStatus(done=done, total=total, drift=drift)


def _jobs(diagram: Diagram, name: TableName) -> TableStatus:
    """Count the jobs of a table by their status, if it has a queue."""
    connection = diagram._require_connection()
    queue = type(name)(name.schema, f"~~{name.name.lstrip('_')}")
    catalog = connection.catalog(name.schema)
    if not name.name.startswith("_") or catalog is None or queue.name not in catalog.tables:
        return TableStatus()
    table = FreeTable(connection, connection.dialect.quote(queue.identifier))
    counts: Mapping[str, int] = Counter(
        {row["status"]: row["n"] for row in U("status").aggr(table, n="count(*)").to_dicts()}
    )
    return TableStatus(running=int(counts["reserved"]), errors=int(counts["error"]))
