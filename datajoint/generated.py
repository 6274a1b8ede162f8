"""Make classes for tables that have none in the program."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from typing import Any, cast

from datajoint.class_names import class_paths
from datajoint.logging import logger
from datajoint.table import Part, Table, TableMeta
from datajoint.table.context import classes_in
from datajoint.tiers import tier_of

Names = Mapping[str, Any]
Bind = Callable[[type[Table], Names], None]


def make_classes(schema: str, tables: Sequence[str], names: Any, bind: Bind) -> None:
    """Put a class for every table of a schema that has none into `names`; see `Schema.make_classes`.

    Parameters
    ----------
    schema : str
    tables : sequence of str
        Names of its tables, parts after their masters.
    names : dict
        Where to look for classes, and to put those that are made.
    bind : callable
        Binds a class, given the names that it may refer to.
    """
    classes = {cls.name.name: cls for _, cls in classes_in(names, depth=0) if cls.name.schema == schema}
    module = names.get("__name__", schema)
    paths = class_paths(tables)
    for table, path in paths.items():
        tier = tier_of(table)
        if tier is None or table in classes:
            continue
        if tier is Part:
            master = classes.get(table.rpartition("__")[0])
            if master is None:
                _warn_of_orphan(schema, table)
                continue
            class_name = path.rpartition(".")[2]
            classes[table] = _generate(class_name, Part, table, module, names, bind, master=master)
            setattr(master, class_name, classes[table])
        elif path in names:
            logger.warning("Table %s.%s gets no class: the name %s is taken.", schema, table, path)
        else:
            classes[table] = names[path] = _generate(path, tier, table, module, names, bind)
    for table in tables:
        if tier_of(table) is Part and table not in paths:
            _warn_of_orphan(schema, table)


def _generate(
    class_name: str, tier: type[Table], table_name: str, module: str, names: Names, bind: Bind, master: Any = None
) -> type[Table]:
    qualified = f"{master.__qualname__}.{class_name}" if master is not None else class_name
    content = {"__module__": module, "__qualname__": qualified, "_table_name": table_name, "__doc__": tier.__doc__}
    cls: Any = TableMeta(class_name, (tier,), content)
    context: dict[str, Any] = {"self": cls}
    if master is not None:
        cls.definition = ...  # there is no text, which `describe` would write
        cls._master = context["master"] = master
    bind(cls, ChainMap(context, cast("MutableMapping[str, Any]", names)))
    made: type[Table] = cls
    return made


def _warn_of_orphan(schema: str, table: str) -> None:
    logger.warning(
        "Table %s.%s gets no class: it does not follow DataJoint naming conventions, because its master has none.",
        schema,
        table,
    )
