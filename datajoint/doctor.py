"""Examine a set-up: settings and their origin, packages, the database, its schemas. What is wrong and how to mend it."""

from __future__ import annotations

import os
import platform
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from datajoint.backends.address import target_from_settings
from datajoint.backends.base import Target
from datajoint.backends.catalog import SchemaCatalog
from datajoint.backends.findings import Finding, counted
from datajoint.connection import Connection
from datajoint.errors import DataJointError
from datajoint.naming import did_you_mean, shorten
from datajoint.settings import ENV_VAR_MAPPING, Config, find_secrets_dir
from datajoint.settings.files import read_config_file

__all__ = ["Finding", "Report", "examine"]

_PACKAGES = (
    "datajoint", "numpy", "pandas", "pydantic", "sqlglot", "pymysql", "psycopg", "fsspec", "anywidget", "ipywidgets", "jupyterlab",
)  # fmt: skip
_OWN_VARIABLES = ("DJ_CONFIG_FILE", "DJ_SECRETS_DIR", "DJ_THREAD_SAFE", "DJ_LOG_STREAM")
# What tells where to connect to, and as whom; a URL may hold a password, and is told by its parts elsewhere.
_PLACE = ("backend", "host", "port", "name", "path", "user")
_MARKS = {"ok": "ok   ", "note": "note ", "wrong": "WRONG"}


@dataclass(frozen=True, slots=True)
class Report:
    """What an examination found, by section: ``settings``, ``packages``, ``database``, ``schemas``."""

    sections: dict[str, list[Finding]]

    @property
    def findings(self) -> list[Finding]:
        """All findings."""
        return [finding for findings in self.sections.values() for finding in findings]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not any(finding.level == "wrong" for finding in self.findings)

    def __str__(self) -> str:
        lines: list[str] = []
        for title, findings in self.sections.items():
            lines.append(title.capitalize())
            for finding in findings:
                lines.append(f"  {_MARKS[finding.level]} {finding.topic}: {finding.text}")
                if finding.remedy:
                    lines.append(f"        -> {finding.remedy}")
            lines.append("")
        wrong = sum(finding.level == "wrong" for finding in self.findings)
        notes = sum(finding.level == "note" for finding in self.findings)
        verdict = f"{counted(wrong, 'thing')} to mend" if wrong else "Nothing is wrong"
        lines.append(f"{verdict}, {counted(notes, 'note')}.")
        return "\n".join(lines)


def examine(settings: Config, connection: Connection | None = None) -> Report:
    """Examine the set-up; nothing is changed.

    Parameters
    ----------
    settings : Config
    connection : Connection, optional
        A connection to examine; by default one is opened as `settings` say, and closed again.
    """
    sections = {"settings": list(_settings(settings)), "packages": list(_packages())}
    opened = None
    try:
        if connection is not None:
            sections["settings"] += _elsewhere(settings, connection)
        if connection is None:
            target = target_from_settings(settings)
            if target.path not in (None, ":memory:") and not Path(str(target.path)).exists():
                sections["database"] = [
                    Finding("file", f"{target.path} does not exist yet; it is made when first used")
                ]
                return Report(sections)
            connection = opened = Connection(config_override=settings)
        sections |= _database(connection)
    except (DataJointError, ImportError, OSError) as error:
        sections.setdefault("database", []).append(
            Finding("connection", str(error), "wrong", "Check the settings of `database`.")
        )
    finally:
        if opened is not None:
            opened.close()
    return Report(sections)


# --- settings
def _settings(settings: Config) -> Iterator[Finding]:
    shown = dict(settings.items())
    for key in settings:
        origin = settings.origin(key)
        if origin != "default":
            yield Finding(key, f"{shorten(shown[key])} ({origin})")
    yield from _variables()
    yield from _contradictions(settings)
    yield from _files(settings)
    for name, store in settings.stores.items():
        if isinstance(store, dict):
            yield _store(settings, name)


def _variables() -> Iterator[Finding]:
    known = {*ENV_VAR_MAPPING.values(), *_OWN_VARIABLES}
    for name in sorted(os.environ):
        if name.upper().startswith("DJ_") and name.upper() not in known:
            hint = did_you_mean(name, known) or "Unset it, or correct its name."
            yield Finding("environment", f"{name} is set, but it is no setting's variable", "note", hint)


def _contradictions(settings: Config) -> Iterator[Finding]:
    """Yield where the settings file names another database than what is stronger than it."""
    if settings.config_file is None:
        return
    try:
        said = read_config_file(settings.config_file).get("database", {})
    except (DataJointError, OSError):
        return  # it was read before; what became of it since is told when it is read again
    for name in (name for name in _PLACE if name in said):
        origin, value = settings.origin(f"database.{name}"), settings[f"database.{name}"]
        if not origin.startswith("file") and str(said[name]) != str(value):
            text = f"{value} ({origin}), but {settings.config_file} says {said[name]}"
            yield Finding(f"database.{name}", text, "note", "Let them say the same, unless that is meant.")


def _elsewhere(settings: Config, connection: Connection) -> list[Finding]:
    """Tell if a connection that is open leads to another place than the settings, where these name one."""
    named = [f"database.{name}" for name in ("url", *_PLACE)]
    if all(settings.origin(key) == "default" for key in named):
        return []
    wanted, here = target_from_settings(settings), connection.target
    if _place(wanted, connection) == _place(here, connection):
        return []
    where = wanted.path or f"{wanted.user}@{wanted.host}"
    text = f"this connection leads to {connection.address}, while the settings name {where}"
    return [Finding("connection", text, "note", "Connect anew, or correct the settings, unless that is meant.")]


def _place(target: Target, connection: Connection) -> tuple[object, ...]:
    path = None if target.path in (None, ":memory:") else Path(str(target.path)).resolve()
    return path or target.path, target.host, target.port or connection.dialect.default_port, target.user


def _files(settings: Config) -> Iterator[Finding]:
    file = settings.config_file
    secrets = find_secrets_dir(file)
    if settings.origin("database.password").startswith("file"):
        yield Finding(
            "secrets",
            f"the password is in {file}",
            "note",
            "Move it to .secrets/database.password, which is not shared.",
        )
    if file is None and secrets is None:
        return
    held = [file] if file and settings.origin("database.password").startswith("file") else []
    if secrets is not None:
        held += [path for path in sorted(secrets.iterdir()) if path.is_file() and not path.name.startswith(".")]
    for path in held:
        if os.name == "posix" and path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH) and not _closed(path.parent):
            yield Finding("secrets", f"{path} may be read by others on this machine", "note", f"chmod 600 {path}")


def _closed(folder: Path) -> bool:
    return not folder.stat().st_mode & (stat.S_IXGRP | stat.S_IXOTH)


def _store(settings: Config, name: str) -> Finding:
    try:
        spec = settings.get_store_spec(name)
    except DataJointError as error:
        return Finding(f"stores.{name}", str(error), "wrong", "See the setting `stores`.")
    if spec["protocol"] == "file":
        place = Path(str(spec["location"]))
        if not place.is_dir():
            return Finding(
                f"stores.{name}", f"the folder {place} does not exist", "note", "It is made with the first object."
            )
        if not os.access(place, os.W_OK):
            return Finding(
                f"stores.{name}", f"the folder {place} may not be written", "note", "Ask its owner for the permission."
            )
    return Finding(f"stores.{name}", f"{spec['protocol']}, {spec['location']}")


# --- packages
def _packages() -> Iterator[Finding]:
    yield Finding("python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    for name in _PACKAGES:
        try:
            yield Finding(name, version(name))
        except PackageNotFoundError:
            yield Finding(name, "not installed")


# --- the database
def _database(connection: Connection) -> dict[str, list[Finding]]:
    names = connection.backend.schema_names(connection.execute)
    catalogs: dict[str, SchemaCatalog] = {}
    unreadable: dict[str, DataJointError] = {}
    try:
        catalogs = connection.catalogs(names)
    except DataJointError:  # one that cannot be read must not hide the others
        for name in names:
            try:
                catalogs |= connection.catalogs([name])
            except DataJointError as error:
                connection.forget_catalog(name)
                unreadable[name] = error
    findings = [Finding("connection", connection.address)]
    findings += connection.backend.diagnose(connection.execute, connection.target, catalogs)
    schemas = [_schema(name, catalog) for name, catalog in catalogs.items()]
    schemas += [
        Finding(
            name, f"its structure cannot be read: {error}", "note", "Ask for the privilege to read it if you should."
        )
        for name, error in unreadable.items()
    ]
    return {"database": findings, "schemas": schemas or [Finding("schemas", "none yet")]}


def _schema(name: str, catalog: SchemaCatalog) -> Finding:
    tables = {t: info for t, info in catalog.tables.items() if not t.startswith("~")}
    text = counted(len(tables), "table")
    if not tables:
        return Finding(name, text)
    remedy = f"dj.Schema({name!r}).rebuild_lineage() records it."
    if catalog.lineage is None:
        return Finding(name, f"{text}, no lineage recorded: attributes are matched by name alone", "note", remedy)
    missing = sorted(t for t, info in tables.items() if any((t, a) not in catalog.lineage for a in info.primary_key))
    if missing:
        what = ", ".join(missing[:3]) + (" …" if len(missing) > 3 else "")  # noqa: PLR2004 - examples
        return Finding(name, f"{text}, no lineage recorded for {what}", "note", remedy)
    return Finding(name, f"{text}, lineage recorded")
