"""Addresses of files that may lie anywhere: ``s3://bucket/key``, ``https://…``, or a path of this machine."""

from __future__ import annotations

import urllib.parse
from pathlib import Path, PurePath

from datajoint.errors import DataJointError

URL_PROTOCOLS = ("file://", "s3://", "gs://", "gcs://", "az://", "abfs://", "http://", "https://")
"""How the addresses begin that are understood; letter case does not matter."""

_FILESYSTEMS = {"gs": "gcs", "gcs": "gcs", "az": "abfs", "abfs": "abfs"}


def is_url(path: str) -> bool:
    """Tell whether a text begins like one of the addresses understood."""
    return str(path).lower().startswith(URL_PROTOCOLS)


def parse_url(url: str) -> tuple[str, str]:
    """Split an address into the name of its filesystem and the path there.

    Raises
    ------
    DataJointError
        If it is none of the addresses understood; paths of this machine are not.

    Examples
    --------
    >>> parse_url("gs://bucket/key")
    ('gcs', 'bucket/key')
    """
    if not is_url(url):
        raise DataJointError(
            f"Unsupported URL protocol: {url}.", hint=f"Addresses begin with {', '.join(URL_PROTOCOLS)}."
        )
    protocol, _, path = url.partition("://")
    return _FILESYSTEMS.get(protocol.lower(), protocol.lower()), path


def normalize_to_url(path: str) -> str:
    """Return an address as it is, and a path of this machine as ``file:///…``."""
    return path if is_url(path) else path_to_url(Path(path).resolve())


def path_to_url(path: PurePath) -> str:
    """Return the ``file://`` address of an absolute path, spelled as it is: without percent-encoding."""
    text = path.as_posix()
    return f"file://{text}" if text.startswith("/") else f"file:///{text}"


def url_to_path(url_path: str) -> str:
    """Return the path of this machine that follows ``file://`` in an address."""
    return urllib.parse.unquote(url_path) if "%" in url_path and not Path(url_path).exists() else url_path
