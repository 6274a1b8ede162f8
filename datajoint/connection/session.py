"""One thread's driver connection, and what is known of it."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from typing import Any

from datajoint.backends.base import Backend


@dataclass(slots=True)
class Session:
    """A thread's driver connection and the state of its transaction."""

    raw: Any
    backend: Backend
    number: int
    process: int = field(default_factory=os.getpid)
    depth: int = 0  # 0: none; n: inside n nested transaction blocks
    lost: bool = False  # the link broke inside a transaction that is not yet left
    closed: bool = False
    # Held while a statement runs: another thread that closes all sessions must not pull the driver's connection away
    # under it (with sqlite3 that ends the process).
    in_use: threading.RLock = field(default_factory=threading.RLock)

    def close(self) -> None:
        # A forked child must not say goodbye on its parent's socket, nor wait for its parent's threads.
        if self.process != os.getpid():
            self.closed = True
            return
        with self.in_use:
            if not self.closed:
                self.backend.close(self.raw)
            self.closed = True


class Holder:
    """Closes a thread's session when the thread, whose local storage owns this object, is gone."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def __del__(self) -> None:
        self.session.close()
