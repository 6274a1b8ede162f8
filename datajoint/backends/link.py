"""What links to servers have in common: is there news on it, does anybody still listen."""

from __future__ import annotations

import contextlib
import select
import socket

CANCEL_SECONDS = 2.0
"""How long the order to end a statement may take."""

KEEPALIVE_IDLE, KEEPALIVE_INTERVAL, KEEPALIVE_COUNT = 60, 10, 3
UNANSWERED_MILLISECONDS = 30_000
"""How long sent data may go without the other machine's receipt before the link counts as broken."""


def has_news(number: int) -> bool:
    """Tell whether something waits to be read on a file descriptor, be it data or the end."""
    if number < 0:
        return True
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(number, select.POLLIN)
        return bool(poll.poll(0))
    return bool(select.select([number], [], [], 0)[0])  # where there is no poll there is no limit on numbers


def wait_for(number: int, *, writable: bool = False) -> None:
    """Wait until there is news on a file descriptor, or, with `writable`, until it takes more."""
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(number, select.POLLIN | (select.POLLOUT if writable else 0))
        poll.poll()
    else:
        select.select([number], [number] if writable else [], [])


def watch_over(link: socket.socket) -> None:
    """Let the system find out when the other machine is gone without a word."""
    options = {
        "TCP_KEEPIDLE": KEEPALIVE_IDLE, "TCP_KEEPINTVL": KEEPALIVE_INTERVAL, "TCP_KEEPCNT": KEEPALIVE_COUNT,
        "TCP_USER_TIMEOUT": UNANSWERED_MILLISECONDS,
    }  # fmt: skip
    with contextlib.suppress(OSError):  # a Unix socket, or a system that has none of these
        link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in options.items():
            if hasattr(socket, name):
                link.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
