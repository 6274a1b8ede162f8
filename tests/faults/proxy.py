"""A proxy on loopback between the library and a server, which fails on demand."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from dataclasses import dataclass


@dataclass
class Fault:
    """What goes wrong at request number `at`, counted from 0 since the fault was set.

    ``cut before``: the request is lost with the link. ``cut after``: it arrives, its answer is lost with the link.
    ``stall``: it arrives, and there is silence from then on. ``delay``: the answer takes `seconds` longer.
    """

    mode: str
    at: int
    seconds: float = 0.0


class Proxy:
    """Listens on a free port and passes everything on; what the client sends between two answers is a request."""

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._lock = threading.Lock()
        self._links: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._fault: Fault | None = None
        self.requests = 0
        self.happened = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._start(self._accept)

    def _start(self, work, *arguments) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def set(self, fault: Fault | None) -> None:
        """Count from now on, and fail as told."""
        with self._lock:
            self._fault, self.requests, self.happened = fault, 0, False

    def close(self) -> None:
        """End everything and wait for it."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            links = list(self._links)
        for link in links:
            _end(link)
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._server)
            except OSError:
                return
            for link in (client, server):
                link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._links |= {client, server}
            state = _State()
            self._start(self._requests, client, server, state)
            self._start(self._answers, client, server, state)

    def _requests(self, client, server, state) -> None:
        with _ending(client, server):
            while data := client.recv(65536):
                if state.answered:
                    state.answered = False
                    state.fault = self._next()
                    if state.fault and state.fault.mode == "cut before":
                        return
                server.sendall(data)

    def _answers(self, client, server, state) -> None:
        with _ending(client, server):
            while data := server.recv(65536):
                fault = state.fault
                if fault and fault.mode == "cut after":
                    return
                if fault and fault.mode == "stall":
                    continue
                if fault and not state.answered:
                    time.sleep(fault.seconds)
                state.answered = True
                client.sendall(data)

    def _next(self) -> Fault | None:
        """Count a request, and return the fault that is due."""
        with self._lock:
            number, fault = self.requests, self._fault
            self.requests += 1
            if fault is None or fault.at != number:
                return None
            self.happened = True
            return fault


class _State:
    """Of one link: whether the next bytes of the client begin a request, and what is wrong with that one."""

    answered = True
    fault: Fault | None = None


@contextlib.contextmanager
def _ending(*links):
    try:
        with contextlib.suppress(OSError):
            yield
    finally:
        for link in links:
            _end(link)


def _end(link: socket.socket) -> None:
    with contextlib.suppress(OSError):
        link.shutdown(socket.SHUT_RDWR)
    link.close()
