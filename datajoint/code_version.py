"""The version of the user's code, as jobs and rows record it."""

from __future__ import annotations

import subprocess
from functools import lru_cache
from pathlib import Path

MAX_LENGTH = 64
"""Longest version that is recorded, in characters."""

_SECONDS = 5.0


def code_version(method: str | None) -> str:
    """Return the version of the code in the working folder; empty where there is none.

    Parameters
    ----------
    method : str or None
        The setting ``jobs.version_method``: ``git`` for the short hash of the commit that is checked out.
    """
    return _git_hash(Path.cwd()) if method == "git" else ""


@lru_cache(maxsize=16)
def _git_hash(folder: Path) -> str:
    try:
        found = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"],  # noqa: S607 - the git that the user's shell would run
            cwd=folder, capture_output=True, text=True, timeout=_SECONDS, check=False,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):  # no git, or one that does not answer
        return ""
    return found.stdout.strip()[:MAX_LENGTH] if found.returncode == 0 else ""
