"""What a listing of a store tells of a file."""

from __future__ import annotations

import datetime
from typing import Any, NamedTuple


class StoredFile(NamedTuple):
    """One file of a store.

    Attributes
    ----------
    path : str
        Relative to the store's root, with ``/``.
    size : int
        In bytes.
    modified : float or None
        Seconds since the epoch; None if the filesystem does not tell.
    """

    path: str
    size: int
    modified: float | None


# The names that filesystems give to the time of the last change.
_TIMES = ("LastModified", "last_modified", "mtime", "updated", "modified", "timeModified", "created")


def modified_time(info: dict[str, Any]) -> float | None:
    """Return when a file was last changed, read from what a filesystem says of it."""
    for name in _TIMES:
        value = info.get(name)
        if isinstance(value, str):
            try:
                value = datetime.datetime.fromisoformat(value)
            except ValueError:
                continue
        if isinstance(value, datetime.datetime):
            # A time without a zone is UTC in all of them.
            aware = value if value.tzinfo else value.replace(tzinfo=datetime.UTC)
            return aware.timestamp()
        if isinstance(value, int | float):
            return float(value)
    return None
