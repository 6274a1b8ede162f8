"""Examine a PostgreSQL server."""

from __future__ import annotations

from collections.abc import Mapping

from datajoint.backends.base import Execute, Target
from datajoint.backends.catalog import SchemaCatalog
from datajoint.backends.findings import Finding, clock
from datajoint.sql.fragment import Parameter, Sql

_OLDEST = 150000


def examine(
    execute: Execute, target: Target, catalogs: Mapping[str, SchemaCatalog], *, by_code_point: bool
) -> list[Finding]:
    """Return what is worth knowing."""
    return [
        _version(execute),
        _zone(execute),
        _encryption(execute, target),
        *_privileges(execute, list(catalogs)),
        *_text(execute, by_code_point=by_code_point),
        *_state(execute),
    ]


def _version(execute: Execute) -> Finding:
    ((number, text),) = execute(
        Sql("SELECT current_setting('server_version_num')::int, current_setting('server_version')")
    ).rows
    if number < _OLDEST:
        return Finding("server", f"PostgreSQL {text}", "wrong", "Upgrade it to 15 or newer.")
    return Finding("server", f"PostgreSQL {text}")


def _zone(execute: Execute) -> Finding:
    ((zone, seconds),) = execute(Sql("SELECT current_setting('TimeZone'), EXTRACT(timezone FROM now())::int")).rows
    return clock(seconds, zone)


def _encryption(execute: Execute, target: Target) -> Finding:
    rows = execute(
        Sql("SELECT s.ssl, s.version, s.cipher, inet_client_addr() IS NULL OR inet_client_addr() = inet_server_addr()"
            " FROM pg_stat_ssl s WHERE pid = pg_backend_pid()")
    ).rows  # fmt: skip
    encrypted, version, cipher, here = rows[0] if rows else (False, None, None, False)
    if encrypted:
        verified = isinstance(target.use_tls, dict) and bool({"ca", "sslrootcert"} & set(target.use_tls))
        how = "the server's certificate is verified" if verified else "the server's certificate is not verified"
        return Finding("TLS", f"{version} with {cipher}, {how}")
    if here:
        return Finding("TLS", "not encrypted, but does not leave this machine")
    return Finding(
        "TLS",
        "the connection is not encrypted",
        "wrong",
        "Enable TLS on the server; then set database.use_tls to true.",
    )


def _privileges(execute: Execute, schemas: list[str]) -> list[Finding]:
    ((user, is_super, may_create, database),) = execute(
        Sql("SELECT current_user::text, (SELECT rolsuper FROM pg_roles WHERE rolname = current_user),"
            " has_database_privilege(current_database(), 'CREATE'), current_database()::text")
    ).rows  # fmt: skip
    what = "superuser" if is_super else "may create schemas" if may_create else "may use what it was granted"
    findings = [Finding("privileges", f"of {user} in the database {database}: {what}")]
    if not may_create:
        findings.append(
            Finding(
                "privileges",
                f"{user} cannot create schemas",
                "note",
                f"Where that is needed, ask for GRANT CREATE ON DATABASE {database}.",
            )
        )
    closed, locked = [], []
    for name in schemas:
        rows = execute(
            Sql("SELECT has_schema_privilege(n.oid, 'USAGE'),"
                " coalesce(bool_or(NOT has_table_privilege(c.oid, 'SELECT')), false),"
                " coalesce(bool_or(NOT has_table_privilege(c.oid, 'INSERT')), false)"
                " FROM pg_namespace n LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relkind IN ('r', 'p')"
                " WHERE n.nspname = ", Parameter(name), " GROUP BY n.oid")
        ).rows  # fmt: skip
        for usage, unread, unwritten in rows:  # none if it was dropped meanwhile
            if not usage or unread:
                closed.append(name)
            elif unwritten:
                locked.append(name)
    if closed:
        findings.append(
            Finding(
                "privileges",
                f"cannot read all of {', '.join(closed)}",
                "note",
                "Ask for USAGE on the schema and SELECT on its tables if you should.",
            )
        )
    if locked:
        findings.append(
            Finding(
                "privileges",
                f"cannot insert into all of {', '.join(locked)}",
                "note",
                "Ask for INSERT, UPDATE and DELETE on their tables if you should.",
            )
        )
    return findings


def _text(execute: Execute, *, by_code_point: bool) -> list[Finding]:
    ((encoding, facts, actual),) = execute(
        Sql("SELECT pg_encoding_to_char(encoding), to_jsonb(d), pg_database_collation_actual_version(oid)"
            " FROM pg_database d WHERE datname = current_database()")
    ).rows  # fmt: skip
    findings = []
    if encoding != "UTF8":
        findings.append(
            Finding(
                "character set",
                f"the database is in {encoding}: it cannot hold every text",
                "wrong",
                "Create a database with ENCODING 'UTF8' and copy into it.",
            )
        )
    collation = facts["datcollate"]
    if by_code_point:
        findings.append(Finding("collation", f"of the database: {collation}, text sorts by code point"))
    else:
        findings.append(
            Finding(
                "collation",
                f"of the database: {collation}; text is still sorted by code point, but no index helps with it",
                "note",
                "Create the next database with TEMPLATE template0 LOCALE 'C.UTF-8'.",
            )
        )
    recorded = facts.get("datcollversion")
    if recorded and actual and recorded != actual:
        findings.append(
            Finding(
                "collation",
                f"{collation} has changed from version {recorded} to {actual} since the database was made: indexes on text may be wrong",
                "wrong",
                "REINDEX DATABASE, then ALTER DATABASE ... REFRESH COLLATION VERSION.",
            )
        )
    return findings


def _state(execute: Execute) -> list[Finding]:
    ((recovering,),) = execute(Sql("SELECT pg_is_in_recovery()")).rows
    if recovering:
        return [Finding("server", "it is a read-only replica", "note", "Connect to the primary server to write.")]
    return []
