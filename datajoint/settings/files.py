"""Settings from files: ``datajoint.json`` and the secrets folder.

Precedence, highest first: assignment at run time, environment, ``datajoint.json``, secrets, defaults.
A file is applied as a whole or not at all.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from datajoint.errors import DataJointError
from datajoint.naming import did_you_mean
from datajoint.settings.environment import (
    ENV_VAR_MAPPING,
    GROUPS,
    Layer,
    environment_layer,
    keys_of,
    merge,
    put,
    value_in,
    variables,
)

CONFIG_FILENAME = "datajoint.json"
SECRETS_DIRNAME = ".secrets"
SYSTEM_SECRETS_DIR = Path("/run/secrets/datajoint")

_TRUE = {"1", "true", "t", "yes", "y", "on"}


class ConfigFileError(DataJointError, ValueError):
    """A settings file that cannot be read or holds a value that is not valid; nothing of it was applied."""


class Gathered(NamedTuple):
    """What files and environment set together, the file that was read, and where each setting comes from."""

    layer: Layer
    path: Path | None
    origins: dict[str, str]


def _project_folders(start: Path | None) -> list[Path]:
    """Return `start` (the working directory) and its parents, up to the one that holds ``.git`` or ``.hg``."""
    folder = Path(start or Path.cwd()).resolve()
    folders = []
    for candidate in (folder, *folder.parents):
        folders.append(candidate)
        if (candidate / ".git").exists() or (candidate / ".hg").exists():
            break
    return folders


def find_config_file(start: Path | None = None) -> Path | None:
    """Return the nearest ``datajoint.json``, from `start` (the working directory) upwards.

    The search ends at the folder that holds ``.git`` or ``.hg``, or at the root of the file system.
    """
    return next((path for folder in _project_folders(start) if (path := folder / CONFIG_FILENAME).is_file()), None)


def find_secrets_dir(config_path: Path | None = None) -> Path | None:
    """Return the folder with secrets: ``.secrets`` beside the settings file, else the system's.

    Without a settings file, ``.secrets`` is looked for where the file would be. ``DJ_SECRETS_DIR`` names another folder.

    Raises
    ------
    ConfigFileError
        If ``DJ_SECRETS_DIR`` names no folder.
    """
    named = variables().get("DJ_SECRETS_DIR")
    if named:
        if not Path(named).is_dir():
            raise ConfigFileError(f"There is no secrets folder {named}.", hint="Check DJ_SECRETS_DIR.")
        return Path(named)
    places = [config_path.parent] if config_path else _project_folders(None)
    candidates = [*(place / SECRETS_DIRNAME for place in places), SYSTEM_SECRETS_DIR]
    return next((folder for folder in candidates if folder.is_dir()), None)


def read_secret_file(secrets_dir: Path | None, name: str) -> str | None:
    """Return the text of a secrets file without surrounding whitespace, or None if there is no such file."""
    path = secrets_dir / name if secrets_dir else None
    if path is None or not path.is_file():
        return None
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        # The decoder's error would quote the content.
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
    raise ConfigFileError(f"Failed to read the secrets file {path}.", hint=f"{reason}.".capitalize())


def read_config_file(path: Path) -> Layer:
    """Read a settings file: an object with dotted keys, nested objects, or both.

    Unknown keys are warned about, with the nearest known one.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ConfigFileError
        If it holds no JSON object.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise FileNotFoundError(f"There is no settings file {path}. Check its name, and DJ_CONFIG_FILE.") from error
    except (OSError, ValueError) as error:
        reason = str(error) if not isinstance(error, UnicodeDecodeError) else "it is not UTF-8 text"
        raise ConfigFileError(
            f"Failed to load config from {path}.", hint=f"Nothing of it was applied: {reason}."
        ) from None  # the decoder's error holds the whole text, secrets included
    if not isinstance(content, dict):
        raise ConfigFileError(f"Failed to load config from {path}.", hint="It must hold one JSON object.")
    layer: Layer = {}
    for key, value in content.items():
        _take(layer, key, value, str(path))
    return layer


def _take(layer: Layer, key: str, value: Any, origin: str) -> None:
    """Put one entry of a file into `layer`; the last of equal keys counts."""
    group, _, rest = key.partition(".")
    if group == "stores" and rest:
        name, _, attribute = rest.partition(".")
        stores = layer.setdefault("stores", {})
        if attribute:
            stores.setdefault(name, {})[attribute] = value
        else:
            stores[name] = value
    elif key == "stores" and isinstance(value, Mapping):
        layer.setdefault("stores", {}).update({k: dict(v) if isinstance(v, Mapping) else v for k, v in value.items()})
    elif key in GROUPS and isinstance(value, Mapping):
        for name, member in value.items():
            _take(layer, f"{key}.{name}", member, origin)
    elif key in ENV_VAR_MAPPING and key != "stores":
        put(layer, key, value)
    else:
        warn_unknown(key, origin)


def warn_unknown(key: str, origin: str) -> None:
    """Warn that `key` is no setting."""
    hint = did_you_mean(key, ENV_VAR_MAPPING)
    warnings.warn(f"{origin}: there is no setting {key!r}, it is ignored. {hint}".rstrip(), stacklevel=2)


def read_secrets(folder: Path | None) -> Layer:
    """Return what a secrets folder holds: one file a value, and a ``datajoint.json``."""
    layer: Layer = {}
    if folder is None or not folder.is_dir():
        return layer
    if (folder / CONFIG_FILENAME).is_file():
        layer = read_config_file(folder / CONFIG_FILENAME)
    for path in sorted(folder.iterdir()):
        parts = path.name.split(".")
        if path.name.startswith(".") or not path.is_file():
            continue
        is_store = len(parts) == 3 and parts[0] == "stores"  # noqa: PLR2004 - stores.<name>.<attribute>
        if not is_store and path.name not in ("database.user", "database.password"):
            continue
        text = read_secret_file(folder, path.name)
        if not text:  # a placeholder that nobody has filled in
            continue
        if is_store:
            layer.setdefault("stores", {}).setdefault(parts[1], {})[parts[2]] = text
        else:
            put(layer, path.name, text)
    return layer


def ignores_files() -> bool:
    """Tell whether ``DJ_IGNORE_CONFIG_FILE`` asks to read neither ``datajoint.json`` nor secrets."""
    return variables().get("DJ_IGNORE_CONFIG_FILE", "").lower() in _TRUE


def gather() -> Gathered:
    """Read all that is set outside the program into one layer.

    The settings file is what ``DJ_CONFIG_FILE`` names, else the nearest ``datajoint.json``.

    Raises
    ------
    ConfigFileError, FileNotFoundError, ValueError
        As `read_config_file` and `environment_layer`.
    """
    path = None
    if not ignores_files():
        named = variables().get("DJ_CONFIG_FILE")
        path = Path(named) if named else find_config_file()
    secrets_dir = find_secrets_dir(path) if not ignores_files() or variables().get("DJ_SECRETS_DIR") else None
    layer: Layer = {}
    origins: dict[str, str] = {}
    empty, file, full = environment_layer(empty=True), read_config_file(path) if path else {}, environment_layer()
    # A variable that is set but empty is weaker than the file.
    for stronger, origin in ((empty, None), (file, f"file {path}"), (full, None)):
        merge(layer, stronger)
        for key in keys_of(stronger):
            origins[key] = origin or f"environment variable {ENV_VAR_MAPPING[key]}"
    secrets = read_secrets(secrets_dir)
    for key in keys_of(secrets):
        if value_in(layer, key) is None:
            origins[key] = f"secrets folder {secrets_dir}"
        elif key == "stores":
            origins[key] += f" and secrets folder {secrets_dir}"
    _fill(layer, secrets)
    return Gathered(layer, path.absolute() if path else None, origins)


def _fill(layer: Layer, secrets: Layer) -> None:
    """Let secrets set what is still unset."""
    for key, value in secrets.items():
        if isinstance(value, Mapping) and isinstance(below := layer.setdefault(key, {}), dict):
            _fill(below, dict(value))
        elif layer.get(key) is None:
            layer[key] = value
