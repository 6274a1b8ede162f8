"""Have tables computed by workers of this kernel: begin, pause, go on, end after the key, end at once."""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import datajoint as dj
from datajoint.autopopulate import AutoPopulate
from datajoint_jupyter.work.quiet import quiet_thread

Phase = Literal[
    "idle", "running", "pausing", "paused", "stopping", "killing", "finished", "stopped", "killed", "failed"
]
Kind = Literal["threads", "processes"]

AT_WORK: frozenset[str] = frozenset({"running", "pausing", "paused", "stopping", "killing"})
MOST_WORKERS = 32

_PATIENCE = 2.0
"""Seconds after which a thread that is busy outside of Python is left to itself, its keys taken away."""


class Killed(BaseException):
    """Raised in a thread that is to end at once; nothing that handles errors catches it."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is to be computed.

    Attributes
    ----------
    restrictions : tuple
        Conditions on the key source.
    max_calls : int or None
        Keys of each table at most.
    priority : int or None
        The least urgent jobs to take.
    order : {"original", "reverse", "random"}
    time_limit : float or None
        Seconds that a key may take.
    """

    restrictions: tuple[Any, ...] = ()
    max_calls: int | None = None
    priority: int | None = None
    order: Literal["original", "reverse", "random"] = "original"
    time_limit: float | None = None


class Conductor:
    """Computes tables one after the other by their queues, each with several workers.

    Parameters
    ----------
    tables : sequence of AutoPopulate
        Parents before children.
    wishes : Wishes
    changed : callable
        Called, from any thread, when the phase has changed.

    Attributes
    ----------
    succeeded, failed : int
        Keys since the last beginning.
    error : tuple of (str, BaseException) or None
        The table whose work ended as a whole, and why.
    """

    def __init__(self, tables: Sequence[AutoPopulate], wishes: Wishes, changed: Callable[[], None]) -> None:
        self._tables, self._wishes, self._changed = list(tables), wishes, changed
        self._condition = threading.Condition()
        self._phase: Phase = "idle"
        self._workers, self._kind = 1, "threads"
        self._threads: list[threading.Thread] = []
        self._again = False
        self._table: AutoPopulate | None = None
        self.succeeded = self.failed = 0
        self.began: float | None = None
        self.ended: float | None = None
        self.error: tuple[str, BaseException] | None = None

    @property
    def phase(self) -> Phase:
        """What is going on."""
        return self._phase

    @property
    def table(self) -> AutoPopulate | None:
        """The table that is being computed."""
        return self._table

    @property
    def workers(self) -> tuple[int, str]:
        """How many workers there are to be, and whether threads or processes."""
        return self._workers, self._kind

    # --- to do
    def start(self, workers: int = 1, kind: Kind = "threads") -> None:
        """Begin, with so many workers.

        Raises
        ------
        DataJointError
            If it is at work already.
        """
        with self._condition:
            if self._phase in AT_WORK:
                raise dj.DataJointError(f"The work is {self._phase}.", hint="Wait for its end, or stop it.")
            self._workers, self._kind = max(1, min(workers, MOST_WORKERS)), kind
            self.succeeded = self.failed = 0
            self.error, self.began, self.ended = None, time.time(), None
            self._phase = "running"
            thread = threading.Thread(target=self._conduct, name="dj work", daemon=True)
            thread.start()
        self._changed()

    def pause(self) -> None:
        """Take no new keys; those that are being made are finished."""
        self._turn({"running": "pausing"})

    def resume(self, workers: int | None = None, kind: Kind | None = None) -> None:
        """Go on, with another number of workers if one is given."""
        with self._condition:
            if workers is not None and self._phase == "paused":
                self._workers, self._kind = max(1, min(workers, MOST_WORKERS)), kind or self._kind
        self._turn({"paused": "running", "pausing": "running"})

    def stop(self) -> None:
        """End after the keys that are being made."""
        self._turn({"running": "stopping", "pausing": "stopping", "paused": "stopping"})

    def kill(self) -> None:
        """End at once: what is being made is rolled back, and its keys go back to the queue."""
        if self._turn(dict.fromkeys(("running", "pausing", "paused", "stopping"), "killing")):
            for thread in list(self._threads):
                if thread.ident is not None and thread.is_alive():
                    ctypes.pythonapi.PyThreadState_SetAsyncExc(
                        ctypes.c_ulong(thread.ident), ctypes.py_object(Killed)
                    )  # fmt: skip

    def again(self) -> None:
        """Look once more for keys before the end: some were put back into the queue."""
        with self._condition:
            self._again = True

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end; tell whether it has come."""
        with self._condition:
            return self._condition.wait_for(lambda: self._phase not in AT_WORK, timeout)

    # --- phases
    def _turn(self, ways: dict[str, Phase] | dict[str, str]) -> bool:
        with self._condition:
            after: Any = ways.get(self._phase)
            if after is None:
                return False
            self._phase = after
            self._condition.notify_all()
        self._changed()
        return True

    def _is_ending(self) -> bool:
        return self._phase in {"stopping", "killing"} or self.error is not None

    def _gate(self) -> bool:
        """Tell a worker, before each key, whether to take no more."""
        return self._phase != "running" or self.error is not None

    def _end(self) -> None:
        with self._condition:
            ends: dict[str, Phase] = {"stopping": "stopped", "killing": "killed"}
            self._phase = "failed" if self.error is not None else ends.get(self._phase, "finished")
            self._table, self.ended = None, time.time()
            self._condition.notify_all()
        self._changed()

    # --- the work
    def _conduct(self) -> None:
        try:
            with quiet_thread():
                self._again = True
                while self._again and not self._is_ending():
                    self._again = False
                    for table in self._tables:
                        if self._is_ending():
                            break
                        self._compute(table)
        except Exception as error:  # noqa: BLE001 - it is part of the state, and shown there
            self.error = (self._named(), error)
        finally:
            for connection in {id(t.connection): t.connection for t in self._tables}.values():
                with contextlib.suppress(dj.DataJointError):
                    connection.close_thread()
            self._end()

    def _named(self) -> str:
        return "" if self._table is None else f"{self._table.database}.{self._table.table_name}"

    def _compute(self, table: AutoPopulate) -> None:
        """Compute what a table lacks, until its queue has nothing that is due."""
        self._table = table
        self._changed()
        table.jobs.refresh(*self._wishes.restrictions, priority=self._wishes.priority, delay=-1)
        while not self._is_ending():
            done = self._work(table)
            with self._condition:
                if self._phase == "pausing":
                    self._phase = "paused"
                elif self.phase != "paused":
                    if done or self._is_ending():
                        return
                    continue
            self._changed()
            with self._condition:
                self._condition.wait_for(lambda: self._phase != "paused")

    def _work(self, table: AutoPopulate) -> bool:
        """Let workers go through a queue; tell whether they ended by themselves."""
        count = self._workers if self._kind == "threads" else 1
        shares = _shares(self._wishes.max_calls, count)
        processes = 1 if self._kind == "threads" else self._workers
        was_told = threading.Event()

        def gate() -> bool:
            if self._gate():
                was_told.set()
                return True
            return False

        self._threads = [
            threading.Thread(
                target=self._worker, args=(table, share, processes, gate), name=f"dj work {number}", daemon=True
            )
            for number, share in enumerate(shares)
        ]
        for thread in self._threads:
            thread.start()
        self._join(table)
        return not was_told.is_set()

    def _join(self, table: AutoPopulate) -> None:
        deadline: float | None = None
        while any(thread.is_alive() for thread in self._threads):
            for thread in self._threads:
                thread.join(0.1)
            if self._phase == "killing":
                deadline = deadline or time.monotonic() + _PATIENCE
                if self._kind == "threads" and time.monotonic() > deadline:
                    self._abandon(table)
                    return

    def _abandon(self, table: AutoPopulate) -> None:
        """Take the keys away from threads that cannot be ended: what they still write will be rolled back."""
        mine = {"host": platform.node(), "pid": os.getpid()}
        for key in (table.jobs.reserved & mine).proj().to_dicts():
            table.jobs.revoke(key)

    def _worker(self, table: AutoPopulate, share: int | None, processes: int, gate: Callable[[], bool]) -> None:
        wishes = self._wishes
        try:
            with quiet_thread():
                result = table.populate(
                    *wishes.restrictions,
                    reserve_jobs=True,
                    refresh=False,
                    suppress_errors=True,
                    max_calls=share,
                    processes=processes,
                    priority=wishes.priority,
                    order=wishes.order,
                    time_limit=wishes.time_limit,
                    stop=gate,
                )
            with self._condition:
                self.succeeded += result["success_count"]
                self.failed += len(result["error_list"])
        except Killed:
            pass
        except Exception as error:  # noqa: BLE001 - it ends the work and is shown
            if self._phase != "killing":
                self.error = (self._named(), error)
        finally:
            with contextlib.suppress(dj.DataJointError, Killed):
                table.connection.close_thread()


def _shares(most: int | None, count: int) -> list[int | None]:
    """Part a number of keys among workers."""
    if most is None:
        return [None] * count
    return [share for i in range(count) if (share := most // count + (i < most % count))]
