"""``%%dj sql``: one statement in the engine's own SQL, with values of the notebook bound to it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import datajoint as dj
from datajoint_jupyter.display.browse import static_rows
from datajoint_jupyter.display.table import Column
from datajoint_jupyter.display.values import text_of
from datajoint_jupyter.magics.arguments import cell_body, connection_option, option, output_option, positive
from datajoint_jupyter.magics.command import Command, Context
from datajoint_jupyter.magics.errors import CommandError, unknown
from datajoint_jupyter.magics.frames import ALL_FORMS, FORMS, form_name, framed
from datajoint_jupyter.magics.show import show_static

_SHOWN = 100

# What the engines' own lexers skip is skipped here too. In all else a colon and a name is a value of the notebook;
# two colons are PostgreSQL's cast. MySQL and MariaDB know backslashes in quotes, and comments that begin with #.
_PLAIN = r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|(?P<dollar>\$\w*\$).*?(?P=dollar)"""
_BACKSLASHED = r"""'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|\#[^\n]*"""
_ALWAYS = r"""`(?:[^`]|``)*`|--[^\n]*|/\*.*?\*/|::"""
_MARKS = r"""|:(?P<name>[A-Za-z_]\w*)|(?P<end>;)"""
_TOKENS = {
    backslashes: re.compile(f"(?:{quoted}|{_ALWAYS}){_MARKS}", re.DOTALL)
    for backslashes, quoted in ((False, _PLAIN), (True, _BACKSLASHED))
}
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)


@dataclass(frozen=True, slots=True)
class StatementArguments:
    """The first line of ``%%dj sql``, and the cell."""

    write: bool = option(
        "--write", default=False, help_text="let the statement change data; otherwise the database refuses that"
    )
    output: str | None = output_option()
    form: str | None = option(
        "--as", default=None, metavar="FORM", parse=form_name, help_text=f"the rows as {FORMS}", choices=ALL_FORMS
    )
    limit: int = option("--limit", default=_SHOWN, metavar="N", parse=positive, help_text="rows shown in the notebook")
    conn: str | None = connection_option()
    body: str = cell_body()


def statement(context: Context, arguments: StatementArguments) -> Any:
    """Run one statement; show its rows, or how many it changed."""
    workspace = context.on(arguments.conn).workspace
    connection = workspace.connection
    text, values = bind(arguments.body, workspace.variables(), backslashes=connection.backend.dialect.backslash_escapes)
    if arguments.write:
        names, rows, changed = _run(connection, text, values)
    else:
        with connection.transaction(read_only=True):
            names, rows, changed = _run(connection, text, values)
    if names is None:
        print(f"{changed:,} row{'' if changed == 1 else 's'} changed." if changed >= 0 else "Done.")  # noqa: T201
        return None
    result = framed(names, rows, arguments.form or "dicts")
    context.keep(arguments.output, result)
    if arguments.form is not None:
        return None if arguments.output else result
    columns = [Column(name, kind="number" if _is_number(rows, place) else "text") for place, name in enumerate(names)]
    shown = [[text_of(value) for value in row] for row in rows[: arguments.limit]]
    show_static(static_rows("SQL", columns, shown, len(rows), at_least=False))
    return None


def _run(
    connection: dj.Connection, text: str, values: tuple[Any, ...]
) -> tuple[list[str] | None, Sequence[Sequence[Any]], int]:
    """Return the names of the columns (None where a statement has no rows), the rows, and how many were changed."""
    cursor = connection.query(text, values)
    if cursor.description is None:
        return None, (), cursor.rowcount
    return [column[0] for column in cursor.description], cursor.fetchall(), -1


def _is_number(rows: Sequence[Sequence[Any]], place: int) -> bool:
    found = next((row[place] for row in rows if row[place] is not None), None)
    return hasattr(found, "__round__") and not isinstance(found, bool)


def bind(body: str, names: Mapping[str, Any], *, backslashes: bool) -> tuple[str, tuple[Any, ...]]:
    """Return a statement with ``%s`` for each ``:name``, and the values in order.

    Parameters
    ----------
    body : str
        One statement.
    names : mapping
        Where the values are.
    backslashes : bool
        Whether a backslash in quotes takes the quote after it for text.

    Raises
    ------
    CommandError
        For a name that is not there, several statements, or none.
    """
    values: list[Any] = []
    pieces: list[str] = []
    place = 0
    for match in _TOKENS[backslashes].finditer(body):
        pieces.append(body[place : match.start()].replace("%", "%%"))
        place = match.end()
        if (name := match["name"]) is not None:
            if name not in names:
                raise unknown("variable", name, [known for known in names if not known.startswith("_")])
            values.append(names[name])
            pieces.append("%s")
        elif match["end"] is None:
            pieces.append(match.group().replace("%", "%%"))
        elif _COMMENT.sub("", body[place:]).strip("; \t\r\n"):
            raise CommandError("%%dj sql runs one statement, and the cell has several.", "Use a cell for each.")
        else:
            place = len(body)
            break
    pieces.append(body[place:].replace("%", "%%"))
    text = "".join(pieces).strip()
    if not _COMMENT.sub("", text).strip():
        raise CommandError("%%dj sql was given no statement.", "Write it in the lines below.")
    return text, tuple(values)


COMMAND = Command(
    "sql",
    "run one statement of SQL; :name is a variable of the notebook",
    StatementArguments,
    statement,
    examples=("%%dj sql -o rows\n  SELECT species, COUNT(*) FROM lab.subject WHERE born > :since GROUP BY species",),
)
