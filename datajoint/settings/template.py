"""Write a settings file to begin with, and the folder for secrets beside it."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

from datajoint.settings.files import SECRETS_DIRNAME

logger = logging.getLogger("datajoint")

_MINIMAL: dict[str, Any] = {"database": {"host": "localhost", "port": 3306}}
_FULL: dict[str, Any] = {
    "database": {"host": "localhost", "port": 3306, "reconnect": True, "use_tls": None},
    "connection": {"charset": ""},
    "display": {"limit": 12, "width": 14, "show_tuple_count": True},
    "stores": {
        "default": "main",
        "filepath_default": "raw_data",
        "main": {
            "protocol": "file",
            "location": "/data/my-project/main",
            "partition_pattern": None,
            "token_length": 8,
            "subfolding": None,
        },
        "raw_data": {"protocol": "file", "location": "/data/my-project/raw"},
    },
    "loglevel": "INFO",
    "safemode": True,
    "query_cache": None,
    "download_path": ".",
}
_PLACEHOLDERS = ("database.user", "database.password")
_GITIGNORE = "# Secrets are never committed.\n*\n!.gitignore\n"


def save_template(path: Path, *, minimal: bool, create_secrets_dir: bool) -> Path:
    """Write the template; return its absolute path.

    Raises
    ------
    FileExistsError
        If `path` exists.
    """
    path = path.absolute()
    if path.exists():
        raise FileExistsError(f"{path} already exists. It is left as it is; choose another name.")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8") as file:
        file.write(json.dumps(_MINIMAL if minimal else _FULL, indent=2) + "\n")
    if create_secrets_dir:
        _make_secrets(path.parent / SECRETS_DIRNAME)
    logger.info("Created the settings template %s", path)
    return path


def _make_secrets(folder: Path) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    for name in _PLACEHOLDERS:
        if not (folder / name).exists():
            (folder / name).touch(mode=0o600)
    if not (folder / ".gitignore").exists():
        (folder / ".gitignore").write_text(_GITIGNORE, encoding="utf-8")
