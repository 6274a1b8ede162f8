"""Which class stands for which table of a schema when there is no source code."""

from __future__ import annotations

from collections.abc import Iterable

from datajoint.naming import from_camel_case, to_camel_case
from datajoint.table import Part
from datajoint.tiers import tier_of


def class_paths(tables: Iterable[str]) -> dict[str, str]:
    """Return table name -> path of its class, ``Session.Trial`` for parts.

    Where two tables would have one class name, as ``a`` and ``#a``, the later one has its tier appended: ``ALookup``.
    Tables whose name no class has, and parts without a master, are left out.

    Parameters
    ----------
    tables : iterable of str
        Names of all tables of a schema, without quotes.
    """
    names = list(tables)
    paths: dict[str, str] = {}
    for name in names:
        tier = tier_of(name)
        if tier is not None and not issubclass(tier, Part):
            path = to_camel_case(name)
            paths[name] = path if path not in paths.values() else path + tier.__name__
    for name in names:
        master, _, part = name.rpartition("__")
        if tier_of(name) is Part and master in paths:
            paths[name] = f"{paths[master]}.{to_camel_case(part)}"
    return paths


def table_of(path: str, master: str = "") -> str:
    """Return the name that a class of this path gives its table, but for the prefix of its tier.

    Parameters
    ----------
    master : str
        Name of the master's table, for parts.
    """
    own = from_camel_case(path.rpartition(".")[2])
    return f"{master}__{own}" if master else own
