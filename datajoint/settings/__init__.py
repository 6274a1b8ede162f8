"""Settings: typed, checked, from the environment, ``datajoint.json`` and secrets; loaded when first used.

``config`` stands for the settings of this process. `Config` (with pydantic) is loaded when it is first touched.
"""

from __future__ import annotations

import importlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from datajoint.errors import ThreadSafetyError
from datajoint.forking import reopened
from datajoint.logging import logger

if TYPE_CHECKING:
    from datajoint.settings.environment import ENV_VAR_MAPPING
    from datajoint.settings.files import (
        CONFIG_FILENAME,
        SECRETS_DIRNAME,
        SYSTEM_SECRETS_DIR,
        ConfigFileError,
        find_config_file,
        find_secrets_dir,
        read_secret_file,
    )
    from datajoint.settings.model import (
        Config,
        ConnectionSettings,
        DatabaseSettings,
        DisplaySettings,
        JobsSettings,
        ProvenanceSettings,
        create_config,
    )
    from datajoint.settings.roles import Role, prefix_to_role, role_to_prefix

__all__ = [
    "CONFIG_FILENAME",
    "DEFAULT_SUBFOLDING",
    "ENV_VAR_MAPPING",
    "SECRETS_DIRNAME",
    "SYSTEM_SECRETS_DIR",
    "Config",
    "ConfigFileError",
    "ConnectionSettings",
    "DatabaseSettings",
    "DisplaySettings",
    "JobsSettings",
    "ProvenanceSettings",
    "Role",
    "config",
    "create_config",
    "find_config_file",
    "find_secrets_dir",
    "is_thread_safe",
    "prefix_to_role",
    "process_config",
    "read_secret_file",
    "role_to_prefix",
]

_HOMES = {
    "CONFIG_FILENAME": "files",
    "SECRETS_DIRNAME": "files",
    "SYSTEM_SECRETS_DIR": "files",
    "ConfigFileError": "files",
    "find_config_file": "files",
    "find_secrets_dir": "files",
    "read_secret_file": "files",
    "ENV_VAR_MAPPING": "environment",
    "Role": "roles",
    "prefix_to_role": "roles",
    "role_to_prefix": "roles",
}

DEFAULT_SUBFOLDING = (2, 2)
"""How DataJoint 0.14 spread stored files over folders; stores have none by default."""

_lock = reopened(threading.Lock())
_process_config: Config | None = None


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES.get(name, 'model')}"), name)


def is_thread_safe() -> bool:
    """Tell whether ``DJ_THREAD_SAFE`` forbids state that threads would share: ``dj.config``, ``dj.conn()``."""
    return os.environ.get("DJ_THREAD_SAFE", "").lower() in ("true", "1", "yes")


def process_config() -> Config:
    """Return the settings of this process, read on the first call.

    Raises
    ------
    ConfigFileError, ValueError
        As `create_config`.
    """
    global _process_config
    with _lock:
        if _process_config is None:
            from datajoint.settings.model import create_config  # noqa: PLC0415 - loads pydantic

            _process_config = create_config()
            if "loglevel" in _process_config.model_fields_set:
                logger.setLevel(_process_config.loglevel)
        return _process_config


class _ProcessConfig:
    """Stands for the settings of this process; refuses in thread-safe mode."""

    __slots__ = ()

    def _settings(self) -> Config:
        if is_thread_safe():
            raise ThreadSafetyError(
                "dj.config is state that all threads share, and thread-safe mode is on.",
                hint="Use the config of a dj.Instance, or unset DJ_THREAD_SAFE.",
            )
        return process_config()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._settings(), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._settings(), name, value)

    def __getitem__(self, key: str) -> Any:
        return self._settings()[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._settings()[key] = value

    def __delitem__(self, key: str) -> None:
        del self._settings()[key]

    def __contains__(self, key: object) -> bool:
        return key in self._settings()

    def __iter__(self) -> Iterator[str]:
        return iter(self._settings())

    @staticmethod
    def save_template(
        path: str | Path = "datajoint.json", minimal: bool = True, create_secrets_dir: bool = True
    ) -> Path:
        """Write a settings file to begin with; see `Config.save_template`. Allowed in thread-safe mode too."""
        from datajoint.settings.template import save_template  # noqa: PLC0415 - seldom asked

        return save_template(Path(path), minimal=minimal, create_secrets_dir=create_secrets_dir)

    def __repr__(self) -> str:
        if is_thread_safe():
            return "Config (thread-safe mode: use the config of a dj.Instance)"
        return repr(process_config())

    def __dir__(self) -> list[str]:
        return dir(process_config())


config: Config = cast("Config", _ProcessConfig())
