"""Examine a SQLite file and the place where it lies."""

from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path

from datajoint.backends import sqlite_file
from datajoint.backends.base import Execute, Target
from datajoint.backends.findings import Finding, size
from datajoint.sql.fragment import Sql

_QUICK = 2**30  # bytes that can be read through in a few seconds
_LITTLE_SPACE = 2**30


def examine(execute: Execute, target: Target) -> list[Finding]:
    """Return what is worth knowing."""
    path = Path(target.path or "")
    ((version,),) = execute(Sql("SELECT format FROM `~dj_format`")).rows
    return [
        Finding("library", f"SQLite {sqlite3.sqlite_version}"),
        Finding("file", f"{path}, {size(path.stat().st_size)}, format {version}"),
        Finding("time zone", "always UTC"),
        Finding("collation", "text compares by code point"),
        _access(path, target),
        _journal(execute, path),
        _place(path.parent),
        _space(path.parent),
        *_soundness(execute, path),
    ]


def _access(path: Path, target: Target) -> Finding:
    if target.read_only:
        return Finding("privileges", "opened for reading only, as asked")
    for place, what in ((path, "the file"), (path.parent, "the folder")):
        if not os.access(place, os.W_OK):
            return Finding(
                "privileges",
                f"{what} may not be written: the database can only be read",
                "note",
                f"Ask the owner of {place} for the permission, if you should write.",
            )
    return Finding("privileges", "may be read and written")


def _journal(execute: Execute, path: Path) -> Finding:
    ((mode,),) = execute(Sql("PRAGMA journal_mode")).rows
    log = path.with_name(path.name + "-wal")
    extra = f", {size(log.stat().st_size)} not yet merged" if log.exists() and log.stat().st_size else ""
    if mode != "wal":
        return Finding(
            "journal",
            f"{mode}: readers and writers wait for each other",
            "note",
            "Open the file once where it may be written.",
        )
    return Finding("journal", f"write-ahead log{extra}")


def _place(folder: Path) -> Finding:
    described = sqlite_file.doubtful_place(folder)
    if described:
        return Finding(
            "place",
            f"the folder {folder} is {described}: several machines that write can damage the database",
            "wrong",
            "Keep it on a local disk, or use a server.",
        )
    return Finding("place", "a local disk")


def _space(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    if free < _LITTLE_SPACE:
        return Finding("disk", f"{size(free)} free", "wrong", "Make room: a full disk refuses every write.")
    return Finding("disk", f"{size(free)} free")


def _soundness(execute: Execute, path: Path) -> list[Finding]:
    if path.stat().st_size > _QUICK:
        return [Finding("soundness", "not examined: the file is large", "ok", "")]
    faults = [row[0] for row in execute(Sql("PRAGMA quick_check(3)")).rows if row[0] != "ok"]
    if faults:
        return [
            Finding(
                "soundness",
                f"the file is damaged: {'; '.join(faults)}",
                "wrong",
                "Stop writing, copy the file, restore a backup.",
            )
        ]
    orphans = execute(Sql("PRAGMA foreign_key_check")).rows
    if orphans:
        return [
            Finding(
                "soundness",
                f"{len(orphans)} rows refer to rows that do not exist, the first in {orphans[0][0]}",
                "wrong",
                "A program wrote with foreign keys off: insert the missing rows or delete these.",
            )
        ]
    return [Finding("soundness", "sound")]
