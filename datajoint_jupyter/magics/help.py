"""``%dj help``: what there is, and how it is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from datajoint_jupyter.magics.arguments import rest, usage
from datajoint_jupyter.magics.command import Command, Context
from datajoint_jupyter.magics.errors import unknown


@dataclass(frozen=True, slots=True)
class HelpArguments:
    """The line of ``%dj help``."""

    command: str = rest("COMMAND", "the name of a sub-command")


def overview(commands: Mapping[str, Command[Any]], cell: Command[Any], others: Mapping[str, Command[Any]]) -> str:
    """Return the list of all sub-commands."""
    lines = ["%dj COMMAND …", *(f"  {command.name:<10} {command.summary}" for command in commands.values())]
    lines += ["", "%%dj", f"  {'':<10} {cell.summary}"]
    lines += [f"  {command.name:<10} {command.summary}" for command in others.values()]
    lines += ["", "%dj COMMAND --help shows the options of a command."]
    return "\n".join(lines)


def manual(command: Command[Any], prog: str) -> str:
    """Return how one command is written."""
    examples = [f"  {example}" for example in command.examples]
    return "\n".join(
        [
            f"{prog}: {command.summary}",
            "",
            usage(command.arguments, prog),
            *(["", "Examples", *examples] if examples else []),
        ]
    )


def help_command(
    commands: Mapping[str, Command[Any]], cell: Command[Any], others: Mapping[str, Command[Any]]
) -> Command[HelpArguments]:
    """Return the command that tells of all others."""

    def show(context: Context, arguments: HelpArguments) -> None:  # noqa: ARG001 - all commands are called alike
        name = arguments.command
        if not name:
            print(overview(commands, cell, others))  # noqa: T201 - it is what was asked for
        elif name in commands:
            print(manual(commands[name], f"%dj {name}"))  # noqa: T201
        else:
            raise unknown("sub-command", name, list(commands))

    return Command("help", "this list, or the options of a command", HelpArguments, show, completes="commands")
