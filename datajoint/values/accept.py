"""Take Python values in: one converter for each type, chosen once for a column.

A converter turns whatever Python value a user may reasonably give into the one *canonical* value of the type, or
refuses it. It never guesses and never changes a value silently, with three exceptions that all servers share: digits
of a decimal beyond the declared ones are rounded half away from zero, fractions of a second beyond them are cut, and
trailing blanks of ``char(n)`` are dropped.
"""

from __future__ import annotations

import datetime as dt
import decimal
import re
import struct
from collections.abc import Callable
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any
from uuid import UUID

from datajoint.errors import InvalidTypeError, InvalidValueError
from datajoint.values import dates
from datajoint.values.documents import to_json
from datajoint.values.model import ValueType

Acceptor = Callable[[Any], Any]

_NUMBER = re.compile(r"\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,9})?\s*", re.IGNORECASE | re.ASCII)
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_INFINITY = re.compile(r"\s*([+-]?)inf(?:inity)?\s*", re.IGNORECASE)
_MAX_EXPONENT = 400
_TRUTH = dict.fromkeys(("1", "true", "t", "yes"), True) | dict.fromkeys(("0", "false", "f", "no"), False)
_EMPTY_IS_MISSING = {
    "int", "float32", "float64", "decimal", "bool", "date", "datetime", "timestamp", "time", "year",
}  # fmt: skip
_EXACT = decimal.Context(prec=200, rounding=decimal.ROUND_HALF_UP, Emax=decimal.MAX_EMAX, Emin=decimal.MIN_EMIN)
_UUID_BYTES = 16


def is_missing(value_type: ValueType, value: Any) -> bool:
    """Tell whether `value` stands for no value: None, NaN, NaT, pandas.NA; an empty text for numbers, bools and dates."""
    if value is None:
        return True
    if isinstance(value, str):
        return not value and value_type.kind in _EMPTY_IS_MISSING
    if isinstance(value, (float, Decimal)):
        return bool(value != value)  # noqa: PLR0124 - the test for NaN
    kind = type(value)
    if kind.__name__ in {"NaTType", "NAType"}:
        return True
    # numpy scalars, known by their shape so that numpy need not be loaded
    return kind.__module__ == "numpy" and getattr(value, "ndim", 1) == 0 and bool(value != value)  # noqa: PLR0124


def acceptor(value_type: ValueType) -> Acceptor:
    """Return the converter of a type: any non-missing Python value in, the canonical value out.

    Parameters
    ----------
    value_type : ValueType

    Returns
    -------
    callable
        Raises `InvalidValueError` for a value that does not fit or cannot be read, `InvalidTypeError` for a Python
        type that the attribute does not take. The text tells what was given and what fits; callers add where.
    """
    return _MAKERS[value_type.kind](value_type)


def shown(value: Any) -> str:
    """Return the value as an error quotes it: its repr, cut at 80 characters."""
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."  # noqa: PLR2004 - one line of an error


def plain(value: Any) -> Any:
    """Return the value behind a numpy scalar or an enum member whose value is text or a number."""
    if isinstance(value, Enum):
        return plain(value.value) if isinstance(value.value, (str, int, float)) else value
    if type(value).__module__ == "numpy" and getattr(value, "ndim", None) == 0:
        if type(value).__name__ in {"datetime64", "timedelta64"}:
            return value.astype(f"{type(value).__name__}[us]").item()
        return value.item()
    return value


def number(value: Any, value_type: ValueType) -> int | float | Decimal:
    """Return a number for anything that is one: int, float, Decimal, bool, or the text of a number (as Decimal)."""
    value = plain(value)
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, Decimal):
        return value
    if isinstance(value, str):
        if _NUMBER.fullmatch(value):
            return Decimal(value.strip())
        infinite = _INFINITY.fullmatch(value)
        if infinite:
            return float(infinite[1] + "inf")
        raise InvalidValueError(f"{shown(value)} is not a number; {value_type.text} takes numbers.", value=value)
    raise _wrong_type(value, value_type, "numbers")


def as_decimal(value: float | Decimal) -> Decimal:
    """Return the exact decimal of a finite number; a float counts as its shortest text."""
    return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)


def as_float32(value: float) -> float:
    """Return the nearest float32 as a Python float.

    Raises
    ------
    OverflowError
        If it is beyond the greatest float32.
    """
    rounded: float = struct.unpack("<f", struct.pack("<f", value))[0]
    return rounded + 0.0


def _wrong_type(value: Any, value_type: ValueType, takes: str) -> InvalidTypeError:
    return InvalidTypeError(
        f"{shown(value)} is of type {type(value).__name__}; {value_type.text} takes {takes}.", value=value
    )


# --- numbers
def _integers(value_type: ValueType) -> Acceptor:
    low = -(2**63) if value_type.low is None else value_type.low
    high = 2**64 - 1 if value_type.high is None else value_type.high

    def accept(value: Any) -> int:
        if type(value) is not int:
            value = _whole(value, value_type)
        if low <= value <= high:
            return value  # type: ignore[no-any-return]
        raise InvalidValueError(
            f"{shown(value)} is out of range; {value_type.text} takes {low} to {high}.", value=value
        )

    return accept


def _whole(value: Any, value_type: ValueType) -> int:
    given = number(value, value_type)
    if isinstance(given, Decimal) and given.is_finite() and given.adjusted() > _MAX_EXPONENT:
        raise InvalidValueError(f"{shown(value)} is out of range of {value_type.text}.", value=value)
    try:
        whole = int(given)
    except (OverflowError, ValueError):
        whole = None
    if whole is None or whole != given:
        raise InvalidValueError(
            f"{shown(value)} is not a whole number; {value_type.text} takes whole numbers.", value=value
        )
    return whole


def _years(value_type: ValueType) -> Acceptor:
    def accept(value: Any) -> int:
        year = _whole(value, value_type)
        if year == 0 or 1901 <= year <= 2155:  # noqa: PLR2004 - what the type holds
            return year
        raise InvalidValueError(f"{shown(value)} is out of range; year takes 0 and 1901 to 2155.", value=value)

    return accept


def _float(value: Any, value_type: ValueType) -> float:
    given = number(value, value_type)
    try:
        result = float(given) + 0.0  # minus zero becomes zero
    except OverflowError:
        result = None
    if result is None or (result in {float("inf"), float("-inf")} and isinstance(given, Decimal) and given.is_finite()):
        raise InvalidValueError(f"{shown(value)} is out of range of {value_type.text}.", value=value)
    if value_type.low is not None and result < value_type.low:
        raise InvalidValueError(f"{shown(value)} is negative; {value_type.text} takes none below zero.", value=value)
    return result


def _floats64(value_type: ValueType) -> Acceptor:
    signed = value_type.low is None

    def accept(value: Any) -> float:
        if signed and type(value) is float:
            return value + 0.0  # as below
        return _float(value, value_type)

    return accept


def _floats32(value_type: ValueType) -> Acceptor:
    def accept(value: Any) -> float:
        try:
            return as_float32(_float(value, value_type))
        except OverflowError:
            raise InvalidValueError(
                f"{shown(value)} is out of range; {value_type.text} takes up to 3.4028235e38.", value=value
            ) from None

    return accept


def _decimals(value_type: ValueType) -> Acceptor:
    scale = value_type.scale or 0
    step = Decimal(1).scaleb(-scale)
    limit = None if value_type.precision is None else Decimal(10) ** (value_type.precision - scale)

    def accept(value: Any) -> Decimal:
        exact = as_decimal(number(value, value_type))
        if not exact.is_finite():
            raise InvalidValueError(
                f"{shown(value)} is not finite; {value_type.text} takes finite numbers.", value=value
            )
        if exact.adjusted() > _MAX_EXPONENT // 4 or (limit is not None and exact.copy_abs() >= limit):
            raise _too_large(value, value_type)
        # `quantize` to the step also writes exactly `scale` digits; adding zero turns -0 into 0
        rounded = exact.quantize(step, context=_EXACT)
        if limit is not None and rounded.copy_abs() >= limit:
            raise _too_large(value, value_type)
        if value_type.low is not None and rounded < value_type.low:
            raise InvalidValueError(
                f"{shown(value)} is negative; {value_type.text} takes none below zero.", value=value
            )
        return rounded or rounded.copy_abs()

    return accept


def _too_large(value: Any, value_type: ValueType) -> InvalidValueError:
    whole = (value_type.precision or 0) - (value_type.scale or 0)
    return InvalidValueError(
        f"{shown(value)} is out of range; {value_type.text} takes {whole} digits before the point.", value=value
    )


def _bools(value_type: ValueType) -> Acceptor:
    def accept(value: Any) -> bool:
        if type(value) is bool:
            return value
        value = plain(value)
        if isinstance(value, str) and value.strip().lower() in _TRUTH:
            return _TRUTH[value.strip().lower()]
        if isinstance(value, (int, float, Decimal)) and value in (0, 1):
            return bool(value)
        if isinstance(value, (str, int, float, Decimal)):
            raise InvalidValueError(f"{shown(value)} is no truth value; bool takes True, False, 0, 1.", value=value)
        raise _wrong_type(value, value_type, "True, False, 0, 1")

    return accept


# --- texts
def as_text(value: Any, value_type: ValueType) -> str:
    """Return the text of a value that an attribute of text takes, unchecked.

    Raises
    ------
    InvalidTypeError
        For bools, bytes, containers and other objects.
    """
    value = plain(value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool):
        raise _wrong_type(value, value_type, "text")
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, (int, Decimal, UUID, PurePath)):
        return str(value)
    if isinstance(value, dt.datetime):
        return value.isoformat(" ")
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, dt.timedelta):
        return dates.time_text(value, 6 if value.microseconds else 0)
    raise _wrong_type(value, value_type, "text")


def first_unstorable(text: str) -> int:
    """Return the position of the first character that no engine can hold (NUL, a lone surrogate), or -1."""
    if text.isascii():
        return text.find("\0")
    found = _UNSTORABLE.search(text)
    return found.start() if found else -1


def _checked(text: str, value_type: ValueType) -> str:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise InvalidValueError(
                f"{shown(text)} holds a lone surrogate; {value_type.text} takes Unicode text.", value=text
            ) from None
    if "\0" in text:
        raise InvalidValueError(f"{shown(text)} holds a NUL character, which text cannot.", value=text)
    return text


def _texts(value_type: ValueType) -> Acceptor:
    length, padded, by_bytes = value_type.length, value_type.kind == "char", value_type.kind == "text"

    def accept(value: Any) -> str:
        text = value if type(value) is str else as_text(value, value_type)
        if padded:
            text = text.rstrip(" ")
        _checked(text, value_type)
        if length is not None and len(text) > length // (4 if by_bytes else 1):
            size = len(text.encode()) if by_bytes else len(text)
            if size > length:
                unit = "bytes" if by_bytes else "characters"
                raise InvalidValueError(
                    f"{shown(text)} has {size} {unit}; {value_type.text} takes {length} at most.", value=text
                )
        return text

    return accept


def _enums(value_type: ValueType) -> Acceptor:
    labels = {label: label for label in value_type.labels}

    def accept(value: Any) -> str:
        text = plain(value)
        if not isinstance(text, str):
            raise _wrong_type(value, value_type, "one of its labels")
        found = labels.get(text)
        if found is None:
            allowed = ", ".join(map(repr, value_type.labels))
            raise InvalidValueError(f"{shown(text)} is no label; it must be one of {allowed[:300]}.", value=text)
        return found

    return accept


# --- times
def _naive(value: dt.datetime, value_type: ValueType) -> dt.datetime:
    """Return an exact naive `datetime`; an aware one must be UTC."""
    if value.tzinfo is not None and value.utcoffset():
        raise InvalidValueError(
            f"{shown(value)} has a time zone; {value_type.text} holds times without one.",
            value=value, hint="Use value.astimezone(timezone.utc).",
        )  # fmt: skip
    return dt.datetime(value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond)


def as_moment(value: Any, value_type: ValueType) -> dt.datetime:
    """Return the naive moment that a date, a datetime, their numpy and pandas kin, or a text means.

    Raises
    ------
    InvalidValueError, InvalidTypeError
    """
    value = plain(value)
    if isinstance(value, dt.datetime):
        return _naive(value, value_type)
    if isinstance(value, dt.date):
        return dt.datetime(value.year, value.month, value.day)
    if isinstance(value, str):
        moment = dates.read_moment(value)
        if moment is None:
            raise InvalidValueError(
                f"{shown(value)} is no date or time; {value_type.text} takes for instance '2024-01-31 23:59:59'.",
                value=value,
            )
        return moment
    raise _wrong_type(value, value_type, "dates and times, or their text")


def as_duration(value: Any, value_type: ValueType) -> dt.timedelta:
    """Return the duration since midnight that a time, a timedelta or a text means.

    Raises
    ------
    InvalidValueError, InvalidTypeError
    """
    value = plain(value)
    if isinstance(value, dt.timedelta):
        return dt.timedelta(value.days, value.seconds, value.microseconds)
    if isinstance(value, dt.time):
        if value.tzinfo is not None and value.utcoffset():
            raise InvalidValueError(
                f"{shown(value)} has a time zone; {value_type.text} holds times without one.", value=value
            )
        return dt.timedelta(
            hours=value.hour, minutes=value.minute, seconds=value.second, microseconds=value.microsecond
        )
    if isinstance(value, str):
        duration = dates.read_duration(value)
        if duration is None:
            raise InvalidValueError(
                f"{shown(value)} is no time; {value_type.text} takes for instance '23:59:59'.", value=value
            )
        return duration
    raise _wrong_type(value, value_type, "times, or their text")


def _dates(value_type: ValueType) -> Acceptor:
    def accept(value: Any) -> dt.date:
        return value if type(value) is dt.date else as_moment(value, value_type).date()

    return accept


def _moments(value_type: ValueType) -> Acceptor:
    step = 10 ** (6 - value_type.digits)

    def accept(value: Any) -> dt.datetime:
        moment = value if type(value) is dt.datetime and value.tzinfo is None else as_moment(value, value_type)
        extra = moment.microsecond % step
        return moment.replace(microsecond=moment.microsecond - extra) if extra else moment

    return accept


def _times(value_type: ValueType) -> Acceptor:
    step = dt.timedelta(microseconds=10 ** (6 - value_type.digits))
    zero = dt.timedelta()

    def accept(value: Any) -> dt.timedelta:
        duration = as_duration(value, value_type)
        return duration - duration % step if duration >= zero else duration + (-duration) % step

    return accept


# --- the rest
def as_uuid(value: Any) -> UUID:
    """Return the UUID that `value` is or spells.

    Raises
    ------
    InvalidValueError, InvalidTypeError
    """
    if isinstance(value, UUID):
        return value
    value = plain(value)
    try:
        if isinstance(value, (bytes, bytearray, memoryview)) and len(bytes(value)) == _UUID_BYTES:
            return UUID(bytes=bytes(value))
        if isinstance(value, str):
            return UUID(value)
    except ValueError:
        pass
    kind = InvalidValueError if isinstance(value, (str, bytes, bytearray, memoryview)) else InvalidTypeError
    raise kind(f"Badly formed UUID value {shown(value)}; uuid takes a UUID, its text, or its 16 bytes.", value=value)


def _uuids(value_type: ValueType) -> Acceptor:  # noqa: ARG001 - all makers have one form
    return as_uuid


def _documents(value_type: ValueType) -> Acceptor:  # noqa: ARG001 - as above
    return to_json


def _binaries(value_type: ValueType) -> Acceptor:
    length = value_type.length

    def accept(value: Any) -> bytes:
        if not isinstance(value, (bytes, bytearray, memoryview)):
            hint = (
                None
                if value_type.core
                else "It stores raw bytes; to store Python objects, declare the attribute as <blob>."
            )
            raise InvalidTypeError(
                f"{shown(value)} is of type {type(value).__name__}; the native binary type {value_type.text} takes bytes, "
                "bytearray or memoryview.",
                value=value, hint=hint,
            )  # fmt: skip
        data = bytes(value)
        if length is not None and len(data) > length:
            raise InvalidValueError(f"The value has {len(data)} bytes; {value_type.text} takes {length} at most.")
        return data

    return accept


def _anything(value_type: ValueType) -> Acceptor:  # noqa: ARG001 - as above
    return plain


_MAKERS: dict[str, Callable[[ValueType], Acceptor]] = {
    "int": _integers, "year": _years, "float64": _floats64, "float32": _floats32, "decimal": _decimals, "bool": _bools,
    "char": _texts, "varchar": _texts, "text": _texts, "enum": _enums, "date": _dates, "datetime": _moments,
    "timestamp": _moments, "time": _times, "uuid": _uuids, "json": _documents, "bytes": _binaries, "unknown": _anything,
}  # fmt: skip
