"""A relay on loopback between the library and a server that acts when so many bytes of requests have passed."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Self

MARK = b"the deed begins"
"""Bytes are counted from the request on that follows one with this text."""


class Relay:
    """Passes on what one client and a server tell each other.

    Parameters
    ----------
    host, port
        Where the server is.
    at : int or None
        The number of counted bytes that reach the server at most. None lets all pass.
    act : callable
        What is done then.
    """

    def __init__(self, host: str, port: int, at: int | None, act: Callable[[], object]) -> None:
        self.counted = 0
        self._server, self._at, self._act = (host, port), at, act
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self._links: list[socket.socket] = []
        self.port = int(self._listener.getsockname()[1])
        self._start(self._accept)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for link in self._links:
            _end(link)
        for thread in self._threads:
            thread.join(5)

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._server)
            except OSError:
                return
            self._links += [client, server]
            for link in (client, server):
                link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._start(self._requests, client, server)
            self._start(self._answers, client, server)

    def _requests(self, client: socket.socket, server: socket.socket) -> None:
        counting = False
        try:
            while data := client.recv(65536):
                if counting and self._at is not None and self.counted + len(data) >= self._at:
                    server.sendall(data[: self._at - self.counted])
                    self._act()
                    return
                self.counted += len(data) if counting else 0
                counting = counting or MARK in data
                server.sendall(data)
        except OSError:
            pass
        finally:
            _end(client)
            _end(server)

    def _answers(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                client.sendall(data)


def _end(link: socket.socket) -> None:
    with contextlib.suppress(OSError):
        link.shutdown(socket.SHUT_RDWR)
    link.close()
