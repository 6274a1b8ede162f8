"""Find the backend of an engine by name; a driver is imported when its engine is first asked for."""

from __future__ import annotations

import importlib
from functools import cache

from datajoint.backends.base import Backend
from datajoint.errors import DataJointError

_MODULES = {
    "sqlite": "datajoint.backends.sqlite",
    "mysql": "datajoint.backends.mysql",
    "mariadb": "datajoint.backends.mysql",
    "postgresql": "datajoint.backends.postgres",
    "postgres": "datajoint.backends.postgres",
}


class UnknownBackendError(DataJointError, ValueError):
    """A name that is no engine."""


@cache
def get_backend(name: str) -> Backend:
    """Return the backend called `name` (any case; ``postgres`` and ``mariadb`` are aliases).

    Whether a MySQL address is served by MariaDB is found out when connecting.

    Raises
    ------
    UnknownBackendError
        For a name that is no engine.
    """
    try:
        module = _MODULES[name.lower()]
    except KeyError:
        raise UnknownBackendError(
            f"Unknown database backend {name!r}.", hint="Supported are sqlite, mysql, mariadb and postgresql."
        ) from None
    backend: Backend = importlib.import_module(module).backend()
    return backend
