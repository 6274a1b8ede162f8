"""A database with settings of its own, beside others in one process."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from datajoint.backends.address import target_from_settings, target_from_url
from datajoint.backends.base import Target
from datajoint.connection import Connection
from datajoint.schemas import Schema
from datajoint.settings import Config, create_config
from datajoint.singleton import conn
from datajoint.table import FreeTable

__all__ = ["Instance", "conn", "connect", "target_from_settings", "target_from_url"]


def connect(url_or_target: str | Target, settings: Config | None = None) -> Connection:
    """Open a connection of its own.

    Parameters
    ----------
    url_or_target : str or Target
        A host, a URL, or a target.
    settings : Config, optional
        Those of the process by default.

    Raises
    ------
    DataJointError
        If the database cannot be reached.
    """
    return Connection(url_or_target, config_override=settings)


class Instance:
    """Settings and a connection that belong together, independent of ``dj.config`` and ``dj.conn()``.

    Parameters
    ----------
    host, user, password, port, use_tls, backend : optional
        As for `Connection`; a URL may stand for the host.
    **settings
        Changes to the settings: ``safemode=False``, ``display__limit=5`` or ``display={"limit": 5}``. An unknown name is
        warned about and ignored.

    Raises
    ------
    pydantic.ValidationError
        If a setting is not valid.
    DataJointError
        If something is missing or the database cannot be reached.
    """

    def __init__(
        self,
        host: str | None = None,
        user: str | None = None,
        password: str | None = None,
        port: int | None = None,
        use_tls: bool | dict[str, Any] | None = None,
        backend: str | None = None,
        **settings: Any,
    ) -> None:
        self.config: Config = create_config()
        if backend is not None:
            self.config.database.backend = backend  # type: ignore[assignment]  # checked by the setting
            self.config.database.port = None  # a port that was configured belongs to the engine that was configured
        self.config.update(settings)
        self.connection = Connection(host, user, password, port, use_tls, backend=backend, config_override=self.config)

    def Schema(self, schema_name: str, **arguments: Any) -> Schema:  # noqa: N802 - name fixed by the interface
        """Return a schema on this instance's connection; arguments as for `dj.Schema`."""
        return Schema(schema_name, connection=self.connection, **arguments)

    def FreeTable(self, full_table_name: str) -> FreeTable:  # noqa: N802 - as above
        """Return a table, named ``schema.table``, on this instance's connection."""
        return FreeTable(self.connection, full_table_name)

    def close(self) -> None:
        """Close the connection. Calling it again does nothing."""
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Instance({self.connection!r})"
