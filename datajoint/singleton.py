"""The connection that this process shares: ``dj.conn()``."""

from __future__ import annotations

import threading
import warnings
from typing import Any

from datajoint.backends.address import target_from_settings
from datajoint.backends.base import Target
from datajoint.connection import Connection
from datajoint.errors import ThreadSafetyError
from datajoint.forking import reopened
from datajoint.settings import is_thread_safe, process_config

_lock = reopened(threading.RLock())
_connection: Connection | None = None

_IDENTITY = ("backend", "host", "port", "user", "database", "path", "unix_socket")


def conn(
    host: str | None = None,
    user: str | None = None,
    password: str | None = None,
    *,
    reset: bool = False,
    use_tls: bool | dict[str, Any] | None = None,
    backend: str | None = None,
) -> Connection:
    """Return the connection of this process; open it on the first call.

    Parameters
    ----------
    host : str, optional
        A host (``name``, ``name:port``) or a URL such as ``sqlite:///lab.db`` or ``mysql://user:password@host/``.
    user, password, use_tls, backend : optional
        From ``dj.config`` where not given.
    reset : bool
        Whether to close the connection that exists and open a new one.

    Returns
    -------
    Connection
        The same object on every call, until `reset`. Arguments that say something else than the connection that
        exists are warned about.

    Raises
    ------
    ThreadSafetyError
        In thread-safe mode, which has no shared connection.
    DataJointError
        If something is missing or the database cannot be reached.
    """
    global _connection
    if is_thread_safe():
        raise ThreadSafetyError(
            "dj.conn() is a connection that all threads share, and thread-safe mode is on.",
            hint="Make a dj.Instance and use its Schema, or pass a connection.",
        )
    with _lock:
        settings = process_config()
        asked = any(value is not None for value in (host, user, password, use_tls, backend))
        if _connection is None or reset or asked:
            target = target_from_settings(
                settings, host=host, user=user, password=password, use_tls=use_tls, backend=backend
            )
            if _connection is not None and not reset:
                _warn_of_conflict(_connection, target)
                return _connection
            old, _connection = _connection, Connection(target, settings)
            if old is not None:
                old.close()
        return _connection


def shared() -> Connection | None:
    """Return the connection of this process if there is one; opens none."""
    return _connection


def _warn_of_conflict(connection: Connection, asked: Target) -> None:
    if any(getattr(connection.target, name) != getattr(asked, name) for name in _IDENTITY):
        warnings.warn(
            f"dj.conn() returns the connection to {connection.address} that exists, not the one asked for. "
            "Pass reset=True to change it, or make a dj.Connection.",
            stacklevel=3,
        )
