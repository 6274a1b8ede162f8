"""JSON documents: written in one way, read in one way, compared as values."""

from __future__ import annotations

import json
import re
from enum import Enum
from typing import Any

from datajoint.errors import InvalidTypeError, InvalidValueError

_SMALLEST, _GREATEST = -(2**63), 2**64 - 1
_LONG_NUMBER = re.compile(r"\d{19}")
# What may hide a fault in a document that was written; only then is it walked through.
_SUSPECT = re.compile(r'\\u0000|\\ud[89a-f]|\d{19}|"(?:true|false|null)":', re.IGNORECASE)


def to_json(value: Any) -> str:
    """Return a document as JSON text.

    Raises
    ------
    InvalidTypeError
        For objects that JSON lacks, and for keys that are neither text nor numbers.
    InvalidValueError
        For NaN and infinity, integers beyond 64 bits, NUL and lone surrogates, and documents that hold themselves.
    """
    try:
        text = json.dumps(value, allow_nan=False, default=_plain)
    except TypeError as error:
        raise InvalidTypeError(f"The value cannot be written as JSON: {error}.", value=value) from error
    except (ValueError, RecursionError) as error:
        raise InvalidValueError(f"The value cannot be written as JSON: {error}.", value=value) from error
    if _SUSPECT.search(text):
        _check(value)
    return text


def from_json(text: str | bytes) -> Any:
    """Return the document of a JSON text; integers beyond 64 bits become floats."""
    if _LONG_NUMBER.search(text if isinstance(text, str) else text.decode()):
        return json.loads(text, parse_int=_bounded)
    return json.loads(text)


def same_document(left: Any, right: Any) -> bool:
    """Tell whether two documents are equal as JSON values: 1 is 1.0, true is not 1, order of keys does not matter."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same_document(v, right[k]) for k, v in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same_document, left, right))
    return bool(left == right)


def _bounded(digits: str) -> int | float:
    if len(digits) > 20 or not _SMALLEST <= int(digits) <= _GREATEST:  # noqa: PLR2004 - digits of 2**64, or a sign and 2**63
        return float(digits)
    return int(digits)


def _plain(value: Any) -> Any:
    """Give `json` the value of what it does not know: numpy scalars and enum members."""
    if isinstance(value, Enum) and isinstance(value.value, (str, int, float)):
        return value.value
    if type(value).__module__ == "numpy" and getattr(value, "ndim", None) == 0:
        return value.item()
    raise TypeError(f"an object of type {type(value).__name__} is no JSON value")


def _check(value: Any) -> None:
    """Raise for what JSON can write but an engine cannot hold."""
    if isinstance(value, str):
        if "\0" in value or any("\ud800" <= c <= "\udfff" for c in value):
            raise InvalidValueError("JSON text cannot hold a NUL character or a lone surrogate.", value=value)
    elif isinstance(value, int) and not isinstance(value, bool):
        if not _SMALLEST <= value <= _GREATEST:
            raise InvalidValueError(
                f"{value} is out of range; integers in JSON have 64 bits.", value=value, hint="Store a text."
            )
    elif isinstance(value, dict):
        for key, item in value.items():
            if key is None or isinstance(key, bool):
                raise InvalidTypeError(
                    f"The key {key!r} is of type {type(key).__name__}; keys are text or numbers.", value=key
                )
            _check(key)
            _check(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _check(item)
