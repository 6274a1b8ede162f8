"""How PostgreSQL carries values: column types, casts, converters to and from psycopg."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from datajoint.backends.base import Converter
from datajoint.backends.convert import as_time, whole_number
from datajoint.backends.json_paths import MOMENT, NUMERIC, CastType
from datajoint.errors import InvalidValueError
from datajoint.sql.fragment import Sql
from datajoint.values.model import ValueType

_COLUMN_TYPES = {
    "float32": "real", "float64": "double precision", "bool": "boolean", "uuid": "uuid", "json": "jsonb", "bytes": "bytea",
    "date": "date", "text": "text", "year": "smallint",
}  # fmt: skip
# Between a string and the numbers outside of strings that have an exponent.
_EXPONENT = re.compile(r'"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?[eE][+-]?\d+')

_GREATEST_FLOAT = "1.7976931348623157e308"
_LONGEST_NUMBER = 400
_INT16, _INT32, _INT64 = 2**15 - 1, 2**31 - 1, 2**63 - 1

_CASTS = {
    "float32": "::real", "float64": "::float8", "decimal": "::numeric", "bool": "::boolean", "json": "::jsonb", "uuid": "::uuid",
    "text": "::text", "varchar": "::text", "char": "::bpchar", "date": "::date", "datetime": "::timestamp",
    "timestamp": "::timestamp", "time": "::time", "bytes": "::bytea",
}  # fmt: skip
_ARRAYS = {
    **{kind: cast + "[]" for kind, cast in _CASTS.items()},
    "enum": "::text[]",
    "year": "::bigint[]",
    "unknown": "::text[]",
}

# Types whose binary form the driver reads into the same values as their text; not float32, whose text is its shortest
# decimal, and not enums, whose types it does not know.
_BINARY = {
    "int", "float64", "decimal", "bool", "char", "varchar", "text", "date", "datetime", "timestamp", "uuid", "bytes",
}  # fmt: skip

_EPOCH = dt.datetime(2000, 1, 1)
_SINCE_1970 = (_EPOCH - dt.datetime(1970, 1, 1)) // dt.timedelta(microseconds=1)
_FIRST = (dt.datetime.min - _EPOCH) // dt.timedelta(microseconds=1)
_LAST = (dt.datetime.max - _EPOCH) // dt.timedelta(microseconds=1)


def binary(types: Sequence[ValueType]) -> bool:
    """Tell whether a result may come in the server's binary form: of declared columns only, as others may be anything."""
    return all(t.core and t.kind in _BINARY for t in types)


def moments(numbers: list[int | None]) -> Any:
    """Return microseconds since 2000 as a numpy array ``datetime64[us]``.

    Raises
    ------
    InvalidValueError
        For a moment that Python's datetime cannot hold, such as infinity.
    """
    import numpy as np  # noqa: PLC0415 - loaded when arrays are asked for

    missing = [n is None for n in numbers] if None in numbers else None
    column = np.array([0 if n is None else n for n in numbers] if missing else numbers, dtype="int64")
    if column.size and not (column.min() >= _FIRST and column.max() <= _LAST):
        raise InvalidValueError("A moment before year 1 or after year 9999 cannot be held by Python's datetime.")
    column += _SINCE_1970
    column = column.view("datetime64[us]")
    if missing:
        column[missing] = np.datetime64("NaT")
    return column


def column_type(value_type: ValueType) -> str:
    """Return the type of a column; native types of MySQL become the nearest that hold them. Enums have types of their own."""
    kind = value_type.kind
    if value_type.auto_increment:
        return {"smallint": "smallserial", "bigint": "bigserial"}.get(_integer(value_type), "serial")
    if kind == "int":
        return _integer(value_type)
    if kind == "decimal":
        return f"numeric({value_type.precision},{value_type.scale})"
    if kind in {"datetime", "timestamp", "time"}:
        base = "time" if kind == "time" else "timestamp"
        return f"{base}({value_type.digits})" if "(" in value_type.text else base
    return _COLUMN_TYPES.get(kind, value_type.text)


def _integer(value_type: ValueType) -> str:
    high = value_type.high if value_type.high is not None else _INT64
    if high > _INT64:
        return "numeric(20,0)"
    return "smallint" if high <= _INT16 else "integer" if high <= _INT32 else "bigint"


def check(value_type: ValueType, column: str) -> str | None:
    """Return the condition that a native type of MySQL needs in a wider column, None for core types: they have none."""
    if value_type.core:
        return None
    if value_type.kind == "year":
        return f"{column} = 0 OR {column} BETWEEN 1901 AND 2155"
    if value_type.kind == "int" and value_type.low is not None and value_type.high is not None:
        exact = value_type.low < 0 and value_type.high in {_INT16, _INT32, _INT64}
        return None if exact else f"{column} BETWEEN {value_type.low} AND {value_type.high}"
    if value_type.kind in {"text", "bytes"} and value_type.length is not None:
        return f"octet_length({column}) <= {value_type.length}"
    return f"{column} >= 0" if value_type.low == 0 else None


def placeholder(value_type: ValueType) -> tuple[str, str]:
    """Return the cast of a bound value. Labels stay untyped: they become their column's enum type, or text beside text."""
    return "", _CASTS.get(value_type.kind, "")


def array_cast(value_type: ValueType) -> str:
    """Return the cast of an array of key values."""
    if value_type.kind in {"int", "unknown"}:
        return "::numeric[]" if (value_type.high or 0) > _INT64 else "::bigint[]" if value_type.kind == "int" else ""
    if value_type.enum_type:
        return f"::text[]::{value_type.enum_type}[]"
    return _ARRAYS[value_type.kind]


def encoder(value_type: ValueType) -> Converter | None:
    """Return what turns a canonical value into one that psycopg binds."""
    if value_type.kind == "json":
        return written_in_full
    return as_time if value_type.kind == "time" else None


def written_in_full(document: str) -> str:
    """Write numbers with an exponent in full, with a point: jsonb would hand ``1.2e18`` back as an integer."""
    return _EXPONENT.sub(_full, document) if "e" in document or "E" in document else document


def _full(match: re.Match[str]) -> str:
    text = match[0]
    if text.startswith('"'):
        return text
    full = f"{Decimal(text):f}"
    return full if "." in full else full + ".0"


def decoder(value_type: ValueType) -> Converter | None:
    """Return what turns psycopg's value into the promised one; JSON is parsed by the driver, by our reader."""
    return _DECODERS.get(value_type.kind, _none)(value_type)


def _none(value_type: ValueType) -> Converter | None:  # noqa: ARG001 - all makers have one form
    return None


def _read_int(value_type: ValueType) -> Converter | None:
    if value_type.low is None:
        return whole_number
    return int if (value_type.high or 0) > _INT64 else None


def _read_float(value_type: ValueType) -> Converter | None:
    return None if value_type.core or value_type.text in {"double", "real"} else float


def _read_char(value_type: ValueType) -> Converter | None:  # noqa: ARG001 - as above
    return lambda value: value.rstrip(" ")


_DECODERS: dict[str, Callable[[ValueType], Converter | None]] = {
    "int": _read_int, "float64": _read_float, "char": _read_char,
}  # fmt: skip


# --- values inside JSON
def number_type(found: CastType) -> str:
    """Return the engine's type for a number that is read from JSON."""
    if found.family == "float":
        return "float8"
    return "bigint" if found.high <= _INT64 and found.family == "int" else "numeric"


def number_of_text(text: Sql, found: CastType) -> Sql:
    """Return the number that a text spells, NULL where it spells none or does not fit the type."""
    exact, target = Sql("(", text, ")::numeric"), number_type(found)
    match found.family:
        case "float":
            fits, value = Sql("abs(", exact, f") <= {_GREATEST_FLOAT}"), exact
        case "int":
            value = Sql("round(", exact, ")")
            fits = Sql(value, f" BETWEEN {found.low} AND {found.high}")
        case _:
            value = Sql("round(", exact, f", {found.value_type.scale or 0})")
            fits = Sql("abs(", value, f") < {found.limit}")
    known = Sql("CASE WHEN ", fits, " THEN ", value, f"::{target} END")
    return Sql("CASE WHEN ", text, f" ~ '{NUMERIC}' AND length(", text, f") < {_LONGEST_NUMBER} THEN ", known, " END")


def moment_of_text(text: Sql, found: CastType) -> Sql:
    """Return the date or datetime that a text spells, NULL where it spells none."""
    month = Sql("make_date(left(", text, ", 4)::int, substr(", text, ", 6, 2)::int, 1)")
    last = Sql("extract(day FROM ", month, " + interval '1 month - 1 day')")
    target, length = ("date", 10) if found.family == "date" else ("timestamp", 19)  # fractions are cut, not rounded
    cut = Sql("left(", text, f", {length})::{target}")
    exists = Sql("CASE WHEN substr(", text, ", 9, 2)::int <= ", last, " THEN ", cut, " END")
    return Sql("CASE WHEN ", text, f" ~ '{MOMENT}' THEN ", exists, " END")
