"""From expressions to whole columns: numpy, pandas, polars and Arrow. Types follow the heading, never the data.

Rows go from the driver to columns once, and no dict is made on the way.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from datajoint.errors import InvalidValueError
from datajoint.expression.decode import columns_of
from datajoint.expression.fetch import fetch_columns
from datajoint.expression.frame_index import key_index
from datajoint.expression.nodes import Node
from datajoint.expression.plans import select
from datajoint.heading import Attribute

if TYPE_CHECKING:
    from datajoint.connection import Connection

_INT64 = range(-(2**63), 2**63)


def driver_columns(connection: Connection, node: Node, names: Sequence[str], *, squeeze: bool = False) -> list[Any]:
    """Return decoded columns, each a list, or a numpy array ``datetime64[us]`` where the driver gives moments so."""
    if not names:
        return []
    about = columns_of(connection, node.heading, names, squeeze=squeeze)
    columns = connection.fetch_columns(select(node, connection.backend, names), about.types, (node, names))
    return [
        reader.column(values) if type(values) is list else values
        for reader, values in zip(about.readers, columns, strict=True)
    ]


# --- numpy
def structured_array(connection: Connection, node: Node, *, squeeze: bool) -> Any:
    """Return a numpy structured array with one field per attribute; NULL is nan in float fields."""
    import numpy as np  # noqa: PLC0415 - loaded when arrays are asked for

    heading = node.heading
    if not heading.names:
        return np.empty(len(fetch_columns(connection, node, ())), dtype=heading.as_dtype)
    columns = fetch_columns(connection, node, heading.names, squeeze=squeeze)
    array = np.empty(len(columns[0]), dtype=heading.as_dtype)
    for name, values in zip(heading.names, columns, strict=True):
        field = array.dtype[name]
        # numpy reads None as nan in floats; objects stay whole, even if numpy could unpack them
        array[name] = object_array(values) if field.hasobject else np.array(values, dtype=field)
    return array


def object_array(values: Sequence[Any]) -> Any:
    """Return a numpy array of objects, each element whole, even where numpy could unpack it."""
    import numpy as np  # noqa: PLC0415

    return np.fromiter(values, dtype=object, count=len(values))


# Types whose values are no numpy scalars: an array of them is one of objects.
_WHOLE = {"decimal", "date", "datetime", "timestamp", "time", "uuid", "json", "bytes"}
_EMPTY_DTYPES = {"int": "int64", "year": "int64", "float32": "float64", "float64": "float64", "bool": "bool"}
_STACKABLE = (int, float, complex, str, bool, list)


def column_array(attribute: Attribute, values: list[Any]) -> Any:
    """Return one column as an array: numbers and text in numpy's own types, everything else as objects."""
    import numpy as np  # noqa: PLC0415

    kind = attribute.value_type.kind
    if attribute.codec is None and kind in _WHOLE:
        return object_array(values)
    if not values:
        return np.empty(0, dtype=_empty_dtype(attribute))
    classes = set(map(type, values))
    stackable = all(issubclass(c, (*_STACKABLE, np.ndarray, np.generic)) for c in classes)
    if not stackable or any(c.__name__ in {"MatCell", "MatStruct"} for c in classes):
        return object_array(values)
    try:
        return np.array(values)
    except (ValueError, OverflowError):  # ragged arrays; integers beyond 64 bits
        return object_array(values)


def _empty_dtype(attribute: Attribute) -> Any:
    if attribute.codec is not None:
        return object
    return _EMPTY_DTYPES.get(attribute.value_type.kind, "U1" if attribute.value_type.is_text else object)


# --- pandas
def data_frame(connection: Connection, node: Node, *, squeeze: bool, nullable: bool) -> Any:
    """Return a pandas frame with the key as its index."""
    import pandas as pd  # noqa: PLC0415 - loaded when frames are asked for

    heading = node.heading
    columns = driver_columns(connection, node, heading.names, squeeze=squeeze)
    make = _nullable_column if nullable else _pandas_column
    data = {n: make(heading[n], values) for n, values in zip(heading.names, columns, strict=True)}
    # The index is made of its columns before there is a frame, from which they would have to be taken out again one by
    # one, and the constructor keeps the arrays as they are: a frame of a thousand rows took three times as long else.
    index = key_index({name: data.pop(name) for name in heading.primary_key}) if heading.primary_key else None
    if not data:
        return pd.DataFrame(index=index, columns=pd.Index(heading.names)[:0])
    return pd.DataFrame(data, index=index, copy=False)


def _pandas_column(attribute: Attribute, values: Any) -> Any:
    import numpy as np  # noqa: PLC0415
    import pandas as pd  # noqa: PLC0415

    kind = attribute.value_type.kind if attribute.codec is None else "object"
    if kind in {"datetime", "timestamp"}:
        return _moments(values)
    missing = attribute.nullable and kind in {"int", "year", "bool"} and None in values
    if kind in {"float32", "float64"} or (kind in {"int", "year"} and missing):
        return np.array(values, dtype="float64")
    if kind in {"int", "year"}:
        return _integers(values)
    if kind == "bool" and not missing:
        return np.array(values, dtype="bool")
    if attribute.value_type.is_text and attribute.codec is None:
        return _texts(values)
    return pd.Series(values).array if kind == "unknown" else object_array(values)


def _texts(values: list[str]) -> Any:
    """Return text as pandas' ``str``."""
    import pandas as pd  # noqa: PLC0415

    kind = _text_dtype()
    if kind is not None:
        import pyarrow as pa  # noqa: PLC0415 - it holds the text of pandas, if it is there

        # Arrow reads a list in half the time that pandas does, which looks at each value first.
        with contextlib.suppress(pa.ArrowException, UnicodeError):
            return pd.array(pa.array(values, type=pa.large_string()), dtype=kind)
    return pd.array(values, dtype="str")


@cache
def _text_dtype() -> Any:
    """Return the type ``str`` of pandas if Arrow holds its values, else None."""
    import pandas as pd  # noqa: PLC0415

    dtype = pd.api.types.pandas_dtype("str")
    return dtype if isinstance(dtype, pd.StringDtype) and dtype.storage == "pyarrow" else None


def _integers(values: list[int]) -> Any:
    """Return 64-bit integers, or objects where they do not suffice."""
    import numpy as np  # noqa: PLC0415

    try:
        return np.array(values, dtype="int64")
    except OverflowError:
        return object_array(values)


def _moments(values: Any) -> Any:
    import numpy as np  # noqa: PLC0415
    import pandas as pd  # noqa: PLC0415

    if isinstance(values, np.ndarray):
        return values
    # pandas reads datetimes five times as fast as numpy does.
    return pd.to_datetime(pd.Series(values, dtype="object")).astype("datetime64[us]").array


_NULLABLE = {
    "int": "Int64", "year": "Int64", "float32": "Float64", "float64": "Float64", "bool": "boolean",
}  # fmt: skip


def _nullable_column(attribute: Attribute, values: Any) -> Any:
    import pandas as pd  # noqa: PLC0415

    kind = attribute.value_type.kind
    if attribute.codec is not None or kind not in _NULLABLE:
        is_text = attribute.codec is None and attribute.value_type.is_text
        return pd.array(values, dtype="string") if is_text else _pandas_column(attribute, values)
    unsigned = kind == "int" and (attribute.value_type.high or 0) not in _INT64
    return pd.array(values, dtype="UInt64" if unsigned else _NULLABLE[kind])


# --- what polars and Arrow have in common
def portable(attribute: Attribute, values: Any) -> Any:
    """Return a column in values that Arrow and polars know: UUIDs as text, documents as canonical JSON."""
    kind = attribute.value_type.kind if attribute.codec is None else "object"
    convert = _TEXTS.get(kind)
    return values if convert is None else [None if v is None else convert(v) for v in values]


def canonical_json(document: Any) -> str:
    """Return a document as JSON text with sorted keys and no blanks."""
    import json  # noqa: PLC0415

    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


_TEXTS: dict[str, Callable[[Any], str]] = {"uuid": str, "json": canonical_json}


def misfit(attribute: Attribute, target: str, error: Exception) -> InvalidValueError:
    """Return the error for values that do not fit the container's type."""
    return InvalidValueError(
        f"Values of `{attribute.name}` do not fit {target}: {error}.",
        attribute=attribute.name,
        hint="Leave the attribute out with .proj(), or fetch it with to_dicts().",
    )
