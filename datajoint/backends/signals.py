"""Reading and setting what a signal does, cheap enough for every statement.

The functions of `signal` look for an enumeration's member first, which costs more than a short statement.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from typing import Any

INTERRUPT = int(signal.SIGINT)

get_handler: Callable[[int], Any] = getattr(signal.getsignal, "__wrapped__", signal.getsignal)
set_handler: Callable[[int, Any], Any] = getattr(signal.signal, "__wrapped__", signal.signal)


def interrupt_handler() -> Any:
    """Return what Ctrl-C calls, or None in a thread that it never reaches and where nothing of Python is called."""
    if threading.current_thread() is not threading.main_thread():
        return None
    handler = get_handler(INTERRUPT)
    return handler if callable(handler) else None
