"""Packed values in raw binary columns: DataJoint before 2.0 packed whatever went into a ``longblob``."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from functools import cache

from datajoint.codecs.blob_format import BEGINNINGS

logger = logging.getLogger("datajoint")


def look_at(values: Iterable[object], attribute: str) -> None:
    """Tell once in the life of the process if the first of the raw `values` is a packed one."""
    first = next((value for value in values if value is not None), None)
    if isinstance(first, bytes) and first.startswith(BEGINNINGS):
        _tell(attribute)


@cache
def _tell(attribute: str) -> None:
    logger.warning(
        "`%s` was fetched as raw bytes, as it is declared. Its values are in the blob format, in which DataJoint before "
        "2.0 packed all binary attributes. Unpack them with dj.blob.unpack(value); or declare the attribute as <blob> and "
        "call alter(), which leaves the bytes as they are.",
        attribute,
    )
