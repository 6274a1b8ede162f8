"""The base of codecs whose objects lie under schema, table and key of their row."""

from __future__ import annotations

import warnings
from typing import Any

from datajoint.codecs.base import Codec
from datajoint.codecs.places import store_name_of, store_of, store_spec_of
from datajoint.codecs.uploads import current_uploads
from datajoint.errors import DataJointError
from datajoint.storage.paths import build_object_path


class SchemaCodec(Codec, register=False):
    """Base of codecs that keep one object a value, in a store, at a path that tells whose it is.

    A subclass writes the object in `encode` and returns a document with at least its ``path`` and ``store``.

    Examples
    --------
    >>> class TextCodec(SchemaCodec, register=False):
    ...     name = "text"
    ...     def encode(self, value, *, key=None, context=None, store_name=None):
    ...         schema, table, field, primary_key = self._extract_context(key, context)
    ...         config = self._codec_config(key, context)
    ...         path, _ = self._build_path(
    ...             schema, table, field, primary_key, ext=".txt", store_name=store_name, config=config
    ...         )
    ...         self._get_backend(store_name, config=config).put_buffer(value.encode(), path)
    ...         return {"path": path, "store": store_name}
    ...     def decode(self, stored, *, key=None, context=None):
    ...         config = self._codec_config(key, context)
    ...         return self._get_backend(stored["store"], config=config).get_buffer(stored["path"]).decode()
    """

    def get_dtype(self, is_store: bool) -> str:
        """Return ``json``.

        Raises
        ------
        DataJointError
            Without ``@``: the objects need a store.
        """
        if not is_store:
            raise DataJointError(
                f"<{self.name}> requires @ (store only).",
                hint=f"Declare <{self.name}@> for the default store, or <{self.name}@store>.",
            )
        return "json"

    def _extract_context(
        self, key: dict[str, Any] | None, context: dict[str, Any] | None = None
    ) -> tuple[str, str, str, dict[str, Any]]:
        """Return schema, table, field and primary key of the row at work, as far as they are known.

        The old way, names with an underscore in `key` and no `context`, still works; a `DeprecationWarning` says so.
        """
        given = key or {}
        hidden = {name[1:]: value for name, value in given.items() if name.startswith("_")}
        if context is None and hidden:
            warnings.warn(
                "Reading the context from underscore names in `key` is deprecated: let the codec's methods take "
                "`context` and pass it to _extract_context(key, context).",
                DeprecationWarning,
                stacklevel=2,
            )
        known = hidden | {name: value for name, value in (context or {}).items() if value is not None}
        primary_key = {name: value for name, value in given.items() if not name.startswith("_")}
        return known.get("schema", "unknown"), known.get("table", "unknown"), known.get("field", "data"), primary_key

    def _build_path(
        self,
        schema: str,
        table: str,
        field: str,
        primary_key: dict[str, Any],
        ext: str | None = None,
        store_name: str | None = None,
        config: Any = None,
    ) -> tuple[str, str]:
        """Return a new path of an object, and the random token in it.

        Raises
        ------
        DataJointError
            If the store is not configured, or the key cannot be part of a path.
        """
        spec = store_spec_of(store_name, config)
        path, token = build_object_path(
            schema,
            table,
            field,
            primary_key,
            ext,
            spec.get("partition_pattern"),
            spec.get("token_length") or 8,
            schema_prefix=spec.get("schema_prefix") or "",
        )
        uploads = current_uploads()
        if uploads is not None:
            uploads.new_path(path)
        return path, token

    def _get_backend(self, store_name: str | None = None, config: Any = None) -> Any:
        """Return the `StorageBackend` of a store, of the default one without a name.

        Raises
        ------
        DataJointError, FileNotFoundError
            If the store is not configured, or cannot be reached.
        """
        return store_of(store_name, config).backend

    def _resolved(self, store_name: str | None, config: Any = None) -> str | None:
        """Return the name to write into a document, that of the default store included."""
        return store_name_of(store_name, config)
