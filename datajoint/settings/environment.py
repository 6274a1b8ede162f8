"""Which environment variable sets what. Only names that begin with ``DJ_`` are read."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from datajoint.logging import level_from_environment

ENV_VAR_MAPPING: dict[str, str] = {
    "database.host": "DJ_HOST",
    "database.user": "DJ_USER",
    "database.password": "DJ_PASS",
    "database.backend": "DJ_BACKEND",
    "database.port": "DJ_PORT",
    "database.name": "DJ_DATABASE_NAME",
    "database.url": "DJ_DATABASE_URL",
    "database.path": "DJ_DATABASE_PATH",
    "database.schema_collation": "DJ_SCHEMA_COLLATION",
    "database.time_zone": "DJ_TIME_ZONE",
    "database.connect_timeout": "DJ_CONNECT_TIMEOUT",
    "database.lock_timeout": "DJ_LOCK_TIMEOUT",
    "database.deadlock_retries": "DJ_DEADLOCK_RETRIES",
    "database.read_only": "DJ_READ_ONLY",
    "database.reconnect": "DJ_RECONNECT",
    "database.use_tls": "DJ_USE_TLS",
    "database.database_prefix": "DJ_DATABASE_PREFIX",
    "database.create_tables": "DJ_CREATE_TABLES",
    "connection.charset": "DJ_CONNECTION_CHARSET",
    "display.limit": "DJ_DISPLAY_LIMIT",
    "display.width": "DJ_DISPLAY_WIDTH",
    "display.show_tuple_count": "DJ_DISPLAY_SHOW_TUPLE_COUNT",
    "display.diagram_direction": "DJ_DIAGRAM_DIRECTION",
    "display.diagram_theme": "DJ_DIAGRAM_THEME",
    "query.unmatched_mapping": "DJ_QUERY_UNMATCHED_MAPPING",
    "jobs.auto_refresh": "DJ_JOBS_AUTO_REFRESH",
    "jobs.keep_completed": "DJ_JOBS_KEEP_COMPLETED",
    "jobs.stale_timeout": "DJ_JOBS_STALE_TIMEOUT",
    "jobs.default_priority": "DJ_JOBS_DEFAULT_PRIORITY",
    "jobs.version_method": "DJ_JOBS_VERSION_METHOD",
    "jobs.allow_new_pk_fields_in_computed_tables": "DJ_JOBS_ALLOW_NEW_PK_FIELDS_IN_COMPUTED_TABLES",
    "jobs.add_job_metadata": "DJ_JOBS_ADD_JOB_METADATA",
    "jobs.make_transaction": "DJ_JOBS_MAKE_TRANSACTION",
    "jobs.warn_transaction_seconds": "DJ_JOBS_WARN_TRANSACTION_SECONDS",
    "jobs.lease_seconds": "DJ_JOBS_LEASE_SECONDS",
    "jobs.heartbeat_seconds": "DJ_JOBS_HEARTBEAT_SECONDS",
    "jobs.claim_seconds": "DJ_JOBS_CLAIM_SECONDS",
    "jobs.claim_max": "DJ_JOBS_CLAIM_MAX",
    "jobs.max_attempts": "DJ_JOBS_MAX_ATTEMPTS",
    "jobs.max_deaths": "DJ_JOBS_MAX_DEATHS",
    "jobs.retry_seconds": "DJ_JOBS_RETRY_SECONDS",
    "jobs.interrupt_is_error": "DJ_JOBS_INTERRUPT_IS_ERROR",
    "jobs.keep_reads": "DJ_JOBS_KEEP_READS",
    "objects.cache": "DJ_OBJECTS_CACHE",
    "objects.cache_size": "DJ_OBJECTS_CACHE_SIZE",
    "objects.grace_seconds": "DJ_OBJECTS_GRACE_SECONDS",
    "provenance.capture": "DJ_PROVENANCE_CAPTURE",
    "provenance.source": "DJ_PROVENANCE_SOURCE",
    "stores": "DJ_STORES",
    "loglevel": "DJ_LOG_LEVEL",
    "safemode": "DJ_SAFEMODE",
    "ignore_config_file": "DJ_IGNORE_CONFIG_FILE",
    "query_cache": "DJ_QUERY_CACHE",
    "download_path": "DJ_DOWNLOAD_PATH",
}
"""Environment variable of every setting."""

GROUPS = {key.partition(".")[0] for key in ENV_VAR_MAPPING if "." in key}
"""Names of the groups of settings."""

Layer = dict[str, Any]
"""Settings from one place, nested: ``{"database": {"host": ...}, "stores": {...}, "safemode": ...}``."""


def variables() -> dict[str, str]:
    """Return the ``DJ_`` variables under upper-case names; where two differ in case only, the upper-case one counts."""
    found = {name.upper(): value for name, value in os.environ.items() if name.upper().startswith("DJ_")}
    return {name: os.environ.get(name, value) for name, value in found.items()}


def environment_layer(*, empty: bool = False) -> Layer:
    """Return what the environment sets: variables with a text, or with `empty` those that are set but empty.

    Raises
    ------
    ValueError
        If ``DJ_STORES`` or ``DJ_PROVENANCE_SOURCE`` is no JSON object.
    """
    layer: Layer = {}
    environment = variables()
    for key, variable in ENV_VAR_MAPPING.items():
        text = environment.get(variable)
        if text is None or bool(text) is empty:
            continue
        value = _parsed(key, variable, text)
        if value is not None:
            put(layer, key, value)
    return layer


def put(layer: Layer, key: str, value: Any) -> None:
    """Set a dotted key in a layer."""
    group, _, name = key.partition(".")
    if name:
        layer.setdefault(group, {})[name] = value
    else:
        layer[group] = value


def keys_of(layer: Layer) -> list[str]:
    """Return the dotted keys that a layer sets; `stores` is one."""
    return [
        key
        for name, value in layer.items()
        for key in ([f"{name}.{member}" for member in value] if name in GROUPS else [name])
    ]


def value_in(layer: Layer, key: str) -> Any:
    """Return what a layer says for a dotted key, None if nothing."""
    group, _, name = key.partition(".")
    value = layer.get(group)
    return value.get(name) if name and value is not None else value


def merge(layer: Layer, stronger: Layer) -> None:
    """Let `stronger` win over `layer`, setting by setting; `stores` are replaced as a whole."""
    for key, value in stronger.items():
        if key in GROUPS:
            layer.setdefault(key, {}).update(value)
        else:
            layer[key] = value


def without(layer: Layer, stronger: Layer) -> Layer:
    """Return what `layer` sets and `stronger` does not."""
    kept: Layer = {}
    for key, value in layer.items():
        if key in GROUPS:
            kept[key] = {name: item for name, item in value.items() if name not in stronger.get(key, {})}
        elif key not in stronger:
            kept[key] = value
    return kept


def _parsed(key: str, variable: str, text: str) -> Any:
    if key in ("stores", "provenance.source"):
        return _json_object(variable, text) if text else None
    if key == "loglevel":
        level = level_from_environment()
        return level if level != "JOBS" else None  # the logger's own affair: no value of the setting
    if key == "database.use_tls" and text.lstrip().startswith("{"):
        return _json_object(variable, text)
    return text


def _json_object(variable: str, text: str) -> Mapping[str, Any]:
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{variable} holds invalid JSON: {error}.") from error
    if not isinstance(value, dict):
        raise ValueError(f"{variable} must be a JSON object, not {type(value).__name__}.")  # noqa: TRY004 - as documented
    return value
