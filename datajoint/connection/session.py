"""One thread's driver connection, and the sessions of all threads."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from datajoint.backends.base import Backend
from datajoint.forking import reopened

if TYPE_CHECKING:
    from datajoint.connection.transaction import OpenTransaction


@dataclass(slots=True, eq=False, weakref_slot=True)
class Session:
    """A thread's driver connection."""

    raw: Any
    backend: Backend
    number: int
    process: int = field(default_factory=os.getpid)
    owner: int = field(default_factory=threading.get_ident)
    closed: bool = False
    used: float = field(default_factory=time.monotonic)
    """When the last statement ended."""
    begun: bool = False
    """Whether the user began a transaction through the raw door."""
    reopen: Callable[[], Any] | None = None
    """Opens the driver's connection once more, where it is closed while the process forks."""
    # Held while a statement runs: another thread that closes all sessions must not pull the driver's connection away
    # under it (with sqlite3 that ends the process).
    in_use: threading.RLock = field(default_factory=threading.RLock)

    @property
    def usable(self) -> bool:
        """Whether statements can be sent: it is neither closed nor a forked parent's."""
        return not self.closed and self.process == os.getpid()

    def close(self, *, wait: bool = True) -> None:
        """Close the driver's connection, once, when no statement runs on it; without `wait`, not if one does now."""
        # A forked child must not say goodbye on its parent's socket, nor wait for its parent's threads.
        if self.process != os.getpid():
            self.closed = True
            return
        if not self.in_use.acquire(blocking=wait):
            return
        try:
            if not self.closed:
                self.backend.close(self.raw)
            self.closed = True
        finally:
            self.in_use.release()


class _Holder:
    """Closes a thread's session when the thread, whose local storage owns this object, is gone."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def __del__(self) -> None:
        # Only as Python ends can a statement still run: of a daemon thread, which was stopped for good in the midst of it.
        self.session.close(wait=False)


class _Thread(threading.local):
    """What belongs to the calling thread."""

    holder: _Holder | None = None
    transaction: OpenTransaction | None = None
    """The transaction that the thread opened or joined."""
    limit: float | None = None
    """Seconds that a statement may take."""


class Sessions:
    """The sessions of a connection, one for each thread that uses it.

    Parameters
    ----------
    open_session : callable
        Opens a new one.
    """

    def __init__(self, open_session: Callable[[], Session]) -> None:
        self._open = open_session
        self._lock = reopened(threading.Lock())
        self._holders: weakref.WeakSet[_Holder] = weakref.WeakSet()
        self.here = _Thread()
        self.closed = False
        """Whether the connection as a whole was closed and not used since."""

    @property
    def own(self) -> Session | None:
        """The calling thread's session, usable or not, if it has one."""
        holder = self.here.holder
        return None if holder is None else holder.session

    def renew(self) -> Session:
        """Open a session for the calling thread, in place of the one that it has."""
        self.leave()
        session = self._open()
        self.here.holder = holder = _Holder(session)
        with self._lock:
            self._holders.add(holder)
            self.closed = False
        return session

    def leave(self) -> None:
        """Close the calling thread's session, if it has one."""
        if self.here.holder is not None:
            self.here.holder.session.close()
            self.here.holder = None

    def close(self) -> None:
        """Close the sessions of all threads."""
        with self._lock:
            holders = list(self._holders)
            self._holders.clear()
            self.closed = True
        for holder in holders:
            holder.session.close()
