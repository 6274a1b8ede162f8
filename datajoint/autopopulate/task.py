"""A key that is to be made, as the code that makes it sees it: who else must agree that it is ours."""

from __future__ import annotations

from typing import Any, Literal

from datajoint.backends.base import Request
from datajoint.sql.fragment import Statement

Key = dict[str, Any]


class Task:
    """A key of a direct `populate`: nobody else knows of it, so nothing needs to be asked or finished.

    A job of a queue overrides the four methods; whoever makes a key calls them and need not know the difference.

    Attributes
    ----------
    committed : bool
        Whether an interrupt is raised that waited for the end of the commit, so that the key is done all the same.
    """

    __slots__ = ("committed", "key")

    def __init__(self, key: Key) -> None:
        self.key, self.committed = key, False

    def held(self) -> Statement | None:
        """Return a condition in SQL that is true as long as the key is ours, or None where nobody could take it.

        It is asked in the write transaction, in the statement that asks whether the key has a row already.
        """
        return None

    def finish(self, duration: float) -> bool:  # noqa: ARG002 - for those who record it
        """Mark the key as done, as the last statement of the write transaction (or alone, if nothing was written).

        Parameters
        ----------
        duration : float
            Seconds since the key's turn came.

        Returns
        -------
        bool
            False if the key is no longer ours: what was written for it must be rolled back.
        """
        return True

    def closing(self, duration: float) -> Request | None:  # noqa: ARG002 - as above
        """Return the statement of `finish` that changes one row if the key is ours, where one statement may tell.

        The transaction may be committed together with it; if it changes none, `finish` decides.
        """
        return None

    def after_lost_commit(self, session: int | None) -> Literal["kept", "not kept", "unknown"]:  # noqa: ARG002 - as above
        """Find out, over a new session, what became of a commit whose answer was lost.

        ``unknown`` leaves the question to the rows themselves. After ``not kept`` the key, which stays ours, is made
        again at once.

        Parameters
        ----------
        session : int or None
            The server's number of the session that sent the commit.
        """
        return "unknown"
