"""Keep one server for as long as a test session lives: ``python -m tests.provision.keeper ENGINE FOLDER PID``.

Starts the server, writes ``FOLDER/ENGINE.json`` with its URL or with the reason why there is none, and ends the server
when it is told to (SIGTERM) or when process PID is gone, however it went.
"""

from __future__ import annotations

import json
import shutil
import signal
import sys
import threading
from pathlib import Path

from tests.provision.servers import MissingServerError, is_alive, start


def main(engine: str, folder: Path, owner: int) -> None:
    told = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: told.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for pytest, which then tells us
    try:
        server = start(engine, folder / engine)
    except MissingServerError as error:
        _write(folder, engine, {"missing": str(error)})
        return
    try:
        _write(folder, engine, {"url": server.url})
        while not told.wait(1.0) and is_alive(owner) and server.is_running():
            pass
    finally:
        server.stop()
        if not is_alive(owner):
            shutil.rmtree(folder, ignore_errors=True)  # nobody else is left to do it


def _write(folder: Path, engine: str, state: dict[str, str]) -> None:
    part = folder / f"{engine}.part"
    part.write_text(json.dumps(state))
    part.rename(folder / f"{engine}.json")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
