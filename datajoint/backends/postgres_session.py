"""Connect to PostgreSQL through psycopg."""

from __future__ import annotations

import logging
from typing import Any

import psycopg
from psycopg.types.json import set_json_loads

from datajoint.backends import link
from datajoint.backends.base import Target
from datajoint.backends.postgres_link import Link
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


# Who waits, who blocks, and the table of the lock, of the row, or of the transaction that is waited for.
LOCKS = """
SELECT w.pid, w.usename, coalesce(host(w.client_addr), 'local'), w.query, extract(epoch FROM clock_timestamp() - w.xact_start),
    b.pid, b.usename, coalesce(host(b.client_addr), 'local'), b.query, extract(epoch FROM clock_timestamp() - b.xact_start),
    n.nspname, c.relname, extract(epoch FROM clock_timestamp() - l.waitstart)
FROM pg_stat_activity w
CROSS JOIN LATERAL unnest(pg_blocking_pids(w.pid)) AS blocker(pid)
JOIN pg_stat_activity b ON b.pid = blocker.pid
LEFT JOIN pg_locks l ON l.pid = w.pid AND NOT l.granted
LEFT JOIN LATERAL (
    SELECT coalesce(l.relation, (
        SELECT h.relation FROM pg_locks h
        WHERE h.pid = w.pid AND h.granted AND h.locktype = 'tuple' LIMIT 1), (
        SELECT h.relation FROM pg_locks h JOIN pg_class t ON t.oid = h.relation AND t.relkind = 'r'
        JOIN pg_namespace s ON s.oid = t.relnamespace AND s.nspname NOT LIKE 'pg\\_%'
        WHERE h.pid = w.pid AND h.granted AND h.mode = 'RowExclusiveLock' LIMIT 1)) AS relation) AS found ON true
LEFT JOIN pg_class c ON c.oid = found.relation
LEFT JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE w.datname = current_database() AND w.wait_event_type = 'Lock'
ORDER BY w.pid, b.pid
"""

WORKING = """
SELECT pid, usename, coalesce(host(client_addr), 'local'), query, extract(epoch FROM clock_timestamp() - query_start)
FROM pg_stat_activity
WHERE state = 'active' AND backend_type = 'client backend' AND datname = current_database() AND pid <> pg_backend_pid()
ORDER BY query_start
"""

# Servers found to speak no TLS, so that further sessions need not try.
_without_tls: set[tuple[str | None, int]] = set()
_NO_TLS_OFFERED = ("server does not support SSL", "SSL error", "SSL SYSCALL error")


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
        raw = _open(target)
    except psycopg.Error as error:
        raise _refused(target, error) from error
    try:
        set_json_loads(from_json, raw)
        raw.execute(f"SET lock_timeout = {round(1000 * target.lock_timeout)}")
        if target.time_zone is not None:
            raw.execute("SELECT set_config('TimeZone', %s, false)", (target.time_zone,))
        if target.read_only:
            raw.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
    except BaseException:
        raw.close()
        raise
    return raw


def _open(target: Target) -> Any:
    """Connect. Without a wish about TLS, try it and fall back only where the server has none."""
    place = (target.host, target.port or PORT)
    if target.use_tls is not None:
        return _attempt(target, **_tls(target))
    if target.unix_socket is None and place not in _without_tls:
        try:
            return _attempt(target, sslmode="require")
        except psycopg.OperationalError as error:
            # `prefer` of the client library would repeat a wrong password without encryption
            if not any(text in str(error) for text in _NO_TLS_OFFERED):
                raise
            reason = str(error).strip()
            logger.warning("SSL connection failed (%s). Falling back to non-SSL connection to %s:%s.", reason, *place)
            _without_tls.add(place)
    return _attempt(target, sslmode="disable")


def _attempt(target: Target, **options: Any) -> Any:
    return Link.connect(
        host=target.unix_socket or target.host, port=target.port or PORT, user=target.user, password=target.password,
        dbname=target.database or DATABASE, connect_timeout=max(2, round(target.connect_timeout)), autocommit=True,
        application_name="datajoint", keepalives_idle=link.KEEPALIVE_IDLE, keepalives_interval=link.KEEPALIVE_INTERVAL,
        keepalives_count=link.KEEPALIVE_COUNT, tcp_user_timeout=link.UNANSWERED_MILLISECONDS, **options,
    )  # fmt: skip


def _tls(target: Target) -> dict[str, Any]:
    """Return libpq's options for a wish."""
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
    place, message = f"{target.host}:{target.port or PORT}", " ".join(str(error).split()).rstrip(".")
    if error.sqlstate in _ACCESS_STATES or any(text in message for text in _ACCESS_TEXTS):
        return AccessError(
            f"The server {place} does not let {target.user} in.", hint="Check the user and the password."
        )
    if "does not exist" in message and "database" in message:
        return DataJointError(
            f"The server {place} has no database {target.database!r}.", hint="Create it, or set database.name."
        )
    if "SSL" in message or "certificate" in message:
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
