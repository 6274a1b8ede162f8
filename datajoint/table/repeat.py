"""Run again what the server ended only because others held what it needed, where that repeats nothing."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from datajoint.errors import DeadlockError, LockError
from datajoint.logging import logger

if TYPE_CHECKING:
    from datajoint.connection import Connection

T = TypeVar("T")

_PAUSE = 0.02  # seconds, at most, before the first repetition; two who meet again must not be in step


def repeated(connection: Connection, act: Callable[[], T], what: str, *, on: type[LockError] = DeadlockError) -> T:
    """Return the result of `act`, which is kept as a whole or not at all.

    Inside a transaction it runs once: all of that would have to be repeated.

    Parameters
    ----------
    what : str
        For the log, such as ``delete from lab.session``.
    on : type
        The errors after which it runs again, as often as the setting ``database.deadlock_retries`` says.

    Raises
    ------
    LockError
        The last one.
    """
    retries = 0 if connection.in_transaction else connection.settings.database.deadlock_retries
    for attempt in range(retries):
        try:
            return act()
        except on as error:
            logger.warning("The %s is tried again: %s", what, error)
            time.sleep(random.uniform(0, _PAUSE * (attempt + 1)))  # noqa: S311 - no secret
    return act()
