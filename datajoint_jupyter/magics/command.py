"""What a sub-command is and what it works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from datajoint_jupyter.magics.errors import unknown
from datajoint_jupyter.workspace import Workspace

A = TypeVar("A")

Completes = Literal["expressions", "schemas", "commands", "connections", "views", "nothing"]


@dataclass(frozen=True, slots=True)
class Context:
    """The shell that a magic runs in, and what its notebook knows of the database."""

    shell: Any
    workspace: Workspace

    def keep(self, name: str | None, value: Any) -> None:
        """Put `value` into the notebook under `name`, if one is given."""
        if name is not None:
            self.shell.user_ns[name] = value

    def on(self, name: str | None) -> Context:
        """Return the context in which only the connection of that name counts; this one for None.

        Raises
        ------
        CommandError
            If no connection has the name.
        """
        if name is None:
            return self
        known = self.workspace.connections()
        if name not in known:
            raise unknown("connection", name, list(known), otherwise="Open it with %dj connect.")
        return Context(self.shell, self.workspace.on(known[name]))


@dataclass(frozen=True, slots=True)
class Command(Generic[A]):
    """A sub-command of ``%dj``, or what ``%%dj`` does.

    Attributes
    ----------
    name, summary : str
    arguments : type
        The frozen dataclass that its line is read into.
    run : callable
        ``run(context, arguments)``; shows what it has to show. What it returns is the value of the magic.
    completes : str
        What its line consists of, for completion.
    examples : tuple of str
    """

    name: str
    summary: str
    arguments: type[A]
    run: Callable[[Context, A], Any]
    completes: Completes = "nothing"
    examples: tuple[str, ...] = ()
