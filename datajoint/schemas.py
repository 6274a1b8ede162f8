"""Schemas: namespaces of tables, to which table classes are bound by decoration."""

from __future__ import annotations

import inspect
import warnings
from collections import ChainMap
from collections.abc import Iterator, Mapping, MutableMapping
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar, cast
from weakref import WeakValueDictionary

from datajoint import generated, lineage
from datajoint.autopopulate import AutoPopulate
from datajoint.autopopulate.overview import SchemaProgress, progress_of
from datajoint.class_names import class_paths
from datajoint.connection import Connection
from datajoint.declare.schema import ensure_schema
from datajoint.definition import TableName
from datajoint.errors import DataJointError, ThreadSafetyError
from datajoint.jobs.job import Job, free_jobs
from datajoint.logging import logger
from datajoint.naming import did_you_mean, from_camel_case, to_camel_case
from datajoint.settings import is_thread_safe
from datajoint.singleton import conn
from datajoint.source import module_source
from datajoint.table import FreeTable, Part, Table, TableMeta
from datajoint.table.binding import document, heal_lineage, insert_contents, parts_of
from datajoint.table.context import calling_frame, visible_names
from datajoint.table.drift import TableDrift, find_drift, warn_of_drift
from datajoint.table.rename import awaits_rename
from datajoint.tiers import Lookup, tier_of
from datajoint.utils import user_choice

T = TypeVar("T", bound=type[Table])
Names = Mapping[str, Any]

_PREFIXES = ("", "#", "_", "__")


class _Schema:
    """A schema of a database; see `Schema` for the parameters."""

    def __init__(
        self,
        schema_name: str | None = None,
        context: Names | None = None,
        *,
        connection: Connection | None = None,
        create_schema: bool = True,
        create_tables: bool | None = None,
        add_objects: Names | None = None,
    ) -> None:
        if connection is None and is_thread_safe():
            raise ThreadSafetyError(
                "A schema without a connection uses the one that all threads share, and thread-safe mode is on.",
                hint="Pass connection=, or make a dj.Instance and use its Schema.",
            )
        self.connection = connection
        self.database: str | None = None
        self.context = context
        self.create_schema = create_schema
        self.create_tables = create_tables
        self.add_objects = add_objects
        self.declare_list: list[tuple[type[Table], Names]] = []
        self._bound: WeakValueDictionary[TableName, type[Table]] = WeakValueDictionary()
        if schema_name:
            self.activate(schema_name)

    # --- activation
    def is_activated(self) -> bool:
        """Tell whether the schema has been given a database."""
        return self.database is not None

    def activate(
        self,
        schema_name: str | None = None,
        *,
        connection: Connection | None = None,
        create_schema: bool | None = None,
        create_tables: bool | None = None,
        add_objects: Names | None = None,
    ) -> None:
        """Associate the schema with a database, and bind the classes decorated so far.

        Parameters
        ----------
        schema_name : str, optional
            May be left out to assert that the schema is activated.
        connection : Connection, optional
            The constructor's, else the shared one.
        create_schema, create_tables, add_objects
            As of the constructor, whose values they replace.

        Raises
        ------
        DataJointError
            If the schema is activated under another name, or does not exist and may not or cannot be created.
        """
        if schema_name is None:
            if self.exists:
                return
            raise DataJointError(
                f"Schema `{self.database}` has not yet been declared.", hint="Activate it with its name."
            )
        if self.database is not None and self.exists:
            if self.database == schema_name:
                return
            raise DataJointError(
                f"The schema is already activated for schema {self.database}.", hint="Make another dj.Schema."
            )
        self.connection = connection or self.connection or conn()
        if self.connection.settings.database.database_prefix:
            warnings.warn(
                "The setting database.database_prefix is deprecated and has no effect: give the schema its whole name.",
                DeprecationWarning,
                stacklevel=2,
            )
        self.database = schema_name
        self.create_schema = self.create_schema if create_schema is None else create_schema
        self.create_tables = self.create_tables if create_tables is None else create_tables
        self.add_objects = self.add_objects if add_objects is None else add_objects
        ensure_schema(self.connection, schema_name, create=self.create_schema)
        self.connection.register(self)
        pending, self.declare_list = self.declare_list, []
        for cls, context in pending:
            self._bind_master(cls, context)

    @property
    def _name(self) -> str:
        if self.database is None:
            raise DataJointError("The schema must be activated first.", hint="Call activate('name').")
        return self.database

    @property
    def _link(self) -> Connection:
        if self.connection is None:
            raise DataJointError("The schema must be activated first.", hint="Call activate('name').")
        return self.connection

    @property
    def exists(self) -> bool:
        """Whether the database has the schema; asks the server.

        Raises
        ------
        DataJointError
            If the schema is not activated.
        """
        name = self._name
        return name in self._link.backend.schema_names(self._link.execute)

    # --- decoration
    def __call__(self, cls: T, *, context: Names | None = None) -> T:
        """Bind a table class to its table, which is created if it does not exist.

        Parameters
        ----------
        cls : type
            A class derived from a tier.
        context : mapping, optional
            Names that foreign keys may use; by default those visible where the class is decorated.

        Raises
        ------
        DataJointError
            For a part, which is bound with its master, and for what `Table.declare` refuses.
        """
        if not isinstance(cls, TableMeta):
            raise DataJointError(
                f"{cls!r} is not a table class.",
                hint="Derive it from dj.Manual, dj.Lookup, dj.Imported or dj.Computed.",
            )
        if issubclass(cls, Part):
            raise DataJointError(
                "The schema decorator should not be applied to Part tables.", hint="Decorate the master only."
            )
        names = context if context is not None else self.context
        if names is None:
            names = visible_names(calling_frame())
        if self.database is None:
            self.declare_list.append((cls, names))
        else:
            self._bind_master(cls, names)
        return cls

    def _bind_master(self, cls: type[Table], names: Names) -> None:
        around = ChainMap(dict(self.add_objects or {}), cast("MutableMapping[str, Any]", names))
        own: dict[str, Any] = {cls.__name__: cls}
        self._bind(cls, ChainMap({**own, "self": cls}, around))
        for part in parts_of(cls):
            part._master = cls
            self._bind(part, ChainMap({**own, "master": cls, "self": part}, around))

    def _bind(self, cls: type[Table], context: Names) -> None:
        cls.database, cls._connection, cls._known_node = self._name, self.connection, None
        cls.declaration_context = context
        table = cls()
        cls._support = [table.full_table_name]
        self._bound[table.name] = cls
        create = self._link.settings.database.create_tables if self.create_tables is None else self.create_tables
        if table.is_declared:
            if create:
                heal_lineage(table)
            warn_of_drift(table)
        elif create and not awaits_rename(table):
            table.declare(context)
        document(cls)
        if (
            isinstance(table, Lookup)
            and inspect.getattr_static(cls, "contents", None) is not None
            and table.is_declared
        ):
            insert_contents(table)

    # --- tables
    def drift(self) -> tuple[TableDrift, ...]:
        """Return in what the tables and the definitions of the classes that this schema decorated differ now.

        Returns
        -------
        tuple of TableDrift
            One for each class whose table is not what its definition says; empty if all agree.
        """
        self._link.forget_catalog(self._name)
        drifts = (find_drift(cls()) for cls in list(self._bound.values()))
        return tuple(drift for drift in drifts if drift is not None)

    def list_tables(self) -> list[str]:
        """Return the names of the tables, parents before children and parts directly after their masters.

        Tables of the framework, whose names begin with ``~``, views, and tables of others without a primary key are
        left out; ``schema["name"]`` reaches those too.
        """
        self._link.look_again([self._name])
        dependencies = self._link.dependencies
        dependencies.load(force=False)
        catalog = self._link.catalog(self._name)
        keyed = {info.name for info in catalog.tables.values() if info.primary_key} if catalog else set()
        return [
            name.name
            for full_name in dependencies.topo_sort()
            if (name := dependencies.table_names[full_name]) in keyed
        ]

    def get_table(self, name: str) -> FreeTable:
        """Return a table of the schema.

        Parameters
        ----------
        name : str
            The table's name with or without the prefix of its tier, or the class's: ``"Session"``, ``"Session.Trial"``.

        Raises
        ------
        IndexError
            For an empty name.
        DataJointError
            If there is no such table.
        """
        found = self._find(name)
        if found is None:
            known = [n for n in self._table_names() if not n.startswith("~")]
            raise DataJointError(
                f"Table `{name}` does not exist in schema `{self.database}`.",
                hint=did_you_mean(name, [*known, *map(to_camel_case, known)]) or None,
            )
        return FreeTable(self._link, f"{self.database}.{found}")

    def _table_names(self) -> list[str]:
        catalog = self._link.catalog(self._name)
        return list(catalog.tables) if catalog else []

    def _find(self, name: str) -> str | None:
        wanted = "__".join(map(from_camel_case, name.split("."))) if name[0].isupper() else name
        for _ in range(2):
            known = self._table_names()
            for prefix in _PREFIXES:
                if prefix + wanted in known:
                    return prefix + wanted
            self._link.forget_catalog(self._name)
        return None

    def __getitem__(self, name: str) -> FreeTable:
        return self.get_table(name)

    def __contains__(self, name: str) -> bool:
        return self._find(name) is not None

    def __iter__(self) -> Iterator[FreeTable]:
        for name in self.list_tables():
            yield FreeTable(self._link, f"{self.database}.{name}")

    def _ipython_key_completions_(self) -> list[str]:
        return list(class_paths(self.list_tables()).values())

    # --- populating
    @property
    def jobs(self) -> list[Job]:
        """The queues of the schema's imported and computed tables that have one, parents before children."""
        tables = (self._populated(name) for name in self.list_tables())
        queues = (free_jobs(table) for table in tables if table is not None)
        return [queue for queue in queues if queue is not None]

    def progress(self) -> SchemaProgress:
        """Return how far each imported and computed table is, parents before children, as the database tells it.

        Returns
        -------
        SchemaProgress
            A list of `TableProgress` that shows itself as a table. The `total` and `remaining` keys are known of tables whose
            classes are, the queue's `jobs` of all that have one.
        """
        self._link.look_again([self._name])
        tables = (self._populated(name) for name in self.list_tables())
        return SchemaProgress(progress_of(table) for table in tables if table is not None)

    def _populated(self, name: str) -> Table | None:
        """Return a table that populates itself: of its class if that is known; None for any other."""
        tier = tier_of(name)
        if tier is None or not issubclass(tier, AutoPopulate):
            return None
        table = TableName(self._name, name)
        cls = self._bound.get(table)
        return FreeTable(self._link, str(table)) if cls is None else cls()

    def make_classes(self, into: MutableMapping[str, Any] | None = None) -> None:
        """Make a class for every table that has none.

        Of two tables that would have one class name, as ``a`` and ``#a``, the later one has its tier appended:
        ``ALookup``. What can have no class, because its name is taken by something else or it is a part without a
        master, is named in a warning and left to ``schema["name"]``.

        Parameters
        ----------
        into : dict, optional
            Where to put them, and where to look for those that exist; the schema's context by default, else the
            caller's names.
        """
        names: Any = into if into is not None else self.context
        if names is None:
            names = calling_frame().f_locals
        generated.make_classes(self._name, self.list_tables(), names, self._bind)

    def save(self, filename: str | Path | None = None) -> str:
        """Write the classes of the schema as a Python module that can be imported.

        Parameters
        ----------
        filename : str or Path, optional
            Replaced if it exists; without one the text is only returned.

        Returns
        -------
        str
            The text of the module.
        """
        text = module_source(self._link, self._name, self.list_tables())
        if filename is not None:
            Path(filename).write_text(text, encoding="utf-8")
        return text

    # --- lineage
    @property
    def lineage_table_exists(self) -> bool:
        """Whether the schema records the origins of its attributes."""
        return lineage.lineage_table_exists(self._link, self._name)

    @property
    def lineage(self) -> dict[str, str]:
        """``schema.table.attribute -> origin``."""
        return lineage.get_schema_lineages(self._link, self._name)

    def rebuild_lineage(self) -> None:
        """Record the origins of all attributes anew, from the foreign keys.

        Raises
        ------
        DataJointError
            If a foreign key leads to a schema whose lineage must be rebuilt first.
        """
        lineage.rebuild_schema_lineage(self._link, self._name)

    # --- end
    def drop(self, prompt: bool | None = None) -> None:
        """Drop the schema with all its tables and rows.

        Parameters
        ----------
        prompt : bool, optional
            Whether to ask; the setting ``safemode`` if not given.

        Raises
        ------
        AccessError
            If the user may not drop it.
        """
        connection, name = self._link, self._name
        connection.forget_catalog(name)
        catalog = connection.catalog(name)
        if catalog is None:
            logger.info("Schema `%s` does not exist; nothing to drop.", name)
            return
        ask = connection.settings.safemode if prompt is None else prompt
        if ask and user_choice(f"Proceed to delete entire schema `{name}`?", default="no") != "yes":
            return
        for statement in connection.backend.drop_schema(name, catalog):
            connection.execute(statement)
        connection.schemas.pop(name, None)
        connection.forget_catalog()
        logger.info("Schema `%s` was dropped.", name)

    def __repr__(self) -> str:
        return f"Schema `{self.database}`\n"


class Schema(_Schema):
    """A schema of a database, and the decorator that binds table classes to its tables.

    Parameters
    ----------
    schema_name : str, optional
        Name in the database; without one the schema is activated later by `activate`.
    context : mapping, optional
        Names that definitions may use; by default those visible where a class is decorated.
    connection : Connection, optional
        The shared one by default.
    create_schema : bool
        Whether to create the schema if it does not exist.
    create_tables : bool, optional
        Whether to create tables; the setting ``database.create_tables`` if not given.
    add_objects : mapping, optional
        Further names for definitions.

    Raises
    ------
    DataJointError
        If the schema does not exist and may not or cannot be created.

    Examples
    --------
    >>> schema = dj.Schema("lab")  # doctest: +SKIP
    >>> @schema  # doctest: +SKIP
    ... class Subject(dj.Manual):
    ...     definition = '''
    ...     subject_id : int32
    ...     ---
    ...     sex : enum('F', 'M', 'U')
    ...     '''
    """


class VirtualModule(ModuleType):
    """A module whose classes stand for the tables of a schema.

    Parameters
    ----------
    module_name : str
    schema_name : str
        Name in the database.
    create_schema, create_tables, connection, add_objects
        As of `Schema`; nothing is created by default.

    Raises
    ------
    DataJointError
        If the schema does not exist.
    """

    schema: _Schema

    def __init__(
        self,
        module_name: str,
        schema_name: str,
        *,
        create_schema: bool = False,
        create_tables: bool = False,
        connection: Connection | None = None,
        add_objects: Names | None = None,
    ) -> None:
        super().__init__(module_name)
        self.__dict__.update(add_objects or {})
        self.schema = _Schema(
            schema_name, create_schema=create_schema, create_tables=create_tables, connection=connection
        )
        self.schema.make_classes(into=self.__dict__)


def virtual_schema(
    schema_name: str,
    *,
    connection: Connection | None = None,
    create_schema: bool = False,
    create_tables: bool = False,
    add_objects: Names | None = None,
) -> VirtualModule:
    """Return a `VirtualModule` named as its schema."""
    return VirtualModule(
        schema_name,
        schema_name,
        create_schema=create_schema,
        create_tables=create_tables,
        connection=connection,
        add_objects=add_objects,
    )


def list_schemas(connection: Connection | None = None) -> list[str]:
    """Return the names of all schemas that users made, sorted."""
    connection = connection or conn()
    return connection.backend.schema_names(connection.execute)
