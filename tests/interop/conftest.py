"""DataJoint 2.3 itself, in an environment of its own.

It is installed once from the package index into a folder outside the checkout (``~/.cache/datajoint-tests``, or
``$XDG_CACHE_HOME``). ``DJ_TEST_PEER_PYTHON`` names an interpreter that has it already.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import venv
from pathlib import Path
from urllib.parse import urlsplit

import pytest

REQUIREMENTS = ("datajoint[postgres]>=2.3,<2.4", "s3fs>=2024.6")
_HERE = Path(__file__).parent
_IS_CI = os.environ.get("CI", "").lower() == "true"


class MissingPeerError(Exception):
    """DataJoint 2.3 cannot be had here."""


def _python():
    """Return an interpreter that has DataJoint 2.3; make its environment if there is none yet."""
    named = os.environ.get("DJ_TEST_PEER_PYTHON")
    if named:
        return named
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "datajoint-tests"
    folder = cache / f"peer-s3-{sys.version_info[0]}.{sys.version_info[1]}"
    python = folder / "bin" / "python"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "peer.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several workers may want it at once
        if not (folder / "complete").exists():
            try:
                venv.create(folder, with_pip=True, clear=True)
                command = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *REQUIREMENTS]
                subprocess.run(command, check=True, capture_output=True, text=True, timeout=600)
            except (OSError, subprocess.SubprocessError) as error:
                raise MissingPeerError(
                    f"{', '.join(REQUIREMENTS)} could not be installed: {getattr(error, 'stderr', '') or error}"
                ) from error
            (folder / "complete").touch()
    return str(python)


@pytest.fixture(scope="session")
def peer_python():
    try:
        return _python()
    except MissingPeerError as error:
        (pytest.fail if _IS_CI else pytest.skip)(f"NOT TESTED against DataJoint 2.3: {error}")


@pytest.fixture
def peer(peer_python, engine, url, tmp_path):
    """Ask DataJoint 2.3 to do a task of ``peer.py``, or of another script, on the same server."""
    if engine == "sqlite":
        pytest.skip("DataJoint 2.3 knows servers only")
    address = urlsplit(url)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("DJ_", "PYTHON"))}
    environment |= {
        "DJ_IGNORE_CONFIG_FILE": "true",
        "DJ_BACKEND": "postgresql" if engine == "postgresql" else "mysql",
        "DJ_HOST": address.hostname,
        "DJ_PORT": str(address.port),
        "DJ_USER": address.username,
        "DJ_PASS": address.password,
        "DJ_USE_TLS": "false",
    }
    if engine == "postgresql":
        environment["DJ_DATABASE_NAME"] = address.path.strip("/") or "postgres"

    def run(task, script="peer.py", **arguments):
        command = [peer_python, str(_HERE / script), task, json.dumps(arguments)]
        done = subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, check=False, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout.splitlines()[-1])

    return run
