"""Reading and setting what a signal does, cheap enough for every statement.

The functions of `signal` look for an enumeration's member first, which costs more than a short statement; those that
they call are in a module of C, where there is one.
"""

from __future__ import annotations

import importlib
import signal
import threading
from collections.abc import Callable
from typing import Any

INTERRUPT = int(signal.SIGINT)

try:
    _functions: Any = importlib.import_module("_signal")
except ImportError:
    _functions = signal

get_handler: Callable[[int], Any] = _functions.getsignal
set_handler: Callable[[int, Any], Any] = _functions.signal


def interrupt_handler() -> Any:
    """Return what Ctrl-C calls, or None in a thread that it never reaches and where nothing of Python is called."""
    if threading.get_ident() != threading.main_thread().ident:
        return None
    handler = get_handler(INTERRUPT)
    return handler if callable(handler) else None
