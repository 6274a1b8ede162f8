"""The file that tells what a store is for; old stores may have one, none needs it."""

from __future__ import annotations

import datetime
import json
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from datajoint.errors import DataJointError
from datajoint.storage.backend import StorageBackend

STORE_METADATA_FILENAME = "datajoint_store.json"
"""Lies in the root of a store, belongs to no section, and is never collected."""

FORMAT_VERSION = "1.0"


def verify_or_create_store_metadata(backend: StorageBackend, spec: dict[str, Any]) -> dict[str, Any]:
    """Return what a store's file says; write one if there is none.

    Parameters
    ----------
    backend : StorageBackend
        The store.
    spec : dict
        ``project_name``, if given, must be the one in the file.

    Returns
    -------
    dict
        ``project_name``, ``created`` (ISO, UTC), ``format_version``, ``datajoint_version``.

    Raises
    ------
    DataJointError
        If the file cannot be read, or is of another project.
    """
    project = spec.get("project_name")
    if not backend.exists(STORE_METADATA_FILENAME):
        written = {
            "project_name": project,
            "created": datetime.datetime.now(datetime.UTC).isoformat(),
            "format_version": FORMAT_VERSION,
            "datajoint_version": _version(),
        }
        backend.put_buffer(json.dumps(written, indent=2).encode(), STORE_METADATA_FILENAME)
        return written
    try:
        found = json.loads(backend.get_buffer(STORE_METADATA_FILENAME))
    except ValueError as error:
        raise DataJointError(
            f"{STORE_METADATA_FILENAME} of the store is no JSON: {error}.", hint="Mend or remove the file."
        ) from error
    if not isinstance(found, dict):
        raise DataJointError(f"{STORE_METADATA_FILENAME} of the store holds no JSON object.", hint="Mend or remove it.")
    if project is not None and found.get("project_name") not in {None, project}:
        raise DataJointError(
            f"The store is of the project {found['project_name']!r}, not of {project!r}.",
            hint="Give the location of this project's store.",
        )
    return found


def _version() -> str:
    try:
        return version("datajoint")
    except PackageNotFoundError:
        return "0.0.0+unknown"
