"""Which store a codec is to use: names, defaults, and the backend that an insert keeps account of."""

from __future__ import annotations

from typing import Any

from datajoint.codecs.uploads import current_uploads
from datajoint.storage.stores import Store, resolve_store


def config_or_global(config: Any) -> Any:
    """Return `config`, or the settings of the process if there are none.

    Raises
    ------
    ThreadSafetyError
        If there are none, and thread-safe mode forbids the settings of the process.
    """
    if config is not None:
        return config
    from datajoint.settings import config as process_config  # noqa: PLC0415 - reads files when it is first touched

    return process_config


def store_name_of(store: str | None, config: Any = None, *, of_filepaths: bool = False) -> str | None:
    """Return the name of a store: None and an empty text mean the default one. None if there is no default.

    Parameters
    ----------
    store : str or None
    config : Config, optional
        Those of the process by default.
    of_filepaths : bool
        Whether the default is ``stores.filepath_default``.
    """
    if store:
        return store
    name = config_or_global(config).stores.get("filepath_default" if of_filepaths else "default")
    return name if isinstance(name, str) else None


def store_spec_of(store: str | None, config: Any = None) -> dict[str, Any]:
    """Return the settings of a store, the default one for None and an empty text.

    Raises
    ------
    DataJointError
        As `Config.get_store_spec`.
    """
    spec: dict[str, Any] = config_or_global(config).get_store_spec(store or None)
    return spec


def store_of(store: str | None, config: Any = None, *, of_filepaths: bool = False) -> Store:
    """Return name, settings and backend of a store, the default one for None and an empty text.

    Inside of an insert, the backend tells the insert what is written.

    Raises
    ------
    DataJointError, FileNotFoundError
        If the store is not configured, or cannot be reached.
    """
    found = resolve_store(store, config_or_global(config), use_filepath_default=of_filepaths)
    uploads = current_uploads()
    return found if uploads is None else found._replace(backend=uploads.recorded(found.name, found.backend))
