"""A session whose statements are all carried out by one thread, for drivers whose connections belong to a thread."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from datajoint.backends.base import Backend
from datajoint.connection.session import Session

_VERBS = frozenset(
    {"execute", "fetch", "fetch_columns", "execute_many", "cursor", "answer", "in_transaction", "is_alive", "is_stale"}
)


class EngineThread:
    """Stands for the backend of a session, and hands whatever touches the driver's connection to its thread."""

    def __init__(self, executor: ThreadPoolExecutor, backend: Backend) -> None:
        self._executor, self._backend = executor, backend

    @classmethod
    def session(cls, open_session: Callable[[], Session]) -> Session:
        """Open a session in a thread of its own, which ends when the session is closed."""
        executor = ThreadPoolExecutor(1, thread_name_prefix="dj engine")
        try:
            session = executor.submit(open_session).result()
        except BaseException:
            executor.shutdown()
            raise
        session.backend = cls(executor, session.backend)  # type: ignore[assignment]  # it answers like the backend
        return session

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._backend, name)
        if name not in _VERBS:
            return found

        def hand_over(raw: Any, *arguments: Any, **options: Any) -> Any:
            return self._wait(raw, self._executor.submit(found, raw, *arguments, **options))

        return hand_over

    def _wait(self, raw: Any, future: Future[Any]) -> Any:
        try:
            return future.result()
        except BaseException:
            if not future.done():  # an interrupt of the thread that waits
                self._backend.cancel(raw, None)  # type: ignore[arg-type]  # embedded engines need no address
                future.exception()
            raise

    def is_settled(self, raw: Any) -> bool:
        """Tell whether the next statement can begin: the thread has finished the one before."""
        return bool(self._executor.submit(self._backend.is_settled, raw).result())

    def close(self, raw: Any) -> None:
        """Close the driver's connection, and end the thread."""
        self._executor.submit(self._backend.close, raw).result()
        self._executor.shutdown()
