"""``<npy@>``: one array of numpy a value, as a ``.npy`` file in a store, fetched as a reference."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING, Any

from datajoint.codecs.builtin.schema import SchemaCodec
from datajoint.errors import DataJointError
from datajoint.storage.cache import cache_of

if TYPE_CHECKING:
    from datajoint.codecs.npyref import NpyRef


class NpyCodec(SchemaCodec):
    """Store an array as a ``.npy`` file; a fetch returns an `NpyRef`, which reads it when it is used."""

    name = "npy"

    def validate(self, value: Any) -> None:
        """Refuse what is no array that a ``.npy`` file can hold without code.

        A fetched `NpyRef` is taken too: its file is copied.

        Raises
        ------
        DataJointError
        """
        dtype = getattr(value, "dtype", None)
        if not _is_array(value) and not _is_reference(value):
            raise DataJointError(f"<npy> requires numpy.ndarray, got {type(value).__name__}")
        if dtype is not None and dtype.hasobject:
            raise DataJointError("<npy> does not support object dtype arrays", hint="Store them as <blob>.")

    def encode(
        self,
        value: Any,
        *,
        key: dict[str, Any] | None = None,
        context: dict[str, Any] | None = None,
        store_name: str | None = None,
    ) -> dict[str, Any]:
        """Write the array and return ``path``, ``store``, ``dtype`` and ``shape``.

        Raises
        ------
        DataJointError
            As `validate`, or if the store is not configured.
        """
        self.validate(value)
        schema, table, field, primary_key = self._extract_context(key, context)
        config = self._codec_config(key, context)
        content = value._backend.get_buffer(value.path) if _is_reference(value) else _file_of(value)
        path, _ = self._build_path(schema, table, field, primary_key, ext=".npy", store_name=store_name, config=config)
        self._get_backend(store_name, config=config).put_buffer(content, path)
        return {
            "path": path,
            "store": self._resolved(store_name, config),
            "dtype": str(value.dtype),
            "shape": list(value.shape),
        }

    def decode(
        self, stored: dict[str, Any], *, key: dict[str, Any] | None = None, context: dict[str, Any] | None = None
    ) -> NpyRef:
        """Return the reference; nothing is read.

        Raises
        ------
        DataJointError
            If the store is not configured.
        """
        from datajoint.codecs.npyref import NpyRef  # noqa: PLC0415 - loads numpy

        config = self._codec_config(key, context)
        return NpyRef(stored, self._get_backend(stored.get("store"), config=config), cache=cache_of(config))


def _is_array(value: Any) -> bool:
    import numpy as np  # noqa: PLC0415 - loaded when arrays are stored

    return isinstance(value, np.ndarray)


def _is_reference(value: Any) -> bool:
    from datajoint.codecs.npyref import NpyRef  # noqa: PLC0415 - loads numpy

    return isinstance(value, NpyRef)


def _file_of(array: Any) -> bytes:
    import numpy as np  # noqa: PLC0415 - loaded when arrays are stored

    file = io.BytesIO()
    with warnings.catch_warnings():
        # Names of fields may need a version of the format that numpy calls new; ours reads it.
        warnings.simplefilter("ignore", UserWarning)
        np.save(file, np.asarray(array), allow_pickle=False)
    return file.getvalue()
