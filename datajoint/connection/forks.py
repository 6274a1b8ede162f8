"""What becomes of sessions when the process forks.

An embedded engine keeps in the memory of the process which locks it has on a file. A child would take those of its parent for
its own, and a mutex that another thread held would stay shut in it. So no file is open while a process forks: sessions that
are amid a statement are waited for, and all are opened again afterwards in the parent.
"""

from __future__ import annotations

import os
import threading
import time
from weakref import WeakSet

from datajoint.connection.session import Session
from datajoint.forking import Gate

_PATIENCE = 5.0  # seconds to wait for other threads before a process forks all the same
_PAUSE = 0.002

opening = Gate()
"""Passed by whoever opens a session, or works on a file without one."""

_embedded: WeakSet[Session] = WeakSet()
_adding = threading.Lock()
_shut: list[Session] = []
_inherited: list[Session] = []


def watch(session: Session) -> None:
    """Have a session of an embedded engine closed while the process forks; it is opened again by its `reopen`."""
    with _adding:
        _embedded.add(session)


def _before() -> None:
    end = time.monotonic() + _PATIENCE
    opening.shut(end)
    with _adding:
        left = [session for session in _embedded if session.usable]
    while left:
        left = [session for session in left if not _close(session)]
        if not left or time.monotonic() > end:
            break
        time.sleep(_PAUSE)


def _close(session: Session) -> bool:
    """Close the file of a session that does nothing, and keep its thread from using it; False if it is at work."""
    if not session.in_use.acquire(blocking=False):
        return False
    if session.usable and session.reopen is not None and not session.backend.in_transaction(session.raw):
        session.backend.close(session.raw)
        _shut.append(session)
        return True
    session.in_use.release()
    return not session.usable or threading.get_ident() == session.owner  # its own transaction nobody will end meanwhile


def _after_in_parent() -> None:
    shut = _shut[:]
    _shut.clear()
    opening.open()
    for session in shut:
        try:
            assert session.reopen is not None
            session.raw = session.reopen()
        except Exception:  # noqa: BLE001 - who uses it next opens another one, and is told
            session.closed = True
        finally:
            session.in_use.release()


def _after_in_child() -> None:
    _adding._at_fork_reinit()  # type: ignore[attr-defined]  # as in `datajoint.forking`
    opening.renew()
    for session in _shut:
        session.in_use.release()
    # Those that could not be closed: closing them here would undo, in the file, the transaction that the parent is in.
    _inherited.extend(session for session in _embedded if session not in _shut and not session.closed)
    _shut.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
