"""Record with each row that enters from outside where it comes from: the hidden column ``_prov`` of manual tables."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any

from datajoint.code_version import code_version
from datajoint.declare.hidden import PROV_ATTRIBUTE
from datajoint.logging import logger
from datajoint.values.documents import from_json

if TYPE_CHECKING:
    from datajoint.connection import Connection
    from datajoint.heading import Heading


class _Making(threading.local):
    """The computation that this thread carries out."""

    context: dict[str, Any] | None = None


_making = _Making()


@contextmanager
def made_by(full_table_name: str, key: Mapping[str, Any], version: str = "") -> Iterator[None]:
    """Let rows that this thread inserts in the block record that they were made for a key.

    Parameters
    ----------
    full_table_name : str
        The table whose `make` runs, quoted.
    key : mapping
    version : str
        Of the code.
    """
    outer = _making.context
    _making.context = {"table": full_table_name, "key": dict(key)} | ({"version": version} if version else {})
    try:
        yield
    finally:
        _making.context = outer


def records(heading: Heading, connection: Connection) -> bool:
    """Tell whether rows inserted into a table with this heading record where they come from."""
    return PROV_ATTRIBUTE in heading._attributes and connection.settings.provenance.capture


def provenance(connection: Connection) -> dict[str, Any] | None:
    """Return where rows that are inserted now come from; None if no more than the time is known, or it cannot be found out."""
    try:
        known = _known(connection)
        # What JSON lacks is written as text, so that the document can be stored whatever a key holds.
        return from_json(json.dumps(known, default=_rendered, allow_nan=False)) if len(known) > 1 else None
    except Exception as error:  # noqa: BLE001 - whatever is wrong with it must not keep rows out
        logger.warning("Where rows come from could not be recorded: %s", error)
        return None


def _known(connection: Connection) -> dict[str, Any]:
    settings, target = connection.settings, connection.target
    agent = {
        "user": target.user or connection.get_user(),
        "host": target.host,
        "database_name": target.database,
    }
    found: dict[str, Any] = {"time": datetime.now(UTC).isoformat()}
    if present := {name: value for name, value in agent.items() if value is not None}:
        found["agent"] = present
    if version := code_version(settings.jobs.version_method):
        found["version"] = version
    if settings.provenance.source:
        found["source"] = dict(settings.provenance.source)
    if _making.context is not None:
        found["context"] = _making.context
    return found


def _rendered(value: Any) -> Any:
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    return bytes(value).hex() if isinstance(value, bytes | bytearray | memoryview) else str(value)
