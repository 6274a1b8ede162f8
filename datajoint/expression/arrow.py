"""Rows as Arrow tables and polars frames; both packages are optional."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from datajoint.errors import DataJointError
from datajoint.expression.columns import driver_columns, misfit, portable
from datajoint.expression.nodes import Node
from datajoint.heading import Attribute, Heading

if TYPE_CHECKING:
    from datajoint.connection import Connection

_MAX_INT64 = 2**63 - 1
_DECIMAL128, _DECIMAL256 = 38, 76  # digits


def _needs(package: str, method: str, extra: str) -> str:
    return f"{package} is required for {method}(). Install with: pip install datajoint[{extra}]"


# --- Arrow
def arrow_table(connection: Connection, node: Node, *, squeeze: bool) -> Any:
    """Return a `pyarrow.Table`.

    Raises
    ------
    ImportError
        If pyarrow is not installed.
    DataJointError
        For an attribute behind a codec, whose objects Arrow has no type for.
    """
    try:
        import pyarrow as pa  # noqa: PLC0415 - optional
    except ImportError as error:
        raise ImportError(_needs("pyarrow", "to_arrow", "arrow")) from error

    heading = node.heading
    schema = arrow_schema(heading, connection.dialect.time_class)
    columns = driver_columns(connection, node, heading.names, squeeze=squeeze)
    arrays = []
    for attribute, values in zip(heading.attributes.values(), columns, strict=True):
        field = schema.field(attribute.name)
        # A type that the heading does not tell is found by looking.
        wanted = None if attribute.value_type.kind == "unknown" else field.type
        try:
            arrays.append(pa.array(portable(attribute, values), type=wanted))
        except (pa.ArrowException, OverflowError, TypeError, ValueError) as error:
            raise misfit(attribute, f"Arrow's {field.type}", error) from error
    return pa.table(arrays, names=heading.names)


def arrow_schema(heading: Heading, time_class: str) -> Any:
    """Return the Arrow schema of a heading; computed attributes of unknown type are null there.

    Raises
    ------
    DataJointError
        As `arrow_table`.
    """
    import pyarrow as pa  # noqa: PLC0415 - the callers have asked for it

    for attribute in heading.attributes.values():
        if attribute.codec is not None:
            raise DataJointError(
                f"Attribute `{attribute.name}` of type {attribute.type} holds Python objects, which Arrow cannot carry.",
                attribute=attribute.name,
                hint="Leave it out with .proj(), or use to_dicts(), to_pandas() or to_polars().",
            )
    return pa.schema([pa.field(a.name, _arrow_type(a, time_class)) for a in heading.attributes.values()])


def _arrow_type(attribute: Attribute, time_class: str) -> Any:
    import pyarrow as pa  # noqa: PLC0415

    value_type = attribute.value_type
    match value_type.kind:
        case "int":
            return pa.uint64() if (value_type.high or 0) > _MAX_INT64 else pa.int64()
        case "year":
            return pa.int64()
        case "float32" | "float64":
            return pa.float64()
        case "decimal":
            precision = value_type.precision or _DECIMAL128
            scale = value_type.scale or 0
            return pa.decimal128(precision, scale) if precision <= _DECIMAL128 else pa.decimal256(precision, scale)
        case "bool":
            return pa.bool_()
        case "date":
            return pa.date32()
        case "datetime" | "timestamp":
            return pa.timestamp("us")
        case "time":
            return pa.time64("us") if time_class == "time" else pa.duration("us")
        case "bytes":
            return pa.binary()
        case "unknown":
            return pa.null()
    return pa.string()


# --- polars
def polars_frame(connection: Connection, node: Node, *, squeeze: bool) -> Any:
    """Return a `polars.DataFrame`; what a codec decodes is in columns of objects.

    Raises
    ------
    ImportError
        If polars is not installed.
    """
    try:
        import polars as pl  # noqa: PLC0415 - optional
    except ImportError as error:
        raise ImportError(_needs("polars", "to_polars", "polars")) from error

    heading = node.heading
    columns = driver_columns(connection, node, heading.names, squeeze=squeeze)
    series = []
    for attribute, values in zip(heading.attributes.values(), columns, strict=True):
        wanted = _polars_type(attribute, connection.dialect.time_class)
        try:
            series.append(_polars_series(attribute.name, portable(attribute, values), wanted))
        except (pl.exceptions.PolarsError, OverflowError, TypeError, ValueError) as error:
            raise misfit(attribute, f"polars' {wanted}", error) from error
    return pl.DataFrame(series)


def _polars_series(name: str, values: Any, wanted: Any) -> Any:
    import polars as pl  # noqa: PLC0415

    if wanted == pl.Object:  # polars would read lists and arrays as nested columns
        return pl.Series(name, values, dtype=pl.Object)
    if wanted is None:
        return pl.Series(name, values, strict=False) if values else pl.Series(name, [], dtype=pl.Null)
    if wanted == pl.String and not set(map(type, values)) <= {str, type(None)}:
        values = [v if v is None or type(v) is str else str(v) for v in values]
    return pl.Series(name, values, dtype=wanted)


def _polars_type(attribute: Attribute, time_class: str) -> Any:
    import polars as pl  # noqa: PLC0415

    value_type = attribute.value_type
    if attribute.codec is not None:
        return pl.Object
    match value_type.kind:
        case "int":
            return pl.UInt64 if (value_type.high or 0) > _MAX_INT64 else pl.Int64
        case "year":
            return pl.Int64
        case "float32" | "float64":
            return pl.Float64
        case "decimal":
            # more digits than polars has are kept as text
            precision = value_type.precision or _DECIMAL128
            return pl.Decimal(precision, value_type.scale or 0) if precision <= _DECIMAL128 else pl.String
        case "bool":
            return pl.Boolean
        case "date":
            return pl.Date
        case "datetime" | "timestamp":
            return pl.Datetime("us")
        case "time":
            return pl.Time if time_class == "time" else pl.Duration("us")
        case "bytes":
            return pl.Binary
        case "unknown":
            return None
    return pl.String
