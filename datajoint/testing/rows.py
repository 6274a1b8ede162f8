"""Rows that a table takes: values of the right types, keys that are new, references to rows that exist or are made."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from datajoint.backends.catalog import ForeignKeyInfo, TableInfo
from datajoint.definition import TableName
from datajoint.errors import DataJointError
from datajoint.naming import did_you_mean
from datajoint.table.free import FreeTable
from datajoint.table.table import Table
from datajoint.testing.values import value_of

Row = dict[str, Any]

_LOOKED_AT = 1000
"""Rows of a parent among which one is chosen."""

_TRIES = 300
"""Numbers that are tried for a row; most types have more values."""


def fill(table: Table | type[Table], count: int = 3, /, **given: Any) -> list[Row]:
    """Insert rows into a table, and into those that it refers to where they lack the rows needed.

    The values are the same at every run. Rows of parents that exist are used before new ones are made; references
    that a table makes to itself are left out, so they must be nullable.

    Parameters
    ----------
    table : Table or table class
        Imported and computed tables are filled too, without their `make`.
    count : int
        How many rows.
    **given
        Values of attributes: one for all rows, a list whose members the rows take in turn, or a function of the row's
        number.

    Returns
    -------
    list of dict
        The rows that were inserted into `table`, in order.

    Raises
    ------
    DataJointError
        For an unknown attribute, a value that cannot be made up, or where the types allow no `count` new rows. What
        was inserted for parents stays.

    Examples
    --------
    >>> fill(Session, 5, operator=["ann", "bob"])  # doctest: +SKIP
    """
    asked = table() if isinstance(table, type) else table
    target = FreeTable(asked.connection, asked.full_table_name)
    for name in given:
        if name not in target.heading:
            raise DataJointError(
                f"fill was given a value for {name}, which {target.name} does not have.",
                table=str(target.name),
                attribute=name,
                hint=did_you_mean(name, target.heading.names),
            )
    return _Filler(target).rows(count, given, ())


class _Filler:
    """Makes rows of one table."""

    def __init__(self, table: FreeTable) -> None:
        self.table = table
        info, _ = table._info()
        self.info: TableInfo = info
        self.links = [link for link in info.foreign_keys if link.parent != info.name]
        linked = {column for link in self.links for column in link.columns}
        own_links = {column for link in info.foreign_keys if link.parent == info.name for column in link.columns}
        self.own = [
            name for name in table.heading.names if name not in linked and name not in own_links - set(info.primary_key)
        ]
        self._found: dict[Any, list[Row]] = {}
        self.unique = [info.primary_key, *(index.columns for index in info.indexes if index.unique)]

    def rows(self, count: int, given: Mapping[str, Any], path: tuple[TableName, ...]) -> list[Row]:
        """Make and insert `count` rows; `path` are the tables for which they are made."""
        if self.info.name in path:
            raise DataJointError(
                f"{self.info.name} depends on itself, so that no first row can be made up.",
                table=str(self.info.name),
                hint="Insert the first rows yourself.",
            )
        taken = [self._taken(columns) for columns in self.unique]
        made: list[Row] = []
        number = len(taken[0])
        for place in range(count):
            wanted = {name: _given(value, place) for name, value in given.items()}
            row, number = self._new_row(wanted, number, taken, path)
            made.append(row)
            for columns, seen in zip(self.unique, taken, strict=True):
                seen.add(_values(row, columns))
        self.table.insert(made)
        return made

    def _taken(self, columns: Sequence[str]) -> set[tuple[Any, ...]]:
        rows = self.table.proj(*(name for name in columns if name not in self.info.primary_key)).to_dicts()
        return {_values(row, columns) for row in rows}

    def _new_row(
        self, wanted: Row, number: int, taken: list[set[tuple[Any, ...]]], path: tuple[TableName, ...]
    ) -> tuple[Row, int]:
        """Return a row whose unique attributes no other row has, and the number of the next.

        First other values of the table's own attributes are tried, then other rows of its parents, then new parents.
        """
        for following in range(number, number + (_TRIES if self._can_vary(wanted) else 1)):
            for references in itertools.islice(self._chosen(self.links, wanted, following), 1):
                row = self._whole(references, following, wanted)
                if self._is_new(row, taken):
                    return row, following + 1
        others = itertools.islice(self._chosen(self.links, wanted, number), _LOOKED_AT)
        places = range(len(self.links))
        made = (self._made(wanted, path, anew) for anew in (*({place} for place in places), set(places)) if anew)
        for following, references in enumerate(itertools.chain(others, made), number):
            row = self._whole(references, following, wanted)
            if self._is_new(row, taken):
                return row, following + 1
        raise DataJointError(
            f"No further row of {self.info.name} can be made up: all values of its key are taken.",
            table=str(self.info.name),
            hint="Ask for fewer rows, or give other values.",
        )

    def _whole(self, references: Row, number: int, wanted: Row) -> Row:
        return {**references, **self._own_values(number, references | wanted), **wanted}

    def _is_new(self, row: Row, taken: list[set[tuple[Any, ...]]]) -> bool:
        return all(
            None in (values := _values(row, columns)) or values not in seen
            for columns, seen in zip(self.unique, taken, strict=True)
        )

    def _can_vary(self, wanted: Row) -> bool:
        """Tell whether another number gives another key."""
        return any(name in self.own and name not in wanted for name in self.info.primary_key)

    def _own_values(self, number: int, known: Row) -> Row:
        attributes = self.table.heading.attributes
        return {
            name: value_of(attributes[name], number, str(self.info.name))
            for name in self.own
            if name not in known and not attributes[name].autoincrement and not self._optional(name)
        }

    def _optional(self, name: str) -> bool:
        """Tell whether a missing value will do where none can be made up."""
        attribute = self.table.heading[name]
        return attribute.nullable and attribute.codec is not None

    # --- references
    def _chosen(self, links: Sequence[ForeignKeyInfo], known: Row, number: int) -> Iterator[Row]:
        if not links:
            yield {}
            return
        first, *others = links
        parents = self._parents(first, known)
        start = number % len(parents) if parents else 0
        for parent in itertools.chain(parents[start:], parents[:start]):
            for rest in self._chosen(others, {**known, **parent}, number):
                yield {**parent, **rest}

    def _parents(self, link: ForeignKeyInfo, known: Row) -> list[Row]:
        """Return rows of a parent under the child's names that agree with what is known."""
        names = dict(zip(link.parent_columns, link.columns, strict=True))
        fixed = {old: known[new] for old, new in names.items() if known.get(new) is not None}
        asked = (link, tuple(sorted(fixed.items(), key=repr)))
        if asked in self._found:
            return self._found[asked]
        parent = FreeTable(self.table.connection, str(link.parent))
        rows = (
            (parent & fixed).proj(*(old for old in names if old not in parent.primary_key)).to_dicts(limit=_LOOKED_AT)
        )
        self._found[asked] = [{new: row[old] for old, new in names.items()} for row in rows]
        return self._found[asked]

    def _made(self, known: Row, path: tuple[TableName, ...], anew: set[int]) -> Row:
        """Make a row of each parent that has none to agree with what is known, those at `anew` in any case."""
        found: Row = {}
        for place, link in enumerate(self.links):
            names = dict(zip(link.parent_columns, link.columns, strict=True))
            around = known | found
            parents = self._parents(link, around)
            fixed = {old: around[new] for old, new in names.items() if around.get(new) is not None}
            if parents and (place not in anew or len(fixed) == len(names)):
                found.update(parents[0])
                continue
            self._found.clear()
            filler = _Filler(FreeTable(self.table.connection, str(link.parent)))
            (row,) = filler.rows(1, fixed, (*path, self.info.name))
            kept = row if set(names) <= set(row) else (filler.table & _key(row, filler.info)).fetch1()
            found.update({new: kept[old] for old, new in names.items()})
        return found


def _key(row: Row, info: TableInfo) -> Row:
    return {name: row[name] for name in info.primary_key}


def _given(value: Any, place: int) -> Any:
    if isinstance(value, list):
        return value[place % len(value)]
    make: Callable[[int], Any] | None = value if callable(value) else None
    return value if make is None else make(place)


def _values(row: Row, columns: Sequence[str]) -> tuple[Any, ...]:
    return tuple(row.get(name) for name in columns)
