"""Open the file of the embedded engine: create it, recognise it, refuse what is not ours."""

from __future__ import annotations

import atexit
import logging
import os
import shutil
import sqlite3
import sys
import tempfile
from functools import cache
from pathlib import Path

from datajoint.backends.base import Target
from datajoint.backends.sqlite_functions import register_functions
from datajoint.backends.sqlite_link import Link
from datajoint.errors import AccessError, DataJointError, LockError

logger = logging.getLogger("datajoint")

FORMAT = 1

# What SQLite itself does not keep: schemas, comments, declared types, defaults as written, keys around a rowid.
_CATALOGUE = (
    "CREATE TABLE `~dj_format` (format INT NOT NULL) STRICT",
    f"INSERT INTO `~dj_format` VALUES ({FORMAT})",
    "CREATE TABLE `~dj_schemas` (schema_name TEXT NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID",
    """CREATE TABLE `~dj_tables` (
    schema_name TEXT NOT NULL, table_name TEXT NOT NULL, comment TEXT NOT NULL,
    PRIMARY KEY (schema_name, table_name)) STRICT, WITHOUT ROWID""",
    """CREATE TABLE `~dj_columns` (
    schema_name TEXT NOT NULL, table_name TEXT NOT NULL, column_name TEXT NOT NULL,
    type TEXT NOT NULL, comment TEXT NOT NULL, default_text TEXT, key_position INT,
    PRIMARY KEY (schema_name, table_name, column_name)) STRICT, WITHOUT ROWID""",
)
_SYNCHRONISED = (
    "dropbox",
    "onedrive",
    "google drive",
    "googledrive",
    "icloud",
    "mobile documents",
    "nextcloud",
    "owncloud",
)
_NETWORK_TYPES = ("nfs", "cifs", "smb", "fuse.sshfs", "9p", "afs", "lustre", "beegfs", "gpfs", "ceph")
_JOURNAL_BYTES = 2**24  # what a write-ahead log is cut to when it begins anew
_NO_COMPANIONS = {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}
_OLDEST_SQLITE = (3, 38, 0)


def private_file() -> str:
    """Return the path of a new temporary database, removed with its folder when the process ends."""
    folder = tempfile.mkdtemp(prefix="datajoint_")
    owner = os.getpid()

    def remove() -> None:
        if os.getpid() == owner:  # a forked child leaves its parent's file alone
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(remove)
    return str(Path(folder) / "memory.db")


def open_file(target: Target) -> Link:
    """Open the database of a target, in autocommit mode; a new one is created.

    Raises
    ------
    AccessError
        If the file or its folder may not be read or written.
    DataJointError
        If the folder is missing, or the file is no database, is not ours, or was made by a newer version.
    LockError
        If another process kept the file locked for longer than the busy time-out.
    """
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise DataJointError(
            f"SQLite {sqlite3.sqlite_version} is too old.",
            hint="Python needs a SQLite library of version 3.38 or newer.",
        )
    path = Path(target.path or "")
    read_only = _checked_access(path, target)
    shared = doubtful_place(path.parent)
    _warn_of_place(path.parent, shared)
    raw = _open(path, "ro" if read_only else "rwc", target.lock_timeout)
    try:
        try:
            raw.patiently(lambda: _prepare(raw, path, shared=bool(shared), read_only=read_only))
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
                raise LockError(
                    f"The database {path} is locked by another process.", hint="End it, or try again."
                ) from error
            if not read_only or error.sqlite_errorcode & 0xFF not in _NO_COMPANIONS:
                raise
            log = path.with_name(path.name + "-wal")
            if log.exists() and log.stat().st_size:
                raise AccessError(
                    f"Cannot read the database {path}: its newest rows are in {log.name}, which cannot be shared with its writer.",
                    hint="Ask for write permission in the folder, or read when the writer has closed the database.",
                ) from error
            # In a folder that cannot be written the companions of a write-ahead log cannot be made either.
            raw.close()
            raw = _open(path, "ro&immutable=1", target.lock_timeout)
            _prepare(raw, path, shared=bool(shared), read_only=True)
    except BaseException:
        raw.close()
        raise
    return raw


def _checked_access(path: Path, target: Target) -> bool:
    """Return whether the file is to be opened for reading only; raise what a person can understand."""
    folder = path.parent
    if path.is_dir():
        raise DataJointError(
            f"Cannot open {path} as a database: it is a folder.", hint="Name a file in it, such as datajoint.db."
        )
    if not folder.is_dir():
        raise DataJointError(
            f"Cannot create the database {path}: the folder {folder} does not exist.",
            hint="Create the folder, or set database.path to another place.",
        )
    if path.exists():
        if not os.access(path, os.R_OK):
            raise AccessError(
                f"Cannot open the database {path}: the file may not be read.", hint="Ask its owner for the permission."
            )
        read_only = target.read_only or not (os.access(path, os.W_OK) and os.access(folder, os.W_OK))
        if read_only and not target.read_only:
            logger.warning("The database %s may not be written; it is opened for reading only.", path)
        return read_only
    if target.read_only:
        raise DataJointError(f"Cannot open {path} for reading: there is no such file.", hint="Check database.path.")
    if not os.access(folder, os.W_OK):
        raise AccessError(
            f"Cannot create the database {path}: the folder {folder} may not be written.",
            hint="Set database.path to a place where you may write.",
        )
    return False


def _open(path: Path, mode: str, patience: float) -> Link:
    # Sessions are closed by whichever thread ends the connection, and shared by threads that join a transaction; a lock
    # of ours lets one thread in at a time.
    raw = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True, timeout=0, isolation_level=None, check_same_thread=False, cached_statements=256, factory=Link,
    )  # fmt: skip
    raw.patience = patience
    return raw


def _prepare(raw: Link, path: Path, *, shared: bool, read_only: bool) -> None:
    for setting in ("foreign_keys = ON", "case_sensitive_like = ON"):
        raw.execute(f"PRAGMA {setting}")
    if not _recognised(raw, path):
        if read_only:
            raise DataJointError(
                f"The database {path} is empty and opened for reading only.", hint="Open it once for writing."
            )
        _choose_journal(raw, path, shared=shared)
        _initialise(raw, path)
    elif not read_only:
        _choose_journal(raw, path, shared=shared)
    register_functions(raw)


def _recognised(raw: sqlite3.Connection, path: Path) -> bool:
    """Tell whether the file is ours (True) or holds nothing yet (False); refuse anything else."""
    try:
        row = raw.execute("SELECT format FROM `~dj_format`").fetchone()
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_NOTADB:
            raise DataJointError(
                f"Cannot open {path}: the file is not a SQLite database.", hint="Set database.path to another file."
            ) from error
        if "no such table" not in str(error):
            raise
        names = {name for (name,) in raw.execute("SELECT name FROM sqlite_schema")}
        if not names:
            return False
        if "~dj_format" in names:  # another process has just made it
            return _recognised(raw, path)
        raise DataJointError(
            f"Cannot use {path}: the database was made by another program.",
            hint="Set database.path to a new file; its tables can then be filled from this one.",
        ) from error
    if row is None or row[0] > FORMAT:
        raise DataJointError(
            f"Cannot use {path}: it was made by a newer version of this library (format {row and row[0]}, known is {FORMAT}).",
            hint="Upgrade datajoint.",
        )
    return True


def _choose_journal(raw: Link, path: Path, *, shared: bool) -> None:
    """Use a write-ahead log, which lets readers and a writer work at once, wherever memory can be shared by all of them."""
    journal = "delete" if shared else "wal"
    if raw.execute("PRAGMA journal_mode").fetchone()[0] != journal:
        raw.execute(f"PRAGMA journal_mode = {journal}").fetchone()
    if not shared:
        raw.execute(f"PRAGMA journal_size_limit = {_JOURNAL_BYTES}")
        raw.log = path.with_name(path.name + "-wal")


def _initialise(raw: sqlite3.Connection, path: Path) -> None:
    raw.execute("BEGIN IMMEDIATE")
    try:
        if not _recognised(raw, path):  # another process may have been first
            for statement in _CATALOGUE:
                raw.execute(statement)
        raw.execute("COMMIT")
    except BaseException:
        raw.execute("ROLLBACK")
        raise
    logger.debug("Created the database %s", path)


@cache
def _warn_of_place(folder: Path, shared: str) -> None:
    """Warn, once a folder, of places where two machines may write one file without seeing each other's locks."""
    if shared:
        logger.warning(
            "The folder %s is %s: a database in it can be damaged when several machines write. Keep it on a local disk, or use a server.",
            folder.absolute(), shared,
        )  # fmt: skip


def doubtful_place(folder: Path) -> str:
    """Return ``synchronised`` or ``on a network`` for such a folder, else an empty text."""
    place = folder.absolute()
    if any(word in part.lower() for part in place.parts for word in _SYNCHRONISED):
        return "synchronised"
    return "on a network" if _file_system(place).startswith(_NETWORK_TYPES) else ""


def _file_system(place: Path) -> str:
    """Return the type of the file system of a folder, where the system tells."""
    if sys.platform != "linux":
        return ""
    try:
        lines = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    except OSError:
        return ""
    mounts = {fields[1].replace("\\040", " "): fields[2] for fields in lines}
    for parent in (place, *place.parents):
        if str(parent) in mounts:
            return mounts[str(parent)]
    return ""
