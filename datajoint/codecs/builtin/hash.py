"""``<hash@>``: bytes in a store, under the hash of their content, so that equal ones are kept once."""

from __future__ import annotations

from typing import Any

from datajoint.codecs.base import Codec
from datajoint.codecs.chain import waits_for_store
from datajoint.codecs.places import config_or_global
from datajoint.codecs.uploads import current_uploads
from datajoint.errors import DataJointError
from datajoint.storage.hashing import get_hash, hash_metadata, put_content, put_hash


class HashCodec(Codec):
    """Store bytes under their hash. The in-store forms of ``<blob@>`` and ``<attach@>`` end in it."""

    name = "hash"

    def get_dtype(self, is_store: bool) -> str:
        """Return ``json``.

        Raises
        ------
        DataJointError
            Without ``@``.
        """
        if not is_store:
            raise DataJointError(
                "<hash> requires @ (in-store storage only)", hint="Declare <hash@> or <hash@store>, or <blob>."
            )
        return "json"

    def validate(self, value: Any) -> None:
        """Refuse what is not bytes.

        Raises
        ------
        TypeError
        """
        if not isinstance(value, bytes):
            raise TypeError(f"<hash> takes bytes, not {type(value).__name__}.")

    def encode(
        self,
        value: bytes,
        *,
        key: dict[str, Any] | None = None,
        context: dict[str, Any] | None = None,
        store_name: str | None = None,
    ) -> dict[str, Any]:
        """Write the bytes, unless they are there, and return ``hash``, ``path``, ``schema``, ``store`` and ``size``.

        Raises
        ------
        DataJointError
            If the store is not configured.
        """
        config = config_or_global(self._codec_config(key, context))
        schema = (context or {}).get("schema") or (key or {}).get("_schema") or "unknown"
        uploads = current_uploads()
        if uploads is None:
            return put_hash(value, schema, store_name, config)
        document = hash_metadata(value, schema, store_name, config)
        if uploads.once(document["store"], document["path"]):
            uploads.begin(document["store"], None, document["path"])
            uploads.later(lambda: put_content(document, value, config), len(value))
        return document

    @waits_for_store
    def decode(
        self, stored: dict[str, Any], *, key: dict[str, Any] | None = None, context: dict[str, Any] | None = None
    ) -> bytes:
        """Return the bytes, whose hash is compared with the stored one.

        Raises
        ------
        MissingExternalFile
            If the object is absent.
        DataJointError
            If its content has another hash, or the store is not configured.
        """
        return get_hash(stored, config_or_global(self._codec_config(key, context)))
