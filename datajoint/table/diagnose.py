"""Find out, after a refused insert, which row was at fault and which row is in its way or missing.

The database is asked once more, with the values of all rows in one parameter; the comparison is the engine's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from datajoint.backends.base import Duplicates
from datajoint.backends.catalog import ForeignKeyInfo, TableInfo
from datajoint.definition import TableName
from datajoint.errors import DataJointError, DuplicateError, IntegrityError, QueryError, TooLargeError
from datajoint.expression.compile import compile_raw
from datajoint.graph.propagate import downstream
from datajoint.naming import shorten
from datajoint.sql.fragment import Identifier, Sql
from datajoint.table.base_table import BaseTable
from datajoint.table.related_rows import RelatedRows
from datajoint.values.model import INT, ValueType

Error = TypeVar("Error", bound=DataJointError)

_ROW = "dj_row"  # the extra column that carries a row's index


def explained(
    target: BaseTable,
    names: Sequence[str],
    columns: Sequence[Sequence[Any]],
    first: int | None,
    error: DuplicateError | IntegrityError,
    duplicates: Duplicates = "error",
) -> DuplicateError | IntegrityError:
    """Return the error that tells what is wrong with which row, as far as that can be found.

    Parameters
    ----------
    names, columns
        Attributes and, for each, the converted values of all rows.
    first : int or None
        Index of the first row; None for the only row of an update.
    duplicates : str
        What was to happen with rows whose primary key exists; with ``replace``, another unique key is at fault.
    """
    values = dict(zip(names, columns, strict=True))
    try:
        if isinstance(error, DuplicateError):
            return _explain_duplicate(target, values, first, error, duplicates)
        return _explain_missing_parent(target, values, first, error)
    except QueryError:
        # The explanation is a favour; what it cannot find must not hide what the database said.
        return error


def _explain_duplicate(
    target: BaseTable,
    values: Mapping[str, Sequence[Any]],
    first: int | None,
    error: DuplicateError,
    duplicates: Duplicates,
) -> DuplicateError:
    # An update changes no primary key, and a row that is replaced is not refused because of it.
    for key in unique_keys(target)[first is None or duplicates == "replace" :]:
        rows = _filled(values, key)
        seen: dict[tuple[Any, ...], int] = {}
        for index, row in rows:
            if row in seen and first is not None:
                said = f"rows {first + seen[row]} and {first + index} have the same {_shown(key, row)}."
                return _named(error, target, said, first + index, key, row)
            seen[row] = index
        found = first_match(target, target.name, key, key, rows, present=True)
        if found is not None:
            given = dict(rows)[found]
            place, number = _place(first, found)
            said = f"{place}a row with {_shown(key, given)} exists already."
            return _named(error, target, said, number, key, given)
    return error


def _explain_missing_parent(
    target: BaseTable, values: Mapping[str, Sequence[Any]], first: int | None, error: IntegrityError
) -> IntegrityError:
    for link in foreign_keys(target):
        rows = _filled(values, link.columns)
        found = first_match(target, link.parent, link.columns, link.parent_columns, rows, present=False)
        if found is None:
            continue
        given = dict(rows)[found]
        key = {n: values[n][found] for n in target.heading.primary_key if n in values}
        wanted = ", ".join(f"{n}={shorten(v)}" for n, v in zip(link.parent_columns, given, strict=True))
        place, number = _place(first, found, shorten(key))
        said = f"{place}no row in {link.parent} with {wanted}; insert it first."
        return _named(error, target, said, number, link.columns, given)
    return error


def blocking_children(seed: BaseTable, error: IntegrityError) -> IntegrityError:
    """Return the error that tells which rows refer to rows of `seed` and kept them from being deleted."""
    connection = seed.connection
    try:
        graph = downstream(seed.name, RelatedRows(connection).load, with_masters=False)
        for link in graph.children[seed.name]:
            chosen = compile_raw(seed.node, connection.backend, list(link.parent_columns))
            child, parent = Identifier(("s",)), Identifier(("k",))
            matches = Sql.join(
                " AND ",
                (
                    Sql(child, ".", Identifier((c,)), " = ", parent, ".", Identifier((p,)))
                    for c, p in zip(link.columns, link.parent_columns, strict=True)
                ),
            )
            wanted = Sql.join(", ", (Sql(child, ".", Identifier((c,))) for c in link.columns))
            statement = Sql(
                "SELECT ", wanted, " FROM ", link.child.identifier, " AS ", child,
                " WHERE EXISTS (SELECT 1 FROM (", chosen, ") AS ", parent, " WHERE ", matches, ") LIMIT 1",
            )  # fmt: skip
            rows = connection.execute(statement).rows
            if rows:
                said = (
                    f"rows are referred to by rows of {link.child}, such as those with {_shown(link.columns, rows[0])}."
                )
                found = _named(error, seed, said, None, link.parent_columns, rows[0])
                found.hint = "Use delete(), which deletes those first."
                return found
    except QueryError:
        pass  # as above
    return error


def largest_row(
    target: BaseTable, columns: Sequence[Sequence[Any]], names: Sequence[str], first: int, error: TooLargeError
) -> TooLargeError:
    """Return the error with the longest row, which is the one at fault, and its longest value."""
    sizes = [[len(v) if isinstance(v, str | bytes) else 0 for v in column] for column in columns]
    totals = [sum(row) for row in zip(*sizes, strict=True)]
    index = totals.index(max(totals))
    longest = max(range(len(names)), key=lambda n: sizes[n][index])
    said = f"Row {first + index}, whose {names[longest]} has a length of {sizes[longest][index]:,}: {error.args[0]}"
    found = TooLargeError(said, table=str(target.name), attribute=names[longest], row=first + index, hint=error.hint)
    found.value, found.query, found.code = columns[longest][index], error.query, error.code
    return found


def _place(first: int | None, found: int, key: str = "") -> tuple[str, int | None]:
    if first is None:
        return "", None
    return f"row {first + found}{key and ' '}{key}: ", first + found


def _named(
    error: Error, target: BaseTable, said: str, row: int | None, names: Sequence[str], values: Sequence[Any]
) -> Error:
    separator = ": " if row is None else " "
    named = type(error)(
        f"{target.name}{separator}{said}", table=str(target.name), row=row, query=error.query, code=error.code
    )
    named.attribute, named.value = ", ".join(names), values[0] if len(values) == 1 else tuple(values)
    return named


def _info(target: BaseTable) -> TableInfo | None:
    catalog = target.connection.catalog(target.name.schema)
    return None if catalog is None else catalog.tables.get(target.name.name)


def unique_keys(target: BaseTable) -> list[tuple[str, ...]]:
    """Return the attributes of the primary key and of every unique index."""
    info = _info(target)
    return [target.key, *(i.columns for i in info.indexes if i.unique)] if info else [target.key]


def foreign_keys(target: BaseTable) -> Iterable[ForeignKeyInfo]:
    """Return the foreign keys of the table."""
    info = _info(target)
    return info.foreign_keys if info else ()


def _filled(values: Mapping[str, Sequence[Any]], names: Sequence[str]) -> list[tuple[int, tuple[Any, ...]]]:
    """Return index and values of the rows in which all of `names` are filled."""
    if not all(n in values for n in names):
        return []
    rows = enumerate(zip(*(values[n] for n in names), strict=True))
    return [(index, row) for index, row in rows if None not in row]


def first_match(
    target: BaseTable,
    other: TableName,
    names: Sequence[str],
    other_names: Sequence[str],
    rows: Sequence[tuple[int, tuple[Any, ...]]],
    *,
    present: bool,
) -> int | None:
    """Return the index of the first row whose values `names` are (or are not) in columns `other_names` of `other`."""
    if not rows:
        return None
    index, matching = _matching(target, other, names, other_names, rows, present=present)
    found = target.connection.execute(Sql("SELECT min(", index, ")", matching)).rows[0][0]
    return None if found is None else int(found)


def all_matches(
    target: BaseTable,
    other: TableName,
    names: Sequence[str],
    other_names: Sequence[str],
    rows: Sequence[tuple[int, tuple[Any, ...]]],
    *,
    present: bool,
) -> list[int]:
    """Return the indexes, in order, of all rows that `first_match` would return the first of."""
    if not rows:
        return []
    index, matching = _matching(target, other, names, other_names, rows, present=present)
    return sorted(int(row[0]) for row in target.connection.execute(Sql("SELECT ", index, matching)).rows)


def _matching(
    target: BaseTable,
    other: TableName,
    names: Sequence[str],
    other_names: Sequence[str],
    rows: Sequence[tuple[int, tuple[Any, ...]]],
    *,
    present: bool,
) -> tuple[Sql, Sql]:
    """Return the column of a row's index, and from where it comes for the rows that are asked for."""
    backend = target.connection.backend
    given, stored = Identifier(("g",)), Identifier(("s",))
    typed: list[tuple[str, ValueType]] = [(n, target.heading._attributes[n].value_type) for n in names]
    table = backend.key_table([*typed, (_ROW, INT)], [(*row, index) for index, row in rows])
    matches = Sql.join(
        " AND ",
        (
            Sql(stored, ".", Identifier((o,)), " = ", given, ".", Identifier((n,)))
            for n, o in zip(names, other_names, strict=True)
        ),
    )
    source = Sql(
        " FROM (", table, ") AS ", given,
        " WHERE " if present else " WHERE NOT ",
        "EXISTS (SELECT 1 FROM ", other.identifier, " AS ", stored, " WHERE ", matches, ")",
    )  # fmt: skip
    return Sql(given, ".", Identifier((_ROW,))), source


def _shown(names: Sequence[str], row: Sequence[Any]) -> str:
    return ", ".join(f"{n}={shorten(v)}" for n, v in zip(names, row, strict=True))
