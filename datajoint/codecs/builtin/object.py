"""``<object@>``: a file or a folder a value, in a store, fetched as a reference."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

from datajoint.codecs.builtin.schema import SchemaCodec
from datajoint.codecs.uploads import current_uploads
from datajoint.errors import DataJointError
from datajoint.objectref import ObjectRef


class ObjectCodec(SchemaCodec):
    """Store bytes, a file or a whole folder; a fetch returns an `ObjectRef`."""

    name = "object"

    def validate(self, value: Any) -> None:
        """Refuse what is no object, and paths at which there is nothing.

        Raises
        ------
        TypeError
            If `value` is neither bytes, a path, a pair of extension and bytes (or an open file), a document with a
            ``path``, nor a fetched `ObjectRef`.
        DataJointError
            If nothing is at the path.
        """
        if isinstance(value, bytes):
            return
        if isinstance(value, str | Path):
            if not Path(value).exists():
                raise DataJointError(f"Source path not found: {value}")
            return
        if isinstance(value, dict) and "path" in value:
            return
        if isinstance(value, ObjectRef) and value._backend is not None:
            return
        is_pair = isinstance(value, tuple) and len(value) == 2  # noqa: PLR2004 - extension and data
        if is_pair and isinstance(value[0], str) and (isinstance(value[1], bytes) or hasattr(value[1], "read")):
            return
        raise TypeError(
            f"<object> takes bytes, the path of a file or folder, or (extension, bytes), not {type(value).__name__}."
        )

    def encode(
        self,
        value: Any,
        *,
        key: dict[str, Any] | None = None,
        context: dict[str, Any] | None = None,
        store_name: str | None = None,
    ) -> dict[str, Any]:
        """Write the object and return what `ObjectRef` reads.

        Raises
        ------
        TypeError, DataJointError
            As `validate`; also if the store is not configured.
        """
        self.validate(value)
        if isinstance(value, dict):
            return value
        schema, table, field, primary_key = self._extract_context(key, context)
        config = self._codec_config(key, context)

        def new_path(ext: str | None) -> str:
            return self._build_path(schema, table, field, primary_key, ext=ext, store_name=store_name, config=config)[0]

        backend = self._get_backend(store_name, config=config)
        return _write(value, backend, new_path) | {"store": self._resolved(store_name, config)}

    def decode(
        self, stored: dict[str, Any], *, key: dict[str, Any] | None = None, context: dict[str, Any] | None = None
    ) -> ObjectRef:
        """Return the reference; nothing is read.

        Raises
        ------
        DataJointError
            If the store is not configured.
        """
        config = self._codec_config(key, context)
        return ObjectRef.from_json({"size": None, **stored}, self._get_backend(stored.get("store"), config=config))


def document_of(path: str, *, size: int, ext: str | None, is_dir: bool, item_count: int | None) -> dict[str, Any]:
    """Return what the column keeps of an object, but for the name of its store."""
    return {
        "path": path,
        "size": size,
        "ext": ext,
        "is_dir": is_dir,
        "item_count": item_count,
        "timestamp": datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds"),
    }


def _write(value: Any, backend: Any, new_path: Any) -> dict[str, Any]:
    if isinstance(value, ObjectRef):
        return _copy(value, backend, new_path)
    if isinstance(value, str | Path):
        source = Path(value)
        if source.is_dir():
            path = new_path(None)
            manifest = backend.put_folder(source, path)
            return document_of(
                path, size=manifest["total_size"], ext=None, is_dir=True, item_count=manifest["item_count"]
            )
        path, size = new_path(source.suffix or None), source.stat().st_size
        _put_file(backend, source, path, size)
        return document_of(path, size=size, ext=source.suffix, is_dir=False, item_count=None)
    ext, data = value if isinstance(value, tuple) else (None, value)
    content = data if isinstance(data, bytes) else data.read()
    content = content.encode() if isinstance(content, str) else bytes(content)
    path = new_path(ext)
    backend.put_buffer(content, path)
    return document_of(path, size=len(content), ext=ext, is_dir=False, item_count=None)


def _put_file(backend: Any, source: Path, path: str, size: int) -> None:
    """Copy a file, beside others while an insert is at work: it is the user's, and stays where it is."""
    uploads = current_uploads()
    if uploads is None:
        backend.put_file(source, path)
    else:
        beneath = backend.beneath
        uploads.begin(backend.store, beneath, path)
        uploads.later(lambda: beneath.put_file(source, path), min(size, 1 << 20))


def _copy(reference: ObjectRef, backend: Any, new_path: Any) -> dict[str, Any]:
    """Give a row an object of its own with the content of another row's."""
    path = new_path(reference.ext if not reference.is_dir else None)
    if not reference.is_dir:
        content = reference.read()
        backend.put_buffer(content, path)
        return document_of(path, size=len(content), ext=reference.ext, is_dir=False, item_count=None)
    import tempfile  # noqa: PLC0415 - seldom needed

    with tempfile.TemporaryDirectory(prefix="datajoint-") as folder:
        reference.download(folder)
        manifest = backend.put_folder(Path(folder) / reference.path.rsplit("/", 1)[-1], path)
    return document_of(path, size=manifest["total_size"], ext=None, is_dir=True, item_count=manifest["item_count"])
