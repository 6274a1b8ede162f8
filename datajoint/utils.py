"""Small helpers that programs import from here: names, questions, files that are written whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from datajoint.naming import from_camel_case, is_camel_case, to_camel_case

__all__ = ["from_camel_case", "is_camel_case", "safe_copy", "safe_write", "to_camel_case", "user_choice"]


def user_choice(prompt: str, choices: Sequence[str] = ("yes", "no"), default: str | None = None) -> str:
    """Ask until the answer is one of `choices`, and return it in lower case.

    The answer is read by calling ``input``, looked up in this module first: whoever sets ``datajoint.utils.input``
    answers every question.

    Parameters
    ----------
    prompt : str
        The question; the choices are appended as ``[yes, No]:`` with the default in title case.
    choices : sequence of str
        In lower case.
    default : str, optional
        What an empty answer means.

    Raises
    ------
    AssertionError
        If `default` is not among `choices`.
    """
    if default is not None and default not in choices:
        raise AssertionError(f"The default {default!r} is not one of {list(choices)}.")
    offered = ", ".join(choice.title() if choice == default else choice for choice in choices)
    while True:
        answer = input(f"{prompt} [{offered}]: ").strip().lower() or default
        if answer is not None and answer in choices:
            return answer


def safe_write(path: str | Path, blob: bytes) -> None:
    """Write a file unless it exists; it appears under its name only when it is complete.

    Parameters
    ----------
    path : str or Path
        Missing folders are made.
    blob : bytes
    """
    path = Path(path)
    if path.is_file():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".saving")
    partial.write_bytes(blob)
    partial.rename(path)


def safe_copy(src: str | Path, dest: str | Path, overwrite: bool = False) -> None:
    """Copy a file; it appears under its name only when it is complete.

    Parameters
    ----------
    src, dest : str or Path
        Missing folders of `dest` are made. Nothing happens if both are the same file.
    overwrite : bool
        Whether an existing `dest` is replaced; otherwise it is left as it is.
    """
    src, dest = Path(src), Path(dest)
    if dest.exists() and (not overwrite or dest.samefile(src)):
        return
    dest.parent.mkdir(parents=True, exist_ok=True)
    partial = dest.with_name(dest.name + ".copying")
    shutil.copyfile(src, partial)
    partial.replace(dest)
