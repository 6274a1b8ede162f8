"""``%dj errors``: what failed, by kind, with tracebacks."""

from __future__ import annotations

from dataclasses import dataclass

from datajoint.jobs import Job
from datajoint.jobs.lookout import failed_jobs
from datajoint_jupyter.display.markup import Markup, element, join
from datajoint_jupyter.display.twin import Static
from datajoint_jupyter.display.values import key_text
from datajoint_jupyter.magics.arguments import connection_option, option, output_option, positive, rest
from datajoint_jupyter.magics.command import Command, Context
from datajoint_jupyter.magics.show import show_static
from datajoint_jupyter.magics.work_targets import named_tables
from datajoint_jupyter.work.failures import Failure, FailureKind, by_kind, failure_id
from datajoint_jupyter.work.targets import code_of, title_of

_KEYS = 10


@dataclass(frozen=True, slots=True)
class ErrorsArguments:
    """The line of ``%dj errors``."""

    tables: str = rest("TABLES | SCHEMA", "imported or computed tables, or a schema; by default the schemas in use")
    limit: int = option(
        "--limit", default=200, metavar="N", parse=positive, help_text="read the last N errors of each table"
    )
    conn: str | None = connection_option()
    output: str | None = output_option()


def errors(context: Context, arguments: ErrorsArguments) -> None:
    """Show what failed by table, class of the error and place; keep the list of failures if a name is given."""
    tables = named_tables(arguments.tables, context.on(arguments.conn), name="%dj errors")
    found = []
    for table in tables:
        queue = Job(table)
        if queue.is_declared:
            title, code = title_of(table), code_of(table)
            found += [
                Failure(failure_id(title, job.key), title, code, job.key, job.message, job.stack, job.time)
                for job in failed_jobs(queue, arguments.limit)
            ]
    context.keep(arguments.output, found)
    show_static(static_failures(by_kind(found)))


def static_failures(kinds: list[FailureKind]) -> Static:
    """Return kinds of errors with the keys that have them, and the traceback of the latest."""
    if not kinds:
        return Static(element("p", "Nothing has failed.", class_="dj-note"), "Nothing has failed.")
    return Static(join(map(_html, kinds)), "\n\n".join(map(_text, kinds)))


def _title(kind: FailureKind) -> str:
    count = len(kind.failures)
    return f"{kind.error}{f' in {kind.place}' if kind.place else ''}: {count:,} key{'' if count == 1 else 's'} of {kind.table}"


def _html(kind: FailureKind) -> Markup:
    keys = (
        element("li", element("code", key_text(f.key)), " ", element("span", f.message, class_="dj-bad"))
        for f in kind.failures[:_KEYS]
    )
    more = len(kind.failures) - _KEYS
    traceback = kind.failures[0].traceback
    return join(
        [
            element("p", _title(kind), class_="dj-caption"),
            element("ul", keys),
            element("p", f"and {more:,} more", class_="dj-note") if more > 0 else None,
            element("details", element("summary", "Traceback of the latest"), element("pre", traceback))
            if traceback
            else None,
        ]
    )


def _text(kind: FailureKind) -> str:
    lines = [_title(kind), *(f"  {key_text(f.key)}: {f.message}" for f in kind.failures[:_KEYS])]
    if len(kind.failures) > _KEYS:
        lines.append(f"  and {len(kind.failures) - _KEYS:,} more")
    return "\n".join([*lines, kind.failures[0].traceback.rstrip()])


COMMAND = Command(
    "errors",
    "what failed, by kind, with tracebacks",
    ErrorsArguments,
    errors,
    completes="expressions",
    examples=("%dj errors Detection", "%dj errors"),
)
