"""``%dj jobs``: the queue of a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from datajoint.jobs import Job
from datajoint_jupyter.display.listing import static_listing, together
from datajoint_jupyter.display.table import Column
from datajoint_jupyter.display.values import key_text
from datajoint_jupyter.magics.arguments import connection_option, option, output_option, positive, rest
from datajoint_jupyter.magics.command import Command, Context
from datajoint_jupyter.magics.show import show_static
from datajoint_jupyter.magics.work_targets import named_tables
from datajoint_jupyter.work.targets import title_of

_STATUSES = ("pending", "reserved", "error", "ignore", "success", "total")
_COLUMNS = (
    Column("key"), Column("status"), Column("priority", kind="number"), Column("scheduled"), Column("by"),
    Column("since"), Column("message"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class JobsArguments:
    """The line of ``%dj jobs``."""

    tables: str = rest("TABLES | SCHEMA", "imported or computed tables, or a schema; by default the schemas in use")
    limit: int = option(
        "--limit", default=20, metavar="N", parse=positive, help_text="show at most N jobs of each table"
    )
    conn: str | None = connection_option()
    output: str | None = output_option()


def jobs(context: Context, arguments: JobsArguments) -> None:
    """Count the jobs of each table by status, and list some; keep the queue, or the list of queues, if a name is given."""
    tables = named_tables(arguments.tables, context.on(arguments.conn), name="%dj jobs")
    queues = [Job(table) for table in tables]
    declared = [queue for queue in queues if queue.is_declared]
    counts = [queue.progress() for queue in queues]
    rows: list[list[str | None]] = [
        [title_of(table), *(f"{count[status]:,}" for status in _STATUSES)]
        for table, count in zip(tables, counts, strict=True)
    ]
    columns = (Column("table"), *(Column(status, kind="number") for status in _STATUSES))
    parts = [static_listing("Jobs", columns, rows, "")]
    parts += [_listing(queue, arguments.limit) for queue in declared if queue]
    context.keep(arguments.output, queues[0] if len(queues) == 1 else queues)
    show_static(together(parts))


def _listing(queue: Job, limit: int) -> Any:
    attributes = [n for n in queue.heading.names if n != "error_stack"]
    found = queue.proj(*(n for n in attributes if n not in queue.primary_key)).to_dicts(limit=limit, order_by="KEY")
    rows: list[list[str | None]] = [
        [
            key_text({name: row[name] for name in queue.primary_key}),
            str(row.get("status", "")),
            str(row.get("priority", "")),
            _moment(row.get("scheduled_time")),
            f"{row['host']}, process {row['pid']}" if row.get("host") else "",
            _moment(row.get("reserved_time") or row.get("completed_time")),
            str(row.get("error_message") or ""),
        ]
        for row in found
    ]
    total = len(queue)
    title = f"Jobs of {title_of(queue.target)}"
    return static_listing(
        title if total <= limit else f"{title}: {limit:,} of {total:,}", _COLUMNS, rows, "It has none."
    )


def _moment(value: Any) -> str:
    return "" if value is None else str(value)[:19]


COMMAND = Command(
    "jobs",
    "the queue of a table: how many jobs have which status, and some of them",
    JobsArguments,
    jobs,
    completes="expressions",
    examples=("%dj jobs Detection", "%dj jobs lab --limit 5"),
)
