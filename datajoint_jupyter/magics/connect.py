"""``%dj connect``: open connections, name them, choose one."""

from __future__ import annotations

import getpass
import warnings
from dataclasses import dataclass
from urllib.parse import urlsplit

import datajoint as dj
from datajoint_jupyter.display.listing import static_listing
from datajoint_jupyter.display.table import Column
from datajoint_jupyter.frontend import page_answers
from datajoint_jupyter.magics.arguments import option, rest
from datajoint_jupyter.magics.command import Command, Context
from datajoint_jupyter.magics.errors import CommandError, unknown
from datajoint_jupyter.magics.show import place, show_static

_COLUMNS = (Column("name"), Column("leads to"), Column("schemas in use"), Column(""))


@dataclass(frozen=True, slots=True)
class ConnectArguments:
    """The line of ``%dj connect``."""

    target: str = rest(
        "URL or NAME", "where to, such as sqlite:///lab.db or mysql://me@host/; or a connection by its name"
    )
    name: str | None = option("-n", "--name", default=None, metavar="NAME", help_text="how to call it from now on")
    read_only: bool = option("--read-only", default=False, help_text="let the database refuse every write through it")
    close: bool = option("--close", default=False, help_text="close the connection of that name")


def connect(context: Context, arguments: ConnectArguments) -> None:
    """Open a connection and use it, choose one by name, close one, or list them all."""
    workspace, target = context.workspace, arguments.target
    if arguments.close:
        workspace.close(_opened(context, target))
    elif target in workspace.opened:
        workspace.open(target, workspace.opened[target])
    elif "://" in target:
        name = arguments.name or _name_of(target)
        if name in workspace.opened:
            raise CommandError(
                f"A connection is called {name!r} already.", f"Write %dj connect {name}, or give another by --name."
            )
        workspace.open(name, _open(target, read_only=arguments.read_only))
    elif target:
        _opened(context, target)
    _list(context)


def _opened(context: Context, name: str) -> str:
    if name not in context.workspace.opened:
        known = list(context.workspace.opened)
        if not known:
            raise CommandError(
                f"There is no connection {name!r}, and none was opened here.", "Give a URL, such as sqlite:///lab.db."
            )
        raise unknown("connection", name, known)
    return name


def _open(url: str, *, read_only: bool) -> dj.Connection:
    """Open a connection; the first of a process is the one that `dj.conn` returns."""
    parts = urlsplit(url)
    if parts.password:
        print("The password is part of this notebook now. Leave it out of the URL to be asked for it.")  # noqa: T201
    password = None
    if parts.scheme != "sqlite" and parts.username and not parts.password and not dj.config["database.password"]:
        if not page_answers():
            raise CommandError(
                f"The password of {parts.username} is not known, and nobody can be asked for it.",
                "Set DJ_PASS, or put it into a secrets file.",
            )
        password = getpass.getpass(f"Password of {parts.username}: ")
    if read_only:
        return dj.Connection(url, password=password, read_only=True)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        shared = dj.conn(url, password=password)
    # It warns if the process has a connection already, to somewhere else.
    return dj.Connection(url, password=password) if said else shared


def _name_of(url: str) -> str:
    """Return a short name: of the file, or of the host."""
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return parts.path.rsplit("/", 1)[-1].rsplit(".", 1)[0] or "memory"
    return parts.hostname or parts.scheme


def _list(context: Context) -> None:
    rows: list[list[str | None]] = []
    workspace = context.workspace
    known = workspace.connections()
    current = next(iter(known.values()), None) if not known else workspace.connection
    for name, connection in known.items():
        rows.append(
            [
                name if name in workspace.opened else "",
                place(connection),
                ", ".join(connection.schemas),
                "in use" if connection is current else "",
            ]
        )
    show_static(static_listing("Connections", _COLUMNS, rows, "None is open: give a URL, such as sqlite:///lab.db."))


COMMAND = Command(
    "connect",
    "open a connection, choose one, or list them",
    ConnectArguments,
    connect,
    completes="connections",
    examples=(
        "%dj connect sqlite:///lab.db",
        "%dj connect mysql://me@host/ --name rig",
        "%dj connect rig",
        "%dj connect",
    ),
)
