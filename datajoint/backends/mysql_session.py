"""Connect to MySQL and MariaDB through PyMySQL, and prepare a session so that it means what other engines mean."""

from __future__ import annotations

import datetime as dt
import logging
import re
import ssl
from typing import Any, NamedTuple

import pymysql
from pymysql import converters
from pymysql.constants import FIELD_TYPE

from datajoint.backends.base import Target
from datajoint.backends.mysql_link import Link
from datajoint.errors import AccessError, DataJointError

logger = logging.getLogger("datajoint")

PORT = 3306
_SQL_MODES = (
    "NO_ZERO_DATE", "NO_ZERO_IN_DATE", "ERROR_FOR_DIVISION_BY_ZERO", "STRICT_ALL_TABLES", "NO_ENGINE_SUBSTITUTION",
    "ONLY_FULL_GROUP_BY", "NO_AUTO_VALUE_ON_ZERO", "NO_UNSIGNED_SUBTRACTION",
)  # fmt: skip
_GROUP_CONCAT_BYTES = 2**30
_CHARSET = "utf8mb4"

_ACCESS_DENIED, _UNKNOWN_HOST, _CANNOT_CONNECT, _TLS_ERROR, _UNKNOWN_VARIABLE = 1045, 2005, 2003, 2026, 1193
_NO_TLS_WANTED: dict[str, Any] = {"ssl_disabled": True}
_ANY_CERTIFICATE: dict[str, Any] = {"ssl": {"verify_mode": "none"}}

# Who waits, who blocks, and the table: locks of rows first, then those that DDL takes and waits for.
MYSQL_LOCKS = """
SELECT DISTINCT wt.PROCESSLIST_ID, wt.PROCESSLIST_USER, wt.PROCESSLIST_HOST, wt.PROCESSLIST_INFO,
    TIMESTAMPDIFF(MICROSECOND, wx.trx_started, NOW(6)) / 1e6,
    bt.PROCESSLIST_ID, bt.PROCESSLIST_USER, bt.PROCESSLIST_HOST, bt.PROCESSLIST_INFO,
    TIMESTAMPDIFF(MICROSECOND, bx.trx_started, NOW(6)) / 1e6,
    l.OBJECT_SCHEMA, l.OBJECT_NAME, TIMESTAMPDIFF(MICROSECOND, wx.trx_wait_started, NOW(6)) / 1e6
FROM performance_schema.data_lock_waits w
JOIN performance_schema.data_locks l ON l.ENGINE_LOCK_ID = w.REQUESTING_ENGINE_LOCK_ID
JOIN performance_schema.threads wt ON wt.THREAD_ID = w.REQUESTING_THREAD_ID
JOIN performance_schema.threads bt ON bt.THREAD_ID = w.BLOCKING_THREAD_ID
LEFT JOIN information_schema.INNODB_TRX wx ON wx.trx_id = w.REQUESTING_ENGINE_TRANSACTION_ID
LEFT JOIN information_schema.INNODB_TRX bx ON bx.trx_id = w.BLOCKING_ENGINE_TRANSACTION_ID
UNION ALL
SELECT DISTINCT wt.PROCESSLIST_ID, wt.PROCESSLIST_USER, wt.PROCESSLIST_HOST, wt.PROCESSLIST_INFO, NULL,
    bt.PROCESSLIST_ID, bt.PROCESSLIST_USER, bt.PROCESSLIST_HOST, bt.PROCESSLIST_INFO, NULL,
    p.OBJECT_SCHEMA, p.OBJECT_NAME, wt.PROCESSLIST_TIME
FROM performance_schema.metadata_locks p
JOIN performance_schema.metadata_locks g ON g.OBJECT_TYPE = p.OBJECT_TYPE AND g.OBJECT_SCHEMA = p.OBJECT_SCHEMA
    AND g.OBJECT_NAME = p.OBJECT_NAME AND g.LOCK_STATUS = 'GRANTED' AND g.OWNER_THREAD_ID <> p.OWNER_THREAD_ID
JOIN performance_schema.threads wt ON wt.THREAD_ID = p.OWNER_THREAD_ID
JOIN performance_schema.threads bt ON bt.THREAD_ID = g.OWNER_THREAD_ID
WHERE p.OBJECT_TYPE = 'TABLE' AND p.LOCK_STATUS = 'PENDING'
"""
MARIADB_LOCKS = """
SELECT DISTINCT wx.trx_mysql_thread_id, wp.USER, wp.HOST, wx.trx_query, TIMESTAMPDIFF(MICROSECOND, wx.trx_started, NOW(6)) / 1e6,
    bx.trx_mysql_thread_id, bp.USER, bp.HOST, bx.trx_query, TIMESTAMPDIFF(MICROSECOND, bx.trx_started, NOW(6)) / 1e6,
    TRIM(BOTH '`' FROM SUBSTRING_INDEX(l.lock_table, '`.`', 1)), TRIM(BOTH '`' FROM SUBSTRING_INDEX(l.lock_table, '`.`', -1)),
    TIMESTAMPDIFF(MICROSECOND, wx.trx_wait_started, NOW(6)) / 1e6
FROM information_schema.INNODB_LOCK_WAITS w
JOIN information_schema.INNODB_LOCKS l ON l.lock_id = w.requested_lock_id
JOIN information_schema.INNODB_TRX wx ON wx.trx_id = w.requesting_trx_id
JOIN information_schema.INNODB_TRX bx ON bx.trx_id = w.blocking_trx_id
LEFT JOIN information_schema.PROCESSLIST wp ON wp.ID = wx.trx_mysql_thread_id
LEFT JOIN information_schema.PROCESSLIST bp ON bp.ID = bx.trx_mysql_thread_id
"""

_WORKING = """
FROM {table}
WHERE COMMAND IN ('Query', 'Execute') AND INFO IS NOT NULL AND ID <> CONNECTION_ID()
ORDER BY TIME DESC, ID
"""
MYSQL_WORKING = "SELECT ID, USER, HOST, INFO, TIME" + _WORKING.format(table="performance_schema.processlist")
MARIADB_WORKING = "SELECT ID, USER, HOST, INFO, TIME_MS / 1e3" + _WORKING.format(table="information_schema.PROCESSLIST")

# Servers found to speak no TLS, so that further sessions need not try.
_without_tls: set[tuple[str | None, int]] = set()


class Server(NamedTuple):
    """What the server says it is."""

    mariadb: bool
    version: tuple[int, int, int]

    @property
    def collation(self) -> str:
        """The collation that compares by code point, trailing blanks included where the server has one."""
        if self.mariadb:
            return "utf8mb4_nopad_bin"
        return "utf8mb4_0900_bin" if self.version >= (8, 0, 17) else "utf8mb4_bin"


def server(raw: Any) -> Server:
    """Return what serves a connection."""
    text = raw.get_server_info()
    mariadb = "mariadb" in text.lower()
    # MariaDB puts 5.5.5- in front for the sake of old clients
    match = re.match(r"(?:5\.5\.5-)?(\d+)\.(\d+)\.(\d+)", text)
    version = (int(match[1]), int(match[2]), int(match[3])) if match else (0, 0, 0)
    return Server(mariadb, version)


def connect(target: Target) -> Any:
    """Open a connection and prepare its session.

    Raises
    ------
    AccessError
        If the server does not let the user in.
    DataJointError
        If the server cannot be reached, or encryption was demanded and cannot be had.
    """
    raw = open_link(target)
    try:
        _prepare(raw, target)
    except BaseException:
        raw.close()
        raise
    return raw


def open_link(target: Target) -> Any:
    """Open a connection, encrypted as the target says, without preparing its session."""
    place = (target.host, target.port or PORT)
    if target.use_tls is None and target.unix_socket is None and place not in _without_tls:
        try:
            return _attempt(target, _ANY_CERTIFICATE)
        except pymysql.MySQLError as error:
            if not _is_tls_error(error):
                raise _refused(target, error) from error
            logger.warning("SSL connection failed (%s). Falling back to non-SSL connection to %s:%s.", error, *place)
            _without_tls.add(place)
    options = _NO_TLS_WANTED
    if isinstance(target.use_tls, dict):
        options = {"ssl": target.use_tls or {"verify_mode": "none"}}
    elif target.use_tls:
        options = _ANY_CERTIFICATE
    try:
        raw = _attempt(target, options)
    except pymysql.MySQLError as error:
        raise _refused(target, error) from error
    except OSError as error:  # of the driver's own errors none is one; it is about a certificate
        raise DataJointError(
            f"Cannot read a certificate of database.use_tls: {error}.", hint="Check the paths in it."
        ) from error
    if target.use_tls and target.unix_socket is None and not _encrypted(raw):
        raw.close()
        raise DataJointError(
            f"Cannot connect to {target.host} with encryption: the server does not offer it.",
            hint="Enable TLS there, or set database.use_tls to false.",
        )
    return raw


def _read_moment(text: str) -> Any:
    """Read a moment five times as fast as the driver, to which is left what Python cannot hold."""
    try:
        return dt.datetime.fromisoformat(text)
    except ValueError:
        return converters.convert_datetime(text)


_CONVERTERS: dict[Any, Any] = {
    **converters.conversions,
    FIELD_TYPE.DATETIME: _read_moment,
    FIELD_TYPE.TIMESTAMP: _read_moment,
}


def _attempt(target: Target, options: dict[str, Any]) -> Any:
    return Link(
        host=target.host or "localhost", port=target.port or PORT, user=target.user, password=target.password or "",
        unix_socket=target.unix_socket, charset=target.charset or _CHARSET, autocommit=True, binary_prefix=True,
        connect_timeout=max(1, round(target.connect_timeout)), conv=_CONVERTERS, **options,
    )  # fmt: skip


def _is_tls_error(error: BaseException) -> bool:
    code = error.args[0] if error.args else None
    return (
        code == _TLS_ERROR or isinstance(error.__cause__, ssl.SSLError) or isinstance(error.__context__, ssl.SSLError)
    )


def _encrypted(raw: Any) -> bool:
    with raw.cursor() as cursor:
        cursor.execute("SHOW SESSION STATUS LIKE 'Ssl_cipher'")
        row = cursor.fetchone()
    return bool(row and row[1])


def _refused(target: Target, error: pymysql.MySQLError) -> DataJointError:
    place = f"{target.host}:{target.port or PORT}"
    code = error.args[0] if error.args else None
    if code == _ACCESS_DENIED:
        return AccessError(
            f"The server {place} does not let {target.user} in.", hint="Check the user and the password.", code=code
        )
    if _is_tls_error(error):
        return DataJointError(
            f"Cannot encrypt the connection to {place}: {error.args[-1]}.", hint="Check database.use_tls.", code=code
        )
    if code in {_CANNOT_CONNECT, _UNKNOWN_HOST}:
        return DataJointError(
            f"Cannot reach a MySQL server at {place}: {error.args[-1]}.",
            hint="Check host and port, and that the server runs.",
            code=code,
        )
    return DataJointError(f"Cannot connect to {place}: {error}.", code=code)


def _prepare(raw: Any, target: Target) -> None:
    found = server(raw)
    # MariaDB cuts fractions of a second by itself
    modes = _SQL_MODES if found.mariadb else (*_SQL_MODES, "TIME_TRUNCATE_FRACTIONAL")
    wait = max(1, round(target.lock_timeout))
    settings = [
        f"SESSION sql_mode = '{','.join(modes)}'",
        f"SESSION group_concat_max_len = {_GROUP_CONCAT_BYTES}",
        f"SESSION lock_wait_timeout = {wait}",
        f"SESSION innodb_lock_wait_timeout = {wait}",
    ]
    if (target.charset or _CHARSET) == _CHARSET:
        settings.insert(0, f"NAMES {_CHARSET} COLLATE {found.collation}")
    with raw.cursor() as cursor:
        cursor.execute(f"SET {', '.join(settings)}")
        if target.time_zone is not None:
            cursor.execute("SET SESSION time_zone = %s", (target.time_zone,))
        if found.mariadb:
            _use_plain_snapshots(cursor)
        if target.read_only:
            cursor.execute("SET SESSION TRANSACTION READ ONLY")


def _use_plain_snapshots(cursor: Any) -> None:
    """Let a transaction write rows that changed after its snapshot, as MySQL does; newer MariaDB would refuse."""
    try:
        cursor.execute("SET SESSION innodb_snapshot_isolation = OFF")
    except pymysql.MySQLError as error:
        if error.args[0] != _UNKNOWN_VARIABLE:
            raise
