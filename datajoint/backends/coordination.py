"""How the workers of one database agree: the server's clock, locks that have names, sessions that live or are gone."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from typing import Any

from datajoint.backends.base import Target
from datajoint.sql.fragment import Identifier, Parameter, Sql


class Coordination:
    """What an engine offers; this one is for an embedded engine, which has one writer and no server.

    Attributes
    ----------
    row_locks : bool
        Whether rows can be locked, and locked ones passed over.
    """

    row_locks = False

    def now(self, target: Target) -> Sql:  # noqa: ARG002 - for servers whose sessions have zones
        """Return the present moment on the server's own clock, to the millisecond, without a zone.

        It is the moment of the statement, also inside a transaction.
        """
        return Sql("strftime('%Y-%m-%d %H:%M:%f', 'now')")

    def ago(self, target: Target, seconds: float) -> Sql:  # noqa: ARG002 - as above
        """Return the moment `seconds` before now (after it, if negative)."""
        return Sql("strftime('%Y-%m-%d %H:%M:%f', 'now', ", Parameter(f"{-seconds:+.3f} seconds"), ")")

    def merge(self, key: Sequence[str], columns: Sequence[str]) -> Sql:
        """Return the end of an INSERT that overwrites `columns` of the rows whose `key` is there already."""
        names = Sql.join(", ", (Identifier((name,)) for name in key))
        settings = (Sql(Identifier((name,)), " = excluded.", Identifier((name,))) for name in columns)
        return Sql(" ON CONFLICT (", names, ") DO UPDATE SET ", Sql.join(", ", settings))

    def by_index(self) -> list[Sql]:
        """Return what lets the rest of a transaction follow an index where the first rows in an order are asked for."""
        return []

    # --- locks with names, held by a session until it gives them up or ends
    def lock(self, name: str, seconds: float) -> Sql | None:  # noqa: ARG002 - as above
        """Return the SELECT that takes a lock, waiting so long, and answers 1 or true; None where there are none."""
        return None

    def unlock(self, name: str) -> Sql | None:  # noqa: ARG002 - as above
        """Return the SELECT that gives a lock up."""
        return None

    def is_free(self, name: str) -> Sql | None:  # noqa: ARG002 - as above
        """Return the SELECT that tells, by 1 or true, that nobody holds a lock."""
        return None

    # --- sessions
    def end_when_silent(self, seconds: float) -> list[Sql]:  # noqa: ARG002 - as above
        """Return what makes the server end this session after so many seconds without a statement."""
        return []

    def end_session(self, number: int, since: Any) -> Sql | None:  # noqa: ARG002 - as above
        """Return the statement that ends another session, which was there at the moment `since` of the server's clock."""
        return None

    def sessions(self, number: int) -> Sql | None:  # noqa: ARG002 - as above
        """Return the SELECT that counts sessions with this number, as far as the user may see them."""
        return None

    def sees_all_sessions(self) -> Sql | None:
        """Return the SELECT that tells, by a number above 0, that a session which is not seen is gone."""
        return None

    def started(self, target: Target) -> Sql | None:  # noqa: ARG002 - as above
        """Return the moment when the server started, on the clock of `now`."""
        return None


class MySQLCoordination(Coordination):
    """MySQL and MariaDB."""

    row_locks = True

    def now(self, target: Target) -> Sql:
        """Return the server's clock, whatever zone the session was given."""
        return _global("CURRENT_TIMESTAMP(3)", target)

    def ago(self, target: Target, seconds: float) -> Sql:
        """Subtract."""
        return Sql("(", self.now(target), " - INTERVAL ", Parameter(round(1e6 * seconds)), " MICROSECOND)")

    def merge(self, key: Sequence[str], columns: Sequence[str]) -> Sql:  # noqa: ARG002 - any unique key counts here
        """Overwrite what was to be inserted."""
        settings = (Sql(Identifier((n,)), " = VALUES(", Identifier((n,)), ")") for n in columns)
        return Sql(" ON DUPLICATE KEY UPDATE ", Sql.join(", ", settings))

    def lock(self, name: str, seconds: float) -> Sql:
        """Take the server's lock."""
        return Sql("SELECT GET_LOCK(", Parameter(name), ", ", Parameter(seconds), ")")

    def unlock(self, name: str) -> Sql:
        """Give it up."""
        return Sql("SELECT RELEASE_LOCK(", Parameter(name), ")")

    def is_free(self, name: str) -> Sql:
        """Ask."""
        return Sql("SELECT IS_FREE_LOCK(", Parameter(name), ")")

    def end_when_silent(self, seconds: float) -> list[Sql]:
        """Set the session's time-out."""
        return [Sql(f"SET SESSION wait_timeout = {max(1, round(seconds))}")]

    def end_session(self, number: int, since: Any) -> Sql:  # noqa: ARG002 - numbers are not used twice between starts
        """Kill it."""
        return Sql(f"KILL {int(number)}")

    def sessions(self, number: int) -> Sql:
        """Look into the process list."""
        return Sql("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID = ", Parameter(number))

    def sees_all_sessions(self) -> Sql:
        """Look for the privilege to see other users' sessions."""
        return Sql(
            "SELECT COUNT(*) FROM information_schema.USER_PRIVILEGES WHERE PRIVILEGE_TYPE = 'PROCESS' AND "
            "GRANTEE = CONCAT('''', REPLACE(CURRENT_USER(), '@', '''@'''), '''')"
        )

    def started(self, target: Target) -> Sql:
        """Subtract the time that the server has been up."""
        # Not a column but a row of a table, and of which table depends on the server; both know this statement's.
        return Sql("(", self.now(target), " - INTERVAL (", self._uptime(), ") SECOND)")

    def _uptime(self) -> Sql:
        return Sql("SELECT VARIABLE_VALUE FROM performance_schema.global_status WHERE VARIABLE_NAME = 'Uptime'")


class MariaDBCoordination(MySQLCoordination):
    """MariaDB, whose status is elsewhere."""

    def _uptime(self) -> Sql:
        return Sql("SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'UPTIME'")


class PostgresCoordination(Coordination):
    """PostgreSQL."""

    row_locks = True

    def now(self, target: Target) -> Sql:
        """Return the clock, which goes on inside a transaction."""
        return _in_zone("clock_timestamp()", target)

    def ago(self, target: Target, seconds: float) -> Sql:
        """Subtract."""
        interval = Sql("make_interval(secs => ", Parameter(float(seconds)), "::double precision)")
        return Sql("(", self.now(target), " - ", interval, ")::timestamp(3)")

    def by_index(self) -> list[Sql]:
        """Sort nothing: of a queue just filled the server knows so little that it would sort all of it for each claim."""
        return [Sql("SET LOCAL enable_sort = off")]

    def lock(self, name: str, seconds: float) -> Sql:
        """Take an advisory lock of the session; one that is to be waited for is waited for as long as any other lock."""
        number = Sql(Parameter(_number(name)), "::bigint")
        if seconds <= 0:
            return Sql("SELECT pg_try_advisory_lock(", number, ")")
        return Sql("SELECT true FROM (SELECT pg_advisory_lock(", number, ")) AS taken")

    def unlock(self, name: str) -> Sql:
        """Give it up."""
        return Sql("SELECT pg_advisory_unlock(", Parameter(_number(name)), "::bigint)")

    def is_free(self, name: str) -> Sql:
        """Look into the table of locks, where a number of 64 bits is two of 32."""
        number = _number(name) & (2**64 - 1)
        return Sql(
            "SELECT NOT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND "
            "database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND classid::bigint = ",
            Parameter(number >> 32), " AND objid::bigint = ", Parameter(number & (2**32 - 1)), ")",
        )  # fmt: skip

    def end_when_silent(self, seconds: float) -> list[Sql]:
        """Set the session's time-out."""
        return [Sql(f"SET idle_session_timeout = {max(1, round(1000 * seconds))}")]

    def end_session(self, number: int, since: Any) -> Sql:
        """Terminate it, unless its number has gone to a later one."""
        began = "(SELECT reset_val FROM pg_settings WHERE name = 'TimeZone')"
        return Sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = ", Parameter(number),
            f"::int AND usename = current_user AND backend_start AT TIME ZONE {began} <= ", Parameter(since),
            "::timestamp + interval '1 second'",
        )  # fmt: skip

    def sessions(self, number: int) -> Sql:
        """Look at the activity."""
        return Sql("SELECT count(*) FROM pg_stat_activity WHERE pid = ", Parameter(number))

    def sees_all_sessions(self) -> Sql:
        """Everybody's are seen."""
        return Sql("SELECT 1")

    def started(self, target: Target) -> Sql:
        """Ask."""
        return _in_zone("pg_postmaster_start_time()", target)


def _global(moment: str, target: Target) -> Sql:
    if target.time_zone is None:
        return Sql(moment)
    return Sql(f"CONVERT_TZ({moment}, @@session.time_zone, @@global.time_zone)")


def _in_zone(moment: str, target: Target) -> Sql:
    if target.time_zone is None:
        return Sql(f"{moment}::timestamp(3)")
    zone = "(SELECT reset_val FROM pg_settings WHERE name = 'TimeZone')"
    return Sql(f"({moment} AT TIME ZONE {zone})::timestamp(3)")


def _number(name: str) -> int:
    """Return the number of 64 bits, with a sign, that stands for a name: of ``dj:<uuid>`` the first bits of the UUID."""
    try:
        start = uuid.UUID(name.removeprefix("dj:")).bytes[:8]
    except ValueError:
        start = hashlib.sha256(name.encode()).digest()[:8]
    return int.from_bytes(start, "big", signed=True)
