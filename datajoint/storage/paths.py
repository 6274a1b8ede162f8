"""Where objects lie: paths built from keys and tokens, and which texts may be paths at all."""

from __future__ import annotations

import datetime
import hashlib
import ntpath
import os
import posixpath
import re
import secrets
import string
import urllib.parse
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from datajoint.errors import DataJointError

TOKEN_ALPHABET = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
"""The 64 characters of tokens, all of them safe in file names and URLs."""

MIN_TOKEN, MAX_TOKEN = 4, 16

_UNSAFE = frozenset('/\\:*?"<>|')
_LONGEST_VALUE = 100
_LONGEST_NAME = 255  # bytes
_PATTERN_NAME = re.compile(r"\{(\w+)\}")


# --- building
def generate_token(length: int = 8) -> str:
    """Return `length` (brought between 4 and 16) random characters that nobody can guess."""
    return "".join(secrets.choice(TOKEN_ALPHABET) for _ in range(max(MIN_TOKEN, min(MAX_TOKEN, length))))


def encode_pk_value(value: Any) -> str:
    """Return how a value of a primary key is spelled in a path.

    Texts that hold a character which some file system refuses, or are longer than 100 characters, are percent-encoded;
    the long ones are first cut and given a digest.
    """
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, datetime.datetime):
        return value.strftime("%Y-%m-%dT%H-%M-%S")
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    text = str(value)
    if len(text) <= _LONGEST_VALUE and not _UNSAFE & set(text):
        return text
    if len(text) > _LONGEST_VALUE:
        text = f"{text[:50]}_{hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()[:8]}"
    return urllib.parse.quote(text, safe="")


def _fitting(folder: str) -> str:
    """Return the name of a folder that file systems take; one character of a key may be spelled with twelve bytes."""
    if len(folder.encode()) <= _LONGEST_NAME:
        return folder
    beginning = folder.encode()[: _LONGEST_NAME - 17].decode(errors="ignore")
    return f"{beginning}_{hashlib.sha256(folder.encode()).hexdigest()[:16]}"


def build_object_path(
    schema: str,
    table: str,
    field: str,
    primary_key: Mapping[str, Any],
    ext: str | None,
    partition_pattern: str | None = None,
    token_length: int = 8,
    *,
    schema_prefix: str,
) -> tuple[str, str]:
    """Return a new path for an object of one row, and the random token in it.

    Parameters
    ----------
    schema, table, field : str
        Names in the database; `table` with the prefix of its tier.
    primary_key : mapping
        The row's key, in the order of the table.
    ext : str or None
        Ending of the name, with or without its dot.
    partition_pattern : str, optional
        ``"{subject_id}/{session_date}"``: these attributes come first in the path, as far as the key has them.
    token_length : int
        4 to 16.
    schema_prefix : str
        The store's section of such objects; may be empty.

    Returns
    -------
    tuple of str
        ``{section}/{partition}/{schema}/{table}/{rest of the key}/{field}_{token}{ext}`` and the token.

    Raises
    ------
    DataJointError
        If the key has a value that is no name of a folder, such as ``..``.

    Examples
    --------
    >>> path, token = build_object_path("lab", "trial", "trace", {"subject": 7}, "npy", schema_prefix="_schema")
    >>> path == f"_schema/lab/trial/subject=7/trace_{token}.npy"
    True
    """
    token = generate_token(token_length)
    first = [name for name in _PATTERN_NAME.findall(partition_pattern or "") if name in primary_key]
    rest = [name for name in primary_key if name not in first]
    spelled = {name: _fitting(f"{name}={encode_pk_value(value)}") for name, value in primary_key.items()}
    ending = ext if not ext or ext.startswith(".") else f".{ext}"
    parts = [
        schema_prefix.strip("/"),
        *(spelled[name] for name in dict.fromkeys(first)),
        schema,
        table,
        *(spelled[name] for name in rest),
        f"{field}_{token}{ending or ''}",
    ]
    return checked_path("/".join(part for part in parts if part)), token


# --- checking
def checked_path(path: str | PurePath, *, may_be_root: bool = False) -> str:
    r"""Return a path below a store's root, or refuse it.

    Steps such as ``./`` and ``a/../`` are resolved; everything else is left as it is spelled.

    Parameters
    ----------
    path : str or PurePath
        Relative to the root, with ``/`` between folders.
    may_be_root : bool
        Whether the root itself, ``""``, is meant too.

    Raises
    ------
    DataJointError
        If the path is empty, absolute, leads out of the store (also by the rules of Windows, ``..\x``), or holds a NUL.
    """
    given = path.as_posix() if isinstance(path, PurePath) else str(path)
    if "\0" in given:
        raise _refused(given, "holds a NUL character")
    text = _resolved(given)
    for spelled in (given, text):
        if spelled.startswith(("/", "\\")) or _has_drive(spelled):
            raise _refused(given, "is absolute")
    if any(".." in step.split("\\") for step in text.split("/")):
        raise _refused(given, "leads out of the store")
    if not text.strip("/") and not may_be_root:
        raise _refused(given, "names no object")
    return text


def _resolved(text: str) -> str:
    """Return a path without the steps ``.`` and ``..``, as far as that can be; everything else as it is spelled."""
    steps = text.split("/")
    if "." not in steps and ".." not in steps:
        return text
    resolved = posixpath.normpath(text)
    return "" if resolved == "." else resolved + "/" * text.endswith("/")


def _has_drive(text: str) -> bool:
    drive, rest = ntpath.splitdrive(text)
    return bool(drive) and (os.name == "nt" or rest[:1] in {"/", "\\"} or drive.startswith("\\\\"))


def _refused(path: str, reason: str) -> DataJointError:
    return DataJointError(
        f"The path {path[:200]!r} is not one of an object: it {reason}.",
        hint="Paths are relative to the root of their store and stay below it.",
    )


def checked_name(name: str) -> str:
    r"""Return a bare file name, or refuse it.

    Raises
    ------
    DataJointError
        If it is empty, ``.`` or ``..``, or holds a NUL or a separator (``/`` and ``\``).
    """
    if name in {"", ".", ".."} or any(character in name for character in "\0/\\") or _has_drive(name + "/"):
        raise DataJointError(
            f"{name[:200]!r} is not the bare name of a file.", hint="Names hold no folders, and are not . or .."
        )
    return name


def lies_in(path: str, section: str) -> bool:
    """Tell whether a path is `section` or lies below it; everything lies in the empty section."""
    section = section.strip("/")
    return not section or path == section or path.startswith(section + "/")
