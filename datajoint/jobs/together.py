"""Change jobs and their leases together: nobody ever sees, or leaves behind, one of them without the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar
from weakref import WeakSet

from datajoint.errors import DeadlockError, LostConnectionError, QueryError

if TYPE_CHECKING:
    from datajoint.connection import Connection

T = TypeVar("T")

_ATTEMPTS = 10
_LOST = 2  # links, after which something else must be wrong
_NO_READ_COMMITTED = 1665  # MySQL's binary log by statements refuses it
_refused: WeakSet[Connection] = WeakSet()


def together(connection: Connection, deed: Callable[[], T], *, attempts: int = _ATTEMPTS, lost: int = _LOST) -> T:
    """Do something in one short transaction; again, if it and that of another worker could not both go on.

    A job that is pending while its lease still names a living worker goes back to that worker. Whoever ends both must
    therefore not let others in between, nor die there: a job that is reserved without a lease is taken over by nobody.
    All of them change jobs first and leases then, so that they do not wait for each other in a circle.

    Parameters
    ----------
    attempts : int
        How often to try it where the engine ends it in favour of somebody else's.
    lost : int
        How many lost links to replace; not for what differs if it was done already.

    Raises
    ------
    LockError
        If others got in the way again and again, or one did for longer than it may.
    LostConnectionError
        If links are lost again and again.
    """
    while True:
        latest = connection not in _refused
        try:
            with connection.transaction(latest=latest):
                return deed()
        except DeadlockError:
            attempts -= 1
            if attempts <= 0:
                raise
        except LostConnectionError:
            lost -= 1
            if lost < 0:
                raise
        except QueryError as error:
            if error.code != _NO_READ_COMMITTED or not latest:
                raise
            _refused.add(connection)
