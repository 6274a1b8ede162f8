"""How SQLite carries values: column types, the CHECKs that guard them, converters to and from the driver."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

from datajoint.backends.base import Converter
from datajoint.backends.convert import decimal_reader, read_uuid, shortest_float32, whole_number
from datajoint.backends.ddl import quote_text
from datajoint.errors import InvalidValueError
from datajoint.values.accept import as_duration
from datajoint.values.dates import moment_text, plain_moment_text, time_text
from datajoint.values.documents import from_json
from datajoint.values.model import ValueType

EXACT_DIGITS = 15
_INT64 = (-(2**63), 2**63 - 1)
_SUBSECOND_DIGITS = 3  # what SQLite's own date functions carry
_DAY = dt.timedelta(days=1)

_COLUMN_TYPES = {
    "int": "INT", "year": "INT", "bool": "INT", "float32": "REAL", "float64": "REAL", "uuid": "BLOB", "bytes": "BLOB",
}  # fmt: skip


def exact_in_double(value_type: ValueType) -> bool:
    """Tell whether a double carries every value of a decimal type exactly; others are kept as text."""
    return value_type.precision is None or value_type.precision <= EXACT_DIGITS


def column_type(value_type: ValueType) -> str:
    """Return the type of a column of a STRICT table.

    Integers are ``INT``: an ``INTEGER`` key would invent a value for NULL.
    """
    if value_type.kind == "decimal":
        return "REAL" if exact_in_double(value_type) else "TEXT"
    return _COLUMN_TYPES.get(value_type.kind, "TEXT")


# --- the database's own guard
def check(value_type: ValueType, x: str, *, nullable: bool) -> str | None:
    """Return the condition that guards a column, of SQLite's own functions only; None where STRICT is enough.

    Parameters
    ----------
    x : str
        The quoted column. NULL passes wherever the condition is NULL; where it would be false, it is allowed for.
    """
    make = _CHECKS.get(value_type.kind)
    condition = make(value_type, x) if make else None
    return f"{condition} OR {x} IS NULL" if value_type.kind == "json" and nullable else condition


def _check_int(t: ValueType, x: str) -> str | None:
    low, high = t.low, t.high
    if low is None or high is None or (low, high) == _INT64:
        return None
    return f"{x}>=0" if high > _INT64[1] else f"{x} BETWEEN {low} AND {high}"


def _check_float32(t: ValueType, x: str) -> str:
    limit = f"abs({x})<3.4028235677973366e38 OR abs({x})=9e999"
    return limit if t.low is None else f"({limit}) AND {x}>=0"


def _check_float64(t: ValueType, x: str) -> str | None:
    return None if t.low is None else f"{x}>=0"


def _check_decimal(t: ValueType, x: str) -> str:
    precision, scale = t.precision or EXACT_DIGITS, t.scale or 0
    sign = "" if t.low is None else f" AND {x}>=0"
    if exact_in_double(t):
        # exact because both steps are; round(x, n) itself is not
        return f"{x}=round({x}*1e{scale})/1e{scale} AND abs({x})<1e{precision - scale}{sign}"
    whole, digits = f"ltrim({x},'-')", "[0-9]" * scale
    rules = [
        f"{x} NOT GLOB '*[^-0-9.]*'",
        f"substr({x},2) NOT GLOB '*-*'",
        f"{whole} NOT GLOB '0[0-9]*'",
        f"length({whole})<={max(precision - scale, 1) + (scale + 1 if scale else 0)}",
        f"{x} GLOB '*[0-9].{digits}' AND instr({x},'.')=length({x})-{scale}"
        if scale
        else f"{x} GLOB '*[0-9]' AND instr({x},'.')=0",
        f"{x}<>'-0{'.' + '0' * scale if scale else ''}'",
    ]
    if precision == scale:
        rules.append(f"{whole} GLOB '0.*'")
    if t.low is not None:
        rules.append(f"{x} NOT GLOB '-*'")
    return " AND ".join(rules)


def _check_bool(t: ValueType, x: str) -> str:  # noqa: ARG001 - all makers have one form
    return f"{x} IN (0,1)"


def _check_characters(t: ValueType, x: str) -> str | None:
    return None if t.length is None else f"length({x})<={t.length}"


def _check_text(t: ValueType, x: str) -> str | None:
    return None if t.length is None else f"length(CAST({x} AS BLOB))<={t.length}"


def _check_enum(t: ValueType, x: str) -> str:
    # never IN (…), which costs ten times as much for text
    return " OR ".join(f"{x}={quote_text(label)}" for label in t.labels)


def _check_date(t: ValueType, x: str) -> str:  # noqa: ARG001 - as above
    # without '+0 days' SQLite accepts 30 February
    return f"{x} IS date({x},'+0 days') AND {x}>'0001'"


def _check_moment(t: ValueType, x: str) -> str:
    if not t.digits:
        return f"{x} IS datetime({x},'+0 days') AND {x}>'0001'"
    # SQLite rounds to milliseconds before it cuts, which would move 59.9999 to the next minute
    source = x if t.digits <= _SUBSECOND_DIGITS else f"substr({x},1,19)"
    pattern = f"datetime({source},'+0 days')||'.{'[0-9]' * t.digits}'"
    return f"ifnull({x} GLOB {pattern} AND {x}>'0001', {x} IS NULL)"


def _check_time(t: ValueType, x: str) -> str:
    if not t.digits:
        return f"{x} IS time({x},'+0 days')"
    source = x if t.digits <= _SUBSECOND_DIGITS else f"substr({x},1,8)"
    return f"ifnull({x} GLOB time({source},'+0 days')||'.{'[0-9]' * t.digits}', {x} IS NULL)"


def _check_year(t: ValueType, x: str) -> str:  # noqa: ARG001 - as above
    return f"{x}=0 OR {x} BETWEEN 1901 AND 2155"


def _check_uuid(t: ValueType, x: str) -> str:  # noqa: ARG001 - as above
    return f"length({x})=16"


def _check_json(t: ValueType, x: str) -> str:  # noqa: ARG001 - as above
    return f"json_valid({x})"


_CHECKS: dict[str, Callable[[ValueType, str], str | None]] = {
    "int": _check_int, "float32": _check_float32, "float64": _check_float64, "decimal": _check_decimal,
    "bool": _check_bool, "char": _check_characters, "varchar": _check_characters, "text": _check_text,
    "enum": _check_enum, "date": _check_date, "datetime": _check_moment, "timestamp": _check_moment,
    "time": _check_time, "year": _check_year, "uuid": _check_uuid, "json": _check_json, "bytes": _check_characters,
}  # fmt: skip


# --- to the driver
def encoder(value_type: ValueType) -> Converter | None:
    """Return what turns a canonical value into one that sqlite3 binds."""
    digits = value_type.digits
    match value_type.kind:
        case "int" if value_type.high is None or value_type.high > _INT64[1]:
            return _bound_int
        case "decimal":
            return float if exact_in_double(value_type) else _decimal_text
        case "date":
            return dt.date.isoformat
        case "datetime" | "timestamp":
            return plain_moment_text if not digits else lambda value: moment_text(value, digits)
        case "time":
            return lambda value: _time_of_day(value, digits)
        case "uuid":
            return _uuid_bytes
        case "bool":
            return int
        case "unknown":
            return _any_value
    return None


def _bound_int(value: int) -> int | float:
    # Beyond SQLite's integers: compared as a double, refused by the column.
    return value if _INT64[0] <= value <= _INT64[1] else float(value)


def _decimal_text(value: Decimal) -> str:
    return f"{value:f}"


def _time_of_day(value: dt.timedelta, digits: int) -> str:
    if not dt.timedelta() <= value < _DAY:
        raise InvalidValueError(
            f"{value} is out of range; time takes 00:00 to 23:59:59.999999 on this engine.", value=value
        )
    return time_text(value, digits)


def _uuid_bytes(value: UUID) -> bytes:
    return value.bytes


def _any_value(value: Any) -> Any:
    """Bind a value whose attribute has no known type."""
    if isinstance(value, dt.datetime):
        return moment_text(value, 6 if value.microsecond else 0)
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, dt.timedelta):
        return time_text(value, 6 if value.microseconds else 0)
    if isinstance(value, UUID):
        return value.bytes
    if isinstance(value, Decimal):
        return float(value)
    return value


# --- from the driver
def decoder(value_type: ValueType) -> Converter | None:
    """Return what turns sqlite3's value into the promised one."""
    match value_type.kind:
        case "int" if value_type.low is None:
            return whole_number
        case "float32":
            return shortest_float32
        case "float64" if not value_type.core:
            return float
        case "decimal":
            return decimal_reader(value_type.scale) if exact_in_double(value_type) else Decimal
        case "bool":
            return bool
        case "date":
            # a computed date may come with a time
            return dt.date.fromisoformat if value_type.core else _read_day
        case "datetime" | "timestamp":
            return dt.datetime.fromisoformat
        case "time":
            return lambda value: as_duration(value, value_type)
        case "uuid":
            return read_uuid
        case "json":
            return from_json
    return None


def _read_day(value: str) -> dt.date:
    return dt.date.fromisoformat(value[:10])
