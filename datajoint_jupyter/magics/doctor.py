"""``%dj doctor``: what is wrong with the set-up, and how to mend it."""

from __future__ import annotations

from dataclasses import dataclass

import datajoint as dj
from datajoint.doctor import Report, examine
from datajoint_jupyter.display.listing import static_listing, together
from datajoint_jupyter.display.table import Column
from datajoint_jupyter.magics.arguments import connection_option
from datajoint_jupyter.magics.command import Command, Context
from datajoint_jupyter.magics.show import show_static

_COLUMNS = (Column(""), Column("about"), Column("finding"), Column("what to do"))


@dataclass(frozen=True, slots=True)
class DoctorArguments:
    """The line of ``%dj doctor``."""

    conn: str | None = connection_option()


def doctor(context: Context, arguments: DoctorArguments) -> None:
    """Examine settings, packages, the database and its schemas; nothing is changed."""
    connection = context.on(arguments.conn).workspace.connection
    show_report(examine(dj.config, connection))


def show_report(report: Report) -> None:
    """Display what an examination found."""
    parts = [
        static_listing(
            title.capitalize(),
            _COLUMNS,
            [[finding.level, finding.topic, finding.text, finding.remedy] for finding in findings],
            "Nothing to say.",
        )
        for title, findings in report.sections.items()
    ]
    show_static(together(parts))


COMMAND = Command(
    "doctor", "what is wrong with the set-up, and the cure", DoctorArguments, doctor, examples=("%dj doctor",)
)
