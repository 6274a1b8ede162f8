"""The settings themselves: typed groups, checked on every assignment. The only module that loads pydantic."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from datajoint.logging import logger
from datajoint.naming import did_you_mean
from datajoint.settings import template
from datajoint.settings.environment import (
    ENV_VAR_MAPPING,
    Layer,
    environment_layer,
    keys_of,
    merge,
    value_in,
    without,
)
from datajoint.settings.faults import ASSIGNED, described, refusal
from datajoint.settings.files import ConfigFileError, gather, read_config_file, warn_unknown
from datajoint.settings.stores import Stores, masked, store_spec

_STORE_PARTS = 3


class _Group(BaseModel):
    model_config = ConfigDict(validate_assignment=True, extra="forbid", hide_input_in_errors=True)

    def __setattr__(self, name: str, value: Any) -> None:
        try:
            super().__setattr__(name, value)
        except ValidationError as error:
            section = type(self).__name__.removesuffix("Settings").lower()
            refused = refusal(error, described(error, _field, _assigned, section))
        else:
            return
        raise refused  # outside of the except: the original holds the value

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        for name, value in super().__repr_args__():
            yield name, masked(value)


class DatabaseSettings(_Group):
    """Where the database is and how to talk to it.

    Attributes
    ----------
    backend : str or None
        ``sqlite``, ``mysql``, ``mariadb`` or ``postgresql``; None chooses: MySQL where a host or a user is set, else SQLite.
    url : SecretStr or None
        The whole address in one text; stronger than the single settings.
    path : str
        The SQLite file; relative to the folder of ``datajoint.json``, or to the working directory.
    schema_collation : str
        ``binary``: text in schemas that we create compares by code point; ``server``: as the server has it; or a name.
    time_zone : str or None
        Session time zone; None leaves the server's.
    connect_timeout, lock_timeout : float
        Seconds to wait for an answer of the server, and for rows or tables that somebody else has locked.
    deadlock_retries : int
        How often an insert, update1 or delete outside a transaction is sent again that the server ended for a deadlock.
    read_only : bool
        Whether the database is to refuse every write.
    reconnect : bool
        Whether a lost link is replaced, where nothing is lost with it.
    """

    host: str = "localhost"
    user: str | None = None
    password: SecretStr | None = None
    backend: Literal["sqlite", "mysql", "mariadb", "postgresql"] | None = None
    port: int | None = None
    name: str | None = None
    url: SecretStr | None = None
    path: str = "datajoint.db"
    schema_collation: str = "binary"
    time_zone: str | None = None
    connect_timeout: float = Field(default=10.0, gt=0)
    lock_timeout: float = Field(default=60.0, gt=0)
    deadlock_retries: int = Field(default=2, ge=0)
    read_only: bool = False
    reconnect: bool = True
    use_tls: bool | dict[str, Any] | None = None
    database_prefix: str = ""
    create_tables: bool = True

    @field_validator("backend", mode="before")
    @classmethod
    def _known_backend(cls, value: Any) -> Any:
        name = value.lower() if isinstance(value, str) else value
        return "postgresql" if name == "postgres" else name

    @model_validator(mode="after")
    def _number_port(self) -> DatabaseSettings:
        # A number is shown also where none was set, but only a set one outlives a change of the backend.
        if self.port is None:
            self.__dict__["port"] = 5432 if self.backend == "postgresql" else 3306
            self.__pydantic_fields_set__.discard("port")
        return self

    def is_set(self, name: str) -> bool:
        """Tell whether a setting was given a value by anyone, rather than having its default."""
        return name in self.model_fields_set and getattr(self, name) not in (None, "")


class ConnectionSettings(_Group):
    """`charset`: the connection's character set; empty for the driver's default."""

    charset: str = ""


class DisplaySettings(_Group):
    """Previews: at most `limit` rows, columns `width` characters wide in text; how diagrams look."""

    limit: int = 12
    width: int = 14
    show_tuple_count: bool = True
    diagram_direction: Literal["TB", "LR"] = "LR"
    diagram_theme: Literal["light", "dark", "auto"] = "auto"


class QuerySettings(_Group):
    """Queries; `unmatched_mapping`: what to do about a dict none of whose names is an attribute, which restricts nothing."""

    unmatched_mapping: Literal["ignore", "warn", "raise"] = "warn"


class JobsSettings(_Group):
    """Populating: the queue, its workers, and what a `make` holds meanwhile.

    Attributes
    ----------
    stale_timeout : int
        Seconds after which a job whose key is not in the key source any more is removed.
    default_priority : int
        Lower is more urgent.
    make_transaction : {"auto", "long"}
        Whether the transaction of a plain `make` begins at its first write, or before anything.
    warn_transaction_seconds : float
        A transaction of `make` that lasts longer is warned of.
    lease_seconds, heartbeat_seconds : float
        After how long a silence a worker on another machine may be dead, and how often each gives a sign of life.
    claim_seconds, claim_max : float, int
        How long the keys that are claimed together should take, and how many they may be.
    max_attempts, max_deaths : int
        How often a key may fail, and how many workers may die of it, before it stays an error.
    retry_seconds : float
        Before a key that failed is tried again; doubled each time, at most an hour.
    interrupt_is_error : bool or None
        Whether an interrupted key becomes an error; None: only in a bare ``populate(reserve_jobs=True)``.
    keep_reads : bool
        Whether it is recorded what each `make` read.
    """

    auto_refresh: bool = True
    keep_completed: bool = False
    stale_timeout: int = Field(default=3600, ge=0)
    default_priority: int = Field(default=5, ge=0, le=255)
    version_method: Literal["git", "none"] | None = None
    allow_new_pk_fields_in_computed_tables: bool = False
    add_job_metadata: bool = False
    make_transaction: Literal["auto", "long"] = "auto"
    warn_transaction_seconds: float = Field(default=10, gt=0)
    lease_seconds: float = Field(default=60, gt=0)
    heartbeat_seconds: float = Field(default=10, gt=0)
    claim_seconds: float = Field(default=2, gt=0)
    claim_max: int = Field(default=64, ge=1)
    max_attempts: int = Field(default=1, ge=1)
    max_deaths: int = Field(default=3, ge=1)
    retry_seconds: float = Field(default=30, ge=0)
    interrupt_is_error: bool | None = None
    keep_reads: bool = False


class ObjectsSettings(_Group):
    """Objects in stores; `cache`: a folder for copies of what was fetched from far away, `cache_size` in bytes at most.

    Garbage younger than `grace_seconds` is not collected, for programs that do not mark what they are writing.
    """

    cache: Path | None = None
    cache_size: int = Field(default=10 * 1024**3, ge=0)
    grace_seconds: float = Field(default=0.0, ge=0)


class ProvenanceSettings(_Group):
    """Whether to record where rows come from, and what to say about the source."""

    capture: bool = False
    source: dict[str, Any] = Field(default_factory=dict)

    @field_validator("source")
    @classmethod
    def _serialisable(cls, value: dict[str, Any]) -> dict[str, Any]:
        try:
            json.dumps(value, default=str)
        except (TypeError, ValueError) as error:
            raise ValueError(f"provenance.source must be writable as JSON: {error}") from error
        return value


class _EnvironmentSource(PydanticBaseSettingsSource):
    """The ``DJ_`` variables, by the table in `environment`; pydantic's own rules would read unprefixed ones."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002 - abstract in the base
        return self().get(field_name), field_name, True

    def __call__(self) -> Layer:
        layer = environment_layer(empty=True)
        merge(layer, environment_layer())
        return layer


class Config(BaseSettings):
    """All settings. ``Config()`` reads the environment; `create_config` also reads files.

    Every assignment is checked (`pydantic.ValidationError`, which is a `ValueError`). Beside attributes, dotted keys
    work: ``config["database.host"]``, ``"safemode" in config``, ``del config["display.limit"]`` (restores the default).
    """

    model_config = SettingsConfigDict(
        validate_assignment=True, extra="forbid", protected_namespaces=(), hide_input_in_errors=True
    )

    database: DatabaseSettings = Field(default_factory=DatabaseSettings)
    connection: ConnectionSettings = Field(default_factory=ConnectionSettings)
    display: DisplaySettings = Field(default_factory=DisplaySettings)
    query: QuerySettings = Field(default_factory=QuerySettings)
    jobs: JobsSettings = Field(default_factory=JobsSettings)
    objects: ObjectsSettings = Field(default_factory=ObjectsSettings)
    provenance: ProvenanceSettings = Field(default_factory=ProvenanceSettings)
    stores: dict[str, Any] = Field(default_factory=Stores)
    loglevel: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"
    safemode: bool = True
    ignore_config_file: bool = False
    query_cache: Path | None = None
    download_path: str = "."
    _config_path: Path | None = PrivateAttr(default=None)
    _origins: dict[str, tuple[str, Any]] = PrivateAttr(default_factory=dict)

    def __init__(self, **values: Any) -> None:
        def origin(key: str) -> str:
            group, _, name = key.partition(".")
            given = values.get(group)
            is_given = (
                (isinstance(given, BaseModel) or name in given) if name and given is not None else given is not None
            )
            return ASSIGNED if is_given else _variable_of(key)

        try:
            super().__init__(**values)
        except ValidationError as error:
            refused = refusal(error, described(error, _field, origin))
        else:
            layer = environment_layer()
            self._remember({key: _variable_of(key) for key in keys_of(layer) if origin(key) != ASSIGNED})
            return
        raise refused

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - reads unprefixed names
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read the program's arguments, then our variables; nothing else."""
        return init_settings, _EnvironmentSource(settings_cls)

    @field_validator("loglevel", mode="before")
    @classmethod
    def _any_case(cls, value: Any) -> Any:
        return value.upper() if isinstance(value, str) else value

    @field_validator("stores")
    @classmethod
    def _shown_without_secrets(cls, value: dict[str, Any]) -> Stores:
        return value if isinstance(value, Stores) else Stores(value)

    def __setattr__(self, name: str, value: Any) -> None:
        try:
            super().__setattr__(name, value)
        except ValidationError as error:
            refused = refusal(error, described(error, _field, _assigned))
        else:
            if name == "loglevel":
                logger.setLevel(self.loglevel)
            return
        raise refused

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            return super().__getattr__(name)  # type: ignore[misc]  # pydantic's, for private attributes
        hint = did_you_mean(name, type(self).model_fields)
        raise AttributeError(f"There is no setting {name!r}. {hint}".rstrip())

    # --- where settings come from
    def origin(self, key: str) -> str:
        """Say where a setting has its value from.

        Parameters
        ----------
        key : str
            Dotted, such as ``database.host``.

        Returns
        -------
        str
            ``environment variable DJ_HOST``, ``file /folder/datajoint.json``, ``secrets folder ...``,
            ``assigned by the program`` or ``default``.

        Raises
        ------
        KeyError
            If there is no such setting.
        """
        if key not in ENV_VAR_MAPPING:
            raise self._unknown(key)
        origin, value = self._origins.get(key, ("", None))
        if origin and self[key] == value:
            return origin
        *group, name = key.split(".")
        owner = getattr(self, group[0]) if group else self
        is_default = self[key] == type(owner).model_fields[name].get_default(call_default_factory=True)
        # A port that nobody set follows the engine.
        derived = key == "database.port" and not self.database.is_set("port")
        return "default" if is_default or derived else ASSIGNED

    def _remember(self, origins: Mapping[str, str]) -> None:
        self._origins |= {key: (origin, copy.deepcopy(self[key])) for key, origin in origins.items()}

    @property
    def config_file(self) -> Path | None:
        """The settings file that was read, None if none was."""
        return self._config_path

    @property
    def project_folder(self) -> Path:
        """The folder of the settings file that was read, or the working directory."""
        return self._config_path.parent if self._config_path else Path.cwd()

    # --- by dotted key
    def __getitem__(self, key: str) -> Any:
        value: Any = self
        for part in key.split("."):
            if isinstance(value, dict) and part in value:
                value = value[part]
            elif isinstance(value, BaseModel) and part in type(value).model_fields:
                value = getattr(value, part)
            else:
                raise self._unknown(key)
        return value.get_secret_value() if isinstance(value, SecretStr) else value

    def __setitem__(self, key: str, value: Any) -> None:
        first, *rest = key.split(".", _STORE_PARTS - 1)
        if first not in type(self).model_fields:
            raise self._unknown(key)
        if not rest:
            setattr(self, first, value)
        elif first == "stores":
            store = self.stores
            for part in rest[:-1]:
                store = store.setdefault(part, {})
            store[rest[-1]] = value
        elif isinstance(group := getattr(self, first), BaseModel):
            setattr(group, ".".join(rest), value)
        else:
            raise self._unknown(key)

    def __delitem__(self, key: str) -> None:
        self[key]  # raises for an unknown key
        *path, name = key.split(".")
        owner = self[".".join(path)] if path else self
        if isinstance(owner, dict):
            del owner[name]
        else:
            setattr(owner, name, type(owner).model_fields[name].get_default(call_default_factory=True))
            owner.__pydantic_fields_set__.discard(name)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self.get(key, self) is not self

    def __iter__(self) -> Iterator[str]:  # type: ignore[override]  # a mapping of dotted keys, as users expect
        for name in type(self).model_fields:
            value = getattr(self, name)
            yield from (
                (f"{name}.{member}" for member in type(value).model_fields) if isinstance(value, BaseModel) else (name,)
            )

    def keys(self) -> list[str]:
        """Return the dotted keys of all settings."""
        return list(self)

    def items(self) -> list[tuple[str, Any]]:
        """Return the dotted keys with their values; secrets stay masked."""
        pairs = []
        for key in self:
            group, _, name = key.partition(".")
            value = getattr(self, group)
            pairs.append((key, masked(getattr(value, name) if name else value, name)))
        return pairs

    def get(self, key: str, default: Any = None) -> Any:
        """Return ``config[key]``, or `default` where there is no such setting."""
        try:
            return self[key]
        except KeyError:
            return default

    def _unknown(self, key: str) -> KeyError:
        return KeyError(f"There is no setting {key!r}. {did_you_mean(key, ENV_VAR_MAPPING)}".rstrip())

    # --- for a while
    @contextmanager
    def override(self, **changes: Any) -> Iterator[Config]:
        """Change settings inside a ``with`` block.

        Parameters
        ----------
        **changes
            ``safemode=False``, ``display__limit=5`` for a member of a group, or ``display={"limit": 5}``.
            An unknown name is warned about and ignored.

        Raises
        ------
        pydantic.ValidationError
            If a value is not valid; nothing stays changed then.
        """
        saved: list[tuple[BaseModel, str, Any, bool]] = []
        try:
            for owner, name, value in self._assignments(changes):
                saved.append((owner, name, copy.deepcopy(getattr(owner, name)), name in owner.model_fields_set))
                setattr(owner, name, value)
            yield self
        finally:
            for owner, name, value, was_set in reversed(saved):
                setattr(owner, name, value)
                if not was_set:
                    owner.__pydantic_fields_set__.discard(name)

    def _assignments(self, changes: Mapping[str, Any]) -> Iterator[tuple[BaseModel, str, Any]]:
        for key, value in changes.items():
            first, _, member = key.partition("__")
            group = getattr(self, first) if first in type(self).model_fields else None
            if isinstance(group, BaseModel) and (member or isinstance(value, dict)):
                for name, item in ({member: value} if member else value).items():
                    if name in type(group).model_fields:
                        yield group, name, item
                    else:
                        warn_unknown(f"{first}.{name}", "override")
            elif not member and first in type(self).model_fields:
                yield self, first, value
            else:
                warn_unknown(key.replace("__", "."), "override")

    def update(self, changes: Mapping[str, Any]) -> None:
        """Change several settings for good; names as in `override`.

        Raises
        ------
        pydantic.ValidationError
            If a value is not valid; those before it are changed.
        """
        for owner, name, value in self._assignments(changes):
            setattr(owner, name, value)

    # --- stores
    def get_store_spec(self, store: str | None = None, *, use_filepath_default: bool = False) -> dict[str, Any]:
        """Return a copy of a store's settings, with defaults filled in.

        Parameters
        ----------
        store : str, optional
            Its name; the one that ``stores.default`` names if not given.
        use_filepath_default : bool
            Whether ``stores.filepath_default`` names it instead.

        Raises
        ------
        DataJointError
            If there is no such store, its protocol is unknown, a key is missing or unknown, or its sections overlap.
        """
        return store_spec(self.stores, store, use_filepath_default=use_filepath_default)

    # --- from files
    @staticmethod
    def save_template(
        path: str | Path = "datajoint.json", minimal: bool = True, create_secrets_dir: bool = True
    ) -> Path:
        """Write a settings file to begin with; it never holds credentials.

        Parameters
        ----------
        path : str or Path
        minimal : bool
            Whether only the database's address is written.
        create_secrets_dir : bool
            Whether to make the folder ``.secrets`` beside it, with empty files for user and password that git ignores.

        Returns
        -------
        Path
            The absolute path of the file.

        Raises
        ------
        FileExistsError
            If it exists already.
        """
        return template.save_template(Path(path), minimal=minimal, create_secrets_dir=create_secrets_dir)

    def load(self, filename: str | Path) -> None:
        """Apply a settings file now; the environment still wins.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ConfigFileError
            If it cannot be read or a value is not valid; nothing of it was applied then.
        """
        path = Path(filename).absolute()
        candidate = copy.deepcopy(self)
        layer = without(read_config_file(path), environment_layer())
        faults = _apply(candidate, layer, lambda _: f"file {path}")
        if faults:
            raise _invalid(faults, path)
        candidate._config_path = path
        candidate._remember(dict.fromkeys(keys_of(layer), f"file {path}"))
        self._adopt(candidate)

    def reload(self) -> None:
        """Forget assignments made at run time and read environment and files again.

        Raises
        ------
        ConfigFileError
            As `load`; the settings stay as they are then.
        """
        self._adopt(create_config())

    def _adopt(self, other: Config) -> None:
        """Take over all values of `other`, keeping the group objects that programs may hold."""
        for name in type(self).model_fields:
            mine, theirs = getattr(self, name), getattr(other, name)
            if isinstance(mine, BaseModel):
                mine.__dict__.update(theirs.__dict__)
                mine.__pydantic_fields_set__.clear()
                mine.__pydantic_fields_set__.update(theirs.model_fields_set)
            else:
                self.__dict__[name] = theirs
        self.__pydantic_fields_set__.clear()
        self.__pydantic_fields_set__.update(other.model_fields_set)
        self._config_path, self._origins = other._config_path, other._origins
        logger.setLevel(self.loglevel)


def _field(key: str) -> FieldInfo | None:
    """Return pydantic's description of a setting, None if there is no such one."""
    group, _, name = key.partition(".")
    field = Config.model_fields.get(group)
    if field is None or not name:
        return field
    kind = field.annotation
    return kind.model_fields.get(name) if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _assigned(key: str) -> str:  # noqa: ARG001 - the same for all
    return ASSIGNED


def _variable_of(key: str) -> str:
    return f"environment variable {ENV_VAR_MAPPING.get(key, key)}"


def _apply(config: Config, layer: Layer, origin_of: Callable[[str], str]) -> dict[str, str]:
    """Set all that a layer says, unchecked by our own wording; return what is wrong with what was not valid."""
    faults: dict[str, str] = {}
    for key in keys_of(layer):
        group, _, name = key.partition(".")
        owner = getattr(config, group) if name else config
        value = value_in(layer, key)
        try:
            BaseModel.__setattr__(owner, name or group, config.stores | value if key == "stores" else value)
        except ValidationError as error:
            faults |= described(error, _field, origin_of, group if name else "")
    return faults


def _invalid(faults: Mapping[str, str], path: Path | None) -> ConfigFileError:
    return ConfigFileError(
        f"Failed to load config from {path or 'the secrets folder'}.",
        hint=f"Nothing of it was applied: {' '.join(faults.values())}",
    )


def create_config() -> Config:
    """Build settings from defaults, secrets, ``datajoint.json`` and the environment.

    Raises
    ------
    ConfigFileError
        If the file cannot be read or holds a value that is not valid.
    ValueError
        If a variable of the environment is not valid.
    """
    layer, path, origins = gather()
    config = Config()  # a fault of the environment is reported as such
    faults = _apply(config, layer, lambda key: origins[key])
    if faults:
        raise _invalid(faults, path)
    config._config_path = path
    config._remember(origins)
    return config
