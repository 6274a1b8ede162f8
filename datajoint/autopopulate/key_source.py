"""Which keys there are to compute, and which of them are left."""

from __future__ import annotations

from collections import Counter
from functools import reduce
from operator import mul
from typing import TYPE_CHECKING, Any

from datajoint.errors import DataJointError
from datajoint.expression import AndList, QueryExpression
from datajoint.table.base_table import base_table
from datajoint.table.free import FreeTable

if TYPE_CHECKING:
    from datajoint.autopopulate.autopopulate import AutoPopulate
    from datajoint.table.table import Table


def default_key_source(table: Table, *, wide: bool = False) -> QueryExpression:
    """Return the join of all tables that the primary key of `table` refers to, reduced to their keys.

    One factor for each foreign key; renamed attributes bear the names that they have in `table`.

    Parameters
    ----------
    wide : bool
        Whether to keep those secondary attributes whose names occur but once, so that they cannot affect the join.

    Raises
    ------
    DataJointError
        If the primary key refers to no table.
    """
    info, _ = table._info()
    links = [key for key in info.foreign_keys if set(key.columns) <= set(info.primary_key)]
    if not links:
        raise DataJointError(
            "A table must have dependencies from its primary key for auto-populate to work.",
            table=str(table.name),
            hint=f"Refer to a table above the --- of {table.name}, or give the class a key_source.",
        )
    parents = [FreeTable(table.connection, str(key.parent)) for key in links]
    names = Counter(name for parent in parents for name in parent.heading.names)
    names.update(name for key in links for name in key.columns)
    factors = (
        parent.proj(
            *(name for name in parent.heading.secondary_attributes if wide and names[name] == 1),
            **{new: old for new, old in zip(key.columns, key.parent_columns, strict=True) if new != old},
        )
        for key, parent in zip(links, parents, strict=True)
    )
    return reduce(mul, factors)


def keys_to_compute(table: AutoPopulate, restrictions: tuple[Any, ...]) -> QueryExpression:
    """Return all keys that `populate` would care for: the table's key source, restricted, reduced to its key.

    Raises
    ------
    DataJointError
        If `table` is restricted, its key source is no expression, or its key has attributes that `table` lacks.
    """
    if base_table(table).restricted:
        raise DataJointError(
            "Cannot call populate on a restricted table. Instead, pass conditions to populate() as arguments.",
            table=str(table.name),
        )
    source: Any = table.key_source
    if isinstance(source, type) and issubclass(source, QueryExpression):
        source = source()
    if not isinstance(source, QueryExpression):
        raise DataJointError(
            f"Invalid key_source value: {source!r:.80}.",
            table=str(table.name),
            hint="A key source is a table or a query expression.",
        )
    for name in source.primary_key:
        if name not in table.heading:
            raise DataJointError(
                f"The populate target lacks attribute {name} from the primary key of key_source.",
                table=str(table.name),
                attribute=name,
            )
    texts = [r for r in restrictions if _has_text(r)] if table._has_default_key_source else []
    if not texts:
        return (source & AndList(restrictions)).proj()
    # A condition in words may be about any attribute of the parents.
    others = [r for r in restrictions if not _has_text(r)]
    chosen = default_key_source(table, wide=True) & AndList(texts)
    return chosen.proj() & AndList(others)


def _has_text(restriction: Any) -> bool:
    if isinstance(restriction, list | tuple | set):
        return any(map(_has_text, restriction))
    return isinstance(restriction, str)


def without_rows(keys: QueryExpression, table: Table) -> QueryExpression:
    """Return the `keys` for which `table` has no row.

    Attributes of the keys alone decide; they may be secondary attributes of `table`.
    """
    secondary = [name for name in keys.primary_key if name not in table.primary_key]
    present = table.proj(*secondary)
    return keys - present
