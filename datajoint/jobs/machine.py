"""The machine that this is, and its processes, as far as another process of the same machine can tell."""

from __future__ import annotations

import os
import platform
import uuid
from functools import cache
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_ZOMBIE = "Z"
_STATE, _START = 0, 19  # of the fields after the command in /proc/<pid>/stat


@cache
def machine() -> str:
    """Return what only processes of this machine have in common, since it was started: those that see each other.

    On Linux that is the boot and the namespace of process numbers, since containers have their own.
    """
    try:
        boot = _BOOT.read_text().strip()
        space = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return f"{platform.node()}:{uuid.getnode():012x}"[:128]
    return f"{boot} {space}"[:128]


def process_start(pid: int) -> str | None:
    """Return when a process started, as the system tells it; empty where it does not, None if there is no such process."""
    try:
        # The command, in parentheses, may hold anything.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        if _BOOT.exists():
            return None
    except (OSError, ValueError):
        return ""
    else:
        return None if fields[_STATE] == _ZOMBIE else fields[_START]
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except OSError:
        return ""
    return ""


def is_running(pid: int, start: str) -> bool:
    """Tell whether a process that started then still runs; another one may have its number now."""
    found = process_start(pid)
    return found is not None and (not found or not start or found == start)
