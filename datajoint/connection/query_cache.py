"""Results kept in files, so that an analysis can be repeated without the database."""

from __future__ import annotations

import hashlib
import logging
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datajoint.errors import DataJointError

if TYPE_CHECKING:
    from datajoint.settings import Config

logger = logging.getLogger("datajoint")

_CACHEABLE = re.compile(r"\s*(?:SELECT|SHOW)\b", re.IGNORECASE)
_FILE_NAME = re.compile(r"[0-9a-f]{32}")


class QueryCache:
    """The cache of one connection.

    Parameters
    ----------
    settings : Config
        Whose ``query_cache`` names the folder.
    """

    def __init__(self, settings: Config) -> None:
        self._settings = settings
        self.label: str | None = None
        """Under which results are kept; None while the cache is not in use."""

    def rows(self, text: str, values: Any, read: Callable[[], list[Any]], *, form: str = "") -> list[Any]:
        """Return the kept rows of a query or, the first time, read and keep them.

        Parameters
        ----------
        values
            Bound to the statement; part of what makes two queries the same.
        form : str
            What else the rows depend on.

        Raises
        ------
        DataJointError
            For a statement that is no query, and if no folder is set.
        """
        self.check(text)
        from datajoint.codecs.blob_format import pack, unpack  # noqa: PLC0415 - imports numpy

        key = pack(values if isinstance(values, dict) else list(values), compress=False)
        digest = hashlib.md5(f"{self.label}{form}".encode() + key + text.encode(), usedforsecurity=False).hexdigest()
        path = self._folder() / digest
        try:
            found = unpack(path.read_bytes())
        except FileNotFoundError:
            rows = read()
            self._keep(path, pack(rows))
            return rows
        logger.debug("%s is from the query cache", digest)
        return list(found)

    def check(self, text: str) -> None:
        """Refuse what is no query while the cache is in use.

        Raises
        ------
        DataJointError
            If it is none.
        """
        if self.label is not None and not _CACHEABLE.match(text):
            raise DataJointError(
                "Only SELECT queries are allowed when query caching is on.",
                hint="Turn it off: connection.set_query_cache().",
            )

    def _folder(self) -> Path:
        folder = self._settings.query_cache
        if folder is None:
            raise DataJointError(
                "Query caching is on, but there is no folder for it.",
                hint="Set dj.config['query_cache'] to a folder, or turn it off: connection.set_query_cache().",
            )
        return Path(folder).expanduser()

    def _keep(self, path: Path, content: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.{os.getpid()}.part")
        part.write_bytes(content)
        part.replace(path)

    def purge(self) -> None:
        """Delete all kept results; other files in the folder are left alone.

        Raises
        ------
        DataJointError
            If no folder is set.
        """
        folder = self._folder()
        if folder.is_dir():
            for path in folder.iterdir():
                if path.is_file() and _FILE_NAME.fullmatch(path.name):
                    path.unlink()
