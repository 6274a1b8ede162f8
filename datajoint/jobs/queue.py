"""The statements on one queue: reserve, claim, finish, fail, give back. Nothing is remembered here."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from datajoint.backends.base import Request
from datajoint.codecs.blob_format import pack
from datajoint.definition import TableName
from datajoint.jobs.keys import Key, KeyForm, of
from datajoint.jobs.layout import ERROR_MESSAGE_LENGTH, TRUNCATION_APPENDIX, columns_of
from datajoint.jobs.states import Event, before
from datajoint.sql.fragment import Identifier, Parameter, Sql, Statement

if TYPE_CHECKING:
    from datajoint.connection import Connection
    from datajoint.heading import Heading

_CHUNK = 200
_TOKEN = ("host", "pid", "connection_id", "reserved_time")
_OWNER = ("reserved_time", "host", "pid", "connection_id", "user", "version")
_EMPTY = {"reserved_time": "NULL", "host": "''", "pid": "0", "connection_id": "0", "user": "''", "version": "''"}


class Token(NamedTuple):
    """Who reserved a job, and when on the server's clock (as the driver has it): together they tell one reservation."""

    host: Any
    pid: Any
    connection_id: Any
    reserved_time: Any


@dataclass(frozen=True, slots=True)
class Reservation:
    """A reserved job: its key, and whose it is."""

    key: Key
    token: Token


class Queue:
    """The table of a queue, and the statements on it.

    Parameters
    ----------
    connection : Connection
    name : TableName
        Of the queue's table.
    target : TableName
    heading : Heading
        Of the queue's table.
    """

    def __init__(self, connection: Connection, name: TableName, target: TableName, heading: Heading) -> None:
        self.connection, self.name, self.target = connection, name, target
        self.columns = columns_of(heading, name)
        self.keys = KeyForm(heading.primary_key, heading, connection.backend)
        self._set = {n: Identifier((c,)) for n, c in self.columns.items()}
        self.token_names = tuple(name for name in _TOKEN if name in self._set)
        self._finishing: dict[tuple[bool, str, tuple[bool, ...]], str] = {}
        self._holding: dict[tuple[bool, ...], str] = {}

    # --- parts of statements
    @property
    def now(self) -> Sql:
        """The server's clock."""
        return self.connection.backend.coordination.now(self.connection.target)

    def ago(self, seconds: float) -> Sql:
        """Return the moment `seconds` before now."""
        return self.connection.backend.coordination.ago(self.connection.target, seconds)

    def column(self, name: str) -> Identifier:
        """Return the column that keeps a bookkeeping attribute."""
        return self._set[name]

    def is_status(self, *statuses: str) -> Sql:
        """Return the condition that a job has one of some statuses."""
        listed = ", ".join(f"'{status}'" for status in statuses)
        return Sql(self._set["status"], f" IN ({listed})" if len(statuses) > 1 else f" = {listed}")

    def can(self, event: Event) -> Sql:
        """Return the condition that something can happen to a job, as far as its status tells."""
        return self.is_status(*before(event))

    def has_row_in(self, source: Sql, alias: str) -> Sql:
        """Return the condition that `source`, a table or a query in parentheses, has a row of the job's key."""
        own = self.name.identifier
        pairs = (Sql(of(alias, n), " = ", own, ".", Identifier((n,))) for n in self.keys.names)
        same = Sql.join(" AND ", pairs)
        return Sql("EXISTS (SELECT 1 FROM ", source, " AS ", Identifier((alias,)), " WHERE ", same, ")")

    def assigned(self, **values: Sql | str | Parameter) -> Sql:
        """Return assignments to those of the bookkeeping's columns that exist."""
        pairs = ((self._set[n], v) for n, v in values.items() if n in self._set)
        return Sql.join(", ", (Sql(c, " = ", v) for c, v in pairs))

    def has_token(self, token: Token) -> Sql:
        """Return the condition that a job is reserved, and by whom the token tells."""
        return Sql(self.is_status("reserved"), " AND ", self._equal(token))

    def _equal(self, token: Token) -> Sql:
        parts = []
        for name in self.token_names:
            value = getattr(token, name)
            parts.append(Sql(self._set[name], " IS NULL" if value is None else Sql(" = ", Parameter(value))))
        return Sql.join(" AND ", parts)

    def pending(self, **others: Sql | str | Parameter) -> Sql:
        """Return the assignments that give a job back; priority and times stay."""
        return self.assigned(status="'pending'", **_EMPTY, **others)

    def retried(self) -> Sql:
        """Return the assignments that make a failed job due at once."""
        blank = self.assigned(error_message="''", error_stack="NULL", completed_time="NULL")
        return Sql(self.pending(scheduled_time=self.now), ", ", blank) if blank.parts else self.pending()

    def update(self, assignments: Sql, condition: Sql) -> int:
        """Change jobs; return their number."""
        return self.connection.execute(
            Sql("UPDATE ", self.name.identifier, " SET ", assignments, " WHERE ", condition)
        ).rowcount

    def owner(self, version: str) -> dict[str, Parameter]:
        """Return who this is, for a reservation."""
        limit = 64
        return {
            "host": Parameter(platform.node()),
            "pid": Parameter(os.getpid()),
            "connection_id": Parameter(self.connection.connection_id),
            "user": Parameter(self._user),
            "version": Parameter(version[:limit]),
        }

    @cached_property
    def _user(self) -> str:
        return self.connection.get_user()

    # --- one job at a time
    def reserve(self, key: Key, version: str) -> bool:
        """Take one job that is due; tell whether it was free."""
        owner = self.assigned(status="'reserved'", reserved_time=self.now, **self.owner(version))
        due = Sql(self.can("reserve"), " AND ", self._set["scheduled_time"], " <= ", self.now)
        return self.update(owner, Sql(self.keys.equals(key), " AND ", due)) == 1

    def look(self, key: Key, *, lock: bool = False) -> tuple[str, Token] | None:
        """Return a job's status and token; None without a row.

        Parameters
        ----------
        lock : bool
            Whether to wait for those who are changing it, and keep them off.
        """
        chosen = Sql.join(", ", (Sql(self._set[n]) if n in self._set else Sql("NULL") for n in ("status", *_TOKEN)))
        suffix = " FOR UPDATE" if lock and self.connection.backend.coordination.row_locks else ""
        rows = self.connection.execute(
            Sql("SELECT ", chosen, " FROM ", self.name.identifier, " WHERE ", self.keys.equals(key), suffix)
        ).rows
        if not rows:
            return None
        status, *token = rows[0]
        return str(status), Token(*token)

    def held(self, key: Key, token: Token) -> Statement:
        """Return the condition that nobody else has a job or has settled it; it may be pending, or gone."""
        owner = [getattr(token, name) for name in self.token_names]
        form = tuple(value is None for value in owner)
        text = self._holding.get(form)
        if text is None:  # the same for all keys
            others = Sql(" AND NOT ", self.is_status("pending"), " AND NOT (", self.has_token(token), "))")
            rows = Sql("NOT EXISTS (SELECT 1 FROM ", self.name.identifier, " WHERE ", self.keys.equals(key), others)
            text = self._holding[form] = rows.render(self.connection.dialect).text
        return Statement(text, [*self.keys.values(key), *(value for value in owner if value is not None)])

    def finish(self, key: Key, token: Token | None, duration: float, *, keep: bool, status: str = "reserved") -> bool:
        """Take a finished job off the queue, if it has the token and status; tell whether it had.

        Parameters
        ----------
        token : Token, optional
            Without one the job's owner does not matter.
        """
        request = self.finishing(key, token, duration, keep=keep, status=status)
        return self.connection.execute_text(request.text, request.values).rowcount == 1

    def finishing(
        self, key: Key, token: Token | None, duration: float, *, keep: bool, status: str = "reserved"
    ) -> Request:
        """Return the statement of `finish`."""
        owner = () if token is None else tuple(getattr(token, name) for name in self.token_names)
        form = keep, status, tuple(value is None for value in owner)
        text = self._finishing.get(form)
        if text is None:
            text = self._finishing[form] = self._finish_text(key, token, keep=keep, status=status)
        first = [float(duration)] if keep and "duration" in self.columns else []
        values = [*first, *self.keys.values(key), *(value for value in owner if value is not None)]
        return Request(text, values)

    def _finish_text(self, key: Key, token: Token | None, *, keep: bool, status: str) -> str:
        """Return the statement of `finish`, which is the same for all keys."""
        owned = Sql(" AND ", self._equal(token)) if token is not None else Sql()
        where = Sql(self.keys.equals(key), " AND ", self._set["status"], f" = '{status}'", owned)
        if keep:
            done = self.assigned(status="'success'", duration=Parameter(0.0), completed_time=self.now)
            statement = Sql("UPDATE ", self.name.identifier, " SET ", done, " WHERE ", where)
        else:
            statement = Sql("DELETE FROM ", self.name.identifier, " WHERE ", where)
        return statement.render(self.connection.dialect).text

    def fail(self, key: Key, token: Token, message: str, stack: str) -> bool:
        """Mark a job as failed, if it has the token."""
        return self.update(self.failed(message, stack), Sql(self.keys.equals(key), " AND ", self.has_token(token))) == 1

    def failed(self, message: str, stack: str | None) -> Sql:
        """Return the assignments of a job that failed."""
        packed = Parameter(None) if stack is None else Parameter(pack(stack))
        return self.assigned(
            status="'error'", completed_time=self.now, error_message=Parameter(cut(message)), error_stack=packed
        )  # fmt: skip

    def put_off(self, key: Key, token: Token, seconds: float) -> bool:
        """Give a job back that is to be tried again after a while, if it has the token."""
        condition = Sql(self.keys.equals(key), " AND ", self.has_token(token))
        return self.update(self.pending(scheduled_time=self.ago(-seconds)), condition) == 1

    def give_back(self, reservations: Iterable[Reservation]) -> int:
        """Return unfinished jobs to the queue, each if it still has its token."""
        by_token: dict[Token, list[Key]] = {}
        for one in reservations:
            by_token.setdefault(one.token, []).append(one.key)
        return sum(
            self.update(self.pending(), Sql(self.keys.among(keys), " AND ", self.has_token(token)))
            for token, keys in by_token.items()
        )

    # --- several
    def eligible(self, count: int, priority: int | None, restriction: Sql | None, besides: Sequence[Key]) -> Sql:
        """Return the SELECT of jobs that are due, the most urgent first: their keys, and the moment."""
        where = self._due(priority, restriction)
        if besides:
            where.append(Sql("NOT ", self.keys.among(besides)))
        order = Sql(self._set["priority"], ", ", self._set["scheduled_time"])
        lock = " FOR UPDATE SKIP LOCKED" if self.connection.backend.coordination.row_locks else ""
        return Sql(
            "SELECT ", self.keys.selected, ", ", self.now, " FROM ", self.name.identifier, " WHERE ", Sql.join(" AND ", where),
            " ORDER BY ", order, f" LIMIT {int(count)}{lock}",
        )  # fmt: skip

    def _due(self, priority: int | None, restriction: Sql | None) -> list[Sql]:
        where = [self.can("claim"), Sql(self._set["scheduled_time"], " <= ", self.now)]
        if priority is not None:
            where.append(Sql(self._set["priority"], " <= ", Parameter(priority)))
        return where if restriction is None else [*where, restriction]

    def count_due(self, priority: int | None, restriction: Sql | None) -> int:
        """Return how many jobs are due."""
        where = Sql.join(" AND ", self._due(priority, restriction))
        rows = self.connection.execute(Sql("SELECT COUNT(*) FROM ", self.name.identifier, " WHERE ", where)).rows
        return int(rows[0][0])

    def has_due(self, priority: int | None, restriction: Sql | None) -> bool:
        """Tell whether any job is due."""
        where = Sql.join(" AND ", self._due(priority, restriction))
        return bool(
            self.connection.execute(Sql("SELECT 1 FROM ", self.name.identifier, " WHERE ", where, " LIMIT 1")).rows
        )

    def present(self, keys: Sequence[Key]) -> list[Key]:
        """Return those of some keys for which the target has rows."""
        return self._found(self.target, "SELECT DISTINCT ", keys)

    def existing(self, keys: Sequence[Key]) -> list[Key]:
        """Return those of some keys that have a job."""
        return self._found(self.name, "SELECT ", keys)

    def _found(self, table: TableName, verb: str, keys: Sequence[Key]) -> list[Key]:
        found: list[Key] = []
        for start in range(0, len(keys), _CHUNK):
            where = self.keys.among(keys[start : start + _CHUNK])
            rows = self.connection.execute(
                Sql(verb, self.keys.selected, " FROM ", table.identifier, " WHERE ", where)
            ).rows  # fmt: skip
            found += map(self.keys.read, rows)
        return found


def cut(message: str) -> str:
    """Return a message that fits its column."""
    if len(message) <= ERROR_MESSAGE_LENGTH:
        return message
    return message[: ERROR_MESSAGE_LENGTH - len(TRUNCATION_APPENDIX)] + TRUNCATION_APPENDIX
