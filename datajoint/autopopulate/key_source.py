"""Which keys there are to compute, and which of them are left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from datajoint.errors import DataJointError
from datajoint.expression import AndList, QueryExpression
from datajoint.table.base_table import base_table
from datajoint.table.free import FreeTable

if TYPE_CHECKING:
    from datajoint.autopopulate.autopopulate import AutoPopulate
    from datajoint.table.table import Table


def default_key_source(table: Table) -> QueryExpression:
    """Return the join of all tables that the primary key of `table` refers to, reduced to their keys.

    One factor for each foreign key; renamed attributes bear the names that they have in `table`.

    Raises
    ------
    DataJointError
        If the primary key refers to no table.
    """
    info, _ = table._info()
    factors = [
        _parent_keys(table, str(key.parent), dict(zip(key.columns, key.parent_columns, strict=True)))
        for key in info.foreign_keys
        if set(key.columns) <= set(info.primary_key)
    ]
    if not factors:
        raise DataJointError(
            "A table must have dependencies from its primary key for auto-populate to work.",
            table=str(table.name),
            hint=f"Refer to a table above the --- of {table.name}, or give the class a key_source.",
        )
    source = factors[0]
    for factor in factors[1:]:
        source = source * factor
    return source


def _parent_keys(table: Table, parent: str, attributes: dict[str, str]) -> QueryExpression:
    renamed = {new: old for new, old in attributes.items() if new != old}
    return FreeTable(table.connection, parent).proj(**renamed)


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
    return (source & AndList(restrictions)).proj()


def without_rows(keys: QueryExpression, table: Table) -> QueryExpression:
    """Return the `keys` for which `table` has no row.

    Attributes of the keys alone decide; they may be secondary attributes of `table`.
    """
    secondary = [name for name in keys.primary_key if name not in table.primary_key]
    present = table.proj(*secondary)
    return keys - present
