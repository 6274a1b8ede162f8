"""The servers of one test session, shared by its workers: started by whoever first needs one, ended by the session."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.provision.servers import REPOSITORY, MissingServerError, is_alive

_START_SECONDS = 600  # the first start of MySQL fetches its programs
_STOP_SECONDS = 60


class Pool:
    """Servers whose state lies in `folder`; `owner` is the process that they must not outlive."""

    def __init__(self, folder: Path, owner: int) -> None:
        self.folder, self.owner = folder, owner

    @classmethod
    def create(cls) -> Pool:
        folder = Path(tempfile.mkdtemp(prefix="dj-"))
        folder.chmod(0o755)
        return cls(folder, os.getpid())

    def url(self, engine: str) -> str:
        """Return the URL of a running server, starting it on the first call of any worker.

        Raises
        ------
        MissingServerError
            If the engine cannot be had; once found out, at once.
        """
        named = os.environ.get(f"DJ_TEST_{engine.upper()}_URL")
        if named:
            return named
        state_file = self.folder / f"{engine}.json"
        with (self.folder / f"{engine}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not state_file.exists():
                self._start(engine, state_file)
        state = json.loads(state_file.read_text())
        if "missing" in state:
            raise MissingServerError(state["missing"])
        return str(state["url"])

    def missing(self) -> dict[str, str]:
        """Return the engines that were asked for and cannot be had, with the reason."""
        states = {path.stem: json.loads(path.read_text()) for path in sorted(self.folder.glob("*.json"))}
        return {engine: state["missing"] for engine, state in states.items() if "missing" in state}

    def _start(self, engine: str, state_file: Path) -> None:
        command = [sys.executable, "-m", "tests.provision.keeper", engine, str(self.folder), str(self.owner)]
        with (self.folder / f"{engine}.keeper.log").open("wb") as log:
            keeper = subprocess.Popen(
                command, cwd=REPOSITORY, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
            )
        (self.folder / f"{engine}.pid").write_text(str(keeper.pid))
        deadline = time.monotonic() + _START_SECONDS
        while not state_file.exists():
            if keeper.poll() is not None or time.monotonic() > deadline:
                said = Path(log.name).read_text(errors="replace")[-1500:]
                state_file.write_text(json.dumps({"missing": f"{engine} did not start: {said}"}))
                return
            time.sleep(0.1)
        _detached.append(keeper)

    def close(self) -> None:
        """End the servers of this session and remove their files."""
        keepers = [int(path.read_text()) for path in self.folder.glob("*.pid")]
        for keeper in keepers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(keeper, signal.SIGTERM)
        deadline = time.monotonic() + _STOP_SECONDS
        while any(map(is_alive, keepers)) and time.monotonic() < deadline:
            time.sleep(0.05)
        for process in _detached:
            process.poll()  # reap our own
        shutil.rmtree(self.folder, ignore_errors=True)


_detached: list[subprocess.Popen[bytes]] = []
"""Keepers that this process started: held so that they are not warned about as forgotten."""


def keeper_pids() -> set[int]:
    """Return the processes of this worker that belong to the pool, not to a test."""
    return {process.pid for process in _detached}
