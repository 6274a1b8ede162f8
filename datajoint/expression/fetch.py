"""From expressions to rows of Python values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from datajoint.backends.base import transposed
from datajoint.errors import DataJointError
from datajoint.expression.algebra import is_ordered
from datajoint.expression.compile import compile_count
from datajoint.expression.decode import Columns, columns_of
from datajoint.expression.nodes import Limit, Node
from datajoint.expression.plans import select

if TYPE_CHECKING:
    from datajoint.connection import Connection

Rows = list[tuple[Any, ...]]

# From so many rows on, a function made for the names repays its making (30 µs).
_MANY_ROWS = 500


def raw_rows(connection: Connection, node: Node, names: Sequence[str], columns: Columns) -> Rows:
    """Return rows of the driver's values."""
    return connection.fetch(select(node, connection.backend, names), columns.types, (node, names))


def fetch_rows(connection: Connection, node: Node, names: Sequence[str], *, squeeze: bool = False) -> Rows:
    """Return decoded rows of the attributes `names`."""
    columns = columns_of(connection, node.heading, names, squeeze=squeeze)
    rows = raw_rows(connection, node, names, columns)
    if not names:
        return [()] * len(rows)
    return rows if columns.plain else list(zip(*_decoded(columns, rows), strict=True))


def fetch_columns(
    connection: Connection, node: Node, names: Sequence[str], *, squeeze: bool = False
) -> list[list[Any]]:
    """Return one list of decoded values per attribute of `names`."""
    columns = columns_of(connection, node.heading, names, squeeze=squeeze)
    return _decoded(columns, raw_rows(connection, node, names, columns))


def _decoded(columns: Columns, rows: Rows) -> list[list[Any]]:
    values = transposed(rows, len(columns.readers))
    return [reader.column(column) for reader, column in zip(columns.readers, values, strict=True)]


# --- dicts
def fetch_dicts(
    connection: Connection, node: Node, names: Sequence[str], *, squeeze: bool = False
) -> list[dict[str, Any]]:
    """Return rows as dicts in the order of `names`."""
    columns = columns_of(connection, node.heading, names, squeeze=squeeze)
    return as_dicts(columns, names, raw_rows(connection, node, names, columns))


def as_dicts(columns: Columns, names: Sequence[str], rows: Rows) -> list[dict[str, Any]]:
    """Return rows of the driver's values as dicts of decoded ones."""
    if not names:
        return [{} for _ in rows]
    return _make_dicts(rows if columns.plain else zip(*_decoded(columns, rows), strict=True), names, len(rows))


def dicts_of(columns: Sequence[Sequence[Any]], names: Sequence[str], count: int) -> list[dict[str, Any]]:
    """Return `count` rows of decoded columns as dicts."""
    if not names:
        return [{} for _ in range(count)]
    return _make_dicts(zip(*columns, strict=True), names, count)


def _make_dicts(rows: Iterable[Sequence[Any]], names: Sequence[str], count: int) -> list[dict[str, Any]]:
    if count < _MANY_ROWS:
        return [dict(zip(names, row, strict=True)) for row in rows]
    return _dict_maker(tuple(names))(rows)


@lru_cache(maxsize=256)
def _dict_maker(names: tuple[str, ...]) -> Callable[[Any], list[dict[str, Any]]]:
    """Return the function that makes dicts of rows, with the names written into it.

    A dict display is made twice as fast as ``dict(zip(names, row))``, which was a third of the time of fetching.
    """
    variables = [f"v{n}" for n in range(len(names))]
    items = ", ".join(f"{name!r}: {variable}" for name, variable in zip(names, variables, strict=True))
    text = f"lambda rows: [{{{items}}} for {', '.join(variables)}, in rows]"
    maker: Callable[[Any], list[dict[str, Any]]] = eval(text)  # noqa: S307 - holds nothing but literals of the names
    return maker


# --- one row
def single_row(
    connection: Connection, node: Node, names: Sequence[str], *, squeeze: bool, message: str
) -> tuple[Any, ...]:
    """Return the only row.

    Raises
    ------
    DataJointError
        With `message`, in which ``{n}`` is the number of rows, unless there is exactly one.
    """
    # Two rows tell as much as all of them, in any order.
    two = node if is_ordered(node) else Limit(node, (), 2, 0, node.heading)
    columns = columns_of(connection, node.heading, names, squeeze=squeeze)
    rows = raw_rows(connection, two, names, columns)
    if len(rows) != 1:
        count = len(rows)
        if count > 1:
            count = int(connection.execute(compile_count(node, connection.backend), (node, None)).rows[0][0])
        raise DataJointError(message.format(n=count))
    if columns.plain:
        return rows[0] if names else ()
    return tuple([reader.value(value) for reader, value in zip(columns.readers, rows[0], strict=True)])
