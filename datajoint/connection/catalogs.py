"""What is known of the structure of schemas: read once, kept, and forgotten when it has changed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from datajoint.backends.base import Execute

if TYPE_CHECKING:
    from datajoint.backends.catalog import SchemaCatalog
    from datajoint.connection.connection import Connection

_SECONDS = 1.0  # between two questions whether another program changed something


@dataclass(frozen=True, slots=True)
class _Check:
    """The version of a schema's structure, and when the database last confirmed it, in seconds of a steady clock."""

    version: str | None
    time: float


class Catalogs:
    """The structure of the schemas on one connection.

    Parameters
    ----------
    execute : callable
        Runs the queries.
    on_change : callable
        Called when something was forgotten, with no lock held.
    """

    def __init__(self, connection: Connection, execute: Execute, on_change: Callable[[], None]) -> None:
        self._connection, self._execute, self._on_change = connection, execute, on_change
        self._lock = threading.RLock()
        self._known: dict[str, SchemaCatalog | None] = {}
        self._checks: dict[str, _Check] = {}

    def get(self, schemas: Iterable[str]) -> dict[str, SchemaCatalog]:
        """Return the structure of the schemas that exist, reading the unknown ones together."""
        wanted = list(dict.fromkeys(schemas))
        self.look_again(wanted, _SECONDS)
        with self._lock:
            unknown = [s for s in wanted if s not in self._known]
            if unknown:
                backend = self._connection.backend
                # The version comes first: what changes while the structure is read is then found changed.
                versions = backend.catalog_versions(self._execute, unknown)
                loaded = backend.load_catalog(self._execute, unknown)
                now = time.monotonic()
                for schema in unknown:
                    self._known[schema] = loaded.get(schema)
                    self._checks[schema] = _Check(versions.get(schema), now)
            return {s: c for s in wanted if (c := self._known[s]) is not None}

    def look_again(self, schemas: Iterable[str], seconds: float) -> None:
        """Forget those of `schemas` that other programs changed, unless that was asked less than `seconds` ago."""
        if self._connection.in_transaction:  # which sees one state, and must not be disturbed
            return
        now = time.monotonic()
        with self._lock:
            due = {s: c for s in schemas if (c := self._checks.get(s)) and now - c.time >= seconds}
        if not due:
            return
        versions = self._connection.backend.catalog_versions(self._execute, list(due))
        changed = [s for s, check in due.items() if check.version != versions.get(s)]
        with self._lock:
            for schema, check in due.items():
                if self._checks.get(schema) is check:
                    self._checks[schema] = _Check(check.version, now)
        if changed:
            self.forget(*changed)

    def forget(self, *schemas: str) -> None:
        """Drop what is known of `schemas`, of all without arguments."""
        with self._lock:
            for schema in schemas or list(self._known):
                self._known.pop(schema, None)
                self._checks.pop(schema, None)
        # Outside the lock: the graph takes its own lock first and this one second.
        self._on_change()
