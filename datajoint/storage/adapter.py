"""Storage plug-ins: how a store of a further protocol is checked, opened and addressed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, cast

from datajoint.errors import DataJointError
from datajoint.naming import did_you_mean
from datajoint.settings.stores import COMMON_KEYS, find_adapter


class StorageAdapter(ABC):
    """What a package offers for one protocol; it announces the class in the entry-point group ``datajoint.storage``.

    Attributes
    ----------
    protocol : str
        As in ``config.stores["…"]["protocol"]``.
    required_keys, allowed_keys : tuple of str
        Settings that its stores must have, and those that they may have beside the common ones; list a required key in
        both.

    Examples
    --------
    >>> class Tape(StorageAdapter):
    ...     protocol = "tape"
    ...     allowed_keys = ("robot",)
    ...     def create_filesystem(self, spec):
    ...         import fsspec
    ...         return fsspec.filesystem("memory")
    >>> Tape().full_path({"location": "shelf"}, "a.bin")
    'shelf/a.bin'
    """

    protocol: str
    required_keys: tuple[str, ...] = ()
    allowed_keys: tuple[str, ...] = ()

    @abstractmethod
    def create_filesystem(self, spec: dict[str, Any]) -> Any:
        """Return the fsspec filesystem of a store."""

    def validate_spec(self, spec: dict[str, Any]) -> None:
        """Check the settings of a store.

        Raises
        ------
        DataJointError
            If a required key is missing, or a key is unknown.
        """
        missing = [key for key in self.required_keys if key not in spec]
        if missing:
            raise DataJointError(f"{self.protocol} store is missing: {', '.join(missing)}")
        allowed = {*self.allowed_keys, *COMMON_KEYS}
        unknown = sorted(set(spec) - allowed)
        if unknown:
            raise DataJointError(
                f"Invalid key(s) for {self.protocol}: {', '.join(unknown)}",
                hint=did_you_mean(unknown[0], allowed) or None,
            )

    def full_path(self, spec: dict[str, Any], relpath: str) -> str:
        """Return where an object lies in the filesystem."""
        location = str(spec.get("location") or "").rstrip("/")
        return f"{location}/{relpath}" if location else relpath

    def get_url(self, spec: dict[str, Any], path: str) -> str:  # noqa: ARG002 - what a plug-in may need
        """Return the address of an object, given its place in the filesystem."""
        return f"{self.protocol}://{path}"


def get_storage_adapter(protocol: str) -> StorageAdapter | None:
    """Return the plug-in for a protocol; None for built-in protocols and unknown ones."""
    return cast("StorageAdapter | None", find_adapter(protocol.lower()))
