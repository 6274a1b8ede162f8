"""The transaction of one run of a `make`: nothing before the first write, everything verified in it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from datajoint.autopopulate.plain_reads import is_plain_read
from datajoint.autopopulate.reads import Read, can_be_verified, tables_of, verifiable_tables
from datajoint.backends.base import RawResult, Request
from datajoint.errors import DataJointError, LockError, LostConnectionError, TimeLimitError
from datajoint.events import KeyLive
from datajoint.expression import predicates as p
from datajoint.expression.compile import compile_exists
from datajoint.expression.nodes import Limit, Restrict
from datajoint.expression.plans import select
from datajoint.logging import logger
from datajoint.sql.fragment import Statement
from datajoint.values.compare import compare

if TYPE_CHECKING:
    from datajoint.autopopulate.autopopulate import AutoPopulate
    from datajoint.autopopulate.task import Key, Task
    from datajoint.connection.session import Session

MakeTransaction = Literal["auto", "long"]

_ATTEMPTS = 3  # to go live again after a conflict, before the `make` runs anew
_PACKAGE = "datajoint."
_CHANGES = ("INSERT", "UPDATE", "DELETE")


class Abandoned(BaseException):
    """Leaves a `make` whose result cannot be kept; code that swallows it gets it again at its next statement."""


class Skip(Abandoned):
    """The key has rows already, or is not ours any more."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Rerun(Abandoned):
    """The `make` has to run again: its inputs changed, or it and another transaction could not both go on.

    Attributes
    ----------
    inputs : tuple of str
        The tables that changed.
    threaded : bool
        Whether it needs a thread that carries out its statements.
    lost_commit : bool
        Whether it was not kept because the link was lost.
    """

    def __init__(
        self, reason: str, *, inputs: tuple[str, ...] = (), threaded: bool = False, lost_commit: bool = False
    ) -> None:
        super().__init__(reason)
        self.inputs, self.threaded, self.lost_commit = inputs, threaded, lost_commit


@dataclass(frozen=True, slots=True)
class Place:
    """A line of the user's code."""

    file: str
    line: int


class LiveMake:
    """Runs the statements of one run of a `make`.

    Parameters
    ----------
    table : AutoPopulate
    task : Task
    mode : {"auto", "long"}
        Whether the transaction begins with the first write, or before anything.
    name : str
        The table's full name.
    threaded : bool
        Whether a thread of its own carries out the statements, where a session must stay in one thread.
    keep_reads : bool
        Whether to record what is read also where it is not verified.

    Attributes
    ----------
    reads : list of Read
        What was read, in order; a repetition with the same answer is left out.
    live_since : float or None
        When the transaction began, by the monotonic clock.
    first_write : Place or None
        The line that began to write.
    wrote_target : bool
        Whether rows were sent to the table itself.
    """

    def __init__(
        self,
        table: AutoPopulate,
        task: Task,
        mode: MakeTransaction,
        *,
        name: str,
        threaded: bool = False,
        keep_reads: bool = False,
    ) -> None:
        self.table, self.task, self.mode, self.threaded = table, task, mode, threaded
        self._keep_reads = keep_reads
        self.connection = table.connection
        self.hosted = self.connection.hosted(self)
        self._transaction = self.hosted.transaction
        self.reads: list[Read] = []
        self._known: set[tuple[str, bytes, str]] = set()
        self.verified: frozenset[int] = frozenset()
        self.live_since: float | None = None
        self.first_write: Place | None = None
        self.wrote_target = False
        self.was_ended = False
        self.fault: Abandoned | None = None
        self._name = name

    # --- what the connection asks of a host
    def check(self) -> None:
        """Refuse every further statement, once the result cannot be kept."""
        if self.fault is not None:
            if self._transaction.is_joined:
                raise SystemExit(str(self.fault)) from self.fault  # which ends a thread without a word
            raise self.fault

    def read(self, request: Request, source: Any) -> RawResult:
        """Answer a query, and note the answer."""

        def call(session: Session) -> RawResult:
            return session.backend.answer(session.raw, request)

        with self._transaction.turn:
            self._transaction.check()
            if self.hosted.begun:
                result = self._inside(request.text, call)
                if not self._keep_reads:
                    return result
            else:
                result = self.hosted.alone(request.text, call)
            if source is not None:
                self._note(Read.of(request, source, result))
            return result

    def run(
        self, text: str, call: Callable[[Session], RawResult], *, repeatable: bool, request: Request | None = None
    ) -> RawResult:
        """Run any other statement: begin the transaction, unless it surely only reads."""
        with self._transaction.turn:
            self._transaction.check()
            if self.hosted.begun:
                if self.first_write is None and not is_plain_read(text):
                    self.first_write = _users_line()
                return self._inside(text, call)
            if is_plain_read(text):
                return self.hosted.alone(text, call)
            self.first_write = _users_line()
            tells_presence = request is not None and self._tells_presence(request)
            if request is not None and self.connection.dialect.pipelines and text.startswith(_CHANGES):
                answer = self._live_with(request, check=not tells_presence)
                if answer is not None:
                    return answer
                tells_presence = False
            return self._first_write(text, call, repeatable=repeatable, check=not tells_presence)

    def _tells_presence(self, write: Request) -> bool:
        """Tell whether a write can be carried out only if the key has no row: it inserts the one row that it may have.

        Then nobody need be asked before. Whether the key is still ours is decided when it is finished.
        """
        key = self.task.key
        if write.row is None or write.row[0] != self.table.name or key.keys() != set(self.table.heading.primary_key):
            return False
        inserted = dict(zip(write.row[1], write.values, strict=True))
        return all(type(value := inserted.get(n)) is type(key[n]) and value == key[n] for n in key)

    def _live_with(self, write: Request, *, check: bool) -> RawResult | None:
        """Begin, check and write in one exchange; None if that failed and is to be done step by step."""
        self._note_target(write.text)
        try:
            return self._go_live(write, check=check)
        except LostConnectionError:
            raise
        except (LockError, TimeLimitError) as error:
            if self.is_conflict(error):
                return None
            self._go_live()  # it has waited once
            raise
        except DataJointError:
            return None  # of which step it is, will be seen

    def _first_write(
        self, text: str, call: Callable[[Session], RawResult], *, repeatable: bool, check: bool
    ) -> RawResult:
        for _ in range(_ATTEMPTS):
            self._go_live(check=check)
            try:
                return self._sent(text, call, unguarded=True)
            except LockError as error:
                if self.is_conflict(error) and not repeatable:
                    self._lose_to(error)
                self._undo_first_write()
                if not self.is_conflict(error):
                    self._go_live()
                    raise
            except LostConnectionError:
                raise
            except DataJointError:
                if self.connection.dialect.error_ends_transaction:
                    self._undo_first_write()
                    self._go_live()
                elif not check:  # it may have failed because the key has a row
                    self._ask_for_key()
                raise
        self._go_live()
        return self._inside(text, call)

    def _undo_first_write(self) -> None:
        self.hosted.roll_back()
        self.live_since = None

    def begin(self) -> None:
        """Begin the transaction, if it has not begun."""
        with self._transaction.turn:
            self._transaction.check()
            if not self.hosted.begun:
                self.first_write = _users_line()
                self._go_live()

    def end(self, *, keep: bool) -> None:
        """End the transaction, because the user says so."""
        place = _users_line()
        logger.warning(
            "A `make` of %s ended its transaction itself, at %s, line %d: what it writes from there on is committed "
            "statement by statement.", self._name, place.file, place.line,
        )  # fmt: skip
        if keep:
            self.begin()
            self.hosted.commit()
        else:
            self.hosted.roll_back()
            self.hosted.forget()
        self.was_ended = True

    def join(self) -> None:
        """Get ready for another thread that joins."""
        if not self.connection.dialect.thread_bound or self.threaded:
            return
        self.threaded = True
        if self.hosted.begun:
            # The session must not be touched here: the thread that it belongs to rolls back.
            self.fault = self.fault or Rerun("another thread joined, and its session is bound to it", threaded=True)
            self.check()

    # --- statements in the transaction
    def _inside(self, text: str, call: Callable[[Session], RawResult]) -> RawResult:
        try:
            return self._sent(text, call)
        except LockError as error:
            if self.mode == "auto" and self.is_conflict(error):
                self._lose_to(error)
            raise

    def _sent(self, text: str, call: Callable[[Session], RawResult], *, unguarded: bool = False) -> RawResult:
        self._note_target(text)
        return self.hosted.inside(text, call, unguarded=unguarded)

    def _note_target(self, text: str) -> None:
        if not self.wrote_target and self._name in text and text.startswith(("INSERT", "COPY", "REPLACE")):
            self.wrote_target = True

    def is_conflict(self, error: DataJointError) -> bool:
        """Tell whether the engine has ended this transaction because of another one."""
        return error.code in self.connection.dialect.conflict_codes

    def _lose_to(self, error: LockError) -> None:
        """Let the `make` run anew after a conflict that ended its transaction."""
        self._abandon(Rerun(f"a conflict with another transaction: {error}"))

    def _abandon(self, fault: Abandoned) -> None:
        """Give up what was done; this and every further statement is refused."""
        if self.fault is None:
            self.fault = fault
            self.hosted.roll_back()
        self.check()

    # --- going live
    def _go_live(self, write: Request | None = None, *, check: bool = True) -> RawResult | None:
        """Begin, and see in the transaction that the key is still to be made from what was read.

        Parameters
        ----------
        write : Request, optional
            A change to be made in the same exchange; it is undone if the key is not to be made.
        check : bool
            Whether to ask if the key is still to be made.

        Returns
        -------
        RawResult or None
            The answer to it.
        """
        own = self._verifiable()
        requests = [read.repeated(self.connection) for _, read in own]
        if check:
            requests.insert(0, self.key_check())
        if write is not None:
            requests.append(write)
        try:
            answers = self.hosted.begin("late", requests, threaded=self.threaded)
        except LockError as error:
            if write is not None or not self.is_conflict(error):
                raise
            answers = self.hosted.begin("late", requests, threaded=self.threaded)
        written = None if write is None else answers.pop()
        self.live_since = time.monotonic()
        if check:
            self._check_key(answers.pop(0))
        changed = [read for (_, read), answer in zip(own, answers, strict=True) if not read.holds(answer)]
        if changed:
            inputs = dict.fromkeys(str(name) for read in changed for name in tables_of(read.source))
            self._abandon(Rerun("its inputs changed", inputs=tuple(inputs)))
        self.verified = frozenset(number for number, _ in own)
        if self.connection.events.has_subscribers:
            self.connection.events.emit(KeyLive(table=self._name, key=self.task.key))
        return written

    def begin_long(self) -> None:
        """Begin before anything else, as programs of old expect it."""
        (key,) = self.hosted.begin("snapshot", [self.key_check()], threaded=self.threaded)
        self.live_since = time.monotonic()
        reason = self.reason_to_skip(key)
        if reason:
            raise Skip(reason)

    def _check_key(self, answer: RawResult) -> None:
        """Give up if the key is not to be made, according to the answer to `key_check`."""
        reason = self.reason_to_skip(answer)
        if reason:
            self._abandon(Skip(reason))

    def _ask_for_key(self) -> None:
        request = self.key_check()
        self._check_key(self._inside(request.text, lambda s: s.backend.answer(s.raw, request)))

    def key_check(self) -> Request:
        """Return what asks whether the key has rows, and whether it is still ours."""
        return key_check(self.table, self.task)

    @staticmethod
    def reason_to_skip(answer: RawResult) -> str:
        """Return why the key is not to be made, according to the answer to `key_check`."""
        present, *held = answer.rows[0]
        if present:
            return "present"
        return "taken" if held and not held[0] else ""

    # --- what was read
    def _note(self, read: Read) -> None:
        key = read.request.text, read.digest, repr(read.request.values)
        if key not in self._known:
            self._known.add(key)
            self.reads.append(read)

    def _verifiable(self) -> list[tuple[int, Read]]:
        if not self.reads:
            return []
        tables = verifiable_tables(self.table)
        return [(n, read) for n, read in enumerate(self.reads) if can_be_verified(read, tables)]

    def changed_inputs(self) -> tuple[str, ...]:
        """Return the tables whose rows are not as they were read; outside of any transaction."""
        changed: dict[str, None] = {}
        for _, read in self._verifiable():
            request = read.repeated(self.connection)
            answer = self.hosted.alone(request.text, lambda s, r=request: s.backend.answer(s.raw, r))  # type: ignore[misc]
            if not read.holds(answer):
                changed.update(dict.fromkeys(str(name) for name in tables_of(read.source)))
        return tuple(changed)

    def unverified_tables(self) -> tuple[str, ...]:
        """Return the tables that were read without being verified."""
        others = (read for n, read in enumerate(self.reads) if n not in self.verified)
        return tuple(dict.fromkeys(str(name) for read in others for name in tables_of(read.source)))


def key_check(table: AutoPopulate, task: Task) -> Request:
    """Return what asks whether a key has rows, and in the same statement whether it is still ours."""
    held, (text, values) = task.held(), _rows_of(table, task.key)
    if held is None:
        return Request(f"SELECT EXISTS ({text})", values)
    if not values and table.connection.dialect.placeholder == "%s":
        text = text.replace("%", "%%")  # as the values that follow need it
    return Request(f"SELECT EXISTS ({text}), ({held.text})", [*values, *held.values])


def _rows_of(table: AutoPopulate, key: Key) -> Statement:
    """Return the query for a row of a key; its text is the same for all plain keys and kept with the heading."""
    heading, backend = table.heading, table.connection.backend
    types = {name: heading._attributes[name].value_type for name in key}
    plain = key and not any(t.kind == "bool" for t in types.values())
    compared = [compare(t, "=", key[name]) for name, t in types.items()] if plain else []
    if not compared or any(c.outcome != "bound" for c in compared):
        return compile_exists((table & key)._node, backend).render(backend.dialect)

    def made() -> str:
        equal = [p.Compare(n, t, c) for (n, t), c in zip(types.items(), compared, strict=True)]
        node = Limit(Restrict(table._node, p.conjunction([*equal]), heading), (), 1, 0, heading)
        return select(node, backend, ()).text

    text = heading.derived(("rows of a key", backend, table.name, tuple(key)), made)
    encoders = [backend.encoder(t) for t in types.values()]
    return Statement(text, [e(c.value) if e else c.value for e, c in zip(encoders, compared, strict=True)])


def _users_line() -> Place:
    """Return the line of the user's code that is being carried out."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(_PACKAGE):
        frame = frame.f_back
    return Place(frame.f_code.co_filename, frame.f_lineno)
