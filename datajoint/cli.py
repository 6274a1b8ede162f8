"""The command line: ``dj`` is a Python shell with the library and schemas at hand, ``dj doctor`` examines the set-up."""

from __future__ import annotations

import argparse
import code
import getpass
import sys
from collections.abc import Sequence
from typing import Any

import datajoint as dj
from datajoint.backends.address import split_host
from datajoint.backends.registry import get_backend
from datajoint.errors import DataJointError

_ASK = object()
_EPILOG = """\
examples:
  dj -s lab:lab -s rig:rig              a shell with two schemas
  dj -s lab:lab -c "print(lab.Session)"  one command
  dj doctor                             what is wrong and how to mend it
"""


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 2**16:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; give a number from 1 to 65535")
    return int(text)


def _host(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("the host is empty; give a name, name:port or a URL")
    if "://" not in text:
        try:
            split_host(text)
        except DataJointError as error:
            raise argparse.ArgumentTypeError(str(error)) from error
    return text


def _backend(text: str) -> str:
    try:
        get_backend(text)
    except (DataJointError, ImportError) as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text.lower()


def _schema(text: str) -> tuple[str, str]:
    database, colon, alias = text.partition(":")
    if not colon or not database or not alias.isidentifier():
        raise argparse.ArgumentTypeError(f"{text!r} is not DB:ALIAS, the name of a schema and a name for Python")
    return database, alias


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dj",
        description="DataJoint console.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add(
        "command",
        nargs="?",
        choices=("doctor",),
        help="examine settings, server, privileges and schemas; exit code 1 if anything is wrong",
    )
    add("-V", "--version", action="version", version=f"datajoint {dj.__version__}")
    add("-u", "--user", help="who connects")
    add("-p", "--password", nargs="?", const=_ASK, help="asked for if no text follows")
    add("--host", type=_host, help="HOST, HOST:PORT or a URL such as sqlite:///lab.db")
    add("--port", type=_port, help="the server's port")
    add("--backend", type=_backend, help="sqlite, mysql, mariadb or postgresql")
    add("-s", "--schemas", type=_schema, nargs="+", action="extend", default=[], metavar="DB:ALIAS",
        help="a schema and the name under which its tables are at hand; may be repeated")  # fmt: skip
    add("-c", dest="code", metavar="CODE", help="run this Python code instead of a shell")
    return parser


def cli(args: Sequence[str] | None = None) -> None:
    """Run the command line.

    Parameters
    ----------
    args : sequence of str, optional
        The words after the program's name; those of the process by default.

    Raises
    ------
    SystemExit
        At the end: 0, or 1 if an error was met, or 2 for arguments that cannot be read.
    """
    parser = _parser()
    given = parser.parse_args(args)
    try:
        _configure(given)
        if given.command == "doctor":
            raise SystemExit(_doctor())
        modules: dict[str, Any] = {alias: dj.VirtualModule(alias, database) for database, alias in given.schemas}
    except (DataJointError, ValueError, FileNotFoundError) as error:
        raise SystemExit(f"dj: {error}") from error
    namespace: dict[str, Any] = {"__name__": "__console__", "__doc__": None, "dj": dj, **modules}
    if given.code is not None:
        exec(compile(given.code, "<command>", "exec"), namespace)  # noqa: S102 - the person's own command
        raise SystemExit(0)
    _complete(namespace)
    code.interact(_banner({alias: database for database, alias in given.schemas}), local=namespace, exitmsg="")
    raise SystemExit(0)


def _configure(given: argparse.Namespace) -> None:
    password = getpass.getpass("Password: ") if given.password is _ASK else given.password
    if given.host and "://" in given.host:
        dj.config["database.url"], given.host = given.host, None
    elif given.host or given.user or given.backend:
        dj.config["database.url"] = None  # what is given here wins over a configured address
    configured = dj.config.database.backend
    if given.host and not given.backend and configured and get_backend(configured).dialect.default_port is None:
        dj.config["database.backend"] = None  # a host beside a configured file: what is given here wins
    for key in ("backend", "host", "port", "user"):
        if getattr(given, key) is not None:
            dj.config[f"database.{key}"] = getattr(given, key)
    if password is not None:
        dj.config["database.password"] = password


def _doctor() -> int:
    from datajoint.doctor import examine  # noqa: PLC0415 - the shell does not need it

    report = examine(dj.settings.process_config())
    print(report)  # noqa: T201 - the command's result
    return 0 if report.ok else 1


def _banner(schemas: dict[str, str]) -> str:
    lines = [f"DataJoint {dj.__version__} REPL", "Type 'dj.' and press Tab for completion; Ctrl-D ends."]
    if schemas:
        lines += ["", "Loaded schemas:", *(f"  {alias} -> {database}" for alias, database in schemas.items())]
    return "\n".join(lines)


def _complete(namespace: dict[str, Any]) -> None:
    """Let the Tab key complete names of the shell, where there is a keyboard and the system can."""
    if not sys.stdin or not sys.stdin.isatty():
        return
    try:
        import readline  # noqa: PLC0415 - not on every system
        import rlcompleter  # noqa: PLC0415 - as above
    except ImportError:
        return
    readline.set_completer(rlcompleter.Completer(namespace).complete)
    readline.parse_and_bind("tab: complete")


if __name__ == "__main__":
    cli()
