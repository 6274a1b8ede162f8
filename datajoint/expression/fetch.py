"""From compiled expressions to Python values: one decoder per column, chosen once per fetch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from datajoint.codecs import CodecChain, CodecContext
from datajoint.errors import DataJointError
from datajoint.expression import predicates as p
from datajoint.expression.algebra import is_ordered, key_order, restrict
from datajoint.expression.compile import compile_select
from datajoint.expression.nodes import Limit, Node
from datajoint.heading import Attribute
from datajoint.values.compare import Comparison

if TYPE_CHECKING:
    from datajoint.connection import Connection

PAGE_ROWS = 1000

Decoder = Callable[[Any], Any]


def fetch_rows(
    connection: Connection, node: Node, names: Sequence[str], *, squeeze: bool = False
) -> list[tuple[Any, ...]]:
    """Return decoded rows of the attributes `names`."""
    raw = connection.execute(compile_select(node, connection.backend, names)).rows
    if not names:
        return [()] * len(raw)
    return decode_rows(raw, decoders(connection, node, names, squeeze=squeeze))


def fetch_columns(
    connection: Connection, node: Node, names: Sequence[str], *, squeeze: bool = False
) -> list[list[Any]]:
    """Return one list of decoded values per attribute of `names`."""
    raw = connection.execute(compile_select(node, connection.backend, names)).rows
    columns: list[list[Any]] = [list(c) for c in zip(*raw, strict=True)] if raw else [[] for _ in names]
    for position, decode in enumerate(decoders(connection, node, names, squeeze=squeeze)):
        if decode is not None:
            columns[position] = [None if v is None else decode(v) for v in columns[position]]
    return columns


def decode_rows(rows: list[tuple[Any, ...]], decode: Sequence[Decoder | None]) -> list[tuple[Any, ...]]:
    """Apply decoders to the columns that need one; rows are left alone if none does."""
    needed = [i for i, d in enumerate(decode) if d is not None]
    if not needed or not rows:
        return rows
    columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
    for i in needed:
        convert = decode[i]
        assert convert is not None
        columns[i] = [None if v is None else convert(v) for v in columns[i]]
    return list(zip(*columns, strict=True))


def decoders(
    connection: Connection, node: Node, names: Sequence[str], *, squeeze: bool = False
) -> list[Decoder | None]:
    """Return for each attribute what turns a driver's value into the promised one."""
    heading = node.heading
    return [_decoder(connection, heading._attributes[n], squeeze=squeeze) for n in names]


def _decoder(connection: Connection, attribute: Attribute, *, squeeze: bool) -> Decoder | None:
    plain = connection.backend.decoder(attribute.value_type)
    if attribute.codec is None:
        return plain
    context = CodecContext("", "", attribute.name, connection.settings)
    # Resolved at the first value: an unregistered codec is no fault of a result without one.
    chain = cache(lambda: CodecChain.resolve(attribute.type))

    def decode(value: Any) -> Any:
        decoded = chain().decode(plain(value) if plain else value, context)
        if squeeze and type(decoded).__name__ == "ndarray":
            return decoded.squeeze()
        return decoded

    return decode


def iterate(connection: Connection, node: Node) -> Iterator[dict[str, Any]]:
    """Yield rows as dicts, page by page; between pages nothing is held open.

    Pages follow the key: each begins after the last key of the one before. An expression that is ordered otherwise,
    or whose key cannot be compared exactly, is read at once.
    """
    names = node.heading.names
    decode = decoders(connection, node, names)
    if not _pageable(node):
        for row in fetch_rows(connection, node, names):
            yield dict(zip(names, row, strict=True))
        return
    page: Node = node
    while True:
        cut = Limit(page, key_order(node.heading), PAGE_ROWS, 0, node.heading)
        rows = decode_rows(connection.execute(compile_select(cut, connection.backend, names)).rows, decode)
        for row in rows:
            yield dict(zip(names, row, strict=True))
        if len(rows) < PAGE_ROWS:
            return
        page = restrict(node, after_key(node, dict(zip(names, rows[-1], strict=True))))


def _pageable(node: Node) -> bool:
    key = [node.heading[n] for n in node.heading.primary_key]
    exact = {"int", "char", "varchar", "date", "datetime", "uuid", "bool", "year"}
    return (
        bool(key)
        and not is_ordered(node)
        and all(
            not a.nullable and a.codec is None and a.value_type.kind in exact and a.attribute_expression is None
            for a in key
        )
    )


def after_key(node: Node, key: dict[str, Any], *, before: bool = False) -> p.Predicate:
    """Return the condition that a row comes after (or before) `key` in key order."""
    operator = "<" if before else ">"
    alternatives: list[p.Predicate] = []
    equal: list[p.Predicate] = []
    for name in node.heading.primary_key:
        value_type = node.heading[name].value_type
        beyond = p.Compare(name, value_type, Comparison("bound", operator, key[name]))
        alternatives.append(p.conjunction([*equal, beyond]))
        equal.append(p.Compare(name, value_type, Comparison("bound", "=", key[name])))
    return p.disjunction(alternatives)


# --- containers
def structured_array(connection: Connection, node: Node, *, squeeze: bool) -> Any:
    """Return a numpy structured array with one field per attribute; NULL is nan in float fields."""
    import numpy as np  # noqa: PLC0415 - loaded when arrays are asked for

    names = node.heading.names
    rows = fetch_rows(connection, node, names, squeeze=squeeze)
    array = np.empty(len(rows), dtype=node.heading.as_dtype)
    for position, name in enumerate(names):
        array[name] = _filled([row[position] for row in rows], array.dtype[name])
    return array


def _filled(values: list[Any], dtype: Any) -> Any:
    """Return the values as one field's contents; objects stay whole, even if numpy could unpack them."""
    import numpy as np  # noqa: PLC0415

    if dtype.hasobject:
        return _object_array(values)
    return np.array([np.nan if v is None else v for v in values], dtype=dtype)


def _object_array(values: Sequence[Any]) -> Any:
    import numpy as np  # noqa: PLC0415

    array = np.empty(len(values), dtype=object)
    for index, value in enumerate(values):
        array[index] = value
    return array


def column_array(attribute: Attribute, values: list[Any]) -> Any:
    """Return one column as an array: numbers and text in numpy's own types, everything else as objects."""
    import numpy as np  # noqa: PLC0415

    whole = {"decimal", "date", "datetime", "timestamp", "time", "uuid", "json", "bytes"}
    if attribute.codec is None and attribute.value_type.kind in whole:
        return _object_array(values)
    if not values:
        return np.empty(0, dtype=_empty_dtype(attribute))
    stackable = (int, float, complex, str, bool, list, np.ndarray, np.generic)
    if any(not isinstance(v, stackable) or type(v).__name__ in {"MatCell", "MatStruct"} for v in values):
        return _object_array(values)
    try:
        return np.array(values)
    except (ValueError, OverflowError):  # ragged arrays; integers beyond 64 bits
        return _object_array(values)


def _empty_dtype(attribute: Attribute) -> Any:
    kinds = {"int": "int64", "year": "int64", "float32": "float64", "float64": "float64", "bool": "bool"}
    if attribute.codec is not None:
        return object
    return kinds.get(attribute.value_type.kind, "U1" if attribute.value_type.is_text else object)


def data_frame(connection: Connection, node: Node, *, squeeze: bool) -> Any:
    """Return a pandas frame with the key as its index; types follow the heading, not the data."""
    import pandas as pd  # noqa: PLC0415 - loaded when frames are asked for

    names = node.heading.names
    columns = dict(zip(names, fetch_columns(connection, node, names, squeeze=squeeze), strict=True))
    count = len(columns[names[0]]) if names else 0
    series = {n: _series(node.heading[n], values) for n, values in columns.items()}
    frame = pd.DataFrame(series, columns=names, index=pd.RangeIndex(count))
    key = node.heading.primary_key
    return frame.set_index(key) if key else frame


def _series(attribute: Attribute, values: list[Any]) -> Any:
    import pandas as pd  # noqa: PLC0415

    kind = attribute.value_type.kind if attribute.codec is None else "object"
    missing = any(v is None for v in values)
    if kind in {"float32", "float64"} or (kind in {"int", "year"} and missing):
        return pd.Series([float("nan") if v is None else v for v in values], dtype="float64")
    if kind in {"int", "year"} and all(-(2**63) <= v < 2**63 for v in values):
        return pd.Series(values, dtype="int64")
    if kind == "bool" and not missing:
        return pd.Series(values, dtype="bool")
    if kind in {"datetime", "timestamp"} and _within_pandas(values):
        return pd.Series(pd.to_datetime(pd.Series(values, dtype="object")), dtype="datetime64[us]")
    if attribute.value_type.is_text and attribute.codec is None:
        return pd.Series(values, dtype="str")
    if kind == "unknown":
        return pd.Series(values)
    return pd.Series(_object_array(values), dtype="object")


def _within_pandas(values: list[Any]) -> bool:
    return all(v is None or 1 <= v.year <= 9999 for v in values)  # noqa: PLR2004 - the years of datetime


def single_row(
    connection: Connection, node: Node, names: Sequence[str], *, squeeze: bool, message: str
) -> tuple[Any, ...]:
    """Return the only row.

    Raises
    ------
    DataJointError
        With `message`, in which ``{n}`` is the number of rows, unless there is exactly one.
    """
    from datajoint.expression.compile import compile_count  # noqa: PLC0415 - only for the error

    order = () if is_ordered(node) else key_order(node.heading)
    two = Limit(node, order, 2, 0, node.heading) if not is_ordered(node) else node
    rows = fetch_rows(connection, two, names, squeeze=squeeze)
    if len(rows) != 1:
        count = len(rows) if len(rows) < 2 else connection.execute(compile_count(node, connection.backend)).rows[0][0]  # noqa: PLR2004
        raise DataJointError(message.format(n=count))
    return rows[0]
