"""``<attach>``: a file, with its name, kept in the table or, with ``@``, in a store."""

from __future__ import annotations

import os
import re
from itertools import count
from pathlib import Path
from typing import Any

from datajoint.codecs.base import Codec
from datajoint.codecs.places import config_or_global
from datajoint.errors import DataJointError
from datajoint.storage.files import temporary_beside

_NAME_END = b"\0"


class AttachCodec(Codec):
    """Store a file; a fetch writes it to ``config["download_path"]`` and returns where it is."""

    name = "attach"

    def get_dtype(self, is_store: bool) -> str:
        """Return ``bytes``, or ``<hash>`` with ``@``: the contents are then in a store, and the same ones there once."""
        return "<hash>" if is_store else "bytes"

    def validate(self, value: Any) -> None:
        """Refuse what is no path.

        Raises
        ------
        TypeError
            If `value` is neither str nor Path.
        """
        if not isinstance(value, str | Path):
            raise TypeError(f"<attach> takes the path of a file, as str or Path, not {type(value).__name__}.")

    def encode(self, value: str | Path, *, key: dict[str, Any] | None = None, store_name: str | None = None) -> bytes:  # noqa: ARG002
        """Return the file's name, a zero byte, and its contents.

        Raises
        ------
        FileNotFoundError
            If nothing is at the path.
        IsADirectoryError
            If a folder is.
        """
        path = Path(value)
        if not path.exists():
            raise FileNotFoundError(f"The attachment `{path}` does not exist.")
        if path.is_dir():
            raise IsADirectoryError(
                f"The attachment `{path}` is a folder. <attach> takes one file; pack the folder first."
            )
        return path.name.encode() + _NAME_END + path.read_bytes()

    def decode(self, stored: bytes, *, key: dict[str, Any] | None = None) -> str:
        """Write the file, under a numbered name if another of its name is there, and return its path.

        Raises
        ------
        ValueError
            If the bytes hold no name.
        DataJointError
            If the name cannot be a file's.
        """
        encoded_name, end, contents = bytes(stored).partition(_NAME_END)
        if not end:
            raise ValueError("The stored bytes are no attachment: they hold no file name.")
        folder = Path(config_or_global(self._codec_config(key))["download_path"])
        folder.mkdir(parents=True, exist_ok=True)
        return str(_deposit(folder / _safe_name(encoded_name), contents))


def _safe_name(encoded: bytes) -> str:
    """Return the last part of a stored name: a row must not decide into which folder a file goes."""
    name = re.split(r"[/\\]", encoded.decode("utf-8", "replace"))[-1]
    if name in {"", ".", ".."}:
        raise DataJointError(f"The attachment's name {encoded[:80]!r} is not a file's name. Nothing was written.")
    return name


def _deposit(target: Path, contents: bytes) -> Path:
    """Write `contents` to `target` or to the first numbered sibling that is free or holds the same."""
    # Under a name of its own first, so that nobody finds half a file, and no link that lies there is written through.
    unfinished = temporary_beside(target)
    try:
        with unfinished.open("xb") as file:
            file.write(contents)
        for number in count():
            candidate = target.with_name(f"{target.stem}_{number}{target.suffix}") if number else target
            if _claimed(candidate, unfinished) or _holds(candidate, contents):
                return candidate
    finally:
        unfinished.unlink(missing_ok=True)
    raise AssertionError("count() does not end")


def _claimed(candidate: Path, unfinished: Path) -> bool:
    """Give a file its name, unless something has that name already; two programs cannot both get it."""
    try:
        os.link(unfinished, candidate)
    except FileExistsError:
        return False
    except OSError:  # a file system without links
        try:
            candidate.open("xb").close()
        except FileExistsError:
            return False
        unfinished.replace(candidate)
    return True


def _holds(candidate: Path, contents: bytes) -> bool:
    try:
        return candidate.is_file() and candidate.stat().st_size == len(contents) and candidate.read_bytes() == contents
    except OSError:  # gone meanwhile, or not ours to read
        return False
