"""Copy a database that is in use, by SQLite's own means."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

from datajoint.backends import sqlite_file
from datajoint.backends.base import Target
from datajoint.errors import DataJointError

_PAGES = 1000  # copied between two chances to be interrupted


def backup(target: Target, path: Path) -> None:
    """Copy the state of this moment to a new file `path`; others may go on writing.

    Raises
    ------
    DataJointError
        If the file exists or cannot be written. Nothing is left behind then.
    """
    if path.exists():
        raise DataJointError(
            f"Cannot back up to {path}: the file exists.", hint="Name a new file, or remove that one first."
        )
    if not path.parent.is_dir():
        raise DataJointError(
            f"Cannot back up to {path}: the folder {path.parent} does not exist.", hint="Create the folder first."
        )
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    source = sqlite_file.open_file(target)
    try:
        # A transaction keeps the copy at one state, however long it takes.
        source.execute("BEGIN")
        source.execute("SELECT format FROM `~dj_format`").fetchone()
        copy = sqlite3.connect(part)
        try:
            source.backup(copy, pages=_PAGES, progress=lambda *_: None)
            # One file without companions, whoever opens it first.
            copy.execute("PRAGMA journal_mode = DELETE").fetchone()
        finally:
            copy.close()
        part.rename(path)
    except (sqlite3.Error, OSError) as error:
        raise DataJointError(
            f"Cannot back up {target.path} to {path}: {error}.", hint="Check the folder, its permissions and the disk."
        ) from error
    finally:
        source.close()
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
