"""``<blob>``: any combination of Python containers, numbers, texts, dates and numpy arrays."""

from __future__ import annotations

from typing import Any

from datajoint.codecs import blob_format
from datajoint.codecs.base import Codec
from datajoint.errors import DataJointError


class BlobCodec(Codec):
    """Serialise values into bytes in the table. Not pickle: reading runs no code."""

    name = "blob"

    def get_dtype(self, is_store: bool) -> str:
        """Return ``bytes``.

        Raises
        ------
        DataJointError
            With ``@``: there is no form in an object store.
        """
        if is_store:
            raise DataJointError(
                "`<blob@…>` asks for values in an object store. `<blob>` keeps its values in the table.",
                hint="Declare `<blob>`.",
            )
        return "bytes"

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
