"""What the tests in the browser need from package indexes, fetched once into ``~/.cache/datajoint-tests``.

An older ipykernel beside the one of this environment, by pip; axe-core, which judges accessibility, by npm.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

OLD_KERNEL = "ipykernel6"
_AXE_VERSION = "4.10.3"
_SECONDS = 120


class NotFetchedError(Exception):
    """Something could not be fetched; the message says what and why."""


def cache_folder() -> Path:
    """Return the folder in which the tests keep what they have fetched."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "datajoint-tests"


def old_ipykernel() -> Path:
    """Return a folder with ipykernel 6 and nothing else, to be put in front of the packages of this environment.

    Raises
    ------
    NotFetchedError
    """
    # Its dependencies are there already: they are those of ipykernel 7.
    command = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps", "--target"]
    return _fetched(OLD_KERNEL, lambda folder: [*command, str(folder), "ipykernel<7"])


def axe_core() -> Path:
    """Return the script of axe-core.

    Raises
    ------
    NotFetchedError
    """
    npm = shutil.which("npm") or "npm"
    command = [npm, "install", "--silent", "--no-audit", "--no-fund", f"axe-core@{_AXE_VERSION}", "--prefix"]
    folder = _fetched(f"axe-core-{_AXE_VERSION}", lambda folder: [*command, str(folder)])
    return folder / "node_modules" / "axe-core" / "axe.min.js"


def _fetched(name: str, command_for: Callable[[Path], list[str]]) -> Path:
    """Return a folder of the cache, filled by a command if it is not there yet, and whole or not there at all."""
    folder = cache_folder() / name
    if folder.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        made = Path(scratch) / name
        made.mkdir()
        command = command_for(made)
        try:
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=_SECONDS)
        except (OSError, subprocess.SubprocessError) as error:
            said = (getattr(error, "stderr", "") or str(error)).strip()[-1000:]
            raise NotFetchedError(f"{name} could not be fetched by {Path(command[0]).name}: {said}") from error
        with contextlib.suppress(OSError):  # somebody else was quicker
            made.rename(folder)
    return folder


def register(data: Path, packages: Path) -> None:
    """Make the kernel known to servers whose folder of data is `data`; it imports what we do, besides its own packages."""
    spec = {
        "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "Python 3 (ipykernel 6)",
        "language": "python",
        "env": {"PYTHONPATH": os.pathsep.join([str(packages), *filter(None, sys.path)])},
    }
    folder = data / "kernels" / OLD_KERNEL
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "kernel.json").write_text(json.dumps(spec))
