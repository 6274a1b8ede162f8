"""``<filepath@>``: a file that somebody else put into a store; the row refers to it, and nothing is copied."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

from datajoint.codecs.base import Codec
from datajoint.codecs.places import store_of
from datajoint.errors import DataJointError
from datajoint.objectref import ObjectRef
from datajoint.storage.paths import checked_path


class FilepathCodec(Codec):
    """Refer to a file or folder of a store by its path there. It is never copied, moved or removed."""

    name = "filepath"
    _of_filepaths = True

    def get_dtype(self, is_store: bool) -> str:
        """Return ``json``.

        Raises
        ------
        DataJointError
            Without ``@``.
        """
        if not is_store:
            raise DataJointError(
                "<filepath> requires @ symbol. The path is one within a store.",
                hint="Declare <filepath@> for the default store, or <filepath@store>.",
            )
        return "json"

    def validate(self, value: Any) -> None:
        """Refuse what is no path. A fetched `ObjectRef` stands for its path.

        Raises
        ------
        TypeError
        """
        if not isinstance(value, str | Path | ObjectRef):
            raise TypeError(f"<filepath> takes the path of a file in the store, not {type(value).__name__}.")

    def encode(
        self,
        value: Any,
        *,
        key: dict[str, Any] | None = None,
        context: dict[str, Any] | None = None,
        store_name: str | None = None,
    ) -> dict[str, Any]:
        """Return ``path``, ``store``, ``size``, ``is_dir`` and ``timestamp``.

        Raises
        ------
        TypeError
            If `value` is no path.
        ValueError
            If the path leads out of the store, into a section that the library manages, or lies outside of
            ``filepath_prefix``.
        FileNotFoundError
            If nothing is there.
        DataJointError
            If the store is not configured.
        """
        self.validate(value)
        store, spec, backend = store_of(store_name, self._codec_config(key, context), of_filepaths=True)
        given = value.path if isinstance(value, ObjectRef) else value.as_posix() if isinstance(value, Path) else value
        path = _checked(given, spec)
        if not backend.exists(path):
            raise FileNotFoundError(f"There is no file {path!r} in the store {store!r}.")
        is_dir = bool(backend.isdir(path))
        return {
            "path": path,
            "store": store,
            "size": None if is_dir else backend.size(path),
            "is_dir": is_dir,
            "timestamp": datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds"),
        }

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
        backend = store_of(stored.get("store"), config, of_filepaths=True).backend
        return ObjectRef.from_json({"size": None, **stored}, backend)


def _checked(path: str, spec: dict[str, Any]) -> str:
    """Return a path without steps such as ``./``; refuse one outside of where users' files lie.

    Raises
    ------
    ValueError
    """
    try:
        plain = checked_path(path)
    except DataJointError as error:
        raise ValueError(f"<filepath@> cannot use {path!r}: {error}") from error
    for prefix_name in ("hash_prefix", "schema_prefix"):
        section = str(spec.get(prefix_name) or "").strip("/")
        # Regardless of letter case, which some file systems disregard too.
        if section and f"{plain}/".lower().startswith(f"{section}/".lower()):
            raise ValueError(
                f"<filepath@> cannot use reserved section '{section}' ({prefix_name}). "
                "It belongs to the objects that the library manages. Keep files elsewhere in the store."
            )
    own = str(spec.get("filepath_prefix") or "").strip("/")
    if own and not plain.startswith(f"{own}/"):
        raise ValueError(f"<filepath@> must use prefix '{own}' (filepath_prefix). The path given is {path!r}.")
    return plain
