"""Examine a MySQL or MariaDB server."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from datajoint.backends.base import Execute, Target
from datajoint.backends.catalog import SchemaCatalog
from datajoint.backends.findings import Finding, clock, counted, size
from datajoint.sql.fragment import Parameter, Sql

_OLDEST = {"MariaDB": (10, 6), "MySQL": (8, 0)}
_SMALL_PACKET = 16 * 2**20
_GRANT = re.compile(r"^GRANT (?P<what>.*?) ON (?P<where>.*?) TO ", re.IGNORECASE | re.DOTALL)
_WRITING = {"ALL PRIVILEGES", "INSERT"}
_DECLARING = {"ALL PRIVILEGES", "CREATE"}
_HERE = ("localhost", "127.0.0.1", "::1")


def examine(
    execute: Execute, target: Target, catalogs: Mapping[str, SchemaCatalog], *, name: str, collation: str
) -> list[Finding]:
    """Return what is worth knowing; `collation` is the one that compares by code point."""
    return [
        _version(execute, name),
        _zone(execute),
        _encryption(execute, target),
        *_privileges(execute, list(catalogs)),
        *_collations(execute, catalogs, collation),
        *_limits(execute),
        *_storage(execute, list(catalogs)),
    ]


def _version(execute: Execute, name: str) -> Finding:
    ((text, comment),) = execute(Sql("SELECT @@version, @@version_comment")).rows
    shown = "MariaDB" if name == "mariadb" else "MySQL"
    match = re.match(r"(\d+)\.(\d+)", text)
    version, oldest = (int(match[1]), int(match[2])) if match else (0, 0), _OLDEST[shown]
    if version < oldest:
        return Finding("server", f"{shown} {text}", "wrong", f"Upgrade it to {oldest[0]}.{oldest[1]} or newer.")
    return Finding("server", f"{shown} {text} ({comment.strip('()')})")


def _zone(execute: Execute) -> Finding:
    statement = Sql("SELECT @@session.time_zone, @@system_time_zone, TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW())")
    ((zone, system, seconds),) = execute(statement).rows
    return clock(round(seconds / 60) * 60, system if zone == "SYSTEM" else zone)


def _encryption(execute: Execute, target: Target) -> Finding:
    found = dict(execute(Sql("SHOW SESSION STATUS LIKE 'Ssl%'")).rows)
    if found.get("Ssl_cipher"):
        verified = isinstance(target.use_tls, dict) and "ca" in target.use_tls
        how = "the server's certificate is verified" if verified else "the server's certificate is not verified"
        return Finding("TLS", f"{found.get('Ssl_version')} with {found['Ssl_cipher']}, {how}")
    if target.unix_socket or target.host in _HERE:
        return Finding("TLS", "not encrypted, but does not leave this machine")
    return Finding(
        "TLS",
        "the connection is not encrypted",
        "wrong",
        "Enable TLS on the server; then set database.use_tls to true.",
    )


def _privileges(execute: Execute, schemas: list[str]) -> list[Finding]:
    """Tell what the user may do. The text of a grant may hold a password's hash: only its parts are shown."""
    ((user,),) = execute(Sql("SELECT current_user()")).rows
    grants: list[tuple[set[str], str]] = []
    for (text,) in execute(Sql("SHOW GRANTS")).rows:
        match = _GRANT.match(text)
        if match and match["what"].upper() != "USAGE" and not match["what"].upper().startswith("PROXY"):
            grants.append(({word.strip().upper() for word in _plain(match["what"])}, match["where"].replace("`", "")))
    shown = "; ".join(f"{_brief(what)} on {where}" for what, where in grants) or "none"
    findings = [Finding("privileges", f"of {user}: {shown}")]
    if not any(what & _DECLARING and where == "*.*" for what, where in grants):
        findings.append(
            Finding(
                "privileges",
                f"{user} cannot create schemas of any name",
                "note",
                "Where that is needed, ask for GRANT ALL PRIVILEGES ON `prefix\\_%`.*.",
            )
        )
    locked = [s for s in schemas if not any(what & _WRITING and _covers(where, s) for what, where in grants)]
    if locked:
        findings.append(
            Finding(
                "privileges",
                f"cannot insert into all of {', '.join(locked)}",
                "note",
                "Ask for INSERT, UPDATE and DELETE on them if you should.",
            )
        )
    return findings


def _plain(privileges: str) -> list[str]:
    return re.sub(r"\([^)]*\)", "", privileges).split(",")


def _brief(privileges: set[str]) -> str:
    names = sorted(privileges)
    return ", ".join(names) if len(names) <= 8 else f"{', '.join(names[:8])} and {len(names) - 8} more"  # noqa: PLR2004 - a line


def _covers(where: str, schema: str) -> bool:
    database = where.partition(".")[0]
    if not where.endswith(".*"):
        return False
    pattern = re.escape(database).replace("%", ".*").replace("\\\\_", "\0").replace("_", ".").replace("\0", "_")
    return database == "*" or bool(re.fullmatch(pattern, schema))


def _collations(execute: Execute, catalogs: Mapping[str, SchemaCatalog], binary: str) -> list[Finding]:
    ((server,),) = execute(Sql("SELECT @@collation_server")).rows
    findings = [
        Finding("collation", f"new schemas compare text by code point ({binary}); the server's own default is {server}")
    ]
    for name, catalog in catalogs.items():
        kinds = Counter(
            column.collation.rpartition(" ")[2]
            for table in catalog.tables.values()
            for column in table.columns
            if column.collation and not table.name.name.startswith("~")
        )
        legacy = {kind: number for kind, number in kinds.items() if not kind.endswith("_bin")}
        if legacy:
            what = ", ".join(f"{counted(number, 'attribute')} by {kind}" for kind, number in sorted(legacy.items()))
            findings.append(
                Finding(
                    "collation",
                    f"{name} compares {what}: case, accents or trailing blanks may not count",
                    "note",
                    "It goes on as before. To compare by code point, convert the schema, or copy it into a new one.",
                )
            )
        elif catalog.collation and not catalog.collation.endswith("_bin"):
            findings.append(
                Finding(
                    "collation",
                    f"{name} has the default {catalog.collation}: its future tables compare text by that",
                    "note",
                    f"ALTER DATABASE `{name}` CHARACTER SET utf8mb4 COLLATE {binary}, which changes future tables only.",
                )
            )
    return findings


def _limits(execute: Execute) -> list[Finding]:
    ((packet, read_only),) = execute(Sql("SELECT @@max_allowed_packet, @@read_only")).rows
    findings = [Finding("largest value", f"{size(packet)} (max_allowed_packet)")]
    if packet < _SMALL_PACKET:
        findings = [
            Finding(
                "largest value",
                f"{size(packet)} (max_allowed_packet)",
                "note",
                "Raise max_allowed_packet on the server, or keep large values in a store.",
            )
        ]
    if int(read_only):
        findings.append(Finding("server", "it is read-only", "note", "Connect to the primary server to write."))
    return findings


def _storage(execute: Execute, schemas: list[str]) -> list[Finding]:
    if not schemas:
        return []
    names = Sql("(", Sql.join(", ", map(Parameter, schemas)), ")")
    rows = execute(
        Sql(
            "SELECT table_schema, table_name, engine FROM information_schema.tables"
            " WHERE table_type = 'BASE TABLE' AND engine <> 'InnoDB' AND table_schema IN ",
            names,
            " ORDER BY 1, 2",
        )
    ).rows
    return [
        Finding(
            "storage engine",
            f"{schema}.{table} is in {engine}: it has no transactions and no foreign keys",
            "wrong",
            f"ALTER TABLE `{schema}`.`{table}` ENGINE = InnoDB.",
        )
        for schema, table, engine in rows
    ]
