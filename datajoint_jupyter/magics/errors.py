"""The one place where errors of the magics become short messages."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from datajoint.naming import did_you_mean


class CommandError(Exception):
    """A magic was asked for something that it doesn't do or that doesn't exist.

    Parameters
    ----------
    message : str
        What was asked and what is so.
    hint : str
        What to do.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message} {hint}".strip())


def unknown(what: str, name: str, known: list[str], *, otherwise: str = "", shown: int = 12) -> CommandError:
    """Return the error for a name that is not known, with the nearest one or a list of those that are.

    `otherwise` says what to do if none of them is meant.
    """
    hint = did_you_mean(name, known)
    if not hint and known:
        listed = ", ".join(known[:shown]) + (", …" if len(known) > shown else "")
        hint = f"There is {listed}."
    return CommandError(f"There is no {what} {name!r}.", f"{hint} {otherwise}".strip())


@contextmanager
def short_errors() -> Iterator[None]:
    """Let an error out that shows itself in a line; ``%tb`` shows the rest."""
    try:
        yield
    except Exception as error:
        if not isinstance(error, SyntaxError):  # the shell shows those by itself, with the place
            _shorten(error)
        raise


def _shorten(error: Exception) -> None:
    """Make the shell's first rendering of `error` short; afterwards it is rendered like any other."""

    def render() -> list[str]:
        del error._render_traceback_  # type: ignore[attr-defined]  # set below
        name = type(error).__name__
        red, plain = ("\x1b[0;31m", "\x1b[0m") if sys.stdout is not None else ("", "")
        rest = [] if isinstance(error, CommandError) else ["(%tb shows the whole traceback)"]
        return [f"{red}{name}{plain}: {error}", *rest]

    error._render_traceback_ = render  # type: ignore[attr-defined]  # the shell's own door for this
