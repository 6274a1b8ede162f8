"""Decode single values outside of a fetch, as plug-ins do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import UUID

from datajoint.codecs.chain import CodecChain, CodecContext

if TYPE_CHECKING:
    from datajoint.connection import Connection
    from datajoint.heading import Attribute


def decode_attribute(attr: Attribute, data: Any, squeeze: bool = False, connection: Connection | None = None) -> Any:
    """Return the value that a driver's value of an attribute stands for.

    Parameters
    ----------
    attr : Attribute
    data : object
        As the driver delivers it: JSON as text or decoded, UUIDs as such or as 16 bytes.
    squeeze : bool
        Whether to remove dimensions of length one from a decoded array.
    connection : Connection, optional
        Whose settings the codec is told.

    Raises
    ------
    Exception
        Whatever a codec raises.
    """
    if data is None:
        return None
    if attr.codec is None:
        return _plain(data, "json" if attr.json else "uuid" if attr.uuid else "")
    chain = CodecChain.resolve(attr.type)
    context = CodecContext("", "", attr.name, connection.settings if connection is not None else None)
    value = chain.decode(_plain(data, chain.dtype), context)
    return value.squeeze() if squeeze and type(value).__name__ == "ndarray" else value


def _plain(data: Any, dtype: str) -> Any:
    if dtype == "json" and isinstance(data, str):
        return json.loads(data)
    if dtype == "uuid" and isinstance(data, bytes):
        return UUID(bytes=data)
    return data
