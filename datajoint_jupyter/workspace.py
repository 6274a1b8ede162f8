"""What a notebook knows of the database: its connections, active schemas, and tables by bare name."""

from __future__ import annotations

import builtins
from collections.abc import Iterator, MutableMapping
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
        self._known: dict[str, dict[str, Any]] | None = None

    def forget(self) -> None:
        """Look the tables up again when they are next asked for; called after each cell."""
        self._known = None

    # --- connections and schemas
    @property
    def connection(self) -> dj.Connection:
        """The connection in use: of the notebook's schemas, else the one that the process shares.

        Raises
        ------
        DataJointError
            If there is none and none can be opened.
        """
        found = self._connections()
        return found[0] if found else dj.conn()

    def _connections(self) -> list[dj.Connection]:
        found: list[dj.Connection] = []
        for value in list(self.namespace.values()):
            schema = _schema_of(value)
            if schema is not None and schema.connection not in found:
                found.append(schema.connection)
        return found

    @property
    def schemas(self) -> dict[str, Any]:
        """The active schemas by name."""
        return {name: schema for connection in self._connections() for name, schema in connection.schemas.items()}

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
        if name in self.namespace:
            return self.namespace[name]
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

    def table_names(self) -> list[str]:
        """Return the names under which tables can be written, parts as ``Master.Part``."""
        classes = {n: v for n, v in list(self.namespace.items()) if not n.startswith("_") and _is_own_table(v)}
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
