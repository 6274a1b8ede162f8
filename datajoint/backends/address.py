"""From what a person writes (settings, host names, URLs) to a `Target`.

Which engine: an explicit backend wins; else a configured host or user means MySQL, as in DataJoint 2.3; else the
SQLite file ``database.path``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from datajoint.backends.base import Target
from datajoint.backends.registry import get_backend
from datajoint.errors import DataJointError
from datajoint.logging import logger
from datajoint.naming import did_you_mean

if TYPE_CHECKING:
    from datajoint.settings import Config

DEFAULT_ENGINE = "sqlite"
DEFAULT_SERVER = "mysql"
MEMORY = ":memory:"

_URL_OPTIONS = ("read_only", "unix_socket")
_TRUE = ("1", "true", "yes")


class HostPort(NamedTuple):
    """A host as written: its name, its port if one was written, and the path if it is a Unix socket."""

    host: str
    port: int | None = None
    unix_socket: str | None = None


def split_host(text: str) -> HostPort:
    """Split ``name``, ``name:port``, ``[::1]:port``, ``::1`` or ``/path/of/socket``.

    Raises
    ------
    DataJointError
        If what follows the colon is no port.
    """
    if text.startswith("/"):
        return HostPort("localhost", None, text)
    if text.count(":") > 1 and not text.startswith("["):
        return HostPort(text)
    try:
        parts = urlsplit(f"//{text}")
        return HostPort(parts.hostname or "localhost", parts.port)
    except ValueError as error:
        raise DataJointError(
            f"The host {text!r} cannot be read: {error}.",
            hint="Write name, name:port, [::1]:port or the path of a socket.",
        ) from error


def target_from_url(url: str, settings: Config, *, folder: Path | None = None, **overrides: Any) -> Target:
    """Read a database URL.

    Parameters
    ----------
    url : str
        ``sqlite:///file.db`` (relative), ``sqlite:////folder/file.db``, ``sqlite:///:memory:``,
        ``mysql://user:password@host:port/``, ``mariadb://...`` or ``postgresql://user:password@host:port/database``.
        Special characters in user and password are percent-encoded. With ``?read_only=1`` the database refuses
        every write, ``?unix_socket=/path`` names a server's socket.
    settings : Config
        Supplies user and password where the URL has none, and everything a URL does not say.
    folder : Path, optional
        What a relative file name starts from; the working directory by default.
    **overrides
        Fields of the target that were given beside the URL.

    Raises
    ------
    DataJointError
        If the URL cannot be read or names no known engine. Its text is not repeated: it may hold a password.
    """
    try:
        parts = urlsplit(url)
        name, port = parts.scheme.partition("+")[0], parts.port
    except ValueError as error:
        raise DataJointError(f"The database URL cannot be read: {error}.", hint=_URL_FORMS) from error
    options = _url_options(parts.query)
    given = {key: value for key, value in overrides.items() if value is not None}
    backend = get_backend(name)
    if backend.dialect.default_port is None:
        path = unquote(parts.path.removeprefix("/")) or MEMORY
        if parts.netloc:
            raise DataJointError(
                "A SQLite URL has no host.", hint="Write sqlite:///file.db, or sqlite:////folder/file.db."
            )
        return _embedded(
            settings, backend.dialect.name, path, folder or Path.cwd(), read_only=options.get("read_only") in _TRUE
        )
    fields = {
        "host": parts.hostname or "localhost",
        "port": port or backend.dialect.default_port,
        "user": unquote(parts.username) if parts.username else settings.database.user,
        "password": unquote(parts.password) if parts.password else _secret(settings.database.password),
        "database": unquote(parts.path.strip("/")) or None,
        "unix_socket": options.get("unix_socket"),
        "read_only": options.get("read_only") in _TRUE,
    }
    if fields["user"] is None and "user" not in given:
        raise DataJointError("The database URL names no user.", hint=_URL_FORMS)
    return _server(settings, name, **(fields | given))


_URL_FORMS = "Write sqlite:///file.db, mysql://user:password@host/ or postgresql://user:password@host/database."


def _url_options(query: str) -> dict[str, str]:
    options = dict(parse_qsl(query))
    for option in options:
        if option not in _URL_OPTIONS:
            hint = did_you_mean(option, _URL_OPTIONS) or f"There are {' and '.join(_URL_OPTIONS)}."
            raise DataJointError(f"A database URL has no option {option!r}.", hint=hint)
    return options


def target_from_settings(
    settings: Config,
    *,
    host: str | None = None,
    user: str | None = None,
    password: str | None = None,
    port: int | None = None,
    use_tls: bool | dict[str, Any] | None = None,
    backend: str | None = None,
    database: str | None = None,
) -> Target:
    """Return where to connect to, from explicit arguments and, for what they leave out, the settings.

    Parameters
    ----------
    host : str, optional
        A host (see `split_host`), or a URL (see `target_from_url`).
    user, password, port, use_tls, backend, database : optional
        As in the settings group ``database``; a port written in `host` wins over `port`.

    Raises
    ------
    DataJointError
        If user or password are missing, or an argument cannot be read.
    """
    database_settings = settings.database
    given: dict[str, Any] = {"user": user, "password": password, "port": port, "use_tls": use_tls, "database": database}
    if host and "://" in host:
        return target_from_url(host, settings, **given)
    url = _secret(database_settings.url)
    if url and host is None and user is None and backend in (None, urlsplit(url).scheme):
        return target_from_url(url, settings, folder=settings.project_folder, **given)
    name = backend or _chosen(settings, explicit=bool(host or user))
    dialect = get_backend(name).dialect
    if dialect.default_port is None:
        folder = settings.project_folder
        target = _embedded(settings, dialect.name, database_settings.path, folder)
        if not backend and not database_settings.backend:
            logger.info("No database server is configured: using the SQLite file %s", target.path)
        return target
    place = split_host(host or database_settings.host)
    configured_port = database_settings.port if database_settings.is_set("port") else None
    user = user or database_settings.user
    password = password if password is not None else _secret(database_settings.password)
    for value, setting, variable in ((user, "user", "DJ_USER"), (password, "password", "DJ_PASS")):
        if value is None:
            raise DataJointError(
                f"The {setting} for the database at {place.host} is not set.",
                hint=f"Give it to dj.conn(), set dj.config['database.{setting}'], or set {variable} in the environment.",
            )
    return _server(
        settings,
        name,
        host=place.host,
        port=place.port or port or configured_port or dialect.default_port,
        unix_socket=place.unix_socket,
        user=user,
        password=password,
        use_tls=use_tls,
        database=database or database_settings.name,
    )


def _chosen(settings: Config, *, explicit: bool) -> str:
    """Name the engine when no argument does; `explicit` tells that a host or user was given as an argument."""
    configured = settings.database.backend
    if explicit:
        # A host beside a configured embedded engine: the argument wins.
        is_server = configured and get_backend(configured).dialect.default_port is not None
        return configured if configured and is_server else DEFAULT_SERVER
    if configured:
        return configured
    return DEFAULT_SERVER if settings.database.is_set("host") or settings.database.is_set("user") else DEFAULT_ENGINE


def _embedded(settings: Config, backend: str, path: str, folder: Path, *, read_only: bool = False) -> Target:
    place = path if path == MEMORY else str(folder / Path(path).expanduser())
    return Target(
        backend=backend,
        path=place,
        read_only=read_only or settings.database.read_only,
        time_zone=settings.database.time_zone,
        lock_timeout=settings.database.lock_timeout,
    )


def _server(settings: Config, backend: str, **fields: Any) -> Target:
    database_settings = settings.database
    use_tls, read_only = fields.pop("use_tls", None), fields.pop("read_only", False)
    return Target(
        backend=backend,
        use_tls=use_tls if use_tls is not None else database_settings.use_tls,
        charset=settings.connection.charset,
        schema_collation=database_settings.schema_collation,
        time_zone=database_settings.time_zone,
        read_only=read_only or database_settings.read_only,
        connect_timeout=database_settings.connect_timeout,
        lock_timeout=database_settings.lock_timeout,
        **fields,
    )


def _secret(value: Any) -> str | None:
    return value.get_secret_value() if value is not None else None
