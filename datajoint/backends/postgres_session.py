"""Connect to PostgreSQL through psycopg."""

from __future__ import annotations

import logging
from typing import Any

import psycopg
from psycopg.types.json import set_json_loads

from datajoint.backends.base import Target
from datajoint.errors import AccessError, DataJointError
from datajoint.values.documents import from_json

logger = logging.getLogger("datajoint")

PORT = 5432
DATABASE = "postgres"
_ACCESS_STATES = {"28P01", "28000"}
_ACCESS_TEXTS = ("password authentication failed", "no pg_hba.conf entry", "authentication failed")
_PLAIN_COLLATIONS = {"C", "POSIX", "C.UTF-8", "C.UTF8", "C.utf8"}
# How the dict of `use_tls` calls what libpq calls otherwise; libpq's own names pass.
_TLS_NAMES = {"ca": "sslrootcert", "cert": "sslcert", "key": "sslkey"}


def connect(target: Target) -> Any:
    """Open a connection in autocommit mode and prepare its session.

    Raises
    ------
    AccessError
        If the server does not let the user in.
    DataJointError
        If the server cannot be reached, or encryption was demanded and cannot be had.
    """
    try:
        raw = psycopg.connect(
            host=target.unix_socket or target.host, port=target.port or PORT, user=target.user, password=target.password,
            dbname=target.database or DATABASE, connect_timeout=max(2, round(target.connect_timeout)), autocommit=True,
            application_name="datajoint", **_tls(target),
        )  # fmt: skip
    except psycopg.Error as error:
        raise _refused(target, error) from error
    try:
        set_json_loads(from_json, raw)
        if target.time_zone is not None:
            raw.execute("SELECT set_config('TimeZone', %s, false)", (target.time_zone,))
        if target.read_only:
            raw.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
    except BaseException:
        raw.close()
        raise
    return raw


def _tls(target: Target) -> dict[str, Any]:
    """Return libpq's options. Without a wish it tries TLS first and falls back only if the server has none."""
    if target.use_tls is None:
        return {"sslmode": "prefer"}
    if isinstance(target.use_tls, dict):
        given = {
            _TLS_NAMES.get(name, name): value
            for name, value in target.use_tls.items()
            if name not in {"check_hostname", "verify_mode"}
        }
        verified = "verify-full" if target.use_tls.get("check_hostname", True) else "verify-ca"
        return {"sslmode": verified if "sslrootcert" in given else "require", **given}
    return {"sslmode": "require" if target.use_tls else "disable"}


def _refused(target: Target, error: psycopg.Error) -> DataJointError:
    place, message = f"{target.host}:{target.port or PORT}", str(error).strip()
    if error.sqlstate in _ACCESS_STATES or any(text in message for text in _ACCESS_TEXTS):
        return AccessError(
            f"The server {place} does not let {target.user} in.", hint="Check the user and the password."
        )
    if "does not exist" in message and "database" in message:
        return DataJointError(
            f"The server {place} has no database {target.database!r}.", hint="Create it, or set database.name."
        )
    if "SSL" in message:
        return DataJointError(f"Cannot encrypt the connection to {place}: {message}.", hint="Check database.use_tls.")
    return DataJointError(
        f"Cannot reach a PostgreSQL server at {place}: {message}.",
        hint="Check host and port, and that the server runs.",
    )


def sorts_by_code_point(raw: Any) -> bool:
    """Tell whether the database's own order of text is that of code points."""
    # The provider's own locale has another column in every version, so the row is read as a whole.
    row = raw.execute("SELECT to_jsonb(d) FROM pg_database d WHERE datname = current_database()").fetchone()
    facts = row[0]
    locale = facts.get("datlocale") or facts.get("daticulocale")
    if facts.get("datlocprovider") == "i":
        return False
    return (locale if facts.get("datlocprovider") == "b" and locale else facts["datcollate"]) in _PLAIN_COLLATIONS
