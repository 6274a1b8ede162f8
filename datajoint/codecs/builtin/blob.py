"""``<blob>``: any combination of Python containers, numbers, texts, dates and numpy arrays."""

from __future__ import annotations

from typing import Any

from datajoint.codecs import blob_format
from datajoint.codecs.base import Codec


class BlobCodec(Codec):
    """Serialise values into bytes, in the table or in a store. Not pickle: reading runs no code."""

    name = "blob"

    def get_dtype(self, is_store: bool) -> str:
        """Return ``bytes``, or ``<hash>`` with ``@``: the bytes are then in a store, and the same ones there once."""
        return "<hash>" if is_store else "bytes"

    def encode(self, value: Any, *, key: dict[str, Any] | None = None, store_name: str | None = None) -> bytes:  # noqa: ARG002
        """Return `value` in the blob format, compressed where that saves space.

        Raises
        ------
        DataJointError
            If the format has no form for a type within `value`.
        """
        return blob_format.pack(value, compress=True)

    def decode(self, stored: Any, *, key: dict[str, Any] | None = None) -> Any:  # noqa: ARG002
        """Return the value.

        Raises
        ------
        DataJointError
            If the bytes are not in the blob format.
        """
        return blob_format.unpack(stored)
