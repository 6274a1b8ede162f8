"""``%dj COMMAND …`` and ``%%dj``: find the command, read its line, run it, keep errors short."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand

from datajoint_jupyter.magics import (
    browse,
    cell,
    code,
    connect,
    debug,
    define,
    delete,
    describe,
    diagram,
    doctor,
    export,
    failures,
    find,
    insert,
    jobs,
    locks,
    matrix,
    populate,
    restrict,
    schemas,
    sql,
    statement,
    status,
    tables,
    top,
    use,
    watch,
    why,
)
from datajoint_jupyter.magics.arguments import outer_words, parse_line
from datajoint_jupyter.magics.command import Command, Context
from datajoint_jupyter.magics.errors import CommandError, short_errors, unknown
from datajoint_jupyter.magics.help import help_command, manual
from datajoint_jupyter.workspace import Workspace

CELL: Command[Any] = cell.COMMAND
COMMANDS: dict[str, Command[Any]] = {
    module.COMMAND.name: module.COMMAND
    for module in (
        status,
        connect,
        use,
        schemas,
        tables,
        find,
        describe,
        diagram,
        browse,
        restrict,
        code,
        why,
        sql,
        export,
        insert,
        delete,
        matrix,
        populate,
        watch,
        jobs,
        failures,
        debug,
        locks,
        top,
        doctor,
    )
}
CELL_COMMANDS: dict[str, Command[Any]] = {module.COMMAND.name: module.COMMAND for module in (define, statement)}
COMMANDS["help"] = help_command(COMMANDS, CELL, CELL_COMMANDS)


@magics_class
class DataJointMagics(Magics):
    """Tables in a notebook."""

    def __init__(self, shell: Any, workspace: Workspace) -> None:
        super().__init__(shell)
        self.context = Context(shell, workspace)

    @no_var_expand  # braces and dollar signs of the line are Python's, or the database's
    @line_cell_magic
    def dj(self, line: str, cell: str | None = None) -> Any:
        """Work with tables: ``%dj help`` lists what there is."""
        with short_errors():
            if cell is None:
                return self._run_line(line)
            return self._run_cell(line, cell)

    def _run_cell(self, line: str, body: str) -> Any:
        command, words, prog = cell_command(line)
        if {"--help", "-h"} & set(outer_words(words)):
            print(manual(command, prog))  # noqa: T201 - it is what was asked for
            return None
        return command.run(self.context, parse_line(command.arguments, words, prog, body))

    def _run_line(self, line: str) -> Any:
        name, _, words = line.strip().partition(" ")
        command = find_command(name or "help", COMMANDS, self.context)
        if {"--help", "-h"} & set(outer_words(words)):
            print(manual(command, f"%dj {command.name}"))  # noqa: T201
            return None
        return command.run(self.context, parse_line(command.arguments, words, f"%dj {command.name}"))


def cell_command(line: str) -> tuple[Command[Any], str, str]:
    """Return what the first line of a cell asks for, the rest of the line, and how the command is called.

    Raises
    ------
    CommandError
        If the line begins with a word that is no sub-command.
    """
    name, _, words = line.strip().partition(" ")
    if name in CELL_COMMANDS:
        return CELL_COMMANDS[name], words, f"%%dj {name}"
    if name and not name.startswith("-"):
        raise unknown("sub-command of %%dj", name, list(CELL_COMMANDS), otherwise="See %%dj --help.")
    return CELL, line, "%%dj"


def find_command(name: str, commands: Mapping[str, Command[Any]], context: Context) -> Command[Any]:
    """Return a command by name.

    Raises
    ------
    CommandError
        If there is none; names the nearest, or the command that a table's name was meant for.
    """
    if name in ("--help", "-h"):
        name = "help"
    if name in commands:
        return commands[name]
    if name in context.workspace.table_names():
        raise CommandError(f"There is no sub-command {name!r}; it is a table.", f"Write %dj browse {name}.")
    raise unknown("sub-command", name, list(commands))
