"""SQL functions that people write by habit and SQLite lacks, registered on every connection of ours.

They serve queries only. Tables, their CHECKs and indexes use SQLite's own functions, so that every tool can write
the file; therefore no function that a CHECK uses is replaced here. A function that SQLite has with another meaning
is there under a name that begins with ``dj_``.

A function that cannot read its arguments returns NULL, as MySQL's do.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import re
import sqlite3
import statistics
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache, wraps
from typing import Any

from datajoint.backends.json_paths import MOMENT, NUMERIC
from datajoint.backends.sqlite_text_functions import TEXT_AGGREGATES, TEXT_FUNCTIONS
from datajoint.values.accept import as_float32
from datajoint.values.dates import moment_text, read_moment
from datajoint.values.documents import from_json, same_document

_QUARTER = 3
_NUMBER, _MOMENT = re.compile(NUMERIC), re.compile(MOMENT)
_SECONDS = {"MICROSECOND": 1e-6, "SECOND": 1, "MINUTE": 60, "HOUR": 3600, "DAY": 86400, "WEEK": 7 * 86400}
_MONTHS = {"MONTH": 1, "QUARTER": _QUARTER, "YEAR": 12}


def register_functions(raw: sqlite3.Connection) -> None:
    """Register all functions on a connection."""
    for name, arity, function in (*_FUNCTIONS, *TEXT_FUNCTIONS):
        raw.create_function(name, arity, function, deterministic=name not in _BUILT_IN)
    for name, aggregate in _AGGREGATES.items():
        raw.create_aggregate(name, 1, aggregate)  # type: ignore[arg-type]
    for name, text_aggregate in TEXT_AGGREGATES.items():
        raw.create_aggregate(name, -1, text_aggregate)  # type: ignore[arg-type]


def _strict(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make a function return NULL if an argument is NULL or unreadable."""

    @wraps(function)
    def call(*arguments: Any) -> Any:
        if None in arguments:
            return None
        try:
            return function(*arguments)
        except (ValueError, TypeError, OverflowError, ZeroDivisionError, ArithmeticError, LookupError):
            return None

    return call


@lru_cache(maxsize=1024)
def _moment(text: str) -> dt.datetime:
    found = read_moment(text)
    if found is None:
        raise ValueError(text)
    return found


def _now(digits: int = 0) -> str:
    now = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    return moment_text(now.replace(microsecond=now.microsecond // 10 ** (6 - digits) * 10 ** (6 - digits)), digits)


def _today() -> str:
    return dt.datetime.now(dt.UTC).date().isoformat()


def _time_of_day() -> str:
    return dt.datetime.now(dt.UTC).time().isoformat("seconds")


def _hour(text: str) -> int:
    return int(text.split(":", maxsplit=1)[0]) if re.match(r"\d{1,3}:", text) else _moment(text).hour


def _minute(text: str) -> int:
    return int(text.split(":")[1]) if re.match(r"\d{1,3}:", text) else _moment(text).minute


def _second(text: str) -> int:
    return int(text.split(":")[2][:2]) if re.match(r"\d{1,3}:", text) else _moment(text).second


def _timestampdiff(unit: str, begin: str, end: str) -> int:
    first, second = _moment(begin), _moment(end)
    unit = unit.upper()
    if unit in _SECONDS:
        micro = (second - first) // dt.timedelta(microseconds=1)
        whole = abs(micro) // round(_SECONDS[unit] * 1_000_000)
        return whole if micro >= 0 else -whole
    months = 12 * (second.year - first.year) + second.month - first.month
    rest = (second.day, second.time()), (first.day, first.time())
    if months > 0 and rest[0] < rest[1]:
        months -= 1
    elif months < 0 and rest[0] > rest[1]:
        months += 1
    return int(months / _MONTHS[unit])


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode()
    return repr(value) if isinstance(value, float) else str(value)


def _concat(*values: Any) -> str:
    return "".join(map(_text, values))


def _concat_ws(separator: Any, *values: Any) -> str | None:
    return None if separator is None else _text(separator).join(_text(v) for v in values if v is not None)


def _pad(value: Any, length: int, filling: str, *, left: bool) -> str | None:
    text = _text(value)
    if length < 0 or (len(text) < length and not filling):
        return None
    added = (filling * length)[: max(length - len(text), 0)]
    return (added + text if left else text + added)[:length]


def _lpad(text: Any, length: int, filling: str = " ") -> str | None:
    return _pad(text, length, filling, left=True)


def _rpad(text: Any, length: int, filling: str = " ") -> str | None:
    return _pad(text, length, filling, left=False)


def _locate(part: str, text: str, start: int = 1) -> int:
    return _text(text).find(_text(part), start - 1) + 1 if start > 0 else 0


@lru_cache(maxsize=256)
def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _regexp(pattern: str, text: Any) -> bool:
    try:
        return _pattern(pattern).search(_text(text)) is not None
    except re.error as error:
        raise ValueError(pattern) from error


def _if(condition: Any, then: Any, otherwise: Any) -> Any:
    return then if condition else otherwise


def _log(base: float, number: float | None = None) -> float:
    return math.log(base) if number is None else math.log(number) / math.log(base)


def _round(value: Any, digits: int = 0) -> Any:
    """Round floats half to even, as the servers do."""
    return value if isinstance(value, int) and digits >= 0 else round(value, digits)


def _round_exactly(value: float, digits: int = 0) -> float:
    """Round the decimal that a float stands for half away from zero."""
    return float(Decimal(repr(value)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP))


def _float32(value: float | None) -> float | None:
    """Return the nearest float32; what is beyond its range is left for the column to refuse."""
    if value is None:
        return None
    try:
        return as_float32(value)
    except OverflowError:
        return float(value)


def _truncate(value: Any, digits: int = 0) -> float | int:
    cut = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    step = Decimal(1).scaleb(-digits)
    result = cut // step * step
    return float(result) if isinstance(value, float) else int(result)


def _mod(a: Any, b: Any) -> float | int:
    if isinstance(a, int) and isinstance(b, int):
        return a - b * int(_div(a, b))
    # the decimals that the floats stand for: 5.5 % 1.1 is 0
    return float(Decimal(repr(a)) % Decimal(repr(b)))


def _div(a: Any, b: Any) -> int:
    if isinstance(a, int) and isinstance(b, int):
        return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
    return int(Decimal(repr(a)) / Decimal(repr(b)))


@lru_cache(maxsize=64)
def _document(text: str) -> Any:
    return from_json(text)


def _json_equals(left: str, right: str) -> bool:
    return same_document(from_json(left), _document(right))


def _json_text(text: str) -> str:
    """Write a list or an object as servers do: with blanks, and characters as they are."""
    return json.dumps(from_json(text), ensure_ascii=False)


def _json_as(value: Any, family: str, first: int, second: int) -> Any:
    """Read a value inside JSON as a type; `first` and `second` are bounds of integers, or digits and limit of decimals."""
    if family in {"date", "datetime"}:
        if not isinstance(value, str) or not _MOMENT.match(value):
            return None
        moment = _moment(value)
        return moment.date().isoformat() if family == "date" else moment.replace(microsecond=0).isoformat(" ")
    if isinstance(value, str):
        if not _NUMBER.match(value):
            return None
        value = float(value) if family == "float" else Decimal(value)
    if family == "float":
        return float(value) if math.isfinite(value) else None
    exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if family == "int":
        whole = round(value) if isinstance(value, float) else int(exact.to_integral_value(ROUND_HALF_UP))
        return whole if first <= whole <= second else None
    rounded = exact.quantize(Decimal(1).scaleb(-first), ROUND_HALF_UP)
    return float(rounded) if abs(rounded) < second else None


class _Variance:
    """The population variance of the non-NULL values, NULL for none."""

    def __init__(self) -> None:
        self.values: list[float] = []

    def step(self, value: Any) -> None:
        if value is not None:
            self.values.append(float(value))

    def finalize(self) -> float | None:
        return statistics.pvariance(self.values) if self.values else None


class _Deviation(_Variance):
    def finalize(self) -> float | None:
        return statistics.pstdev(self.values) if self.values else None


class _SampleVariance(_Variance):
    def finalize(self) -> float | None:
        return statistics.variance(self.values) if len(self.values) > 1 else None


class _SampleDeviation(_Variance):
    def finalize(self) -> float | None:
        return statistics.stdev(self.values) if len(self.values) > 1 else None


_FUNCTIONS: list[tuple[str, int, Callable[..., Any]]] = [
    # SQLite computes a deterministic function of constants once a statement: the statement's time
    ("now", 0, _now), ("now", 1, _strict(_now)), ("utc_timestamp", 0, _now), ("utc_timestamp", 1, _strict(_now)),
    ("sysdate", 0, _now), ("curdate", 0, _today), ("utc_date", 0, _today), ("curtime", 0, _time_of_day),
    ("year", 1, _strict(lambda t: _moment(t).year)),
    ("month", 1, _strict(lambda t: _moment(t).month)),
    ("day", 1, _strict(lambda t: _moment(t).day)),
    ("dayofmonth", 1, _strict(lambda t: _moment(t).day)),
    ("quarter", 1, _strict(lambda t: (_moment(t).month + 2) // _QUARTER)),
    ("dayofyear", 1, _strict(lambda t: _moment(t).timetuple().tm_yday)),
    ("dayofweek", 1, _strict(lambda t: _moment(t).isoweekday() % 7 + 1)),
    ("weekday", 1, _strict(lambda t: _moment(t).weekday())),
    ("hour", 1, _strict(_hour)), ("minute", 1, _strict(_minute)), ("second", 1, _strict(_second)),
    ("datediff", 2, _strict(lambda a, b: (_moment(a).date() - _moment(b).date()).days)),
    ("timestampdiff", 3, _strict(_timestampdiff)),
    ("concat", -1, _strict(_concat)), ("concat_ws", -1, _concat_ws),
    ("lpad", 2, _strict(_lpad)), ("lpad", 3, _strict(_lpad)), ("rpad", 2, _strict(_rpad)), ("rpad", 3, _strict(_rpad)),
    ("repeat", 2, _strict(lambda text, n: _text(text) * max(n, 0))),
    ("reverse", 1, _strict(lambda text: _text(text)[::-1])),
    ("locate", 2, _strict(_locate)), ("locate", 3, _strict(_locate)),
    ("char_length", 1, _strict(lambda text: len(_text(text)))),
    ("character_length", 1, _strict(lambda text: len(_text(text)))),
    ("ucase", 1, _strict(lambda text: _text(text).upper())), ("lcase", 1, _strict(lambda text: _text(text).lower())),
    ("regexp", 2, _strict(_regexp)), ("if", 3, _if),
    ("greatest", -1, _strict(max)), ("least", -1, _strict(min)),
    ("pow", 2, _strict(math.pow)), ("power", 2, _strict(math.pow)), ("sqrt", 1, _strict(math.sqrt)),
    ("exp", 1, _strict(math.exp)), ("ln", 1, _strict(math.log)), ("log", 1, _strict(_log)), ("log", 2, _strict(_log)),
    ("log2", 1, _strict(math.log2)), ("log10", 1, _strict(math.log10)),
    ("floor", 1, _strict(math.floor)), ("ceil", 1, _strict(math.ceil)), ("ceiling", 1, _strict(math.ceil)),
    ("sin", 1, _strict(math.sin)), ("cos", 1, _strict(math.cos)), ("tan", 1, _strict(math.tan)),
    ("asin", 1, _strict(math.asin)), ("acos", 1, _strict(math.acos)), ("atan", 1, _strict(math.atan)),
    ("atan2", 2, _strict(math.atan2)), ("radians", 1, _strict(math.radians)), ("degrees", 1, _strict(math.degrees)),
    ("pi", 0, lambda: math.pi), ("mod", 2, _strict(_mod)), ("truncate", 1, _strict(_truncate)),
    ("truncate", 2, _strict(_truncate)),
    ("dj_lower", 1, _strict(lambda text: _text(text).lower())), ("dj_upper", 1, _strict(lambda text: _text(text).upper())),
    ("dj_round", 1, _strict(_round)), ("dj_round", 2, _strict(_round)),
    ("dj_round_exactly", 1, _strict(_round_exactly)), ("dj_round_exactly", 2, _strict(_round_exactly)),
    ("dj_mod", 2, _strict(_mod)), ("dj_div", 2, _strict(_div)),
    ("dj_json_equals", 2, _strict(_json_equals)), ("dj_json_as", 4, _strict(_json_as)),
    ("dj_json_text", 1, _strict(_json_text)),
    ("dj_float", 1, _strict(float)), ("dj_bytes", 1, _strict(bytes.fromhex)),
    ("dj_float32", 1, _float32),
]  # fmt: skip

_AGGREGATES = {
    "std": _Deviation, "stddev": _Deviation, "stddev_pop": _Deviation, "stddev_samp": _SampleDeviation,
    "variance": _Variance, "var_pop": _Variance, "var_samp": _SampleVariance,
}  # fmt: skip

# Functions that some builds of SQLite have themselves. An index must not be built from ours, whose values may differ.
_BUILT_IN = {
    "concat", "concat_ws", "if", "pow", "power", "sqrt", "exp", "ln", "log", "log2", "log10", "floor", "ceil", "ceiling",
    "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "radians", "degrees", "pi", "mod",
}  # fmt: skip
