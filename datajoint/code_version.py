"""The version of the user's code, as jobs and rows record it."""

from __future__ import annotations

import subprocess
import time
from functools import lru_cache
from pathlib import Path

MAX_LENGTH = 64
"""Longest version that is recorded, in characters."""

_SECONDS = 5.0
_REMEMBERED = 2.0
"""Seconds for which an answer counts: many rows and jobs ask, and a commit in between must show."""


def code_version(method: str | None) -> str:
    """Return the version of the code in the working folder; empty where there is none.

    Parameters
    ----------
    method : str or None
        The setting ``jobs.version_method``: ``git`` for the short hash of the commit that is checked out.
    """
    return _git_hash(Path.cwd(), int(time.monotonic() / _REMEMBERED)) if method == "git" else ""


@lru_cache(maxsize=16)
def _git_hash(folder: Path, _now: int) -> str:
    try:
        found = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"],  # noqa: S607 - the git that the user's shell would run
            cwd=folder, capture_output=True, text=True, timeout=_SECONDS, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):  # no git, or one that does not answer
        return ""
    return found.stdout.strip()[:MAX_LENGTH] if found.returncode == 0 else ""
