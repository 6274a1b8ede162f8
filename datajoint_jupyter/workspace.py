"""What a notebook knows of the database: its connections, active schemas, and tables by bare name."""

from __future__ import annotations

import builtins
from collections.abc import Iterator, Mapping, MutableMapping
from types import ModuleType, SimpleNamespace
from typing import Any

import datajoint as dj


class Workspace:
    """Names of a notebook, its own first and then those of the tables in its active schemas.

    Parameters
    ----------
    namespace : mutable mapping
        The notebook's variables.
    """

    def __init__(self, namespace: MutableMapping[str, Any]) -> None:
        self.namespace = namespace
        self.opened: dict[str, dj.Connection] = {}
        self._used: list[dj.Schema] = []
        self._current: dj.Connection | None = None
        self._only: dj.Connection | None = None
        self._known: dict[str, dict[str, Any]] | None = None
        self.values: dict[tuple[str, str, str], list[str]] = {}

    def forget(self) -> None:
        """Look tables and values up again when they are next asked for; called after each cell."""
        self._known = None
        self.values.clear()

    # --- connections and schemas
    @property
    def connection(self) -> dj.Connection:
        """The connection in use: the one chosen, else that of the notebook's schemas, else the process's own.

        Raises
        ------
        DataJointError
            If there is none and none can be opened.
        """
        found = self._connections()
        return found[0] if found else dj.conn()

    def open(self, name: str, connection: dj.Connection) -> None:
        """Keep a connection under a name, and use it from now on."""
        self.opened[name] = self._current = connection
        self.forget()

    def close(self, name: str) -> None:
        """Close a connection that was opened here, and forget its schemas."""
        connection = self.opened.pop(name)
        self._used = [schema for schema in self._used if schema.connection is not connection]
        if self._current is connection:
            self._current = None
        connection.close()
        self.forget()

    def use(self, schema: dj.Schema) -> None:
        """Let the tables of a schema be found by their bare names."""
        if not any(s.database == schema.database and s.connection is schema.connection for s in self._used):
            self._used.append(schema)
        self.forget()

    def on(self, connection: dj.Connection) -> Workspace:
        """Return the same notebook as seen by one of its connections: tables of others have no names in it."""
        other = Workspace(self.namespace)
        other._only = connection
        other._used = [schema for schema in self._used if schema.connection is connection]
        return other

    def connections(self) -> dict[str, dj.Connection]:
        """Return all connections that the notebook knows: those opened here by name, others by where they lead."""
        named = dict(self.opened)
        for connection in self._connections():
            if connection not in named.values():
                named[connection.address] = connection
        return named

    def _connections(self) -> list[dj.Connection]:
        if self._only is not None:
            return [self._only]
        found = [] if self._current is None else [self._current]
        own = (schema.connection for schema in map(_schema_of, list(self.namespace.values())) if schema is not None)
        for connection in (*own, *(schema.connection for schema in self._used), *self.opened.values()):
            if connection is not None and connection not in found:
                found.append(connection)
        return found

    @property
    def schemas(self) -> dict[str, Any]:
        """The active schemas by name; where connections share a name, the schema of the one in use."""
        found: dict[str, Any] = {}
        for connection in self._connections():
            for name, schema in connection.schemas.items():
                found.setdefault(name, schema)
        return found

    def variables(self) -> Mapping[str, Any]:
        """Return the notebook's variables, without the tables of other connections where one alone counts."""
        if self._only is None:
            return self.namespace
        return {name: value for name, value in self.namespace.items() if not self._is_elsewhere(value)}

    def _is_elsewhere(self, value: Any) -> bool:
        return _is_own_table(value) and value.database is not None and value.connection is not self._only

    # --- names
    def lookup(self, name: str) -> Any:
        """Return what a bare name means: a variable, a table of an active schema, or a schema.

        Raises
        ------
        KeyError
            If it means nothing.
        LookupError
            If tables of several schemas have it; says so.
        """
        variables = self.variables()
        if name in variables:
            return variables[name]
        if hasattr(builtins, name):
            return getattr(builtins, name)
        tables = self.tables()
        owners = [schema for schema, classes in tables.items() if name in classes]
        if len(owners) > 1:
            choices = ", ".join(f"{schema}.{name}" for schema in owners)
            raise LookupError(f"{name} is a table of several schemas. Write one of {choices}.")
        if owners:
            return tables[owners[0]][name]
        if name in tables:
            return SimpleNamespace(**tables[name])
        raise KeyError(name)

    def tables(self) -> dict[str, dict[str, Any]]:
        """Return for each active schema its table classes by name, parts being attributes of their masters.

        Kept until `forget`, so that a key press in an editor costs no query.
        """
        if self._known is None:
            known: dict[str, dict[str, Any]] = {}
            for name, schema in self.schemas.items():
                classes: dict[str, Any] = {}
                schema.make_classes(into=classes)
                known[name] = {key: value for key, value in classes.items() if _is_table_class(value)}
            self._known = known
        return self._known

    def tables_by_schema(self) -> dict[str, SimpleNamespace]:
        """Return for each active schema of the connection in use what its bare name means."""
        schemas = self.connection.schemas
        return {name: SimpleNamespace(**classes) for name, classes in self.tables().items() if name in schemas}

    def table_names(self) -> list[str]:
        """Return the names under which tables can be written, parts as ``Master.Part``."""
        classes = {n: v for n, v in list(self.variables().items()) if not n.startswith("_") and _is_own_table(v)}
        for members in self.tables().values():
            classes = {**members, **classes}
        return [path for name, cls in sorted(classes.items()) for path in _paths(name, cls)]

    def implementation(self, table: dj.Table) -> dj.Table:
        """Return the class behind `table` that says how to compute it, searched for in the notebook and its modules."""
        if computes(type(table)):
            return table
        for cls in self._table_classes():
            if computes(cls) and (found := cls()).full_table_name == table.full_table_name:
                return found
        return table

    def _table_classes(self) -> Iterator[type[dj.Table]]:
        for value in list(self.namespace.values()):
            if _is_own_table(value):
                yield value
            elif isinstance(value, ModuleType):
                yield from (member for member in list(vars(value).values()) if _is_own_table(member))


def _schema_of(value: Any) -> Any:
    """Return the activated schema that `value` is, or that a module of tables holds, or None."""
    for candidate in (value, vars(value).get("schema") if isinstance(value, ModuleType) else None):
        if hasattr(type(candidate), "list_tables") and getattr(candidate, "connection", None) is not None:
            return candidate
    return None


def _is_table_class(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, dj.Table)


def _is_own_table(value: Any) -> bool:
    """Tell whether `value` is a class that stands for a table, not one of the library's bases."""
    return (
        _is_table_class(value) and not value.__module__.startswith("datajoint.") and value.full_table_name is not None
    )


def _paths(name: str, cls: Any) -> list[str]:
    return [
        name,
        *(f"{name}.{key}" for key, part in vars(cls).items() if _is_table_class(part) and issubclass(part, dj.Part)),
    ]


def computes(cls: type) -> bool:
    """Tell whether a table class itself, not the library, says how to compute a key."""
    own = [base for base in cls.__mro__ if not base.__module__.startswith("datajoint.")]
    return any(name in vars(base) for base in own for name in ("make", "make_fetch", "_make_tuples"))
