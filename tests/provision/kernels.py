"""An older ipykernel beside the one of the tests: pip puts it into a folder of its own, once."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

WANTED = "ipykernel<7"
NAME = "ipykernel6"


def cache_folder() -> Path:
    """Return the folder in which the tests keep what they have fetched."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "datajoint-tests"


def old_ipykernel() -> Path:
    """Return a folder with ipykernel 6 and nothing else, to be put in front of the packages of this environment.

    Raises
    ------
    RuntimeError
        If pip cannot install it.
    """
    folder = cache_folder() / NAME
    if folder.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        made = Path(scratch) / NAME
        # Its dependencies are there already: they are those of ipykernel 7.
        command = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps"]
        done = subprocess.run(
            [*command, "--target", made, WANTED], check=False, capture_output=True, text=True, timeout=120
        )
        if done.returncode:
            raise RuntimeError(f"ipykernel 6 could not be installed: {done.stderr.strip()[-1000:]}")
        try:
            made.rename(folder)
        except OSError:  # somebody else was quicker
            shutil.rmtree(made, ignore_errors=True)
    return folder


def register(data: Path, packages: Path, extra_path: str) -> None:
    """Make the kernel known to servers whose folder of data is `data`; `extra_path` is what it imports besides."""
    spec = {
        "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "Python 3 (ipykernel 6)",
        "language": "python",
        "env": {"PYTHONPATH": os.pathsep.join(filter(None, [str(packages), extra_path]))},
    }
    folder = data / "kernels" / NAME
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "kernel.json").write_text(json.dumps(spec))
