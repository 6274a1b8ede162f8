"""Converters that several engines share, between canonical Python values and what drivers give and take."""

from __future__ import annotations

import datetime as dt
import struct
from collections.abc import Callable, Iterable
from decimal import Decimal
from types import NoneType
from typing import Any
from uuid import UUID

from datajoint.errors import InvalidValueError

_FLOAT32 = struct.Struct("<f")
_SHORT, _LONG = 6, 9
_MAX_EXACT = 2**53


def shortest_float32(value: float) -> float:
    """Return the shortest decimal whose nearest float32 is `value`: 0.1 for 0.10000000149011612."""
    try:
        bits = _FLOAT32.pack(value)
    except OverflowError:
        return value
    for digits in range(_SHORT, _LONG):
        short = float(f"{value:.{digits}g}")
        try:
            if _FLOAT32.pack(short) == bits:
                return short
        except OverflowError:  # rounded up beyond the greatest float32
            continue
    return float(f"{value:.{_LONG}g}")


def whole_number(value: Any) -> int:
    """Return an int for a number that an integer expression yielded.

    Raises
    ------
    InvalidValueError
        If it is no integer, because the engine turned to floats on overflow.
    """
    if isinstance(value, float) and abs(value) >= _MAX_EXACT:
        raise InvalidValueError(
            f"An integer expression left the range of 64 bits: {value!r}.", hint="Multiply by 1.0 first."
        )
    whole = int(value)
    if whole != value:
        raise InvalidValueError(f"An integer expression yielded {value!r}.")
    return whole


def decimal_reader(scale: int | None) -> Callable[[Any], Decimal]:
    """Return what makes a Decimal with exactly `scale` digits of a number that a double carries exactly."""
    if scale is None:
        return lambda value: Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    limit = 10.0 ** (15 - scale)

    def read(value: Any) -> Decimal:
        if isinstance(value, int):
            return Decimal(f"{value}.{'0' * scale}" if scale else value)
        if abs(value) >= limit:
            raise InvalidValueError(
                f"{value!r} has more digits than this engine computes exactly.",
                hint="Multiply by 1e0 to compute in floats.",
            )
        return Decimal(f"{value:.{scale}f}")

    return read


def read_uuid(value: bytes) -> UUID:
    """Return the UUID of its 16 bytes."""
    return UUID(bytes=value)


def read_bytes(value: Any) -> bytes:
    """Return exact `bytes`."""
    return bytes(value)


class Expected:
    """Passes values of exactly one class and refuses what the driver could not make into one."""

    def __init__(self, kind: type, name: str) -> None:
        self.kind, self.name = kind, name

    def __call__(self, value: Any) -> Any:
        """Return `value` itself.

        Raises
        ------
        InvalidValueError
            If it is of another class.
        """
        if type(value) is self.kind:
            return value
        raise InvalidValueError(f"{value!r} cannot be held by Python's {self.name}.", value=value)

    def passes(self, column: Iterable[Any]) -> bool:
        """Tell whether every value of a column passes; NULL does."""
        return set(map(type, column)) <= {self.kind, NoneType}


def as_time(value: dt.timedelta) -> dt.time:
    """Return the time of day that a duration since midnight means.

    Raises
    ------
    InvalidValueError
        If it is negative, or not below 24 hours.
    """
    if value.days:
        raise InvalidValueError(
            f"{value} is out of range; time takes 00:00 to 23:59:59.999999 on this engine.", value=value
        )
    return (dt.datetime.min + value).time()
