"""Plausible values of any type, the same for the same number, different for different ones as far as the type allows."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

from datajoint.errors import DataJointError
from datajoint.heading import Attribute
from datajoint.values.model import ValueType

_EPOCH = dt.datetime(2024, 1, 1, 9, 0, 0)
_YEARS = 100
_DAY = 86_400
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def value_of(attribute: Attribute, number: int, table: str) -> Any:
    """Return the value number `number` of an attribute.

    Raises
    ------
    DataJointError
        For an attribute whose values cannot be made up, such as an attachment.
    """
    if attribute.codec is not None:
        if getattr(attribute.codec, "name", "") in ("blob", "npy", "hash", "object"):
            return _stored(attribute.codec.name, number)
        raise DataJointError(
            f"A value of {attribute.declared_type} for {attribute.name} cannot be made up.",
            table=table,
            attribute=attribute.name,
            hint=f"Give one: fill(…, {attribute.name}=…).",
        )
    kind = attribute.value_type
    match kind.kind:
        case "int":
            return _int(kind, number)
        case "float32" | "float64":
            return number * 0.5
        case "decimal":
            return Decimal(number % 10 ** (kind.precision or 10)).scaleb(-(kind.scale or 0))
        case "bool":
            return bool(number % 2)
        case "char" | "varchar" | "text":
            return _text(kind, number, attribute.name)
        case "enum":
            return kind.labels[number % len(kind.labels)]
        case "uuid":
            return uuid.uuid5(uuid.NAMESPACE_OID, f"{attribute.name}.{number}")
        case "json":
            return {attribute.name: number}
        case "bytes":
            return number.to_bytes(8, "big")
        case "date" | "datetime" | "timestamp" | "time" | "year":
            return _moment(kind.kind, number)
    raise DataJointError(
        f"A value of the type {attribute.type} for {attribute.name} cannot be made up.",
        table=table,
        attribute=attribute.name,
        hint=f"Give one: fill(…, {attribute.name}=…).",
    )


def _stored(codec: str, number: int) -> Any:
    if codec in ("hash", "object"):
        return number.to_bytes(8, "big")
    import numpy as np  # noqa: PLC0415 - only where arrays are made

    return np.arange(number, number + 4, dtype=float)


def _int(kind: ValueType, number: int) -> int:
    low = kind.low if kind.low is not None else 0
    high = kind.high if kind.high is not None else 2**31 - 1
    start = max(low, 0)
    return start + number % (high - start + 1)


def _text(kind: ValueType, number: int, name: str) -> str:
    text = f"{name}_{number}"
    if kind.length is None or len(text) <= kind.length:
        return text
    # A short attribute has as many values as digits can write.
    written = ""
    while number or not written:
        number, digit = divmod(number, len(_DIGITS))
        written = _DIGITS[digit] + written
    return written[-kind.length :]


def _moment(kind: str, number: int) -> Any:
    if kind == "date":
        return (_EPOCH + dt.timedelta(days=number)).date()
    if kind == "time":
        return dt.timedelta(seconds=60 * number % _DAY)
    return 2000 + number % _YEARS if kind == "year" else _EPOCH + dt.timedelta(hours=number)
