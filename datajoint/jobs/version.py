"""The version of the code that computes, as jobs and results record it."""

from __future__ import annotations

import subprocess
from typing import Literal

_SECONDS = 5


def code_version(method: Literal["git", "none"] | None) -> str:
    """Return the version of the code: by ``git`` the short hash in the current folder, else nothing.

    Parameters
    ----------
    method : {"git", "none"} or None
        The setting ``jobs.version_method``.

    Returns
    -------
    str
        Empty if there is no such thing, or git does not answer within five seconds.
    """
    if method != "git":
        return ""
    try:
        done = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"],  # noqa: S607 - whichever git the user has
            capture_output=True, text=True, timeout=_SECONDS, check=True, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
