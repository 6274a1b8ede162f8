"""What became of a commit whose answer was lost: asked, never guessed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal

from datajoint.errors import DataJointError, LostConnectionError
from datajoint.logging import logger
from datajoint.sql.fragment import Sql

if TYPE_CHECKING:
    from datajoint.autopopulate.autopopulate import AutoPopulate
    from datajoint.autopopulate.task import Task

Fate = Literal["kept", "not kept", "unknown"]

_PAUSE = 0.2


def what_became(table: AutoPopulate, task: Task, session: int | None, *, wrote_target: bool) -> Fate:
    """Find out whether the rows of a key were committed, over a new session.

    Parameters
    ----------
    session : int or None
        The server's number of the session that sent the commit.
    wrote_target : bool
        Whether rows of the table itself were in it: only these can be looked for.

    Returns
    -------
    str
        ``unknown`` also if the server cannot be reached for as long as a lease lasts.
    """
    began = time.monotonic()
    end = began + table.connection.settings.jobs.lease_seconds
    while time.monotonic() < end:
        try:
            found = task.after_lost_commit(session)
            if found != "unknown" or not wrote_target or session is None:
                return found
            if _is_over(table, session, time.monotonic() - began):
                return "kept" if table & task.key else "not kept"
        except LostConnectionError as error:
            logger.debug("The server cannot be asked what was committed: %s", error)
        time.sleep(_PAUSE)
    return "unknown"


def _is_over(table: AutoPopulate, session: int, seconds: float) -> bool:
    """End the session, and tell whether the server has forgotten it: what it did is decided then."""
    connection = table.connection
    coordination = connection.backend.coordination
    if session == connection.connection_id:  # the number has gone to a new session, so the old one is gone
        return True
    count = coordination.sessions(session)
    if count is None:
        return True
    if not connection.execute(count).rows[0][0]:
        return True
    then = connection.execute(Sql("SELECT ", coordination.ago(connection.target, seconds))).rows[0][0]
    order = coordination.end_session(session, then)
    if order is not None:
        try:
            connection.execute(order)
        except DataJointError as error:  # it ended by itself meanwhile, or is not ours to end
            logger.debug("Session %d could not be ended: %s", session, error)
    return False
