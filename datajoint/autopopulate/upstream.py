"""What `self.upstream` is: the trace of the key that is being made, the same object as long as it is."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from datajoint.autopopulate.make import current_key
from datajoint.errors import DataJointError
from datajoint.table.trace import Trace, trace_key

if TYPE_CHECKING:
    from datajoint.autopopulate.autopopulate import AutoPopulate


class _Known(threading.local):
    """The key whose trace this thread asked for last, the very object, and the trace."""

    key: dict[str, Any] | None = None
    trace: Trace | None = None


_known = _Known()


def current_trace(table: AutoPopulate) -> Trace:
    """Return the trace of the key that this thread computes for `table`.

    Raises
    ------
    DataJointError
        If it computes none.
    """
    key = current_key(table)
    if key is None:
        raise DataJointError(
            "self.upstream is only available inside make(). Outside make(), construct a trace explicitly: "
            "dj.Diagram.trace(self & key)."
        )
    if _known.trace is None or _known.key is not key:
        _known.key, _known.trace = key, trace_key(table, key)
    return _known.trace
