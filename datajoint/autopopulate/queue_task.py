"""A key that was claimed from a queue, as the code that makes it sees it."""

from __future__ import annotations

from typing import Literal

from datajoint.autopopulate.task import Task
from datajoint.backends.base import Request
from datajoint.jobs.claiming import Claim
from datajoint.jobs.finishing import Finisher
from datajoint.sql.fragment import Statement


class QueueTask(Task):
    """A claimed job.

    Parameters
    ----------
    claim : Claim
    finisher : Finisher
        Does what must be done at its end.
    """

    __slots__ = ("_finisher", "claim")

    def __init__(self, claim: Claim, finisher: Finisher) -> None:
        super().__init__(dict(claim.key))
        self.claim, self._finisher = claim, finisher

    def held(self) -> Statement:
        """Return the condition that nobody else has the job."""
        return self._finisher.held(self.claim)

    def finish(self, duration: float) -> bool:
        """Take the job off the queue, if it is ours still."""
        transaction = self._finisher.queue.connection._blocks.current
        if transaction is not None:
            transaction.unguarded = True  # where this fails, nothing of the transaction is to be kept
        return self._finisher.finish(self.claim, duration)

    def closing(self, duration: float) -> Request:
        """Take the job off the queue, if it is as it was when it was claimed."""
        return self._finisher.closing(self.claim, duration)

    def after_lost_commit(self, session: int | None) -> Literal["kept", "not kept", "unknown"]:
        """Ask the job's row, which the lost transaction holds until it is decided."""
        return self._finisher.fate(self.claim, session)
