"""What is known of the structure of schemas: read once, kept, and forgotten when it has changed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from datajoint.backends.base import Execute
from datajoint.forking import reopened

if TYPE_CHECKING:
    from datajoint.backends.catalog import SchemaCatalog
    from datajoint.connection.connection import Connection

_SECONDS = 1.0  # between two questions whether another program changed something


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of a schema.

    Attributes
    ----------
    catalog : SchemaCatalog or None
        Its structure; None if there is no such schema.
    version : str or None
        Of the structure.
    time : float
        When the database last confirmed the version, in seconds of a steady clock.
    """

    catalog: SchemaCatalog | None
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
        self._lock = reopened(threading.RLock())
        self._known: dict[str, _Known] = {}

    def one(self, schema: str) -> SchemaCatalog | None:
        """Return the structure of a schema, or None if it does not exist."""
        known = self._known.get(schema)
        if known is not None and time.monotonic() - known.time < _SECONDS:
            return known.catalog
        return self.get((schema,)).get(schema)

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
                    self._known[schema] = _Known(loaded.get(schema), versions.get(schema), now)
            return {s: c for s in wanted if (c := self._known[s].catalog) is not None}

    def look_again(self, schemas: Iterable[str], seconds: float) -> None:
        """Forget those of `schemas` that other programs changed, unless that was asked less than `seconds` ago."""
        if self._connection.in_transaction:  # which sees one state, and must not be disturbed
            return
        now = time.monotonic()
        with self._lock:
            due = {s: known for s in schemas if (known := self._known.get(s)) and now - known.time >= seconds}
        if not due:
            return
        versions = self._connection.backend.catalog_versions(self._execute, list(due))
        changed = [s for s, known in due.items() if known.version != versions.get(s)]
        with self._lock:
            for schema, known in due.items():
                if self._known.get(schema) is known:
                    self._known[schema] = replace(known, time=now)
        if changed:
            self.forget(*changed)

    def forget(self, *schemas: str) -> None:
        """Drop what is known of `schemas`, of all without arguments."""
        with self._lock:
            for schema in schemas or list(self._known):
                self._known.pop(schema, None)
        # Outside the lock: the graph takes its own lock first and this one second.
        self._on_change()
