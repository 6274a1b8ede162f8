"""Object stores: what a store's settings may say, the defaults, and who checks protocols of plug-ins."""

from __future__ import annotations

import copy
import itertools
import logging
import re
from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import PurePosixPath
from typing import Any, NamedTuple, Protocol, Self

from datajoint.errors import DataJointError
from datajoint.naming import did_you_mean

logger = logging.getLogger("datajoint")

PLUGIN_GROUP = "datajoint.storage"
"""Entry points of storage adapters."""

COMMON_KEYS = frozenset(
    (
        "protocol", "location", "subfolding", "partition_pattern", "token_length",
        "hash_prefix", "schema_prefix", "filepath_prefix", "stage",
    )
)  # fmt: skip
"""What the settings of every store may hold."""

_PREFIXES = ("hash_prefix", "schema_prefix", "filepath_prefix")
_DEFAULTS: dict[str, Any] = {
    "subfolding": None, "partition_pattern": None, "token_length": 8,
    "hash_prefix": "_hash", "schema_prefix": "_schema", "filepath_prefix": None,
}  # fmt: skip


class _Keys(NamedTuple):
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()


PROTOCOLS: dict[str, _Keys] = {
    "file": _Keys(("protocol", "location")),
    "s3": _Keys(("protocol", "endpoint", "bucket", "location"), ("access_key", "secret_key", "secure", "proxy_server")),
    "gcs": _Keys(("protocol", "bucket", "location"), ("token", "project")),
    "azure": _Keys(("protocol", "container", "location"), ("account_name", "account_key", "connection_string")),
    "memory": _Keys(("protocol", "location")),
}
"""The protocols that need no plug-in, and which keys their stores have."""

# DataJoint 2.3 left memory to plug-ins, and one that speaks for it is listened to.
_NEVER_PLUGGED_IN = frozenset(PROTOCOLS) - {"memory"}


class Adapter(Protocol):
    """What a plug-in for a protocol offers here."""

    protocol: str

    def validate_spec(self, spec: dict[str, Any]) -> None:
        """Raise `DataJointError` if the settings of a store are not usable."""


_adapters: dict[str, Adapter] = {}
_discovered = False


def register_adapter(adapter: Adapter) -> None:
    """Let `adapter` speak for its protocol."""
    _adapters[adapter.protocol.lower()] = adapter


def find_adapter(protocol: str) -> Adapter | None:
    """Return the plug-in for a protocol, or None; looks once for those that installed packages announce."""
    global _discovered
    if protocol in _NEVER_PLUGGED_IN:
        return None
    if protocol not in _adapters and not _discovered:
        _discovered = True
        for entry in entry_points(group=PLUGIN_GROUP):
            try:
                adapter = entry.load()()
                _adapters.setdefault(adapter.protocol.lower(), adapter)
            except Exception as error:  # noqa: BLE001 - a plug-in that cannot be loaded must not stop the others
                logger.warning("The storage plug-in %s cannot be loaded: %s", entry.name, error)
    return _adapters.get(protocol)


def store_spec(stores: Mapping[str, Any], store: str | None, *, use_filepath_default: bool = False) -> dict[str, Any]:
    """Return a copy of a store's settings with defaults filled in, checked.

    Parameters
    ----------
    stores : mapping
        The setting ``stores``.
    store : str or None
        The store's name; None for the default one.
    use_filepath_default : bool
        Whether None means ``stores.filepath_default`` rather than ``stores.default``.

    Raises
    ------
    DataJointError
        If there is no such store, or its settings are not usable.
    """
    name = _store_name(stores, store, "filepath_default" if use_filepath_default else "default")
    given = stores[name]
    protocol = str(given.get("protocol", "")).lower()
    spec = {**_DEFAULTS, **copy.deepcopy(dict(given))}
    if protocol:
        spec["protocol"] = protocol
    adapter = find_adapter(protocol) if protocol else None
    if adapter is not None:
        adapter.validate_spec(spec)
    elif not protocol or protocol in PROTOCOLS:
        _check_keys(name, spec, PROTOCOLS.get(protocol, PROTOCOLS["file"]))
    else:
        raise DataJointError(
            f"Unknown protocol {protocol!r} of the store {name!r}: there are {', '.join(PROTOCOLS)}.",
            hint=did_you_mean(protocol, PROTOCOLS) or "Install the plug-in that provides it.",
        )
    if protocol == "s3":
        spec.setdefault("secure", True)
    _check_prefixes(name, spec)
    return spec


def _store_name(stores: Mapping[str, Any], store: str | None, default: str) -> str:
    name = stores.get(default) if store is None else store
    if name is None:
        raise DataJointError(
            f"stores.{default} is not configured.", hint=f"Name a store, or set stores.{default} to the name of one."
        )
    if not isinstance(name, str):
        raise DataJointError(f"stores.{default} must be a string, the name of a store; it is {type(name).__name__}.")
    if not isinstance(stores.get(name), Mapping):
        known = [key for key, value in stores.items() if isinstance(value, Mapping)]
        hint = did_you_mean(name, known) or (f"There are {', '.join(known)}." if known else "No store is configured.")
        raise DataJointError(f"The store {name!r} is requested but not configured in stores.", hint=hint)
    return name


def _check_keys(name: str, spec: Mapping[str, Any], keys: _Keys) -> None:
    missing = [key for key in keys.required if spec.get(key) is None]
    if missing:
        raise DataJointError(
            f"The store {name!r} is missing: {', '.join(missing)}.", hint=f"Set stores.{name}.{missing[0]}."
        )
    allowed = {*keys.required, *keys.optional, *COMMON_KEYS}
    unknown = sorted(set(spec) - allowed)
    if unknown:
        raise DataJointError(
            f"Invalid key(s) in the store {name!r}: {', '.join(unknown)}.",
            hint=did_you_mean(unknown[0], allowed) or f"A {spec['protocol']} store has {', '.join(sorted(allowed))}.",
        )


def _check_prefixes(name: str, spec: Mapping[str, Any]) -> None:
    paths = {key: PurePosixPath(text) for key in _PREFIXES if (text := str(spec.get(key) or "").strip("/"))}
    for (one, first), (other, second) in itertools.combinations(paths.items(), 2):
        if first.is_relative_to(second) or second.is_relative_to(first):
            raise DataJointError(
                f"In the store {name!r} {one} {str(first)!r} and {other} {str(second)!r} overlap.",
                hint="The sections of a store must be mutually exclusive: give them separate folders.",
            )


# --- shown without secrets
_SECRET_NAME = re.compile(r"secret|passw|passphrase|credential|token|sas$|connection_string|(^|_)key$", re.IGNORECASE)
_URL_PASSWORD = re.compile(r"(://[^:/@\s]*:)[^@/\s]+(?=@)")
MASK = "**********"


def masked(value: Any, name: str = "") -> Any:
    """Return `value` as it may be shown: texts under names of secrets, and passwords in URLs, are replaced."""
    if isinstance(value, Mapping):
        return {key: masked(item, str(key)) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [masked(item, name) for item in value]
    if isinstance(value, str) and value:
        return MASK if _SECRET_NAME.search(name) else _URL_PASSWORD.sub(rf"\1{MASK}", value)
    if isinstance(value, bytes):
        return MASK
    return value


class Stores(dict[str, Any]):
    """A dict that shows no secrets when printed; what is put into it becomes one too."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        self.update(*args, **kwargs)

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, Stores(value) if type(value) is dict else value)

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Take over the items of a mapping, as a dict does."""
        for key, value in dict(*args, **kwargs).items():
            self[key] = value

    def setdefault(self, key: str, default: Any = None) -> Any:
        """Return the item `key`, which becomes `default` if there is none."""
        if key not in self:
            self[key] = default
        return self[key]

    def __ior__(self, other: Any) -> Self:  # type: ignore[override,misc]  # as a dict, with our items
        self.update(other)
        return self

    def copy(self) -> Stores:
        """Return a shallow copy."""
        return Stores(self)

    def __repr__(self) -> str:
        return repr(masked(self))
