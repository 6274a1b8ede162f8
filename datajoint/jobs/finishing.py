"""The end of a job: it is done if it is still ours, and that is decided in the transaction of its results."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal

from datajoint.backends.base import Request
from datajoint.errors import DataJointError, DeadlockError, LockError, LostConnectionError, QueryError
from datajoint.jobs.claiming import Claim, release
from datajoint.jobs.queue import Queue, cut
from datajoint.jobs.registry import Registry, column, freed
from datajoint.jobs.states import after
from datajoint.jobs.together import together
from datajoint.jobs.worker import Worker
from datajoint.logging import logger
from datajoint.sql.fragment import Parameter, Sql, Statement

_PAUSE = 0.2
_LONGEST_RETRY = 3600.0
_PATIENCE = 2.0


@dataclass(slots=True)
class Finisher:
    """What a worker does with jobs that it has claimed, at their end."""

    queue: Queue
    registry: Registry
    worker: Worker

    def held(self, claim: Claim) -> Statement:
        """Return the condition that nobody else has the job, as far as a plain read can tell."""
        if self.worker.has_leases:
            return self.queue.held(claim.key, claim.token)
        settled = self.queue.is_status("success", "error", "ignore")
        condition = Sql(
            "NOT EXISTS (SELECT 1 FROM ", self.queue.name.identifier, " WHERE ", self.queue.keys.equals(claim.key),
            " AND ", settled, ")",
        )  # fmt: skip
        return condition.render(self.queue.connection.dialect)

    def closing(self, claim: Claim, duration: float) -> Request:
        """Return what takes the job off the queue if nobody has touched it."""
        return self.queue.finishing(claim.key, claim.token, duration, keep=self._keeps)

    @property
    def _keeps(self) -> bool:
        """Whether a finished job keeps its row."""
        return after("reserved", "finish", keep=self.queue.connection.settings.jobs.keep_completed) is not None

    def finish(self, claim: Claim, duration: float) -> bool:
        """Take the job off the queue, inside the transaction of its results; False if it is not ours any more."""
        queue, keep = self.queue, self._keeps
        try:
            if queue.finish(claim.key, claim.token, duration, keep=keep):
                return True
            found = queue.look(claim.key, lock=True)
        except DeadlockError:  # a stricter isolation says so that somebody else has changed the row
            return False
        if found is None:
            # Somebody emptied the queue, or did the job: whoever sees committed rows only can tell.
            return not self.worker.ask(lambda: queue.present([claim.key]))
        status, _ = found
        if status == "pending" and (not self.worker.has_leases or self._lease_is_ours(claim)):
            return queue.finish(claim.key, None, duration, keep=keep, status="pending")
        if status == "reserved" and not self.worker.has_leases:
            return queue.finish(claim.key, None, duration, keep=keep)
        return False

    def _lease_is_ours(self, claim: Claim) -> bool:
        def ours() -> bool:
            lease = self.registry.of_items([claim.item]).get(claim.item)
            return lease is not None and lease.worker == self.worker.id and lease.reserved_time == claim.token.reserved_time  # fmt: skip

        return self.worker.ask(ours)

    def fate(self, claim: Claim, session: int | None) -> Literal["kept", "not kept", "unknown"]:
        """Find out what became of a commit whose answer was lost.

        The old transaction holds the job's row, so that looking at it waits until the transaction is decided.

        Parameters
        ----------
        session : int or None
            Number of the session that sent the commit.
        """
        connection = self.queue.connection
        end = time.monotonic() + connection.settings.jobs.lease_seconds
        while time.monotonic() < end:
            try:
                with connection.time_limit(_PATIENCE), connection.transaction(latest=True):
                    found = self.queue.look(claim.key, lock=True)
            except (LockError, QueryError):
                self._end(session, claim)
            except DataJointError:
                time.sleep(_PAUSE)
            else:
                if found is None or found[0] == "success":
                    return "kept"
                return "not kept" if found == ("reserved", claim.token) else "unknown"
        return "unknown"

    def _end(self, session: int | None, claim: Claim) -> None:
        connection = self.queue.connection
        try:
            if session is not None and session != connection.connection_id:
                ending = connection.backend.coordination.end_session(session, claim.token.reserved_time)
                if ending is not None:
                    connection.execute(ending)
        except DataJointError as error:
            logger.debug("The session %d could not be ended: %s", session, error)
        time.sleep(_PAUSE)

    # --- after the transaction
    def settled(self, claim: Claim) -> None:
        """Have the lease of a finished job deleted soon.

        Another worker may just have given the job back to us, if it was queued again; that is undone after the lease.
        """
        self.worker.settled(self.registry, claim.item, claim, self.queue.give_back)

    def skipped(self, claim: Claim) -> bool:
        """Take the job of a key that was not made off the queue, if the target has the key; else give it back.

        Returns
        -------
        bool
            Whether the target has it.
        """
        if self.queue.present([claim.key]):
            queue, keep = self.queue, self._keeps
            together(queue.connection, lambda: queue.finish(claim.key, claim.token, 0.0, keep=keep))
            self.settled(claim)
            return True
        release(self.queue, self.registry, self.worker, [claim], "skipped")
        return False

    def failed(self, claim: Claim, message: str, stack: str, max_attempts: int) -> bool:
        """Record a failure; tell whether the key will be tried again. What cannot be written is logged, never raised."""
        attempts = claim.attempts + 1
        retried = after("reserved", "fail" if attempts < max_attempts else "give up") == "pending"
        seconds = min(self.queue.connection.settings.jobs.retry_seconds * 2 ** (attempts - 1), _LONGEST_RETRY)

        def deed() -> bool:
            if retried:
                ours = self.queue.put_off(claim.key, claim.token, seconds)
            else:
                ours = self.queue.fail(claim.key, claim.token, message, stack)
            if ours and self.worker.has_leases:
                others: dict[str, Sql | Parameter] = {"attempts": Sql(column("attempts"), " + 1"), "message": Parameter(cut(message))}  # fmt: skip
                if retried:
                    others["next_try"] = self.queue.ago(-seconds)
                self.registry.settle(self.worker.id, [claim.item], freed(**others))
            return ours

        try:
            ours = together(self.queue.connection, deed)
        except DataJointError as error:
            logger.error("The error of %s could not be recorded in the queue: %s", claim.key, error)
            return False
        finally:
            self.worker.lets_go(self.registry, [claim.item])
        if not ours:
            logger.info("The job of %s is not ours any more; its error is not recorded: %s", claim.key, message)
            self.settled(claim)
        return retried and ours

    def interrupted(self, claim: Claim, reason: str) -> None:
        """Give an interrupted job back, its attempt not counted; the lease does it later if it cannot be done now."""
        try:
            with self.queue.connection.time_limit(5.0):
                release(self.queue, self.registry, self.worker, [claim], reason)
        except (QueryError, LostConnectionError) as error:
            logger.warning("The job of %s could not be given back and waits for its lease to end: %s", claim.key, error)
